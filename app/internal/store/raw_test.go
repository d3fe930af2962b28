package store

import (
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
)

// requested is an event that brings the largest request that connectors take, of
// the bytes that JSON makes the most of.
func requested() platforms.Event {
	ev := message("c", "1", "hello")
	ev.Raw = &platforms.Raw{Method: http.MethodPost, Body: bytes.Repeat([]byte("\x00\xff<"+marker), platforms.DefaultBody/(3+len(marker))),
		Header: map[string][]string{"X-Odd": {strings.Repeat("<", 8<<10), "\x01"}, "Content-Type": {"application/json"}}}
	return ev
}

func TestRaw(t *testing.T) {
	t.Run("it is kept to the byte, over a restart", func(t *testing.T) {
		s := fresh(t)
		seq, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: requested()})
		check(t, err)
		s = reopen(t, s)
		j, ok, err := s.NextJob(acct, "c", 0)
		check(t, err)
		if !ok || j.Seq != seq || !reflect.DeepEqual(j.Event.Raw, requested().Raw) {
			t.Fatal("the request is another")
		}
		check(t, s.Close())
		if grep(t, s, marker) {
			t.Error("the request is readable in the file")
		}
	})
	t.Run("an ephemeral account's is gone with the end of its job", func(t *testing.T) {
		s := fresh(t)
		seq, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: requested(), Ephemeral: true})
		check(t, err)
		if e := entryOf(t, s, seq); e.Event == nil || e.Event.Raw == nil {
			t.Fatalf("%+v", e)
		}
		check(t, s.FinishJob(t.Context(), seq, Outcome{Status: Delivered}))
		if e := entryOf(t, s, seq); !e.Erased || e.Event != nil {
			t.Fatalf("%+v", e)
		}
	})
	t.Run("what is too big goes, and the words stay", func(t *testing.T) {
		s := fresh(t)
		ev := requested()
		ev.Raw.Body = make([]byte, 2*maxBody)
		seq, _, err := s.Accept(t.Context(), Incoming{Account: acct, Event: ev})
		check(t, err)
		e := entryOf(t, s, seq)
		if e.Event.Raw != nil || e.Event.Text != "hello" || !strings.Contains(e.Event.Note, "too big") {
			t.Fatalf("%q, %q", e.Event.Text, e.Event.Note)
		}
	})
}
