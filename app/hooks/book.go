package hooks

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/postern/postern/platforms"
)

// mostHooks is how many hooks a Book holds.
const mostHooks = 1000

// version is what a Book's JSON says; another is refused.
const version = 1

// mostOverlap is how long a replaced token may still count.
const mostOverlap = 30 * 24 * time.Hour

// ErrUnknown is that no hook has an id.
var ErrUnknown error = Invalid{"ID", "There is no such hook. Look at the list again."}

// Book is all hooks. Its zero value is empty. Whoever shares one between
// goroutines guards it: List, Get and Find change nothing.
type Book struct{ hooks []Hook }

// New is a hook that is to be made.
type New struct {
	Account      platforms.AccountID
	Conversation platforms.ConversationID
	Thread       platforms.ThreadID
	Name         string
	Avatar       string
	Dialect      Dialect
	Template     string
	Unmarked     bool // no line in the chat says that a message came by a hook
	Limit        platforms.Rate
	Expires      time.Time
	By           string // id of the client that makes it; empty: a person
}

// Change is what becomes different; nil stays as it is.
type Change struct {
	Name     *string
	Avatar   *string // empty: none
	On       *bool
	Shut     *bool
	Dialect  *Dialect
	Template *string
	Marked   *bool
	Limit    *platforms.Rate
	Expires  *time.Time // zero: never
}

// List is all hooks, in the order they were made.
func (b *Book) List() []Hook { return slices.Clone(b.hooks) }

// Clone is a Book of its own with the same hooks.
func (b *Book) Clone() Book { return Book{slices.Clone(b.hooks)} }

// Live reports whether some hook takes posts at now, and when the next of those
// that do ends; zero: none of them does.
func (b *Book) Live(now time.Time) (live bool, ends time.Time) {
	for _, h := range b.hooks {
		if !h.Live(now) {
			continue
		}
		live = true
		if !h.Expires.IsZero() && (ends.IsZero() || h.Expires.Before(ends)) {
			ends = h.Expires
		}
	}
	return live, ends
}

// Moved lets the hooks of a conversation post into the one that it has become.
// It reports whether there were any.
func (b *Book) Moved(account platforms.AccountID, from, to platforms.ConversationID) (any bool) {
	for i := range b.hooks {
		if h := &b.hooks[i]; h.Account == account && h.Conversation == from {
			h.Conversation, any = to, true
		}
	}
	return any
}

// Without ends the hooks of an account, and gives their ids.
func (b *Book) Without(account platforms.AccountID) (ids []string) {
	b.hooks = slices.DeleteFunc(b.hooks, func(h Hook) bool {
		if h.Account == account {
			ids = append(ids, h.ID)
		}
		return h.Account == account
	})
	return ids
}

// Shut switches off, as its owner does, what a client made.
func (b *Book) Shut(client string) (names []string) {
	for i := range b.hooks {
		if h := &b.hooks[i]; client != "" && h.By == client && (h.On || !h.Shut) {
			h.On, h.Shut = false, true
			names = append(names, h.Name)
		}
	}
	return names
}

// Recount takes over how often the hooks were used from a Book that went on
// counting.
func (b *Book) Recount(from *Book) {
	for i := range b.hooks {
		if j, err := from.at(b.hooks[i].ID); err == nil {
			b.hooks[i].Count, b.hooks[i].LastUsed = from.hooks[j].Count, from.hooks[j].LastUsed
		}
	}
}

// Get is the hook of an id, whether or not it is live.
func (b *Book) Get(id string) (Hook, error) {
	i, err := b.at(id)
	if err != nil {
		return Hook{}, err
	}
	return b.hooks[i], nil
}

func (b *Book) at(id string) (int, error) {
	i := slices.IndexFunc(b.hooks, func(h Hook) bool { return h.ID == id })
	if i < 0 {
		return 0, ErrUnknown
	}
	return i, nil
}

// Add makes a hook, switched on, and its token, which is shown now or never.
func (b *Book) Add(n New, now time.Time) (Hook, platforms.Secret, error) {
	if len(b.hooks) >= mostHooks {
		return Hook{}, platforms.Secret{}, invalid("", "There are %d hooks, which is the most. Delete one first.", mostHooks)
	}
	id, err := newID()
	if err != nil {
		return Hook{}, platforms.Secret{}, err
	}
	token, err := newToken()
	if err != nil {
		return Hook{}, platforms.Secret{}, err
	}
	hash, _ := hashOf(token.Reveal())
	h := Hook{
		ID: id, Account: n.Account, Conversation: n.Conversation, Thread: n.Thread,
		Name: n.Name, Avatar: n.Avatar, Dialect: n.Dialect, Template: n.Template,
		On: true, Marked: !n.Unmarked, Limit: n.Limit, By: n.By, Created: now.UTC(), Expires: n.Expires, Token: hash,
	}
	if err := h.check(); err != nil {
		return Hook{}, platforms.Secret{}, err
	}
	b.hooks = append(b.hooks, h)
	return h, token, nil
}

