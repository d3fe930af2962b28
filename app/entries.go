package app

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
)

// Entries is a page of the whole journal.
func (a *App) Entries(ctx context.Context, q api.EntryQuery) (api.EntryPage, error) {
	if q.Account != "" {
		if _, err := a.account(q.Account); err != nil {
			return api.EntryPage{}, err
		}
	}
	p, err := a.store.Entries(ctx, store.EntryQuery{After: q.After, Before: q.Before, Account: q.Account, Conversation: q.Conversation,
		Newest: q.Newest, Limit: page(q.Limit, 100)})
	return api.EntryPage{Entries: entries(p.Entries), From: p.From, To: p.To, More: p.More}, wireErrorOrNil(err)
}
