package api

import (
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// Input is an account at which requests from outside arrive, by a listener or a
// relay.
type Input struct {
	Account  platforms.AccountID `json:"account"`
	Platform string              `json:"platform"`
	Title    string              `json:"title"` // the platform's
	Glyph    string              `json:"glyph"`
	Name     string              `json:"name"`
	Exposure exposure.Level      `json:"exposure"`
	Via      string              `json:"via,omitempty"`     // by what it arrives, in words; empty: nothing can
	Address  string              `json:"address,omitempty"` // what the sender is told
	Why      string              `json:"why,omitempty"`     // why nothing can arrive

	Settings InputSettings `json:"settings"`
	// Replies says that the answer can be chosen: what is the platform's own
	// protocol can't.
	Replies bool `json:"replies,omitempty"`

	Requests int       `json:"requests"` // that are kept
	Bytes    int64     `json:"bytes"`
	Missed   uint64    `json:"missed,omitempty"` // came too fast to be noted here; what they brought is in the journal all the same
	Last     time.Time `json:"last,omitzero"`
	Accepted uint64    `json:"accepted,omitempty"`
	Rejected uint64    `json:"rejected,omitempty"`

	// RegistersAt is the title of the sender, if it can be told the address by its
	// API.
	RegistersAt  string        `json:"registers_at,omitempty"`
	Registration *Registration `json:"registration,omitempty"`
}

// What is kept of an input where its settings don't say.
const (
	UsualRequests = 500
	UsualTime     = 7 * 24 * time.Hour
)

// InputSettings is how an input answers and what it keeps.
type InputSettings struct {
	Answer InputAnswer `json:"answer,omitzero"`
	// Transform is an expression, in the language of routes, whose text becomes
	// the event's; empty: as the platform has it.
	Transform string `json:"transform,omitempty"`
	// Ephemeral: only when a request came and how it was answered is kept of it,
	// and of the event nothing after it was handed on.
	Ephemeral bool          `json:"ephemeral,omitempty"`
	Keep      int           `json:"keep,omitempty"`     // requests; 0: the usual number
	KeepFor   time.Duration `json:"keep_for,omitempty"` // 0: the usual time
}

// InputAnswer is what the sender of a verified request that was stored is told.
type InputAnswer struct {
	Mode   string `json:"mode,omitempty"`   // "": the platform's own, "static", "dynamic"
	Status int    `json:"status,omitempty"` // 200 to 299; 0: 200
	Type   string `json:"type,omitempty"`   // media type; empty: text/plain, or JSON if it is that
	Body   string `json:"body,omitempty"`   // static: the text; dynamic: an expression that gives it
}

// InputRequest is one request that came, or was turned away. All of it is from
// outside. What lets its holder act (tokens, passwords) is masked.
type InputRequest struct {
	ID      uint64              `json:"id"`
	At      time.Time           `json:"at"`
	Account platforms.AccountID `json:"account"`
	Via     string              `json:"via"`            // "listener", or a relay's name
	From    string              `json:"from,omitempty"` // address; empty by a relay

	Method string              `json:"method,omitempty"`
	Query  string              `json:"query,omitempty"`
	Header map[string][]string `json:"header,omitempty"`
	Body   []byte              `json:"body,omitempty"` // in lists: left out
	Line   string              `json:"line,omitempty"` // the beginning of the body's first line, if that is text: at most 120 characters
	Size   int64               `json:"size"`           // of the body as it came, in bytes
	Cut    bool                `json:"cut,omitempty"`  // Body is only its beginning
	Exact  bool                `json:"exact"`          // Body is byte for byte what the sender sent
	Erased bool                `json:"erased,omitempty"`
	Masked int                 `json:"masked,omitempty"` // how many values were taken out

	Verified bool          `json:"verified"`
	Why      string        `json:"why,omitempty"` // why not, or why it failed
	Status   int           `json:"status"`        // what was answered
	Answer   string        `json:"answer,omitempty"`
	Took     time.Duration `json:"took"`
	Entries  []uint64      `json:"entries,omitempty"` // the messages it became
	Again    bool          `json:"again,omitempty"`   // what it brought had come before
}

// InputQuery selects requests. Zero fields select everything.
type InputQuery struct {
	Account platforms.AccountID
	Text    string // somewhere in query, headers or body; case is ignored
	Only    string // "": all, "verified", "refused"
	Before  uint64 // older than this id
	Limit   int    // 0: 100, at most 1,000
}

// InputTrial is an expression to be tried on a request that is kept.
type InputTrial struct {
	Request uint64 `json:"request"`
	Expr    string `json:"expr"`
}

// InputTried is what came of it: a text, or a sentence that says what is wrong.
type InputTried struct {
	Text    string `json:"text"`
	Problem string `json:"problem,omitempty"`
}

// Replay hands a stored message or request to responders once more. Exactly one
// of Entry and Request is set.
type Replay struct {
	Entry   uint64 `json:"entry,omitempty"`
	Request uint64 `json:"request,omitempty"`
	// To is responders; none: those who would get it now.
	To []string `json:"to,omitempty"`
	// What is changed before; nil: nothing.
	Text   *string             `json:"text,omitempty"`
	Method *string             `json:"method,omitempty"`
	Header map[string][]string `json:"header,omitempty"`
	Body   []byte              `json:"body,omitempty"` // nil: as it was
	// Send has the answers sent into the conversation. Otherwise they are only
	// shown, and nothing leaves this computer but by what the responder does.
	Send bool `json:"send,omitempty"`
}

// Replayed is what came of a Replay.
type Replayed struct {
	Event   Entry          `json:"event"` // as the responders got it
	Results []ReplayResult `json:"results"`
}

// ReplayResult is what one responder made of it.
type ReplayResult struct {
	Responder string        `json:"responder"`
	Label     string        `json:"label"`
	Answers   []string      `json:"answers,omitempty"`
	Sent      bool          `json:"sent,omitempty"`
	Error     string        `json:"error,omitempty"`
	Took      time.Duration `json:"took"`
}

// Registration is an address that a service was told by its API.
type Registration struct {
	ID      string    `json:"id,omitempty"` // the service's
	Where   string    `json:"where"`        // "owner/repository", in words
	Address string    `json:"address"`
	At      time.Time `json:"at"`
	// Proven is when the service showed that it reaches us: its challenge or its
	// first request.
	Proven time.Time          `json:"proven,omitzero"`
	Steps  []RegistrationStep `json:"steps,omitempty"` // what was done, in order
}

// RegistrationStep is one step of a registration.
type RegistrationStep struct {
	Text string `json:"text"`
	Done bool   `json:"done"`
	Bad  bool   `json:"bad,omitempty"` // it failed; Text says what to do
}

// RegistrationDraft registers an input at its service. Values are the service's own
// fields, as typed; secrets among them are used now, and kept only for the
// removal, in the keyring. Where it was registered before, an absent key keeps
// its value, and so does a secret that is empty.
type RegistrationDraft struct {
	Values map[string]string `json:"values"`
}

// RegistrationForm is what a service wants to know for a registration.
type RegistrationForm struct {
	Title  string          `json:"title"` // the service's
	Fields []Field         `json:"fields"`
	Setup  platforms.Guide `json:"setup"`
	// Address is what the service will be told; empty, and Why says what to do
	// first, while there is none.
	Address string `json:"address,omitempty"`
	Why     string `json:"why,omitempty"`
	// Values are those of the time before, without secrets; Kept are the secret
	// fields of which one is kept, so that they may stay empty.
	Values map[string]string `json:"values,omitempty"`
	Kept   []string          `json:"kept,omitempty"`
}
