package mattermost

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// scene is what is known around a post.
type scene struct {
	me       user
	channel  channel
	from     user
	mentions []string // user ids
	answers  bool     // it is a reply to the bot
}

// idOf is the id of a post as it is now; each change of it has its own.
func idOf(p post, edited bool) platforms.EventID {
	if edited {
		return platforms.EventID(fmt.Sprintf("post:%s:%d", p.ID, p.EditAt))
	}
	return platforms.EventID("post:" + p.ID)
}

// convert makes an event of a post, or of its change. It is false for what
// nobody wrote and everybody sees.
func convert(p post, edited bool, s scene) (platforms.Event, bool) {
	ev := platforms.Event{
		ID: idOf(p, edited), Kind: platforms.MessageReceived, Time: time.UnixMilli(p.CreateAt).UTC(),
		Conversation: conversation(s.channel, s.me),
		Thread:       platforms.ThreadID(p.RootID),
		Message:      platforms.MessageID(p.ID),
		From:         s.from.who(),
		Own:          p.UserID == s.me.ID,
		Text:         p.Message,
	}
	if edited {
		ev.Kind, ev.Time = platforms.MessageEdited, time.UnixMilli(p.EditAt).UTC()
	}
	if p.RootID != "" {
		ev.ReplyTo = platforms.MessageID(p.RootID)
	}
	ev.From.Bot = ev.From.Bot || machine(p)
	switch {
	case p.DeleteAt != 0 || p.ID == "" || p.ChannelID == "":
		return ev, false
	case p.Type == "system_add_to_channel" || p.Type == "system_remove_from_channel":
		about, _ := p.Props["addedUserId"].(string)
		note := "the bot was added"
		if p.Type == "system_remove_from_channel" {
			about, _ = p.Props["removedUserId"].(string)
			note = "the bot was removed"
		}
		if about != s.me.ID {
			return ev, false
		}
		ev.Kind, ev.Text, ev.Note, ev.Own = platforms.MembershipChanged, "", note, false
		return ev, true
	case strings.HasPrefix(p.Type, "system_"):
		return ev, false
	case p.Type != "" && p.Type != "me" && p.Type != "slack_attachment":
		ev.Note = "a message of the kind " + text.Line(p.Type, 60)
	}
	for _, f := range p.Metadata.Files {
		ev.Attachments = append(ev.Attachments, platforms.Attachment{Ref: f.ID, Name: f.Name, MediaType: f.MediaType, Size: max(0, f.Size)})
	}
	if known := len(p.Metadata.Files); known < len(p.FileIDs) { // an old server names them only
		for i, id := range p.FileIDs[known:] {
			ev.Attachments = append(ev.Attachments, platforms.Attachment{Ref: id, Name: fmt.Sprintf("file-%d", known+i+1)})
		}
	}
	ev.Mentioned = ev.Conversation.Kind == platforms.Direct || s.answers || slices.Contains(s.mentions, s.me.ID) || mentions(p.Message, s.me.Username)
	if ev.Own {
		ev.Mentioned = false
	}
	return ev, true
}

// machine reports whether a program wrote a post, by the person's right whose id it
// bears: whoever has the address of an incoming webhook writes as the one who made
// it. https://developers.mattermost.com/integrate/webhooks/incoming/
func machine(p post) bool {
	for _, name := range []string{"from_webhook", "from_plugin", "from_oauth_app", "from_bot"} {
		switch v := p.Props[name].(type) {
		case bool:
			if v {
				return true
			}
		case string:
			if v != "" && v != "false" {
				return true
			}
		}
	}
	return false
}

// mentions reports whether words address a user name.
func mentions(words, name string) bool {
	if name == "" {
		return false
	}
	lower := strings.ToLower(words)
	for at := 0; ; {
		i := strings.Index(lower[at:], "@"+strings.ToLower(name))
		if i < 0 {
			return false
		}
		at += i + 1 + len(name)
		if rest := strings.TrimLeft(lower[at:], "."); rest == lower[at:] || rest == "" || rest[0] == ' ' {
			if rest == "" || !wordByte(rest[0]) {
				return true
			}
		}
	}
}

func wordByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-'
}

func conversation(ch channel, me user) platforms.Conversation {
	c := platforms.Conversation{ID: platforms.ConversationID(ch.ID), Kind: platforms.Channel, Title: ch.DisplayName}
	switch ch.Type {
	case "D":
		c.Kind = platforms.Direct
		if strings.Contains(ch.DisplayName, "__") || ch.DisplayName == ch.Name {
			c.Title = ""
		}
		c.Title = strings.TrimPrefix(c.Title, "@")
	case "G", "P":
		c.Kind = platforms.Group
	}
	return c
}
