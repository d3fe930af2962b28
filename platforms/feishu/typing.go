package feishu

import (
	"context"
	"net/http"
	"sync"
	"time"

	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"

	"github.com/postern/postern/platforms"
)

// The platform has no typing sign for bots. A reaction to the last message that
// came in a conversation takes its place, and goes when the answer is there.

// emojiTyping is a reaction that shows typing.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message-reaction/emojis-introduce
const emojiTyping = "Typing"

const (
	typingMost = 200             // signs that are remembered
	tidyEvery  = 5 * time.Second // how often those that nobody wants are taken away
)

// typing is the signs that are shown.
type typing struct {
	mu    sync.Mutex
	signs map[platforms.ConversationID]sign
}

type sign struct {
	message, reaction string
	until             time.Time
}

// renew lets the sign at this message stay, and reports whether there is one.
func (t *typing) renew(c platforms.ConversationID, message string, until time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.signs[c]
	if !ok || s.message != message {
		return false
	}
	s.until = until
	t.signs[c] = s
	return true
}

// put remembers a sign and gives the one that it replaces, or makes room by.
func (t *typing) put(c platforms.ConversationID, s sign) (old sign, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.signs == nil {
		t.signs = map[platforms.ConversationID]sign{}
	}
	if old, ok = t.signs[c]; !ok && len(t.signs) >= typingMost {
		for k, v := range t.signs {
			old, ok = v, true
			delete(t.signs, k)
			break
		}
	}
	t.signs[c] = s
	return old, ok
}

func (t *typing) take(c platforms.ConversationID) (sign, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.signs[c]
	delete(t.signs, c)
	return s, ok
}

// over takes the signs whose time is over.
func (t *typing) over(now time.Time) (out []sign) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c, s := range t.signs {
		if now.After(s.until) {
			out = append(out, s)
			delete(t.signs, c)
		}
	}
	return out
}

// Typing is platforms.Typer's. Where nothing was heard in a conversation since
// the program started, there is nothing to show a sign at.
func (c *connector) Typing(ctx context.Context, id platforms.ConversationID, _ platforms.ThreadID) error {
	message := string(c.recent.lastIn(id))
	until := time.Now().Add(limits().Typing)
	if message == "" || c.typing.renew(id, message, until) {
		return nil
	}
	var got larkim.CreateMessageReactionRespData
	emoji := emojiTyping
	err := c.api.do(ctx, callTime, call{method: http.MethodPost, path: "/open-apis/im/v1/messages/" + message + "/reactions",
		body: larkim.CreateMessageReactionReqBody{ReactionType: &larkim.Emoji{EmojiType: &emoji}}}, &got)
	if err != nil {
		return err
	}
	if reaction := str(got.ReactionId); reaction != "" {
		if old, ok := c.typing.put(id, sign{message, reaction, until}); ok {
			c.remove(ctx, old)
		}
	}
	return nil
}

// endTyping takes the sign away: the answer is there.
func (c *connector) endTyping(ctx context.Context, id platforms.ConversationID) {
	if s, ok := c.typing.take(id); ok {
		c.remove(ctx, s)
	}
}

func (c *connector) remove(ctx context.Context, s sign) {
	err := c.api.do(ctx, callTime, call{method: http.MethodDelete,
		path: "/open-apis/im/v1/messages/" + s.message + "/reactions/" + s.reaction}, nil)
	if err != nil {
		c.log.warn(ctx, "feishu: a typing sign stays", err)
	}
}

// tidy takes away signs to which no answer came, until ctx ends.
func (c *connector) tidy(ctx context.Context) error {
	t := time.NewTicker(tidyEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case now := <-t.C:
			for _, s := range c.typing.over(now) {
				c.remove(ctx, s)
			}
		}
	}
}
