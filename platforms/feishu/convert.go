package feishu

import (
	"encoding/json"
	"regexp"
	"strconv"
	"time"

	larkcallback "github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"
	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"

	"github.com/postern/postern/platforms"
)

// This file is pure: a pushed event's JSON in, an event out.

// The types of events that are converted. All others are passed over.
const (
	typeMessage = "im.message.receive_v1"
	typeAdded   = "im.chat.member.bot.added_v1"
	typeRemoved = "im.chat.member.bot.deleted_v1"
	typeClick   = "card.action.trigger"
)

// unreadable is the note of an event that could not be decoded.
const unreadable = "could not be read"

// header is an event's, of schema 2.0.
type header struct {
	Schema string `json:"schema"`
	Header struct {
		ID   string `json:"event_id"`
		Type string `json:"event_type"`
		Time string `json:"create_time"`
	} `json:"header"`
}

// convert turns a pushed event into the contract's. It is false for what needs
// no storing.
func convert(payload []byte, me bot, now time.Time) (platforms.Event, bool) {
	var h header
	if json.Unmarshal(payload, &h) != nil {
		return platforms.Event{}, false
	}
	switch h.Header.Type {
	case typeMessage:
		return received(payload, h, me, now)
	case typeAdded, typeRemoved:
		return membership(payload, h, me, now)
	case typeClick:
		return click(payload, h, me, now)
	case "":
		return oldClick(payload, me, now)
	}
	return platforms.Event{}, false
}

func received(payload []byte, h header, me bot, now time.Time) (platforms.Event, bool) {
	var e larkim.P2MessageReceiveV1
	if json.Unmarshal(payload, &e) != nil || e.Event == nil || e.Event.Message == nil {
		return salvage(payload, now)
	}
	m := e.Event.Message
	if str(m.MessageId) == "" || str(m.ChatId) == "" {
		return salvage(payload, now)
	}
	in := written{
		id: str(m.MessageId), root: str(m.RootId), parent: str(m.ParentId), thread: str(m.ThreadId),
		chat: str(m.ChatId), direct: str(m.ChatType) == "p2p", kind: str(m.MessageType), content: str(m.Content),
		time: moment(str(m.CreateTime), moment(h.Header.Time, now)),
	}
	if s := e.Event.Sender; s != nil {
		in.byApp = str(s.SenderType) != "user"
		if s.SenderId != nil {
			in.sender = str(s.SenderId.OpenId)
		}
	}
	for _, n := range m.Mentions {
		if n == nil {
			continue
		}
		v := mention{key: str(n.Key), name: str(n.Name)}
		if n.Id != nil {
			v.id = str(n.Id.OpenId)
		}
		in.mentions = append(in.mentions, v)
	}
	return in.event(me)
}

// written is a message, from an event or from a chat's history.
type written struct {
	id, root, parent, thread string
	chat                     string
	direct                   bool
	sender                   string // an open_id
	byApp                    bool
	kind, content            string
	mentions                 []mention
	time                     time.Time
}

// mention is somebody whom a message addresses.
type mention struct{ key, id, name string }

func (w written) event(me bot) (platforms.Event, bool) {
	ev := platforms.Event{
		ID: platforms.EventID("message:" + w.id), Kind: platforms.MessageReceived, Time: w.time,
		Conversation: platforms.Conversation{ID: platforms.ConversationID(w.chat), Kind: platforms.Group},
		Message:      platforms.MessageID(w.id), ReplyTo: platforms.MessageID(w.parent),
		From: platforms.User{ID: platforms.UserID(w.sender), Bot: w.byApp},
		Own:  w.sender != "" && w.sender == me.OpenID,
	}
	if w.direct {
		ev.Conversation.Kind, ev.Mentioned = platforms.Direct, true
	}
	if w.thread != "" {
		ev.Thread = topic(w)
	}
	for _, n := range w.mentions {
		ev.Mentioned = ev.Mentioned || n.id != "" && n.id == me.OpenID
	}
	c := read(w)
	ev.Text, ev.Attachments, ev.Note = c.text, c.files, c.note
	if ev.Text == "" && len(ev.Attachments) == 0 && ev.Note == "" {
		ev.Note = "something that this version can't show"
	}
	return ev, true
}

