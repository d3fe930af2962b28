package platforms

import (
	"io"
	"time"
)

// Event is one thing that happened on a platform, as the connector converted
// it. All its text is from outside and untrusted.
type Event struct {
	ID     EventID   `json:"id"`
	Kind   EventKind `json:"kind,omitempty"`
	Cursor Cursor    `json:"cursor,omitempty"` // where to resume once this event is stored
	Time   time.Time `json:"time"`             // the platform's time of it

	Conversation Conversation `json:"conversation"`
	Thread       ThreadID     `json:"thread,omitempty"`
	Message      MessageID    `json:"message,omitempty"` // the message it is, or is about
	ReplyTo      MessageID    `json:"reply_to,omitempty"`

	From      User `json:"from"`
	Own       bool `json:"own,omitempty"`       // the bot itself did it: recorded nowhere
	Mentioned bool `json:"mentioned,omitempty"` // the bot is addressed, by mention, reply, command or in a direct chat

	Text        string       `json:"text,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Click       *Click       `json:"click,omitempty"`

	// Note says in words what can't be expressed otherwise: "location", "poll".
	Note string `json:"note,omitempty"`

	Reply ReplyToken `json:"reply,omitempty"`

	// Raw is the request that the event came by, where a machine sent it and a
	// responder may want all of it. Header values that let their holder act are
	// left out.
	Raw *Raw `json:"raw,omitempty"`

	// Request is RequestOf the request that brought the event, empty if none did.
	// It is not kept.
	Request string `json:"-"`
}

// Raw is a verified request, byte for byte.
type Raw struct {
	Method string              `json:"method,omitempty"`
	Header map[string][]string `json:"header,omitempty"` // canonical names
	Body   []byte              `json:"body,omitempty"`
}

// EventKind says what an Event is.
type EventKind string

// The kinds of events.
const (
	MessageReceived EventKind = "message"
	MessageEdited   EventKind = "edit"
	ButtonClicked   EventKind = "click"
	// ConversationMoved: Conversation replaces the one named in Moved.
	ConversationMoved EventKind = "moved"
	// MembershipChanged: the bot was added to or removed from a conversation;
	// Note says which.
	MembershipChanged EventKind = "membership"
)

// Conversation is where an event happened.
type Conversation struct {
	ID    ConversationID   `json:"id"`
	Kind  ConversationKind `json:"kind,omitempty"`
	Title string           `json:"title,omitempty"`

	// Moved is the former id, on a ConversationMoved event.
	Moved ConversationID `json:"moved,omitempty"`
}

// ConversationKind tells a private talk from a shared place.
type ConversationKind string

// The kinds of conversations.
const (
	Direct  ConversationKind = "direct"
	Group   ConversationKind = "group"
	Channel ConversationKind = "channel"
)

// User is who did it. Name and Handle are for showing, never for deciding.
type User struct {
	ID     UserID `json:"id"`
	Name   string `json:"name,omitempty"`
	Handle string `json:"handle,omitempty"`
	Bot    bool   `json:"bot,omitempty"`
}

// Attachment is a file that came with an event; an Opener fetches it.
type Attachment struct {
	Ref       string `json:"ref"` // what the platform needs to fetch it
	Name      string `json:"name,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	Size      int64  `json:"size,omitempty"` // bytes, 0 if unknown
}

// Click is a pressed button.
type Click struct {
	Data  string     `json:"data"`
	Token ReplyToken `json:"token,omitempty"` // for a Clicker
}

// Message is something to send.
type Message struct {
	// Key is the idempotency key: equal for every attempt at the same message.
	// Connectors map it to the platform's own where there is one.
	Key string `json:"key"`

	Conversation ConversationID `json:"conversation"`
	Thread       ThreadID       `json:"thread,omitempty"`
	ReplyTo      MessageID      `json:"reply_to,omitempty"`
	Reply        ReplyToken     `json:"reply,omitempty"` // from the event that is answered, if any

	Text    string     `json:"text,omitempty"`   // no platform's own markup is ever read from it
	Format  Format     `json:"format,omitempty"` // what Text is
	Buttons [][]Button `json:"buttons,omitempty"`
	Files   []File     `json:"files,omitempty"`
}

// Format is what a message's text is.
type Format string

// The formats.
const (
	Plain Format = "" // every character is shown as it is
	// Markdown is the subset that package markup reads. A platform that can't
	// show a part of it shows its text.
	Markdown Format = "markdown"
)

// Button is one button under a message: it either opens URL or comes back as a
// Click with Data.
type Button struct {
	Label string `json:"label"`
	Data  string `json:"data,omitempty"`
	URL   string `json:"url,omitempty"`
}

// File is a file to send. Open may be called once per attempt; the connector
// closes what it opened.
type File struct {
	Name      string                        `json:"name"`
	MediaType string                        `json:"media_type,omitempty"`
	Size      int64                         `json:"size,omitempty"`
	Open      func() (io.ReadCloser, error) `json:"-"`
}
