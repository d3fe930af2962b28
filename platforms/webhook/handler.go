package webhook

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/hook"
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

// handler takes requests and has hook.Queue store what they bring. It answers
// 200 only once that is done. Where it takes too long the answer is an error
// although the event may be stored after it: if it comes again, then under the
// same id.
type handler struct {
	c       *connector
	queue   *hook.Queue
	reading chan struct{} // one body at a time is taken apart, which may take many times its size
	// challenged is told that the address was tried and the challenge answered.
	challenged func()
}

func newHandler(c *connector) *handler {
	return &handler{c: c, queue: hook.New(atOnce), reading: make(chan struct{}, 1), challenged: func() {}}
}

// route is how requests come in.
func (h *handler) route(path string) platforms.Route {
	return platforms.Route{Path: path, Body: bodyMost, Verify: h.c.verify, Handler: h}
}

// ServeHTTP takes a request that verify found to be the sender's.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		hook.Later(w)
		return
	}
	limit := answerIn
	if h.c.scheme.sender == senderSlack {
		if words, ok := challenge(body); ok {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			_, _ = io.WriteString(w, words)
			h.challenged()
			return
		}
		limit = slackIn
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	select {
	case h.reading <- struct{}{}:
	case <-ctx.Done():
		hook.Later(w)
		return
	}
	ev := convert(h.c.scheme, r.Header, body, h.c.now())
	ev.Raw = raw(r, body, h.c.secrets(h.c.now()))
	<-h.reading
	_ = h.queue.Answer(w, r.WithContext(ctx), []platforms.Event{ev}, limit)
}

// Replay is platforms.Replayer's.
func (c *connector) Replay(r *http.Request, body []byte) ([]platforms.Event, error) {
	if len(body) > bodyMost {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The body is larger than 1 MiB. Shorten it."}
	}
	if _, ok := challenge(body); ok && c.scheme.sender == senderSlack {
		return nil, nil
	}
	ev := convert(c.scheme, r.Header, body, c.now())
	ev.Raw = raw(r, body, c.secrets(c.now()))
	return []platforms.Event{ev}, nil
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
