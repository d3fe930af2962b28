package control

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// table is every route. Ids that platforms choose travel in queries and bodies,
// not in paths.
func (s *Server) table() map[string]handlerFunc {
	b := s.b
	t := s.doors()
	maps.Copy(t, s.people())
	maps.Copy(t, s.answering())
	maps.Copy(t, s.clients())
	maps.Copy(t, s.hooks())
	maps.Copy(t, s.relays())
	maps.Copy(t, s.inputs())
	maps.Copy(t, map[string]handlerFunc{
		"GET /v1/snapshot": func(w http.ResponseWriter, r *http.Request) error {
			return answer(w, http.StatusOK, lensOf(r.Context()).snapshot(b.Snapshot()))
		},
		"GET /v1/watch":     s.watch,
		"GET /v1/platforms": func(w http.ResponseWriter, _ *http.Request) error { return list(w, b.Platforms(), nil) },

		"POST /v1/accounts": withBody(http.StatusCreated, func(r *http.Request, d api.AccountDraft) (api.Account, error) {
			return b.AddAccount(r.Context(), d)
		}),
		"PATCH /v1/accounts/{id}": withBody(http.StatusOK, func(r *http.Request, d api.AccountDraft) (api.Account, error) {
			return b.ChangeAccount(r.Context(), account(r), d)
		}),
		"DELETE /v1/accounts/{id}": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.RemoveAccount(r.Context(), account(r)))
		},
		"POST /v1/accounts/{id}/check": func(w http.ResponseWriter, r *http.Request) error {
			c, err := b.CheckAccount(r.Context(), account(r))
			return give(w, c, err)
		},
		"POST /v1/accounts/{id}/fix": withBody(http.StatusOK, func(r *http.Request, f api.Fix) (api.Check, error) {
			return b.Fix(r.Context(), account(r), f.Code)
		}),
		"POST /v1/accounts/{id}/pause": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.Pause(r.Context(), account(r)))
		},
		"POST /v1/accounts/{id}/resume": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.Resume(r.Context(), account(r)))
		},
		"POST /v1/check": withBody(http.StatusOK, func(r *http.Request, d api.AccountDraft) (api.Check, error) {
			return b.CheckDraft(r.Context(), platforms.AccountID(r.URL.Query().Get("account")), d)
		}),
		"POST /v1/pause":  func(w http.ResponseWriter, r *http.Request) error { return done(w, b.Pause(r.Context(), "")) },
		"POST /v1/resume": func(w http.ResponseWriter, r *http.Request) error { return done(w, b.Resume(r.Context(), "")) },

		"GET /v1/conversations": s.conversations,
		"GET /v1/timeline":      s.timeline,
		"GET /v1/entries":       s.entries,
		"GET /v1/search":        s.search,
		"POST /v1/read":         s.markRead,
		"GET /v1/entries/{seq}": func(w http.ResponseWriter, r *http.Request) error {
			seq, err := number(r.PathValue("seq"), 64)
			if err != nil {
				return err
			}
			e, err := s.entry(r.Context(), seq)
			return give(w, e, err)
		},
		"POST /v1/entries/{seq}/resend":             onEntry(b.Resend),
		"POST /v1/entries/{seq}/discard":            onEntry(b.Discard),
		"POST /v1/entries/{seq}/release":            personOnly(onEntry(b.Release)), // it has something done
		"POST /v1/entries/{seq}/dismiss":            onEntry(b.Dismiss),
		"GET /v1/entries/{seq}/attachments/{index}": s.attachment,
		"POST /v1/messages":                         s.send,
		"GET /v1/activity":                          s.activity,
		"GET /v1/activity/export":                   s.export,
		"GET /v1/settings":                          func(w http.ResponseWriter, _ *http.Request) error { return answer(w, http.StatusOK, b.Settings()) },
		"PUT /v1/settings": withBody(http.StatusOK, func(r *http.Request, set api.Settings) (api.Settings, error) {
			if err := s.mayShut(r.Context(), set); err != nil {
				return api.Settings{}, err
			}
			err := b.SetSettings(r.Context(), set)
			return b.Settings(), err
		}),
		"DELETE /v1/notices/{id}": func(w http.ResponseWriter, r *http.Request) error {
			return done(w, b.DismissNotice(r.Context(), r.PathValue("id")))
		},
		"POST /v1/show": func(w http.ResponseWriter, r *http.Request) error {
			req, err := read[api.Request](w, r)
			if err != nil {
				return err
			}
			return done(w, s.Show(req))
		},
		"POST /v1/doctor": s.doctor,
		"POST /v1/support": func(w http.ResponseWriter, r *http.Request) error { // it examines, so it is no GET
			ctx, stop := s.unlessQuitting(r.Context())
			defer stop()
			bundle, err := b.Support(ctx)
			return give(w, bundle, err)
		},
		"POST /v1/quit":    s.quit,
		"POST /v1/session": s.session,
		"GET /v1/session":  personOnly(func(w http.ResponseWriter, _ *http.Request) error { return done(w, nil) }),
	})
	return t
}

