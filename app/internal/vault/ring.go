package vault

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// pieceLimit is the longest value of one keyring item, in bytes. Windows takes
// 2560; macOS takes a command line of 4096, in which the value stands as base64
// beside the item's names.
const pieceLimit = 2400

// What an item's value begins with.
const (
	wholePrefix    = "s:" // the secret follows
	manifestPrefix = "m:" // a manifest follows: the secret is in several items
)

// items is a keyring as it is: every call may take for ever.
type items interface {
	get(item string) (string, error) // ErrNotFound
	set(item, value string) error
	del(item string) error // ErrNotFound
}

// ring is the backend that uses the system's keyring. A secret that is too long
// for one item is split: its pieces get names of their own, and the item with
// the secret's name, written last, says which they are. So a reader sees the
// former secret or the new one, never a mixture.
type ring struct {
	items  items
	ready  func(context.Context) (mayPrompt bool, err error)
	calls  *calls
	prefix string // tells data folders apart
	limit  int
	title  string
	log    *slog.Logger
}

type manifest struct {
	Generation string `json:"generation"` // of the pieces' names
	Pieces     int    `json:"pieces"`
	Sum        string `json:"sum"` // SHA-256 of the secret, in hex
}

func newRing(dir string, o Options) (*ring, error) {
	prefix, err := folderHash(dir)
	if err != nil {
		return nil, err
	}
	return &ring{
		items:  osKeyring{service: o.Service},
		ready:  keyringReady,
		calls:  newCalls(o.Timeout, o.PromptTimeout),
		prefix: prefix,
		limit:  pieceLimit,
		title:  keyringTitle(runtime.GOOS),
		log:    o.Log,
	}, nil
}

// folderHash tells data folders apart by their real path. A folder that was
// moved is another folder.
func folderHash(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the data folder: %w", err)
	}
	// It must exist: a link on the way to a missing folder stays unresolved,
	// and the name would be another one at the next start.
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	if runtime.GOOS == "windows" {
		abs = strings.ToLower(abs)
	}
	sum := sha256.Sum256([]byte(abs))
	return hex.EncodeToString(sum[:8]), nil
}

func keyringTitle(goos string) string {
	switch goos {
	case "darwin":
		return "OS keyring (Keychain)"
	case "windows":
		return "OS keyring (Credential Manager)"
	default:
		return "OS keyring (Secret Service)"
	}
}

