package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/postern/postern/platforms"
)

// dated is an empty journal whose time only the test moves.
func dated(t *testing.T) (*Store, *clock) {
	t.Helper()
	c := &clock{time.Unix(1_800_000_000, 0)}
	s, _ := openWith(t, t.TempDir(), testKey(1), Options{Now: c.now})
	addAccount(t, s, acct)
	return s, c
}

func TestPrune(t *testing.T) {
	t.Run("by age, but for what still waits", func(t *testing.T) {
		s, c := dated(t)
		done := accept(t, s, message("c", "1", "done"))
		check(t, s.FinishJob(t.Context(), done, Outcome{Status: Delivered}))
		pending := accept(t, s, message("c", "2", "pending"))
		held := accept(t, s, message("c", "3", "held"))
		check(t, s.FinishJob(t.Context(), held, Outcome{Status: HeldBack}))
		queued, dead := enqueue(t, s, "c", "1", "queued"), enqueue(t, s, "c", "2", "dead")
		check(t, s.Bury(t.Context(), dead, "no"))
		gone := accept(t, s, message("empty", "4", "gone"))
		check(t, s.FinishJob(t.Context(), gone, Outcome{Status: Failed}))
		check(t, s.Record(t.Context(), Activity{What: "routed"}))
		c.t = c.t.Add(10 * 24 * time.Hour)
		young := accept(t, s, message("c", "5", "young"))
		check(t, s.FinishJob(t.Context(), young, Outcome{Status: Delivered}))
		n, err := s.Prune(t.Context(), 5*24*time.Hour, 0)
		check(t, err)
		if n != 2 {
			t.Fatalf("%d removed", n)
		}
		for _, seq := range []uint64{pending, held, queued, dead, young} {
			entryOf(t, s, seq)
		}
		for _, seq := range []uint64{done, gone} {
			_, err := s.Entry(seq)
			wantErr(t, err, ErrNotFound)
		}
		if cs, _ := s.Conversations(0); len(cs) != 1 || cs[0].Unread != 3 {
			t.Fatalf("%+v", cs)
		}
		if lines, _ := s.Activity(ActivityQuery{}); len(lines) != 0 {
			t.Fatalf("%+v", lines)
		}
		if st, _ := s.Stats(); st.Entries != 5 || st.Unread != 3 || st.Pending != 1 || st.Held != 1 || st.Queued != 1 || st.Dead != 1 {
			t.Fatalf("%+v", st)
		}
		reopen(t, s)
	})
	t.Run("by size, oldest first, and no more than needed", func(t *testing.T) {
		s := fresh(t)
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for i := range 400 {
					id := fmt.Sprint(w, "-", i)
					seq, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: message(fmt.Sprint("c", w), id, strings.Repeat("x", 900))})
					if err == nil && i%50 != 0 {
						err = s.FinishJob(t.Context(), seq, Outcome{Status: Delivered})
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		before, err := s.Stats()
		check(t, err)
		most := (before.Bytes - before.Free) / 2
		n, err := s.Prune(t.Context(), 0, most)
		check(t, err)
		after, err := s.Stats()
		check(t, err)
		if after.Bytes-after.Free > most || n < 2000 || n > 5000 || after.Pending != before.Pending {
			t.Fatalf("%d removed, %+v, then %+v", n, before, after)
		}
		if _, err := s.Entry(before.LastSeq()); err != nil {
			t.Fatalf("the newest is gone: %v", err)
		}
		check(t, s.Compact(t.Context()))
		if c, _ := s.Stats(); c.Bytes >= after.Bytes || c.Entries != after.Entries {
			t.Fatalf("%+v, compacted %+v", after, c)
		}
		reopen(t, s)
	})
	t.Run("dedupe keys outlive a redelivery, then expire", func(t *testing.T) {
		s, c := dated(t)
		ev := message("c", "1", "x")
		accept(t, s, ev)
		begin := c.t
		for day := range 30 {
			c.t = begin.Add(time.Duration(day) * 24 * time.Hour)
			accept(t, s, message("c", fmt.Sprint("d", day), "x"))
			_, err := s.Prune(t.Context(), 0, 0)
			check(t, err)
			if day < 8 {
				if _, dup, _ := s.Accept(t.Context(), Incoming{Account: acct, Event: ev}); !dup {
					t.Fatalf("forgotten after %d days", day)
				}
			}
		}
		gens := 0
		check(t, s.view(func(r *rtx) error {
			gens = len(r.generations())
			return nil
		}))
		if gens > 6 {
			t.Fatalf("%d generations", gens)
		}
		if _, dup, err := s.Accept(t.Context(), Incoming{Account: acct, Event: ev}); dup || err != nil {
			t.Fatalf("%v %v", dup, err)
		}
	})
	t.Run("a clock set back forgets no key", func(t *testing.T) {
		s, c := dated(t)
		for i, d := range []time.Duration{0, 365 * 24 * time.Hour, -365 * 24 * time.Hour, 0} {
			c.t = c.t.Add(d)
			ev := message("c", fmt.Sprint(i), "x")
			accept(t, s, ev)
			_, err := s.Prune(t.Context(), 0, 0)
			check(t, err)
			if _, dup, _ := s.Accept(t.Context(), Incoming{Account: acct, Event: ev}); !dup {
				t.Fatalf("forgotten at %v", c.t)
			}
		}
	})
	t.Run("known users are forgotten after a year", func(t *testing.T) {
		s, c := dated(t)
		check(t, s.Known(t.Context(), acct, "old"))
		c.t = c.t.Add(300 * 24 * time.Hour)
		check(t, s.Known(t.Context(), acct, "new"))
		c.t = c.t.Add(100 * 24 * time.Hour)
		_, err := s.Prune(t.Context(), time.Hour, 0)
		check(t, err)
		for user, stranger := range map[string]bool{"old": true, "new": false} {
			if e := entryOf(t, s, accept(t, s, message(user, user, "x"))); e.Stranger != stranger {
				t.Errorf("%s: stranger %v", user, e.Stranger)
			}
		}
	})
}

