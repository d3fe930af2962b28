package app

import (
	"context"
	"time"
)

// upkeep keeps the journal within its bounds and copies it now and then. The
// first round waits: a start has better things to do.
func (a *App) upkeep(ctx context.Context) {
	timer := time.NewTimer(5 * time.Minute)
	defer timer.Stop()
	var copied time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		a.tidy(ctx)
		if now := a.now(); now.Sub(copied) > 12*time.Hour {
			if _, err := a.store.Snapshot(ctx); err != nil {
				a.log.Error("the journal could not be copied", "err", err)
			} else {
				copied = now
			}
		}
		timer.Reset(time.Hour)
	}
}

// tidy removes what is older or more than the person wants to keep.
func (a *App) tidy(ctx context.Context) {
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
