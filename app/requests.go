package app

import (
	"context"
	"errors"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/routes"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Requests is what came, newest first, without bodies.
func (a *App) Requests(_ context.Context, q api.InputQuery) ([]api.InputRequest, error) {
	a.recorder.flush()
	find := store.RequestQuery{Account: q.Account, Text: q.Text, Before: q.Before, Limit: page(q.Limit, 100)}
	switch q.Only {
	case "":
	case "verified", "refused":
		refused := q.Only == "refused"
		find.Refused = &refused
	default:
		return nil, &api.Error{Kind: platforms.Rejected, Text: "Only “verified” or “refused” requests can be asked for, or all."}
	}
	list, err := a.store.Requests(find)
	if err != nil {
		return nil, wireError(err)
	}
	out := make([]api.InputRequest, 0, len(list))
	for _, r := range list {
		out = append(out, wireRequest(r))
	}
	return out, nil
}

// Request is one, with what is kept of its body.
func (a *App) Request(_ context.Context, id uint64) (api.InputRequest, error) {
	a.recorder.flush()
	r, err := a.store.Request(id)
	if errors.Is(err, store.ErrNotFound) {
		return api.InputRequest{}, errNoRequest
	}
	return wireRequest(r), wireErrorOrNil(err)
}

var errNoRequest = &api.Error{Kind: platforms.Rejected, Text: "There is no such request, or it is not kept any more."}

// TryInput has an expression make a text of a request that is kept, as a
// transform or an answer would.
func (a *App) TryInput(ctx context.Context, t api.InputTrial) (api.InputTried, error) {
	w, err := routes.CompileText(t.Expr)
	if err != nil {
		return api.InputTried{Problem: text.Sentence(err.Error())}, nil
	}
	r, err := a.Request(ctx, t.Request)
	if err != nil {
		return api.InputTried{}, err
	}
	acc, err := a.account(r.Account)
	if err != nil {
		return api.InputTried{}, err
	}
	if r.Erased {
		return api.InputTried{}, rejected("What this request held is not kept, so nothing can be tried with it.")
	}
	ev := requestEvent(r.Method, r.Header, r.Body)
	if len(r.Entries) > 0 {
		if e, err := a.store.Entry(r.Entries[0]); err == nil && e.Event != nil {
			ev = *e.Event
			// Not the event's own: whoever may try may see no more than is kept of
			// the request.
			ev.Raw = &platforms.Raw{Method: r.Method, Header: r.Header, Body: r.Body}
		}
	}
	words, err := w.Text(a.routeInput(acc, ev))
	if err != nil {
		return api.InputTried{Problem: text.Sentence(err.Error())}, nil
	}
	return api.InputTried{Text: words}, nil
}

// ForgetRequests drops an account's, or everything if id is empty.
func (a *App) ForgetRequests(ctx context.Context, id platforms.AccountID) error {
	ids := []platforms.AccountID{id}
	if id == "" {
		ids = nil
		for _, c := range a.list() {
			ids = append(ids, c.id)
		}
	} else if _, err := a.account(id); err != nil {
		return err
	}
	a.recorder.flush()
	for _, id := range ids {
		if err := a.store.TrimRequests(ctx, id, store.RequestBounds{For: -time.Hour}); err != nil {
			return wireError(err)
		}
	}
	a.audit(ctx, string(api.Changed), "", id, "What was kept of requests was dropped.")
	a.changed()
	return nil
}

func wireRequest(r store.Request) api.InputRequest {
	return api.InputRequest{ID: r.ID, At: r.At, Account: r.Account, Via: r.Via, From: r.From, Method: r.Method, Query: r.Query, Header: r.Header,
		Body: r.Body, Line: r.Line, Size: r.Size, Cut: r.Cut, Exact: r.Exact, Erased: r.Erased, Masked: r.Masked, Verified: !r.Refused, Why: r.Why,
		Status: r.Status, Answer: r.Answer, Took: r.Took, Entries: r.Entries, Again: r.Again}
}
