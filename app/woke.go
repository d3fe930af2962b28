package app

import (
	"context"

	"github.com/postern/postern/app/internal/wake"
)

// watchWake has every account look at its connection again after sleep and
// network changes.
func (a *App) watchWake(ctx context.Context) {
	for n := range wake.Watch(ctx, a.log) {
		a.log.Info("reconnecting", "why", n.Reason)
		a.mu.Lock()
		a.woke, a.wokeWhy = a.now(), n.Reason
		a.mu.Unlock()
		for _, acc := range a.list() {
			acc.reconnect(n.Reason)
		}
		for _, r := range a.relays.all() {
			r.reconnect(n.Reason)
		}
	}
}
