// Package store is the journal: every event and message, sealed, in one bbolt
// file, with the indexes that find them again. It is the only importer of
// bbolt.
//
// All writes go through one committer, which puts whatever waits into one
// transaction: a call that returned nil is on the disk. Bodies, names, titles
// and the reasons of things are sealed with AES-256-GCM under a key derived
// from the one given to Open, and bound to their place. Ids, times, statuses,
// accounts, settings and cursors are readable without the key. Erased bodies
// may linger, sealed, in free pages of the file until those are used again or
// Compact drops them.
package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Options are what Open may be given beyond the essentials. The zero value is
// usable.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
}

// Store is an open journal. Its methods may be called from several goroutines.
type Store struct {
	dir  string
	log  *slog.Logger
	now  func() time.Time
	seal *sealer
	lock *os.File

	mu   sync.RWMutex // held to use db, exclusively to swap it
	db   *bolt.DB
	file *os.File // what db has open, to let go of it when db can't close itself

	gate   sync.RWMutex // held to push, exclusively to close
	closed bool
	ops    chan *op

	writing sync.Mutex // held during a write transaction, and to keep others from beginning
	notes   notes
	stopped chan struct{}

	mostAudit uint64 // 0: maxAudit

	deep   bool                  // Open checked everything; only Open uses it
	doubt  atomic.Bool           // something looked damaged: the next Open checks all
	broken atomic.Pointer[error] // nothing may be written any more, and why
}

const journalName = "journal.db"

// Open opens the journal in dir, making it if there is none. key seals bodies;
// under another key than before everything still opens, but what was sealed
// before reads as Erased, and Recovery says so.
//
// A damaged journal is moved aside, and the newest good snapshot takes its
// place, or else an empty journal. Recovery says so in words for the person.
//
// Errors are ErrLocked when another process has the journal, ErrNewer when a
// newer version wrote it, ErrReadOnly and ErrFull; the journal is as it was.
func Open(dir string, key [32]byte, o Options) (*Store, Recovery, error) {
	return open(dir, key, o, migrations())
}

func open(dir string, key [32]byte, o Options, ms []migration) (_ *Store, rec Recovery, err error) {
	s := &Store{
		dir: dir, log: o.Log, now: o.Now,
		ops: make(chan *op, maxWaiting), notes: notes{wake: make(chan struct{}, 1)}, stopped: make(chan struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.seal, err = newSealer(key); err != nil {
		return nil, rec, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, rec, classify(fmt.Errorf("make the journal's folder: %w", err))
	}
	if s.lock, err = lock(s.path("journal.lock")); err != nil {
		return nil, rec, err
	}
	defer func() {
		if err != nil {
			s.release()
			err = classify(err)
		}
	}()
	_ = os.Remove(s.path(compactName)) // of a Compact that was interrupted
	if rec, err = s.recover(ms); err != nil {
		return nil, Recovery{}, err
	}
	if err := s.prepare(&rec); err != nil {
		return nil, Recovery{}, err
	}
	if rec.Damage == "" {
		if err := s.sweep(); err != nil {
			return nil, Recovery{}, err
		}
	}
	if rec.Text != "" {
		s.log.Warn("the journal was opened with losses", "text", rec.Text)
	}
	go s.commitLoop()
	go s.notifyLoop()
	return s, rec, nil
}

func (s *Store) path(name string) string { return filepath.Join(s.dir, name) }

// usable fails once the journal is closed.
func (s *Store) usable() error {
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return nil
}

// Close waits for what was begun and closes the journal. It is safe to call
// more than once.
func (s *Store) Close() error {
	s.gate.Lock()
	if s.closed {
		s.gate.Unlock()
		return nil
	}
	s.closed = true
	close(s.ops)
	s.gate.Unlock()
	<-s.stopped
	return s.release()
}

// release closes the file and lets go of the lock.
func (s *Store) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.closeDB()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
		s.lock = nil
	}
	return err
}

// closeDB closes the database and, if all was well, notes that it was closed
// cleanly. Where a write ended in a panic, bbolt may hold its own locks for
// ever: then only the file is closed, and its mapping stays until the process
// ends.
func (s *Store) closeDB() error {
	if s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	if s.broken.Load() != nil {
		return s.file.Close()
	}
	if err := db.Close(); err != nil {
		return fmt.Errorf("close the journal: %w", err)
	}
	if !s.doubt.Load() {
		noteClean(s.path(journalName), s.path(cleanName))
	}
	return nil
}

// lock takes the lock that keeps other processes out for as long as it is
// open, waiting up to a second for it.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, classify(fmt.Errorf("lock the journal: %w", err))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		ok, err := tryLock(f)
		if ok {
			return f, nil
		}
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("lock the journal: %w", err)
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			_ = f.Close()
			return nil, classify(bolterrors.ErrTimeout)
		}
	}
}

// syncDir makes the names in a folder durable, where the system can.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
