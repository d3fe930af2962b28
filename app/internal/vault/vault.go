// Package vault is where Postern's secrets live: in the system's keyring, or,
// if the person chose so, in one file sealed with a passphrase. It is the only
// package that talks to a keyring, and it never changes from one place to the
// other by itself.
//
// One process uses a data folder at a time; within it a Vault is safe for
// concurrent use.
package vault

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

const (
	// maxKey is the longest name of a secret, in bytes: with what is added to
	// it an item's name stays within what every keyring takes.
	maxKey = 200
	// maxSecret is the longest secret, in bytes.
	maxSecret = 64 << 10

	defaultTimeout       = 10 * time.Second
	defaultPromptTimeout = 2 * time.Minute
)

// Options says how Open reaches the secrets. The zero value is usable for a
// keyring.
type Options struct {
	// Service is the name under which a keyring lists the items, "Postern" if
	// empty.
	Service string
	// Passphrase is asked when a sealed file is opened. Nil: ErrNeedsPassphrase.
	Passphrase Passphrase
	// Timeout bounds one call of a keyring that has nothing to ask the person,
	// 10 s if zero.
	Timeout time.Duration
	// PromptTimeout bounds one call during which the system may be asking the
	// person to unlock the keyring, 2 min if zero. On Linux that is known
	// beforehand from the collection's Locked property; on macOS it is not, so
	// there it bounds every call.
	PromptTimeout time.Duration
	// Log gets what is odd but no reason to fail; nil discards it. It never
	// gets a secret.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Service == "" {
		o.Service = "Postern"
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.PromptTimeout <= 0 {
		o.PromptTimeout = defaultPromptTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// backend keeps values by name. The Vault never has two writers in it at once;
// readers come at any time.
type backend interface {
	get(ctx context.Context, key string) (string, error) // ErrNotFound: surely absent
	set(ctx context.Context, key, value string) error
	del(ctx context.Context, key string) error // absent is not an error
	describe() string
	close() error
}

// Vault gives and keeps secrets.
type Vault struct {
	back    backend
	writing chan struct{} // holds one token while somebody writes
	closed  atomic.Bool

	seenMu sync.Mutex
	seen   atomic.Pointer[[]platforms.Secret] // replaced, never changed
}

func newVault(b backend) *Vault {
	v := &Vault{back: b, writing: make(chan struct{}, 1)}
	v.seen.Store(new([]platforms.Secret))
	return v
}

// Open opens the vault of the data folder dir: the sealed file if there is one,
// because the person chose it, otherwise the system's keyring, which is tried
// once. There is no silent change from one to the other: what can't be opened
// is an error (ErrNeedsPassphrase, ErrWrongPassphrase or *Unavailable).
func Open(ctx context.Context, dir string, o Options) (*Vault, error) {
	o = o.withDefaults()
	path := filepath.Join(dir, FileName)
	switch _, err := os.Lstat(path); {
	case err == nil:
		b, err := openSealed(ctx, path, o.Passphrase)
		if err != nil {
			return nil, err
		}
		v := newVault(b)
		for _, value := range b.values() {
			v.remember(value)
		}
		return v, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, &Unavailable{Reason: Failed, Where: path, Err: err}
	}
	if _, err := os.Lstat(path + backupSuffix); err == nil {
		return nil, &Unavailable{Reason: Gone, Where: path}
	}
	b, err := newRing(dir, o)
	if err != nil {
		return nil, err
	}
	if err := b.probe(ctx); err != nil {
		return nil, err
	}
	return newVault(b), nil
}

// Memory is a vault that keeps nothing once the process ends, for tests and the
// demo.
func Memory() *Vault { return newVault(&memory{values: map[string]string{}}) }

// Get is the secret named key. ErrNotFound means that there surely is none; any
// other error says nothing about that.
func (v *Vault) Get(ctx context.Context, key string) (platforms.Secret, error) {
	if err := v.usable(key); err != nil {
		return platforms.Secret{}, err
	}
	value, err := v.back.get(ctx, key)
	if err != nil {
		return platforms.Secret{}, fmt.Errorf("read the secret %q: %w", key, err)
	}
	return v.remember(value), nil
}

// Set keeps s under key, replacing what was there. Once it returns nil the
// secret was read back from where it is kept. After an error the former secret
// is still there, except after a time-out, when either may be.
func (v *Vault) Set(ctx context.Context, key string, s platforms.Secret) error {
	if err := v.usable(key); err != nil {
		return err
	}
	if s.IsZero() {
		return fmt.Errorf("keep the secret %q: it is empty", key)
	}
	v.remember(s.Reveal()) // before anything that could fail while naming it
	release, err := v.write(ctx)
	if err != nil {
		return err
	}
	defer release()
	return v.set(ctx, key, s.Reveal())
}

func (v *Vault) set(ctx context.Context, key, value string) error {
	var err error
	if len(value) > maxSecret {
		err = &Unavailable{Reason: TooBig}
	} else {
		err = v.back.set(ctx, key, value)
	}
	if err != nil {
		return fmt.Errorf("keep the secret %q: %w", key, err)
	}
	return nil
}

// Delete forgets the secret named key. That there is none is not an error.
func (v *Vault) Delete(ctx context.Context, key string) error {
	if err := v.usable(key); err != nil {
		return err
	}
	release, err := v.write(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := v.back.del(ctx, key); err != nil {
		return fmt.Errorf("delete the secret %q: %w", key, err)
	}
	return nil
}

// Key is the random 32-byte key named name, made at its first use; created says
// that this was now. A key is made only when there surely is none: whoever has
// data that an older key sealed must treat created as its loss. Keys are apart
// from what Set keeps under the same name.
func (v *Vault) Key(ctx context.Context, name string) (key [32]byte, created bool, err error) {
	item := "key/" + name
	if err := v.usable(item); err != nil {
		return key, false, err
	}
	value, err := v.back.get(ctx, item)
	if errors.Is(err, ErrNotFound) {
		release, werr := v.write(ctx)
		if werr != nil {
			return key, false, werr
		}
		defer release()
		// Another caller may have made it in between.
		value, err = v.back.get(ctx, item)
		if errors.Is(err, ErrNotFound) {
			return v.makeKey(ctx, item)
		}
	}
	if err != nil {
		return key, false, fmt.Errorf("read the key %q: %w", name, err)
	}
	v.remember(value)
	raw, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || len(raw) != len(key) {
		// The decoding error would quote the key.
		return key, false, fmt.Errorf("read the key %q: %w", name, &Unavailable{Reason: Damaged, Where: v.back.describe()})
	}
	return [32]byte(raw), false, nil
}

func (v *Vault) makeKey(ctx context.Context, item string) (key [32]byte, created bool, err error) {
	_, _ = rand.Read(key[:]) // never fails, see crypto/rand
	value := base64.StdEncoding.EncodeToString(key[:])
	v.remember(value)
	if err := v.set(ctx, item, value); err != nil {
		return [32]byte{}, false, err
	}
	return key, true, nil
}

// Describe says where the secrets are, for a person.
func (v *Vault) Describe() string { return v.back.describe() }

// Close ends the use of the vault; calls after it fail. It doesn't wait for a
// keyring's call that never came back.
func (v *Vault) Close() error {
	if v.closed.Swap(true) {
		return nil
	}
	return v.back.close()
}

// Secrets is every secret that this process read from or gave to the vault, for
// masking logs and reports; it stays usable after Close. It is cheap; the
// caller must not change the slice.
func (v *Vault) Secrets() []platforms.Secret { return *v.seen.Load() }

// remember notes value for Secrets and wraps it. Reading the same value again
// gives the same Secret, so that a mask built from Secrets stays valid.
func (v *Vault) remember(value string) platforms.Secret {
	v.seenMu.Lock()
	defer v.seenMu.Unlock()
	old := *v.seen.Load()
	for _, s := range old {
		if s.Reveal() == value {
			return s
		}
	}
	s := platforms.NewSecret(value)
	list := append(slices.Clip(old), s)
	v.seen.Store(&list)
	return s
}

func (v *Vault) usable(key string) error {
	if v.closed.Load() {
		return ErrClosed
	}
	if key == "" || len(key) > maxKey || !utf8.ValidString(key) {
		return fmt.Errorf("the name of a secret has 1 to %d bytes of UTF-8", maxKey)
	}
	for _, r := range key {
		if unicode.IsControl(r) {
			return errors.New("the name of a secret has a control character")
		}
	}
	return nil
}

// write waits until nobody else writes.
func (v *Vault) write(ctx context.Context) (release func(), err error) {
	select {
	case v.writing <- struct{}{}:
		return func() { <-v.writing }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for another change of the vault: %w", ctx.Err())
	}
}

// memory is the backend that keeps nothing.
type memory struct {
	mu     sync.Mutex
	values map[string]string
}

func (m *memory) get(_ context.Context, key string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[key]
	if !ok {
		return "", ErrNotFound
	}
	return value, nil
}

func (m *memory) set(_ context.Context, key, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[key] = value
	return nil
}

func (m *memory) del(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, key)
	return nil
}

func (m *memory) describe() string { return "memory, nothing is kept" }

func (m *memory) close() error { return nil }
