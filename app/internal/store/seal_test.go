package store

import (
	"bytes"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/postern/postern/platforms"
)

const marker = "xyzzy-plugh-4711"

// everywhere puts marker into every text that there is.
func everywhere(t testing.TB, s *Store) (in, out uint64) {
	t.Helper()
	ev := message("c", "1", "text "+marker)
	ev.From.Name, ev.From.Handle, ev.Conversation.Title, ev.Note = marker, marker, marker, marker
	ev.Attachments = []platforms.Attachment{{Ref: marker, Name: marker}}
	in = accept(t, s, ev)
	check(t, s.FinishJob(t.Context(), in, Outcome{Status: Failed, Why: marker}))
	f, err := s.Spool(t.Context(), marker, "text/plain", 1<<20, strings.NewReader(strings.Repeat(marker, 100)))
	check(t, err)
	out, err = s.Enqueue(t.Context(), Outgoing{Account: acct, Spooled: []SpooledFile{f},
		Message: platforms.Message{Key: "k", Conversation: "c", Text: marker}})
	check(t, err)
	check(t, s.Defer(t.Context(), out, 1, time.Now(), marker))
	check(t, s.Record(t.Context(), Activity{What: "rejected", Account: acct, Who: marker, Why: marker}))
	return in, out
}

func TestSealed(t *testing.T) {
	t.Run("no text is readable in the files", func(t *testing.T) {
		s := fresh(t)
		in, out := everywhere(t, s)
		_, err := s.Snapshot(t.Context())
		check(t, err)
		check(t, s.Close())
		if grep(t, s, marker) {
			t.Fatal("a text is readable")
		}
		if !grep(t, s, string(acct)) {
			t.Fatal("grep finds nothing at all")
		}
		s = mustOpen(t, s.dir)
		if e := entryOf(t, s, in); e.Why != marker || e.Event.From.Name != marker {
			t.Fatalf("%+v", e)
		}
		if e := entryOf(t, s, out); e.Why != marker || e.Message.Text != marker {
			t.Fatalf("%+v", e)
		}
	})
	t.Run("another key erases what was, deletes nothing and goes on", func(t *testing.T) {
		s := fresh(t)
		in, out := everywhere(t, s)
		job := accept(t, s, message("c", "2", "pending"))
		check(t, s.Close())
		s, rec := openWith(t, s.dir, testKey(2), Options{})
		if !strings.Contains(rec.Text, "can't be read any more") || rec.Damage != "" {
			t.Fatalf("recovery %+v", rec)
		}
		for _, seq := range []uint64{in, out, job} {
			if e := entryOf(t, s, seq); !e.Erased || e.Event != nil || e.Message != nil || e.Why == "" {
				t.Fatalf("%+v", e)
			}
		}
		if e := entryOf(t, s, job); e.Status != Failed {
			t.Fatalf("the job is %q", e.Status)
		}
		if e := entryOf(t, s, out); e.Status != Dead {
			t.Fatalf("the message is %q", e.Status)
		}
		if _, ok, err := s.NextJob(acct, "c", 0); ok || err != nil {
			t.Fatalf("a job that can't be read: %v", err)
		}
		as, err := s.Accounts()
		check(t, err)
		if len(as) != 1 || as[0].ID != acct {
			t.Fatalf("accounts %+v", as)
		}
		seq := accept(t, s, message("c", "3", "new"))
		_, dup, err := s.Accept(t.Context(), Incoming{Account: acct, Event: message("c", "1", "")})
		if !dup || err != nil {
			t.Fatal("dedupe keys did not survive")
		}
		check(t, s.Close())
		s, rec = openWith(t, s.dir, testKey(2), Options{})
		if rec != (Recovery{}) || entryOf(t, s, seq).Event.Text != "new" {
			t.Fatalf("recovery %+v", rec)
		}
		check(t, s.Close())
		s, rec = openWith(t, s.dir, testKey(1), Options{})
		if rec.Text == "" || entryOf(t, s, seq).Event != nil {
			t.Fatalf("recovery %+v", rec)
		}
		if lines, err := s.Activity(ActivityQuery{}); err != nil || len(lines) != 1 || lines[0].Why != marker {
			t.Fatalf("what the first key sealed and nothing changed: %v %+v", err, lines)
		}
	})
	// tamper changes the raw records, as a program would that has the file but
	// not the key.
	tamper := func(t *testing.T, s *Store, fn func(b *bolt.Bucket) error) *Store {
		t.Helper()
		check(t, s.Close())
		db, _, err := openDB(s.path(journalName), false)
		check(t, err)
		check(t, db.Update(func(tx *bolt.Tx) error { return fn(tx.Bucket([]byte(bEntries))) }))
		check(t, db.Close())
		return mustOpen(t, s.dir)
	}
	t.Run("swapped records are noticed", func(t *testing.T) {
		s := fresh(t)
		a, b := accept(t, s, message("c", "1", "one")), accept(t, s, message("c", "2", "two"))
		s = tamper(t, s, func(bk *bolt.Bucket) error {
			x, y := bytes.Clone(bk.Get(seqKey(a))), bytes.Clone(bk.Get(seqKey(b)))
			if err := bk.Put(seqKey(a), y); err != nil {
				return err
			}
			return bk.Put(seqKey(b), x)
		})
		for _, seq := range []uint64{a, b} {
			if e := entryOf(t, s, seq); !e.Erased || e.Event != nil || !strings.Contains(e.Why, "damaged or changed") {
				t.Fatalf("%+v", e)
			}
		}
		if _, ok, err := s.NextJob(acct, "c", 0); ok || err != nil {
			t.Fatalf("a swapped record was handed out: %v", err)
		}
		if st, _ := s.Stats(); st.Pending != 0 {
			t.Fatalf("stats %+v", st)
		}
	})
	t.Run("a swapped body is noticed", func(t *testing.T) {
		s := fresh(t)
		a, b := accept(t, s, message("c", "1", "one")), accept(t, s, message("c", "2", "two"))
		s = tamper(t, s, func(bk *bolt.Bucket) error {
			h, st, _, err := split(bk.Get(seqKey(a)))
			check(t, err)
			_, _, body, err := split(bk.Get(seqKey(b)))
			check(t, err)
			return bk.Put(seqKey(a), join(h, st, body))
		})
		if e := entryOf(t, s, a); e.Event != nil || !e.Erased {
			t.Fatalf("%+v", e)
		}
	})
	t.Run("a forged status is noticed and not vouched for", func(t *testing.T) {
		s := fresh(t)
		seq := enqueue(t, s, "c", "k", "hello")
		s = tamper(t, s, func(bk *bolt.Bucket) error {
			h, st, body, err := split(bk.Get(seqKey(seq)))
			check(t, err)
			h = bytes.Clone(h)
			h[1] ^= byte(fTried) // flags, low byte
			return bk.Put(seqKey(seq), join(h, st, body))
		})
		if e := entryOf(t, s, seq); e.Message != nil || !e.Erased {
			t.Fatalf("%+v", e)
		}
		wantErr(t, s.Attempt(t.Context(), seq), ErrDamaged)
	})
}

