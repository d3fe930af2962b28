package vault

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zalando/go-keyring"
	"go.uber.org/goleak"
)

// marker stands in every secret of the tests and in no text of a person.
const marker = "MARKERsecret"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// go-keyring's own connection to the bus, which lives as long as the process.
		goleak.IgnoreAnyFunction("github.com/godbus/dbus/v5.(*Conn).inWorker"),
		goleak.IgnoreAnyFunction("github.com/godbus/dbus/v5.newConn.func1"),
	)
}

// fakeRing is a keyring in memory that can refuse, fail and hang.
type fakeRing struct {
	limit int // of a value; 0: none

	mu     sync.Mutex
	kept   map[string]string
	calls  int
	before func(op, item string) error // called without the lock
	lies   bool                        // set and del do nothing, and say nothing
}

func newFake() *fakeRing { return &fakeRing{kept: map[string]string{}} }

func (f *fakeRing) enter(op, item string) error {
	f.mu.Lock()
	f.calls++
	before := f.before
	f.mu.Unlock()
	if before != nil {
		return before(op, item)
	}
	return nil
}

func (f *fakeRing) get(item string) (string, error) {
	if err := f.enter("get", item); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	value, ok := f.kept[item]
	if !ok {
		return "", keyring.ErrNotFound
	}
	return value, nil
}

func (f *fakeRing) set(item, value string) error {
	if err := f.enter("set", item); err != nil {
		return err
	}
	if f.limit > 0 && len(value) > f.limit {
		return keyring.ErrSetDataTooBig
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.lies {
		f.kept[item] = value
	}
	return nil
}

func (f *fakeRing) del(item string) error {
	if err := f.enter("del", item); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.kept[item]; !ok {
		return keyring.ErrNotFound
	}
	if !f.lies {
		delete(f.kept, item)
	}
	return nil
}

func (f *fakeRing) hook(h func(op, item string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = h
}

func (f *fakeRing) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fakeRing) snapshot() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.kept)
}

// ringVault is a vault over f.
func ringVault(f *fakeRing, short, long time.Duration) (*Vault, *ring) {
	r := &ring{
		items:  f,
		ready:  func(context.Context) (bool, error) { return false, nil },
		calls:  newCalls(short, long),
		prefix: "0011223344556677",
		limit:  pieceLimit,
		title:  "OS keyring (fake)",
		log:    slog.New(slog.DiscardHandler),
	}
	return newVault(r), r
}

// reason fails unless err is *Unavailable for that reason; it checks the text.
func reason(t *testing.T, err error, want Reason) {
	t.Helper()
	u, ok := errors.AsType[*Unavailable](err)
	if !ok || u.Reason != want {
		t.Fatalf("got %v, want *Unavailable with %q", err, want)
	}
	clean(t, err)
}

// clean fails if an error's text, at any depth, has a secret.
func clean(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), "\n") {
		t.Errorf("an error that shows too much: %q", err)
	}
	switch u := err.(type) {
	case interface{ Unwrap() error }:
		// What RedactError masks stays in its chain, for errors.As alone.
		if _, ok := err.(*Unavailable); !ok {
			clean(t, u.Unwrap())
		}
	case interface{ Unwrap() []error }:
		for _, e := range u.Unwrap() {
			clean(t, e)
		}
	}
}
