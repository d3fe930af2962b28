package store

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// TestCheckAgrees holds the check against bbolt's own on good files: both must
// find nothing, through growth, deletion and compaction.
func TestCheckAgrees(t *testing.T) {
	path := t.TempDir() + "/x.db"
	db, _, err := openDB(path, true)
	check(t, err)
	defer func() { check(t, db.Close()) }()
	r := rand.New(rand.NewPCG(5, 5))
	for round := range 60 {
		check(t, db.Update(func(tx *bolt.Tx) error {
			for _, name := range []string{"a", "b", "small"} {
				b, err := tx.CreateBucketIfNotExists([]byte(name))
				if err != nil {
					return err
				}
				n := 200
				if name == "small" {
					n = 1
				}
				for range n {
					k := seqKey(r.Uint64N(5000))
					if name == "small" {
						k = k[7:]
					}
					if round > 40 || r.IntN(3) == 0 {
						if err := b.Delete(k); err != nil {
							return err
						}
						continue
					}
					size := r.IntN(300)
					if r.IntN(50) == 0 {
						size = r.IntN(20_000)
					}
					if err := b.Put(k, make([]byte, size)); err != nil {
						return err
					}
				}
			}
			return nil
		}))
		check(t, db.View(func(tx *bolt.Tx) error {
			for err := range tx.Check() {
				return err
			}
			return nil
		}))
		for _, deep := range []bool{true, false} {
			if f, err := checkFile(path, deep); err != nil || f.halfMeta {
				t.Fatalf("round %d, deep %v: %+v %v", round, deep, f, err)
			}
		}
	}
}

// TestCheckFindsCircles points branches where only the count of references
// tells that they are wrong: bbolt would follow them for ever.
func TestCheckFindsCircles(t *testing.T) {
	s, file := sample(t, false)
	size := int(binary.NativeEndian.Uint32(file[24:]))
	path := s.path("circle.db")
	found := 0
	for id := 2; id < len(file)/size; id++ {
		page := file[id*size:]
		if binary.NativeEndian.Uint16(page[8:]) != flagBranch || binary.NativeEndian.Uint16(page[10:]) < 2 {
			continue
		}
		first := binary.NativeEndian.Uint64(page[pageHead+8:])
		for name, target := range map[string]uint64{"itself": uint64(id), "its sibling's page": first, "nowhere": 1 << 40} {
			b := append([]byte(nil), file...)
			binary.NativeEndian.PutUint64(b[id*size+pageHead+branchElem+8:], target)
			check(t, os.WriteFile(path, b, 0o600))
			if _, err := checkFile(path, false); err != nil {
				found++
			} else if _, err := checkFile(path, true); err == nil {
				continue // the page is free: nothing leads to it
			} else {
				t.Errorf("page %d leading to %s: found only by the deep check: %v", id, name, err)
			}
		}
	}
	if found == 0 {
		t.Fatal("no branch page was tried")
	}
}

// TestMend damages single records of a file whose structure stays good.
func TestMend(t *testing.T) {
	for name, harm := range map[string]func(tx *bolt.Tx) error{
		"an entry":        func(tx *bolt.Tx) error { return tx.Bucket([]byte(bEntries)).Put(seqKey(7), []byte("rubbish")) },
		"a missing entry": func(tx *bolt.Tx) error { return tx.Bucket([]byte(bEntries)).Delete(seqKey(7)) },
		"a conversation":  func(tx *bolt.Tx) error { return tx.Bucket([]byte(bConvs)).Put(summaryKey(1), []byte("rubbish")) },
		"the figures":     func(tx *bolt.Tx) error { return tx.Bucket([]byte(bMeta)).Put([]byte("counts"), []byte("{")) },
		"the generations": func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(bMeta)).Put([]byte("generations"), []byte("123456789012"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := sample(t, false)
			db, _, err := openDB(s.path(journalName), false)
			check(t, err)
			check(t, db.Update(harm))
			check(t, db.Close())
			s, rec := openWith(t, s.dir, testKey(1), Options{})
			if rec.Damage == "" || !strings.Contains(rec.Text, "were damaged") || rec.MovedTo != "" {
				t.Fatalf("%+v", rec)
			}
			if es, err := s.Timeline(acct, "c0", 0, 0); err != nil || len(es) < 42 {
				t.Fatalf("%d entries, %v", len(es), err)
			}
			if _, dup, err := s.Accept(t.Context(), Incoming{Account: acct, Event: message("c0", "0", "")}); !dup || err != nil {
				t.Fatalf("duplicate %v, %v", dup, err)
			}
			check(t, use(s, t))
			reopen(t, s)
		})
	}
	t.Run("what is damaged later is passed over", func(t *testing.T) {
		s, _ := sample(t, false)
		s = mustOpen(t, s.dir)
		check(t, s.update(t.Context(), func(w *wtx) error {
			return errors.Join(w.put(bEntries, seqKey(8), []byte("rubbish")), w.put(bConvs, summaryKey(2), []byte("rubbish")))
		}))
		cs, err := s.Conversations(0)
		check(t, err)
		es, err := s.Timeline(acct, "c0", 0, 1000)
		check(t, err)
		if len(cs) != 6 || len(es) != 42 {
			t.Fatalf("%d conversations, %d entries", len(cs), len(es))
		}
		check(t, s.Close())
		s, rec := openWith(t, s.dir, testKey(1), Options{})
		if rec.Damage == "" {
			t.Fatal("not mended")
		}
		if cs, _ := s.Conversations(0); len(cs) != 7 {
			t.Fatalf("%d conversations", len(cs))
		}
	})
}
