package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern/postern/platforms"
)

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