func TestEphemeral(t *testing.T) {
	t.Run("erases the body with the end of the job, and never previews it", func(t *testing.T) {
		s := fresh(t)
		seq, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: message("c", "1", marker), Ephemeral: true})
		check(t, err)
		if j, ok, _ := s.NextJob(acct, "c", 0); !ok || j.Event.Text != marker {
			t.Fatalf("job %+v", j)
		}
		if cs, _ := s.Conversations(0); cs[0].Preview != "" {
			t.Fatalf("preview %q", cs[0].Preview)
		}
		check(t, s.FinishJob(t.Context(), seq, Outcome{Status: HeldBack}))
		if e := entryOf(t, s, seq); e.Erased {
			t.Fatal("held back and erased")
		}
		check(t, s.FinishJob(t.Context(), seq, Outcome{Status: Delivered}))
		if e := entryOf(t, s, seq); !e.Erased || e.Event != nil || e.Status != Delivered {
			t.Fatalf("%+v", e)
		}
		if found, _ := s.Search(t.Context(), marker, 0); len(found) != 0 {
			t.Fatal("found")
		}
		check(t, s.Close())
		// Free pages keep the old bytes until they are used again, but sealed.
		if grep(t, s, marker) {
			t.Fatal("the body is readable in the file")
		}
	})
	t.Run("erases an outgoing body once sent, and its files", func(t *testing.T) {
		s := fresh(t)
		f, err := s.Spool(t.Context(), "a", "", 100, strings.NewReader("abc"))
		check(t, err)
		seq, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Ephemeral: true, Spooled: []SpooledFile{f},
			Message: platforms.Message{Conversation: "c", Text: marker}})
		check(t, err)
		check(t, s.Sent(t.Context(), seq, []platforms.MessageID{"m"}, 0))
		if e := entryOf(t, s, seq); !e.Erased || e.Message != nil || e.Status != Sent || e.IDs[0] != "m" {
			t.Fatalf("%+v", e)
		}
		_, err = s.OpenSpooled(f)
		wantErr(t, err, ErrNotFound)
	})
}

func FuzzRecord(f *testing.F) {
	sl, err := newSealer(testKey(1))
	if err != nil {
		f.Fatal(err)
	}
	e := &entry{seq: 7, head: head{status: Sent, conv: 3, ids: []platforms.MessageID{"a", "b"}}, why: "because", body: sl.sealBody(7, []byte("{}"))}
	f.Add(sl.encodeEntry(e))
	c, err := sl.encodeConv(&conv{n: 7, Account: "a", title: "t"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c)
	f.Add([]byte{recordVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, v []byte) {
		if e, err := sl.decodeEntry(7, v); err == nil {
			if again, err := decodeHead(e.head.encode()); err != nil || again.conv != e.conv || len(again.ids) != len(e.ids) {
				t.Fatalf("%+v became %+v, %v", e.head, again, err)
			}
			_, _ = sl.incoming(e)
			_, _ = sl.message(e)
		}
		_, _ = sl.decodeConv(7, v, true)
		_, _ = sl.decodeActivity(seqKey(7), v)
	})
}
