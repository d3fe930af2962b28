package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// second adds another account of the fake platform, and is its id.
func (w *world) second() platforms.AccountID {
	w.t.Helper()
	acc, err := w.app.AddAccount(w.t.Context(), api.AccountDraft{Platform: "fake", Name: "Other", Values: map[string]string{"token": "tok-secret-value-2", "server": "b"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return acc.ID
}

// outbox is a responder's, and a delivery of event seq in conversation c.
func (w *world) outbox() Outbox { return posting{w.app, "post-1"} }

func delivery(c string, seq uint64) Delivery {
	return Delivery{Seq: seq, Account: "fake", Event: platforms.Event{Conversation: platforms.Conversation{ID: platforms.ConversationID(c)}}}
}

// TestPostedOnce: for one event and one responder there is one message, whatever
// ends in between, and another responder's is another one.
func TestPostedOnce(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.add()
	to := Place{w.second(), "t"}
	post := func(responder string, seq uint64) {
		t.Helper()
		if err := (posting{w.app, responder}).Post(t.Context(), delivery("s", seq), to, platforms.Message{Text: fmt.Sprint(responder, seq)}); err != nil {
			t.Fatal(err)
		}
	}
	post("post-1", 7)
	post("post-1", 7)
	w.until("it is sent", func() bool { return len(w.fake.texts()) == 1 })
	w.stop()
	w.start()
	post("post-1", 7)
	post("post-1", 8)
	post("post-2", 7)
	w.until("the others are sent", func() bool { return len(w.fake.texts()) >= 3 })
	if got := w.fake.texts(); !slices.Equal(got, []string{"post-17", "post-18", "post-27"}) {
		t.Errorf("sent %q", got)
	}
	if list, err := w.app.Timeline(t.Context(), to.Account, to.Conversation, 0, 0); err != nil || len(list) != 3 {
		t.Errorf("%d entries, %v", len(list), err)
	}
}

// TestPostedInOrder: what is posted to one conversation goes out in the order in
// which it was posted, over failures and several sources.
func TestPostedInOrder(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	fails := map[string]int{"2": 1, "5": 1}
	w.fake.send = func(m platforms.Message) error {
		mu.Lock()
		defer mu.Unlock()
		if fails[m.Text] > 0 {
			fails[m.Text]--
			if m.Text == "5" {
				return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: 20 * time.Millisecond, Text: "Slowly."}
			}
			return &platforms.Error{Kind: platforms.Temporary, Text: "No."}
		}
		return nil
	}
	w.start()
	w.add()
	to := Place{w.second(), "t"}
	var want []string
	for i := range 40 {
		want = append(want, fmt.Sprint(i))
		if err := w.outbox().Post(t.Context(), delivery(fmt.Sprint("s", i%3), uint64(i)), to, platforms.Message{Text: want[i]}); err != nil {
			t.Fatal(err)
		}
	}
	w.until("all are sent", func() bool { return len(w.fake.texts()) == len(want) })
	if got := w.fake.texts(); !slices.Equal(got, want) {
		t.Errorf("sent in the order %v", got)
	}
}

// TestPlaces: where can't be posted is refused in words, before anything is
// queued.
func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*platforms.Platform)
		to     Place
		want   string // of the error; empty: it is a place
	}{
		"a conversation":        {to: Place{"fake", "t"}},
		"no such account":       {to: Place{"nobody", "t"}, want: "There is no account \"nobody\""},
		"which conversation":    {to: Place{"fake", ""}, want: "several conversations"},
		"the only conversation": {change: func(p *platforms.Platform) { p.Only = "chat" }, to: Place{"fake", ""}},
		"it by name":            {change: func(p *platforms.Platform) { p.Only = "chat" }, to: Place{"fake", "chat"}},
		"another than it":       {change: func(p *platforms.Platform) { p.Only = "chat" }, to: Place{"fake", "t"}, want: "one conversation only"},
		"one that is mute":      {change: func(p *platforms.Platform) { p.Limits.Mute = true }, to: Place{"fake", "t"}, want: "only brings messages"},
		"where it came from":    {to: Place{"fake", "s"}, want: "the very conversation"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.change = c.change
			w.start()
			w.add()
			err := w.outbox().Post(t.Context(), delivery("s", 1), c.to, platforms.Message{Text: "x"})
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				w.until("it is sent", func() bool { return len(w.fake.texts()) == 1 })
				if got := w.fake.sent[0].Conversation; got != c.to.Conversation && got != "chat" {
					t.Errorf("sent to %q", got)
				}
				return
			}
			if platforms.KindOf(err) != platforms.Rejected || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if s := w.app.Snapshot(); s.Queued != 0 {
				t.Errorf("%d are queued", s.Queued)
			}
		})
	}
}

