package controltest

import (
	"context"
	"slices"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
)

// Activity is a page of it.
func (b *Backend) Activity(ctx context.Context, q control.ActivityQuery) ([]api.Activity, error) {
	if err := b.call(ctx, "Activity", q.Before, q.Limit, q.Account, q.What, q.Text); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []api.Activity
	for _, a := range slices.Backward(b.activity) {
		if (q.Before == 0 || a.Seq < q.Before) && (q.Limit == 0 || len(out) < q.Limit) &&
			(q.Account == "" || a.Account == q.Account) && (len(q.What) == 0 || slices.Contains(q.What, a.What)) {
			out = append(out, a)
		}
	}
	return out, nil
}

// Settings are those that were set last.
func (b *Backend) Settings() api.Settings {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settings
}

// SetSettings sets them.
func (b *Backend) SetSettings(ctx context.Context, s api.Settings) error {
	if err := b.call(ctx, "SetSettings"); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settings = s
	return nil
}

// DismissNotice does nothing.
func (b *Backend) DismissNotice(ctx context.Context, id string) error {
	return b.call(ctx, "DismissNotice", id)
}

// Quit calls Quitted.
func (b *Backend) Quit() {
	_ = b.call(context.Background(), "Quit")
	if b.Quitted != nil {
		b.Quitted()
	}
}
