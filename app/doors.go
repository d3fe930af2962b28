package app

import (
	"context"
	"io"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

var errNotYet = &api.Error{Kind: platforms.Unsupported, Text: "This version can't do that yet."}

// Exposure is what can be reached from outside.
func (a *App) Exposure() api.View { return api.View{At: a.now()} }

// SetListener keeps where an account is reached.
func (a *App) SetListener(context.Context, platforms.AccountID, api.Listener) (api.Door, error) {
	return api.Door{}, errNotYet
}

// RemoveListener forgets it.
func (a *App) RemoveListener(context.Context, platforms.AccountID) error { return errNotYet }

// CloseDoor closes.
func (a *App) CloseDoor(context.Context, platforms.AccountID, string) error { return errNotYet }

// OpenDoor opens.
func (a *App) OpenDoor(context.Context, platforms.AccountID, string) (api.Door, error) {
	return api.Door{}, errNotYet
}

// Ask asks.
func (a *App) Ask(context.Context, platforms.AccountID) (api.Question, error) {
	return api.Question{}, errNotYet
}

// Acknowledge consents.
func (a *App) Acknowledge(context.Context, platforms.AccountID, api.Answer, string) (api.Door, error) {
	return api.Door{}, errNotYet
}

// Audit is the record.
func (a *App) Audit(context.Context, uint64, int) (api.AuditPage, error) {
	return api.AuditPage{}, errNotYet
}

// ExportAudit writes it.
func (a *App) ExportAudit(context.Context, io.Writer) error { return errNotYet }

// Make makes a value for a field.
func (a *App) Make(context.Context, string, string) (api.Made, error) { return api.Made{}, errNotYet }
