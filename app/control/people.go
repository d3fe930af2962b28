package control

import (
	"net/http"

	"github.com/postern/postern/app/control/api"
)

// people is the routes of who may talk and what answers. What lets more in or
// has more done needs a person: a program that Postern itself started, and that
// reads what strangers write, is a program of the same user.
func (s *Server) people() map[string]handlerFunc {
	b := s.b
	return map[string]handlerFunc{
		"GET /v1/people": func(w http.ResponseWriter, _ *http.Request) error { return answer(w, http.StatusOK, b.People()) },
		"PUT /v1/people/rules": personOnly(withBody(http.StatusOK, func(r *http.Request, d api.RuleDraft) (api.People, error) {
			return b.Allow(r.Context(), d)
		})),
		"POST /v1/people/rules/remove": withBody(http.StatusOK, func(r *http.Request, k api.RuleKey) (api.People, error) {
			return b.Disallow(r.Context(), k)
		}),
		"PUT /v1/people/ignored": withBody(http.StatusOK, func(r *http.Request, d api.IgnoreDraft) (api.People, error) {
			return b.Ignore(r.Context(), d)
		}),
		"POST /v1/people/ignored/remove": personOnly(withBody(http.StatusOK, func(r *http.Request, k api.RuleKey) (api.People, error) {
			return b.Unignore(r.Context(), k)
		})),
		"PUT /v1/people/open": personOnly(withBody(http.StatusOK, func(r *http.Request, k api.RuleKey) (api.People, error) {
			return b.SetOpen(r.Context(), k, true)
		})),
		"POST /v1/people/open/remove": withBody(http.StatusOK, func(r *http.Request, k api.RuleKey) (api.People, error) {
			return b.SetOpen(r.Context(), k, false)
		}),
		"POST /v1/pairing": personOnly(func(w http.ResponseWriter, r *http.Request) error {
			p, err := b.Pair(r.Context())
			return give(w, p, err)
		}),
		"DELETE /v1/pairing": func(w http.ResponseWriter, r *http.Request) error { return done(w, b.CancelPairing(r.Context())) },
		"POST /v1/pairing/answer": personOnly(withBody(http.StatusOK, func(r *http.Request, a api.ClaimAnswer) (api.People, error) {
			return b.AnswerClaim(r.Context(), a)
		})),
		"GET /v1/entries/{seq}/why": func(w http.ResponseWriter, r *http.Request) error {
			seq, err := number(r.PathValue("seq"), 64)
			if err != nil {
				return err
			}
			why, err := b.Why(r.Context(), seq)
			return give(w, why, err)
		},
		"POST /v1/simulate": withBody(http.StatusOK, func(r *http.Request, sim api.Simulation) (api.Why, error) {
			return b.Simulate(r.Context(), sim)
		}),
		"GET /v1/asks": func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.Asks(), nil) },
		"POST /v1/asks/{id}": personOnly(func(w http.ResponseWriter, r *http.Request) error {
			a, err := read[api.AskAnswer](w, r)
			if err != nil {
				return err
			}
			return done(w, b.AnswerAsk(r.Context(), r.PathValue("id"), a.Choice, who(r.Context())))
		}),
		"GET /v1/leases": func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.Leases(), nil) },
		"PUT /v1/leases": personOnly(func(w http.ResponseWriter, r *http.Request) error {
			l, err := read[api.Lease](w, r)
			if err != nil {
				return err
			}
			return done(w, b.SetLease(r.Context(), l))
		}),
	}
}

// answering is the routes of routes and responders.
func (s *Server) answering() map[string]handlerFunc {
	b := s.b
	return map[string]handlerFunc{
		"GET /v1/routes": func(w http.ResponseWriter, _ *http.Request) error { return answer(w, http.StatusOK, b.Routes()) },
		"PUT /v1/routes": personOnly(withBody(http.StatusOK, func(r *http.Request, rs []api.Route) (api.Routes, error) {
			return b.SetRoutes(r.Context(), rs)
		})),
		"GET /v1/routes/names": func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.RouteNames(), nil) },
		"POST /v1/routes/check": withBody(http.StatusOK, func(_ *http.Request, c api.RouteCheck) (api.RouteChecked, error) {
			return b.CheckRoute(c.When), nil
		}),
		"POST /v1/routes/write": withBody(http.StatusOK, func(_ *http.Request, c api.Cond) (api.RouteCheck, error) {
			when, err := b.WriteRoute(c)
			return api.RouteCheck{When: when}, err
		}),
		"POST /v1/routes/try": withBody(http.StatusOK, func(r *http.Request, rs []api.Route) ([]api.RouteTried, error) {
			return b.TryRoutes(r.Context(), rs)
		}),
		"GET /v1/responders/kinds": func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.ResponderKinds(), nil) },
		"GET /v1/responders":       func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.Responders(), nil) },
		"POST /v1/responders": personOnly(withBody(http.StatusCreated, func(r *http.Request, d api.ResponderDraft) (api.Responder, error) {
			return b.AddResponder(r.Context(), d)
		})),
		"PATCH /v1/responders/{id}": personOnly(withBody(http.StatusOK, func(r *http.Request, d api.ResponderDraft) (api.Responder, error) {
			return b.ChangeResponder(r.Context(), r.PathValue("id"), d)
		})),
		"DELETE /v1/responders/{id}": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.RemoveResponder(r.Context(), r.PathValue("id")))
		},
	}
}
