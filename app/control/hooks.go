package control

import (
	"context"
	"net/http"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Hooks is addresses at which programs post into conversations.
type Hooks interface {
	Hooks() api.Hooks
	Hook(id string) (api.Hook, error)
	// AddHook makes one. Its address is told this once.
	AddHook(ctx context.Context, d api.HookDraft) (api.HookMade, error)
	ChangeHook(ctx context.Context, id string, c api.HookChange) (api.Hook, error)
	RotateHook(ctx context.Context, id string, r api.HookRotation) (api.HookMade, error)
	// RemoveHook ends one at once.
	RemoveHook(ctx context.Context, id string) error
	// TryHook says what a post would look like. It posts nothing.
	TryHook(ctx context.Context, t api.HookTry) (api.HookTried, error)
	// SetHookListener says where hooks are served.
	SetHookListener(ctx context.Context, l api.HookListener) (api.Hooks, error)
}

// hooks is the routes of Hooks. A hook lets more in: to make one wants a person,
// or a client that a person gave the scope for it.
func (s *Server) hooks() map[string]handlerFunc {
	b := s.b
	id := func(r *http.Request) string { return r.PathValue("id") }
	return map[string]handlerFunc{
		"GET /v1/hooks": func(w http.ResponseWriter, r *http.Request) error {
			return answer(w, http.StatusOK, lensOf(r.Context()).hooks(b.Hooks()))
		},
		"POST /v1/hooks": trusted(withBody(http.StatusCreated, func(r *http.Request, d api.HookDraft) (api.HookMade, error) {
			if err := lensOf(r.Context()).may(clients.Hooks, d.Account, d.Conversation); err != nil {
				return api.HookMade{}, err
			}
			if c := lensOf(r.Context()).client; c != nil {
				d.By = c.ID
			}
			return b.AddHook(r.Context(), d)
		})),
		"PATCH /v1/hooks/{id}": trusted(withBody(http.StatusOK, func(r *http.Request, c api.HookChange) (api.Hook, error) {
			if err := s.mayHook(r.Context(), id(r)); err != nil {
				return api.Hook{}, err
			}
			return b.ChangeHook(r.Context(), id(r), c)
		})),
		"DELETE /v1/hooks/{id}": func(w http.ResponseWriter, r *http.Request) error {
			if err := s.mayHook(r.Context(), id(r)); err != nil {
				return err
			}
			return done(w, b.RemoveHook(r.Context(), id(r)))
		},
		"POST /v1/hooks/{id}/rotate": trusted(withBody(http.StatusOK, func(r *http.Request, in api.HookRotation) (api.HookMade, error) {
			if err := s.mayHook(r.Context(), id(r)); err != nil {
				return api.HookMade{}, err
			}
			return b.RotateHook(r.Context(), id(r), in)
		})),
		"POST /v1/hooks/try": withBody(http.StatusOK, func(r *http.Request, t api.HookTry) (api.HookTried, error) {
			return b.TryHook(r.Context(), t)
		}),
		"PUT /v1/hooks/listener": personOnly(withBody(http.StatusOK, func(r *http.Request, l api.HookListener) (api.Hooks, error) {
			return b.SetHookListener(r.Context(), l)
		})),
	}
}

// trusted lets persons and named clients pass: what a client may do, its scopes
// say.
func trusted(next handlerFunc) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if lensOf(r.Context()).client == nil && !byPerson(r.Context()) {
			return errNoPerson()
		}
		return next(w, r)
	}
}

// mayHook is an error unless the sender may manage a hook. That it may not looks
// as if there were none.
func (s *Server) mayHook(ctx context.Context, id string) error {
	see := lensOf(ctx)
	if see.client == nil {
		return nil
	}
	h, err := s.b.Hook(id)
	if err != nil || !see.client.May(clients.Hooks, h.Account, h.Conversation) {
		return &api.Error{Kind: platforms.Rejected, Text: "There is no such hook, or this client may not manage it."}
	}
	return nil
}

// hooks is those of conversations for which the client may manage them.
func (l lens) hooks(all api.Hooks) api.Hooks {
	if l.client == nil {
		return all
	}
	seen := []api.Hook{}
	for _, h := range all.Hooks {
		if l.client.May(clients.Hooks, h.Account, h.Conversation) {
			seen = append(seen, h)
		}
	}
	all.Hooks = seen
	return all
}
