package app

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

var errRelays = &api.Error{Kind: platforms.Unsupported, Text: "Relays are not dialled yet."}

// RelayKinds is what can be set up.
func (a *App) RelayKinds() []api.RelayKind { return nil }

// Relays is those that are set up.
func (a *App) Relays() []api.Relay { return nil }

// AddRelay sets one up.
func (a *App) AddRelay(context.Context, api.RelayDraft) (api.Relay, error) {
	return api.Relay{}, errRelays
}

// ChangeRelay changes one.
func (a *App) ChangeRelay(context.Context, string, api.RelayDraft) (api.Relay, error) {
	return api.Relay{}, errRelays
}

// RemoveRelay takes one away.
func (a *App) RemoveRelay(context.Context, string) error { return errRelays }

// PauseRelay hangs up until ResumeRelay.
func (a *App) PauseRelay(context.Context, string) error { return errRelays }

// ResumeRelay dials again.
func (a *App) ResumeRelay(context.Context, string) error { return errRelays }

// CheckRelay connects once.
func (a *App) CheckRelay(context.Context, string, api.RelayDraft) (api.RelayCheck, error) {
	return api.RelayCheck{}, errRelays
}
