package store

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/postern/postern/platforms"
)

// TestAwait: a job that was begun is found among those that wait, with what was
// kept of it and as it was accepted, after a restart too, until it ends.
func TestAwait(t *testing.T) {
	s := fresh(t)
	seq, _, err := s.Accept(t.Context(), Incoming{Account: acct, Decision: json.RawMessage(`{"verdict":"allowed"}`),
		Event: message("c", "e1", "hello")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Await(t.Context(), seq, json.RawMessage(`{"left":["x"]}`), "the server is down"); err != nil {
		t.Fatal(err)
	}
	if err := s.Await(t.Context(), seq, json.RawMessage(`{"left":["x"],"tries":2}`), "the server is still down"); err != nil {
		t.Fatal(err)
	}
	if err := s.Await(t.Context(), seq, nil, ""); !errors.Is(err, ErrState) {
		t.Errorf("without work: %v", err)
	}
	s = reopen(t, s)
	if _, ok, err := s.NextJob(acct, "c", 0); ok || err != nil {
		t.Errorf("found as if not begun (%v)", err)
	}
	refs, err := s.WaitingConversations()
	if err != nil || len(refs) != 1 || refs[0] != (ConversationRef{acct, "c"}) {
		t.Errorf("waiting: %v, %v", refs, err)
	}
	j, ok, err := s.NextWaiting(acct, "c", 0)
	if err != nil || !ok || string(j.Work) != `{"left":["x"],"tries":2}` || string(j.Decision) != `{"verdict":"allowed"}` || j.Event.Text != "hello" {
		t.Fatalf("waiting: %+v, %v, %v", j, ok, err)
	}
	e, err := s.Entry(seq)
	if err != nil || e.Status != Received || e.Why != "the server is still down" || string(e.Decision) != `{"verdict":"allowed"}` {
		t.Errorf("shown as %+v, %v", e, err)
	}
	if st, _ := s.Stats(); st.Pending != 1 {
		t.Errorf("%d pending", st.Pending)
	}
	if err := s.FinishJob(t.Context(), seq, Outcome{Status: Delivered}); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := s.NextWaiting(acct, "c", 0); ok {
		t.Error("it waits after its end")
	}
	if err := s.Await(t.Context(), seq, json.RawMessage(`{}`), ""); err != nil {
		t.Error(err)
	}
	if st, _ := s.Stats(); st.Pending != 0 {
		t.Errorf("%d pending after the end", st.Pending)
	}
	if err := s.Dismiss(t.Context(), seq); !errors.Is(err, ErrState) {
		t.Errorf("dismissed after its end: %v", err)
	}
}

// TestPut: what was sent while it was made is in the timeline, is never sent
// again, and ends the job that it answers.
func TestPut(t *testing.T) {
	s := fresh(t)
	job, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: message("c", "e1", "hello"), Known: true})
	if err != nil {
		t.Fatal(err)
	}
	out := Outgoing{Account: acct, Message: platforms.Message{Key: "k", Conversation: "c", Text: "hi"}, Answers: job, Finish: &Outcome{Status: Delivered}}
	seq, err := s.Put(t.Context(), out, []platforms.MessageID{"m1"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Put(t.Context(), out, []platforms.MessageID{"m2"})
	if err != nil || again != seq {
		t.Errorf("put twice: %d, %v", again, err)
	}
	if _, ok, _ := s.NextOut(acct, "c", 0); ok {
		t.Error("it is to be sent")
	}
	e, err := s.Entry(seq)
	if err != nil || e.Status != Sent || len(e.IDs) != 1 || e.IDs[0] != "m1" || e.Message.Text != "hi" {
		t.Errorf("%+v, %v", e, err)
	}
	if j, _ := s.Entry(job); j.Status != Delivered || j.Stranger {
		t.Errorf("the job is %s, stranger %v", j.Status, j.Stranger)
	}
	if st, _ := s.Stats(); st.Queued != 0 || st.Pending != 0 {
		t.Errorf("%+v", st)
	}
}

// TestPlain: a text of Markdown is shown as it reads, in the inbox too.
func TestPlain(t *testing.T) {
	s := fresh(t)
	accept(t, s, message("c", "1", "hello"))
	for text, want := range map[string]string{"**yes**, note\\.txt": "yes, note.txt", "as it is": ""} {
		seq, err := s.Enqueue(t.Context(), Outgoing{Account: acct, Message: platforms.Message{Key: text, Conversation: "c", Text: text, Format: platforms.Markdown}})
		check(t, err)
		if e := entryOf(t, s, seq); e.Plain != want || e.Message.Text != text {
			t.Errorf("%q reads %q, want %q", e.Message.Text, e.Plain, want)
		}
		if want == "" {
			want = text
		}
		if cs, err := s.Conversations(0); err != nil || cs[0].Preview != want {
			t.Errorf("preview %q, want %q (%v)", cs[0].Preview, want, err)
		}
	}
}
