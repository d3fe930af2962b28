package controltest

import (
	"cmp"
	"context"
	"slices"

	"github.com/postern/postern/app/control/api"
)

// Entries is a page of all messages. Their seqs are taken to ascend.
func (b *Backend) Entries(ctx context.Context, q api.EntryQuery) (api.EntryPage, error) {
	if err := b.call(ctx, "Entries", q.After, q.Before, q.Account, q.Conversation, q.Newest, q.Limit); err != nil {
		return api.EntryPage{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	limit := cmp.Or(q.Limit, 100)
	p := api.EntryPage{From: q.After + 1, To: q.After}
	all := slices.Clone(b.entries)
	if q.Newest {
		slices.Reverse(all)
	}
	for _, e := range all {
		if e.Seq <= q.After || (q.Before > 0 && e.Seq >= q.Before) {
			continue
		}
		if len(p.Entries) == limit {
			p.More = true
			break
		}
		p.To = max(p.To, e.Seq)
		if q.Newest {
			p.From = e.Seq
		}
		if (q.Account == "" || e.Account == q.Account) && (q.Conversation == "" || e.Conversation == q.Conversation) {
			p.Entries = append(p.Entries, e)
		}
	}
	if q.Newest {
		slices.Reverse(p.Entries)
		if !p.More {
			p.From = q.After + 1
		}
	}
	return p, nil
}
