package control

import (
	"cmp"
	"context"
	"net/http"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/socket"
	"github.com/postern/postern/platforms"
)

// doors is the routes of what can be reached from outside. What opens anything
// to strangers needs a person; closing needs nobody's leave.
func (s *Server) doors() map[string]handlerFunc {
	b := s.b
	return map[string]handlerFunc{
		"GET /v1/exposure": func(w http.ResponseWriter, _ *http.Request) error { return answer(w, http.StatusOK, b.Exposure()) },
		"PUT /v1/doors/{id}": withBody(http.StatusOK, func(r *http.Request, l api.Listener) (api.Door, error) {
			return b.SetListener(r.Context(), account(r), l, who(r.Context()))
		}),
		"DELETE /v1/doors/{id}": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.RemoveListener(r.Context(), account(r)))
		},
		"POST /v1/doors/close": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.CloseDoor(r.Context(), "", who(r.Context())))
		},
		"POST /v1/doors/{id}/close": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.CloseDoor(r.Context(), account(r), who(r.Context())))
		},
		"POST /v1/doors/{id}/open": personOnly(func(w http.ResponseWriter, r *http.Request) error {
			d, err := b.OpenDoor(r.Context(), account(r), who(r.Context()))
			return give(w, d, err)
		}),
		"POST /v1/doors/{id}/question": personOnly(func(w http.ResponseWriter, r *http.Request) error {
			q, err := b.Ask(r.Context(), account(r))
			return give(w, q, err)
		}),
		"POST /v1/doors/{id}/acknowledge": personOnly(withBody(http.StatusOK, func(r *http.Request, a api.Answer) (api.Door, error) {
			return b.Acknowledge(r.Context(), account(r), a, who(r.Context()))
		})),
		"GET /v1/audit":        s.audit,
		"GET /v1/audit/export": s.exportAudit,
		"POST /v1/platforms/{platform}/fields/{field}/make": func(w http.ResponseWriter, r *http.Request) error {
			made, err := b.Make(r.Context(), r.PathValue("platform"), r.PathValue("field"))
			return give(w, made, err)
		},
	}
}

func (s *Server) audit(w http.ResponseWriter, r *http.Request) error {
	before, err := number(r.URL.Query().Get("before"), 64)
	if err != nil {
		return err
	}
	n, err := limit(r)
	if err != nil {
		return err
	}
	page, err := s.b.Audit(r.Context(), before, n)
	return give(w, page, err)
}

// exportAudit streams the whole record. A break in the middle is not passed off
// as its end.
func (s *Server) exportAudit(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	if err := s.b.ExportAudit(r.Context(), patient{w, s.writeWait}); err != nil {
		s.log.Error("an export of the audit record was broken off", "err", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// Who acted, as the audit record names it.
const (
	ByWindow   = "window"
	ByTerminal = "terminal"
	ByProgram  = "program"
)

type whoKey struct{}

// Who is who made the request that ctx belongs to, empty if it belongs to none.
func Who(ctx context.Context) string {
	by, _ := ctx.Value(whoKey{}).(string)
	return by
}

// As marks ctx as belonging to a request of by's.
func As(ctx context.Context, by string) context.Context { return context.WithValue(ctx, whoKey{}, by) }

// who is Who for a request.
func who(ctx context.Context) string { return cmp.Or(Who(ctx), ByProgram) }

// marked says who made a request: a person at a terminal if it says so and its
// sender is this very program, in the foreground of a terminal. A program that
// plays a terminal to ours passes too: one that runs as the same user can't be
// kept from that.
func (s *Server) marked(r *http.Request) *http.Request {
	as := func(by string) *http.Request { return r.WithContext(As(r.Context(), by)) }
	if FromPerson(r.Context()) {
		return as(ByWindow)
	}
	if r.Header.Get(api.TerminalHeader) == "" {
		return as(ByProgram)
	}
	if err := s.interactive(socket.Peer{PID: peerFrom(r.Context()).PID}); err != nil {
		s.log.Info("a request that claims a terminal comes from none", "err", err)
		return as(ByProgram)
	}
	return as(ByTerminal)
}

// byPerson reports whether a person made the request, at a window or a terminal.
func byPerson(ctx context.Context) bool {
	by := Who(ctx)
	return by == ByWindow || by == ByTerminal
}

// errNoPerson is for everybody else.
func errNoPerson() error {
	return refuse(http.StatusForbidden, platforms.NotAcknowledged,
		"Only a person can do this: in Postern's window, opened from the tray, or with this very program at a terminal. If Postern was updated since it was started, start it again.")
}
