package app

import (
	"context"
	"fmt"
	"slices"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// refuseTwice refuses a credential that another account already uses: two
// connections of one bot would steal each other's messages. What only proves
// that a request is genuine may be shared: some senders have one secret for all.
func (a *App) refuseTwice(ctx context.Context, p platforms.Platform, self platforms.AccountID, v fieldValues) error {
	for _, other := range a.list() {
		if other.id == self || other.platform.Name != p.Name {
			continue
		}
		other.mu.Lock()
		rec := other.rec
		other.mu.Unlock()
		theirs, err := a.secrets(ctx, rec)
		if err != nil {
			continue // it can't be compared now; the platform will say so later
		}
		for _, f := range v.typed {
			if !verifies(p, f) && theirs[f].Reveal() == v.secrets[f].Reveal() {
				return &api.Error{Kind: platforms.Conflict, Text: fmt.Sprintf("This bot is already here, as %q. One bot can be connected once.", rec.Name)}
			}
		}
	}
	return nil
}

// verifies reports whether a field's secret serves to verify requests only.
func verifies(p platforms.Platform, key string) bool {
	return slices.ContainsFunc(p.Fields, func(f platforms.Field) bool { return f.Key == key && f.Rotates })
}
