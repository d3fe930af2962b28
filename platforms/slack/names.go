package slack

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// Events carry no names: they are asked for, and remembered.
const (
	namesMost   = 5000
	nameGood    = 12 * time.Hour
	nameMissing = 10 * time.Minute // before it is asked for again
)

// names is what people and channels are called.
type names struct {
	mu   sync.Mutex
	byID map[string]known
}

type known struct {
	name, kind string // kind: of a conversation, as events have it
	bot        bool
	until      time.Time
}

func (n *names) get(id string) (known, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	k, ok := n.byID[id]
	return k, ok && time.Now().Before(k.until)
}

func (n *names) put(id string, k known) {
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
	k.until = time.Now().Add(nameGood)
	if k.name == "" && k.kind == "" {
		k.until = time.Now().Add(nameMissing)
	}
	n.byID[id] = k
}

// chat remembers a conversation.
func (n *names) chat(c conversation) {
	name := c.Name
	if c.IM {
		name = ""
	}
	n.put(c.ID, known{name: name, kind: c.kind()})
}

// person is what somebody is called.
func (c *connector) person(ctx context.Context, id string) known {
	k, ok := c.names.get(id)
	if ok || ctx.Err() != nil {
		return k
	}
	var got struct {
		User struct {
			Name     string `json:"name"`
			RealName string `json:"real_name"`
			Bot      bool   `json:"is_bot"`
			Profile  struct {
				Display string `json:"display_name"`
				Real    string `json:"real_name"`
			} `json:"profile"`
		} `json:"user"`
	}
	err := c.api.do(ctx, nameTime, "users.info", url.Values{"user": {id}}, &got)
	u := got.User
	for _, name := range []string{u.Profile.Display, u.Profile.Real, u.RealName, u.Name} {
		if k.name == "" {
			k.name = strings.TrimSpace(name)
		}
	}
	k.bot = u.Bot
	if err == nil || wordOf(err) != "" && platforms.KindOf(err) == platforms.Rejected {
		c.names.put(id, k)
	}
	return k
}

// chat is what a conversation is called, and its kind.
func (c *connector) chat(ctx context.Context, id string) known {
	k, ok := c.names.get(id)
	if ok || ctx.Err() != nil {
		return k
	}
	var got struct {
		Channel conversation `json:"channel"`
	}
	err := c.api.do(ctx, nameTime, "conversations.info", url.Values{"channel": {id}}, &got)
	if err == nil && got.Channel.ID == id {
		c.names.chat(got.Channel)
	} else if wordOf(err) != "" && platforms.KindOf(err) == platforms.Rejected {
		c.names.put(id, known{})
	}
	k, _ = c.names.get(id)
	return k
}

// unnamed is where a text mentions somebody whose name is to be found.
var unnamed = regexp.MustCompile("\x00([UWC][A-Z0-9]{2,30})\x00")

// dress puts names into ev. What can't be had in time, or at all, is replaced.
func (c *connector) dress(ctx context.Context, ev *platforms.Event) {
	if id := string(ev.From.ID); ev.From.Name == "" && id != "" {
		k := c.person(ctx, id)
		ev.From.Name, ev.From.Bot = k.name, ev.From.Bot || k.bot
		if k.name == "" {
			ev.From.Name = "Somebody (" + tail(id) + ")"
		}
	}
	looked := 0
	ev.Text = unnamed.ReplaceAllStringFunc(ev.Text, func(m string) string {
		id := strings.Trim(m, "\x00")
		var name string
		if looked++; looked <= 20 {
			if id[0] == 'C' {
				name = c.chat(ctx, id).name
			} else {
				name = c.person(ctx, id).name
			}
		}
		if name == "" {
			name = id
		}
		if id[0] == 'C' {
			return "#" + name
		}
		return "@" + name
	})
	if ev.Conversation.ID == "" || ev.Conversation.Title != "" {
		return
	}
	if ev.Conversation.Kind == "" {
		ev.Conversation.Kind = kindOf(c.chat(ctx, string(ev.Conversation.ID)).kind, string(ev.Conversation.ID))
	}
	if ev.Conversation.Kind == platforms.Direct {
		ev.Conversation.Title = ev.From.Name
		return
	}
	ev.Conversation.Title = c.chat(ctx, string(ev.Conversation.ID)).name
	if ev.Conversation.Kind == platforms.Channel && ev.Conversation.Title != "" {
		ev.Conversation.Title = "#" + ev.Conversation.Title
	}
}

func tail(id string) string { return id[max(0, len(id)-4):] }

// kindOf is a conversation's kind, from Slack's word for it or else its id.
func kindOf(word, id string) platforms.ConversationKind {
	switch {
	case word == "im" || word == "" && strings.HasPrefix(id, "D"):
		return platforms.Direct
	case word == "mpim":
		return platforms.Group
	case word != "" || strings.HasPrefix(id, "C"):
		return platforms.Channel
	}
	return ""
}
