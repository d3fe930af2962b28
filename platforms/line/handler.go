package line

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// Bounds of a request. LINE counts a webhook as failed that is not answered
// within 2 seconds, https://developers.line.biz/en/docs/messaging-api/check-webhook-error-statistics/.
const (
	bodyMost    = 1 << 20
	answerIn    = 1800 * time.Millisecond
	namesIn     = 900 * time.Millisecond // of that, for asking who wrote
	atOnce      = 64                     // requests
	eventsMost  = 1000
	signatureIn = "X-Line-Signature"
)

// job is what one request brought, and where to tell whether it was stored.
type job struct {
	evs  []platforms.Event
	done chan error // has room for one
}

// handler takes LINE's requests and hands what they bring to Run, one after the
// other. It answers 200 only once all of a request is stored. Where that takes
// too long the answer is an error although the events may be stored after it:
// LINE then delivers them again, under the same ids.
type handler struct {
	c     *connector
	bot   string
	jobs  chan job
	slots chan struct{}
	ended chan struct{}

	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup
}

func newHandler(c *connector, bot string) *handler {
	return &handler{c: c, bot: bot, jobs: make(chan job), slots: make(chan struct{}, atOnce), ended: make(chan struct{})}
}

// end refuses further requests and waits for those in flight.
func (h *handler) end() {
	h.mu.Lock()
	h.closed = true
	close(h.ended)
	h.mu.Unlock()
	h.busy.Wait()
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

// route is how LINE's requests come in.
func (h *handler) route(path string) platforms.Route {
	return platforms.Route{Path: path, Body: bodyMost, Verify: h.c.verify, Handler: h}
}

// verify is platforms.Route's: the whole body is signed, without a time, and
// every event in it has an id that the journal knows again.
// https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/
func (c *connector) verify(r *http.Request, body []byte, now time.Time) error {
	given := r.Header[signatureIn]
	if len(given) != 1 {
		return platforms.ErrUnsigned
	}
	signature, err := base64.StdEncoding.DecodeString(given[0])
	if err != nil || len(signature) != sha256.Size {
		return platforms.ErrSignature
	}
	for _, secret := range c.secrets(now) {
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		mac.Write(body)
		if hmac.Equal(signature, mac.Sum(nil)) {
			return nil
		}
	}
	return platforms.ErrSignature
}

// ServeHTTP takes a request that verify found to be LINE's.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.enter() {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	defer h.busy.Done()
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(h.take(r.Context(), body))
}

// take has the events of an authentic body stored, and gives the status to
// answer.
func (h *handler) take(ctx context.Context, body []byte) int {
	var got struct {
		Destination string            `json:"destination"`
		Events      []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.Events) > eventsMost {
		h.c.log.WarnContext(ctx, "a signed webhook is not in the documented form")
		return http.StatusBadRequest
	}
	if got.Destination != h.bot {
		h.c.log.WarnContext(ctx, "a webhook is for another bot")
		return http.StatusForbidden
	}
	limited, cancel := context.WithTimeout(ctx, answerIn)
	defer cancel()
	j := job{done: make(chan error, 1)}
	now := h.c.now()
	for _, raw := range got.Events {
		if ev, ok := h.c.received(raw, now); ok {
			j.evs = append(j.evs, ev)
		}
	}
	asking, stop := context.WithTimeout(limited, namesIn)
	h.c.introduce(asking, j.evs)
	stop()
	select {
	case h.jobs <- j:
	case <-h.ended:
		return http.StatusServiceUnavailable
	case <-limited.Done():
		return http.StatusServiceUnavailable
	}
	select {
	case err := <-j.done:
		if err == nil {
			return http.StatusOK
		}
	case <-h.ended:
		select { // both may have come at once
		case err := <-j.done:
			if err == nil {
				return http.StatusOK
			}
		default:
		}
	case <-limited.Done():
	}
	return http.StatusServiceUnavailable
}
