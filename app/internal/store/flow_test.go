package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

func TestJobs(t *testing.T) {
	t.Run("held ones wait apart until released", func(t *testing.T) {
		s := fresh(t)
		a, b := accept(t, s, message("c", "1", "one")), accept(t, s, message("c", "2", "two"))
		check(t, s.FinishJob(t.Context(), a, Outcome{Status: HeldBack, Why: "old"}))
		j, ok, err := s.NextJob(acct, "c", 0)
		check(t, err)
		if !ok || j.Seq != b {
			t.Fatalf("%+v", j)
		}
		ref, err := s.Release(t.Context(), a)
		check(t, err)
		if ref != (ConversationRef{acct, "c"}) {
			t.Fatalf("%+v", ref)
		}
		if j, _, _ := s.NextJob(acct, "c", 0); j.Seq != a || !j.Released {
			t.Fatalf("%+v", j)
		}
		_, err = s.Release(t.Context(), a)
		wantErr(t, err, ErrState)
		check(t, s.FinishJob(t.Context(), b, Outcome{Status: HeldBack}))
		check(t, s.Dismiss(t.Context(), b))
		if e := entryOf(t, s, b); e.Status != Dismissed {
			t.Fatalf("%+v", e)
		}
		if st, _ := s.Stats(); st.Pending != 1 || st.Held != 0 {
			t.Fatalf("%+v", st)
		}
	})
	t.Run("conversations with jobs are listed once", func(t *testing.T) {
		s := fresh(t)
		var last uint64
		for i := range 30 {
			last = accept(t, s, message(fmt.Sprint("c", i%3), fmt.Sprint(i), "x"))
		}
		refs, err := s.JobConversations()
		check(t, err)
		if len(refs) != 3 {
			t.Fatalf("%v", refs)
		}
		for seq := uint64(1); seq <= last; seq++ {
			check(t, s.FinishJob(t.Context(), seq, Outcome{Status: Delivered}))
		}
		if refs, _ := s.JobConversations(); len(refs) != 0 {
			t.Fatalf("%v", refs)
		}
	})
	t.Run("finishing twice changes nothing", func(t *testing.T) {
		s := fresh(t)
		seq := accept(t, s, message("c", "1", "x"))
		check(t, s.FinishJob(t.Context(), seq, Outcome{Status: Delivered}))
		check(t, s.FinishJob(t.Context(), seq, Outcome{Status: Failed}))
		if e := entryOf(t, s, seq); e.Status != Delivered {
			t.Fatalf("%+v", e)
		}
		wantErr(t, s.FinishJob(t.Context(), 99, Outcome{Status: Failed}), ErrNotFound)
		wantErr(t, s.FinishJob(t.Context(), seq, Outcome{Status: Sent}), ErrState)
	})
}

