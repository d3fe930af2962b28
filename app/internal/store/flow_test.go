package store

import (
	"context"
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
				ev, body, err := fitEvent(message("c", fmt.Sprint(i), "x"))
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
		s.writing.Lock()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, _, err := s.Accept(ctx, Incoming{Account: acct, Event: message("c", "1", "x")})
			done <- err
		}()
		cancel()
		wantErr(t, <-done, context.Canceled)
		s.writing.Unlock()
		check(t, s.Advance(t.Context(), acct, "later")) // behind it in the queue
		if st, _ := s.Stats(); st.Entries != 0 {
			t.Fatalf("%+v", st)
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

func TestEdits(t *testing.T) {
	edit := func(id, text string) platforms.Event {
		ev := message("c", id, text)
		ev.ID = platforms.EventID("edit " + text)
		ev.Kind = platforms.MessageEdited
		return ev
	}
	t.Run("the original shows the latest text, and there is no second bubble", func(t *testing.T) {
		s := fresh(t)
		a := accept(t, s, message("c", "1", "draft"))
		accept(t, s, message("c", "2", "next"))
		b := accept(t, s, edit("1", "better"))
		accept(t, s, edit("1", "best"))
		if got := texts(t, s, "c"); !slices.Equal(got, []string{"best", "next"}) {
			t.Fatalf("%q", got)
		}
		if e := entryOf(t, s, a); !e.Edited || e.Event.Kind != platforms.MessageReceived {
			t.Fatalf("%+v", e)
		}
		if e := entryOf(t, s, b); e.Event.Text != "better" || e.Event.Kind != platforms.MessageEdited {
			t.Fatalf("%+v", e)
		}
		if st, _ := s.Stats(); st.Pending != 4 || st.Unread != 2 {
			t.Fatalf("%+v", st)
		}
		if found, _ := s.Search(t.Context(), "best", 0); len(found) != 1 || found[0].Seq != a {
			t.Fatalf("%+v", found)
		}
	})
	t.Run("an edit of an unknown message stands for it", func(t *testing.T) {
		s := fresh(t)
		accept(t, s, edit("9", "first seen"))
		accept(t, s, edit("9", "then"))
		if got := texts(t, s, "c"); !slices.Equal(got, []string{"then"}) {
			t.Fatalf("%q", got)
		}
	})
}

func TestMoved(t *testing.T) {
	moved := func(from, to string) platforms.Event {
		return platforms.Event{ID: platforms.EventID("move " + to), Kind: platforms.ConversationMoved,
			Conversation: platforms.Conversation{ID: platforms.ConversationID(to), Moved: platforms.ConversationID(from), Kind: platforms.Group}}
	}
	for _, young := range []bool{false, true} {
		t.Run(fmt.Sprintf("everything follows, the new one existing already: %v", young), func(t *testing.T) {
			s := fresh(t)
			job := accept(t, s, message("old", "1", "before"))
			out := enqueue(t, s, "old", "k", "waiting")
			var early uint64
			if young {
				early = accept(t, s, message("new", "2", "early"))
				check(t, s.FinishJob(t.Context(), early, Outcome{Status: HeldBack}))
			}
			accept(t, s, moved("old", "new"))
			accept(t, s, message("new", "3", "after"))
			if young {
				_, err := s.Release(t.Context(), early)
				check(t, err)
			}
			want := []string{"before", "> waiting"}
			if young {
				want = append(want, "early")
			}
			want = append(want, "", "after")
			for _, id := range []string{"new", "old"} {
				if got := texts(t, s, id); !slices.Equal(got, want) {
					t.Fatalf("%s: %q", id, got)
				}
			}
			j, ok, err := s.NextJob(acct, "new", 0)
			check(t, err)
			if !ok || j.Seq != job || j.Conversation != "new" || j.Event.Conversation.ID != "new" {
				t.Fatalf("%+v", j)
			}
			p, ok, err := s.NextOut(acct, "new", 0)
			check(t, err)
			if !ok || p.Seq != out || p.Message.Conversation != "new" {
				t.Fatalf("%+v", p)
			}
			seq := enqueue(t, s, "old", "k2", "redirected")
			if e := entryOf(t, s, seq); e.Conversation != "new" || e.Message.Conversation != "new" {
				t.Fatalf("%+v", e)
			}
			cs, err := s.Conversations(0)
			check(t, err)
			if len(cs) != 1 || cs[0].ID != "new" || cs[0].Queued != 2 {
				t.Fatalf("%+v", cs)
			}
			if refs, _ := s.JobConversations(); len(refs) != 1 || refs[0].Conversation != "new" {
				t.Fatalf("%v", refs)
			}
			// And it all survives a full check, pruning and removal.
			check(t, s.Close())
			s = mustOpen(t, s.dir)
			check(t, s.DeleteAccount(t.Context(), acct))
			if st, _ := s.Stats(); st.Entries+st.Pending+st.Queued+st.Unread != 0 {
				t.Fatalf("%+v", st)
			}
		})
	}
}

func TestStrangers(t *testing.T) {
	s := fresh(t)
	first := accept(t, s, message("42", "1", "hi"))
	if e := entryOf(t, s, first); !e.Stranger {
		t.Fatal("not a stranger")
	}
	if cs, _ := s.Conversations(0); !cs[0].Stranger {
		t.Fatalf("%+v", cs)
	}
	enqueue(t, s, "42", "k", "hello")
	if cs, _ := s.Conversations(0); cs[0].Stranger {
		t.Fatal("answered, and still a stranger")
	}
	if e := entryOf(t, s, accept(t, s, message("42", "2", "again"))); e.Stranger {
		t.Fatal("answered, and still a stranger")
	}
	accept(t, s, message("43", "3", "hi"))
	check(t, s.Known(t.Context(), acct, "43"))
	if cs, _ := s.Conversations(0); cs[0].Stranger || cs[1].Stranger {
		t.Fatalf("%+v", cs)
	}
}

func TestReading(t *testing.T) {
	t.Run("unread first, then newest; reading clears", func(t *testing.T) {
		s := fresh(t)
		for i := range 9 {
			ev := message(fmt.Sprint("c", i%3), fmt.Sprint(i), fmt.Sprint("text ", i))
			_, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: ev, Away: i < 3})
			check(t, err)
		}
		check(t, s.MarkRead(t.Context(), acct, "c2", 9))
		cs, err := s.Conversations(0)
		check(t, err)
		order := fmt.Sprint(cs[0].ID, cs[1].ID, cs[2].ID)
		if order != "c1c0c2" || cs[0].Unread != 3 || cs[0].Away != 1 || cs[2].Unread != 0 || cs[1].Preview != "text 6" {
			t.Fatalf("%s %+v", order, cs)
		}
		check(t, s.MarkRead(t.Context(), acct, "c1", 2))
		if cs, _ = s.Conversations(0); cs[0].Unread != 2 || cs[0].Away != 0 {
			t.Fatalf("%+v", cs)
		}
		if st, _ := s.Stats(); st.Unread != 5 {
			t.Fatalf("%+v", st)
		}
	})
	t.Run("pages backwards", func(t *testing.T) {
		s := fresh(t)
		for i := range 25 {
			accept(t, s, message("c", fmt.Sprint(i), fmt.Sprint(i)))
			accept(t, s, message("b", fmt.Sprint("b", i), "other"))
		}
		var all []string
		for before := uint64(0); ; {
			es, err := s.Timeline(acct, "c", before, 10)
			check(t, err)
			if len(es) == 0 {
				break
			}
			var page []string
			for _, e := range es {
				page = append(page, e.Event.Text)
			}
			all = append(page, all...)
			before = es[0].Seq
		}
		if len(all) != 25 || all[0] != "0" || all[24] != "24" {
			t.Fatalf("%q", all)
		}
	})
	t.Run("search looks at text, names and titles, whatever the case", func(t *testing.T) {
		s := fresh(t)
		ev := message("c", "1", "GRÜSSE aus Wien")
		ev.From.Name = "Łukasz"
		a := accept(t, s, ev)
		b := enqueue(t, s, "c", "k", "antwort nach wien")
		for q, want := range map[string][]uint64{"wien": {b, a}, "grüsse": {a}, "łUKASZ": {a}, "ada lovelace": {b, a}, "nothing": nil, "  ": nil} {
			found, err := s.Search(t.Context(), q, 0)
			check(t, err)
			var got []uint64
			for _, e := range found {
				got = append(got, e.Seq)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: %v, want %v", q, got, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Search(ctx, "wien", 0)
		wantErr(t, err, context.Canceled)
	})
	t.Run("activity is filtered, newest first", func(t *testing.T) {
		s := fresh(t)
		for i := range 10 {
			check(t, s.Record(t.Context(), Activity{What: []string{"routed", "rejected"}[i%2], Account: acct, Who: fmt.Sprint("Who ", i)}))
		}
		lines, err := s.Activity(ActivityQuery{What: []string{"rejected"}, Limit: 3})
		check(t, err)
		if len(lines) != 3 || lines[0].Who != "Who 9" || lines[2].Who != "Who 5" {
			t.Fatalf("%+v", lines)
		}
		if lines, _ = s.Activity(ActivityQuery{Text: "who 4"}); len(lines) != 1 || lines[0].At.IsZero() {
			t.Fatalf("%+v", lines)
		}
		if lines, _ = s.Activity(ActivityQuery{Before: 3}); len(lines) != 2 || lines[0].Seq != 2 {
			t.Fatalf("%+v", lines)
		}
		if lines, _ = s.Activity(ActivityQuery{Account: "other"}); len(lines) != 0 {
			t.Fatalf("%+v", lines)
		}
	})
}

func TestBounds(t *testing.T) {
	t.Run("huge and odd events are stored, with a mark", func(t *testing.T) {
		s := fresh(t)
		long := strings.Repeat("é", 40_000)
		events := []platforms.Event{
			message("c", "big", strings.Repeat("é", 32<<20)),
			message("c", "escapes", strings.Repeat("\x01", 3<<20)),
			message("c", "utf8", "bad \xff\xfe utf8"),
			message("c\x00\xff", "\xff\x00", "odd ids"),
			message(long, long, "long ids"),
		}
		big := message("c", "files", "files")
		for i := range 50_000 {
			big.Attachments = append(big.Attachments, platforms.Attachment{Ref: fmt.Sprint(i), Name: strings.Repeat("n", 100)})
		}
		events = append(events, big)
		for _, ev := range events {
			seq := accept(t, s, ev)
			e := entryOf(t, s, seq)
			if e.Event == nil || len(e.Event.Text) > maxText+64 {
				t.Fatalf("%.20q: %v", ev.Text, e.Event == nil)
			}
			if len(ev.Text) > maxText && !strings.Contains(e.Event.Text, "…(cut: ") {
				t.Fatalf("no mark: %.20q", ev.Text)
			}
			_, dup, err := s.Accept(t.Context(), Incoming{Account: acct, Event: ev})
			check(t, err)
			if !dup {
				t.Fatalf("%.20q is no duplicate of itself", ev.Text)
			}
			if j, ok, err := s.NextJob(acct, ev.Conversation.ID, seq-1); !ok || err != nil || j.Seq != seq {
				t.Fatalf("%.20q: %v %+v", ev.Text, err, j.Seq)
			}
		}
		reopen(t, s)
	})
	t.Run("lists are bounded", func(t *testing.T) {
		s := fresh(t)
		var wg sync.WaitGroup
		for i := range 1100 {
			wg.Go(func() {
				_, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: message(fmt.Sprint("c", i), fmt.Sprint(i), "x"), Activity: &Activity{What: "routed"}})
				if err == nil {
					_, _, err = s.Accept(t.Context(), Incoming{Account: acct, Event: message("one", fmt.Sprint("o", i), "x")})
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for limit, want := range map[int]int{0: 100, 7: 7, -1: 100, 1 << 30: 1000} {
			es, err := s.Timeline(acct, "one", 0, limit)
			check(t, err)
			if len(es) != want {
				t.Errorf("timeline %d: %d", limit, len(es))
			}
		}
		found, err := s.Search(t.Context(), "x", 1<<30)
		check(t, err)
		lines, err := s.Activity(ActivityQuery{Limit: 1 << 30})
		check(t, err)
		cs, err := s.Conversations(0)
		check(t, err)
		all, err := s.Conversations(1 << 30)
		check(t, err)
		if len(found) != 1000 || len(lines) != 1000 || len(cs) != 200 || len(all) != 1101 {
			t.Fatalf("%d found, %d lines, %d and %d conversations", len(found), len(lines), len(cs), len(all))
		}
	})
}
