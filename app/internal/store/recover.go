package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

const cleanName = "journal.clean"

// smallFile is the size up to which Open checks the whole file every time.
// Larger ones are checked in full after anything but a clean end; after a clean
// one their inner pages are, which is what could lead astray.
const smallFile = 8 << 20

// restoreGap is how far seqs jump after a snapshot was put back, so that those
// given out since then are not used twice.
const restoreGap = 1 << 20

// recover leaves s with an open database of the newest schema, whatever it
// takes.
func (s *Store) recover(ms []migration) (rec Recovery, err error) {
	path := s.path(journalName)
	warning, err := "", s.vanished(path)
	if err == nil {
		warning, err = s.try(path, ms)
	}
	if err == nil {
		rec.Damage, rec.Text = warning, warning
		return rec, nil
	}
	if !errors.Is(err, ErrDamaged) {
		return rec, err
	}
	rec.Damage = err.Error()
	var f *fault
	if errors.As(err, &f) && f.err != nil {
		rec.Damage = f.err.Error()
	}
	now := s.now()
	rec.MovedTo = path + ".damaged-" + now.UTC().Format("20060102T150405.000000000")
	kept := " The damaged file is kept as " + rec.MovedTo + "."
	switch err := os.Rename(path, rec.MovedTo); {
	case errors.Is(err, fs.ErrNotExist):
		rec.MovedTo, kept = "", ""
	case err != nil:
		return rec, fmt.Errorf("move the damaged journal aside: %w", err)
	}
	syncDir(s.dir)
	for _, snap := range s.snapshots() {
		if _, err := checkFile(snap, true); err != nil {
			s.log.Warn("a copy of the journal is damaged too", "copy", snap, "error", err)
			continue
		}
		if err := copyFile(path, snap); err != nil {
			return rec, fmt.Errorf("put a copy of the journal back: %w", err)
		}
		if _, err := s.try(path, ms); err != nil {
			s.log.Warn("a copy of the journal can't be used", "copy", snap, "error", err)
			if err := os.Remove(path); err != nil {
				return rec, fmt.Errorf("put a copy of the journal back: %w", err)
			}
			continue
		}
		rec.Restored = snapshotTime(snap)
		break
	}
	if s.db == nil {
		if _, err := s.try(path, ms); err != nil {
			return rec, err
		}
		rec.Text = "The journal was damaged or gone and no good copy was there, so an empty one was begun: accounts, messages and what waited to be sent are not in it." + kept
		return rec, nil
	}
	rec.Text = fmt.Sprintf("The journal was damaged or gone, and the copy of %s was put back: what came, was sent or was changed after that is missing from it. What waited then is held back or marked, because it may have been done since.",
		rec.Restored.In(time.Local).Format("2 January 2006, 15:04")) + kept
	return rec, nil
}

// vanished fails if there is no journal, or an empty file in its place, although
// there was one: a journal that is merely begun anew would hide the loss.
func (s *Store) vanished(path string) error {
	st, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) && (err != nil || st.Size() > 0) {
		return nil
	}
	if len(s.snapshots()) == 0 && readClean(s.path(cleanName)) == 0 {
		return nil // the first start
	}
	return damaged(errors.New("the file is gone or empty"))
}

// try opens path if it is good, and brings it to the newest schema. The warning
// tells what is wrong with it without making it unusable.
func (s *Store) try(path string, ms []migration) (warning string, err error) {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", fmt.Errorf("look at the journal: %w", err)
	case st.Size() > 0:
		clean := readClean(s.path(cleanName))
		s.deep = clean == 0 || st.Size() <= smallFile
		found, err := checkFile(path, s.deep)
		if err == nil && clean != found.txid && !s.deep {
			// It was not closed cleanly after all, or lost its last transaction.
			s.deep = true
			found, err = checkFile(path, true)
		}
		if err != nil {
			if errors.Is(err, errFile) {
				return "", damaged(err)
			}
			return "", fmt.Errorf("look at the journal: %w", err)
		}
		if found.halfMeta {
			warning = "One of the two heads of the journal was unreadable. The other one was used; the last thing that was stored may be missing."
		} else if clean > found.txid {
			warning = "The journal is older than when it was closed. What was stored in between is missing."
		}
	}
	db, file, err := openDB(path, false)
	if err != nil {
		return "", err
	}
	s.db, s.file = db, file
	if err := s.guarded(func() error { return errors.Join(s.migrate(ms), s.complete()) }); err != nil {
		s.db = nil
		_ = s.guarded(db.Close)
		return "", err
	}
	return warning, nil
}

