package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/postern/postern/platforms"
)

func TestEntries(t *testing.T) {
	s := fresh(t)
	addAccount(t, s, "other")
	var one, all []uint64
	for i := range 700 { // more than one transaction looks at
		a := accept(t, s, message("c", fmt.Sprint(i), fmt.Sprint(i)))
		one = append(one, a)
		all = append(all, a, enqueue(t, s, "b", fmt.Sprint("k", i), "answer"))
	}
	ev := message("c", "edit", "changed")
	ev.Kind, ev.Message = platforms.MessageEdited, "3"
	hidden := accept(t, s, ev)
	seqs := func(es []Entry) (out []uint64) {
		for _, e := range es {
			out = append(out, e.Seq)
		}
		return out
	}

	for name, c := range map[string]struct {
		q    EntryQuery
		want []uint64
	}{
		"everything":            {EntryQuery{}, all},
		"the account":           {EntryQuery{Account: acct}, all},
		"another account":       {EntryQuery{Account: "other"}, nil},
		"one conversation":      {EntryQuery{Account: acct, Conversation: "c"}, one},
		"nobody knows it":       {EntryQuery{Conversation: "x"}, nil},
		"after":                 {EntryQuery{After: all[4]}, all[5:]},
		"after the end":         {EntryQuery{After: hidden}, nil},
		"after all that can be": {EntryQuery{After: ^uint64(0)}, nil},
		"before":                {EntryQuery{Before: all[4]}, all[:4]},
		"between":               {EntryQuery{After: all[3], Before: all[9], Conversation: "c"}, one[2:5]},
	} {
		t.Run(name, func(t *testing.T) {
			var up []uint64
			q := c.q
			q.Limit = 100
			for more := true; more; {
				p, err := s.Entries(t.Context(), q)
				check(t, err)
				if p.From != q.After+1 && q.After != ^uint64(0) || p.To < q.After || p.More && p.To == q.After {
					t.Fatalf("%d to %d after %d", p.From, p.To, q.After)
				}
				up = append(up, seqs(p.Entries)...)
				q.After, more = p.To, p.More
			}
			if !slices.Equal(up, c.want) {
				t.Errorf("oldest first: %d, want %d", up, c.want)
			}
			var down []uint64
			q = c.q
			q.Limit, q.Newest = 100, true
			for more := true; more; {
				p, err := s.Entries(t.Context(), q)
				check(t, err)
				if p.More && (p.From == 0 || p.From == q.Before) {
					t.Fatalf("from %d before %d", p.From, q.Before)
				}
				down = append(seqs(p.Entries), down...)
				q.Before, more = p.From, p.More
			}
			if !slices.Equal(down, c.want) {
				t.Errorf("newest first: %d, want %d", down, c.want)
			}
		})
	}
	t.Run("a cursor has looked at what is not shown, too", func(t *testing.T) {
		for _, q := range []EntryQuery{{Account: "other"}, {Account: "other", Newest: true}, {Newest: true, Limit: 3}} {
			if p, err := s.Entries(t.Context(), q); err != nil || p.To != hidden {
				t.Errorf("%+v: to %d, want %d, %v", q, p.To, hidden, err)
			}
		}
	})
	t.Run("an edit is shown in its original", func(t *testing.T) {
		p, err := s.Entries(t.Context(), EntryQuery{After: one[3] - 1, Limit: 1})
		if check(t, err); p.Entries[0].Event.Text != "changed" || !p.Entries[0].Edited {
			t.Errorf("%+v", p.Entries[0].Event)
		}
	})
	t.Run("nobody waits any more", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Entries(ctx, EntryQuery{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