// TestLimitsByAccount: each account's own bounds count, where a platform has
// several, and new ones do when the account is changed.
func TestLimitsByAccount(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *platforms.Platform) {
		p.Vary = func(p *platforms.Platform, s map[string]string) {
			if s["server"] == "b" {
				p.Limits.Text = 5
			}
		}
	}
	a := w.start()
	first := w.add()
	to := Place{w.second(), "t"}
	count := func(account platforms.AccountID, want ...string) {
		t.Helper()
		before := len(w.fake.texts())
		if _, err := a.Send(t.Context(), api.Draft{Account: account, Conversation: "t", Text: "12345 7890"}, nil); err != nil {
			t.Fatal(err)
		}
		w.until("it is sent", func() bool { return len(w.fake.texts()) >= before+len(want) })
		if got := w.fake.texts()[before:]; !slices.Equal(got, want) {
			t.Errorf("%s: sent %q, want %q", account, got, want)
		}
	}
	count(first.ID, "12345 7890")
	count(to.Account, "12345", "7890")
	for _, acc := range a.Snapshot().Accounts {
		want := map[platforms.AccountID]int{first.ID: 20, to.Account: 5}[acc.ID]
		if acc.Limits == nil || acc.Limits.Text != want {
			t.Errorf("%s tells of %+v, want %d", acc.ID, acc.Limits, want)
		}
	}
	if _, err := a.ChangeAccount(t.Context(), to.Account, api.AccountDraft{Values: map[string]string{"server": ""}}); err != nil {
		t.Fatal(err)
	}
	count(to.Account, "12345 7890")
	if !a.Platforms()[0].Varies {
		t.Error("the platform does not say that its limits vary")
	}
}

// TestOnlySpeaks: an account that hears nothing has its one conversation, hands
// nothing to anybody, and its light for hearing stays dark.
func TestOnlySpeaks(t *testing.T) {
	asked := make(chan Delivery, 10)
	w := newWorld(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
		asked <- d
		return nil, nil
	}})
	w.change = func(p *platforms.Platform) { p.Limits.Deaf, p.Only = true, "chat" }
	told := make(chan struct{})
	w.fake.run = func(ctx context.Context, s platforms.Sink) error {
		s.State(platforms.State{Phase: platforms.Connected})
		err := s.Event(ctx, platforms.Event{ID: "hook", Cursor: "1", Kind: platforms.MembershipChanged, Time: time.Now(), Note: "the address was added",
			Conversation: platforms.Conversation{ID: "chat", Kind: platforms.Channel, Title: "Build"}})
		if err == nil {
			close(told)
			<-ctx.Done()
			err = ctx.Err()
		}
		return err
	}
	a := w.start()
	w.add()
	<-told
	w.until("the conversation is worked on", func() bool {
		e, err := a.Timeline(t.Context(), "fake", "chat", 0, 0)
		return err == nil && len(e) == 1 && e[0].Status == api.Delivered
	})
	if acc := w.account(); !acc.Deaf || !acc.Hears.Proven.IsZero() || acc.Status != api.Connected {
		t.Errorf("%+v", acc)
	}
	select {
	case d := <-asked:
		t.Errorf("a responder was handed %+v", d)
	default:
	}
	if e, err := a.Send(t.Context(), api.Draft{Account: "fake", Text: "hello"}, nil); err != nil || e.Conversation != "chat" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := a.Send(t.Context(), api.Draft{Account: "fake", Conversation: "elsewhere", Text: "hello"}, nil); err == nil {
		t.Error("it has another conversation")
	}
}

