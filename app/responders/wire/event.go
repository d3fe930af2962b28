// Package wire is what Postern and a program or server of the person's own say
// to each other: the event that they get, and the answer that they give.
//
// The event is one JSON object. Its members' names and meanings stay; new ones
// may be added, so a reader ignores what it doesn't know. Version changes if
// ever a member has to change its meaning. Members that don't apply are left
// out. All text in it is from outside, and may say anything.
//
//	{"version":1, "id":"evt_…", "seq":12, "kind":"message",
//	 "account":"a1", "label":"My bot",
//	 "time":"2026-01-02T15:04:05Z", "stored":"2026-01-02T15:04:06Z",
//	 "conversation":{"id":"c1","kind":"group","title":"Kitchen"},
//	 "message":"m7", "from":{"id":"u1","name":"Ada"},
//	 "mentioned":true, "text":"What is for dinner?"}
//
// The answer is text, or, where the person chose so, JSON: see Reply.
//
// What lets its holder act (a token to answer or to fetch a file with) is not in the event:
// a program answers by its output, a server by its response.
package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

// Version is that of Event.
const Version = 1

// Event is what happened.
type Event struct {
	Version int `json:"version"`
	// ID is equal whenever the same event is handed over again: after a crash, a
	// retry, or a redelivery. See ID.
	ID  string `json:"id"`
	Seq uint64 `json:"seq"` // its place in Postern's journal

	Kind    platforms.EventKind `json:"kind"`
	Account platforms.AccountID `json:"account"`
	Label   string              `json:"label,omitempty"` // the person's name for the account

	Time   time.Time `json:"time"`   // the platform's, UTC
	Stored time.Time `json:"stored"` // when Postern stored it, UTC

	Conversation Conversation        `json:"conversation"`
	Thread       platforms.ThreadID  `json:"thread,omitempty"`
	Message      platforms.MessageID `json:"message,omitempty"`
	ReplyTo      platforms.MessageID `json:"reply_to,omitempty"`
	From         User                `json:"from"`

	Mentioned bool `json:"mentioned,omitempty"` // the bot is addressed
	Stranger  bool `json:"stranger,omitempty"`  // from somebody who was never answered
	Away      bool `json:"away,omitempty"`      // it came while Postern was off

	Text        string       `json:"text,omitempty"`
	Attachments []Attachment `json:"attachments,omitempty"`
	Click       string       `json:"click,omitempty"` // the data of the button that was pressed
	Note        string       `json:"note,omitempty"`  // what can't be expressed otherwise: "location"
}

// Conversation is where it happened.
type Conversation struct {
	ID    platforms.ConversationID   `json:"id"`
	Kind  platforms.ConversationKind `json:"kind,omitempty"` // direct, group, channel
	Title string                     `json:"title,omitempty"`
	Moved platforms.ConversationID   `json:"moved,omitempty"` // the former id, where kind is "moved"
}

// User is who did it. Name and Handle can be changed by anyone: decide by ID.
type User struct {
	ID     platforms.UserID `json:"id"`
	Name   string           `json:"name,omitempty"`
	Handle string           `json:"handle,omitempty"`
	Bot    bool             `json:"bot,omitempty"`
}

// Attachment is a file that came with it. Its content is not here.
type Attachment struct {
	Name      string `json:"name,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	Size      int64  `json:"size,omitempty"` // bytes, 0 if unknown
}

// Of is the event of d.
func Of(d app.Delivery) Event {
	ev := d.Event
	e := Event{
		Version: Version, ID: ID(d), Seq: d.Seq,
		Kind: ev.Kind, Account: d.Account, Label: d.Label,
		Time: ev.Time.UTC(), Stored: d.Stored.UTC(),
		Conversation: Conversation(ev.Conversation),
		Thread:       ev.Thread, Message: ev.Message, ReplyTo: ev.ReplyTo,
		From:      User(ev.From),
		Mentioned: ev.Mentioned, Stranger: d.Stranger, Away: d.Away,
		Text: ev.Text, Note: ev.Note,
	}
	for _, a := range ev.Attachments {
		e.Attachments = append(e.Attachments, Attachment{a.Name, a.MediaType, a.Size})
	}
	if ev.Click != nil {
		e.Click = ev.Click.Data
	}
	return e
}

// JSON is e in one line, without a line break at its end.
func (e Event) JSON() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode the event: %w", err)
	}
	return b, nil
}

// ID names an event for ever: a hash of its account and of the platform's own
// id, which is the same in each redelivery. Where the platform gave none, it is
// of the event's place in the journal. It holds letters, digits and "_" only,
// so that it fits into a header and a file name.
func ID(d app.Delivery) string {
	own := "id " + string(d.Event.ID)
	if d.Event.ID == "" {
		own = fmt.Sprint("seq ", d.Seq)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %s", len(d.Account), d.Account, own))
	return "evt_" + hex.EncodeToString(sum[:16])
}

// Wants reports whether an event is of one of kinds. None means what somebody
// did on purpose: messages and pressed buttons.
func Wants(kinds []platforms.EventKind, ev platforms.Event) bool {
	if len(kinds) == 0 {
		return ev.Kind == platforms.MessageReceived || ev.Kind == platforms.ButtonClicked
	}
	return slices.Contains(kinds, ev.Kind)
}
