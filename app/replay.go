package app

import (
	"context"

	"github.com/postern/postern/app/control/api"
)

// Replay hands something to responders once more and waits for them.
func (a *App) Replay(context.Context, api.Replay) (api.Replayed, error) {
	return api.Replayed{}, errInputs
}
