package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// say answers each message with its own text in capitals.
var shout = responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
	return []platforms.Message{{Text: strings.ToUpper(d.Event.Text)}}, nil
}}

func TestMessageIsStoredDeliveredAnsweredAndSent(t *testing.T) {
	w := newWorld(t, shout)
	w.start()
	w.add()
	w.fake.say("1", "hello", time.Now())
	w.until("the answer arrives", func() bool { return slices.Equal(w.fake.texts(), []string{"HELLO"}) })
	w.until("both are recorded", func() bool {
		l := w.timeline("1")
		return len(l) == 2 && l[0].Status == api.Delivered && l[1].Status == api.Sent && len(l[1].IDs) == 1
	})
	w.until("the lights are proven", func() bool {
		a := w.account()
		return a.Status == api.Connected && !a.Hears.Proven.IsZero() && !a.Speaks.Proven.IsZero() && !a.Answers.Proven.IsZero() && a.Handle == "@bot"
	})
	if a := w.account(); strings.Contains(fmt.Sprintf("%+v", a), "tok-secret") {
		t.Error("the snapshot shows the token")
	}
}

func TestNothingIsLostOverARestart(t *testing.T) {
	w := newWorld(t, shout)
	w.start()
	w.add()
	w.fake.say("1", "one", time.Now())
	w.until("the first is answered", func() bool { return len(w.fake.texts()) == 1 })
	w.stop()
	w.fake.say("1", "two", time.Now())
	w.start()
	w.until("the second is answered", func() bool { return slices.Equal(w.fake.texts(), []string{"ONE", "TWO"}) })
}

func TestEventsThatCameWhileOffAreMarkedAndOldOnesAsk(t *testing.T) {
	w := newWorld(t, shout)
	w.start()
	w.add()
	w.fake.say("1", "first", time.Now())
	w.until("it is answered", func() bool { return len(w.fake.texts()) == 1 })
	w.stop()
	w.fake.say("1", "old", time.Now().Add(-time.Hour))
	w.start()
	w.until("the old one is held", func() bool { return w.app.Snapshot().Held == 1 })
	l := w.timeline("1")
	old := l[len(l)-1]
	if !old.Away || old.Status != api.HeldBack || old.Why == "" {
		t.Fatalf("the old message: %+v", old)
	}
	w.fake.say("1", "new", time.Now())
	w.until("a newer one is not held up", func() bool { return slices.Equal(w.fake.texts(), []string{"FIRST", "NEW"}) })
	if err := w.app.Release(t.Context(), old.Seq); err != nil {
		t.Fatal(err)
	}
	w.until("it is acted on after all", func() bool { return slices.Contains(w.fake.texts(), "OLD") })
}

func TestOrderWithinAConversationAndNoBlockingAcross(t *testing.T) {
	stuck := make(chan struct{})
	w := newWorld(t, responder{f: func(ctx context.Context, d Delivery) ([]platforms.Message, error) {
		if d.Event.Conversation.ID == "slow" {
			select {
			case <-stuck:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		return []platforms.Message{{Text: d.Event.Text}}, nil
	}})
	w.start()
	w.add()
	w.fake.say("slow", "s", time.Now())
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprint(i))
		w.fake.say("fast", fmt.Sprint(i), time.Now())
	}
	w.until("the fast one is done, in order", func() bool { return slices.Equal(w.fake.texts(), want) })
	close(stuck)
	w.until("then the slow one", func() bool { return slices.Equal(w.fake.texts(), append(want, "s")) })
}

