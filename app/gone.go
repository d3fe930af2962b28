package app

import (
	"context"

	"github.com/postern/postern/platforms"
)

// forgetGone ends what was for accounts that are gone, where Postern was stopped
// while one was being removed: a later account of the same id is another one, and
// neither hooks nor relays, rules or scopes of the former may lead to it. An
// account of a platform that this version does not know is not gone.
func (a *App) forgetGone(ctx context.Context) error {
	records, err := a.store.Accounts()
	if err != nil {
		return err
	}
	known := map[platforms.AccountID]bool{"": true}
	for _, r := range records {
		known[r.ID] = true
	}
	gone := map[platforms.AccountID]bool{}
	note := func(id platforms.AccountID) {
		if !known[id] {
			gone[id] = true
		}
	}
	book := a.hooking.now()
	for _, h := range book.List() {
		note(h.Account)
	}
	for _, r := range a.relays.all() {
		for _, c := range r.setup().Channels {
			note(c.Account)
		}
	}
	for id := range a.inputs.set {
		note(id)
	}
	for _, c := range a.named.now().List() {
		for _, s := range c.Scopes {
			note(s.Account)
		}
	}
	p := a.people.get()
	for _, r := range p.Rules {
		note(r.Account)
	}
	for _, g := range p.Ignored {
		note(g.Account)
	}
	for _, o := range p.Open {
		note(o.Account)
	}
	for id := range gone {
		a.log.Info("what was for a removed account is taken away", "account", string(id))
		a.dropInput(ctx, id)
		for _, forget := range []func() error{
			func() error { return a.forgetPeople(ctx, id) },
			func() error { return a.forgetScopes(ctx, id) },
			func() error { return a.forgetHooks(ctx, id) },
			func() error { return a.forgetInRelays(ctx, id, string(id)) },
		} {
			if err := forget(); err != nil {
				return err
			}
		}
	}
	return nil
}