// probe finds out whether the keyring answers and is open.
func (r *ring) probe(ctx context.Context) error {
	_, err := r.read(ctx, r.prefix+"/probe")
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

func (r *ring) describe() string { return r.title }

func (r *ring) close() error { return nil }

// item is the name of key's item: readable, and without the characters that
// mark pieces.
func (r *ring) item(key string) string {
	var b strings.Builder
	b.WriteString(r.prefix + "/")
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-_.:/@", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func (m manifest) piece(item string, i int) string {
	return fmt.Sprintf("%s#%s.%d", item, m.Generation, i)
}

func (r *ring) get(ctx context.Context, key string) (string, error) {
	item := r.item(key)
	value, err := r.read(ctx, item)
	for {
		if err != nil {
			return "", err
		}
		if whole, ok := strings.CutPrefix(value, wholePrefix); ok {
			return whole, nil
		}
		m, err := r.parse(value)
		if err != nil {
			return "", err
		}
		whole, err := r.join(ctx, item, m)
		if err == nil || !isDamaged(err) {
			return whole, err
		}
		// A writer may have replaced the pieces while they were read.
		again, rerr := r.read(ctx, item)
		if rerr == nil && again == value {
			return "", err
		}
		value, err = again, rerr
	}
}

func (r *ring) parse(value string) (manifest, error) {
	var m manifest
	text, ok := strings.CutPrefix(value, manifestPrefix)
	if !ok || json.Unmarshal([]byte(text), &m) != nil || m.Pieces < 1 || m.Pieces > maxSecret || m.Generation == "" {
		return m, r.damaged("")
	}
	return m, nil
}

func (r *ring) join(ctx context.Context, item string, m manifest) (string, error) {
	var b strings.Builder
	for i := range m.Pieces {
		piece, err := r.read(ctx, m.piece(item, i))
		if errors.Is(err, ErrNotFound) {
			// Not ErrNotFound: the secret exists.
			return "", r.damaged("a piece of a long secret is missing")
		}
		if err != nil {
			return "", err
		}
		b.WriteString(piece)
	}
	if sum(b.String()) != m.Sum {
		return "", r.damaged("the pieces of a long secret don't fit")
	}
	return b.String(), nil
}

func (r *ring) set(ctx context.Context, key, value string) error {
	item := r.item(key)
	old, err := r.read(ctx, item)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if len(wholePrefix)+len(value) <= r.limit {
		err = r.store(ctx, item, wholePrefix+value)
	} else {
		err = r.setSplit(ctx, item, value)
	}
	if err != nil {
		return err
	}
	// Some keyrings report success when the person dismissed the prompt.
	kept, err := r.get(ctx, key)
	if errors.Is(err, ErrNotFound) || err == nil && kept != value {
		return &Unavailable{Reason: Denied}
	}
	if err != nil {
		return err
	}
	if m, err := r.parse(old); err == nil {
		r.drop(ctx, item, m, m.Pieces)
	}
	return nil
}

func (r *ring) setSplit(ctx context.Context, item, value string) error {
	m := manifest{Generation: rand.Text()[:12], Sum: sum(value)}
	for rest := value; rest != ""; m.Pieces++ {
		n := min(r.limit, len(rest))
		if err := r.store(ctx, m.piece(item, m.Pieces), rest[:n]); err != nil {
			r.drop(ctx, item, m, m.Pieces)
			return err
		}
		rest = rest[n:]
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	err = r.store(ctx, item, manifestPrefix+string(text))
	if u, ok := errors.AsType[*Unavailable](err); ok && u.Reason != TimedOut {
		r.drop(ctx, item, m, m.Pieces) // after a time-out the manifest may still be written
	}
	return err
}

// drop deletes pieces that no manifest names any more, also if the caller has
// given up: they are secrets that nothing would find again.
func (r *ring) drop(ctx context.Context, item string, m manifest, n int) {
	ctx = context.WithoutCancel(ctx)
	for i := range n {
		if err := r.remove(ctx, m.piece(item, i)); err != nil && !errors.Is(err, ErrNotFound) {
			r.log.Warn("a piece of a replaced secret stays in the keyring", "item", m.piece(item, i), "error", err)
		}
	}
}

// del deletes the pieces before what names them, so that a failure can be
// repeated.
func (r *ring) del(ctx context.Context, key string) error {
	item := r.item(key)
	value, err := r.read(ctx, item)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if m, err := r.parse(value); err == nil {
		for i := range m.Pieces {
			if err := r.remove(ctx, m.piece(item, i)); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
	}
	if err := r.remove(ctx, item); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	// Here too success may mean that a prompt was dismissed.
	if _, err := r.read(ctx, item); err == nil {
		return &Unavailable{Reason: Denied}
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

func (r *ring) read(ctx context.Context, item string) (string, error) {
	return r.call(ctx, "", false, func() (string, error) { return r.items.get(item) })
}

func (r *ring) store(ctx context.Context, item, value string) error {
	_, err := r.call(ctx, item, true, func() (string, error) { return "", r.items.set(item, value) })
	return err
}

func (r *ring) remove(ctx context.Context, item string) error {
	_, err := r.call(ctx, item, false, func() (string, error) { return "", r.items.del(item) })
	return err
}

// call makes one call of the keyring, after a look at whether it is there and
// whether it will ask the person. changes is the item that the call changes, if
// it does; writing says that it is given a secret.
func (r *ring) call(ctx context.Context, changes string, writing bool, f func() (string, error)) (string, error) {
	prompt, err := r.calls.ready(ctx, r.ready)
	if err == nil {
		var result string
		if result, err = r.calls.do(ctx, prompt, changes, f); err == nil {
			return result, nil
		}
	}
	return "", classify(err, writing)
}

func (r *ring) damaged(detail string) error {
	return &Unavailable{Reason: Damaged, Where: "the keyring", Detail: detail}
}

func isDamaged(err error) bool {
	u, ok := errors.AsType[*Unavailable](err)
	return ok && u.Reason == Damaged
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}
