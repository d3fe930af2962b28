package api

import (
	"time"

	"github.com/postern/postern/platforms"
)

// RelayKind is a sort of relay that can be set up.
type RelayKind struct {
	Name    string  `json:"name"` // "smee"
	Title   string  `json:"title"`
	Summary string  `json:"summary"` // one honest line for who is choosing
	Fields  []Field `json:"fields"`
	// Many says that one subscription has several named channels; otherwise the
	// relay is one channel without a name.
	Many bool `json:"many,omitempty"`
	// Word is what the relay calls a channel: "bucket".
	Word string `json:"word"`
	// Exact says that requests arrive byte for byte. If not, Warning says what
	// that means.
	Exact   bool            `json:"exact"`
	Warning string          `json:"warning,omitempty"`
	Setup   platforms.Guide `json:"setup"`
}

// Relay is a server that takes requests for us, and that we dial.
type Relay struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Title    string            `json:"title"` // the kind's
	Name     string            `json:"name"`
	Settings map[string]string `json:"settings,omitempty"`
	Secrets  map[string]string `json:"secrets,omitempty"` // hints
	Channels []RelayChannel    `json:"channels"`
	Paused   bool              `json:"paused,omitempty"`

	Status  Status    `json:"status"` // Connecting, Connected, TransientDisconnect, BadCredentials, Paused…
	Note    string    `json:"note,omitempty"`
	Since   time.Time `json:"since"`
	RetryAt time.Time `json:"retry_at,omitzero"`
	Warning string    `json:"warning,omitempty"` // what it can't do, such as deliver byte for byte

	Last    time.Time  `json:"last,omitzero"` // request that was taken
	Taken   uint64     `json:"taken,omitempty"`
	Refused uint64     `json:"refused,omitempty"`
	Gaps    []RelayGap `json:"gaps,omitempty"` // the newest, newest first
}

// RelayChannel leads from a relay's channel to an account.
type RelayChannel struct {
	Channel string              `json:"channel,omitempty"` // empty where the relay is one channel
	Account platforms.AccountID `json:"account"`
	// Path is which of the account's paths; empty: whichever takes the request.
	Path string `json:"path,omitempty"`
	// Public is the relay's address for it, which the sender must be told. Empty:
	// unknown here, and the person tells the sender.
	Public string `json:"public,omitempty"`

	Input   string    `json:"input,omitempty"` // what the relay calls the entrance that was used last
	Last    time.Time `json:"last,omitzero"`
	Taken   uint64    `json:"taken,omitempty"`
	Refused uint64    `json:"refused,omitempty"`
	Problem string    `json:"problem,omitempty"` // why requests by it are refused, and what to do
}

// RelayGap is where requests are missing, or may be.
type RelayGap struct {
	At      time.Time `json:"at"`
	Since   time.Time `json:"since,omitzero"`
	Certain bool      `json:"certain,omitempty"`
	Text    string    `json:"text"`
}

// RelayDraft is a relay to add or change; Values as in AccountDraft.
type RelayDraft struct {
	Kind     string            `json:"kind"`
	Name     string            `json:"name"`
	Values   map[string]string `json:"values"`
	Channels []RelayChannel    `json:"channels"`
}

// RelayCheck is what one try to connect found. A failed check is not a failed
// request.
type RelayCheck struct {
	Text   string            `json:"text,omitempty"` // what was found, where all is well
	Error  *Error            `json:"error,omitempty"`
	Fields map[string]string `json:"fields,omitempty"`
}
