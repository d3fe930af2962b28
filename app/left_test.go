package app

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// TestAnEndThatIsNotLost: a turn that ends while another lane has its event is
// looked at again, also behind what waits for a long time.
func TestAnEndThatIsNotLost(t *testing.T) {
	s, agent := &service{rest: time.Hour}, newPuppet("agent")
	s.set("", true)
	w := newWorld(t, s, agent)
	w.start()
	w.add()
	w.fake.say("1", "a", time.Now())
	w.turn(agent).Done(nil, nil)
	w.fake.say("1", "b", time.Now())
	b := w.turn(agent)
	l := lane{"fake", "1"}
	idle := func() bool {
		w.app.waiting.mu.Lock()
		defer w.app.waiting.mu.Unlock()
		return w.app.waiting.state[l] == 0
	}
	w.until("it can be claimed", func() bool { return idle() && w.app.claims.take(b.d.Seq) })
	b.Done([]platforms.Message{{Text: "the answer"}}, nil)
	w.until("it was looked at in vain", idle)
	w.app.claims.release(b.d.Seq)
	w.until("the answer is sent", func() bool { return len(w.fake.texts()) == 1 })
}

// made is a world with one responder of a kind that may be broken.
func made(t *testing.T) (w *world, agent *puppet, broken *atomic.Bool) {
	agent, broken = newPuppet(""), &atomic.Bool{}
	w = newWorld(t)
	w.kinds = []Kind{{Name: "puppet", Title: "Puppet", Fields: []platforms.Field{{Key: "key", Label: "Key", Secret: true}, {Key: "text", Label: "Text"}},
		New: func(c ResponderConfig) (Responder, error) {
			if broken.Load() {
				return nil, errors.New("its program is gone")
			}
			agent.name = c.ID
			return agent, nil
		}}}
	w.start()
	w.add()
	w.route(w.addPuppet(nil))
	return w, agent, broken
}

func (w *world) addPuppet(values map[string]string) string {
	w.t.Helper()
	r, err := w.app.AddResponder(w.t.Context(), api.ResponderDraft{Kind: "puppet", Values: values})
	if err != nil {
		w.t.Fatal(err)
	}
	return r.ID
}

func (w *world) route(to ...string) {
	w.t.Helper()
	if _, err := w.app.SetRoutes(w.t.Context(), []api.Route{{Name: "all", When: "true", To: to}}); err != nil {
		w.t.Fatal(err)
	}
}

// TestMendedAfterARestart: what an agent had begun is begun again when it is
// mended, though it could not be when Postern started.
func TestMendedAfterARestart(t *testing.T) {
	w, agent, broken := made(t)
	id := agent.name
	w.fake.say("1", "hello", time.Now())
	w.turn(agent)
	w.stop()
	broken.Store(true)
	w.start()
	idle := func() bool { return w.app.inbound.idle(lane{"fake", "1"}) && w.app.waiting.idle(lane{"fake", "1"}) }
	w.until("it was looked at", idle)
	broken.Store(false)
	if _, err := w.app.ChangeResponder(t.Context(), id, api.ResponderDraft{}); err != nil {
		t.Fatal(err)
	}
	b := w.turn(agent)
	if !b.d.Again || b.d.Event.Text != "hello" {
		t.Errorf("%+v", b.d)
	}
	b.Done(nil, nil)
	w.settled()
}