// TestUnkept: what is not kept where it came from is not kept where it goes.
func TestUnkept(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	if _, err := a.AddAccount(t.Context(), api.AccountDraft{Platform: "fake", Name: "Mine", Ephemeral: true, Values: map[string]string{"token": "tok-secret-value-1"}}); err != nil {
		t.Fatal(err)
	}
	to := Place{w.second(), "t"}
	if err := w.outbox().Post(t.Context(), delivery("s", 1), to, platforms.Message{Text: "private"}); err != nil {
		t.Fatal(err)
	}
	w.until("it is sent and forgotten", func() bool {
		list, err := a.Timeline(t.Context(), to.Account, "t", 0, 0)
		return err == nil && len(list) == 1 && list[0].Erased
	})
	if got := w.fake.texts(); !slices.Equal(got, []string{"private"}) {
		t.Errorf("sent %q", got)
	}
}

func TestEchoes(t *testing.T) {
	var e echoes
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	e.add("Ada in Build: it's *done*, 7 of 7", now)
	for text, want := range map[string]bool{
		"**Ada** in Build\nits done 7 of 7": true, "ADA IN BUILD: IT'S DONE, 7 OF 7": true,
		"Ada in Build: it's done, 8 of 7": false, "": false, "…": false,
	} {
		if got := e.has(text, now); got != want {
			t.Errorf("%q is an echo: %v", text, got)
		}
	}
	if e.has("Ada in Build: it's done, 7 of 7", now.Add(echoFor+time.Second)) {
		t.Error("it is remembered for ever")
	}
	e.add("!?", now)
	if len(e.seen) != 1 {
		t.Error("what has no letters is remembered")
	}
	for i := range 3 * echoMost {
		e.add(fmt.Sprint("text", i), now.Add(time.Duration(i)*time.Millisecond))
	}
	if len(e.seen) > echoMost {
		t.Errorf("%d are remembered, want at most %d", len(e.seen), echoMost)
	}
	last := now.Add(3 * echoMost * time.Millisecond)
	if !e.has(fmt.Sprint("text", 3*echoMost-1), last) || e.has("text0", last) {
		t.Error("the oldest go first")
	}
}

// TestCheckedWhenSaved: what only the App knows to be wrong is said when a person
// saves, and is no hindrance when Postern starts.
func TestCheckedWhenSaved(t *testing.T) {
	w := newWorld(t)
	w.kinds = []Kind{{Name: "picky", Title: "Picky", New: func(c ResponderConfig) (Responder, error) { return picky{c}, nil }}}
	a := w.start()
	if _, err := a.AddResponder(t.Context(), api.ResponderDraft{Kind: "picky"}); err == nil || !strings.Contains(err.Error(), "There is no account") {
		t.Errorf("saved: %v", err)
	}
	acc := w.add()
	r, err := a.AddResponder(t.Context(), api.ResponderDraft{Kind: "picky"})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveAccount(t.Context(), acc.ID); err != nil {
		t.Fatal(err)
	}
	w.stop()
	a = w.start()
	for _, got := range a.Responders() {
		if got.ID == r.ID && got.Problem != "" {
			t.Errorf("after a restart: %q", got.Problem)
		}
	}
}

// picky is a Checker that wants the account "fake".
type picky struct{ c ResponderConfig }

func (p picky) Name() string { return p.c.ID }
func (picky) Acts() bool     { return true }
func (picky) Respond(context.Context, Delivery) ([]platforms.Message, error) {
	return nil, errors.New("no")
}
func (p picky) Check() error {
	_, err := p.c.Outbox.Place(Place{"fake", "t"})
	return err
}