// routes is the handler of all of table.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string]bool{}
	for pattern, h := range s.table() {
		method, _, _ := strings.Cut(pattern, " ")
		methods[method] = true
		h = s.held(pattern, h)
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		for method := range methods {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "/" && pattern != "" {
				s.fail(w, r, refuse(http.StatusMethodNotAllowed, platforms.Rejected, "This route takes another method."))
				return
			}
		}
		s.fail(w, r, refuse(http.StatusNotFound, platforms.Rejected, "There is no such route. Use a client of the same version."))
	})
	return s.recognise(mux)
}

// withBody makes a route that takes a JSON value and answers with one.
func withBody[In, Out any](status int, act func(r *http.Request, in In) (Out, error)) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := read[In](w, r)
		if err != nil {
			return err
		}
		out, err := act(r, in)
		if err != nil {
			return err
		}
		return answer(w, status, out)
	}
}

// onEntry makes a route that acts on one message.
func onEntry(act func(ctx context.Context, seq uint64) error) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		seq, err := number(r.PathValue("seq"), 64)
		if err != nil {
			return err
		}
		return done(w, act(r.Context(), seq))
	}
}

func account(r *http.Request) platforms.AccountID { return platforms.AccountID(r.PathValue("id")) }

// number reads a number from a path or query; none is 0.
func number(text string, bits int) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0, badRequest("A number in the address is none, or is out of range.")
	}
	return n, nil
}

// mostLines bounds one answer, other than an export.
const mostLines = 1000

// limit reads how much the client wants at most, 0 for the usual.
func limit(r *http.Request) (int, error) {
	n, err := number(r.URL.Query().Get("limit"), 31)
	return int(min(n, mostLines)), err
}

func (s *Server) conversations(w http.ResponseWriter, r *http.Request) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	see := lensOf(r.Context())
	out, err := s.b.Conversations(r.Context(), see.fetch(n))
	return list(w, only(out, see, n, func(c api.Conversation) bool { return see.reads(c.Account, c.ID) }), err)
}

func (s *Server) timeline(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	before, err := number(q.Get("before"), 64)
	n, bad := limit(r)
	if err := errors.Join(err, bad); err != nil {
		return err
	}
	account, conversation := platforms.AccountID(q.Get("account")), platforms.ConversationID(q.Get("conversation"))
	if err := lensOf(r.Context()).may(clients.Read, account, conversation); err != nil {
		return err
	}
	out, err := s.b.Timeline(r.Context(), account, conversation, before, n)
	return list(w, out, err)
}

func (s *Server) search(w http.ResponseWriter, r *http.Request) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	see := lensOf(r.Context())
	out, err := s.b.Search(r.Context(), r.URL.Query().Get("q"), see.fetch(n))
	return list(w, only(out, see, n, func(e api.Entry) bool { return see.reads(e.Account, e.Conversation) }), err)
}

func (s *Server) markRead(w http.ResponseWriter, r *http.Request) error {
	in, err := read[api.Read](w, r)
	if err != nil {
		return err
	}
	return done(w, s.b.MarkRead(r.Context(), in.Account, in.Conversation, in.UpTo))
}

// query reads which activity is wanted.
func query(r *http.Request) (ActivityQuery, error) {
	v := r.URL.Query()
	before, err := number(v.Get("before"), 64)
	n, bad := number(v.Get("limit"), 31)
	q := ActivityQuery{Before: before, Limit: int(n), Account: platforms.AccountID(v.Get("account")), Text: v.Get("text")}
	for _, what := range v["what"] {
		q.What = append(q.What, api.What(what))
	}
	return q, errors.Join(err, bad)
}

func (s *Server) activity(w http.ResponseWriter, r *http.Request) error {
	q, err := query(r)
	if err != nil {
		return err
	}
	see, n := lensOf(r.Context()), min(q.Limit, mostLines)
	q.Limit = see.fetch(n)
	out, err := s.b.Activity(r.Context(), q)
	return list(w, only(out, see, n, see.line), err)
}

// quit answers first: what it asks for ends the connection.
func (s *Server) quit(w http.ResponseWriter, _ *http.Request) error {
	w.WriteHeader(http.StatusAccepted)
	if err := http.NewResponseController(w).Flush(); err != nil {
		return fmt.Errorf("answer before quitting: %w", err)
	}
	s.b.Quit()
	return nil
}
