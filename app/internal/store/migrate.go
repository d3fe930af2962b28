package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// migration brings the journal to version to from the one before.
type migration struct {
	to  uint32
	run func(*bolt.Tx) error
}

// migrations are all there are, in order. Version 1 is the first.
func migrations() []migration {
	return []migration{
		{to: 2, run: func(tx *bolt.Tx) error { // the audit record
			_, err := tx.CreateBucketIfNotExists([]byte(bAudit))
			return err
		}},
		// Jobs that were begun and wait: an older program would take them for
		// damage.
		{to: 3, run: func(*bolt.Tx) error { return nil }},
		{to: 4, run: func(tx *bolt.Tx) error { // the requests that came
			_, err := tx.CreateBucketIfNotExists([]byte(bRequests))
			_, err2 := tx.CreateBucketIfNotExists([]byte(bRequestsOf))
			return errors.Join(err, err2)
		}},
	}
}

// firstVersion is the schema that prepare makes.
const firstVersion = 1

func current(ms []migration) uint32 {
	if len(ms) == 0 {
		return firstVersion
	}
	return ms[len(ms)-1].to
}

// version is the schema of db, 0 if it is empty.
func version(db *bolt.DB) (v uint32, err error) {
	err = db.View(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bMeta))
		if b == nil {
			if k, _ := tx.Cursor().First(); k != nil {
				return errors.New("this is not a journal of Postern")
			}
			return nil
		}
		raw := b.Get([]byte("version"))
		if len(raw) != 4 {
			return errors.New("the version is missing")
		}
		v = binary.BigEndian.Uint32(raw)
		return nil
	})
	return v, err
}

// migrate brings the open database to the newest schema, all in one
// transaction, after a snapshot. If it fails, nothing has changed.
func (s *Store) migrate(ms []migration) error {
	v, err := version(s.db)
	if err != nil {
		return damaged(err)
	}
	newest := current(ms)
	switch {
	case v > newest:
		return &fault{ErrNewer, fmt.Sprintf("The journal was written by a newer Postern (its format is %d, this one knows %d). Install the newer Postern again; nothing was changed.", v, newest), nil}
	case v == newest:
		return nil
	}
	if v != 0 {
		if _, err := s.snapshot(fmt.Sprintf("before-v%d", newest)); err != nil {
			return fmt.Errorf("keep a copy before the journal's format changes: %w", err)
		}
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte(bMeta))
		if err != nil {
			return fmt.Errorf("make the journal: %w", err)
		}
		if v == 0 {
			for _, name := range allBuckets() {
				if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return fmt.Errorf("make the journal: %w", err)
				}
			}
			v = firstVersion
		}
		for _, m := range ms {
			if m.to <= v {
				continue
			}
			if err := m.run(tx); err != nil {
				return fmt.Errorf("bring the journal to format %d: %w", m.to, err)
			}
		}
		return b.Put([]byte("version"), binary.BigEndian.AppendUint32(nil, newest))
	})
}
