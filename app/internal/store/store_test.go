package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/platforms"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("POSTERN_STORE_CHILD"); dir != "" {
		os.Exit(child(os.Getenv("POSTERN_STORE_ROLE"), dir))
	}
	goleak.VerifyTestMain(m)
}

const acct platforms.AccountID = "telegram-1"

func testKey(b byte) (k [32]byte) {
	for i := range k {
		k[i] = b
	}
	return k
}

// clock is a time that only a test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

// tb is the part of testing.TB that the helpers need, so that they serve the
// child processes too.
func mustOpen(t testing.TB, dir string) *Store {
	t.Helper()
	s, rec := openWith(t, dir, testKey(1), Options{})
	if rec != (Recovery{}) {
		t.Fatalf("recovery of a good journal: %+v", rec)
	}
	return s
}

func openWith(t testing.TB, dir string, key [32]byte, o Options) (*Store, Recovery) {
	t.Helper()
	s, rec, err := Open(dir, key, o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s, rec
}

// fresh is an empty journal with one account.
func fresh(t testing.TB) *Store {
	t.Helper()
	s := mustOpen(t, t.TempDir())
	addAccount(t, s, acct)
	return s
}

func addAccount(t testing.TB, s *Store, id platforms.AccountID) {
	t.Helper()
	if err := s.PutAccount(t.Context(), Account{ID: id, Platform: "test", Name: "Bot"}); err != nil {
		t.Fatal(err)
	}
}

// message is an ordinary event.
func message(conv, id, text string) platforms.Event {
	return platforms.Event{
		ID: platforms.EventID("e" + id), Kind: platforms.MessageReceived, Cursor: platforms.Cursor("c" + id),
		Time:         time.Unix(1_700_000_000, 0).UTC(),
		Conversation: platforms.Conversation{ID: platforms.ConversationID(conv), Kind: platforms.Direct, Title: "Ada Lovelace"},
		Message:      platforms.MessageID(id), From: platforms.User{ID: platforms.UserID(conv), Name: "Ada Lovelace", Handle: "@ada"},
		Text: text,
	}
}

func accept(t testing.TB, s *Store, ev platforms.Event) uint64 {
	t.Helper()
	seq, dup, err := s.Accept(t.Context(), Incoming{Account: acct, Event: ev})
	if err != nil || dup {
		t.Fatalf("accept: duplicate %v, error %v", dup, err)
	}
	return seq
}

func enqueue(t testing.TB, s *Store, conv, key, text string) uint64 {
	t.Helper()
	seq, err := s.Enqueue(t.Context(), Outgoing{Account: acct,
		Message: platforms.Message{Key: key, Conversation: platforms.ConversationID(conv), Text: text}})
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error %v, want %v", err, want)
	}
}

func entryOf(t testing.TB, s *Store, seq uint64) Entry {
	t.Helper()
	e, err := s.Entry(seq)
	check(t, err)
	return e
}

// reopen closes s and opens its folder again.
func reopen(t testing.TB, s *Store) *Store {
	t.Helper()
	check(t, s.Close())
	return mustOpen(t, s.dir)
}

// texts is what a timeline shows, in order.
func texts(t testing.TB, s *Store, conv string) (out []string) {
	t.Helper()
	es, err := s.Timeline(acct, platforms.ConversationID(conv), 0, 0)
	check(t, err)
	for _, e := range es {
		switch {
		case e.Event != nil:
			out = append(out, e.Event.Text)
		case e.Message != nil:
			out = append(out, "> "+e.Message.Text)
		default:
			out = append(out, "(erased)")
		}
	}
	return out
}

// grep reports whether text stands in any file of the journal.
func grep(t testing.TB, s *Store, text string) bool {
	t.Helper()
	hit := false
	check(t, filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		hit = hit || bytes.Contains(b, []byte(text))
		return err
	}))
	return hit
}

func TestAccept(t *testing.T) {
	t.Run("comes back in order, per conversation", func(t *testing.T) {
		s := fresh(t)
		for i := range 20 {
			accept(t, s, message(fmt.Sprintf("c%d", i%2), fmt.Sprint(i), fmt.Sprint("text ", i)))
		}
		s = reopen(t, s)
		after := uint64(0)
		for i := 0; i < 20; i += 2 {
			j, ok, err := s.NextJob(acct, "c0", after)
			check(t, err)
			if !ok || j.Event.Text != fmt.Sprint("text ", i) || j.Seq <= after || j.Conversation != "c0" || !j.Stranger {
				t.Fatalf("job %d: %v %+v", i, ok, j)
			}
			after = j.Seq
		}
		if _, ok, _ := s.NextJob(acct, "c0", after); ok {
			t.Fatal("a job too many")
		}
	})
	t.Run("a known event only advances the cursor, even after reopening", func(t *testing.T) {
		s := fresh(t)
		ev := message("c", "1", "once")
		seq := accept(t, s, ev)
		s = reopen(t, s)
		ev.Cursor = "later"
		again, dup, err := s.Accept(t.Context(), Incoming{Account: acct, Event: ev})
		check(t, err)
		if !dup || again != seq {
			t.Fatalf("duplicate %v, seq %d, want true and %d", dup, again, seq)
		}
		if c, _ := s.Cursor(acct); c != "later" {
			t.Fatalf("cursor %q", c)
		}
		if got := texts(t, s, "c"); len(got) != 1 {
			t.Fatalf("timeline %q", got)
		}
	})
	t.Run("a context that has ended applies nothing", func(t *testing.T) {
		s := fresh(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _, err := s.Accept(ctx, Incoming{Account: acct, Event: message("c", "1", "x")})
		wantErr(t, err, context.Canceled)
		if st, _ := s.Stats(); st.Entries != 0 {
			t.Fatalf("stats %+v", st)
		}
	})
	t.Run("an unknown account is refused", func(t *testing.T) {
		s := mustOpen(t, t.TempDir())
		_, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: message("c", "1", "x")})
		wantErr(t, err, ErrNotFound)
	})
}
