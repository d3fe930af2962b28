package agent

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

// place is where one session is talked to.
type place struct {
	account      platforms.AccountID
	conversation platforms.ConversationID
	thread       platforms.ThreadID
}

// key names a place in the memory: 72 bits of a hash, as 12 characters.
func (p place) key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s %d %s %s", len(p.account), p.account, len(p.conversation), p.conversation, p.thread))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// session is what is remembered of one.
type session struct {
	ID    string    `json:"id"`
	Began time.Time `json:"began"`
}

const keyBook = "sessions" // the keys of all that are remembered, the latest last

// book remembers sessions over restarts, and forgets those that were not used
// for longest when there are too many.
type book struct {
	memory app.Memory

	mu   sync.Mutex
	read bool
	keys []string
}

func newBook(m app.Memory) *book { return &book{memory: m} }

// load reads the list of keys once.
func (b *book) load() error {
	if b.read {
		return nil
	}
	if _, err := b.memory.Get(keyBook, &b.keys); err != nil {
		return fmt.Errorf("read which sessions there are: %w", err)
	}
	b.read = true
	return nil
}

// find is the session of a place; its ID is empty if there is none.
func (b *book) find(p place) (session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(); err != nil {
		return session{}, err
	}
	var s session
	if _, err := b.memory.Get("session "+p.key(), &s); err != nil {
		return session{}, fmt.Errorf("read the session: %w", err)
	}
	if i := slices.Index(b.keys, p.key()); i >= 0 && s.ID != "" {
		b.keys = append(slices.Delete(b.keys, i, i+1), p.key()) // written with the next change
	}
	return s, nil
}

// keep remembers the session of a place, unless ctx has ended: then somebody
// wanted it forgotten meanwhile.
func (b *book) keep(ctx context.Context, p place, s session) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := b.load(); err != nil {
		return err
	}
	keys := append(slices.DeleteFunc(slices.Clone(b.keys), func(k string) bool { return k == p.key() }), p.key())
	var old []string
	if over := len(keys) - mostSession; over > 0 {
		old, keys = keys[:over], keys[over:]
	}
	if err := b.memory.Put(ctx, keyBook, keys); err != nil {
		return fmt.Errorf("remember the session: %w", err)
	}
	b.keys = keys
	var failed error
	for _, k := range old {
		failed = errors.Join(failed, b.memory.Put(ctx, "session "+k, nil))
	}
	if err := errors.Join(failed, b.memory.Put(ctx, "session "+p.key(), s)); err != nil {
		return fmt.Errorf("remember the session: %w", err)
	}
	return nil
}

// forget reports whether there was one.
func (b *book) forget(ctx context.Context, p place) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(); err != nil {
		return false, err
	}
	keys := slices.DeleteFunc(slices.Clone(b.keys), func(k string) bool { return k == p.key() })
	if len(keys) == len(b.keys) {
		return false, nil
	}
	// The session first: a key without one does no harm.
	if err := b.memory.Put(ctx, "session "+p.key(), nil); err != nil {
		return false, fmt.Errorf("forget the session: %w", err)
	}
	if err := b.memory.Put(ctx, keyBook, keys); err != nil {
		return false, fmt.Errorf("forget the session: %w", err)
	}
	b.keys = keys
	return true, nil
}
