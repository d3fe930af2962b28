package ingress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postern/postern/platforms"
)

// Reason is why a request was turned away.
type Reason string

// The reasons, as a person reads them.
const (
	UnknownPath  Reason = "unknown path"
	BadSignature Reason = "bad signature"
	Rewritten    Reason = "bad signature, and the relay had changed the body"
	NotSigned    Reason = "not signed"
	Stale        Reason = "stale"
	Malformed    Reason = "malformed"
	WrongMethod  Reason = "wrong method"
	TooLarge     Reason = "too large"
	WrongHost    Reason = "other host name"
	WebPage      Reason = "from a web page"
	NotAllowed   Reason = "source not allowed"
	Flood        Reason = "too many bad requests"
	Full         Reason = "no room"
	TooFast      Reason = "too fast"
	Failed       Reason = "could not be stored"
)

// rule is a Rule in use.
type rule struct {
	Rule
	s      *Server
	name   [sha256.Size]byte
	method string
	most   int64
	pace   *rate.Limiter
	slots  chan struct{}
	leave  context.Context // the leave to be reached
	ctx    context.Context // of the requests: ends with leave, or with end
	cancel context.CancelFunc

	mu    sync.Mutex
	ended bool
	busy  sync.WaitGroup
}

func newRule(ctx context.Context, s *Server, r Rule) *rule {
	it := &rule{Rule: r, s: s, name: sha256.Sum256([]byte(r.Route.Path)), method: r.Route.Method, most: r.Route.Body,
		pace: rate.NewLimiter(rate.Limit(s.o.Limits.Rate), s.o.Limits.Surge), slots: make(chan struct{}, s.o.Limits.Handlers)}
	if it.method == "" {
		it.method = http.MethodPost
	}
	if it.most == 0 {
		it.most = platforms.DefaultBody
	}
	it.most = min(it.most, platforms.MostBody)
	it.leave = ctx
	it.ctx, it.cancel = context.WithCancel(ctx)
	return it
}

// end cancels the rule's requests and waits for them.
func (r *rule) end() {
	r.mu.Lock()
	r.ended = true
	r.mu.Unlock()
	r.cancel()
	r.busy.Wait()
}

// judge is why a request is turned away, empty if it is the sender's. All its
// checks are made.
func (r *rule) judge(req *http.Request, body []byte, from netip.Addr, now time.Time) (why Reason) {
	for _, c := range []struct {
		bad bool
		why Reason
	}{
		{req.Method != r.method, WrongMethod},
		{req.URL.RawPath != "", Malformed},
		{!r.calledBy(req.Host), WrongHost},
		{len(req.Header["Origin"]) > 0 || len(req.Header["Sec-Fetch-Site"]) > 0, WebPage},
		{!r.allows(from), NotAllowed},
		{int64(len(body)) > r.most, TooLarge},
	} {
		if c.bad && why == "" {
			why = c.why
		}
	}
	if int64(len(body)) > r.most {
		body = body[:r.most]
	}
	if reason := reasonOf(r.verify(req, body, now)); why == "" {
		why = reason
	}
	return why
}

// reasonOf is what a Verify said.
func reasonOf(err error) Reason {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, platforms.ErrStale):
		return Stale
	case errors.Is(err, platforms.ErrUnsigned):
		return NotSigned
	case errors.Is(err, platforms.ErrSignature):
		return BadSignature
	}
	return Malformed
}

// verify is the route's; a panic in it verifies nothing.
func (r *rule) verify(req *http.Request, body []byte, now time.Time) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.s.log.Error("panic in a verification", "account", string(r.Account), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = platforms.ErrMalformed
		}
	}()
	return r.Route.Verify(req, body, now)
}

// calledBy reports whether host is a name that callers use. A web page that had
// a name of its own lead here (DNS rebinding) says that name.
func (r *rule) calledBy(host string) bool {
	ok := len(r.Hosts) == 0
	for _, h := range r.Hosts {
		if strings.EqualFold(h, host) {
			ok = true
		}
	}
	return ok
}

