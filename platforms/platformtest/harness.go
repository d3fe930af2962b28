package platformtest

import (
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// Harness is what a platform gives to Run.
type Harness struct {
	Platform platforms.Platform

	// New makes a fresh server with one bot account that has seen no traffic.
	// It is called once or more in every subtest; the suite calls Close.
	New func(t *testing.T) *World

	// Server is the import path of the emulator, with everything below it. Its
	// goroutines are not the connector's, so they are no leaks when Run has
	// returned. net/http's server goroutines need no mention.
	Server string

	// Unacknowledged says that the platform has no acknowledgement, so that
	// the cursor alone decides what is delivered again. World.Acked is nil then.
	Unacknowledged bool

	// Idempotent says that the platform honours Message.Key: of two messages
	// with one key it keeps the first.
	Idempotent bool

	// Overlaps says that catching up hands over again, under the same id, some
	// of what was stored already, so that nothing falls between.
	Overlaps bool

	// InOrder says that the protocol can't deliver out of order. World.Swap is
	// nil then.
	InOrder bool

	// NothingOpen says that no connection is held open while nothing happens.
	// World.Silence is nil then.
	NothingOpen bool

	// FromNow says that a first Run, with an empty cursor, hears what is said
	// from then on and nothing from before. It tells where it began by an event
	// that carries a cursor only, once it is connected.
	FromNow bool

	// NoCursor says that the platform keeps our place by its acknowledgements
	// alone: events carry no cursor, and one that was stored but not
	// acknowledged comes again under its id.
	NoCursor bool

	// NoEditEvents says that the platform tells bots nothing of what people
	// edit, although the bot can edit its own. World.Edit is nil then.
	NoEditEvents bool

	// OnlyHears says that the connector calls nobody: it takes what comes, and
	// Send is Unsupported. World.Sent, Revoke, FailCall and Held are nil then, and
	// Down means that nothing comes in.
	OnlyHears bool

	// OnlySpeaks says that nothing ever comes in: Limits.Deaf is set, and Run tells
	// of one conversation, World.Direct, by an event of kind MembershipChanged.
	// All that makes a World say something is nil then, and so are Disconnect,
	// FailStream, Cut, Silence, Garbage, Skew and Advance.
	OnlySpeaks bool

	// Unasked says that nothing can be asked of the server: only a Send shows
	// whether a credential is good. Check and Run call nobody then.
	Unasked bool

	// Numbered says that in these Worlds buttons are lines of text, which
	// people choose by a reaction or by a number.
	Numbered bool

	// Discards says what the platform itself gives up, by the fault's name in
	// the table of Faults: in words for a person. Events said during such a
	// fault may be missing; all others may not.
	Discards map[string]string

	// Patience is how long the suite waits for something that must happen.
	// Zero means ten seconds.
	Patience time.Duration
}

// World is one server with one bot account, seen from the other side: the
// people who write to the bot, and the network's faults. All functions are safe
// to call from several goroutines, and take effect before they return.
//
// "Nil where …" names the only case in which a control may be missing.
type World struct {
	// Config is the account's: settings with the server's address, secrets, an
	// http.Client of its own, Dial and Ingress as the platform needs them. Every
	// secret is at least 12 bytes long and appears nowhere else in the Config.
	// The suite sets Account and Log.
	Config platforms.Config

	Bot    platforms.UserID // what Check must find
	Person platforms.UserID // who writes; where nobody is named, what the connector calls whoever can

	Direct  platforms.ConversationID // between Person and the bot
	Group   platforms.ConversationID // shared; empty where the platform has none
	Thread  platforms.ThreadID       // a thread in Group; empty where Limits.Threads is false
	Nowhere platforms.ConversationID // well formed, but there is none such, or none that the bot may write to

	// Say makes Person, or the bot itself, write. The server delivers it to
	// the connector, now or when one connects, and keeps it until then.
	Say func(Said) platforms.MessageID
	// Odd makes the server deliver, in Direct, an event of a type that the
	// connector can't know, well formed otherwise.
	Odd func()
	// Edit makes Person change a message. Nil where Limits.Edit is false.
	Edit func(c platforms.ConversationID, m platforms.MessageID, text string)
	// Click makes Person press the button with this label, under a message that
	// the bot sent; what comes back is what the connector put on the wire.
	// Nil where Limits.Buttons is 0.
	Click func(c platforms.ConversationID, m platforms.MessageID, label string)
	// Redeliver makes the server deliver its last event once more, under the
	// same id, as it does when an acknowledgement got lost. Nil where
	// Limits.Redelivery is 0.
	Redeliver func()

	// Sent is what the bot has sent, oldest first, as a reader would see it. Nil
	// where Harness.OnlyHears.
	Sent func() []Sent
	// Acked is the ids of the messages from Say that the platform considers
	// delivered for good. Nil where Harness.Unacknowledged.
	Acked func() []platforms.MessageID
	// Typed is where typing signs were shown. Nil where Limits.Typing is 0.
	Typed func() []platforms.ConversationID
	// Answered is the texts with which clicks were answered. Nil where the
	// connector is no Clicker.
	Answered func() []string

	// Disconnect cuts every connection that is open; the next one works. Nil
	// where Inbound is Webhook.
	Disconnect func()
	// Down cuts every connection and refuses new ones until Up.
	Down, Up func()
	// Revoke makes the server refuse the account's credentials from now on. Nil
	// where Harness.OnlyHears.
	Revoke func()
	// Conflict makes the server say that another program uses the account. Nil
	// where the platform lets several programs share one.
	Conflict func()

	// FailCall breaks the next call that is not part of the event stream:
	// Check's or Send's first one. Nil where Harness.OnlyHears.
	FailCall func(Fault)
	// FailStream breaks the next attempt to get events: the next poll, or the
	// next handshake. The suite calls it while nothing runs. Nil where Inbound
	// is Webhook.
	FailStream func(Fault)

	// The following are for Faults, and may be nil where the comment says so.

	// Cut breaks every open connection in the middle of an event: a frame, or
	// an answer, that was begun and not finished. The event is not lost for the
	// server. Nil where Inbound is Webhook.
	Cut func()
	// Silence keeps every connection open and lets nothing more through in
	// either direction, as a network that went away without a word; new
	// connections work. The World is made so that a connector can notice within
	// seconds. Nil where nothing is held open.
	Silence func()
	// Garbage makes the server send, in the place of an event, what is not even
	// well formed, correctly framed and signed.
	Garbage func()
	// Swap makes Person say both, in this order, and the server deliver them in
	// the other. Nil where the protocol can't.
	Swap func(first, second Said)
	// Skew sets the server's clock this far ahead of the real one, or behind it.
	Skew func(time.Duration)
	// Advance lets time pass for the server: sessions, buffers, tokens and
	// retries expire as the platform documents it, and retries that are due are
	// made.
	Advance func(time.Duration)
	// Beats is how many heartbeats or pings the connector has sent or answered.
	// Nil where the protocol has none.
	Beats func() int

	// Held is how many calls are hanging at the moment, by a Fault of kind Hang.
	// Nil where Harness.OnlyHears.
	Held func() int

	// Close stops the server and waits for its goroutines. Hanging calls end.
	Close func()
}

// Said is what a person says, or the bot itself, to the bot's conversations.
type Said struct {
	Conversation platforms.ConversationID
	Thread       platforms.ThreadID
	Text         string
	Files        []Content // Limits.Download is above 0
	Own          bool      // the bot itself wrote it, from elsewhere
}

// Content is a file as a server knows it.
type Content struct {
	Name      string
	MediaType string
	Data      []byte
}

// Sent is one message of the bot, as the server knows it.
type Sent struct {
	ID           platforms.MessageID
	Conversation platforms.ConversationID
	Thread       platforms.ThreadID
	ReplyTo      platforms.MessageID // empty where the platform does not keep it

	// Text is what a reader sees: if the connector sent markup, then it is
	// rendered, and its characters are gone.
	Text    string
	Buttons [][]platforms.Button // labels and URLs; Data may be in the form of the wire
	Files   []Content
	Edited  bool // this is the content after an edit
}

// Fault is how a server fails once.
type Fault struct {
	Kind FaultKind
	// RetryAfter is what a Limited answer tells the caller to wait, in whole
	// seconds, in the platform's own way or by the Retry-After that a proxy in
	// front of it adds; 0: it does not say.
	RetryAfter time.Duration
	// Code is the HTTP status of a Status answer: 401, 403, 404, 409, 502, 503.
	// Where the platform has its own word for such a refusal, it comes with it.
	Code int
}

// FaultKind is a way to fail.
type FaultKind int

// The ways to fail.
const (
	ServerError FaultKind = iota // as HTTP status 500 does
	Malformed                    // an answer that looks successful, and is not what was asked for
	Limited                      // too many requests; come back after RetryAfter
	Hang                         // no answer until the caller gives up, or Close
	Lost                         // the call is carried out, but the connection breaks before the answer
	Status                       // an answer with status Code
)
