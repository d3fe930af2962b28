package control

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// clients is the routes by which a person names programs. No client has a scope
// for them.
func (s *Server) clients() map[string]handlerFunc {
	b := s.b
	id := func(r *http.Request) string { return r.PathValue("id") }
	return map[string]handlerFunc{
		"GET /v1/clients": func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.Clients(), nil) },
		"POST /v1/clients": withBody(http.StatusCreated, func(r *http.Request, d api.ClientDraft) (api.ClientMade, error) {
			return b.AddClient(r.Context(), d)
		}),
		"PUT /v1/clients/{id}": withBody(http.StatusOK, func(r *http.Request, d api.ClientDraft) (api.Client, error) {
			return b.ChangeClient(r.Context(), id(r), d)
		}),
		"DELETE /v1/clients/{id}": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.RevokeClient(r.Context(), id(r)))
		},
		"POST /v1/clients/{id}/rotate": func(w http.ResponseWriter, r *http.Request) error {
			made, err := b.RotateClient(r.Context(), id(r))
			return give(w, made, err)
		},
	}
}

// need is what a route asks of a named client.
type need string

const (
	never   need = "never" // no client may, whatever its scopes
	anyOne  need = "any"   // every client may, and sees only what its scopes let it
	status  need = need(clients.Status)
	reading need = need(clients.Read)
	sending need = need(clients.Send)
	hooking need = need(clients.Hooks)
)

// needs says what each route of the table asks. A route that is not in it is
// for no client.
func needs() map[string]need {
	return map[string]need{
		"GET /v1/snapshot":                          anyOne,
		"GET /v1/watch":                             anyOne,
		"GET /v1/platforms":                         status,
		"GET /v1/conversations":                     reading,
		"GET /v1/timeline":                          reading,
		"GET /v1/entries":                           reading,
		"GET /v1/search":                            reading,
		"GET /v1/entries/{seq}":                     reading,
		"GET /v1/entries/{seq}/attachments/{index}": reading,
		"GET /v1/activity":                          reading,
		"GET /v1/activity/export":                   reading,
		"POST /v1/messages":                         sending,

		"GET /v1/hooks":              hooking,
		"POST /v1/hooks":             hooking,
		"PATCH /v1/hooks/{id}":       hooking,
		"DELETE /v1/hooks/{id}":      hooking,
		"POST /v1/hooks/{id}/rotate": hooking,
		"POST /v1/hooks/try":         hooking,
		"PUT /v1/hooks/listener":     never,

		"GET /v1/relays/kinds":        never,
		"GET /v1/relays":              never,
		"POST /v1/relays":             never,
		"PATCH /v1/relays/{id}":       never,
		"DELETE /v1/relays/{id}":      never,
		"POST /v1/relays/{id}/pause":  never,
		"POST /v1/relays/{id}/resume": never,
		"POST /v1/relays/check":       never,

		"GET /v1/inputs":                      never,
		"PUT /v1/inputs/{id}":                 never,
		"GET /v1/requests":                    never,
		"GET /v1/requests/{seq}":              never,
		"DELETE /v1/requests":                 never,
		"POST /v1/inputs/try":                 never,
		"POST /v1/replay":                     never,
		"GET /v1/inputs/{id}/registration":    never,
		"PUT /v1/inputs/{id}/registration":    never,
		"DELETE /v1/inputs/{id}/registration": never,

		// To have read something is the person's to say, and so is what becomes
		// of held and dead messages.
		"POST /v1/read":                  never,
		"POST /v1/entries/{seq}/resend":  never,
		"POST /v1/entries/{seq}/discard": never,
		"POST /v1/entries/{seq}/release": never,
		"POST /v1/entries/{seq}/dismiss": never,

		"POST /v1/accounts":                                 never,
		"PATCH /v1/accounts/{id}":                           never,
		"DELETE /v1/accounts/{id}":                          never,
		"POST /v1/accounts/{id}/check":                      never,
		"POST /v1/accounts/{id}/fix":                        never,
		"POST /v1/accounts/{id}/pause":                      never,
		"POST /v1/accounts/{id}/resume":                     never,
		"POST /v1/check":                                    never,
		"POST /v1/pause":                                    never,
		"POST /v1/resume":                                   never,
		"POST /v1/platforms/{platform}/fields/{field}/make": never,

		"GET /v1/exposure":                never,
		"GET /v1/people":                  never,
		"PUT /v1/people/rules":            never,
		"POST /v1/people/rules/remove":    never,
		"PUT /v1/people/ignored":          never,
		"POST /v1/people/ignored/remove":  never,
		"PUT /v1/people/open":             never,
		"POST /v1/people/open/remove":     never,
		"POST /v1/pairing":                never,
		"DELETE /v1/pairing":              never,
		"POST /v1/pairing/answer":         never,
		"GET /v1/entries/{seq}/why":       never,
		"POST /v1/simulate":               never,
		"GET /v1/asks":                    never,
		"POST /v1/asks/{id}":              never,
		"GET /v1/leases":                  never,
		"PUT /v1/leases":                  never,
		"GET /v1/routes":                  never,
		"PUT /v1/routes":                  never,
		"GET /v1/routes/names":            never,
		"POST /v1/routes/check":           never,
		"POST /v1/routes/write":           never,
		"POST /v1/routes/try":             never,
		"GET /v1/responders/kinds":        never,
		"GET /v1/responders":              never,
		"POST /v1/responders":             never,
		"PATCH /v1/responders/{id}":       never,
		"DELETE /v1/responders/{id}":      never,
		"POST /v1/doctor":                 never,
		"POST /v1/support":                never,
		"PUT /v1/doors/{id}":              never,
		"DELETE /v1/doors/{id}":           never,
		"POST /v1/doors/close":            never,
		"POST /v1/doors/{id}/close":       never,
		"POST /v1/doors/{id}/open":        never,
		"POST /v1/doors/{id}/question":    never,
		"POST /v1/doors/{id}/acknowledge": never,
		"GET /v1/audit":                   never,
		"GET /v1/audit/export":            never,

		"GET /v1/clients":              never,
		"POST /v1/clients":             never,
		"PUT /v1/clients/{id}":         never,
		"DELETE /v1/clients/{id}":      never,
		"POST /v1/clients/{id}/rotate": never,

		"GET /v1/settings":        never,
		"PUT /v1/settings":        never,
		"DELETE /v1/notices/{id}": never,
		"POST /v1/show":           never,
		"POST /v1/quit":           never,
		"POST /v1/session":        never,
		"GET /v1/session":         never,
	}
}

