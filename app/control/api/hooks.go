package api

import (
	"time"

	"github.com/postern/postern/platforms"
)

// Hook is an address at which programs post into one conversation. Its token is
// told once, when it is made: see HookMade.
type Hook struct {
	ID           string                   `json:"id"`
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	Thread       platforms.ThreadID       `json:"thread,omitempty"`
	Label        string                   `json:"label,omitempty"` // the account's name
	Where        string                   `json:"where,omitempty"` // the conversation's title

	Name     string         `json:"name"`
	Avatar   string         `json:"avatar,omitempty"`
	Dialect  string         `json:"dialect,omitempty"` // of HookForm; empty: the native one
	Template string         `json:"template,omitempty"`
	On       bool           `json:"on"`
	Marked   bool           `json:"marked"` // a line in the chat says that a message came by a hook
	Limit    platforms.Rate `json:"limit,omitzero"`

	By       string    `json:"by,omitempty"` // id of the client that made it; empty: a person did
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used,omitzero"`
	Count    uint64    `json:"count,omitempty"`   // posts that were taken
	Expires  time.Time `json:"expires,omitzero"`  // zero: never
	Rotating time.Time `json:"rotating,omitzero"` // until when the token before this one counts
	Problem  string    `json:"problem,omitempty"` // why nothing can be posted, and what to do
}

// HookForm is a form in which programs post.
type HookForm struct {
	Dialect string `json:"dialect"` // empty: the native one
	Title   string `json:"title"`
	Summary string `json:"summary"`
	Docs    string `json:"docs,omitempty"`
	Suffix  string `json:"suffix,omitempty"` // of the path, for programs that post in this form to any hook
}

// Hooks is all of them, and where they are served.
type Hooks struct {
	Bind    string     `json:"bind"`          // "127.0.0.1:47820"
	Address string     `json:"address"`       // "http://127.0.0.1:47820"
	Open    bool       `json:"open"`          // it is listened there
	Why     string     `json:"why,omitempty"` // why not, and what to do
	Hooks   []Hook     `json:"hooks"`
	Forms   []HookForm `json:"forms"`
}

// HookDraft is a hook to make.
type HookDraft struct {
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	Thread       platforms.ThreadID       `json:"thread,omitempty"`
	Name         string                   `json:"name"`
	Avatar       string                   `json:"avatar,omitempty"`
	Dialect      string                   `json:"dialect,omitempty"`
	Template     string                   `json:"template,omitempty"`
	Unmarked     bool                     `json:"unmarked,omitempty"`
	Limit        platforms.Rate           `json:"limit,omitzero"`
	Expires      time.Time                `json:"expires,omitzero"`

	By string `json:"-"` // id of the client that asks; empty: a person does
}

// HookChange is what becomes different; nil stays as it is.
type HookChange struct {
	Name     *string         `json:"name,omitempty"`
	Avatar   *string         `json:"avatar,omitempty"` // empty: none
	On       *bool           `json:"on,omitempty"`
	Dialect  *string         `json:"dialect,omitempty"`
	Template *string         `json:"template,omitempty"`
	Marked   *bool           `json:"marked,omitempty"`
	Limit    *platforms.Rate `json:"limit,omitempty"`
	Expires  *time.Time      `json:"expires,omitempty"` // zero: never
}

// HookMade is a hook with its address, which bears its new token and is told
// this once.
type HookMade struct {
	Hook Hook   `json:"hook"`
	URL  string `json:"url"`
}

// HookRotation asks for a new token. The one before counts for Overlap more, at
// most 30 days; 0: it is dead at once.
type HookRotation struct {
	Overlap time.Duration `json:"overlap,omitempty"`
}

// HookTry is a post that is only tried: what would it look like?
type HookTry struct {
	Dialect  string `json:"dialect,omitempty"`
	Template string `json:"template,omitempty"`
	Event    string `json:"event,omitempty"` // name of the event, for forms that have it in a header
	Body     string `json:"body"`
}

// HookTried is what a HookTry would look like, or why it would be refused.
type HookTried struct {
	Text     string           `json:"text,omitempty"`
	Format   platforms.Format `json:"format,omitempty"`
	Username string           `json:"username,omitempty"`
	Problem  string           `json:"problem,omitempty"`
}

// HookListener is where hooks are served: a loopback address with a port.
type HookListener struct {
	Bind string `json:"bind"`
}
