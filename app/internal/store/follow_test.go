package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/postern/postern/platforms"
)

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
