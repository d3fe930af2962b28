// Package clients knows the programs that a person named, and what each may do
// on the local interface: scopes, tokens and rates. It is pure: it keeps no
// files, opens nothing and has no clock.
package clients

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of a Book.
const (
	MaxClients = 100
	MaxScopes  = 100 // of each client
)

// Client is a program that a person gave a name. What it may do is its Scopes,
// and nothing else.
type Client struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Created   time.Time `json:"created"`
	LastUsed  time.Time `json:"last_used,omitzero"`
	Scopes    []Scope   `json:"scopes"`
	PerMinute int       `json:"per_minute"` // messages it may send
	Expires   time.Time `json:"expires,omitzero"`
}

// Ended reports whether c's time is over.
func (c Client) Ended(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }

// Draft is what a person chooses for a client.
type Draft struct {
	Name      string    `json:"name"`
	Scopes    []Scope   `json:"scopes"`
	PerMinute int       `json:"per_minute,omitempty"` // 0: UsualPerMinute
	Expires   time.Time `json:"expires,omitzero"`     // zero: never
}

// Record is a Client as it is kept: of its token only the SHA-256.
type Record struct {
	Client
	Sum []byte `json:"sum"`
}

// Book is the clients. Its methods leave it alone and return the changed one,
// so that a change counts only once it is kept.
type Book []Record

// Errors of a Book.
var (
	ErrUnknown = errors.New("there is no such client. The list of clients shows the names")
	errFull    = fmt.Errorf("there are %d clients already, which is the most. Revoke one that is not used", MaxClients)
)

// Add makes a client and its token, which nothing keeps.
func (b Book) Add(d Draft, now time.Time) (Book, Client, string, error) {
	if len(b) >= MaxClients {
		return b, Client{}, "", errFull
	}
	c, err := b.apply(Client{ID: strings.ToLower(rand.Text()[:16]), Created: now}, d, now)
	if err != nil {
		return b, c, "", err
	}
	token := newToken()
	return append(slices.Clone(b), Record{Client: c, Sum: sum(token)}), c, token, nil
}

// Change gives the client id what d says. Its token stays.
func (b Book) Change(id string, d Draft, now time.Time) (Book, Client, error) {
	i := b.at(id)
	if i < 0 {
		return b, Client{}, ErrUnknown
	}
	c, err := b.apply(b[i].Client, d, now)
	if err != nil {
		return b, c, err
	}
	b = slices.Clone(b)
	b[i].Client = c
	return b, c, nil
}

// Revoke forgets the client id.
func (b Book) Revoke(id string) (Book, Client, error) {
	i := b.at(id)
	if i < 0 {
		return b, Client{}, ErrUnknown
	}
	c := b[i].Client
	return slices.Delete(slices.Clone(b), i, i+1), c, nil
}

// Rotate gives the client id another token. The former one ends at once.
func (b Book) Rotate(id string) (Book, Client, string, error) {
	i := b.at(id)
	if i < 0 {
		return b, Client{}, "", ErrUnknown
	}
	token := newToken()
	b = slices.Clone(b)
	b[i].Sum = sum(token)
	return b, b[i].Client, token, nil
}

// Without takes away what the clients may do in an account that was removed: its
// id may become another's. Who is left without a scope may do nothing.
func (b Book) Without(a platforms.AccountID) (next Book, changed bool) {
	next = slices.Clone(b)
	for i := range next {
		next[i].Scopes = slices.DeleteFunc(slices.Clone(next[i].Scopes), func(s Scope) bool { return s.Account == a && a != "" })
		changed = changed || len(next[i].Scopes) != len(b[i].Scopes)
	}
	return next, changed
}

// Used notes when the client id was used last.
func (b Book) Used(id string, now time.Time) Book {
	if i := b.at(id); i >= 0 {
		b = slices.Clone(b)
		b[i].LastUsed = now
	}
	return b
}

