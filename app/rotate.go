package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// maxOverlap is the longest that a replaced secret may still count.
const maxOverlap = 30 * 24 * time.Hour

// formerName is where the vault keeps a replaced secret that still counts. No
// field's key has an @ in it.
func formerName(id platforms.AccountID, field string) string { return secretName(id, field+"@former") }

// former is the account's replaced secrets that still count.
func (a *App) former(ctx context.Context, rec store.Account) (map[string]platforms.Former, error) {
	out := map[string]platforms.Former{}
	for field, until := range rec.Former {
		if !a.now().Before(until) {
			continue
		}
		s, err := a.vault.Get(ctx, formerName(rec.ID, field))
		if errors.Is(err, vault.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the former %s of %q: %w", field, rec.Name, err)
		}
		out[field] = platforms.Former{Secret: s, Until: until}
	}
	return out, nil
}

// rotate keeps the secrets that v replaces for a while, where their fields
// allow that, and forgets others that it replaces. before is what there was.
func (a *App) rotate(ctx context.Context, p platforms.Platform, rec *store.Account, v fieldValues, before map[string]platforms.Secret, overlap time.Duration) (told []string, err error) {
	former := maps.Clone(rec.Former)
	if former == nil {
		former = map[string]time.Time{}
	}
	for _, f := range p.Fields {
		old, had := before[f.Key]
		if !f.Rotates || !had || v.secrets[f.Key].Reveal() == old.Reveal() {
			continue
		}
		if overlap <= 0 || v.secrets[f.Key].IsZero() {
			if err := a.vault.Delete(ctx, formerName(rec.ID, f.Key)); err != nil {
				return nil, err
			}
			delete(former, f.Key)
			told = append(told, f.Label+" was replaced. The former one counts no longer.")
			continue
		}
		if err := a.vault.Set(ctx, formerName(rec.ID, f.Key), old); err != nil {
			return nil, err
		}
		former[f.Key] = a.now().Add(overlap).UTC()
		told = append(told, fmt.Sprintf("%s was replaced. The former one counts until %s.", f.Label, former[f.Key].Format("2006-01-02 15:04 MST")))
	}
	if rec.Former = former; len(former) == 0 {
		rec.Former = nil
	}
	return told, nil
}

// forgetFormer removes replaced secrets whose time is over.
func (a *App) forgetFormer(ctx context.Context) {
	for _, c := range a.list() {
		c.mu.Lock()
		former := maps.Clone(c.rec.Former)
		c.mu.Unlock()
		for field, until := range former {
			if a.now().Before(until) {
				continue
			}
			err := a.vault.Delete(ctx, formerName(c.id, field))
			if err == nil {
				err = c.update(ctx, func(r *store.Account) {
					r.Former = maps.Clone(r.Former)
					delete(r.Former, field)
				})
			}
			if err != nil {
				a.log.Warn("a replaced secret whose time is over is still in the vault", "account", string(c.id), "field", field, "err", err)
				continue
			}
			a.audit(ctx, "rotated", "postern", c.id, "The former "+field+" counts no longer: its time is over.")
		}
	}
}

// checkOverlap refuses an overlap that is out of range.
func checkOverlap(d time.Duration) error {
	if d < 0 || d > maxOverlap {
		return &api.Error{Kind: platforms.Rejected, Text: "A replaced secret may count for 30 days at most. Choose a shorter time."}
	}
	return nil
}

// Make makes a value for a field of a platform, or of a kind of responder.
func (a *App) Make(_ context.Context, platform, field string) (api.Made, error) {
	p, ok := a.platform(platform)
	if i := slices.IndexFunc(a.o.Kinds, func(k Kind) bool { return k.Name == platform }); !ok && i >= 0 {
		p, ok = platforms.Platform{Title: a.o.Kinds[i].Title, Fields: a.o.Kinds[i].Fields}, true
	}
	if !ok {
		return api.Made{}, a.unknownPlatform(platform)
	}
	for _, f := range p.Fields {
		if f.Key == field && f.Make != nil {
			return api.Made{Value: f.Make()}, nil
		}
	}
	return api.Made{}, &api.Error{Kind: platforms.Unsupported, Text: "Postern can't make a value for this field: " + p.Title + " gives it to you."}
}
