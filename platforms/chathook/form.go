package chathook

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

// form is how one chat wants messages, and what its answers mean.
type form struct {
	name, title string
	limits      platforms.Limits
	length      func(text string, f platforms.Format) int // of limits.Text; nil: as the unit counts

	hosts  []string // that are this chat's and no other's; one with a dot in front stands for all below it
	named  func(string) (string, error)
	target func(u url.URL) string // where a message is posted; nil: the address
	body   func(m platforms.Message, name, avatar string) any

	// ask reads what the address itself tells when it is fetched: the webhook's
	// name. Nil: it must not be fetched.
	ask func(body []byte) (name string, ok bool)
	// took reads an answer that accepts a message: its id, or what the chat knows
	// the request by. ok is false for an answer that is not the chat's.
	took func(a answer) (id string, ok bool)
	// word is the chat's own word for why it refused. ok is false for an answer
	// that is not the chat's.
	word func(a answer) (word string, ok bool)
	// gone are words, or parts of them, that mean: nothing will be accepted at this
	// address until a person acts. Statuses 401, 404 and 410 mean it always.
	gone []string
	// wait is how long an answer asks to wait, beside the header Retry-After; nil:
	// that says it.
	wait func(a answer) time.Duration
	// rests reports how long a successful answer asks to rest; nil: never.
	rests func(h http.Header) time.Duration
}

// answer is what the chat answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// forms is all of them. The first one is meant where nothing is chosen.
func forms() []form { return []form{native(), slack(), discord(), mattermost(), teams()} }

// formOf is the form that settings choose.
func formOf(settings map[string]string) form {
	all := forms()
	for _, f := range all {
		if f.name == settings[keyForm] {
			return f
		}
	}
	return all[0]
}

// suits says what is wrong with an address that is another chat's for sure.
func (f form) suits(u *url.URL) error {
	for _, other := range forms() {
		if other.name != f.name && other.owns(u.Hostname()) {
			return sentence("This is an address of " + other.title + ", and " + f.title + " is chosen. Choose " + other.title + ", or paste another address.")
		}
	}
	if f.target != nil && (strings.HasSuffix(u.Path, "/slack") || strings.HasSuffix(u.Path, "/github")) {
		return sentence("This address takes another service's form. Leave out what stands behind the token: /slack or /github.")
	}
	return nil
}

func (f form) owns(host string) bool {
	for _, h := range f.hosts {
		if host == h || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h) {
			return true
		}
	}
	return false
}

// fits reports whether a text is not too long.
func (f form) fits(text string, format platforms.Format) bool {
	if f.length == nil {
		return utf8.RuneCountInString(text) <= f.limits.Text
	}
	return f.length(text, format) <= f.limits.Text
}

// anyName takes every name that parseName does.
func anyName(s string) (string, error) { return parseName(s) }

// noName is for chats that show the webhook's own name always.
func noName(string) (string, error) { return "", nil }

// runes counts what write makes of a text.
func runes(write func(string, platforms.Format) string) func(string, platforms.Format) int {
	return func(s string, f platforms.Format) int { return utf8.RuneCountInString(write(s, f)) }
}
