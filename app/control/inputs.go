package control

import (
	"context"
	"errors"
	"net/http"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Inputs is where requests from outside arrive, what came, and what can be done
// with it again.
type Inputs interface {
	Inputs() []api.Input
	SetInput(ctx context.Context, id platforms.AccountID, s api.InputSettings) (api.Input, error)
	// Requests is what came, newest first, without bodies.
	Requests(ctx context.Context, q api.InputQuery) ([]api.InputRequest, error)
	// Request is one, with what is kept of its body.
	Request(ctx context.Context, id uint64) (api.InputRequest, error)
	// ForgetRequests drops an account's, or everything if id is empty.
	ForgetRequests(ctx context.Context, id platforms.AccountID) error
	// TryInput has an expression make a text of a request that is kept.
	TryInput(ctx context.Context, t api.InputTrial) (api.InputTried, error)
	// Replay hands something to responders once more and waits for them.
	Replay(ctx context.Context, r api.Replay) (api.Replayed, error)

	// RegisterForm is what an input's service wants to know, Register tells it
	// the input's address, and Unregister takes that back.
	RegisterForm(ctx context.Context, id platforms.AccountID) (api.RegistrationForm, error)
	Register(ctx context.Context, id platforms.AccountID, d api.RegistrationDraft) (api.Registration, error)
	Unregister(ctx context.Context, id platforms.AccountID) error
}

// inputs is the routes of Inputs. What came may hold anything, and to replay it
// has something done once more: no client may.
func (s *Server) inputs() map[string]handlerFunc {
	b := s.b
	return map[string]handlerFunc{
		"GET /v1/inputs": func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.Inputs(), nil) },
		"PUT /v1/inputs/{id}": personOnly(withBody(http.StatusOK, func(r *http.Request, in api.InputSettings) (api.Input, error) {
			return b.SetInput(r.Context(), account(r), in)
		})),
		"GET /v1/requests": func(w http.ResponseWriter, r *http.Request) error {
			v := r.URL.Query()
			before, err := number(v.Get("before"), 64)
			n, bad := limit(r)
			if err := errors.Join(err, bad); err != nil {
				return err
			}
			out, err := b.Requests(r.Context(), api.InputQuery{Account: platforms.AccountID(v.Get("account")), Text: v.Get("text"), Only: v.Get("only"), Before: before, Limit: n})
			return list(w, out, err)
		},
		"GET /v1/requests/{seq}": func(w http.ResponseWriter, r *http.Request) error {
			id, err := number(r.PathValue("seq"), 64)
			if err != nil {
				return err
			}
			out, err := b.Request(r.Context(), id)
			return give(w, out, err)
		},
		"DELETE /v1/requests": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.ForgetRequests(r.Context(), platforms.AccountID(r.URL.Query().Get("account"))))
		},
		"POST /v1/inputs/try": withBody(http.StatusOK, func(r *http.Request, in api.InputTrial) (api.InputTried, error) {
			return b.TryInput(r.Context(), in)
		}),
		"POST /v1/replay": personOnly(withBody(http.StatusOK, func(r *http.Request, in api.Replay) (api.Replayed, error) {
			return b.Replay(r.Context(), in)
		})),
		"GET /v1/inputs/{id}/registration": func(w http.ResponseWriter, r *http.Request) error {
			f, err := b.RegisterForm(r.Context(), account(r))
			return give(w, f, err)
		},
		"PUT /v1/inputs/{id}/registration": personOnly(withBody(http.StatusOK, func(r *http.Request, d api.RegistrationDraft) (api.Registration, error) {
			return b.Register(r.Context(), account(r), d)
		})),
		"DELETE /v1/inputs/{id}/registration": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.Unregister(r.Context(), account(r)))
		},
	}
}
