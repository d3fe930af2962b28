package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	compactName   = "journal.db.compact"
	snapshotsName = "snapshots"
	keepSnapshots = 3
)

// openDB opens the database at path and reports panics, which bbolt raises on
// damage, as errors.
func openDB(path string, noSync bool) (db *bolt.DB, file *os.File, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			if file != nil {
				_ = file.Close() // bbolt did not get to it, and it holds the lock
			}
			db, file, err = nil, nil, damaged(fmt.Errorf("%v", p))
		}
	}()
	opts := &bolt.Options{
		Timeout: time.Second, FreelistType: bolt.FreelistMapType, NoSync: noSync,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			file = f
			return f, err
		},
	}
	if runtime.GOOS != "windows" && ^uint(0)>>63 == 1 {
		// Mapped ahead, so that growing does not wait for readers; on Windows
		// it would grow the file itself.
		opts.InitialMmapSize = 256 << 20
	}
	if db, err = bolt.Open(path, 0o600, opts); err != nil {
		return nil, nil, classify(err)
	}
	db.AllocSize = 4 << 20
	return db, file, nil
}

// Compact rewrites the journal without its free pages, which also drops what
// was erased. Readers go on; writers wait. It needs room for a second copy. If
// it fails, the journal is as it was.
func (s *Store) Compact(ctx context.Context) (err error) {
	if err := s.usable(); err != nil {
		return err
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if b := s.broken.Load(); b != nil {
		return *b
	}
	path := s.path(compactName)
	if err := s.compactTo(path); err != nil {
		_ = os.Remove(path)
		return classify(err)
	}
	if err := ctx.Err(); err != nil {
		_ = os.Remove(path)
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		_ = os.Remove(path)
		return ErrClosed
	}
	// Windows renames over a file only when nobody has it open.
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	renamed := os.Rename(path, s.path(journalName))
	syncDir(s.dir)
	db, file, err := openDB(s.path(journalName), false)
	if err != nil {
		s.db = nil
		failed := error(damaged(err))
		s.broken.Store(&failed)
		return failed
	}
	s.db, s.file = db, file
	if renamed != nil {
		_ = os.Remove(path)
		return classify(fmt.Errorf("replace the journal: %w", renamed))
	}
	return nil
}

// compactTo writes a compact copy to path, and proves it.
func (s *Store) compactTo(path string) (err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return ErrClosed
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			s.suspect(p)
			err = damaged(fmt.Errorf("%v", p))
		}
	}()
	_ = os.Remove(path)
	dst, _, err := openDB(path, true)
	if err != nil {
		return err
	}
	if err := bolt.Compact(dst, s.db, 8<<20); err != nil {
		_ = dst.Close()
		return fmt.Errorf("compact the journal: %w", err)
	}
	if err := errors.Join(dst.Sync(), dst.Close()); err != nil {
		return fmt.Errorf("compact the journal: %w", err)
	}
	if _, err := checkFile(path, true); err != nil {
		return fmt.Errorf("the compact copy is not good: %w", err)
	}
	return nil
}

// Snapshot writes a copy of the journal into its folder snapshots, proves it,
// and removes all but the newest three. Reading and writing go on meanwhile.
func (s *Store) Snapshot(ctx context.Context) (path string, err error) {
	if err := errors.Join(ctx.Err(), s.usable()); err != nil {
		return "", err
	}
	return s.snapshot("journal")
}

// snapshot files are named so that they sort by age within one prefix.
func (s *Store) snapshot(prefix string) (path string, err error) {
	dir := s.path(snapshotsName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", classify(fmt.Errorf("make the folder for copies: %w", err))
	}
	path = filepath.Join(dir, prefix+"-"+s.now().UTC().Format("20060102T150405.000000000")+".db")
	partial := path + ".partial"
	defer func() {
		if err != nil {
			_ = os.Remove(partial)
			err = classify(err)
		}
	}()
	if err := s.writeTo(partial); err != nil {
		return "", fmt.Errorf("copy the journal: %w", err)
	}
	if _, err := checkFile(partial, true); err != nil {
		s.doubt.Store(true)
		return "", damaged(fmt.Errorf("the copy is not good: %w", err))
	}
	if err := os.Rename(partial, path); err != nil {
		return "", fmt.Errorf("copy the journal: %w", err)
	}
	syncDir(dir)
	for i, old := range s.snapshots() {
		if i >= keepSnapshots {
			_ = os.Remove(old)
		}
	}
	return path, nil
}

func (s *Store) writeTo(path string) error {
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = s.view(func(r *rtx) error {
		_, err := r.tx.WriteTo(out)
		return err
	})
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// snapshots are the copies there are, newest first.
func (s *Store) snapshots() []string {
	files, err := os.ReadDir(s.path(snapshotsName))
	if err != nil {
		return nil
	}
	var found []string
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".db") {
			found = append(found, filepath.Join(s.path(snapshotsName), f.Name()))
		}
	}
	slices.SortFunc(found, func(a, b string) int { return snapshotTime(b).Compare(snapshotTime(a)) })
	return found
}

// snapshotTime is when a snapshot was made, by its name.
func snapshotTime(path string) time.Time {
	name := strings.TrimSuffix(filepath.Base(path), ".db")
	t, err := time.Parse("20060102T150405.000000000", name[strings.LastIndexByte(name, '-')+1:])
	if err != nil {
		return time.Time{}
	}
	return t
}

// copyFile copies a file durably.
func copyFile(dst, src string) (err error) {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}