// ByToken is the client that token is of. It looks at all of them, so that the
// time it takes tells nothing.
func (b Book) ByToken(token string, now time.Time) (Client, bool) {
	if !IsToken(token) {
		return Client{}, false
	}
	s, found := sum(token), -1
	for i := range b {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(s, b[i].Sum), i, found)
	}
	if found < 0 || b[found].Ended(now) {
		return Client{}, false
	}
	return b[found].clone(), true
}

// ByName is the client of this name; case is ignored.
func (b Book) ByName(name string, now time.Time) (Client, bool) {
	i := slices.IndexFunc(b, func(r Record) bool { return strings.EqualFold(r.Name, name) })
	if name == "" || i < 0 || b[i].Ended(now) {
		return Client{}, false
	}
	return b[i].clone(), true
}

// List is the clients, without what their tokens are compared with.
func (b Book) List() []Client {
	out := make([]Client, 0, len(b))
	for _, r := range b {
		out = append(out, r.clone())
	}
	return out
}

func (b Book) at(id string) int {
	return slices.IndexFunc(b, func(r Record) bool { return r.ID == id })
}

// clone is c with scopes of its own.
func (c Client) clone() Client {
	c.Scopes = slices.Clone(c.Scopes)
	return c
}

// apply is c with what d says, if that is sound.
func (b Book) apply(c Client, d Draft, now time.Time) (Client, error) {
	if err := checkName(d.Name); err != nil {
		return c, err
	}
	if slices.ContainsFunc(b, func(r Record) bool { return r.ID != c.ID && strings.EqualFold(r.Name, d.Name) }) {
		return c, fmt.Errorf("there is a client %q already. Choose another name, or revoke that one", d.Name)
	}
	scopes, err := tidy(d.Scopes)
	if err != nil {
		return c, err
	}
	if d.PerMinute < 0 || d.PerMinute > MostPerMinute {
		return c, fmt.Errorf("a client may send between 1 and %d messages a minute. Choose a number in between", MostPerMinute)
	}
	if !d.Expires.IsZero() && !now.Before(d.Expires) {
		return c, errors.New("the end of this client is past. Choose a later one, or none")
	}
	c.Name, c.Scopes, c.PerMinute, c.Expires = d.Name, scopes, d.PerMinute, d.Expires
	if c.PerMinute == 0 {
		c.PerMinute = UsualPerMinute
	}
	return c, nil
}

// checkName takes names that are easy to type and can't pass for anything else.
func checkName(name string) error {
	odd := func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.", r))
	}
	if name == "" || len(name) > 40 || strings.ContainsFunc(name, odd) || strings.ContainsRune("-._", rune(name[0])) {
		return errors.New("a client's name is 1 to 40 letters, digits, dashes, dots and underscores, and begins with a letter or digit. Choose another")
	}
	return nil
}

// tokenPrefix lets a token be recognised, by people and by scanners for leaked
// secrets.
const tokenPrefix = "pst_"

// tokenLetters is RFC 4648's base32 in lower case: 32 letters are 160 bits.
const (
	tokenLetters = "abcdefghijklmnopqrstuvwxyz234567"
	tokenLength  = 32
)

func newToken() string {
	var raw [tokenLength]byte
	_, _ = rand.Read(raw[:]) // never fails; see its documentation
	for i, b := range raw {
		raw[i] = tokenLetters[b%32] // 256 is a multiple of 32: no letter is favoured
	}
	return tokenPrefix + string(raw[:])
}

// IsToken reports whether s has the form of a client's token.
func IsToken(s string) bool {
	s, ok := strings.CutPrefix(s, tokenPrefix)
	return ok && len(s) == tokenLength && strings.Trim(s, tokenLetters) == ""
}

// LooksLikeToken reports whether s holds what was meant for a token, whole or
// not.
func LooksLikeToken(s string) bool { return strings.Contains(strings.ToLower(s), tokenPrefix) }

func sum(token string) []byte {
	s := sha256.Sum256([]byte(token))
	return s[:]
}

// Sentence is an error of this package as a person reads it.
func Sentence(err error) string {
	return text.Sentence(err.Error())
}
