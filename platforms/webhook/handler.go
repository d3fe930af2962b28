package webhook

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// Bounds of a request. GitHub and GitLab count one as failed that is not answered
// within 10 seconds, Slack within 3.
const (
	bodyMost      = platforms.DefaultBody
	answerIn      = 8 * time.Second
	slackIn       = 2500 * time.Millisecond
	atOnce        = 64 // requests
	challengeMost = 512
)

// job is what one request brought, and where to tell whether it was stored.
type job struct {
	ev   platforms.Event
	done chan error // has room for one
}

// handler takes requests and hands what they bring to Run, one after the other.
// It answers 200 only once that is stored. Where it takes too long the answer is
// an error although the event may be stored after it: if it comes again, then
// under the same id.
type handler struct {
	c       *connector
	jobs    chan job
	slots   chan struct{}
	reading chan struct{} // one body at a time is taken apart, which may take many times its size
	ended   chan struct{}

	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup
}

func newHandler(c *connector) *handler {
	return &handler{c: c, jobs: make(chan job), slots: make(chan struct{}, atOnce), reading: make(chan struct{}, 1), ended: make(chan struct{})}
}

// refuse has requests answered with 503 from now on, those in flight too.
func (h *handler) refuse() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	close(h.ended)
}

// enter counts a request; it must be paired with h.busy.Done.
func (h *handler) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.busy.Add(1)
	}
	return !h.closed
}

// route is how requests come in.
func (h *handler) route(path string) platforms.Route {
	return platforms.Route{Path: path, Body: bodyMost, Verify: h.c.verify, Handler: h}
}

// ServeHTTP takes a request that verify found to be the sender's.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.enter() {
		later(w)
		return
	}
	defer h.busy.Done()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		later(w)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		later(w)
		return
	}
	limit := answerIn
	if h.c.scheme.sender == senderSlack {
		if words, ok := challenge(body); ok {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			_, _ = io.WriteString(w, words)
			return
		}
		limit = slackIn
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	if !h.take(ctx, r.Header, body) {
		later(w)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// later asks the sender to try again.
func later(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, "not now", http.StatusServiceUnavailable)
}

// take has the event of an authentic request stored, and reports whether it is.
func (h *handler) take(ctx context.Context, header http.Header, body []byte) bool {
	select {
	case h.reading <- struct{}{}:
	case <-h.ended:
		return false
	case <-ctx.Done():
		return false
	}
	j := job{ev: convert(h.c.scheme, header, body, h.c.now()), done: make(chan error, 1)}
	<-h.reading
	select {
	case h.jobs <- j:
	case <-h.ended:
		return false
	case <-ctx.Done():
		return false
	}
	select {
	case err := <-j.done:
		return err == nil
	case <-h.ended:
		select { // both may have come at once
		case err := <-j.done:
			return err == nil
		default:
			return false
		}
	case <-ctx.Done():
		return false
	}
}

// challenge is what Slack wants back when the address is entered there. It says
// nothing of anybody, so it is no event.
// https://docs.slack.dev/reference/events/url_verification
func challenge(body []byte) (string, bool) {
	if len(body) > 8<<10 || !bytes.Contains(body, []byte("url_verification")) {
		return "", false
	}
	v, ok := parse(body)
	if !ok || v.get("type").raw(40) != "url_verification" {
		return "", false
	}
	words := v.get("challenge").raw(challengeMost)
	return words, words != "" && !strings.ContainsFunc(words, func(r rune) bool { return r < ' ' || r > '~' })
}
