package app

import (
	"strings"
	"testing"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
)

// TestStoppedWhileAnAccountIsRemoved: the next account of the same id is another
// one, to which nothing of the former leads.
func TestStoppedWhileAnAccountIsRemoved(t *testing.T) {
	w, _ := relayWorld(t)
	w.start()
	w.add()
	s := webhookrelaytest.New()
	defer s.Close()
	addRelay(t, w, hosted(s, api.RelayChannel{Channel: "main", Account: "fake", Public: "https://x.hooks.example.com"}))
	w.serveHooks()
	w.hook(api.HookDraft{})
	if _, err := w.app.AddClient(t.Context(), api.ClientDraft{Name: "one", Scopes: []clients.Scope{{Do: clients.Hooks, Account: "fake"}, {Do: clients.Status}}}); err != nil {
		t.Fatal(err)
	}
	if err := w.app.store.DeleteAccount(t.Context(), "fake"); err != nil { // as far as it came
		t.Fatal(err)
	}
	w.stop()
	w.start()
	w.add()
	if list := w.app.Hooks().Hooks; len(list) != 0 {
		t.Errorf("hooks: %+v", list)
	}
	if c := w.relay().Channels; len(c) != 1 || c[0].Account != "" || !strings.Contains(c[0].Problem, "removed") {
		t.Errorf("channels: %+v", c)
	}
	if c := w.app.Clients(); len(c) != 1 || c[0].May(clients.Hooks, "fake", "1") || !c[0].Anywhere(clients.Status) {
		t.Errorf("clients: %+v", c)
	}
}

// TestStoppedWhileItsRulesWere: whoever was an owner of the former is nobody.
func TestStoppedWhileItsRulesWere(t *testing.T) {
	w, _, _ := peopled(t)
	w.allow(api.RuleDraft{User: "u1", Role: access.Owner})
	if err := w.app.store.DeleteAccount(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.start()
	w.add()
	if p := w.app.people.get(); len(p.Rules) != 0 {
		t.Errorf("rules: %+v", p.Rules)
	}
}

// TestUnknownPlatformIsNotGone: this version may only not know it.
func TestUnknownPlatformIsNotGone(t *testing.T) {
	w := hookWorld(t)
	w.hook(api.HookDraft{})
	w.stop()
	known := w.change
	w.change = func(p *platforms.Platform) { known(p); p.Name = "other" }
	w.start()
	if list := w.app.Hooks().Hooks; len(list) != 1 || list[0].Problem == "" {
		t.Errorf("hooks: %+v", list)
	}
}
