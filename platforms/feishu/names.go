package feishu

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// Events carry no names: they are asked for, and remembered.
const (
	namesMost   = 2000
	nameGood    = 12 * time.Hour
	nameMissing = 10 * time.Minute // before it is asked for again
	nameFailed  = time.Minute      // the same, where the question failed
)

// names is what people and groups are called.
type names struct {
	mu   sync.Mutex
	byID map[string]known
}

type known struct {
	name  string
	until time.Time
}

func (n *names) get(id string) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.byID[id]
	return k.name, ok && time.Now().Before(k.until)
}

func (n *names) put(id, name string, good time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for old := range n.byID {
		if len(n.byID) < namesMost {
			break
		}
		delete(n.byID, old)
	}
	if n.byID == nil {
		n.byID = map[string]known{}
	}
	n.byID[id] = known{name, time.Now().Add(good)}
}

// name puts names into ev. What can't be had in time, or at all, is replaced.
func (c *connector) name(ctx context.Context, ev *platforms.Event) {
	if ev.From.ID != "" && ev.From.Name == "" {
		ev.From.Name = c.person(ctx, string(ev.From.ID))
	}
	if ev.Conversation.Title != "" || ev.Conversation.ID == "" {
		return
	}
	if ev.Conversation.Kind == platforms.Direct {
		c.names.put(string(ev.Conversation.ID), direct, nameGood)
		ev.Conversation.Title = ev.From.Name
		return
	}
	chat, direct := c.chat(ctx, string(ev.Conversation.ID))
	ev.Conversation.Title = chat
	if direct { // a click does not say so
		ev.Conversation.Kind, ev.Conversation.Title = platforms.Direct, ev.From.Name
	}
}

// person is the name of a person with this open_id.
func (c *connector) person(ctx context.Context, id string) string {
	name, ok := c.names.get(id)
	if !ok && ctx.Err() == nil {
		var got struct {
			User struct {
				Name string `json:"name"`
			} `json:"user"`
		}
		err := c.api.do(ctx, nameTime, call{method: http.MethodGet, path: "/open-apis/contact/v3/users/" + url.PathEscape(id),
			query: url.Values{"user_id_type": {"open_id"}}}, &got)
		name = got.User.Name
		c.names.put(id, name, lasts(name, err))
	}
	if name == "" {
		name = "Somebody (" + tail(id) + ")"
	}
	return name
}

// direct is the remembered title of a chat that is no group.
const direct = "\x00"

// chat is a group's title, and whether it is a conversation of two.
func (c *connector) chat(ctx context.Context, id string) (string, bool) {
	name, ok := c.names.get(id)
	if !ok && ctx.Err() == nil {
		var got struct {
			Name string `json:"name"`
			Mode string `json:"chat_mode"`
		}
		err := c.api.do(ctx, nameTime, call{method: http.MethodGet, path: "/open-apis/im/v1/chats/" + url.PathEscape(id)}, &got)
		if name = got.Name; got.Mode == "p2p" {
			name = direct
		}
		c.names.put(id, name, lasts(name, err))
	}
	if name == direct {
		return "", true
	}
	return name, false
}

// lasts is how long an answer to the question for a name is good.
func lasts(name string, err error) time.Duration {
	switch {
	case name != "":
		return nameGood
	case err == nil || answered(err):
		return nameMissing
	}
	return nameFailed
}

// answered reports whether err is the platform's answer, which would be the
// same again.
func answered(err error) bool {
	k := platforms.KindOf(err)
	return k == platforms.Rejected || k == platforms.Unauthorized
}

// tail is the last characters of an id, by which two people can be told apart.
func tail(id string) string {
	if len(id) > 6 {
		id = id[len(id)-6:]
	}
	return strings.ToValidUTF8(id, "")
}

// Bounds of what is remembered of conversations.
const (
	recentChats = 1000
	recentSent  = 1000
)

// recent is what was last said, as far as it is needed: the last message in each
// conversation, and which messages are the bot's.
type recent struct {
	mu   sync.Mutex
	last map[platforms.ConversationID]platforms.MessageID
	sent map[platforms.MessageID][]choice // with their buttons
}

func (r *recent) heard(c platforms.ConversationID, m platforms.MessageID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[platforms.ConversationID]platforms.MessageID{}
	}
	r.last[c] = m
	for old := range r.last {
		if len(r.last) <= recentChats {
			break
		}
		if old != c {
			delete(r.last, old)
		}
	}
}

func (r *recent) lastIn(c platforms.ConversationID) platforms.MessageID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last[c]
}

func (r *recent) wrote(m platforms.MessageID, choices []choice) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sent == nil {
		r.sent = map[platforms.MessageID][]choice{}
	}
	r.sent[m] = choices
	for old := range r.sent {
		if len(r.sent) <= recentSent {
			break
		}
		if old != m {
			delete(r.sent, old)
		}
	}
}

func (r *recent) own(m platforms.MessageID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.sent[m]
	return ok
}

// choices is the buttons of a message of the bot's, and whether it is remembered.
func (r *recent) choices(m platforms.MessageID) ([]choice, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.sent[m]
	return c, ok
}