// topic is the id of a topic: that of its first message, by which it can be
// answered without asking for anything.
func topic(w written) platforms.ThreadID {
	if w.root != "" {
		return platforms.ThreadID(w.root)
	}
	return platforms.ThreadID(w.id)
}

func membership(payload []byte, h header, me bot, now time.Time) (platforms.Event, bool) {
	var e larkim.P2ChatMemberBotAddedV1 // the other one has the same fields
	if json.Unmarshal(payload, &e) != nil || e.Event == nil || str(e.Event.ChatId) == "" {
		return platforms.Event{}, false
	}
	ev := platforms.Event{
		ID: platforms.EventID("event:" + h.Header.ID), Kind: platforms.MembershipChanged, Time: moment(h.Header.Time, now),
		Conversation: platforms.Conversation{ID: platforms.ConversationID(str(e.Event.ChatId)), Kind: platforms.Group, Title: str(e.Event.Name)},
		Note:         "the bot was added",
	}
	if e.Event.OperatorId != nil {
		ev.From.ID = platforms.UserID(str(e.Event.OperatorId.OpenId))
		ev.Own = ev.From.ID != "" && string(ev.From.ID) == me.OpenID
	}
	if h.Header.Type == typeRemoved {
		ev.Note = "the bot was removed"
	}
	return ev, h.Header.ID != ""
}

func click(payload []byte, h header, me bot, now time.Time) (platforms.Event, bool) {
	var e struct {
		Event *larkcallback.CardActionTriggerRequest `json:"event"`
	}
	if json.Unmarshal(payload, &e) != nil || e.Event == nil || e.Event.Operator == nil || e.Event.Context == nil || e.Event.Action == nil {
		return platforms.Event{}, false
	}
	v := pressed{
		token: e.Event.Token, message: e.Event.Context.OpenMessageID, chat: e.Event.Context.OpenChatID,
		user: e.Event.Operator.OpenID, value: e.Event.Action.Value, time: moment(h.Header.Time, now), id: h.Header.ID,
	}
	return v.event(me)
}

// oldClick reads the older form of a click, which a frame of type card brings.
// https://open.feishu.cn/document/ukTMukTMukTM/uYzM3QjL2MzN04iNzcDN/configuring-card-callbacks/card-callback-structure
func oldClick(payload []byte, me bot, now time.Time) (platforms.Event, bool) {
	var e struct {
		OpenID  string `json:"open_id"`
		Message string `json:"open_message_id"`
		Chat    string `json:"open_chat_id"`
		Token   string `json:"token"`
		Action  struct {
			Value map[string]any `json:"value"`
		} `json:"action"`
	}
	if json.Unmarshal(payload, &e) != nil {
		return platforms.Event{}, false
	}
	v := pressed{token: e.Token, message: e.Message, chat: e.Chat, user: e.OpenID, value: e.Action.Value, time: now.UTC()}
	return v.event(me)
}

// pressed is a button that somebody pressed. Feishu tells an app of its own cards
// only, and in a forwarded one the buttons are dead:
// https://open.feishu.cn/document/common-capabilities/message-card/getting-started/card-structure/card-configuration
type pressed struct {
	id, token     string
	message, chat string
	user          string
	value         map[string]any
	time          time.Time
}

// Keys of a button's value.
const (
	valueData  = "data"
	valuePlace = "at" // which button of the card it is, from 0
)

