package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/postern/postern/platforms"
)

func TestSpool(t *testing.T) {
	text := strings.Repeat("a secret file. ", 20_000)
	t.Run("comes back, sealed on the disk, until sent", func(t *testing.T) {
		s := fresh(t)
		f, err := s.Spool(t.Context(), "../../evil name.txt", "text/plain", 1<<20, strings.NewReader(text))
		check(t, err)
		if f.Size != int64(len(text)) || f.Name != "../../evil name.txt" {
			t.Fatalf("%+v", f)
		}
		if grep(t, s, "a secret file") {
			t.Fatal("readable")
		}
		seq, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Message: platforms.Message{Conversation: "c"}, Spooled: []SpooledFile{f}})
		check(t, err)
		s = reopen(t, s)
		p, _, err := s.NextOut(acct, "c", 0)
		check(t, err)
		for range 2 { // once per attempt
			r, err := p.Message.Files[0].Open()
			check(t, err)
			b, err := io.ReadAll(r)
			check(t, err)
			check(t, r.Close())
			if string(b) != text || p.Message.Files[0].Name != f.Name {
				t.Fatalf("%d bytes, %+v", len(b), p.Message.Files[0])
			}
		}
		check(t, s.Sent(t.Context(), seq, nil, 0))
		if left, _ := os.ReadDir(s.path("files")); len(left) != 0 {
			t.Fatalf("%v", left)
		}
		_, err = p.Message.Files[0].Open()
		wantErr(t, err, ErrNotFound)
	})
	t.Run("too much, or a broken source, leaves nothing", func(t *testing.T) {
		s := fresh(t)
		_, err := s.Spool(t.Context(), "f", "", 100, strings.NewReader(text))
		wantErr(t, err, ErrTooBig)
		_, err = s.Spool(t.Context(), "f", "", 1<<20, io.MultiReader(strings.NewReader("x"), &failing{}))
		wantErr(t, err, fs.ErrInvalid)
		if left, _ := os.ReadDir(s.path("files")); len(left) != 0 {
			t.Fatalf("%v", left)
		}
	})
	t.Run("orphans are swept at the start, the others stay", func(t *testing.T) {
		s := fresh(t)
		orphan, err := s.Spool(t.Context(), "orphan", "", 100, strings.NewReader("x"))
		check(t, err)
		kept, err := s.Spool(t.Context(), "kept", "", 100, strings.NewReader("y"))
		check(t, err)
		seq, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Message: platforms.Message{Conversation: "c"}, Spooled: []SpooledFile{kept}})
		check(t, err)
		check(t, s.Bury(t.Context(), seq, "no"))
		s = reopen(t, s)
		_, err = s.OpenSpooled(orphan)
		wantErr(t, err, ErrNotFound)
		r, err := s.OpenSpooled(kept)
		check(t, err)
		check(t, r.Close())
		check(t, s.Discard(t.Context(), seq))
		_, err = s.OpenSpooled(kept)
		wantErr(t, err, ErrNotFound)
	})
	t.Run("a file in another's place does not open, nor a name that leads elsewhere", func(t *testing.T) {
		s := fresh(t)
		a, err := s.Spool(t.Context(), "a", "", 100, strings.NewReader("x"))
		check(t, err)
		b, err := s.Spool(t.Context(), "b", "", 100, strings.NewReader("y"))
		check(t, err)
		check(t, os.Rename(filepath.Join(s.path("files"), a.ID), filepath.Join(s.path("files"), b.ID)))
		_, err = s.OpenSpooled(b)
		wantErr(t, err, ErrDamaged)
		_, err = s.OpenSpooled(SpooledFile{ID: "../" + journalName})
		wantErr(t, err, ErrNotFound)
	})
}

type failing struct{}

func (*failing) Read([]byte) (int, error) { return 0, fs.ErrInvalid }

func TestMigrations(t *testing.T) {
	good := migration{current(migrations()) + 1, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bSettings)).Put([]byte("migrated"), []byte("true"))
	}}
	old := func(t *testing.T) (dir string, seq uint64) {
		s := fresh(t)
		seq = accept(t, s, message("c", "1", "x"))
		check(t, s.Close())
		return s.dir, seq
	}
	t.Run("an upgrade keeps a copy first", func(t *testing.T) {
		dir, seq := old(t)
		s, _, err := open(dir, testKey(1), Options{}, []migration{good})
		check(t, err)
		yes := false
		if found, _ := s.Setting("migrated", &yes); !found || !yes {
			t.Fatal("not migrated")
		}
		entryOf(t, s, seq)
		copies := s.snapshots()
		check(t, s.Close())
		if len(copies) != 1 || !strings.Contains(copies[0], fmt.Sprintf("before-v%d", current(migrations())+1)) {
			t.Fatalf("%v", copies)
		}
		t.Run("and a newer one is refused, untouched", func(t *testing.T) {
			before, err := os.ReadFile(filepath.Join(dir, journalName))
			check(t, err)
			_, _, err = Open(dir, testKey(1), Options{})
			wantErr(t, err, ErrNewer)
			after, err := os.ReadFile(filepath.Join(dir, journalName))
			check(t, err)
			if !bytes.Equal(before, after) {
				t.Fatal("touched")
			}
		})
	})
	t.Run("a failed upgrade changes nothing", func(t *testing.T) {
		dir, seq := old(t)
		boom := errors.New("boom")
		bad := migration{current(migrations()) + 2, func(tx *bolt.Tx) error {
			if err := tx.DeleteBucket([]byte(bEntries)); err != nil {
				return err
			}
			return boom
		}}
		_, _, err := open(dir, testKey(1), Options{}, []migration{good, bad})
		wantErr(t, err, boom)
		s := mustOpen(t, dir)
		entryOf(t, s, seq)
		if found, _ := s.Setting("migrated", new(bool)); found {
			t.Fatal("half migrated")
		}
	})
}
