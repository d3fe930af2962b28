package mcp_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/controltest"
)

// later is a call that goes on beside the test.
type later struct {
	done chan struct{}
	got  messages
	err  error
}

func begin(t *testing.T, s *sdk.ClientSession, in args) *later {
	l := &later{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.err = call(t, s, "wait_for_message", in, &l.got)
	}()
	return l
}

// watched waits until n streams of changes are open, and all before have ended.
func (h *house) watched(n int) {
	h.t.Helper()
	for h.b.Watchers() != n {
		if h.t.Context().Err() != nil {
			h.t.Fatal("nobody watches")
		}
		runtime.Gosched()
	}
}

func waitFor(more args) args {
	in := args{"account": "pigeon", "conversation": "c1", "timeout_seconds": 600}
	for k, v := range more {
		in[k] = v
	}
	return in
}

func TestWait(t *testing.T) {
	h := serve(t, "read:pigeon/c1")
	s := h.connect(nil, nil)
	t.Run("comes later", func(t *testing.T) {
		l := begin(t, s, waitFor(args{"after": 2}))
		h.watched(1)
		h.b.Change(func(st *controltest.State) { st.Snapshot.Unread++ }) // something else changes
		h.say("three")
		<-l.done
		if l.err != nil || !slices.Equal(texts(l.got), []string{"three"}) || l.got.After != 3 || l.got.TimedOut || l.got.More {
			t.Errorf("%v %+v", l.err, l.got)
		}
	})
	t.Run("came between two calls", func(t *testing.T) {
		h.say("four", "five")
		var got messages
		if err := call(t, s, "wait_for_message", waitFor(args{"after": 3}), &got); err != nil || !slices.Equal(texts(got), []string{"four", "five"}) || got.After != 5 {
			t.Errorf("%v %+v", err, got)
		}
	})
	t.Run("our own are none", func(t *testing.T) {
		l := begin(t, s, waitFor(args{"after": 5}))
		h.watched(1)
		h.b.Change(func(st *controltest.State) {
			*st.Entries = append(*st.Entries, api.Entry{Seq: 6, Account: "pigeon", Conversation: "c1", Outgoing: true, Text: "ours"},
				api.Entry{Seq: 7, Account: "pigeon", Conversation: "c2", Text: "elsewhere"})
		})
		h.b.Change(func(st *controltest.State) {
			*st.Entries = append(*st.Entries, api.Entry{Seq: 8, Account: "pigeon", Conversation: "c1", Text: "theirs"})
		})
		<-l.done
		if l.err != nil || !slices.Equal(texts(l.got), []string{"theirs"}) || l.got.After != 8 {
			t.Errorf("%v %+v", l.err, l.got)
		}
	})
	t.Run("from now on", func(t *testing.T) {
		asked := make(chan struct{}, 1000)
		h.b.Wait = func(_ context.Context, name string) {
			if name == "Entries" {
				asked <- struct{}{}
			}
		}
		l := begin(t, s, waitFor(nil))
		<-asked // where the end is
		for ended := false; !ended; {
			h.say("now") // one comes after it was answered
			select {
			case <-l.done:
				ended = true
			case <-asked:
			}
		}
		if l.err != nil || len(l.got.Messages) == 0 || texts(l.got)[0] != "now" {
			t.Errorf("%v %+v", l.err, l.got)
		}
	})
	t.Run("anywhere", func(t *testing.T) {
		var got messages
		if err := call(t, s, "wait_for_message", args{"after": 0, "timeout_seconds": 600}, &got); err != nil || len(got.Messages) == 0 || got.Messages[0].Text != "hello" || slices.Contains(texts(got), "elsewhere") {
			t.Errorf("%v %+v", err, got)
		}
	})
	t.Run("in time", func(t *testing.T) {
		var got messages
		in := waitFor(args{"after": 100, "timeout_seconds": 0.05})
		if err := call(t, s, "wait_for_message", in, &got); err != nil || !got.TimedOut || len(got.Messages) != 0 || got.After != 100 {
			t.Errorf("%v %+v", err, got)
		}
	})
	for _, bad := range []args{{"timeout_seconds": 601}, {"timeout_seconds": -1}, {"conversation": "c2"}, {"account": ""}} {
		if err := call(t, s, "wait_for_message", waitFor(bad), &messages{}); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

// TestWaitLosesNothing has somebody write while calls follow each other.
func TestWaitLosesNothing(t *testing.T) {
	const n = 1500
	h := serve(t, "read:pigeon/c1")
	s := h.connect(nil, nil)
	var want []string
	for i := range n {
		want = append(want, fmt.Sprint("m", i))
	}
	go func() {
		for i := 0; i < n; i += 7 {
			h.say(want[i:min(i+7, n)]...)
		}
	}()
	var all []string
	for after := uint64(2); len(all) < n; {
		var got messages
		if err := call(t, s, "wait_for_message", waitFor(args{"after": after}), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Messages) > 100 || got.After <= after {
			t.Fatalf("%d at once, from %d to %d", len(got.Messages), after, got.After)
		}
		all, after = append(all, texts(got)...), got.After
	}
	if !slices.Equal(all, want) {
		t.Error("not what was said, in its order")
	}
}

func TestWaitBehindMuchOfOurOwn(t *testing.T) {
	h := serve(t, "read:pigeon/c1")
	h.b.Change(func(st *controltest.State) {
		for i := range uint64(2500) {
			*st.Entries = append(*st.Entries, api.Entry{Seq: 3 + i, Account: "pigeon", Conversation: "c1", Outgoing: true})
		}
	})
	h.say("theirs")
	var got messages
	if err := call(t, h.connect(nil, nil), "wait_for_message", waitFor(args{"after": 2}), &got); err != nil || !slices.Equal(texts(got), []string{"theirs"}) || got.After != 2503 {
		t.Errorf("%v %+v", err, got)
	}
}

func TestWaitOverARestart(t *testing.T) {
	h := serve(t, "read:pigeon/c1")
	s := h.connect(nil, nil)
	l := begin(t, s, waitFor(args{"after": 2}))
	h.watched(1)
	h.close()
	h.say("while it was off")
	h.open()
	<-l.done
	if l.err != nil || !slices.Equal(texts(l.got), []string{"while it was off"}) {
		t.Errorf("%v %+v", l.err, l.got)
	}
}

func TestWaitEndsWithTheClient(t *testing.T) {
	h := serve(t, "read:pigeon/c1")
	s := h.connect(nil, nil)
	l := begin(t, s, waitFor(args{"after": 2}))
	h.watched(1)
	if err := h.b.RevokeClient(t.Context(), h.made.Client.ID); err != nil {
		t.Fatal(err)
	}
	<-l.done
	if l.err == nil || !strings.Contains(l.err.Error(), "revoked") {
		t.Errorf("%v %+v", l.err, l.got)
	}
}

func TestWaitTellsProgressAndIsCancelled(t *testing.T) {
	h := serve(t, "read:pigeon/c1")
	progress := make(chan *sdk.ProgressNotificationParams, 100)
	s := h.connect(nil, &sdk.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
		select {
		case progress <- r.Params:
		default:
		}
	}})
	ctx, cancel := context.WithCancel(t.Context())
	params := &sdk.CallToolParams{Name: "wait_for_message", Arguments: waitFor(args{"after": 2})}
	params.SetProgressToken("mine")
	ended := make(chan error, 1)
	go func() {
		_, err := s.CallTool(ctx, params)
		ended <- err
	}()
	h.watched(1)
	first, second := <-progress, <-progress
	if first.ProgressToken != "mine" || first.Total != 600 || second.Progress <= first.Progress || first.Message == "" {
		t.Errorf("%+v, then %+v", first, second)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	h.watched(0) // it stopped waiting on the other side, too
}
