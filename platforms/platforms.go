// Package platforms is the contract between Postern and the chat platforms it
// connects to. It holds data and promises, no behaviour of its own, and imports
// the standard library only, so that a connector is understood by reading this
// package and the platform's own documentation.
//
// A connector lives in platforms/<name> and is proven by platforms/platformtest.
package platforms

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Ids are opaque: whatever the platform uses, written as a string. They are
// distinct types so that a chat can't be passed where a message is meant.
type (
	// AccountID names one bot on one platform, unique in one Postern.
	AccountID string
	// ConversationID names a chat, channel or direct conversation.
	ConversationID string
	// ThreadID names a thread or topic inside a conversation; empty for none.
	ThreadID string
	// MessageID names one message inside its conversation.
	MessageID string
	// UserID is the platform's immutable id of a person or bot, never a name
	// that they could change.
	UserID string
	// EventID is stable across redeliveries of the same event and unique
	// within an account.
	EventID string
	// Cursor is where a connector resumes; only the connector that wrote it
	// reads it.
	Cursor string
	// ReplyToken is what a platform needs to answer one event, in a form that
	// survives a restart.
	ReplyToken string
)

// Platform describes one platform as data. The window builds its form from
// Fields and Setup, the outbox splits and paces by Limits, and the exposure of
// an account follows from Reach.
type Platform struct {
	Name  string // "telegram": lower case, used in ids and on the command line
	Title string // "Telegram": for people
	Glyph string // one character, for lists

	Summary string // one honest line for the person who is choosing
	Minutes int    // how long a first setup takes
	Away    string // what becomes of messages while this computer is off, in one line

	Fields []Field
	Limits Limits
	IDs    IDs
	// Only is the one conversation that each account has; empty: there are others.
	Only    ConversationID
	Inbound Inbound
	// InboundOf is how events reach one account, where its settings decide that:
	// such a platform's Inbound is what an account has that chose nothing. It is
	// pure, and takes any settings, as they are typed. Nil: Inbound, always. Ask
	// Reach, which knows both.
	InboundOf func(settings map[string]string) Inbound
	Setup     Guide

	// Registers is what the service of an account with these settings wants to
	// know so that it can be told by its API where to deliver; false where it has
	// no such API, or none that is known here. It is pure. Nil: never. Where it is
	// true, the Connector is a Registrar.
	Registers func(settings map[string]string) (RegisterForm, bool)

	// Greet is a link that opens a direct conversation with the bot in which the
	// person has only to press send for it to get code, which is letters and
	// digits. It is pure. Nil, or an empty link: there is no such link.
	Greet func(bot Identity, code string) string

	// Length is how much of Limits.Text and Limits.Caption a text takes once it
	// is written in the platform's own form, where escapes and markup count too.
	// Nil: as much as the text has Units. It is pure, and never less than what
	// Send measures.
	Length func(text string, f Format) int

	// Answers says that what the sender of a request is told can be chosen by the
	// person: the protocol wants no more than that it was taken.
	Answers bool

	// Vary gives p the Limits and the Length of an account with these settings,
	// where they decide those: such a platform's own are what an account has that
	// chose nothing. It changes nothing else, is pure, and takes any settings, as
	// they are typed. Nil: all accounts have the same. Ask Of, which knows both.
	Vary func(p *Platform, settings map[string]string)

	// New builds a connector. It does no I/O and starts nothing.
	New func(Config) (Connector, error)
}

// IDs is what ids look like on a platform: who may talk to a bot is decided by
// them alone. The expressions match a whole id, from ^ to $.
type IDs struct {
	// Machines says that nobody in particular writes: each request proves by the
	// account's own secret that it comes from the service, and names no person.
	// Nothing else is set then, and no rules are asked for.
	Machines bool

	User         string // expression; never empty, unless Machines
	Conversation string // expression, of shared places; empty: there are none

	// UserHelp and ConversationHelp say how a person gets an id, as sentences.
	UserHelp, ConversationHelp string

	// Nobody are ids with a user's form that many write under.
	Nobody []UserID
}

