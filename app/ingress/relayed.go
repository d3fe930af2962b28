package ingress

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

// Lead is where the requests of a relay's channel go. It is configured here: no
// relay has a say in it.
type Lead struct {
	Account platforms.AccountID
	Path    string // of one of the account's rules; empty: whichever takes the request
	Via     string // the relay, in the person's words
	// Keeps is for how long the relay keeps what it could not hand over, so how
	// much later than it was signed a genuine request may come. 0: it keeps
	// nothing. Events are remembered for longer.
	Keeps time.Duration
}

// HandleRelayed adds a rule that only Relay leads to, until release; release
// waits for the rule's requests. No listener knows of it.
func (s *Server) HandleRelayed(ctx context.Context, r Rule) (release func()) {
	it := newRule(ctx, s, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.relayed = append(s.relayed, it)
	s.signalLocked()
	return sync.OnceFunc(func() {
		it.end()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.relayed = slices.DeleteFunc(s.relayed, func(o *rule) bool { return o == it })
	})
}

// signalLocked wakes who waits for a rule.
func (s *Server) signalLocked() {
	if s.arrived != nil {
		close(s.arrived)
		s.arrived = nil
	}
}

// Leads reports whether a rule is there for to.
func (s *Server) Leads(to Lead) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.leadsLocked(to)) > 0
}

// leadsLocked is the rules that to means, the latest first.
func (s *Server) leadsLocked(to Lead) (found []*rule) {
	for _, r := range slices.Backward(s.relayed) {
		if r.Account == to.Account && r.leave.Err() == nil && (to.Path == "" || to.Path == r.Route.Path) {
			found = append(found, r)
		}
	}
	return found
}

// await is the rules for to; it waits for one: while an account connects again,
// its requests stay with the relay.
func (s *Server) await(ctx context.Context, to Lead) ([]*rule, error) {
	for {
		s.mu.Lock()
		found := s.leadsLocked(to)
		if len(found) == 0 && s.arrived == nil {
			s.arrived = make(chan struct{})
		}
		arrived := s.arrived
		s.mu.Unlock()
		if len(found) > 0 {
			return found, nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Relay serves a request that a relay handed over, as one that came to a
// listener: verified by the same rule, counted, paced and handled alike. What is
// about a connection of a stranger's is not looked at, for there is none: host,
// source, and whether a web page sent it.
//
// It waits for the rule while there is none, until ctx ends, and returns ctx's
// error then. Everything else is a Response. Of those, 429 and 503 mean that the
// same request may succeed later: it was not stored.
func (s *Server) Relay(ctx context.Context, to Lead, q relay.Request) (relay.Response, error) {
	rules, err := s.await(ctx, to)
	if err != nil {
		return relay.Response{}, err
	}
	began := s.o.Now()
	ctx = context.WithValue(ctx, handoverKey{}, handover{Via: to.Via, Exact: q.Exact})
	out := &recorder{}
	var why Reason
	for i, r := range rules {
		req := q.HTTP(ctx, r.Route.Path)
		reason := r.judgeRelayed(req, to, q, began)
		if reason == "" {
			s.handle(r, out, req, q.Body, netip.Addr{}, began)
			break
		}
		if why == "" || why == Malformed || why == WrongMethod { // another rule may know better
			why = reason
		}
		if i == len(rules)-1 {
			s.reject(r, true, why, netip.Addr{}, began, req)
			turnAway(out)
			s.seeStranger(r, true, why, req, q.Body, netip.Addr{}, began, out.status)
		}
	}
	return out.response(), nil
}

// judgeRelayed is judge without what is about a connection.
func (r *rule) judgeRelayed(req *http.Request, to Lead, q relay.Request, now time.Time) Reason {
	switch {
	case req.Method != r.method:
		return WrongMethod
	case int64(len(q.Body)) > r.most:
		return TooLarge
	}
	err := r.verify(req, q.Body, now)
	if errors.Is(err, platforms.ErrStale) {
		if then, ok := handedLate(to, q, now); ok {
			err = r.verify(req, q.Body, then)
		}
	}
	if why := reasonOf(err); why != BadSignature || q.Exact {
		return why
	}
	return Rewritten // or forged: nobody can tell
}

// handedLate is at which time a stale request of a relay that keeps what it could
// not hand over is held against its signature instead: when the relay says that
// it took it, or, where it says nothing, in the middle of what it may be. Never
// later than now, and never earlier than the relay keeps.
//
// The relay, or who broke into it, may thereby repeat a genuine request for
// longer than the usual few minutes. That it does nothing twice rests on what its
// event is known by, as it does for senders that sign no time at all: the
// journal remembers events for longer than any Keeps.
func handedLate(to Lead, q relay.Request, now time.Time) (time.Time, bool) {
	if to.Keeps <= 0 {
		return time.Time{}, false
	}
	then, first := q.Sent, now.Add(-to.Keeps)
	if then.IsZero() && to.Keeps <= 2*platforms.ReplayWindow {
		then = first // and the window around it reaches to where now's begins
	}
	if then.IsZero() || then.Before(first) || !then.Before(now) {
		return time.Time{}, false
	}
	return then, true
}

// handover is how a request came, where a relay handed it over.
type handover struct {
	Via   string // the relay, in the person's words
	Exact bool   // the body is byte for byte the sender's
}

type handoverKey struct{}

// handoverOf is how a request with this context came; ok is false where it came
// to a listener.
func handoverOf(ctx context.Context) (h handover, ok bool) {
	h, ok = ctx.Value(handoverKey{}).(handover)
	return h, ok
}

// recorder keeps a response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *recorder) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *recorder) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *recorder) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// response is a without what is about a connection.
func (a *recorder) response() relay.Response {
	a.Header().Del("Connection")
	a.header.Del("Content-Length")
	return relay.Response{Status: a.status, Header: a.header, Body: a.body.Bytes()}
}
