package app

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

var errInputs = &api.Error{Kind: platforms.Unsupported, Text: "Requests are not kept yet."}

// Inputs is where requests from outside arrive.
func (a *App) Inputs() []api.Input { return nil }

// SetInput says how an input answers and what it keeps.
func (a *App) SetInput(context.Context, platforms.AccountID, api.InputSettings) (api.Input, error) {
	return api.Input{}, errInputs
}

// Requests is what came, newest first, without bodies.
func (a *App) Requests(context.Context, api.InputQuery) ([]api.InputRequest, error) {
	return nil, nil
}

// Request is one, with what is kept of its body.
func (a *App) Request(context.Context, uint64) (api.InputRequest, error) {
	return api.InputRequest{}, errInputs
}

// ForgetRequests drops an account's, or everything if id is empty.
func (a *App) ForgetRequests(context.Context, platforms.AccountID) error { return errInputs }