// LastSeq guesses the newest seq of a journal that nothing was removed from.
func (st Stats) LastSeq() uint64 { return uint64(st.Entries) }

func TestAccounts(t *testing.T) {
	t.Run("come back as they were", func(t *testing.T) {
		s := mustOpen(t, t.TempDir())
		a := Account{ID: "a", Platform: "p", Name: "N", Settings: map[string]string{"k": "v"}, Secrets: []string{"token"}, Created: time.Unix(5, 0).UTC()}
		check(t, s.PutAccount(t.Context(), a))
		check(t, s.PutSetting(t.Context(), "x", []int{1, 2}))
		s = reopen(t, s)
		as, err := s.Accounts()
		check(t, err)
		if fmt.Sprint(as) != fmt.Sprint([]Account{a}) {
			t.Fatalf("%+v", as)
		}
		var x []int
		if found, err := s.Setting("x", &x); !found || err != nil || len(x) != 2 {
			t.Fatalf("%v %v %v", found, err, x)
		}
		if found, err := s.Setting("y", &x); found || err != nil {
			t.Fatalf("%v %v", found, err)
		}
	})
	t.Run("removal takes everything of the one, nothing of the other", func(t *testing.T) {
		s := fresh(t)
		addAccount(t, s, "telegram-10") // one id is the beginning of the other
		for i := range 1200 {
			s.EnqueueAsync(t.Context(), Outgoing{Account: acct, Message: platforms.Message{Key: fmt.Sprint(i), Conversation: platforms.ConversationID(fmt.Sprint("c", i%3)), Text: "x"}}, func(uint64, error) {})
		}
		ev := message("c0", "1", "x")
		accept(t, s, ev)
		check(t, s.Known(t.Context(), acct, "u"))
		_, _, err := s.Accept(t.Context(), Incoming{Account: "telegram-10", Event: ev})
		check(t, err)
		check(t, s.DeleteAccount(t.Context(), acct))
		wantErr(t, s.DeleteAccount(t.Context(), acct), ErrNotFound)
		if st, _ := s.Stats(); st.Entries != 1 || st.Queued != 0 || st.Pending != 1 || st.Unread != 1 {
			t.Fatalf("%+v", st)
		}
		check(t, s.view(func(r *rtx) error {
			return r.tx.ForEach(func(name []byte, b *bolt.Bucket) error {
				return b.ForEach(func(k, v []byte) error {
					if bytes.HasPrefix(k, owned(acct)) || len(k) > 1 && bytes.HasPrefix(k[1:], owned(acct)) {
						t.Errorf("%s still has %q", name, k)
					}
					return nil
				})
			})
		}))
		if _, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: ev}); !errors.Is(err, ErrNotFound) {
			t.Fatalf("a late event of a removed account: %v", err)
		}
		addAccount(t, s, acct)
		accept(t, s, ev)
		reopen(t, s)
	})
	t.Run("an interrupted removal is finished", func(t *testing.T) {
		s := fresh(t)
		accept(t, s, message("c", "1", "x"))
		check(t, s.update(t.Context(), func(w *wtx) error {
			if err := w.del(bAccounts, []byte(acct)); err != nil {
				return err
			}
			return w.put(bMeta, removing(acct), []byte(acct))
		}))
		_, err := s.Prune(t.Context(), 0, 0)
		check(t, err)
		if st, _ := s.Stats(); st.Entries != 0 {
			t.Fatalf("%+v", st)
		}
	})
}

func TestCompact(t *testing.T) {
	s := fresh(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	total := make([]int, 4)
	for w := range total {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					total[w] = i
					return
				default:
				}
				if _, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: message(fmt.Sprint("c", w), fmt.Sprint(w, "-", i), "x")}); err != nil {
					t.Error(err)
				}
				if _, err := s.Timeline(acct, platforms.ConversationID(fmt.Sprint("c", w)), 0, 5); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 10 {
		check(t, s.Compact(t.Context()))
		path, err := s.Snapshot(t.Context())
		check(t, err)
		if _, err := checkFile(path, true); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	s = reopen(t, s)
	if st, _ := s.Stats(); st.Entries != total[0]+total[1]+total[2]+total[3] || st.Entries == 0 {
		t.Fatalf("%+v, want %v", st, total)
	}
	if got := s.snapshots(); len(got) != keepSnapshots {
		t.Fatalf("%v", got)
	}
}
