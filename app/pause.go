package app

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// Pause disconnects one account, or all.
func (a *App) Pause(ctx context.Context, id platforms.AccountID) error {
	return a.setPaused(ctx, id, true)
}

// Resume connects one account again, or all. Resuming one account while
// everything is paused resumes that, too: the person asked for it to run.
func (a *App) Resume(ctx context.Context, id platforms.AccountID) error {
	return a.setPaused(ctx, id, false)
}

func (a *App) setPaused(ctx context.Context, id platforms.AccountID, on bool) error {
	what, of := api.Resumed, a.list()
	if on {
		what = api.Stopped
	}
	if id != "" {
		if _, err := a.account(id); err != nil {
			return err
		}
	}
	everything := id == "" || (!on && a.allPaused())
	if everything {
		if err := a.store.PutSetting(ctx, settingPaused, on); err != nil {
			return wireError(err)
		}
		a.mu.Lock()
		a.paused = on
		a.mu.Unlock()
	}
	if id != "" {
		acc, err := a.account(id)
		if err != nil {
			return err
		}
		if err := acc.update(ctx, func(r *store.Account) { r.Paused = on }); err != nil {
			return wireError(err)
		}
		if !everything {
			of = []*account{acc}
		}
	}
	a.record(ctx, store.Activity{What: string(what), Account: id, Why: "asked for"})
	for _, acc := range of {
		if !on {
			acc.unpark()
		}
		acc.end(errPaused)
	}
	a.relays.reconsider()
	if everything {
		for _, r := range a.relays.all() {
			r.end(errPaused)
		}
	}
	if everything {
		id = ""
	}
	if !on {
		if err := a.resumeSends(id); err != nil {
			return wireError(err)
		}
	}
	a.changed()
	return nil
}

func (a *App) allPaused() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.paused
}
