package app

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// A responder may say less on a second try, or name a key that it used before:
// the event must end all the same.
func TestAnswerWithAUsedKeyEndsTheEvent(t *testing.T) {
	var calls atomic.Int32
	w := newWorld(t, responder{acts: true, f: func(context.Context, Delivery) ([]platforms.Message, error) {
		calls.Add(1)
		return []platforms.Message{{Key: "always", Text: "hello"}}, nil
	}})
	a := w.start()
	w.add()
	w.fake.say("1", "a", a.now())
	w.until("the first ends", func() bool { l := w.timeline("1"); return len(l) > 0 && l[0].Status == api.EntryStatus("delivered") })
	w.fake.say("1", "b", a.now())
	w.until("the second ends or is asked again", func() bool {
		for _, e := range w.timeline("1") {
			if e.Text == "b" && e.Status == "delivered" {
				return true
			}
		}
		return calls.Load() > 20
	})
	if n := calls.Load(); n > 2 {
		t.Errorf("the responder was asked %d times for two events", n)
	}
}

// An answer that can never be queued ends its event, and those behind it go on.
func TestAnswerThatCanNotBeQueued(t *testing.T) {
	for name, big := range map[string][]platforms.Message{
		"the only one": {{Text: strings.Repeat("x", 2<<20)}},
		"the first":    {{Text: strings.Repeat("x", 2<<20)}, {Text: "small"}},
		"the last":     {{Text: "small"}, {Text: strings.Repeat("x", 2<<20)}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, responder{acts: true, f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
				if d.Event.Text == "big" {
					return big, nil
				}
				return []platforms.Message{{Text: "ok"}}, nil
			}})
			a := w.start()
			w.add()
			w.fake.say("1", "big", a.now())
			w.fake.say("1", "next", a.now())
			w.until("the next is delivered", func() bool {
				for _, e := range w.timeline("1") {
					if e.Text == "next" && e.Status == "delivered" {
						return true
					}
				}
				return false
			})
			w.until("the first has failed, with a reason", func() bool { // it is written down aside
				e := w.timeline("1")[0]
				return e.Status == "failed" && e.Why != ""
			})
		})
	}
}

func TestResumeOneWhileAllIsPaused(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	acc := w.add()
	w.until("connected", func() bool { return w.account().Status == api.Connected })
	if err := a.Pause(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	w.until("paused", func() bool { return w.account().Status == api.Paused })
	if err := a.Resume(t.Context(), acc.ID); err != nil {
		t.Fatal(err)
	}
	w.until("connected again", func() bool { return w.account().Status == api.Connected })
}

// A secret that is gone from the keyring can be entered again.
func TestSecretThatIsGone(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	acc := w.add()
	if err := w.vault.Delete(t.Context(), secretName(acc.ID, "token")); err != nil {
		t.Fatal(err)
	}
	_, err := a.ChangeAccount(t.Context(), acc.ID, api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-secret-value-2"}})
	if err != nil {
		t.Errorf("%v", err)
	}
}

// What still ran when an account was removed does not write it back.
func TestRemovedStaysRemoved(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	id := w.add().ID
	acc, err := a.account(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveAccount(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	_ = acc.know(t.Context(), platforms.Identity{ID: "late"}) // a check that was under way
	if list, err := a.store.Accounts(); err != nil || len(list) != 0 {
		t.Errorf("%v %+v", err, list)
	}
}

// An account that is added while the program begins gets one supervisor.
func TestOneSupervisor(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	acc, err := a.account(w.add().ID)
	if err != nil {
		t.Fatal(err)
	}
	a.mu.Lock()
	first := acc.done
	a.mu.Unlock()
	a.supervise(acc)
	a.mu.Lock()
	defer a.mu.Unlock()
	if acc.done != first {
		t.Error("a second supervisor was started")
	}
}

// A connector that was being built of old values is not kept after a change.
func TestConnectorOfOldValues(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	acc, err := a.account(w.add().ID)
	if err != nil {
		t.Fatal(err)
	}
	w.until("connected", func() bool { return w.account().Status == api.Connected })
	if err := a.Pause(t.Context(), acc.id); err != nil {
		t.Fatal(err)
	}
	w.until("paused", func() bool { return w.account().Status == api.Paused })
	acc.drop()
	usual := acc.platform.New
	acc.platform.New = func(c platforms.Config) (platforms.Connector, error) {
		acc.drop() // as a change does
		return usual(c)
	}
	if _, err := acc.connector(t.Context()); err == nil {
		t.Error("a connector of old values was handed out")
	}
	acc.mu.Lock()
	defer acc.mu.Unlock()
	if acc.conn != nil {
		t.Error("and kept")
	}
}

type panickyProber struct{}

func (panickyProber) Probe(context.Context, platforms.Cursor) (platforms.Backlog, error) {
	panic("fault")
}

func TestPanicInAProbe(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	acc, err := a.account(w.add().ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := acc.ask(t.Context(), panickyProber{}); err == nil {
		t.Error("a fault went unnoticed")
	}
}