// unnamed reports whether a program that is no client may use a route although
// the person wants clients only: a second start shows the window, and a window
// says who it is.
func unnamed(pattern string) bool {
	switch pattern {
	case "GET /v1/snapshot", "POST /v1/show", "POST /v1/session", "GET /v1/session":
		return true
	}
	return false
}

// heldTo is the client that a request is held to.
type heldTo struct {
	client api.Client
	again  func() (api.Client, bool) // the client as it is now, if it still is
}

type heldKey struct{}

// claimed is the client that a request says it comes from, nil for none. What
// was meant for a client's token and is none is refused: such a program must
// not get more than one whose token is right.
func (s *Server) claimed(r *http.Request) (*heldTo, error) {
	names, carried := r.Header[http.CanonicalHeaderKey(api.ClientHeader)]
	var meant bool
	for _, v := range r.Header["Authorization"] {
		meant = meant || clients.LooksLikeToken(v)
	}
	switch {
	case meant:
		h, err := s.byToken(r.Header["Authorization"])
		if err == nil && carried && (len(names) != 1 || !strings.EqualFold(names[0], h.client.Name)) {
			err = refuse(http.StatusForbidden, platforms.Rejected, "The token is not that of the client which the request names. Use one of them.")
		}
		return h, err
	case carried && len(names) != 1:
		return nil, badRequest("The request names more clients than one. Name one.")
	case carried:
		again := func() (api.Client, bool) { return s.b.ClientByName(names[0]) }
		c, ok := again()
		if !ok {
			return nil, s.wrongProof("There is no client of this name, or its time is over. The list shows them: postern clients")
		}
		return &heldTo{client: c, again: again}, nil
	}
	return nil, nil //nolint:nilnil // no client is no error
}