func (r *rule) allows(from netip.Addr) bool {
	ok := len(r.Allow) == 0
	for _, p := range r.Allow {
		if p.Contains(from) {
			ok = true
		}
	}
	return ok
}

// handle has a verified request handled, within bounds, and answers honestly.
func (s *Server) handle(r *rule, w http.ResponseWriter, req *http.Request, body []byte, from netip.Addr, began time.Time) {
	seen := func(why Reason, status int) {
		s.see(r, req, body, from, began, Seen{Verified: true, Reason: why, Status: status})
	}
	r.mu.Lock()
	if r.ended {
		r.mu.Unlock()
		busy(w)
		seen(Full, http.StatusServiceUnavailable)
		return
	}
	r.busy.Add(1)
	r.mu.Unlock()
	defer r.busy.Done()
	if wait := r.pace.ReserveN(began, 1); !wait.OK() || wait.DelayFrom(began) > 0 {
		seconds := int(wait.DelayFrom(began)/time.Second) + 1
		wait.CancelAt(began)
		s.reject(r, true, TooFast, from, began, req)
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusTooManyRequests)
		seen(TooFast, http.StatusTooManyRequests)
		return
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	default:
		s.reject(r, true, Full, from, began, req)
		busy(w)
		seen(Full, http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(req.Context(), s.o.Limits.Handle)
	defer cancel()
	stop := context.AfterFunc(r.ctx, cancel)
	defer stop()
	name := ""
	if s.o.Observe != nil {
		name = s.names.next()
		ctx = platforms.WithRequest(ctx, name)
	}
	req = req.WithContext(ctx)
	req.Body = io.NopCloser(bytes.NewReader(body))
	req.ContentLength = int64(len(body))
	out := &reply{w: w}
	if !s.guarded(r, out, req) {
		out = &reply{w: w, status: http.StatusInternalServerError}
	}
	r.replied(req, body, out)
	out.send()
	told := Seen{Request: name, Verified: true, Status: out.status, Answer: string(out.body.Bytes()[:min(out.body.Len(), answerSeen)])}
	if out.status >= 200 && out.status < 300 {
		s.accept(r, out.status, from, began)
	} else {
		told.Reason = Failed
		s.reject(r, true, Failed, from, began, req)
	}
	s.see(r, req, body, from, began, told)
}

// guarded calls the route's handler. It reports whether that did not panic.
func (s *Server) guarded(r *rule, w http.ResponseWriter, req *http.Request) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("panic in a handler", "account", string(r.Account), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	r.Route.Handler.ServeHTTP(w, req)
	return true
}

// replyMost bounds an answer, in bytes.
const replyMost = 64 << 10

// reply keeps what a handler answers until it has ended: a handler that panics
// halfway has answered nothing.
type reply struct {
	w      http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func (o *reply) Header() http.Header {
	if o.header == nil {
		o.header = http.Header{}
	}
	return o.header
}

func (o *reply) WriteHeader(status int) {
	if status > 599 { // net/http panics at some of these
		status = http.StatusInternalServerError
	}
	if o.status == 0 && status >= 200 {
		o.status = status
	}
}

func (o *reply) Write(b []byte) (int, error) {
	o.WriteHeader(http.StatusOK)
	if o.body.Len()+len(b) > replyMost {
		return 0, errors.New("the answer is too long")
	}
	return o.body.Write(b)
}

func (o *reply) send() {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	h := o.w.Header()
	for k, v := range o.header {
		h[k] = v
	}
	if o.status == http.StatusServiceUnavailable && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "2")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(o.body.Len()))
	o.w.WriteHeader(o.status)
	_, _ = o.w.Write(o.body.Bytes())
}

func same(a, b [sha256.Size]byte) bool { return subtle.ConstantTimeCompare(a[:], b[:]) == 1 }
