package line

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/hook"
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

// handler takes LINE's requests and has hook.Queue store what they bring. It
// answers 200 only once all of a request is stored. Where that takes too long
// the answer is an error although the events may be stored after it: LINE then
// delivers them again, under the same ids.
type handler struct {
	c     *connector
	bot   string
	queue *hook.Queue
}

func newHandler(c *connector, bot string) *handler {
	return &handler{c: c, bot: bot, queue: hook.New(atOnce)}
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
	body, err := io.ReadAll(r.Body)
	if err != nil {
		hook.Later(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerIn)
	defer cancel()
	evs, status := h.take(ctx, body)
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	_ = h.queue.Answer(w, r.WithContext(ctx), evs, answerIn)
}

// take is the events of an authentic body, and the status to answer where it has
// none that could be stored.
func (h *handler) take(ctx context.Context, body []byte) (evs []platforms.Event, status int) {
	var got struct {
		Destination string            `json:"destination"`
		Events      []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.Events) > eventsMost {
		h.c.log.WarnContext(ctx, "a signed webhook is not in the documented form")
		return nil, http.StatusBadRequest
	}
	if got.Destination != h.bot {
		h.c.log.WarnContext(ctx, "a webhook is for another bot")
		return nil, http.StatusForbidden
	}
	now := h.c.now()
	for _, raw := range got.Events {
		if ev, ok := h.c.received(raw, now); ok {
			evs = append(evs, ev)
		}
	}
	asking, stop := context.WithTimeout(ctx, namesIn)
	defer stop()
	h.c.introduce(asking, evs)
	return evs, http.StatusOK
}
