package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"unicode/utf8"

	"filippo.io/age"

	"github.com/postern/postern/platforms"
)

const (
	// FileName is the sealed file's name in the data folder.
	FileName = "secrets.age"

	backupSuffix  = ".bak"
	minPassphrase = 8 // characters
)

// Create makes the sealed file of the data folder dir, empty, so that Open uses
// it from then on. It is called only once the person chose it. An existing file
// is never overwritten. What the keyring holds stays there and is not moved.
func Create(ctx context.Context, dir string, pass platforms.Secret) error {
	return create(ctx, dir, pass, 0)
}

// create is Create with a work factor for scrypt, age's own if zero.
func create(ctx context.Context, dir string, pass platforms.Secret, workFactor int) error {
	if utf8.RuneCountInString(pass.Reveal()) < minPassphrase {
		return ErrWeakPassphrase
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(dir, FileName)
	if err := folderSafe(dir); err != nil {
		return err
	}
	for _, p := range []string{path, path + backupSuffix} {
		if _, err := os.Lstat(p); err == nil {
			return &Unavailable{Reason: Exists, Where: p}
		} else if !errors.Is(err, os.ErrNotExist) {
			return &Unavailable{Reason: Failed, Where: p, Err: err}
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make the sealed file: %w", err)
	}
	lock, err := sealIdentity(id, pass, workFactor)
	if err != nil {
		return fmt.Errorf("make the sealed file: %w", err)
	}
	content, err := encodeFile(lock, id, map[string]string{})
	if err != nil {
		return fmt.Errorf("make the sealed file: %w", err)
	}
	if err := writeAtomic(path, content, true); err != nil {
		if errors.Is(err, os.ErrExist) {
			return &Unavailable{Reason: Exists, Where: path}
		}
		return &Unavailable{Reason: Failed, Where: path, Err: err}
	}
	return nil
}

// sealed is the backend that uses a sealed file, see encodeFile for its format.
type sealed struct {
	path string
	id   *age.X25519Identity
	lock []byte // the file's first part, kept as it is

	mu   sync.Mutex
	held map[string]string
}

func openSealed(ctx context.Context, path string, ask Passphrase) (*sealed, error) {
	content, err := readSafe(path)
	if err != nil {
		return nil, err
	}
	lock, data, err := splitFile(path, content)
	if err != nil {
		return nil, err
	}
	if ask == nil {
		return nil, ErrNeedsPassphrase
	}
	pass, err := ask(ctx)
	if err != nil {
		return nil, fmt.Errorf("get the passphrase: %w", err)
	}
	if pass.IsZero() {
		return nil, ErrWrongPassphrase
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id, err := openIdentity(path, lock, pass)
	if err != nil {
		return nil, err
	}
	held, err := openData(path, data, id)
	if err != nil {
		return nil, err
	}
	return &sealed{path: path, id: id, lock: lock, held: held}, nil
}

func (s *sealed) values() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.held))
}

func (s *sealed) get(_ context.Context, key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.held[key]
	if !ok {
		return "", ErrNotFound
	}
	return value, nil
}

func (s *sealed) set(_ context.Context, key, value string) error {
	return s.change(func(m map[string]string) bool {
		old, ok := m[key]
		m[key] = value
		return !ok || old != value
	})
}

func (s *sealed) del(_ context.Context, key string) error {
	return s.change(func(m map[string]string) bool {
		_, ok := m[key]
		delete(m, key)
		return ok
	})
}

// change applies edit to what the file holds now, and writes the file if edit
// says that this changed anything. A file that has become unreadable is left as
// it is. The version before is kept beside it, and with it, until the next
// change, a secret that was replaced or deleted: sealed by the same passphrase.
func (s *sealed) change(edit func(map[string]string) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, err := readSafe(s.path)
	if err != nil {
		return err
	}
	lock, data, err := splitFile(s.path, before)
	if err != nil {
		return err
	}
	if !bytes.Equal(lock, s.lock) {
		return &Unavailable{Reason: Damaged, Where: s.path, Detail: "it was replaced by another one while Postern ran"}
	}
	held, err := openData(s.path, data, s.id)
	if err != nil {
		return err
	}
	if !edit(held) {
		s.held = held
		return nil
	}
	after, err := encodeFile(s.lock, s.id, held)
	if err != nil {
		return fmt.Errorf("seal the secrets: %w", err)
	}
	if err := writeAtomic(s.path+backupSuffix, before, false); err != nil {
		return &Unavailable{Reason: Failed, Where: s.path + backupSuffix, Err: err}
	}
	if err := writeAtomic(s.path, after, false); err != nil {
		return &Unavailable{Reason: Failed, Where: s.path, Err: err}
	}
	s.held = held
	return nil
}

func (s *sealed) describe() string { return "sealed file " + s.path }

func (s *sealed) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held, s.id = nil, nil
	return nil
}

// maxFile bounds what is read as a sealed file.
const maxFile = 16 << 20

// readSafe reads the file if nobody else could have read or changed it.
func readSafe(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, &Unavailable{Reason: Gone, Where: path}
	case err != nil:
		return nil, &Unavailable{Reason: Failed, Where: path, Err: err}
	case !info.Mode().IsRegular():
		return nil, &Unavailable{Reason: Unsafe, Where: path, Detail: "it is a link or no ordinary file; put the file itself there"}
	}
	if err := folderSafe(filepath.Dir(path)); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &Unavailable{Reason: Failed, Where: path, Err: err}
	}
	defer f.Close()
	if err := fileSafe(f, path); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, &Unavailable{Reason: Failed, Where: path, Err: err}
	}
	if len(content) > maxFile {
		return nil, &Unavailable{Reason: Damaged, Where: path, Detail: "it is too long"}
	}
	return content, nil
}

// writeAtomic writes a file that either is there whole or not at all, readable
// by its owner only. With fresh it never replaces one.
func writeAtomic(path string, content []byte, fresh bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if fresh {
		// Unlike a rename a link fails if the name is taken, but not every file
		// system has links.
		if err = os.Link(f.Name(), path); err == nil {
			_ = os.Remove(f.Name())
			return syncDir(filepath.Dir(path))
		} else if errors.Is(err, os.ErrExist) {
			return err
		}
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a rename survive a power failure. Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
