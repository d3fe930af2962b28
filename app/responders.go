package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// AddResponder sets one up.
func (a *App) AddResponder(ctx context.Context, d api.ResponderDraft) (api.Responder, error) {
	an := &a.answering
	an.changing.Lock()
	defer an.changing.Unlock()
	an.mu.RLock()
	n := len(an.set)
	taken := map[string]bool{}
	for _, s := range an.set {
		taken[s.ID] = true
	}
	for _, r := range an.builtin {
		taken[r.Name()] = true
	}
	for _, r := range an.routes { // what was for a removed one is not for another
		for _, id := range r.To {
			taken[id] = true
		}
	}
	for id := range an.stats {
		taken[id] = true
	}
	an.mu.RUnlock()
	if n >= mostResponders {
		return api.Responder{}, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There are %d responders already, which is the most. Remove one first.", mostResponders)}
	}
	s := &setup{Kind: d.Kind}
	for i := 1; s.ID == "" || taken[s.ID]; i++ {
		s.ID = fmt.Sprintf("%s-%d", d.Kind, i)
	}
	return a.saveResponder(ctx, s, nil, d)
}

// ChangeResponder changes one.
func (a *App) ChangeResponder(ctx context.Context, id string, d api.ResponderDraft) (api.Responder, error) {
	an := &a.answering
	an.changing.Lock()
	defer an.changing.Unlock()
	old, err := a.setupOf(id)
	if err != nil {
		return api.Responder{}, err
	}
	s := *old
	return a.saveResponder(ctx, &s, old, d)
}

func (a *App) setupOf(id string) (*setup, error) {
	a.answering.mu.RLock()
	defer a.answering.mu.RUnlock()
	for _, s := range a.answering.set {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There is no responder %q that could be changed. The list of responders shows the names.", cut(id, 60))}
}

// saveResponder checks a draft and keeps it, in the place of old if there is one.
func (a *App) saveResponder(ctx context.Context, s, old *setup, d api.ResponderDraft) (api.Responder, error) {
	i := slices.IndexFunc(a.o.Kinds, func(k Kind) bool { return k.Name == s.Kind })
	if i < 0 {
		return api.Responder{}, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There is no kind of responder called %q.", cut(s.Kind, 60))}
	}
	k := a.o.Kinds[i]
	rec := store.Account{ID: s.vaultID(), Name: s.Label, Settings: s.Settings, Secrets: s.Secrets}
	v, err := a.values(ctx, platforms.Platform{Title: k.Title, Fields: k.Fields}, rec, api.AccountDraft{Values: d.Values})
	if err != nil {
		return api.Responder{}, err
	}
	if label := strings.TrimSpace(d.Label); label != "" {
		s.Label = cut(label, 64)
	}
	if s.Label == "" {
		s.Label = k.Title
	}
	s.Settings, s.Off = v.settings, d.Off
	built, err := k.New(ResponderConfig{ID: s.ID, Label: s.Label, Settings: maps.Clone(v.settings), Secrets: v.secrets,
		Memory: memory{a, s.ID}, Outbox: posting{a, s.ID}, Log: a.log.With("responder", s.ID), Now: a.now})
	if c, ok := built.(Checker); ok && err == nil {
		if err = c.Check(); err != nil {
			closeResponder(built)
		}
	}
	if err != nil {
		var wire *api.Error
		if errors.As(err, &wire) {
			return api.Responder{}, wire
		}
		return api.Responder{}, &api.Error{Kind: platforms.Rejected, Text: text.Sentence(platforms.Explain(err))}
	}
	s.built, s.wrong, s.hints, s.Secrets = built, "", map[string]string{}, slices.Sorted(maps.Keys(v.secrets))
	for name, secret := range v.secrets {
		s.hints[name] = secret.Hint()
	}
	before, err := a.keptSecrets(ctx, rec)
	var undo func()
	if err == nil {
		undo, err = a.keepSecrets(ctx, rec.ID, v, before)
	}
	if err == nil {
		if err = a.putResponders(ctx, s, old); err != nil {
			undo()
		}
	}
	if err != nil {
		closeResponder(built)
		return api.Responder{}, wireError(err)
	}
	for _, name := range v.cleared {
		if err := a.vault.Delete(context.WithoutCancel(ctx), secretName(s.vaultID(), name)); err != nil {
			a.log.Warn("a secret of a responder could not be removed", "responder", s.ID, "err", err)
		}
	}
	what := "was added"
	if old != nil {
		what = "was changed"
		a.turns.cancel(errChangedResponder, func(t *turn) bool { return t.id == s.ID })
		a.letGo(old.built)
	}
	a.audit(ctx, string(api.Changed), "", "", fmt.Sprintf("The responder %q (%s) %s.", s.Label, k.Title, what))
	a.retryAll(s.ID)
	a.changed()
	a.answering.mu.RLock()
	defer a.answering.mu.RUnlock()
	return a.describe(a.viewOf(s)), nil
}

var errChangedResponder = errors.New("the responder was changed meanwhile")

// putResponders saves the list with s, in the place of old; s may be nil.
func (a *App) putResponders(ctx context.Context, s, old *setup) error {
	an := &a.answering
	an.mu.RLock()
	next := slices.Clone(an.set)
	an.mu.RUnlock()
	i := slices.Index(next, old)
	switch {
	case old == nil:
		next = append(next, s)
	case s == nil:
		next = slices.Delete(next, i, i+1)
	default:
		next[i] = s
	}
	if err := a.keep(ctx, settingResponders, next); err != nil {
		return err
	}
	an.mu.Lock()
	an.set = next
	an.mu.Unlock()
	a.keepSafe()
	return nil
}

// retryAll has what waits for a responder tried again now.
func (a *App) retryAll(id string) {
	for _, l := range append(a.waits.lanes(id), a.turns.lanes()...) {
		a.waiting.signal(l)
	}
}

// RemoveResponder takes one away, with its secrets and its memory.
func (a *App) RemoveResponder(ctx context.Context, id string) error {
	a.answering.changing.Lock()
	defer a.answering.changing.Unlock()
	s, err := a.setupOf(id)
	if err != nil {
		return err
	}
	if err := a.putResponders(ctx, nil, s); err != nil {
		return wireError(err)
	}
	ctx = context.WithoutCancel(ctx)
	a.turns.cancel(errors.New("the responder was removed"), func(t *turn) bool { return t.id == id })
	a.letGo(s.built)
	var failed error
	for _, name := range s.Secrets {
		failed = errors.Join(failed, a.vault.Delete(ctx, secretName(s.vaultID(), name)))
	}
	failed = errors.Join(failed, memory{a, id}.forget(ctx))
	a.leases.drop(func(l api.Lease) bool { return l.Holder == id })
	a.retryAll(id)
	a.audit(ctx, string(api.Changed), "", "", fmt.Sprintf("The responder %q was removed.", s.Label))
	a.changed()
	if failed != nil {
		return wireError(fmt.Errorf("the responder is removed, but something of it is kept still: %w", failed))
	}
	return nil
}
