// Package hooks is the pure part of a chat's incoming webhooks: an address that
// programs post to, so that a line appears in one chat. It knows the hooks and
// their tokens, bounds how often one is used, reads what senders write in the
// forms they are used to, and words the answers they expect. It listens nowhere,
// sends nothing and keeps nothing on a disk.
package hooks

import (
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of a hook.
const (
	mostName     = 64      // characters, of names of hooks and of those who post
	mostAvatar   = 2048    // bytes of an address
	mostID       = 256     // bytes, of an id
	mostTemplate = 8 << 10 // bytes
)

// Hook is one address that puts messages into one conversation. Whoever has its
// token may post: the token itself is kept nowhere.
type Hook struct {
	ID           string                   `json:"id"` // stable; never the token
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	Thread       platforms.ThreadID       `json:"thread,omitempty"`

	Name     string  `json:"name"`               // 1 to 64 characters; who posts, where a post doesn't say
	Avatar   string  `json:"avatar,omitempty"`   // an http or https address; empty: none
	Dialect  Dialect `json:"dialect,omitempty"`  // what is posted; empty: Native
	Template string  `json:"template,omitempty"` // for Template only
	On       bool    `json:"on"`
	Shut     bool    `json:"shut,omitempty"` // its owner switched it off: no token switches it on
	Marked   bool    `json:"marked"`         // a line in the chat says that the message came by a hook

	Limit platforms.Rate `json:"limit,omitzero"` // of posts; zero: defaultLimit

	By       string    `json:"by,omitempty"` // id of the client that made it; empty: a person did
	Created  time.Time `json:"created"`
	LastUsed time.Time `json:"last_used,omitzero"`
	Count    uint64    `json:"count,omitempty"`  // posts that were taken
	Expires  time.Time `json:"expires,omitzero"` // zero: never

	Token  Hash      `json:"token"`
	Former Hash      `json:"former,omitzero"` // the token before it, until Until
	Until  time.Time `json:"until,omitzero"`
}

// defaultLimit is how often a hook is used whose Limit is zero.
func defaultLimit() platforms.Rate {
	return platforms.Rate{N: 30, Per: time.Minute, Burst: 10}
}

// Live reports whether posts are taken at now.
func (h Hook) Live(now time.Time) bool {
	return h.On && (h.Expires.IsZero() || now.Before(h.Expires))
}

// rate is Limit, or what stands for it.
func (h Hook) rate() platforms.Rate {
	if h.Limit == (platforms.Rate{}) {
		return defaultLimit()
	}
	return h.Limit
}

// Invalid is what is wrong with one field of a hook, for its form.
type Invalid struct {
	Field string // as in Hook; empty: the request as a whole
	Text  string // what is wrong, and what to do; it repeats no secret
}

func (e Invalid) Error() string { return e.Text }

func invalid(field, format string, args ...any) error {
	return Invalid{field, fmt.Sprintf(format, args...)}
}

// check is what is wrong with h, as a sentence; or nil.
func (h Hook) check() error {
	switch {
	case h.ID == "" || len(h.ID) > mostID:
		return Invalid{"ID", "A hook has an id of at most 256 bytes. Make the hook anew."}
	case h.Account == "" || len(h.Account) > mostID:
		return Invalid{"Account", "A hook belongs to an account. Choose one."}
	case h.Conversation == "" || len(h.Conversation) > mostID || len(h.Thread) > mostID:
		return Invalid{"Conversation", "A hook posts into one chat. Choose one."}
	case !h.Dialect.known():
		return invalid("Dialect", "There is no form %q. Choose one of those that are offered.", text.Line(string(h.Dialect), 40))
	case h.Token == Hash{}:
		return Invalid{"Token", "A hook has a token. Make the hook anew."}
	}
	if err := checkName(h.Name); err != nil {
		return err
	}
	if err := checkAvatar(h.Avatar); err != nil {
		return err
	}
	if err := checkRate(h.Limit); err != nil {
		return err
	}
	if h.Dialect == Template {
		_, err := compile(h.Template)
		return err
	}
	if h.Template != "" {
		return Invalid{"Template", "Only a hook that takes any JSON has a template. Choose that form, or empty the template."}
	}
	return nil
}

func checkName(s string) error {
	if n := utf8.RuneCountInString(s); n < 1 || n > mostName || text.Clean(s) != s {
		return invalid("Name", "A hook's name is one line of 1 to %d characters. Write another.", mostName)
	}
	return nil
}

func checkAvatar(s string) error {
	if s != "" && !webAddress(s) {
		return invalid("Avatar", "A picture's address begins with https:// or http:// and has at most %d bytes. Write another, or none.", mostAvatar)
	}
	return nil
}

// webAddress reports whether s is a whole http or https address without a
// password in it.
func webAddress(s string) bool {
	if s == "" || len(s) > mostAvatar || text.Clean(s) != s {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

func checkRate(r platforms.Rate) error {
	if r == (platforms.Rate{}) {
		return nil
	}
	if r.N < 1 || r.N > 1000 || r.Per < time.Second || r.Per > 24*time.Hour || r.Burst < 1 || r.Burst > 1000 {
		return Invalid{"Limit", "A limit allows 1 to 1000 posts in 1 second to 24 hours, and as many at once. Change it."}
	}
	return nil
}