// Inbound says how events reach this computer; app/exposure derives the level
// of exposure from it and from the real listeners.
type Inbound int

const (
	// Dials: the connector opens the connection; nothing listens.
	Dials Inbound = iota
	// Callback: messages arrive over an outbound connection, but the platform
	// calls back over HTTP for some features.
	Callback
	// Webhook: events arrive only by HTTP requests to a public address.
	Webhook
)

// Reach is how events reach an account of p that has these settings.
func (p Platform) Reach(settings map[string]string) Inbound {
	if p.InboundOf == nil {
		return p.Inbound
	}
	return p.InboundOf(settings)
}

// Of is p as an account with these settings has it.
func (p Platform) Of(settings map[string]string) Platform {
	if p.Vary != nil {
		p.Vary(&p, settings)
	}
	return p
}

// Limits is what a platform allows. Zero means "not offered" for features and
// "no known limit" for sizes.
type Limits struct {
	// Mute says that nothing can be sent: Send is Unsupported, whatever it is.
	Mute bool `json:"mute,omitempty"`
	// Deaf says that nothing ever comes in: the account only speaks, into
	// Platform.Only, of which Run tells as soon as it is connected.
	Deaf bool `json:"deaf,omitempty"`

	Text    int  `json:"text,omitempty"`    // longest message text, in Unit
	Caption int  `json:"caption,omitempty"` // longest text beside a file, in Unit
	Unit    Unit `json:"unit,omitempty"`    // what Text and Caption count

	Buttons       int `json:"buttons,omitempty"` // buttons on one message
	ButtonsPerRow int `json:"buttons_per_row,omitempty"`
	Label         int `json:"label,omitempty"` // longest button label, in runes
	Data          int `json:"data,omitempty"`  // longest Button.Data, in bytes

	Upload   int64 `json:"upload,omitempty"`   // largest file we may send, in bytes; 0: none may be sent
	Download int64 `json:"download,omitempty"` // largest file we may fetch, in bytes; 0: none can be

	Edit    bool          `json:"edit,omitempty"`
	Threads bool          `json:"threads,omitempty"`
	Typing  time.Duration `json:"typing,omitempty"` // how long a typing sign lasts; 0: none

	Pace Pace `json:"pace,omitzero"`

	// Redelivery is the longest time after which the platform may deliver the
	// same event again. Dedupe keys are kept longer than this.
	Redelivery time.Duration `json:"redelivery,omitempty"`
}

// Unit is what a platform counts when it limits text.
type Unit string

// The units in use.
const (
	Runes Unit = "characters"
	UTF16 Unit = "UTF-16 units"
	Bytes Unit = "bytes"
)

// Pace bounds how fast an account may send, as the platform documents it.
// A zero rate means unlimited.
type Pace struct {
	Account      Rate `json:"account,omitzero"`      // all messages of the account
	Conversation Rate `json:"conversation,omitzero"` // messages to one conversation
	Group        Rate `json:"group,omitzero"`        // messages to one shared conversation, where stricter
}

// Rate allows Burst messages at once and N every Per after that.
type Rate struct {
	N     int           `json:"n,omitempty"`
	Per   time.Duration `json:"per,omitempty"`
	Burst int           `json:"burst,omitempty"`
}

// Config is what one account's connector gets. It carries this account's values
// only, never another's.
type Config struct {
	Account  AccountID
	Settings map[string]string
	Secrets  map[string]Secret
	// Former are replaced secrets of fields that rotate. Until its end, what
	// comes in under one is genuine still; nothing is sent with it.
	Former map[string]Former

	// HTTP is this account's own client, with its own transport and the
	// person's proxy. It has no overall timeout: deadlines come from contexts. It
	// follows redirects: a connector whose requests carry a credential stops them.
	HTTP *http.Client
	// Dial opens a TCP connection with this program's timeouts, directly.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Proxy is the person's proxy for a request, as http.Transport.Proxy. HTTP
	// uses it already; a connector gives it, and Dial, to its WebSocket dialer.
	// Nil means none.
	Proxy func(*http.Request) (*url.URL, error)

	// Key is random, made for this account and kept in the vault: what the
	// connector signs with it, it recognises after a restart. Empty where
	// Platform.Reach is Dials.
	Key Secret

	Log *slog.Logger

	// Ingress is nil where Platform.Reach is Dials, and may be nil where it is
	// Callback: then the connector does without what needs it.
	Ingress Ingress
}

