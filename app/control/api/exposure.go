package api

import (
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// TerminalHeader says that a request is made by a person at a terminal; who
// sends it is looked at.
const TerminalHeader = "Postern-Terminal"

// View is what of this computer can be reached, by whom, and why: what the
// Exposure page draws.
type View struct {
	At      time.Time `json:"at"`
	Doors   []Door    `json:"doors"`   // one for each account that can be called, or is to be
	Sockets []Socket  `json:"sockets"` // the process's real listening sockets, from the kernel
	Tunnels []Tunnel  `json:"tunnels"` // programs found that publish local ports
	Note    string    `json:"note,omitempty"`
}

// Door is where requests from outside reach one account, or would.
type Door struct {
	Account  platforms.AccountID `json:"account"`
	Platform string              `json:"platform"`
	Title    string              `json:"title"` // the platform's
	Glyph    string              `json:"glyph"`
	Name     string              `json:"name"` // the account's

	Level   exposure.Level `json:"level"`   // as it stands
	If      exposure.Level `json:"if"`      // what it is once open
	Callers string         `json:"callers"` // who could send bytes to it once open, in words
	Why     string         `json:"why,omitempty"`
	Open    bool           `json:"open"`
	Closed  bool           `json:"closed,omitempty"` // by hand: it stays so until somebody opens it
	Needs   bool           `json:"needs,omitempty"`  // it opens only after an acknowledgement
	Set     bool           `json:"set"`              // the person gave a Listener
	Relayed bool           `json:"relayed,omitempty"`

	Listener
	Paths   []string `json:"paths,omitempty"`   // that the account asked for; they bear no token, but can't be guessed
	Address string   `json:"address,omitempty"` // what the platform must be told; empty while it is closed
	Tunnels []string `json:"tunnels,omitempty"` // that lead here, in words

	Since    time.Time         `json:"since,omitzero"` // open since
	Last     time.Time         `json:"last,omitzero"`  // request that was accepted
	Accepted uint64            `json:"accepted,omitempty"`
	Rejected map[string]uint64 `json:"rejected,omitempty"` // why → how many
	Ack      *Acknowledgement  `json:"ack,omitempty"`
	Rotating []Rotation        `json:"rotating,omitempty"` // replaced secrets that still count
}

// Listener is what a person sets for a door. The zero value of Bind means the
// usual: a port of the loopback address.
type Listener struct {
	Bind    string   `json:"bind"`              // "127.0.0.1:47822"
	Public  string   `json:"public"`            // "https://bot.example.org": by which the platform calls
	Proxies []string `json:"proxies,omitempty"` // addresses or prefixes whose X-Forwarded-For is believed
	Allow   []string `json:"allow,omitempty"`   // sources that are let in; none means all
	Cert    string   `json:"cert,omitempty"`    // file with the certificate, where no tunnel ends TLS
	Key     string   `json:"key,omitempty"`     // file with its key
}

// Acknowledgement is a person's consent to one public listener.
type Acknowledgement struct {
	Made    time.Time `json:"made"`
	Ends    time.Time `json:"ends"`
	Version int       `json:"version"` // of the text that was shown
	By      string    `json:"by"`      // "window" or "terminal"
	Done    []string  `json:"done,omitempty"`
	NotDone []string  `json:"not_done,omitempty"`
}

// Rotation is a replaced secret that still counts.
type Rotation struct {
	Field string    `json:"field"`
	Until time.Time `json:"until"`
}

// Socket is one listening socket of this process.
type Socket struct {
	Addr    string         `json:"addr"`
	Whose   string         `json:"whose"` // in words
	Level   exposure.Level `json:"level"`
	Strange bool           `json:"strange,omitempty"` // nobody here opened it: an alarm
}

// Tunnel is a program that publishes a local port.
type Tunnel struct {
	Program string   `json:"program"`
	Public  string   `json:"public,omitempty"` // where; empty if it can't be seen
	Target  string   `json:"target,omitempty"` // what it leads to; empty if it can't be seen
	Ours    []string `json:"ours,omitempty"`   // accounts it leads to
	Inside  bool     `json:"inside,omitempty"` // it publishes to the person's own network only
}

// Question is what a person is asked before a public listener opens. It is good
// for one Answer within a few minutes.
type Question struct {
	Account platforms.AccountID `json:"account"`
	Nonce   string              `json:"nonce"`
	Version int                 `json:"version"`

	Title   string   `json:"title"`   // "Open a public listener?"
	What    string   `json:"what"`    // which account listens where, published as what
	Means   string   `json:"means"`   // what that means
	Risks   []string `json:"risks"`   // what it becomes a target for
	Items   []Item   `json:"items"`   // what running one safely takes: each is done or not done
	Safer   []string `json:"safer"`   // what to do instead
	Periods []Period `json:"periods"` // the first is the usual
	Type    string   `json:"type"`    // what the person types to open it: the public host's name
}

// Item is one line of the checklist.
type Item struct {
	Key  string `json:"key"`
	Text string `json:"text"`
	Note string `json:"note,omitempty"`
}

// Period is how long an acknowledgement may last.
type Period struct {
	Days  int    `json:"days"`
	Label string `json:"label"`
}

// Answer is a person's consent to what the Question with this nonce asked.
type Answer struct {
	Nonce string          `json:"nonce"`
	Typed string          `json:"typed"`
	Items map[string]bool `json:"items"` // each of the question's: done or not
	Days  int             `json:"days"`
}

// Audit is one line of the audit record.
type Audit struct {
	Seq     uint64              `json:"seq"`
	At      time.Time           `json:"at"`
	What    string              `json:"what"` // "opened", "closed", "acknowledged", "refused", "alarm", "rotated", "settings"…
	Account platforms.AccountID `json:"account,omitempty"`
	Who     string              `json:"who"`
	Text    string              `json:"text"`
	Hash    string              `json:"hash"`
}

// AuditState says whether the audit record is whole.
type AuditState struct {
	Lines  int       `json:"lines"`
	First  time.Time `json:"first,omitzero"`
	Last   time.Time `json:"last,omitzero"`
	Broken uint64    `json:"broken,omitempty"` // the first line that does not fit; 0: none
	Why    string    `json:"why"`              // in words, also where all is well
}

// AuditPage is the newest lines before a place, and how the record stands.
type AuditPage struct {
	State AuditState `json:"state"`
	Lines []Audit    `json:"lines"` // newest first
}

// Made is a value that was made for a Field.
type Made struct {
	Value string `json:"value"`
}
