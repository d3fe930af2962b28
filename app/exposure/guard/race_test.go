package guard

import (
	"context"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// duringSet is a vault that does something else before it keeps a key.
type duringSet struct {
	Keys
	do func()
}

func (k duringSet) Set(ctx context.Context, name string, s platforms.Secret) error {
	k.do()
	return k.Keys.Set(ctx, name, s)
}

// TestThePanicButtonComesBeforeAnAnswerUnderWay: what was closed while the vault
// still thought about the key is not opened by it.
func TestThePanicButtonComesBeforeAnAnswerUnderWay(t *testing.T) {
	for name, end := range map[string]func(g *Guard) error{
		"everything": func(g *Guard) error { _, err := g.CloseAll(context.Background(), "closed by hand"); return err },
		"one":        func(g *Guard) error { return g.Revoke(context.Background(), "a", "closed by hand") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			pressed, closed := make(chan struct{}, 8), make(chan error, 1)
			w.o.Changed = func() {
				select {
				case pressed <- struct{}{}:
				default:
				}
			}
			w.o.Keys = duringSet{w.vault, func() {
				go func() { closed <- end(w.guard) }()
				<-pressed // it closes before it waits for anything
			}}
			w.restart()
			c := webhook("a", free(t))
			err := w.guard.Acknowledge(t.Context(), Consent{Account: "a", Bind: c.Bind, Paths: []string{c.Path}, Host: c.Host, By: "window", Ends: w.o.Now().Add(time.Hour)})
			must(t, <-closed)
			if err == nil {
				t.Error("the answer counts, and everything was closed after it was given")
			}
			w.refused(c)
			if _, err := w.vault.Get(t.Context(), keyName("a")); err == nil {
				t.Error("its key is still there")
			}
		})
	}
}

// TestARenewalOutlivesTheEndOfTheFormer: an acknowledgement given while the ended
// one is being removed stays, with its key.
func TestARenewalOutlivesTheEndOfTheFormer(t *testing.T) {
	w := newWorld(t)
	c := webhook("a", free(t))
	w.acknowledge(c, time.Hour)
	renew := func() {}
	c.Closed = func(string) { renew() }
	w.admit(c)
	w.advance(2 * time.Hour)
	renew = func() { w.acknowledge(c, time.Hour) }
	w.guard.expire()
	if _, ok := w.guard.Consent("a"); !ok {
		t.Error("the renewed acknowledgement is gone")
	}
	w.restart()
	if _, ok := w.guard.Consent("a"); !ok {
		t.Error("the renewed acknowledgement's key is gone")
	}
}

// TestAmendKeepsTheKeyItSeals: an acknowledgement that is given anew while an
// earlier one is amended must not be overwritten by that.
func TestAmendKeepsTheKeyItSeals(t *testing.T) {
	w := newWorld(t)
	c := webhook("line", free(t))
	w.acknowledge(c, time.Hour)
	w.guard.o.Keys = watchedKeys{w.vault, func() {
		if w.guard.keeping.TryLock() {
			w.guard.keeping.Unlock()
			t.Error("another key can be made while one is used")
		}
	}}
	must(t, w.guard.Amend(t.Context(), "line", "other rules"))
	w.guard.o.Keys = w.vault
	w.restart()
	if k, ok := w.guard.Consent("line"); !ok || k.Rules != "other rules" {
		t.Errorf("after a restart: %v %+v", ok, k)
	}
}

type watchedKeys struct {
	Keys
	got func()
}

func (k watchedKeys) Get(ctx context.Context, name string) (platforms.Secret, error) {
	k.got()
	return k.Keys.Get(ctx, name)
}