// Connector speaks with one platform for one account.
type Connector interface {
	// Check asks the platform whether the credentials are good, who the bot is
	// and what is missing. It changes nothing. A refused credential is an Error
	// of kind Unauthorized.
	Check(ctx context.Context) (Identity, error)

	// Run connects, hands events to sink in the platform's order within each
	// conversation, and returns when ctx ends (with ctx's error) or the
	// connection does. It is one attempt: whoever calls it retries.
	//
	// Run resumes after from; an empty cursor means "from now, or from whatever
	// the platform kept for us". Where it means from now, Run tells that place by
	// an event with a cursor only, once it is connected. It acknowledges an event to the platform only
	// after sink.Event returned nil, and calls sink.Event neither concurrently
	// nor after returning. When it returns, every goroutine it started has ended.
	Run(ctx context.Context, from Cursor, sink Sink) error

	// Send delivers one message that fits Limits and returns its id. It does
	// not retry: failures are an *Error whose Kind says whether trying again
	// helps. It is safe to call from several goroutines, whether or not Run is
	// running.
	Send(ctx context.Context, m Message) (MessageID, error)
}

// Sink takes what a connector receives.
type Sink interface {
	// Event stores ev. Nil means durably stored: acknowledge it now. An error
	// means it was not: do not acknowledge, return the error from Run.
	//
	// An event with an empty Kind carries a Cursor only: something arrived that
	// needs no storing, but must not be asked for again.
	Event(ctx context.Context, ev Event) error

	// State tells how the connection is. It never blocks.
	State(State)
}

// A Batcher is a Sink that stores events which arrived together in one go.
type Batcher interface {
	// Events has Sink.Event's promise for all of evs: nil means that every one
	// is durably stored, an error that none may be acknowledged.
	Events(ctx context.Context, evs []Event) error
}

// Deliver hands evs, in order, to sink: together if it is a Batcher, else one
// after the other up to the first error. A connector that receives several
// events in one answer uses it and acknowledges after it returned nil.
func Deliver(ctx context.Context, sink Sink, evs []Event) error {
	if b, ok := sink.(Batcher); ok && len(evs) > 1 {
		return b.Events(ctx, evs)
	}
	for _, ev := range evs {
		if err := sink.Event(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}

// State is what a connector knows of its own connection.
type State struct {
	Phase Phase
	Note  string // what is wrong and what to do, for a person; empty when well

	// Hears and Speaks mark that this very moment proved the direction: bytes
	// from the platform's event stream, or an accepted call.
	Hears, Speaks bool
}

// Phase is a connector's own view; the supervisor turns it, together with
// errors, into the account's status.
type Phase int

// The phases of one Run.
const (
	Connecting Phase = iota
	Connected
	Degraded
)

// Identity is who the bot is, and what it lacks.
type Identity struct {
	ID     UserID `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Handle string `json:"handle,omitempty"` // "@mybot"
	Link   string `json:"link,omitempty"`   // opens a chat with the bot; empty if there is no such link

	Problems []Problem `json:"problems,omitempty"`
}

// Problem is something that Check found. Where Fix is set, a Fixer can mend it.
type Problem struct {
	Code string `json:"code,omitempty"` // stable, for programs
	Text string `json:"text,omitempty"` // what is wrong and what to do
	Fix  string `json:"fix,omitempty"`  // what the button says, empty where only the person can mend it
	Bad  bool   `json:"bad,omitempty"`  // true: the bot can't work like this; false: it works, but less
}
