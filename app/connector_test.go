package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// reachable makes the fake a platform that reaches us, and notes the Configs
// that its connectors get.
func (w *world) reachable(in platforms.Inbound) (configs func() []platforms.Config) {
	var mu sync.Mutex
	var got []platforms.Config
	w.change = func(p *platforms.Platform) {
		p.Inbound = in
		good := p.New
		p.New = func(c platforms.Config) (platforms.Connector, error) {
			mu.Lock()
			got = append(got, c)
			mu.Unlock()
			return good(c)
		}
	}
	return func() []platforms.Config {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

func TestAClosedDoorStopsWhatComesInOnly(t *testing.T) {
	w := newWorld(t)
	configs := w.reachable(platforms.Webhook)
	w.start()
	w.add()
	w.until("it is connected", func() bool { return w.account().Status == api.Connected })
	w.stop()
	refuse := func(c platforms.Config) error {
		_, _, err := c.Ingress.Serve(platforms.Route{Path: "/in", Handler: http.NotFoundHandler(), Verify: func(*http.Request, []byte, time.Time) error { return nil }})
		return err
	}
	if err := refuse(configs()[0]); platforms.KindOf(err) != platforms.NotAcknowledged {
		t.Fatalf("Serve: %v", err)
	}
	w.fake.run = func(_ context.Context, _ platforms.Sink) error { return refuse(configs()[0]) }
	w.start()
	w.until("it is refused", func() bool { return w.account().Status == api.Blocked })
	w.send("c", "out")
	w.until("it is sent", func() bool { return len(w.fake.texts()) == 1 })
}

func TestTheAccountsOwnKey(t *testing.T) {
	w := newWorld(t)
	configs := w.reachable(platforms.Callback)
	w.start()
	w.add()
	w.until("it is connected", func() bool { return w.account().Status == api.Connected })
	first := configs()[len(configs())-1]
	if len(first.Key.Reveal()) < 32 {
		t.Fatal("there is no key")
	}
	if first.Ingress != nil {
		t.Error("a platform that works without an ingress got a closed one")
	}
	w.stop()
	w.start()
	w.until("it is connected", func() bool { return w.account().Status == api.Connected })
	if again := configs()[len(configs())-1]; again.Key.Reveal() != first.Key.Reveal() {
		t.Error("it is another key after a restart")
	}
	if err := w.app.RemoveAccount(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.vault.Get(t.Context(), secretName("fake", ownKey)); err == nil {
		t.Error("the key of a removed account is kept")
	}
	w.add()
	w.until("it is connected", func() bool { return w.account().Status == api.Connected })
	if other := configs()[len(configs())-1]; other.Key.Reveal() == first.Key.Reveal() {
		t.Error("a new account has the old one's key")
	}
}

func TestALateRefusalOfAnOldCredential(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.add()
	begun, let := make(chan struct{}), make(chan struct{})
	var once sync.Once
	w.fake.mu.Lock()
	w.fake.send = func(platforms.Message) error {
		var err error
		once.Do(func() {
			close(begun)
			<-let
			err = &platforms.Error{Kind: platforms.Unauthorized, Text: "Refused."}
		})
		return err
	}
	w.fake.mu.Unlock()
	w.send("c", "out")
	<-begun
	if _, err := w.app.ChangeAccount(t.Context(), "fake", api.AccountDraft{Values: map[string]string{"token": "tok-secret-value-2"}}); err != nil {
		t.Fatal(err)
	}
	close(let)
	w.until("the answer to the old token is dealt with", func() bool {
		return len(w.fake.texts()) == 1 || w.account().Status == api.BadCredentials
	})
	if s := w.account().Status; s == api.BadCredentials {
		t.Error("the new credential is blamed")
	}
}

// TestAnAccountsReach: where settings decide how events reach an account, they
// decide what it gets and what it is shown as, also while they are being typed.
func TestAnAccountsReach(t *testing.T) {
	w := newWorld(t)
	configs := w.reachable(platforms.Dials)
	reachable := w.change
	w.change = func(p *platforms.Platform) {
		reachable(p)
		p.Fields = append(p.Fields, platforms.Field{Key: "mode", Label: "Mode", Options: []platforms.Option{{Value: "dial"}, {Value: "listen"}}})
		p.InboundOf = func(settings map[string]string) platforms.Inbound {
			if settings["mode"] == "listen" {
				return platforms.Webhook
			}
			return platforms.Dials
		}
	}
	w.start()
	w.add()
	w.until("it is connected", func() bool { return w.account().Status == api.Connected })
	if c := configs()[0]; c.Ingress != nil || !c.Key.IsZero() || w.account().Exposure != exposure.Outbound {
		t.Errorf("it dials out, and has %v, and is %s", c.Ingress, w.account().Exposure)
	}
	listens := map[string]string{"mode": "listen"}
	for _, d := range []api.AccountDraft{
		{Platform: "fake", Values: listens}, // the token is missing
		{Platform: "fake", Values: map[string]string{"mode": "listen", "token": "tok-secret-value-2"}},
	} {
		if got, err := w.app.CheckDraft(t.Context(), "", d); err != nil || got.Exposure != exposure.Refused {
			t.Errorf("a draft that listens: %v, %s", err, got.Exposure)
		}
	}
	if got, err := w.app.CheckDraft(t.Context(), "fake", api.AccountDraft{Platform: "fake"}); err != nil || got.Exposure != exposure.Outbound {
		t.Errorf("a draft of the account as it is: %v, %s", err, got.Exposure)
	}
	n := len(configs())
	if _, err := w.app.ChangeAccount(t.Context(), "fake", api.AccountDraft{Values: listens}); err != nil {
		t.Fatal(err)
	}
	w.until("it is built anew", func() bool { return len(configs()) > n })
	if c := configs()[n]; c.Ingress == nil || c.Key.IsZero() || w.account().Exposure != exposure.Refused {
		t.Errorf("it listens, and has %v, and is %s", c.Ingress, w.account().Exposure)
	}
	if got, err := w.app.CheckAccount(t.Context(), "fake"); err != nil || got.Exposure != exposure.Refused {
		t.Errorf("its check: %v, %s", err, got.Exposure)
	}
}

// TestWhatComesIsLookedAtAgain: a problem that a check found is asked about once
// more when something has come.
func TestWhatComesIsLookedAtAgain(t *testing.T) {
	w := newWorld(t)
	var checks atomic.Int32
	w.change = func(p *platforms.Platform) {
		p.New = func(c platforms.Config) (platforms.Connector, error) {
			return &troubled{fakeConnector{w.fake, c}, &checks}, nil
		}
	}
	w.start()
	w.add()
	w.until("a problem is shown", func() bool { return len(w.account().Problems) == 1 })
	w.fake.say("c", "hello", time.Now())
	w.until("it is gone", func() bool { return len(w.account().Problems) == 0 })
	w.fake.say("c", "again", time.Now())
	w.until("both are there", func() bool { return len(w.timeline("c")) == 2 })
	if n := checks.Load(); n != 2 {
		t.Errorf("checked %d times", n)
	}
}

// troubled has a problem until its second check.
type troubled struct {
	fakeConnector
	checks *atomic.Int32
}

func (c *troubled) Check(context.Context) (platforms.Identity, error) {
	id := platforms.Identity{ID: "bot", Name: "Bot"}
	if c.checks.Add(1) == 1 {
		id.Problems = []platforms.Problem{{Code: "deaf", Text: "Nothing has come yet."}}
	}
	return id, nil
}

// TestOneKey: whoever asks first makes it, and all get that one.
func TestOneKey(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	p := platforms.Platform{Inbound: platforms.Webhook}
	for n := range 300 {
		var wg sync.WaitGroup
		keys := make([]string, 64)
		begin := make(chan struct{})
		for i := range keys {
			wg.Go(func() {
				<-begin
				k, err := a.ownKey(t.Context(), p, store.Account{ID: platforms.AccountID(fmt.Sprint("new-", n))})
				if err != nil {
					t.Error(err)
				}
				keys[i] = k.Reveal()
			})
		}
		close(begin)
		wg.Wait()
		if len(slices.Compact(keys)) != 1 {
			t.Fatal("there are several keys")
		}
	}
}
