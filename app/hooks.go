package app

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

var errHooks = &api.Error{Kind: platforms.Unsupported, Text: "Hooks are not served yet."}

// Hooks is addresses at which programs post into conversations.
func (a *App) Hooks() api.Hooks { return api.Hooks{Hooks: []api.Hook{}, Forms: []api.HookForm{}} }

// Hook is one of them.
func (a *App) Hook(string) (api.Hook, error) { return api.Hook{}, errHooks }

// AddHook makes one.
func (a *App) AddHook(context.Context, api.HookDraft) (api.HookMade, error) {
	return api.HookMade{}, errHooks
}

// ChangeHook changes one.
func (a *App) ChangeHook(context.Context, string, api.HookChange) (api.Hook, error) {
	return api.Hook{}, errHooks
}

// RotateHook gives one a new token.
func (a *App) RotateHook(context.Context, string, api.HookRotation) (api.HookMade, error) {
	return api.HookMade{}, errHooks
}

// RemoveHook ends one at once.
func (a *App) RemoveHook(context.Context, string) error { return errHooks }

// TryHook says what a post would look like.
func (a *App) TryHook(context.Context, api.HookTry) (api.HookTried, error) {
	return api.HookTried{}, errHooks
}

// SetHookListener says where hooks are served.
func (a *App) SetHookListener(context.Context, api.HookListener) (api.Hooks, error) {
	return api.Hooks{}, errHooks
}
