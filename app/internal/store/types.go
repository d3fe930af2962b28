package store

import (
	"encoding/json"
	"time"

	"github.com/postern/postern/platforms"
)

// Account is one configured bot. Its secrets are in the vault; Secrets only
// names which there are.
type Account struct {
	ID        platforms.AccountID `json:"id"`
	Platform  string              `json:"platform"`
	Name      string              `json:"name"`
	Settings  map[string]string   `json:"settings,omitempty"`
	Secrets   []string            `json:"secrets,omitempty"`
	Paused    bool                `json:"paused,omitempty"`
	Ephemeral bool                `json:"ephemeral,omitempty"`
	Identity  platforms.Identity  `json:"identity"`
	Created   time.Time           `json:"created"`

	// Former is until when replaced secrets still count, by field.
	Former map[string]time.Time `json:"former,omitempty"`

	// Verify: the credential is new, and must be Identity's before anything
	// else is done with it.
	Verify bool `json:"verify,omitempty"`
}

// Incoming is an event to accept.
type Incoming struct {
	Account   platforms.AccountID
	Event     platforms.Event
	Away      bool // it came while Postern was off
	Ephemeral bool // erase the body once its job is finished

	// Known says that its sender is no stranger.
	Known bool
	// Decision is whatever the caller wants to find again in the Job and the
	// Entry, sealed with the event: JSON of at most 16 KiB.
	Decision json.RawMessage
	// Replay is the seq of the entry that a person has handed on once more by this;
	// ReplayRequest, where it became no entry, the id of the request. Both 0: it
	// came from outside.
	Replay, ReplayRequest uint64

	// Activity, if set, is recorded in the same transaction unless the event is
	// a duplicate. Its Entry becomes the seq of the event.
	Activity *Activity
}

// ConversationRef names one conversation of one account.
type ConversationRef struct {
	Account      platforms.AccountID
	Conversation platforms.ConversationID
}

// Job is an accepted event that has not been dispatched.
type Job struct {
	Seq          uint64
	Account      platforms.AccountID
	Conversation platforms.ConversationID
	Stored       time.Time
	Released     bool // a person allowed acting on it although it is old
	Event        platforms.Event
	Away         bool
	Stranger     bool
	Decision     json.RawMessage // as accepted; nil: there was none
	Work         json.RawMessage // what Await kept; nil for a job that was not begun
}

// Outcome is how a job ended.
type Outcome struct {
	Status Status // Delivered, HeldBack, Dismissed or Failed
	Why    string

	// Activity, if set, is recorded in the same transaction.
	Activity *Activity
}

// Status is where one entry stands.
type Status string

// The statuses of an entry. They are stored: never change a word.
const (
	Received  Status = "received"
	Delivered Status = "delivered"
	HeldBack  Status = "held"
	Dismissed Status = "dismissed"
	Failed    Status = "failed"
	Queued    Status = "queued"
	Sent      Status = "sent"
	Dead      Status = "dead"
	Discarded Status = "discarded"
)

// Outgoing is a message to queue. Message.Files carry what Spool returned in
// SpooledFiles, in the same order; their Open is ignored.
type Outgoing struct {
	Account   platforms.AccountID
	Message   platforms.Message
	Spooled   []SpooledFile
	Ephemeral bool
	// Answers, if not zero, is the seq of the job that this message answers.
	Answers uint64
	// Finish, with Answers, ends that job in the same transaction.
	Finish *Outcome
	// Trying says that sending begins as soon as this is committed: it spares
	// the transaction that Attempt would need.
	Trying bool

	// Activity, if set, is recorded in the same transaction unless the key was
	// known. Its Entry becomes the seq of the message.
	Activity *Activity

	// Origin is whatever the caller wants to find again in the Entry, sealed with
	// the message: JSON of at most 16 KiB.
	Origin json.RawMessage
}

// SpooledFile is a file kept, sealed, until it has been sent.
type SpooledFile struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	MediaType string `json:"media_type,omitempty"`
	Size      int64  `json:"size"`
}

// Pending is a queued message.
type Pending struct {
	Seq      uint64
	Account  platforms.AccountID
	Message  platforms.Message // Files have Open set
	Parts    []platforms.MessageID
	Attempts int
	Next     time.Time // not before; zero: now
	Tried    bool      // an attempt was begun, by this process or a former one, and its end is not recorded
}

// Conversation is the summary of one conversation.
type Conversation struct {
	Account  platforms.AccountID
	ID       platforms.ConversationID
	Kind     platforms.ConversationKind
	Title    string
	Last     time.Time
	LastSeq  uint64
	Preview  string
	Unread   int
	Away     int
	Stranger bool
	Queued   int
	Dead     int
}

// Entry is one message in either direction. Exactly one of Event and Message
// is set, unless Erased.
type Entry struct {
	Seq          uint64
	Account      platforms.AccountID
	Conversation platforms.ConversationID
	Outgoing     bool
	Stored       time.Time
	Status       Status
	Why          string
	Event        *platforms.Event
	Decision     json.RawMessage // of Incoming
	Replay       uint64          // of Incoming
	Message      *platforms.Message
	Plain        string // how Message.Text reads, where that is another text
	Spooled      []SpooledFile
	Origin       json.RawMessage       // of Outgoing
	IDs          []platforms.MessageID // of the parts that were sent
	Away         bool
	Stranger     bool
	MayDuplicate bool
	Edited       bool
	Erased       bool

	ReplayRequest uint64 // of Incoming
}

// Activity is one line of what happened and why.
type Activity struct {
	Seq          uint64                   `json:"seq"`
	At           time.Time                `json:"at"`
	What         string                   `json:"what"`
	Account      platforms.AccountID      `json:"account,omitempty"`
	Conversation platforms.ConversationID `json:"conversation,omitempty"`
	Who          string                   `json:"who,omitempty"`
	Why          string                   `json:"why,omitempty"`
	Entry        uint64                   `json:"entry,omitempty"`
	User         platforms.UserID         `json:"user,omitempty"` // who is not let in
}

// ActivityQuery selects activity. Zero fields select everything.
type ActivityQuery struct {
	Before  uint64 // older than this seq
	Limit   int    // at most; 0 means 200, more than 1,000 means 1,000
	Account platforms.AccountID
	What    []string
	Text    string // somewhere in who, why or the ids; case is ignored
}

// Recovery is what Open had to do to get a usable journal, in words for the
// person. Its zero value means that all was well.
type Recovery struct {
	Damage   string    // what was wrong
	MovedTo  string    // where the damaged file is now
	Restored time.Time // the snapshot that was put back; zero: none was good, a new journal was begun
	Text     string    // all of it in one or two sentences
}

// Stats is the journal in figures.
type Stats struct {
	Bytes   int64 // file size
	Free    int64 // of it reusable
	Entries int
	Pending int // jobs
	Queued  int
	Dead    int
	Held    int
	Unread  int
	Oldest  time.Time
}
