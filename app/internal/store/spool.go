package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// spoolWork is the scrypt work factor of spooled files. It is the least there
// is: the passphrase is 256 bits derived from the journal's key, and stretching
// it would add nothing.
const spoolWork = 1

// Spool keeps what r holds, sealed, until it has been sent. It is durable when
// Spool returns, and belongs to nobody until it is enqueued: such files are
// removed at the next Open. More than max bytes is ErrTooBig.
func (s *Store) Spool(ctx context.Context, name, mediaType string, max int64, r io.Reader) (f SpooledFile, err error) {
	if err := s.usable(); err != nil {
		return f, err
	}
	f = SpooledFile{ID: rand.Text(), Name: name, MediaType: mediaType}
	dir := s.path("files")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return f, classify(fmt.Errorf("make the folder for files: %w", err))
	}
	partial := filepath.Join(dir, f.ID+".partial")
	out, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return f, classify(fmt.Errorf("keep a file: %w", err))
	}
	defer func() {
		if err != nil {
			_ = out.Close()
			_ = os.Remove(partial)
			err = classify(err)
		}
	}()
	pass, err := s.seal.files(f.ID)
	if err != nil {
		return f, err
	}
	to, err := age.NewScryptRecipient(pass)
	if err != nil {
		return f, fmt.Errorf("seal a file: %w", err)
	}
	to.SetWorkFactor(spoolWork)
	sealed, err := age.Encrypt(out, to)
	if err != nil {
		return f, fmt.Errorf("seal a file: %w", err)
	}
	if f.Size, err = io.Copy(sealed, io.LimitReader(&contextReader{ctx, r}, max+1)); err != nil {
		return f, fmt.Errorf("keep a file: %w", err)
	}
	if f.Size > max {
		return f, &fault{ErrTooBig, fmt.Sprintf("The file is larger than %d bytes, which is the most that can be sent. Choose a smaller one.", max), nil}
	}
	if err := errors.Join(sealed.Close(), out.Sync(), out.Close()); err != nil {
		return f, fmt.Errorf("keep a file: %w", err)
	}
	if err := os.Rename(partial, filepath.Join(dir, f.ID)); err != nil {
		return f, fmt.Errorf("keep a file: %w", err)
	}
	syncDir(dir)
	return f, nil
}

// contextReader ends with ctx.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// OpenSpooled is the content of a spooled file; whoever opens it closes it.
// ErrNotFound means that it was sent or discarded.
func (s *Store) OpenSpooled(f SpooledFile) (io.ReadCloser, error) {
	if !plainName(f.ID) {
		return nil, ErrNotFound
	}
	in, err := os.Open(filepath.Join(s.path("files"), f.ID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fault{ErrNotFound, "The file is not kept any more. Attach it again.", err}
	}
	if err != nil {
		return nil, classify(fmt.Errorf("open a kept file: %w", err))
	}
	pass, err := s.seal.files(f.ID)
	if err != nil {
		_ = in.Close()
		return nil, err
	}
	with, err := age.NewScryptIdentity(pass)
	if err != nil {
		_ = in.Close()
		return nil, fmt.Errorf("open a kept file: %w", err)
	}
	plain, err := age.Decrypt(in, with)
	if err != nil {
		_ = in.Close()
		return nil, &fault{ErrDamaged, "The file can't be read any more: it was damaged, or sealed under a key that is lost. Attach it again.", err}
	}
	return struct {
		io.Reader
		io.Closer
	}{plain, in}, nil
}

// plainName reports whether id can be one of rand.Text: nothing that leads out
// of the folder.
func plainName(id string) bool {
	return id != "" && len(id) <= 64 && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// dropFiles lets go of the spooled files of e, and removes them once that is
// committed.
func (w *wtx) dropFiles(e *entry) error {
	if !e.is(fFiles) {
		return nil
	}
	var ids []string
	err := w.bucket(bFiles).ForEach(func(k, v []byte) error {
		if keySeq(v) == e.seq {
			ids = append(ids, string(k))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("find the files of an entry: %w", err)
	}
	for _, id := range ids {
		if err := w.del(bFiles, []byte(id)); err != nil {
			return err
		}
		if plainName(id) {
			w.after = append(w.after, func() { _ = os.Remove(filepath.Join(w.s.path("files"), id)) })
		}
	}
	e.set(fFiles, false)
	return nil
}

// sweep removes the files in the spool that belong to nothing.
func (s *Store) sweep() error {
	dir := s.path("files")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) == 0 {
		return nil // nothing was ever kept
	}
	return s.view(func(r *rtx) error {
		b := r.bucket(bFiles)
		for _, f := range files {
			if b.Get([]byte(f.Name())) == nil {
				_ = os.Remove(filepath.Join(dir, f.Name()))
			}
		}
		return nil
	})
}
