package app

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

var errRegister = &api.Error{Kind: platforms.Unsupported, Text: "This service can't be told our address from here."}

// RegisterForm is what an input's service wants to know.
func (a *App) RegisterForm(context.Context, platforms.AccountID) (api.RegForm, error) {
	return api.RegForm{}, errRegister
}

// Register tells an input's service its address.
func (a *App) Register(context.Context, platforms.AccountID, api.RegDraft) (api.Registration, error) {
	return api.Registration{}, errRegister
}

// Unregister takes that back.
func (a *App) Unregister(context.Context, platforms.AccountID) error { return errRegister }