func (v pressed) event(me bot) (platforms.Event, bool) {
	words, ok := v.value[valueData].(string)
	if !ok || v.token == "" || v.message == "" || v.chat == "" || v.user == "" {
		return platforms.Event{}, false // not one of our cards
	}
	at, _ := v.value[valuePlace].(string)
	if v.id == "" {
		v.id = v.token
	}
	return platforms.Event{
		ID: platforms.EventID("click:" + v.id), Kind: platforms.ButtonClicked, Time: v.time,
		// A click does not say what kind of chat it was in. Run adds what it knows;
		// else it is left open, so that nobody takes it for a group against better
		// knowledge, or for a direct one.
		Conversation: platforms.Conversation{ID: platforms.ConversationID(v.chat)},
		Message:      platforms.MessageID(v.message), Mentioned: true,
		From: platforms.User{ID: platforms.UserID(v.user)}, Own: v.user == me.OpenID,
		Click: &platforms.Click{Data: words, Token: clickToken{Token: v.token, Message: v.message, At: at, Data: words}.encode()},
	}, true
}

// clickToken is what answering a click needs.
type clickToken struct {
	Token   string `json:"t,omitempty"` // the platform's; empty: chosen by a reply
	Message string `json:"m"`
	At      string `json:"a,omitempty"`
	Data    string `json:"d"`
}

func (t clickToken) encode() platforms.ReplyToken {
	b, _ := json.Marshal(t) // of strings
	return platforms.ReplyToken(b)
}

// clickOf reads a token; an odd one is the zero clickToken.
func clickOf(token platforms.ReplyToken) (t clickToken) {
	_ = json.Unmarshal([]byte(token), &t)
	return t
}

// salvage makes an event of a message that can't be decoded, from the few
// fields that say where it came from. Each is read by itself, so that one odd
// value does not take the others along.
func salvage(payload []byte, now time.Time) (platforms.Event, bool) {
	var e struct {
		Event struct {
			Sender  map[string]json.RawMessage `json:"sender"`
			Message map[string]json.RawMessage `json:"message"`
		} `json:"event"`
	}
	_ = json.Unmarshal(payload, &e)
	text := func(raw json.RawMessage) (s string) { _ = json.Unmarshal(raw, &s); return s }
	var ids map[string]json.RawMessage
	_ = json.Unmarshal(e.Event.Sender["sender_id"], &ids)
	m := e.Event.Message
	id := text(m["message_id"])
	if id == "" {
		return platforms.Event{}, false
	}
	ev := platforms.Event{
		ID: platforms.EventID("message:" + id), Kind: platforms.MessageReceived, Time: moment(text(m["create_time"]), now), Note: unreadable,
		Conversation: platforms.Conversation{ID: platforms.ConversationID(text(m["chat_id"])), Kind: platforms.Group},
		Message:      platforms.MessageID(id), From: platforms.User{ID: platforms.UserID(text(ids["open_id"]))},
	}
	if text(m["chat_type"]) == "p2p" {
		ev.Conversation.Kind, ev.Mentioned = platforms.Direct, true
	}
	return ev, ev.Conversation.ID != ""
}

func str(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// latest is the end of the year 9999: encoders of time stop there.
const latest = 253402300799_000

// moment is the platform's time, in milliseconds, or other where it gave none
// that makes sense.
func moment(millis string, other time.Time) time.Time {
	n, err := strconv.ParseInt(millis, 10, 64)
	if err != nil || n <= 0 || n > latest {
		return other.UTC()
	}
	return time.UnixMilli(n).UTC()
}

// mentionKey is a placeholder in a text for somebody who is addressed.
var mentionKey = regexp.MustCompile(`@_user_\d+|@_all\b`)

// named puts names where a text has placeholders. What is no placeholder of
// this message stays.
func (w written) named(s string) string {
	return mentionKey.ReplaceAllStringFunc(s, func(key string) string {
		for _, n := range w.mentions {
			if n.key == key && n.name != "" {
				return "@" + n.name
			}
		}
		if key == "@_all" {
			return "@all"
		}
		return key
	})
}