// TestGivenUpWhileItIsTried: giving up what a responder works on lets nothing
// overtake what waits behind it.
func TestGivenUpWhileItIsTried(t *testing.T) {
	in, out := make(chan string), make(chan struct{})
	var tries atomic.Int32
	w := newWorld(t, responder{acts: true, f: func(ctx context.Context, d Delivery) ([]platforms.Message, error) {
		if tries.Add(1) == 1 {
			return nil, &platforms.Error{Kind: platforms.Temporary, RetryAfter: 10 * time.Millisecond, Text: "Down."}
		}
		select {
		case in <- d.Event.Text:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case <-out:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}})
	w.start()
	w.add()
	waiting := func(n int) func() bool {
		return func() bool { return w.app.Responders()[0].Waiting == n }
	}
	next := func(text string) {
		t.Helper()
		select {
		case got := <-in:
			if got != text {
				t.Fatalf("%q is handed over, not %q", got, text)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%q was not handed over", text)
		}
	}
	w.fake.say("1", "a", time.Now())
	next("a")
	w.fake.say("1", "b", time.Now())
	w.until("b waits", waiting(2))
	if err := w.app.Dismiss(t.Context(), w.timeline("1")[0].Seq); err != nil {
		t.Fatal(err)
	}
	w.until("only b waits", waiting(1))
	out <- struct{}{}
	next("b")
	w.fake.say("1", "c", time.Now())
	w.until("c waits behind b", waiting(2))
	if err := w.app.resumeWaiting(); err != nil || !waiting(2)() {
		t.Errorf("counted again, %d wait: %v", w.app.Responders()[0].Waiting, err)
	}
	out <- struct{}{}
	next("c")
	out <- struct{}{}
	w.settled()
	w.until("none waits", waiting(0))
}

func TestWaits(t *testing.T) {
	var w waits
	one, two := lane{"a", "1"}, lane{"a", "2"}
	ts := []task{{ID: "x"}, {ID: "y"}, {ID: "z", Begun: true}}
	w.add(one, 5, ts)
	w.add(one, 5, ts) // as a count at the start, beside its own
	w.add(one, 6, ts[:1])
	if w.count("x") != 2 || w.count("y") != 1 || w.count("z") != 0 {
		t.Errorf("%+v", w.n)
	}
	w.moved(one, two)
	w.narrow(5, ts[1:]) // by who knows it under its former id
	if w.behind(one, "x") || !w.behind(two, "x") || w.count("x") != 1 {
		t.Errorf("%+v", w.n)
	}
	w.drop(6)
	w.narrow(6, ts)
	w.drop(6)
	if w.count("x") != 0 || w.count("y") != 1 {
		t.Errorf("%+v", w.n)
	}
	w.forget("a")
	if len(w.n) != 0 || len(w.jobs) != 0 {
		t.Errorf("%+v, %+v", w.n, w.jobs)
	}
}

// TestNothingSavedNothingKept: a responder that can't be saved leaves the vault
// as it was.
func TestNothingSavedNothingKept(t *testing.T) {
	w, agent, _ := made(t)
	name := func(id string) string { return secretName((&setup{ID: id}).vaultID(), "key") }
	long := strings.Repeat("x", 3<<20)
	if _, err := w.app.AddResponder(t.Context(), api.ResponderDraft{Kind: "puppet", Values: map[string]string{"key": "sesame-1234", "text": long}}); err == nil {
		t.Fatal("it was saved")
	}
	if s, err := w.vault.Get(t.Context(), name("puppet-2")); !errors.Is(err, vault.ErrNotFound) {
		t.Errorf("the vault has %v, %v", s, err)
	}
	id := agent.name
	if id == "puppet-2" { // the one that was not saved
		id = "puppet-1"
	}
	change := func(values map[string]string) error {
		_, err := w.app.ChangeResponder(t.Context(), id, api.ResponderDraft{Values: values})
		return err
	}
	if err := change(map[string]string{"key": "sesame-1234"}); err != nil {
		t.Fatal(err)
	}
	if err := change(map[string]string{"key": "mellon-1234", "text": long}); err == nil {
		t.Fatal("it was saved")
	}
	if s, err := w.vault.Get(t.Context(), name(id)); err != nil || s.Reveal() != "sesame-1234" {
		t.Errorf("the vault has another secret: %v", err)
	}
}

// TestNamesAreNotUsedTwice: what leads to a responder that was removed does not
// lead to the next one.
func TestNamesAreNotUsedTwice(t *testing.T) {
	w, agent, _ := made(t)
	first := agent.name
	if err := w.app.RemoveResponder(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if second := w.addPuppet(nil); second == first {
		t.Errorf("the route of the removed %s leads to a new one", first)
	}
}

// TestForgedClients: a client that another program wrote into the journal's file
// is none.
func TestForgedClients(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.add()
	book, _, token, err := clients.Book{}.Add(api.ClientDraft{Name: "evil", Scopes: []api.Scope{{Do: clients.Send, Account: "fake"}}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.app.store.PutSetting(t.Context(), settingClients, book); err != nil {
		t.Fatal(err)
	}
	w.stop()
	a := w.start()
	if c, ok := a.ClientByToken(token); ok || len(a.Clients()) != 0 {
		t.Errorf("let in %+v of %+v", c, a.Clients())
	}
	if n := a.Snapshot().Notices; len(n) != 1 || !strings.Contains(n[0].Text, "can't be trusted") {
		t.Errorf("told %+v", n)
	}
}
