// Package api holds the wire types of Postern's local interface, shared by the
// server, the client, the tray and the window. It imports no other part of
// Postern but the words for exposure and named clients and the contract's ids,
// and does nothing.
//
// All times are absolute; a zero time means "never". Text that came from
// outside is untrusted and is carried as it came.
package api

import (
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// Host is the HTTP host of the interface: a request that names another is
// refused.
const Host = "postern"

// SizeHeader names an attachment's size in bytes as the platform told it, which
// is no promise.
const SizeHeader = "Postern-Size"

// Status is how an account is, in the field's usual words.
type Status string

// The statuses of an account.
const (
	Connecting          Status = "CONNECTING"
	Connected           Status = "CONNECTED"
	Degraded            Status = "DEGRADED"
	TransientDisconnect Status = "TRANSIENT_DISCONNECT"
	BadCredentials      Status = "BAD_CREDENTIALS"
	Conflict            Status = "CONFLICT" // another program uses the same credential
	RateLimited         Status = "RATE_LIMITED"
	Blocked             Status = "BLOCKED" // parked by a fault of ours; resumes by hand
	Paused              Status = "PAUSED"
)

// Snapshot is everything that a tray or window shows at a glance. Revision
// grows with every change.
type Snapshot struct {
	Revision uint64    `json:"revision"`
	At       time.Time `json:"at"`
	Program  Program   `json:"program"`
	Accounts []Account `json:"accounts"`
	Exposure Exposure  `json:"exposure"`
	Unread   int       `json:"unread"` // messages not yet read
	Dead     int       `json:"dead"`   // messages that could not be sent
	Queued   int       `json:"queued"` // messages waiting to be sent
	Held     int       `json:"held"`   // messages that ask before something acts on them
	Asks     int       `json:"asks"`   // permissions that responders ask for
	Claims   int       `json:"claims"` // people who sent a pairing code and wait
	Notices  []Notice  `json:"notices,omitempty"`
	// Strange is listening sockets of this process that nobody here opened.
	Strange []string `json:"strange,omitempty"`
}

// Program describes the running process.
type Program struct {
	Version string    `json:"version"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	DataDir string    `json:"data_dir"`
	Vault   string    `json:"vault"` // where secrets are kept, in words
	Demo    bool      `json:"demo,omitempty"`
	Paused  bool      `json:"paused,omitempty"` // everything is paused
}

// Notice is something the person must be told until they dismiss it.
type Notice struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Bad  bool      `json:"bad"`
	Text string    `json:"text"`
}

// Exposure counts the accounts and listeners at each level.
type Exposure map[exposure.Level]int

// Account is one bot, as it stands.
type Account struct {
	ID       platforms.AccountID `json:"id"`
	Platform string              `json:"platform"` // name, as in Platform.Name
	Title    string              `json:"title"`    // the platform's, for people
	Glyph    string              `json:"glyph"`
	Name     string              `json:"name"`   // the person's own label
	Handle   string              `json:"handle"` // "@mybot", empty until a check succeeded
	Link     string              `json:"link,omitempty"`

	Status  Status    `json:"status"`
	Note    string    `json:"note,omitempty"` // what happened and what to do
	Since   time.Time `json:"since"`          // of this status
	RetryAt time.Time `json:"retry_at,omitzero"`

	Hears   Light `json:"hears"`
	Speaks  Light `json:"speaks"`
	Answers Light `json:"answers"`

	// Deaf says that nothing ever comes in: Hears is of no meaning then.
	Deaf bool `json:"deaf,omitempty"`
	// Limits is what may be sent through this account, where that is not the same
	// for all of its platform.
	Limits *platforms.Limits `json:"limits,omitempty"`

	Exposure exposure.Level      `json:"exposure"`
	Inbound  platforms.Inbound   `json:"inbound"` // whether it can have a door
	Problems []platforms.Problem `json:"problems,omitempty"`
	Last     *LastEvent          `json:"last,omitempty"`
	Queued   int                 `json:"queued"`
	Dead     int                 `json:"dead"`

	Paused    bool              `json:"paused,omitempty"`
	Ephemeral bool              `json:"ephemeral,omitempty"` // bodies are not kept after delivery
	Settings  map[string]string `json:"settings,omitempty"`
	Secrets   map[string]string `json:"secrets,omitempty"` // hints ("…abcd"), never values
}

// Light is one direction's proof of life.
type Light struct {
	Proven time.Time `json:"proven,omitzero"`
	Failed time.Time `json:"failed,omitzero"` // last failure; newer than Proven means broken
	Note   string    `json:"note,omitempty"`
}

// LastEvent is the newest message of an account.
type LastEvent struct {
	Conversation platforms.ConversationID `json:"conversation"`
	Title        string                   `json:"title,omitempty"`
	From         string                   `json:"from,omitempty"`
	Text         string                   `json:"text,omitempty"`
	At           time.Time                `json:"at"`
}

// Platform is what can be set up; it mirrors platforms.Platform without its code.
type Platform struct {
	Name     string            `json:"name"`
	Title    string            `json:"title"`
	Glyph    string            `json:"glyph"`
	Summary  string            `json:"summary"`
	Minutes  int               `json:"minutes"`
	Away     string            `json:"away,omitempty"`
	Exposure exposure.Level    `json:"exposure"` // what an account of it will be
	Fields   []Field           `json:"fields"`
	Inbound  platforms.Inbound `json:"inbound"`
	Setup    platforms.Guide   `json:"setup"`
	Limits   platforms.Limits  `json:"limits"`
	Varies   bool              `json:"varies,omitempty"` // the limits depend on an account's settings: see Account.Limits
}

// Field is one line of the form.
type Field struct {
	Key         string `json:"key"`
	Label       string `json:"label"`
	Help        string `json:"help,omitempty"`
	Placeholder string `json:"placeholder,omitempty"`
	Secret      bool   `json:"secret,omitempty"`
	Required    bool   `json:"required,omitempty"`
	Advanced    bool   `json:"advanced,omitempty"`
	Rotates     bool   `json:"rotates,omitempty"` // the former value may count for a while after a change
	Makes       bool   `json:"makes,omitempty"`   // Postern can make one

	Options []platforms.Option `json:"options,omitempty"`
}

// AccountDraft is an account to add, change or only check. Values holds
// settings and secrets alike, by Field.Key, as typed. On a change, an absent key
// keeps its value; an empty one clears it.
type AccountDraft struct {
	Platform  string            `json:"platform"`
	Name      string            `json:"name"`
	Values    map[string]string `json:"values"`
	Ephemeral bool              `json:"ephemeral,omitempty"`
	// Overlap is for how long a replaced secret of a field that rotates still
	// counts: at most 30 days, 0 not at all.
	Overlap time.Duration `json:"overlap,omitempty"`
}

// Check is what a credential check found. A failed check is not a failed
// request: Error says what happened.
type Check struct {
	Identity platforms.Identity `json:"identity"`
	Exposure exposure.Level     `json:"exposure"`
	Error    *Error             `json:"error,omitempty"`
	// Fields points at the form: field key → what is wrong with the value.
	Fields map[string]string `json:"fields,omitempty"`
}

// Conversation is one line of the inbox.
type Conversation struct {
	Account  platforms.AccountID        `json:"account"`
	ID       platforms.ConversationID   `json:"id"`
	Kind     platforms.ConversationKind `json:"kind"`
	Title    string                     `json:"title"`
	Last     time.Time                  `json:"last"`
	Preview  string                     `json:"preview"`
	Unread   int                        `json:"unread"`
	Away     int                        `json:"away,omitempty"`     // unread ones that came while Postern was off
	Stranger bool                       `json:"stranger,omitempty"` // nobody here has ever answered them
	Queued   int                        `json:"queued,omitempty"`
	Dead     int                        `json:"dead,omitempty"`
}

// EntryStatus is where one message stands.
type EntryStatus string

// The statuses of an entry.
const (
	Received  EntryStatus = "received"  // stored, not yet dispatched
	Delivered EntryStatus = "delivered" // dispatched: notified or answered
	HeldBack  EntryStatus = "held"      // old: asks before anything acts on it
	Dismissed EntryStatus = "dismissed" // was held back and is left alone
	Failed    EntryStatus = "failed"    // dispatched, and the responder failed
	Queued    EntryStatus = "queued"    // waiting to be sent
	Sent      EntryStatus = "sent"      // accepted by the platform
	DeadEnd   EntryStatus = "dead"      // can't be sent as it is; resend or discard by hand
	Discarded EntryStatus = "discarded" // was dead and is given up
)

// Entry is one message of a conversation, in either direction.
type Entry struct {
	Seq          uint64                   `json:"seq"`
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	Thread       platforms.ThreadID       `json:"thread,omitempty"`
	Outgoing     bool                     `json:"outgoing,omitempty"`
	Kind         platforms.EventKind      `json:"kind,omitempty"`
	Status       EntryStatus              `json:"status"`
	Why          string                   `json:"why,omitempty"` // of a failure or a hold

	At      time.Time             `json:"at"`     // the platform's time, or when it was written
	Stored  time.Time             `json:"stored"` // when it entered the journal
	From    platforms.User        `json:"from"`
	Message platforms.MessageID   `json:"message,omitempty"`
	IDs     []platforms.MessageID `json:"ids,omitempty"` // of the parts that were sent
	ReplyTo platforms.MessageID   `json:"reply_to,omitempty"`

	Text        string               `json:"text,omitempty"`
	Note        string               `json:"note,omitempty"`
	Attachments []Attachment         `json:"attachments,omitempty"`
	Buttons     [][]platforms.Button `json:"buttons,omitempty"`
	Click       *platforms.Click     `json:"click,omitempty"`

	// Hook is the name of the hook that this was posted by, Poster who posted it
	// there and Avatar their picture's address. Replay is the seq of the message
	// that this one repeats, ReplayRequest the id of the request where that had
	// become no message.
	Hook   string `json:"hook,omitempty"`
	Poster string `json:"poster,omitempty"`
	Avatar string `json:"avatar,omitempty"`
	Replay uint64 `json:"replay,omitempty"`

	ReplayRequest uint64 `json:"replay_request,omitempty"`

	Away         bool `json:"away,omitempty"`          // came while Postern was off
	Stranger     bool `json:"stranger,omitempty"`      // from nobody known
	MayDuplicate bool `json:"may_duplicate,omitempty"` // a crash left it open whether it was sent before
	Edited       bool `json:"edited,omitempty"`        // Text is the latest version
	Erased       bool `json:"erased,omitempty"`        // the body is not kept, or can't be read any more
}

// Attachment is one file of an Entry; fetch it by its index.
type Attachment struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type,omitempty"`
	Size      int64  `json:"size,omitempty"`
}

// Activity is one line of what happened and why.
type Activity struct {
	Seq          uint64                   `json:"seq"`
	At           time.Time                `json:"at"`
	What         What                     `json:"what"`
	Account      platforms.AccountID      `json:"account,omitempty"`
	Conversation platforms.ConversationID `json:"conversation,omitempty"`
	Who          string                   `json:"who,omitempty"`
	Why          string                   `json:"why,omitempty"`
	Entry        uint64                   `json:"entry,omitempty"` // the message it is about
	// User is who is not let in, and could be: their id.
	User platforms.UserID `json:"user,omitempty"`
}

// What is the kind of an Activity.
type What string

// The kinds of activity.
const (
	Routed    What = "routed"
	Rejected  What = "rejected"
	Ignored   What = "ignored"
	SentOut   What = "sent"
	Retried   What = "retried"
	DiedOut   What = "dead"
	Resumed   What = "resumed"
	Stopped   What = "stopped"
	Changed   What = "changed"
	Alarm     What = "alarm"
	ToldAgain What = "duplicate"
	// GaveUp: a responder failed for good.
	GaveUp What = "failed"
	// Permission: one that a responder asked for was given or refused.
	Permission What = "permission"
	// Missed: a relay did not keep what came, or may not have.
	Missed What = "missed"
)

// Draft is a message to send.
type Draft struct {
	Key          string                   `json:"key,omitempty"` // idempotency; made by the client for retries
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	Thread       platforms.ThreadID       `json:"thread,omitempty"`
	ReplyTo      platforms.MessageID      `json:"reply_to,omitempty"`
	Text         string                   `json:"text,omitempty"`
	Format       platforms.Format         `json:"format,omitempty"` // what Text is; empty: plain
	Buttons      [][]platforms.Button     `json:"buttons,omitempty"`
}

// Settings are the person's choices for the whole program.
type Settings struct {
	HideText      bool          `json:"hide_text"`      // notifications say that, not what
	Notifications bool          `json:"notifications"`  // any at all
	AskAfter      time.Duration `json:"ask_after"`      // older messages ask before anything acts on them; 0: never ask
	KeepFor       time.Duration `json:"keep_for"`       // journal age
	KeepBytes     int64         `json:"keep_bytes"`     // journal size; 0: no bound
	StartAtLogin  bool          `json:"start_at_login"` // start with the session
	ShowStrangers bool          `json:"show_strangers"` // notify about people who were never answered
	ClientsOnly   bool          `json:"clients_only"`   // programs must use a named client
}

// Request says what the window should show; see Event.Show.
type Request struct {
	Page         string                   `json:"page,omitempty"` // "inbox", "accounts", "settings"…
	Account      platforms.AccountID      `json:"account,omitempty"`
	Conversation platforms.ConversationID `json:"conversation,omitempty"`
	Reply        bool                     `json:"reply,omitempty"` // put the cursor into the answer box
}

// Read says up to where a conversation was read.
type Read struct {
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	UpTo         uint64                   `json:"up_to"` // a seq
}

// Fix names a platforms.Problem to mend.
type Fix struct {
	Code string `json:"code"`
}

// Parcel is a Draft that files follow, in this order.
type Parcel struct {
	Draft Draft  `json:"draft"`
	Files []File `json:"files"`
}

// File is a file to send.
type File struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type,omitempty"`
}

// Capability is what a window that Postern started proves that with, once.
type Capability struct {
	Capability string `json:"capability"`
}

// Session is what it gets for that. Token goes with every request that only a
// person may make.
type Session struct {
	Token string `json:"token"`
}

// Event is one line of the change stream. An empty one is a sign of life.
type Event struct {
	Snapshot *Snapshot `json:"snapshot,omitempty"` // the state changed
	Show     *Request  `json:"show,omitempty"`     // raise the window and show this
	Quit     bool      `json:"quit,omitempty"`     // Postern is ending
}

// Error is a failed request: what happened and what to do.
type Error struct {
	Kind platforms.Kind `json:"kind"`
	Text string         `json:"text"`
	// Fields points at the form, as in Check.
	Fields map[string]string `json:"fields,omitempty"`
}

// Error is the text.
func (e *Error) Error() string { return e.Text }
