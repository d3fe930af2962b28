package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Buttons of Mattermost's own need an address that the server can call. Where
// there is none, a button is a line of the text with a number: people choose by
// the reaction of that number, which the bot has put there, or by answering with
// it. What the numbers mean stands in the post itself, so that it is still known
// after a restart, and is believed of the bot's own posts only.

// digits is the names of the reactions, in order.
var digits = [...]string{"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten"}

// propButtons is where a post carries its buttons.
const propButtons = "postern_buttons"

// recent is the bot's newest post with buttons in each place. Its zero value is
// ready.
type recent struct {
	mu sync.Mutex
	at map[string]string // channel, or channel and root → post
}

func where(channel, root string) string { return channel + "/" + root }

func (r *recent) put(channel, root, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keep(&r.at, where(channel, root), id)
	keep(&r.at, where(channel, ""), id)
}

func (r *recent) get(channel, root string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at[where(channel, root)]
}

// in reports whether the bot has a post with buttons in a channel: a reaction
// there does not move the channel's own time.
func (r *recent) in(channel string) bool { return r.get(channel, "") != "" }

// listed writes buttons below a text, in its format, and says what the numbers
// mean. Those that open an address have none.
func listed(m platforms.Message) (lines string, data []string) {
	var b strings.Builder
	for _, row := range m.Buttons {
		for _, o := range row {
			label := escape(text.Line(o.Label, 200))
			if o.URL != "" {
				fmt.Fprintf(&b, "\n%s: %s", label, link(o.URL))
				continue
			}
			data = append(data, o.Data)
			fmt.Fprintf(&b, "\n%d\\. %s", len(data), label)
		}
	}
	return b.String(), data
}

// choices is what the numbers of a post mean, nil if it is not the bot's own.
func choices(p post, me string) []string {
	if p.UserID != me || p.Props["from_webhook"] != nil {
		return nil
	}
	list, _ := p.Props[propButtons].([]any)
	var out []string
	for _, v := range list {
		s, ok := v.(string)
		if !ok {
			return nil
		}
		out = append(out, s)
	}
	return out
}

func reactionID(re reaction) platforms.EventID {
	return platforms.EventID(fmt.Sprintf("reaction:%s:%s:%s:%d", re.PostID, re.UserID, re.Emoji, re.CreateAt))
}

// pressed makes a click of a reaction under one of the bot's posts.
func (r *run) pressed(ctx context.Context, re reaction) (platforms.Event, bool) {
	n := 0
	for i, name := range digits {
		if re.Emoji == name {
			n = i + 1
		}
	}
	if n == 0 || re.UserID == r.me.ID || !isID(re.PostID) {
		return platforms.Event{}, false
	}
	p, ok := r.c.post(ctx, re.PostID)
	if !ok {
		return platforms.Event{}, false
	}
	data := choices(p, r.me.ID)
	if n > len(data) {
		return platforms.Event{}, false
	}
	return platforms.Event{
		ID: reactionID(re), Kind: platforms.ButtonClicked, Time: time.UnixMilli(re.CreateAt).UTC(),
		Conversation: conversation(r.c.channel(ctx, p.ChannelID), r.me), Thread: platforms.ThreadID(p.RootID),
		Message: platforms.MessageID(p.ID), From: r.c.user(ctx, re.UserID).who(), Mentioned: true,
		Click: &platforms.Click{Data: data[n-1]},
	}, true
}

// chosen makes a click of an answer that is a number, where the bot asked: the
// thread's first post, or the newest one with buttons.
func (r *run) chosen(ctx context.Context, p post, ev *platforms.Event) {
	n, err := strconv.Atoi(strings.TrimRight(strings.TrimSpace(p.Message), "."))
	if err != nil || n < 1 || n > len(digits) || len(ev.Attachments) > 0 {
		return
	}
	candidates := []string{r.c.posts.get(p.ChannelID, p.RootID), p.RootID}
	if p.RootID == "" && ev.Conversation.Kind != platforms.Direct && candidates[0] == "" {
		return
	}
	if p.RootID == "" && candidates[0] == "" { // after a restart: what stands above it
		candidates = append(candidates, r.c.asked(ctx, p, r.me.ID))
	}
	for _, id := range candidates {
		if id == "" || !isID(id) {
			continue
		}
		q, ok := r.c.post(ctx, id)
		if !ok {
			continue
		}
		if data := choices(q, r.me.ID); n <= len(data) {
			ev.Kind, ev.Click, ev.Message, ev.Mentioned = platforms.ButtonClicked, &platforms.Click{Data: data[n-1]}, platforms.MessageID(q.ID), true
			return
		}
	}
}

// asked is the bot's newest post with buttons among the few above p.
func (c *connector) asked(ctx context.Context, p post, me string) string {
	var got postList
	path := fmt.Sprintf("channels/%s/posts?before=%s&per_page=5", p.ChannelID, p.ID)
	if c.api.call(ctx, nameTime, http.MethodGet, path, nil, &got) != nil {
		return ""
	}
	for _, id := range got.Order {
		if q := got.Posts[id]; choices(q, me) != nil {
			return id
		}
	}
	return ""
}

func (c *connector) post(ctx context.Context, id string) (post, bool) {
	var p post
	err := c.api.call(ctx, callTime, http.MethodGet, "posts/"+id, nil, &p)
	return p, err == nil && p.ID == id
}
