package app

import (
	"context"
	"time"
)

const (
	// tidyEvery is how often the journal is brought within its bounds. The
	// first round waits: a start has better things to do.
	tidyFirst = 5 * time.Minute
	tidyEvery = time.Hour
	// copyEvery is how old the newest copy of the journal may become, and
	// copySoon how long a change of the accounts may stay without one.
	copyEvery = 12 * time.Hour
	copySoon  = 10 * time.Second
)

// upkeep keeps the journal within its bounds and copies it now and then.
func (a *App) upkeep(ctx context.Context) {
	tidy := time.NewTimer(tidyFirst)
	defer tidy.Stop()
	soon := time.NewTimer(copyEvery)
	defer soon.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.precious:
			soon.Reset(copySoon)
		case <-soon.C:
			a.copyJournal(ctx)
			soon.Reset(copyEvery)
		case <-tidy.C:
			a.tidy(ctx)
			tidy.Reset(tidyEvery)
		}
	}
}

// keepSafe asks for a copy of the journal soon: something changed in it that
// nobody would deliver again.
func (a *App) keepSafe() {
	select {
	case a.precious <- struct{}{}:
	default:
	}
}

func (a *App) copyJournal(ctx context.Context) {
	if _, err := a.store.Snapshot(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("the journal could not be copied", "err", err)
	}
}

// tidy removes what is older or more than the person wants to keep.
func (a *App) tidy(ctx context.Context) {
	a.forgetFormer(ctx)
	a.tidyInputs(ctx)
	s := a.Settings()
	removed, err := a.store.Prune(ctx, s.KeepFor, s.KeepBytes)
	if err != nil {
		a.log.Error("old messages could not be removed", "err", err)
		return
	}
	if removed == 0 {
		return
	}
	a.log.Info("old messages removed", "count", removed)
	a.changed()
	stats, err := a.store.Stats()
	if err != nil || stats.Free < stats.Bytes/2 || stats.Bytes < 16<<20 {
		return
	}
	if err := a.store.Compact(ctx); err != nil {
		a.log.Error("the journal could not be compacted", "err", err)
	}
}
