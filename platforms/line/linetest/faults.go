package linetest

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Fault is how the server fails once.
type Fault struct {
	Kind       FaultKind
	Code       int // HTTP status, 500 if 0
	RetryAfter int // seconds, 0: not said
}

// FaultKind is a way to fail.
type FaultKind int

// The ways to fail.
const (
	Status    FaultKind = iota // an error with status Code
	Malformed                  // status 200, and not JSON
	Hang                       // no answer
	Lost                       // carried out, but no answer
)

// answer is what a fault other than Hang and Lost answers.
func (f Fault) answer() answer {
	out := answer{status: f.Code, header: http.Header{}}
	if f.Kind == Malformed {
		out.status, out.body = http.StatusOK, []byte("<html>welcome")
		return out
	}
	if out.status == 0 {
		out.status = http.StatusInternalServerError
	}
	if f.RetryAfter > 0 {
		out.header.Set("Retry-After", strconv.Itoa(f.RetryAfter))
	}
	out.body = errorBody(http.StatusText(out.status))
	return out
}

// SetFault breaks the next call.
func (s *Server) SetFault(f Fault) { s.update(func() { s.fault = &f }) }

// Down refuses every call and delivers nothing, until Up.
func (s *Server) Down() { s.update(func() { s.down = true }) }

// Up ends Down.
func (s *Server) Up() { s.update(func() { s.down = false }) }

// Revoke makes the server refuse the token from now on.
func (s *Server) Revoke() { s.update(func() { s.revoked = true }) }

// Skew sets the server's clock this far ahead of the real one.
func (s *Server) Skew(by time.Duration) { s.update(func() { s.ahead = by }) }

// Advance lets time pass: reply tokens expire, and redeliveries are made.
func (s *Server) Advance(by time.Duration) { s.update(func() { s.ahead += by }) }

// SetQuota sets how many messages a month may be pushed, 0 for no limit, and how
// many were.
func (s *Server) SetQuota(limit, used int64) { s.update(func() { s.limit, s.used = limit, used }) }

// SetRedelivery switches the redelivery of webhooks, which is on at first.
func (s *Server) SetRedelivery(on bool) { s.update(func() { s.redelivery = on }) }

// SetEndpoint is what is set in the console: the webhook's address, and whether
// webhooks are used.
func (s *Server) SetEndpoint(address string, active bool) {
	s.update(func() { s.endpoint, s.active = address, active })
}

// Endpoint is what SetEndpoint or the bot has set.
func (s *Server) Endpoint() (address string, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoint, s.active
}

// Held is how many calls hang.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// Calls is the requests so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// Wait waits until ok, which is called under no lock, or ctx ends.
func (s *Server) Wait(ctx context.Context, ok func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// WaitSent waits until the bot has sent n messages.
func (s *Server) WaitSent(ctx context.Context, n int) error {
	return s.Wait(ctx, func() bool { return len(s.Sent()) >= n })
}

// WaitAcked waits until nothing is left to deliver.
func (s *Server) WaitAcked(ctx context.Context) error {
	return s.Wait(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue) == 0
	})
}
