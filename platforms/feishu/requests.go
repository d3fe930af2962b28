package feishu

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"
	"github.com/postern/postern/platforms"
)

const (
	// answerIn is how long a request waits to be stored: the platform waits for
	// 3 seconds.
	answerIn    = 2500 * time.Millisecond
	answerGrace = 300 * time.Millisecond // for what is stored and waits for words
	// atOnce is how many requests wait at a time. More stay with the platform.
	atOnce = 64
)

// requests takes the platform's requests during one Run, and hands what they
// bring to it. A request is answered with 200 once its event is stored. Where
// that takes too long the answer is 503, although it may be stored yet: then it
// comes again, under the same id.
type requests struct {
	c       *connector
	s       *session
	packets chan packet
	slots   chan struct{}
	ended   chan struct{}
}

func newRequests(c *connector) *requests {
	return &requests{c: c, s: &session{wake: make(chan struct{}, 1), held: map[string]heldClick{}},
		packets: make(chan packet), slots: make(chan struct{}, atOnce), ended: make(chan struct{})}
}

// ServeHTTP takes a request that was found to be the platform's.
func (q *requests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		busy(w)
		return
	}
	got, err := q.c.hook.open(body, time.Now())
	if err != nil { // the key ended between the two
		http.Error(w, "not now", http.StatusForbidden)
		return
	}
	q.c.hook.heard.Store(true)
	switch {
	case got.challenges():
		b, _ := json.Marshal(map[string]string{"challenge": got.Challenge}) // of strings
		say(w, b)
	case got.Header == nil || got.Header.Type == "": // of an older kind, which is not converted
		say(w, nil)
	case got.Header.App != "" && got.Header.App != q.c.hook.app:
		http.Error(w, "another app's", http.StatusForbidden)
	default:
		q.take(w, r, got.plain)
	}
}

// take has an event stored.
func (q *requests) take(w http.ResponseWriter, r *http.Request, payload []byte) {
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	default:
		busy(w)
		return
	}
	late := time.NewTimer(answerIn)
	defer late.Stop()
	answer := make(chan []byte, 1)
	select {
	case q.packets <- packet{kind: string(larkws.MessageTypeEvent), payload: payload, came: time.Now(), answer: answer, request: platforms.RequestOf(r.Context())}:
	case <-q.ended:
		busy(w)
		return
	case <-late.C:
		busy(w)
		return
	case <-r.Context().Done():
		return
	}
	select {
	case b := <-answer:
		say(w, b)
		return
	case <-q.ended:
	case <-late.C:
	case <-r.Context().Done():
	}
	select { // both may have come at once
	case b := <-answer:
		say(w, b)
	default:
		busy(w)
	}
}

func say(w http.ResponseWriter, answer []byte) {
	if answer == nil {
		answer = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(answer)
}

// busy makes the platform try again.
func busy(w http.ResponseWriter) { http.Error(w, "not now", http.StatusServiceUnavailable) }
