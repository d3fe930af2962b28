package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// noting is a Responder that notes what it is given.
type noting struct {
	name string
	acts bool
	f    func(context.Context, Delivery) ([]platforms.Message, error)

	mu  sync.Mutex
	got []Delivery
}

func (r *noting) Name() string { return r.name }
func (r *noting) Acts() bool   { return r.acts }
func (r *noting) Respond(ctx context.Context, d Delivery) ([]platforms.Message, error) {
	r.mu.Lock()
	r.got = append(r.got, d)
	r.mu.Unlock()
	return r.f(ctx, d)
}

func (r *noting) deliveries() []Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

func echoing(name string) *noting {
	return &noting{name: name, acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
		return []platforms.Message{{Text: name + ": " + d.Event.Text, Key: "fixed " + name}}, nil
	}}
}

func (w *world) replay(r api.Replay) api.Replayed {
	w.t.Helper()
	out, err := w.app.Replay(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// TestReplayLeavesNothing: a replay hands the event on anew, shows what comes of
// it, and sends nothing unless it is to.
func TestReplayLeavesNothing(t *testing.T) {
	one, two := echoing("one"), echoing("two")
	w := newWorld(t, one, two)
	w.start()
	w.add()
	w.fake.say("c", "hi", w.app.now())
	w.until("it was answered", func() bool { return len(w.fake.texts()) == 2 })
	w.fake.mu.Lock()
	w.fake.sends, w.fake.checks, w.fake.edits = 0, 0, nil
	w.fake.mu.Unlock()
	origin := w.timeline("c")[0]

	got := w.replay(api.Replay{Entry: origin.Seq})
	if got.Event.Replay != origin.Seq || got.Event.Seq == origin.Seq || got.Event.Text != "hi" || got.Event.Status != api.EntryStatus("delivered") || len(got.Results) != 2 ||
		got.Results[0].Responder != "one" || got.Results[0].Answers[0] != "one: hi" || got.Results[0].Sent || got.Results[0].Error != "" {
		t.Errorf("%+v", got)
	}
	text := "changed"
	got = w.replay(api.Replay{Entry: origin.Seq, To: []string{"two"}, Text: &text})
	if len(got.Results) != 1 || got.Results[0].Answers[0] != "two: changed" || got.Event.Text != "changed" {
		t.Errorf("%+v", got)
	}
	ds := two.deliveries()
	if len(ds) != 3 || len(one.deliveries()) != 2 {
		t.Fatalf("%d and %d deliveries", len(one.deliveries()), len(ds))
	}
	if ds[1].Seq == ds[0].Seq || ds[1].Event.ID == ds[0].Event.ID || ds[2].Event.ID == ds[1].Event.ID || ds[2].Seq != got.Event.Seq ||
		ds[2].Event.Message != ds[0].Event.Message || ds[1].Event.Conversation != ds[0].Event.Conversation {
		t.Errorf("%+v", ds)
	}
	w.fake.mu.Lock()
	sends, edits := w.fake.sends, len(w.fake.edits)
	w.fake.mu.Unlock()
	st, err := w.app.store.Stats()
	if sends != 0 || edits != 0 || err != nil || st.Queued != 0 || st.Pending != 0 {
		t.Errorf("%d sends, %d edits, %+v", sends, edits, st)
	}
	// A replay can be replayed, and the message itself is as it was.
	w.replay(api.Replay{Entry: got.Event.Seq, To: []string{"one"}})
	if e := w.timeline("c")[0]; e.Text != "hi" || e.Replay != 0 {
		t.Errorf("%+v", e)
	}

	got = w.replay(api.Replay{Entry: origin.Seq, To: []string{"one"}, Send: true})
	if !got.Results[0].Sent {
		t.Errorf("%+v", got)
	}
	w.until("it was sent", func() bool { return len(w.fake.texts()) == 3 })
	if texts := w.fake.texts(); texts[2] != "one: hi" {
		t.Errorf("%v", texts)
	}
	lines, err := w.app.store.Activity(store.ActivityQuery{})
	if err != nil || !slices.ContainsFunc(lines, func(a store.Activity) bool {
		return strings.Contains(a.Why, fmt.Sprintf("you had message %d replayed to two", origin.Seq)) && strings.Contains(a.Why, "only shown")
	}) {
		t.Errorf("no line tells of it: %v", err)
	}
}

func TestReplayOfRequests(t *testing.T) {
	one := echoing("one")
	w, bind := inputWorld(t, nil, one)
	knockAt(t, bind, "/in", goodSecret, "r1", "genuine")
	knockAt(t, bind, "/in", "another secret", "r2", "refused")
	list := w.requests(api.InputQuery{})
	w.until("it was answered", func() bool { return len(w.fake.texts()) == 1 })

	got := w.replay(api.Replay{Request: list[1].ID})
	if got.Event.Replay != list[1].Entries[0] || got.Results[0].Answers[0] != "one: genuine" {
		t.Errorf("%+v", got)
	}
	got = w.replay(api.Replay{Request: list[1].ID, Body: []byte("edited")})
	if got.Results[0].Answers[0] != "one: edited" || got.Event.Replay != list[1].Entries[0] {
		t.Errorf("%+v", got)
	}
	got = w.replay(api.Replay{Request: list[0].ID}) // a person may look at what a refused one would have done
	if got.Results[0].Answers[0] != "one: refused" || got.Event.Replay != 0 || got.Event.ReplayRequest != list[0].ID || got.Event.Why == "" {
		t.Errorf("%+v", got)
	}
	d := one.deliveries()
	if raw := d[len(d)-1].Event.Raw; raw == nil || string(raw.Body) != "refused" || raw.Method != "POST" {
		t.Errorf("%+v", raw)
	}
	method := "put"
	got = w.replay(api.Replay{Request: list[0].ID, Method: &method, Header: map[string][]string{"x-new": {"a"}}})
	d = one.deliveries()
	if raw := d[len(d)-1].Event.Raw; raw.Method != "PUT" || raw.Header["X-New"][0] != "a" || len(raw.Header) != 1 {
		t.Errorf("%+v", raw)
	}
	// Of a message that came with a request, the request can be changed as well.
	got = w.replay(api.Replay{Entry: got.Event.Seq, Body: []byte("again")})
	if got.Results[0].Answers[0] != "one: again" {
		t.Errorf("%+v", got)
	}
	if texts := w.fake.texts(); len(texts) != 1 {
		t.Errorf("something was sent: %v", texts)
	}
}

func TestReplayRefused(t *testing.T) {
	one := echoing("one")
	w := newWorld(t, one)
	w.start()
	w.add()
	w.fake.say("c", "hi", w.app.now())
	w.until("it was answered", func() bool { return len(w.fake.texts()) == 1 })
	list := w.timeline("c")
	method := "PUT"
	for name, c := range map[string]struct {
		r    api.Replay
		want string
	}{
		"nothing":        {api.Replay{}, "one of them"},
		"both":           {api.Replay{Entry: 1, Request: 1}, "one of them"},
		"not there":      {api.Replay{Entry: 999}, "no such"},
		"no request":     {api.Replay{Request: 999}, "no such request"},
		"sent from here": {api.Replay{Entry: list[1].Seq}, "sent from here"},
		"nobody":         {api.Replay{Entry: list[0].Seq, To: []string{"nobody"}}, "no responder"},
		"no request's":   {api.Replay{Entry: list[0].Seq, Method: &method}, "only its text"},
		"too large":      {api.Replay{Entry: list[0].Seq, Body: make([]byte, replayBody+1)}, "700 KiB"},
	} {
		if _, err := w.app.Replay(t.Context(), c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	one.f = func(context.Context, Delivery) ([]platforms.Message, error) { return nil, errors.New("it broke") }
	if got := w.replay(api.Replay{Entry: list[0].Seq}); !strings.Contains(got.Results[0].Error, "t broke") {
		t.Errorf("%+v", got)
	}
	one.f = func(context.Context, Delivery) ([]platforms.Message, error) { panic("boom") }
	if got := w.replay(api.Replay{Entry: list[0].Seq}); !strings.Contains(got.Results[0].Error, "fault inside") {
		t.Errorf("%+v", got)
	}
}

// TestReplayWaitsItsTurn: a responder is never asked twice at once for one
// conversation, and a replay that nobody waits for any more is broken off.
func TestReplayWaitsItsTurn(t *testing.T) {
	gate, inside := make(chan struct{}), make(chan struct{}, 10)
	one := echoing("one")
	answer := one.f
	one.f = func(ctx context.Context, d Delivery) ([]platforms.Message, error) {
		inside <- struct{}{}
		select {
		case <-gate:
			return answer(ctx, d)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	w := newWorld(t, one)
	w.start()
	w.add()
	w.fake.say("c", "hi", w.app.now())
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan api.Replayed, 1)
	go func() {
		got, err := w.app.Replay(ctx, api.Replay{Entry: 1})
		if err != nil {
			t.Error(err)
		}
		done <- got
	}()
	w.until("it waits", func() bool {
		w.app.replays.mu.Lock()
		defer w.app.replays.mu.Unlock()
		return len(w.app.replays.m) == 1
	})
	if len(inside) != 0 {
		t.Fatal("it was asked twice at once")
	}
	cancel()
	if got := <-done; got.Results[0].Error == "" {
		t.Errorf("%+v", got)
	}
	close(gate)
	w.until("it was answered", func() bool { return len(w.fake.texts()) == 1 })
	if got := w.replay(api.Replay{Entry: 1}); got.Results[0].Answers[0] != "one: hi" {
		t.Errorf("%+v", got)
	}
	if n := len(one.deliveries()); n != 2 {
		t.Errorf("%d deliveries: the one that was broken off came after all", n)
	}
}

// TestReplayTalks: a Talker works on a replay without a word in the conversation;
// what it wants to be allowed is asked at this computer.
func TestReplayTalks(t *testing.T) {
	var asked api.Ask
	w := newWorld(t, talking{})
	w.start()
	w.add()
	w.fake.say("c", "hi", w.app.now())
	w.until("it asks", func() bool { return len(w.app.Asks()) == 1 })
	asked = w.app.Asks()[0]
	if err := w.app.AnswerAsk(t.Context(), asked.ID, "yes", "window"); err != nil {
		t.Fatal(err)
	}
	w.until("it was answered", func() bool { return slices.Contains(w.fake.shown(), "allowed: yes") })
	w.fake.mu.Lock()
	w.fake.sends, w.fake.edits = 0, nil
	w.fake.mu.Unlock()
	done := make(chan api.Replayed, 1)
	go func() {
		got, err := w.app.Replay(t.Context(), api.Replay{Entry: w.timeline("c")[0].Seq})
		if err != nil {
			t.Error(err)
		}
		done <- got
	}()
	w.until("it asks here", func() bool { return len(w.app.Asks()) == 1 })
	if err := w.app.AnswerAsk(t.Context(), w.app.Asks()[0].ID, "no", "window"); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got.Results[0].Answers[0] != "allowed: no" || got.Results[0].Error != "" {
		t.Errorf("%+v", got)
	}
	w.fake.mu.Lock()
	defer w.fake.mu.Unlock()
	if w.fake.sends != 0 || len(w.fake.edits) != 0 {
		t.Errorf("%d sends, %d edits", w.fake.sends, len(w.fake.edits))
	}
}

// talking asks for permission and tells what was decided.
type talking struct{}

func (talking) Name() string { return "talking" }
func (talking) Acts() bool   { return true }
func (talking) Respond(context.Context, Delivery) ([]platforms.Message, error) {
	return nil, errors.New("Begin is called instead")
}

func (talking) Begin(ctx context.Context, _ Delivery, t Turn) {
	go func() {
		t.Update("thinking")
		id, err := t.Ask(ctx, Permission{Title: "May it?", Choices: []Choice{{ID: "yes", Label: "Allow", Grants: true}, {ID: "no", Label: "Refuse"}}})
		t.Done([]platforms.Message{{Text: "allowed: " + id}}, err)
	}()
}
