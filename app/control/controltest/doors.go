package controltest

import (
	"context"
	"fmt"
	"io"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Exposure is what SetView set last.
func (b *Backend) Exposure() api.View {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.view
}

// SetView sets what Exposure gives.
func (b *Backend) SetView(v api.View) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.view = v
}

// door finds one.
func (b *Backend) door(id platforms.AccountID) (api.Door, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.view.Doors {
		if d.Account == id {
			return d, nil
		}
	}
	return api.Door{}, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There is no account %q.", id)}
}

// SetListener is noted.
func (b *Backend) SetListener(ctx context.Context, id platforms.AccountID, l api.Listener, who string) (api.Door, error) {
	if err := b.call(ctx, "SetListener", id, l.Bind, l.Public, who); err != nil {
		return api.Door{}, err
	}
	d, err := b.door(id)
	d.Listener = l
	return d, err
}

// RemoveListener is noted.
func (b *Backend) RemoveListener(ctx context.Context, id platforms.AccountID) error {
	return b.call(ctx, "RemoveListener", id)
}

// CloseDoor is noted.
func (b *Backend) CloseDoor(ctx context.Context, id platforms.AccountID, who string) error {
	return b.call(ctx, "CloseDoor", id, who)
}

// OpenDoor is noted.
func (b *Backend) OpenDoor(ctx context.Context, id platforms.AccountID, who string) (api.Door, error) {
	if err := b.call(ctx, "OpenDoor", id, who); err != nil {
		return api.Door{}, err
	}
	return b.door(id)
}

// Ask asks one thing.
func (b *Backend) Ask(ctx context.Context, id platforms.AccountID) (api.Question, error) {
	if err := b.call(ctx, "Ask", id); err != nil {
		return api.Question{}, err
	}
	return api.Question{Account: id, Nonce: "nonce", Version: 1, Title: "Open a public listener?", What: "Pigeon wants to listen.",
		Means: "Strangers can send bytes.", Risks: []string{"flooding"}, Items: []api.Item{{Key: "tunnel", Text: "A stable name"}},
		Periods: []api.Period{{Days: 1, Label: "1 day"}}, Type: "bot.example.org"}, nil
}

// Acknowledge is noted.
func (b *Backend) Acknowledge(ctx context.Context, id platforms.AccountID, a api.Answer, who string) (api.Door, error) {
	if err := b.call(ctx, "Acknowledge", id, a.Nonce, a.Typed, a.Days, who); err != nil {
		return api.Door{}, err
	}
	return b.door(id)
}

// Audit is empty and whole.
func (b *Backend) Audit(ctx context.Context, before uint64, limit int) (api.AuditPage, error) {
	return api.AuditPage{State: api.AuditState{Why: "The record is whole."}, Lines: []api.Audit{}}, b.call(ctx, "Audit", before, limit)
}

// ExportAudit writes one line.
func (b *Backend) ExportAudit(ctx context.Context, w io.Writer) error {
	if err := b.call(ctx, "ExportAudit"); err != nil {
		return err
	}
	_, err := io.WriteString(w, "{\"seq\":1}\n")
	return err
}

// Make makes "made".
func (b *Backend) Make(ctx context.Context, platform, field string) (api.Made, error) {
	return api.Made{Value: "made"}, b.call(ctx, "Make", platform, field)
}