// guarded runs fn and reports a panic as damage.
func (s *Store) guarded(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.suspect(p)
			err = damaged(fmt.Errorf("%v", p))
		}
	}()
	return fn()
}

// complete fails if a bucket is missing: its name was damaged, perhaps.
func (s *Store) complete() error {
	return s.db.View(func(tx *bolt.Tx) error {
		for _, name := range allBuckets() {
			if tx.Bucket([]byte(name)) == nil {
				return damaged(fmt.Errorf("bucket %q is missing", name))
			}
		}
		return nil
	})
}

// prepare makes the open database ready: it notes a changed key and, after a
// restore, what can't be trusted any more.
func (s *Store) prepare(rec *Recovery) error {
	var known []byte
	err := s.guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			known = bytes.Clone(tx.Bucket([]byte(bMeta)).Get([]byte("key")))
			return nil
		})
	})
	if err != nil {
		return err
	}
	if s.deep {
		n := 0
		err := s.transact(func(w *wtx) (err error) {
			if n, err = w.mend(); err != nil {
				return err
			}
			if w.writes == 0 {
				return errNothing
			}
			return w.flush()
		})
		if err != nil && !errors.Is(err, errNothing) {
			return err
		}
		if n > 0 {
			rec.Damage = fmt.Sprintf("records that could not be read: %d", n)
			rec.Text = strings.TrimSpace(fmt.Sprintf("%s Some records of the journal (%d) were damaged; what could be rebuilt was, and the rest is missing.", rec.Text, n))
		}
	}
	lost := known != nil && !bytes.Equal(known, s.seal.id[:])
	if bytes.Equal(known, s.seal.id[:]) && rec.Restored.IsZero() {
		return nil
	}
	err = s.transact(func(w *wtx) error {
		if err := w.put(bMeta, []byte("key"), s.seal.id[:]); err != nil {
			return err
		}
		if !rec.Restored.IsZero() {
			if err := w.distrust(); err != nil {
				return err
			}
		}
		if lost {
			if err := w.giveUpUnreadable(); err != nil {
				return err
			}
		}
		return w.flush()
	})
	if err != nil {
		return err
	}
	if lost {
		text := "The key that sealed the journal is not the one there is now, so the texts of earlier messages can't be read any more; they are not deleted. New messages are stored as usual."
		if rec.Text != "" {
			text = rec.Text + " " + text
		}
		rec.Text = text
	}
	return nil
}

// distrust treats what waits in a snapshot that was put back: it may have been
// done since. Jobs are held back, and messages may be duplicates.
func (w *wtx) distrust() error {
	b := w.bucket(bEntries)
	w.writes++
	if err := b.SetSequence(b.Sequence() + restoreGap); err != nil {
		return fmt.Errorf("leave a gap after a restore: %w", err)
	}
	for _, e := range append(w.waitingIn(kJobs), w.waitingIn(kWaiting)...) {
		e.lost = nil
		const why = "The journal was restored from a copy: this may have been acted on already."
		if err := w.endJob(e, Outcome{Status: HeldBack, Why: why}); err != nil {
			return err
		}
	}
	for _, e := range w.waitingIn(kOutbox) {
		e.set(fTried, true)
		e.set(fMayDuplicate, true)
		if err := w.save(e); err != nil {
			return err
		}
	}
	return nil
}

// giveUpUnreadable ends what waits but was sealed under a lost key.
func (w *wtx) giveUpUnreadable() error {
	for _, e := range slices.Concat(w.waitingIn(kJobs), w.waitingIn(kWaiting), w.waitingIn(kOutbox), w.parked()) {
		if _, err := w.s.seal.openBody(e); err == nil || e.status == Dead {
			continue // a dead one the person may still want to see
		}
		if err := w.giveUp(e); err != nil {
			return err
		}
	}
	return nil
}

// waitingIn is every entry of a kind, of all conversations.
func (w *wtx) waitingIn(kind byte) (es []*entry) {
	cur := w.bucket(bConvs).Cursor()
	for k, _ := cur.First(); k != nil; k, _ = cur.Next() {
		if len(k) == withinLen && k[4] == kind {
			if e, err := w.entry(keySeq(k)); err == nil {
				es = append(es, e)
			}
		}
	}
	return es
}

// parked is every held job and dead message.
func (w *wtx) parked() (es []*entry) {
	cur := w.bucket(bParked).Cursor()
	for k, _ := cur.First(); k != nil; k, _ = cur.Next() {
		if e, err := w.entry(keySeq(k)); err == nil {
			es = append(es, e)
		}
	}
	return es
}