func TestOutbox(t *testing.T) {
	t.Run("a key is queued once, also after reopening", func(t *testing.T) {
		s := fresh(t)
		a := enqueue(t, s, "c", "k", "one")
		s = reopen(t, s)
		if b := enqueue(t, s, "c", "k", "other"); b != a {
			t.Fatalf("%d and %d", a, b)
		}
		if got := texts(t, s, "c"); !slices.Equal(got, []string{"> one"}) {
			t.Fatalf("%q", got)
		}
	})
	t.Run("an answer ends its job in the same transaction", func(t *testing.T) {
		s := fresh(t)
		job := accept(t, s, message("c", "1", "x"))
		_, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Message: platforms.Message{Conversation: "c", Text: "y"},
			Answers: job, Finish: &Outcome{Status: Delivered}, Trying: true, Activity: &Activity{What: "routed"}})
		check(t, err)
		if e := entryOf(t, s, job); e.Status != Delivered {
			t.Fatalf("%+v", e)
		}
		p, ok, err := s.NextOut(acct, "c", 0)
		check(t, err)
		if !ok || !p.Tried {
			t.Fatalf("%+v", p)
		}
		if lines, _ := s.Activity(ActivityQuery{}); len(lines) != 1 || lines[0].Entry != p.Seq {
			t.Fatalf("%+v", lines)
		}
	})
	t.Run("attempts, parts and retries are remembered", func(t *testing.T) {
		s := fresh(t)
		a, b := enqueue(t, s, "c", "1", "one"), enqueue(t, s, "c", "2", "two")
		check(t, s.Attempt(t.Context(), a))
		check(t, s.SentPart(t.Context(), a, 0, "p0"))
		s = reopen(t, s)
		p, _, err := s.NextOut(acct, "c", 0)
		check(t, err)
		if p.Seq != a || !p.Tried || !slices.Equal(p.Parts, []platforms.MessageID{"p0"}) || p.Message.Text != "one" {
			t.Fatalf("%+v", p)
		}
		when := time.Unix(1_800_000_000, 0).UTC()
		check(t, s.Defer(t.Context(), a, 3, when, "busy", Activity{What: "retried"}))
		if p, _, _ := s.NextOut(acct, "c", 0); p.Tried || p.Attempts != 3 || !p.Next.Equal(when) {
			t.Fatalf("%+v", p)
		}
		check(t, s.MarkDuplicate(t.Context(), a))
		check(t, s.Sent(t.Context(), a, []platforms.MessageID{"p0", "p1"}, b, Activity{What: "sent"}))
		if e := entryOf(t, s, a); e.Status != Sent || len(e.IDs) != 2 || !e.MayDuplicate || e.Why != "" {
			t.Fatalf("%+v", e)
		}
		if p, _, _ := s.NextOut(acct, "c", 0); p.Seq != b || !p.Tried {
			t.Fatalf("%+v", p)
		}
		if lines, _ := s.Activity(ActivityQuery{}); len(lines) != 2 || lines[0].What != "sent" || lines[1].Entry != a {
			t.Fatalf("%+v", lines)
		}
	})
	t.Run("dead letters are resent or discarded", func(t *testing.T) {
		s := fresh(t)
		a, b := enqueue(t, s, "c", "1", "one"), enqueue(t, s, "c", "2", "two")
		check(t, s.Bury(t.Context(), a, "rejected"))
		check(t, s.Bury(t.Context(), b, "rejected"))
		if c, _ := s.Conversations(0); c[0].Dead != 2 || c[0].Queued != 0 {
			t.Fatalf("%+v", c)
		}
		if refs, _ := s.OutConversations(); len(refs) != 0 {
			t.Fatalf("%v", refs)
		}
		ref, err := s.Resend(t.Context(), a)
		check(t, err)
		if ref.Conversation != "c" {
			t.Fatalf("%v", ref)
		}
		check(t, s.Discard(t.Context(), b))
		wantErr(t, s.Discard(t.Context(), b), ErrState)
		if p, ok, _ := s.NextOut(acct, "c", 0); !ok || p.Seq != a || p.Tried {
			t.Fatalf("%+v", p)
		}
		if st, _ := s.Stats(); st.Dead != 0 || st.Queued != 1 {
			t.Fatalf("%+v", st)
		}
	})
	t.Run("async calls keep their order and are told in it", func(t *testing.T) {
		s := fresh(t)
		var got []uint64
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Add(1)
			s.EnqueueAsync(t.Context(), Outgoing{Account: acct, Message: platforms.Message{Conversation: "c", Text: fmt.Sprint(i)}},
				func(seq uint64, err error) {
					if err != nil {
						t.Error(err)
					}
					got = append(got, seq)
					wg.Done()
				})
		}
		wg.Wait()
		if !slices.IsSorted(got) || len(got) != 200 {
			t.Fatalf("%v", got)
		}
		for i, text := range texts(t, s, "c") {
			if text != fmt.Sprint("> ", 100+i) {
				t.Fatalf("%d: %q", i, text)
			}
		}
	})
	t.Run("a done function may write, however many wait", func(t *testing.T) {
		s := fresh(t)
		var wg sync.WaitGroup
		for i := range 3000 {
			wg.Add(1)
			s.EnqueueAsync(t.Context(), Outgoing{Account: acct, Message: platforms.Message{Conversation: "c", Text: fmt.Sprint(i)}},
				func(seq uint64, err error) {
					defer wg.Done()
					if i%100 == 0 {
						err = errors.Join(err, s.Attempt(context.Background(), seq))
					}
					if err != nil {
						t.Error(err)
					}
				})
		}
		wg.Wait()
	})
	t.Run("too much text is refused", func(t *testing.T) {
		s := fresh(t)
		_, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Message: platforms.Message{Conversation: "c", Text: strings.Repeat("x", maxText+1)}})
		wantErr(t, err, ErrTooBig)
	})
}

