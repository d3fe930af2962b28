package ingress

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/postern/postern/platforms"
)

// Seen is one request that came to an account's route, and how it was answered.
// Header and Body are the server's own: they must not be changed.
type Seen struct {
	Account platforms.AccountID
	Via     string     // Listener, or a relay
	From    netip.Addr // not valid where it is not known
	At      time.Time
	Took    time.Duration
	Request string // its name, as platforms.RequestOf gives it; empty: no handler got it

	Method string
	Path   string // whoever knows it can knock: not to be kept
	Query  string
	Header http.Header
	Body   []byte // what was read of it
	Size   int64  // of the body, in bytes; -1: not known
	Cut    bool   // Body is only its beginning
	Exact  bool   // Body is byte for byte the sender's

	Verified bool
	Reason   Reason // why it was turned away, or failed; empty: neither
	Status   int
	Answer   string // the beginning of what was answered
}

// Listener is Seen.Via of what came to a listener of this computer.
const Listener = "listener"

// answerSeen is how much of an answer Seen has, in bytes.
const answerSeen = 1 << 10

// Reply is what the sender of a verified request is told in place of the
// handler's empty answer. Status is from 200 to 299.
type Reply struct {
	Status int
	Type   string // media type
	Body   string
}

// names gives requests names that are unique in this process.
type names struct {
	last  atomic.Uint64
	begun string
}

func (n *names) next() string { return n.begun + strconv.FormatUint(n.last.Add(1), 36) }

// see tells Observe of a request.
func (s *Server) see(r *rule, req *http.Request, body []byte, from netip.Addr, began time.Time, more Seen) {
	if s.o.Observe == nil {
		return
	}
	more.Account, more.From, more.At, more.Took = r.Account, from, began, s.o.Now().Sub(began)
	more.Via, more.Exact = cameBy(req.Context())
	more.Method, more.Path, more.Query, more.Header, more.Body = req.Method, req.URL.Path, req.URL.RawQuery, req.Header, body
	more.Size = int64(len(body))
	if req.ContentLength > more.Size || req.ContentLength < 0 && (more.Reason == TooLarge || body == nil) {
		more.Size, more.Cut = req.ContentLength, true
	}
	s.o.Observe(more)
}

// seeStranger tells Observe of a request that was turned away unverified. What
// came for no route is nobody's.
func (s *Server) seeStranger(r *rule, known bool, why Reason, req *http.Request, body []byte, from netip.Addr, began time.Time, status int) {
	if known {
		s.see(r, req, body, from, began, Seen{Reason: why, Status: status})
	}
}

// cameBy is Seen's Via and Exact.
func cameBy(ctx context.Context) (via string, exact bool) {
	if h, ok := handoverOf(ctx); ok {
		return h.Via, h.Exact
	}
	return Listener, true
}

// replied is what Rule.Answer says in place of an empty answer that tells
// success. Whatever else a handler answers is the platform's protocol.
func (r *rule) replied(req *http.Request, body []byte, out *reply) {
	if r.Answer == nil || out.body.Len() > 0 || out.status != 0 && (out.status < 200 || out.status > 299) {
		return
	}
	a, ok := r.Answer(req, body)
	if !ok || a.Status < 200 || a.Status > 299 {
		return
	}
	out.status = a.Status
	if a.Status == http.StatusNoContent || a.Status == http.StatusResetContent {
		return
	}
	if len(a.Body) > replyMost {
		return
	}
	out.Header().Set("Content-Type", a.Type)
	out.body.WriteString(a.Body)
}
