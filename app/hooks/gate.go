package hooks

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
)

// Gate does what a request needs before its post is stored, in the order that
// protects it: the token and the source's budget, the Idempotency-Key, the post,
// and the hook's budget last, so that neither guessed tokens nor bad posts use it
// up. It is safe for concurrent use.
type Gate struct {
	Limiter *Limiter
	Keys    *Keys
}

// Request is one post, whose body was read to its end and is no longer than
// MostBody.
type Request struct {
	From   netip.Addr // who sent it, as app/ingress knows
	Token  string
	Header http.Header
	Query  url.Values
	Body   []byte
}

// Admitted is a post that may be stored. Either Stored or Failed is called once;
// both give the answer.
type Admitted struct {
	Hook   Hook
	Post   Post
	Stored func(Receipt) Answer
	Failed func(*Fault) Answer
}

// Open finds the hook that a token opens; if none, the Answer is the sender's. Ask
// it before the body is read. find is Book.Find at this moment, under whatever
// guards the book.
func (g Gate) Open(find func(token string) (Hook, bool), from netip.Addr, token string) (Hook, Answer, bool) {
	h, ok := find(token)
	if ok && from.IsLoopback() {
		// All programs of this computer have one address: who guesses there must
		// not keep the others out. The hook's own budget bounds them.
		return h, Answer{}, true
	}
	wait := g.Limiter.Source(from)
	switch {
	case !ok: // in too great a hurry or not: the same
		return Hook{}, NotFound(), false
	case wait > 0:
		return Hook{}, Refused(h.Dialect, &Fault{Kind: Limited, Text: "Too many requests. Try again later.", Retry: wait}), false
	}
	return h, Answer{}, true
}

// Take reports whether r, which opened h, may be stored; if not, the Answer is the
// sender's.
func (g Gate) Take(h Hook, r Request) (Admitted, Answer, bool) {
	refuse := func(err error) (Admitted, Answer, bool) { return Admitted{}, Refused(h.Dialect, faultOf(err)), false }
	begun, err := g.Keys.Begin(h.ID, r.Header.Get("Idempotency-Key"), r.Body)
	if err != nil {
		return refuse(err)
	}
	if begun.Again {
		return Admitted{}, Taken(h.Dialect, begun.Receipt, r.Query), false
	}
	post, err := Parse(h, r.Header, r.Body)
	if err != nil {
		begun.Drop()
		return refuse(err)
	}
	if wait := g.Limiter.Hook(h); wait > 0 {
		begun.Drop()
		return refuse(&Fault{Kind: Limited, Text: "This webhook is used too often. Try again later.", Retry: wait})
	}
	return Admitted{
		Hook: h, Post: post,
		Stored: func(receipt Receipt) Answer {
			begun.Done(receipt)
			return Taken(h.Dialect, receipt, r.Query)
		},
		Failed: func(f *Fault) Answer {
			begun.Drop()
			return Refused(h.Dialect, f)
		},
	}, Answer{}, true
}

func faultOf(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return &Fault{Kind: Failed, Text: "Something went wrong here. Try again later."}
}