func (s *Server) byToken(headers []string) (*heldTo, error) {
	const text = "The client's token is not known: it was revoked, exchanged, or its time is over. Make another: postern clients rotate NAME"
	if len(headers) != 1 {
		return nil, s.wrongProof(text)
	}
	kind, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(kind, "bearer") {
		return nil, s.wrongProof(text)
	}
	again := func() (api.Client, bool) { return s.b.ClientByToken(token) }
	c, ok := again()
	if !ok {
		return nil, s.wrongProof(text)
	}
	return &heldTo{client: c, again: again}, nil
}

// wrongProof refuses who is not who they say, and soon without looking at what
// they say. Right ones are not slowed down by that.
func (s *Server) wrongProof(text string) error {
	if wait := s.limits.Wrong(time.Now()); wait > 0 {
		return tooMany(wait, "Too many requests came with the token or name of a client that is not known.")
	}
	return refuse(http.StatusUnauthorized, platforms.Unauthorized, text)
}

func tooMany(wait time.Duration, what string) error {
	return refusal{
		wire:   &api.Error{Kind: platforms.RateLimited, Text: fmt.Sprintf("%s Try again in %.0f seconds.", what, max(1, wait.Seconds()))},
		status: http.StatusTooManyRequests, after: wait,
	}
}

// held holds a route to what the client of a request may do, and, where the
// person wants that, keeps it from programs that are no client.
func (s *Server) held(pattern string, next handlerFunc) handlerFunc {
	needed, listed := needs()[pattern]
	if !listed {
		needed = never
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		h, _ := r.Context().Value(heldKey{}).(*heldTo)
		if h == nil {
			if s.b.Settings().ClientsOnly && !byPerson(r.Context()) {
				if !unnamed(pattern) {
					return errNoClient()
				}
				nobody := &heldTo{again: func() (api.Client, bool) { return api.Client{}, false }}
				*r = *r.WithContext(context.WithValue(r.Context(), heldKey{}, nobody)) // sees what no scope lets see
			}
			return next(w, r)
		}
		if wait := s.limits.Take(h.client, needed == sending, time.Now()); wait > 0 {
			return tooMany(wait, fmt.Sprintf("The client %q asks too often: it may send %d messages a minute.", h.client.Name, h.client.PerMinute))
		}
		switch needed {
		case anyOne:
		case status, reading, sending, hooking:
			if do := clients.Do(needed); !h.client.Anywhere(do) {
				return lacks(h.client, clients.Scope{Do: do})
			}
		default:
			return refuse(http.StatusForbidden, platforms.Rejected,
				fmt.Sprintf("The client %q can't do this: no client may, whatever its scopes are. Do it in Postern's window, or without naming a client.", h.client.Name))
		}
		return next(w, r)
	}
}

// errNoClient is for programs that are no client where only clients may ask.
func errNoClient() error {
	return refuse(http.StatusForbidden, platforms.Rejected,
		"Programs must use a named client here. Make one in Postern's window or at a terminal (postern clients add NAME --scope SCOPE), and give its token in POSTERN_TOKEN.")
}

// lacks says which scope a client would need.
func lacks(c api.Client, s clients.Scope) error {
	return refuse(http.StatusForbidden, platforms.Rejected,
		fmt.Sprintf("The client %q lacks the scope %s. A person can add it: postern clients change %s --scope %s", c.Name, s, c.Name, s))
}

// mayShut refuses a change of ClientsOnly to everything but a person. Whoever
// switches it on has thereby shown a way in that it leaves open.
func (s *Server) mayShut(ctx context.Context, set api.Settings) error {
	if set.ClientsOnly != s.b.Settings().ClientsOnly && !byPerson(ctx) {
		return errNoPerson()
	}
	return nil
}