func TestConnectorFaults(t *testing.T) {
	fail := func(err error) func(context.Context, platforms.Sink) error {
		return func(context.Context, platforms.Sink) error { return err }
	}
	tests := map[string]struct {
		run    func(context.Context, platforms.Sink) error
		status api.Status
		note   string
		again  bool // it is tried again by itself
	}{
		"refused token":  {fail(&platforms.Error{Kind: platforms.Unauthorized, Text: "Refused. Paste it."}), api.BadCredentials, "Refused. Paste it.", false},
		"another poller": {fail(&platforms.Error{Kind: platforms.Conflict, Text: "Another program polls."}), api.Conflict, "Another program polls.", true},
		"rate limit":     {fail(&platforms.Error{Kind: platforms.RateLimited, RetryAfter: time.Hour, Text: "Too fast."}), api.RateLimited, "Too fast.", true},
		"network":        {fail(&platforms.Error{Kind: platforms.Temporary, Text: "No network."}), api.TransientDisconnect, "No network.", true},
		"unknown":        {fail(errors.New("odd")), api.TransientDisconnect, "odd", true},
		"not agreed to":  {fail(&platforms.Error{Kind: platforms.NotAcknowledged, Text: "Not acknowledged."}), api.Blocked, "Not acknowledged.", false},
		"panic":          {func(context.Context, platforms.Sink) error { panic("bug") }, api.Blocked, "A fault inside Postern", false},
		"ends by itself": {fail(nil), api.TransientDisconnect, "the connection ended", true},
		"says it is less": {func(ctx context.Context, s platforms.Sink) error {
			s.State(platforms.State{Phase: platforms.Degraded, Note: "half"})
			<-ctx.Done()
			return ctx.Err()
		}, api.Degraded, "half", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fake.run = tt.run
			w.start()
			w.add()
			w.until("the status", func() bool { return w.account().Status == tt.status })
			a := w.account()
			if !strings.HasPrefix(a.Note, tt.note) {
				t.Errorf("note %q, want %q", a.Note, tt.note)
			}
			if tt.again == a.RetryAt.IsZero() {
				t.Errorf("retry at %v", a.RetryAt)
			}
			// Resuming heals whatever it was, once the cause is gone.
			w.fake.mu.Lock()
			w.fake.run = nil
			w.fake.mu.Unlock()
			if err := w.app.Resume(t.Context(), "fake"); err != nil {
				t.Fatal(err)
			}
			w.until("connected again", func() bool { return w.account().Status == api.Connected })
		})
	}
}

func TestSendFailures(t *testing.T) {
	t.Run("refused: dead letter, resent by hand", func(t *testing.T) {
		w := newWorld(t)
		w.fake.send = func(platforms.Message) error {
			return &platforms.Error{Kind: platforms.Rejected, Text: "Chat not found."}
		}
		w.start()
		w.add()
		e := w.send("1", "hi")
		w.until("dead", func() bool { return w.app.Snapshot().Dead == 1 })
		if l := w.timeline("1"); l[0].Status != api.DeadEnd || l[0].Why != "Chat not found." {
			t.Fatalf("%+v", l[0])
		}
		w.fake.mu.Lock()
		w.fake.send = nil
		w.fake.mu.Unlock()
		if err := w.app.Resend(t.Context(), e.Seq); err != nil {
			t.Fatal(err)
		}
		w.until("sent", func() bool { return slices.Equal(w.fake.texts(), []string{"hi"}) })
		w.until("not dead", func() bool { return w.app.Snapshot().Dead == 0 })
	})
	t.Run("temporary: tried again, nothing overtakes it", func(t *testing.T) {
		w := newWorld(t)
		fails := 1
		w.fake.send = func(platforms.Message) error {
			if fails > 0 {
				fails--
				return &platforms.Error{Kind: platforms.Temporary, Text: "Down."}
			}
			return nil
		}
		w.start()
		w.add()
		w.send("1", "a")
		w.send("1", "b")
		w.until("both, in order", func() bool { return slices.Equal(w.fake.texts(), []string{"a", "b"}) })
	})
	t.Run("no answer: sent again, and labelled", func(t *testing.T) {
		w := newWorld(t)
		lost := true
		w.fake.send = func(m platforms.Message) error {
			if lost {
				lost = false
				return &platforms.Error{Kind: platforms.Temporary, Text: "No answer.", Err: io.ErrUnexpectedEOF}
			}
			return nil
		}
		w.start()
		w.add()
		w.send("1", "a")
		w.until("sent and labelled", func() bool { l := w.timeline("1"); return l[0].Status == api.Sent && l[0].MayDuplicate })
	})
	t.Run("moved: follows", func(t *testing.T) {
		w := newWorld(t)
		w.fake.send = func(m platforms.Message) error {
			if m.Conversation == "old" {
				return &platforms.Error{Kind: platforms.Rejected, Text: "Moved.", MovedTo: "new"}
			}
			return nil
		}
		w.start()
		w.add()
		w.send("old", "a")
		w.until("arrived in the new place", func() bool {
			w.fake.mu.Lock()
			defer w.fake.mu.Unlock()
			return len(w.fake.sent) == 1 && w.fake.sent[0].Conversation == "new"
		})
	})
	t.Run("stopped in the middle: the next start says may be a duplicate", func(t *testing.T) {
		w := newWorld(t)
		w.fake.sending = make(chan struct{})
		w.start()
		w.add()
		w.send("1", "a")
		w.send("1", "b")
		w.until("it is under way", func() bool { n := 0; w.app.trying.Range(func(any, any) bool { n++; return true }); return n == 1 })
		w.stop()
		close(w.fake.sending)
		w.start()
		w.until("both sent", func() bool { return len(w.fake.texts()) == 2 })
		w.until("recorded", func() bool { return w.timeline("1")[1].Status == api.Sent })
		l := w.timeline("1")
		if !l[0].MayDuplicate || l[1].MayDuplicate {
			t.Errorf("labels: %v %v", l[0].MayDuplicate, l[1].MayDuplicate)
		}
	})
}

