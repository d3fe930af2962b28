package line

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// event is a webhook event: the fields of all kinds that are of use.
// https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects
type event struct {
	Type       string  `json:"type"`
	ID         string  `json:"webhookEventId"`
	Timestamp  int64   `json:"timestamp"` // milliseconds
	Source     source  `json:"source"`
	ReplyToken string  `json:"replyToken"`
	Message    message `json:"message"`
	Unsend     struct {
		MessageID string `json:"messageId"`
	} `json:"unsend"`
	Postback struct {
		Data   string            `json:"data"`
		Params map[string]string `json:"params"`
	} `json:"postback"`
	Follow struct {
		IsUnblocked bool `json:"isUnblocked"`
	} `json:"follow"`
	Joined members `json:"joined"`
	Left   members `json:"left"`
}

type source struct {
	Type    string `json:"type"`
	UserID  string `json:"userId"`
	GroupID string `json:"groupId"`
	RoomID  string `json:"roomId"`
}

type members struct {
	Members []source `json:"members"`
}

// message is a message event's content.
type message struct {
	ID              string `json:"id"`
	Type            string `json:"type"`
	Text            string `json:"text"`
	QuoteToken      string `json:"quoteToken"`
	QuotedMessageID string `json:"quotedMessageId"`
	Mention         struct {
		Mentionees []struct {
			IsSelf bool `json:"isSelf"`
		} `json:"mentionees"`
	} `json:"mention"`
	ContentProvider struct {
		Type string `json:"type"`
	} `json:"contentProvider"`
	ImageSet struct {
		Index int `json:"index"`
		Total int `json:"total"`
	} `json:"imageSet"`
	FileName  string   `json:"fileName"`
	FileSize  int64    `json:"fileSize"`
	Title     string   `json:"title"`
	Address   string   `json:"address"`
	Latitude  float64  `json:"latitude"`
	Longitude float64  `json:"longitude"`
	Keywords  []string `json:"keywords"`
}

// ids is the form of the ids of users, groups and rooms.
var ids = regexp.MustCompile(`^[UCR][0-9a-f]{32}$`)

// numbers is the form of messages' ids.
var numbers = regexp.MustCompile(`^[0-9]{1,40}$`)

// token is a ReplyToken: what answering an event needs.
type token struct {
	Reply   string `json:"r,omitempty"` // answers once
	Until   int64  `json:"u,omitempty"` // milliseconds of Unix time
	Quote   string `json:"q,omitempty"`
	Message string `json:"m,omitempty"` // that Quote is of
}

// replyLife is how long a reply token is used: LINE gives it one minute, which
// begins before the event is here.
// https://developers.line.biz/en/reference/messaging-api/#send-reply-message-reply-token
const replyLife = 50 * time.Second

// convert puts a webhook event in the contract's form, and gives what quotes its
// message. It is false for what tells nothing to a person. known says whether a
// message is the bot's own; sent is the message that a button's tag belongs to.
func convert(raw json.RawMessage, now time.Time, own func(platforms.MessageID) bool, sent func(tag string) platforms.MessageID) (ev platforms.Event, ok bool) {
	var e event
	// A field of another type than documented leaves the others read: what is not
	// converted is answered like what was stored, and never comes again.
	var shape *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, &e); err != nil && !errors.As(err, &shape) || e.ID == "" {
		return ev, false
	}
	ev = platforms.Event{ID: platforms.EventID("event:" + text.Line(e.ID, 80)), Time: time.UnixMilli(e.Timestamp), From: platforms.User{ID: platforms.UserID(e.Source.UserID)}}
	switch e.Source.Type {
	case "user":
		ev.Conversation = platforms.Conversation{ID: platforms.ConversationID(e.Source.UserID), Kind: platforms.Direct}
		ev.Mentioned = true
	case "group":
		ev.Conversation = platforms.Conversation{ID: platforms.ConversationID(e.Source.GroupID), Kind: platforms.Group}
	case "room":
		ev.Conversation = platforms.Conversation{ID: platforms.ConversationID(e.Source.RoomID), Kind: platforms.Group}
	}
	if !ids.MatchString(string(ev.Conversation.ID)) || ev.From.ID != "" && !ids.MatchString(string(ev.From.ID)) {
		return ev, false
	}
	t := token{Reply: e.ReplyToken}
	switch e.Type {
	case "message", "messageEdited":
		ev.Kind = platforms.MessageReceived
		if e.Type == "messageEdited" {
			ev.Kind = platforms.MessageEdited
		}
		if !numbers.MatchString(e.Message.ID) {
			return ev, false
		}
		ev.Message = platforms.MessageID(e.Message.ID)
		t.Quote, t.Message = e.Message.QuoteToken, e.Message.ID
		e.Message.into(&ev, own)
	case "unsend":
		// The words are to be forgotten, so the message becomes an empty one:
		// https://developers.line.biz/en/docs/messaging-api/development-guidelines/#webhook-unsend-message
		ev.Kind, ev.Message, ev.Note = platforms.MessageEdited, platforms.MessageID(e.Unsend.MessageID), "unsent"
		if !numbers.MatchString(e.Unsend.MessageID) {
			return ev, false
		}
	case "postback":
		// Of the bot's own messages, or of a rich menu, which whoever owns the account
		// makes. People can send none: what LIFF sends for them has no such action,
		// https://developers.line.biz/en/reference/liff/#send-messages.
		ev.Kind, ev.Mentioned = platforms.ButtonClicked, true
		data, tag := untag(e.Postback.Data)
		ev.Click = &platforms.Click{Data: data}
		if tag != "" {
			ev.Message = sent(tag)
		}
		for _, k := range []string{"date", "time", "datetime"} { // from a rich menu's date picker
			if v := e.Postback.Params[k]; v != "" {
				ev.Note = text.Line(v, 80)
			}
		}
	default:
		if ev.Note = membership(e, &ev); ev.Note == "" {
			return ev, false
		}
		ev.Kind = platforms.MembershipChanged
	}
	if t.Reply != "" {
		t.Until = now.Add(replyLife).UnixMilli()
	}
	if t.Reply != "" || t.Quote != "" {
		b, _ := json.Marshal(t) // strings and a number can't fail
		ev.Reply = platforms.ReplyToken(b)
	}
	return ev, true
}

