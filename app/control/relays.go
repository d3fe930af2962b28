package control

import (
	"context"
	"net/http"

	"github.com/postern/postern/app/control/api"
)

// Relays is servers that take requests for us, and that we dial.
type Relays interface {
	RelayKinds() []api.RelayKind
	Relays() []api.Relay
	AddRelay(ctx context.Context, d api.RelayDraft) (api.Relay, error)
	// ChangeRelay changes one. Values that d leaves out are kept.
	ChangeRelay(ctx context.Context, id string, d api.RelayDraft) (api.Relay, error)
	RemoveRelay(ctx context.Context, id string) error
	PauseRelay(ctx context.Context, id string) error
	ResumeRelay(ctx context.Context, id string) error
	// CheckRelay connects once with a draft's values; id, if not empty, is the
	// relay that lends those d leaves out.
	CheckRelay(ctx context.Context, id string, d api.RelayDraft) (api.RelayCheck, error)
}

// relays is the routes of Relays. A relay lets strangers' requests come in, so
// that to add or change one wants a person.
func (s *Server) relays() map[string]handlerFunc {
	b := s.b
	id := func(r *http.Request) string { return r.PathValue("id") }
	return map[string]handlerFunc{
		"GET /v1/relays/kinds": func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.RelayKinds(), nil) },
		"GET /v1/relays":       func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.Relays(), nil) },
		"POST /v1/relays": personOnly(withBody(http.StatusCreated, func(r *http.Request, d api.RelayDraft) (api.Relay, error) {
			return b.AddRelay(r.Context(), d)
		})),
		"PATCH /v1/relays/{id}": personOnly(withBody(http.StatusOK, func(r *http.Request, d api.RelayDraft) (api.Relay, error) {
			return b.ChangeRelay(r.Context(), id(r), d)
		})),
		"DELETE /v1/relays/{id}": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.RemoveRelay(r.Context(), id(r)))
		},
		"POST /v1/relays/{id}/pause": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.PauseRelay(r.Context(), id(r)))
		},
		"POST /v1/relays/{id}/resume": personOnly(func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.ResumeRelay(r.Context(), id(r)))
		}),
		"POST /v1/relays/check": personOnly(withBody(http.StatusOK, func(r *http.Request, d api.RelayDraft) (api.RelayCheck, error) {
			return b.CheckRelay(r.Context(), r.URL.Query().Get("relay"), d)
		})),
	}
}