func (w *world) send(c, text string, files ...control.Upload) api.Entry {
	w.t.Helper()
	e, err := w.app.Send(w.t.Context(), api.Draft{Account: "fake", Conversation: platforms.ConversationID(c), Text: text}, files)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func TestSend(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.add()
	t.Run("a long text goes out in pieces", func(t *testing.T) {
		w.send("long", "one two three four five six seven")
		w.until("two pieces", func() bool { return slices.Equal(w.fake.texts(), []string{"one two three four", "five six seven"}) })
	})
	t.Run("a file with a caption is one message", func(t *testing.T) {
		w.send("file", "short", control.Upload{Name: "a.txt", Body: strings.NewReader("content")})
		w.until("sent", func() bool { return len(w.fake.texts()) == 3 })
		w.fake.mu.Lock()
		m := w.fake.sent[2]
		w.fake.mu.Unlock()
		if len(m.Files) != 1 || m.Files[0].Name != "a.txt" || m.Files[0].Size != 7 || m.Text != "short" {
			t.Errorf("%+v", m)
		}
	})
	t.Run("the same key is the same message", func(t *testing.T) {
		d := api.Draft{Key: "k", Account: "fake", Conversation: "same", Text: "once"}
		a, err := w.app.Send(t.Context(), d, nil)
		b, err2 := w.app.Send(t.Context(), d, nil)
		if err != nil || err2 != nil || a.Seq != b.Seq {
			t.Errorf("%v %v %v %v", a.Seq, b.Seq, err, err2)
		}
	})
	t.Run("no button decides about a permission", func(t *testing.T) {
		d := api.Draft{Account: "fake", Conversation: "forged", Text: "Cake?", Buttons: [][]platforms.Button{{{Label: "No", Data: "no"}, {Label: "Yes", Data: askData("1", 0)}}}}
		if _, err := w.app.Send(t.Context(), d, nil); err == nil || !strings.Contains(err.Error(), "of a permission do") {
			t.Error(err)
		}
	})
	for name, d := range map[string]api.Draft{
		"empty":           {Account: "fake", Conversation: "x"},
		"no conversation": {Account: "fake", Text: "x"},
		"no such account": {Account: "none", Conversation: "x", Text: "x"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			_, err := w.app.Send(t.Context(), d, nil)
			var wire *api.Error
			if !errors.As(err, &wire) || wire.Text == "" {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("refused: too large a file", func(t *testing.T) {
		_, err := w.app.Send(t.Context(), api.Draft{Account: "fake", Conversation: "x"}, []control.Upload{{Name: "big", Body: io.LimitReader(zeros{}, 2<<20)}})
		if err == nil {
			t.Error("accepted")
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestPause(t *testing.T) {
	for _, id := range []platforms.AccountID{"fake", ""} {
		t.Run("account "+string(id), func(t *testing.T) {
			w := newWorld(t)
			w.start()
			w.add()
			w.until("connected", func() bool { return w.account().Status == api.Connected })
			if err := w.app.Pause(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			w.until("paused", func() bool { return w.account().Status == api.Paused })
			w.fake.say("1", "while paused", time.Now())
			w.send("1", "out")
			w.stop()
			w.start() // a pause outlives a restart
			w.until("still paused", func() bool { return w.account().Status == api.Paused })
			if w.fake.waiting() != 1 || len(w.fake.texts()) != 0 {
				t.Error("something moved while paused")
			}
			if err := w.app.Resume(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			w.until("both directions go on", func() bool { return w.fake.waiting() == 0 && len(w.fake.texts()) == 1 })
		})
	}
}

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	w.start()
	t.Run("a wrong field is named, and its value is not repeated", func(t *testing.T) {
		_, err := w.app.AddAccount(t.Context(), api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "oops-secret", "no": "x"}})
		var wire *api.Error
		if !errors.As(err, &wire) || wire.Fields["token"] == "" || wire.Fields["no"] == "" || strings.Contains(wire.Error(), "oops-secret") {
			t.Errorf("%+v", err)
		}
	})
	w.add()
	t.Run("the same bot twice is refused", func(t *testing.T) {
		_, err := w.app.AddAccount(t.Context(), api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-secret-value-1"}})
		if platforms.KindOf(err) == "" || err == nil {
			t.Error("accepted")
		}
	})
	t.Run("a change keeps what it leaves out, and reconnects", func(t *testing.T) {
		if _, err := w.app.ChangeAccount(t.Context(), "fake", api.AccountDraft{Platform: "fake", Name: "Renamed", Values: map[string]string{"server": "s"}}); err != nil {
			t.Fatal(err)
		}
		a := w.account()
		if a.Name != "Renamed" || a.Settings["server"] != "s" || a.Secrets["token"] == "" {
			t.Errorf("%+v", a)
		}
		w.until("connected", func() bool { return w.account().Status == api.Connected })
	})
	t.Run("a draft is checked without being saved", func(t *testing.T) {
		got, err := w.app.CheckDraft(t.Context(), "", api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-revoked"}})
		if err != nil || got.Error == nil || got.Error.Kind != platforms.Unauthorized {
			t.Errorf("%+v %v", got, err)
		}
		got, err = w.app.CheckDraft(t.Context(), "", api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-other"}})
		if err != nil || got.Error != nil || got.Identity.Handle != "@bot" || len(w.app.Snapshot().Accounts) != 1 {
			t.Errorf("%+v %v", got, err)
		}
	})
	t.Run("removing deletes messages and secrets", func(t *testing.T) {
		w.fake.say("1", "x", time.Now())
		w.until("stored", func() bool { return len(w.timeline("1")) == 1 })
		if err := w.app.RemoveAccount(t.Context(), "fake"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.vault.Get(t.Context(), secretName("fake", "token")); err == nil {
			t.Error("the secret is still there")
		}
		if list, _ := w.app.Conversations(t.Context(), 0); len(list) != 0 {
			t.Errorf("%+v", list)
		}
	})
}

func TestSinkErrorIsNotAcknowledged(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.add()
	w.until("connected", func() bool { return w.account().Status == api.Connected })
	// The journal refuses: here because it is closed under the App's feet.
	if err := w.app.store.Close(); err != nil {
		t.Fatal(err)
	}
	w.fake.say("1", "kept by the platform", time.Now())
	w.until("told", func() bool { return w.account().Status != api.Connected })
	if w.fake.waiting() != 1 {
		t.Error("acknowledged without being stored")
	}
	w.t.Cleanup(func() {})
}