// into puts a message's content into ev.
func (m message) into(ev *platforms.Event, own func(platforms.MessageID) bool) {
	ev.Text = m.Text
	if numbers.MatchString(m.QuotedMessageID) {
		ev.ReplyTo = platforms.MessageID(m.QuotedMessageID)
		ev.Mentioned = ev.Mentioned || own(ev.ReplyTo)
	}
	for _, who := range m.Mention.Mentionees {
		ev.Mentioned = ev.Mentioned || who.IsSelf
	}
	media := platforms.Attachment{Ref: m.ID}
	switch m.Type {
	case "text":
		return
	case "image":
		media.Name, media.MediaType = "photo-"+m.ID+".jpg", "image/jpeg"
		if m.ImageSet.Total > 1 && m.ImageSet.Index > 0 {
			ev.Note = fmt.Sprintf("%d of %d", m.ImageSet.Index, m.ImageSet.Total)
		}
	case "video":
		media.Name, media.MediaType = "video-"+m.ID+".mp4", "video/mp4"
	case "audio":
		media.Name, media.MediaType = "audio-"+m.ID+".m4a", "audio/x-m4a"
	case "file":
		media.Name, media.Size = m.FileName, max(0, m.FileSize)
	case "location":
		ev.Note = "location: " + strings.Join(parts(m.Title, m.Address, fmt.Sprintf("%.6f, %.6f", m.Latitude, m.Longitude)), "; ")
		return
	case "sticker":
		ev.Note = "sticker"
		if words := parts(m.Keywords...); len(words) > 0 {
			ev.Note += ": " + strings.Join(words, ", ")
		}
		return
	default:
		ev.Note = "a message of a kind that is not known here: " + text.Line(m.Type, 40)
		return
	}
	if m.ContentProvider.Type == "external" {
		// A stranger would choose what this computer fetches.
		ev.Note = m.Type + " on another server, which is not fetched"
		return
	}
	ev.Attachments = []platforms.Attachment{media}
}

// parts is what is not empty, each fit for one line.
func parts(words ...string) (out []string) {
	for _, w := range words {
		if w = text.Line(w, 100); w != "" && len(out) < 15 {
			out = append(out, w)
		}
	}
	return out
}

// membership says what changed, or nothing for other events.
func membership(e event, ev *platforms.Event) string {
	several := func(m members, words string) string {
		if len(m.Members) == 0 || !ids.MatchString(m.Members[0].UserID) {
			return ""
		}
		ev.From = platforms.User{ID: platforms.UserID(m.Members[0].UserID)}
		if n := len(m.Members) - 1; n > 0 {
			words += fmt.Sprintf(", and %d more", n)
		}
		return words
	}
	switch e.Type {
	case "follow":
		if e.Follow.IsUnblocked {
			return "unblocked the bot"
		}
		return "added the bot as a friend"
	case "unfollow":
		return "blocked the bot"
	case "join":
		return "the bot was added"
	case "leave":
		return "the bot was removed"
	case "memberJoined":
		return several(e.Joined, "joined the group")
	case "memberLeft":
		return several(e.Left, "left the group")
	}
	return ""
}

// received converts an event, and remembers what quotes its message.
func (c *connector) received(raw json.RawMessage, now time.Time) (platforms.Event, bool) {
	ev, ok := convert(raw, now,
		func(id platforms.MessageID) bool { q, _ := c.quotes.get(string(id)); return q.own },
		func(tag string) platforms.MessageID { id, _ := c.tags.get(tag); return id })
	if ok {
		if t := parseReply(ev.Reply); t.Quote != "" {
			c.quotes.put(t.Message, quote{token: t.Quote})
		}
	}
	return ev, ok
}

// parseReply reads a ReplyToken of ours; any other gives nothing.
func parseReply(r platforms.ReplyToken) (t token) {
	if json.Unmarshal([]byte(r), &t) != nil {
		return token{}
	}
	return t
}