func TestBatch(t *testing.T) {
	t.Run("one failure does not fail its neighbours", func(t *testing.T) {
		s := fresh(t)
		boom := errors.New("boom")
		var batch []*op
		add := func(run func(w *wtx) error) *op {
			o := &op{ctx: t.Context(), run: run, res: make(chan error, 1)}
			batch = append(batch, o)
			return o
		}
		good := func(i int) *op {
			return add(func(w *wtx) error {
				ev, body, err := fit(Incoming{Event: message("c", fmt.Sprint(i), "x")})
				if err == nil {
					_, _, err = w.accept(Incoming{Account: acct, Event: ev}, ev, body)
				}
				return err
			})
		}
		first := good(1)
		bad := add(func(w *wtx) error {
			if err := w.put(bSettings, []byte("half"), []byte("1")); err != nil {
				return err
			}
			return boom
		})
		second := good(2)
		clean := add(func(*wtx) error { return boom })
		odd := add(func(*wtx) error { panic("odd") })
		third := good(3)
		s.commit(batch)
		for _, o := range []*op{first, second, third} {
			check(t, <-o.res)
		}
		wantErr(t, <-bad.res, boom)
		wantErr(t, <-clean.res, boom)
		wantErr(t, <-odd.res, ErrDamaged)
		if found, _ := s.Setting("half", new(int)); found {
			t.Fatal("half of a failed operation is stored")
		}
		if got := texts(t, s, "c"); len(got) != 3 {
			t.Fatalf("%d entries", len(got))
		}
	})
	t.Run("whoever goes away before it begins changes nothing", func(t *testing.T) {
		s := fresh(t)
		ran := false
		gone := &op{ctx: t.Context(), run: func(*wtx) error { ran = true; return nil }, res: make(chan error, 1)}
		gone.claim.Store(2)
		s.commit([]*op{gone})
		if ran || len(gone.res) != 0 {
			t.Fatal("it ran")
		}
		ctx, cancel := context.WithCancel(t.Context())
		late := &op{ctx: ctx, run: gone.run, res: make(chan error, 1)}
		cancel()
		s.commit([]*op{late})
		wantErr(t, <-late.res, context.Canceled)
		if ran {
			t.Fatal("it ran")
		}
	})
	t.Run("a closed journal says so", func(t *testing.T) {
		s := fresh(t)
		check(t, s.Close())
		check(t, s.Close())
		wantErr(t, s.Advance(t.Context(), acct, "x"), ErrClosed)
		_, err := s.Stats()
		wantErr(t, err, ErrClosed)
		_, err = s.Snapshot(t.Context())
		wantErr(t, err, ErrClosed)
		wantErr(t, s.Compact(t.Context()), ErrClosed)
	})
}

// TestOrigin: what is noted with a message comes back with it, sealed meanwhile.
func TestOrigin(t *testing.T) {
	s := fresh(t)
	m := platforms.Message{Key: "k", Conversation: "c", Text: "x"}
	seq, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Message: m, Origin: json.RawMessage(`{"hook":"whisper-17"}`)})
	check(t, err)
	if e := entryOf(t, s, seq); string(e.Origin) != `{"hook":"whisper-17"}` {
		t.Errorf("%s", e.Origin)
	}
	if again, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Message: m, Origin: json.RawMessage(`{"hook":"other"}`)}); err != nil || again != seq {
		t.Errorf("%d %v", again, err)
	}
	if e := entryOf(t, reopen(t, s), seq); string(e.Origin) != `{"hook":"whisper-17"}` {
		t.Errorf("%s", e.Origin)
	}
	if grep(t, s, "whisper-17") {
		t.Error("it is not sealed")
	}
	m.Key = "k2"
	for _, bad := range []string{`{`, `"` + strings.Repeat("x", maxDecision) + `"`} {
		if _, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Message: m, Origin: json.RawMessage(bad)}); err == nil {
			t.Errorf("%.20s was taken", bad)
		}
	}
}