// Change alters the hook of an id, or leaves it as it was and says why.
func (b *Book) Change(id string, c Change) (Hook, error) {
	i, err := b.at(id)
	if err != nil {
		return Hook{}, err
	}
	h := b.hooks[i]
	set(&h.Name, c.Name)
	set(&h.Avatar, c.Avatar)
	set(&h.On, c.On)
	set(&h.Shut, c.Shut)
	set(&h.Dialect, c.Dialect)
	set(&h.Template, c.Template)
	set(&h.Marked, c.Marked)
	set(&h.Limit, c.Limit)
	set(&h.Expires, c.Expires)
	if err := h.check(); err != nil {
		return Hook{}, err
	}
	b.hooks[i] = h
	return h, nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// Rotate gives the hook of an id a new token. The one it had counts for overlap
// more, at most 30 days; zero: it is dead at once. A still older one is dead.
func (b *Book) Rotate(id string, overlap time.Duration, now time.Time) (Hook, platforms.Secret, error) {
	i, err := b.at(id)
	if err != nil {
		return Hook{}, platforms.Secret{}, err
	}
	if overlap < 0 || overlap > mostOverlap {
		return Hook{}, platforms.Secret{}, Invalid{"Overlap", "An old token may count for 30 days at most. Choose a shorter time."}
	}
	token, err := newToken()
	if err != nil {
		return Hook{}, platforms.Secret{}, err
	}
	h := &b.hooks[i]
	h.Former, h.Until = Hash{}, time.Time{}
	if overlap > 0 {
		h.Former, h.Until = h.Token, now.Add(overlap).UTC()
	}
	h.Token, _ = hashOf(token.Reveal())
	return *h, token, nil
}

// Remove ends the hook of an id at once.
func (b *Book) Remove(id string) error {
	i, err := b.at(id)
	if err != nil {
		return err
	}
	b.hooks = slices.Delete(b.hooks, i, i+1)
	return nil
}

// Used counts a post that was taken.
func (b *Book) Used(id string, now time.Time) error {
	i, err := b.at(id)
	if err != nil {
		return err
	}
	b.hooks[i].Count++
	b.hooks[i].LastUsed = now.UTC()
	return nil
}

// Find is the hook that a token opens at now. A token that is unknown, worn out
// or of a hook that is off or over takes the same work, and opens none.
func (b *Book) Find(token string, now time.Time) (Hook, bool) {
	h, ok, _ := b.find(token, now)
	return h, ok
}

// Held is the hook of which token is the current one: whoever has that may manage
// it, also while they have switched it off, but not once its owner did or its end
// came. A token that leaked would undo it.
func (b *Book) Held(token string, now time.Time) (Hook, bool) {
	sum, whole := hashOf(token)
	found := -1
	for i := range b.hooks {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], b.hooks[i].Token[:]), i, found)
	}
	if found < 0 || !whole || b.hooks[found].Shut {
		return Hook{}, false
	}
	h := b.hooks[found]
	h.On = true
	return b.hooks[found], h.Live(now)
}

// find also tells how many hashes were compared.
func (b *Book) find(token string, now time.Time) (Hook, bool, int) {
	sum, whole := hashOf(token)
	found, compared := -1, 0
	for i := range b.hooks {
		h := &b.hooks[i]
		current := subtle.ConstantTimeCompare(sum[:], h.Token[:])
		former := subtle.ConstantTimeCompare(sum[:], h.Former[:]) & bit(now.Before(h.Until))
		compared += 2
		found = subtle.ConstantTimeSelect(current|former, i, found)
	}
	if found < 0 || !whole || !b.hooks[found].Live(now) {
		return Hook{}, false, compared
	}
	return b.hooks[found], true, compared
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// written is a Book as JSON.
type written struct {
	Version int    `json:"version"`
	Hooks   []Hook `json:"hooks"`
}

// MarshalJSON writes the book; no token is in it.
func (b Book) MarshalJSON() ([]byte, error) {
	return json.Marshal(written{version, append([]Hook{}, b.hooks...)})
}

// UnmarshalJSON reads what MarshalJSON wrote. It refuses another version, what
// it does not know and what could not have been made, and then leaves b as it was.
func (b *Book) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var w written
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("read the hooks: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read the hooks: more follows after them")
	}
	if w.Version != version {
		return fmt.Errorf("read the hooks: version %d, where %d is known", w.Version, version)
	}
	if len(w.Hooks) > mostHooks {
		return fmt.Errorf("read the hooks: %d of them, where %d is the most", len(w.Hooks), mostHooks)
	}
	ids, hashes := map[string]bool{}, map[Hash]bool{}
	for i, h := range w.Hooks {
		if err := h.check(); err != nil {
			return fmt.Errorf("read the hooks: number %d: %w", i+1, err)
		}
		if ids[h.ID] || hashes[h.Token] || h.Former == h.Token || hashes[h.Former] && !h.Former.IsZero() {
			return fmt.Errorf("read the hooks: number %d is there twice", i+1)
		}
		ids[h.ID], hashes[h.Token] = true, true
		hashes[h.Former] = true
	}
	b.hooks = w.Hooks
	return nil
}
