package control_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/controltest"
)

// TestClientManagesHooks: a client sees and manages the hooks of the
// conversations that it has the scope for, and no others.
func TestClientManagesHooks(t *testing.T) {
	b := town()
	b.SetComing(controltest.Coming{Hooks: api.Hooks{Bind: "127.0.0.1:47820", Hooks: []api.Hook{
		{ID: "h1", Account: "pigeon", Conversation: "c1", Name: "mine"},
		{ID: "h2", Account: "pigeon", Conversation: "c2", Name: "private-2"},
		{ID: "h3", Account: "owl", Conversation: "c1", Name: "private-3"},
	}}, Made: api.HookMade{URL: "http://127.0.0.1:47820/api/webhooks/execute/T"}})
	dir, _ := start(t, b, control.Options{})
	person, ctx := dial(t, dir), t.Context()
	c := as(t, dir, withToken(name(t, person, "ci", "hooks:pigeon/c1").Token))
	all, err := c.Hooks(ctx)
	if err != nil || len(all.Hooks) != 1 || all.Hooks[0].ID != "h1" || all.Bind == "" {
		t.Fatalf("%v %+v", err, all)
	}
	if made, err := c.AddHook(ctx, api.HookDraft{Account: "pigeon", Conversation: "c1", Name: "x"}); err != nil || made.URL == "" {
		t.Errorf("%v %+v", err, made)
	}
	on := true
	if _, err := c.ChangeHook(ctx, "h1", api.HookChange{On: &on}); err != nil {
		t.Error(err)
	}
	if _, err := c.RotateHook(ctx, "h1", api.HookRotation{}); err != nil {
		t.Error(err)
	}
	if _, err := c.TryHook(ctx, api.HookTry{Body: "{}"}); err != nil {
		t.Error(err)
	}
	if err := c.RemoveHook(ctx, "h1"); err != nil {
		t.Error(err)
	}
	did := b.Calls()
	for _, id := range []string{"h2", "h3", "h9", "", "../clients"} {
		_, changed := c.ChangeHook(ctx, id, api.HookChange{On: &on})
		_, rotated := c.RotateHook(ctx, id, api.HookRotation{})
		for what, err := range map[string]error{"change": changed, "rotate": rotated, "remove": c.RemoveHook(ctx, id)} {
			if err == nil || strings.Contains(err.Error(), "private") {
				t.Errorf("%s %q: %v", what, id, err)
			}
		}
	}
	for _, d := range []api.HookDraft{{Account: "pigeon", Conversation: "c2"}, {Account: "owl", Conversation: "c1"}, {Account: "pigeon"}, {}} {
		if _, err := c.AddHook(ctx, d); err == nil || !strings.Contains(err.Error(), string(clients.Hooks)) {
			t.Errorf("%+v: %v", d, err)
		}
	}
	if _, err := c.SetHookListener(ctx, api.HookListener{Bind: "127.0.0.1:1"}); err == nil {
		t.Error("it moved the listener")
	}
	for i, scope := range []string{"send:pigeon/c1", "read", "status"} {
		other := as(t, dir, withToken(name(t, person, "other-"+string(rune('a'+i)), scope).Token))
		if _, err := other.Hooks(ctx); err == nil || !strings.Contains(err.Error(), "hooks") {
			t.Errorf("%s lists hooks: %v", scope, err)
		}
		if _, err := other.AddHook(ctx, api.HookDraft{Account: "pigeon", Conversation: "c1", Name: "x"}); err == nil {
			t.Errorf("%s makes hooks", scope)
		}
	}
	if got := slices.DeleteFunc(b.Calls(), func(s string) bool { return strings.HasPrefix(s, "AddClient") }); !slices.Equal(got, slices.DeleteFunc(did, func(s string) bool { return strings.HasPrefix(s, "AddClient") })) {
		t.Errorf("%q, where only %q may be done", got, did)
	}
	// An account's scope is for all its conversations.
	wide := as(t, dir, withToken(name(t, person, "wide", "hooks:pigeon").Token))
	if all, err := wide.Hooks(ctx); err != nil || len(all.Hooks) != 2 {
		t.Errorf("%v %+v", err, all)
	}
}
