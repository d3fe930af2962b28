package webhooktest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/postern/postern/platforms/ingresstest"
)

// How long a service waits for an answer, and for the next attempt, which is
// shorter here than with any.
const (
	answerIn = 10 * time.Second
	again    = 100 * time.Millisecond
)

// Sender is a service with one webhook. Its methods may be called from several
// goroutines.
type Sender struct {
	service Service
	form    Form
	secret  string

	wake   chan struct{}
	ended  chan struct{}
	ending sync.Once
	work   sync.WaitGroup

	mu        sync.Mutex
	transport http.RoundTripper
	url       string
	down      bool
	skew      time.Duration
	queue     []*delivery
	last      *delivery
	acked     []string
	statuses  []int
}

type delivery struct {
	push  Push
	keep  bool // until it is answered well
	noted bool // in acked
}

// New makes a Sender that knows no address yet.
func New(service Service, form Form, secret string) *Sender {
	s := &Sender{service: service, form: form, secret: secret, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	s.work.Go(s.deliverAll)
	return s
}

// Close stops it and waits for its goroutines.
func (s *Sender) Close() {
	s.ending.Do(func() { close(s.ended) })
	s.work.Wait()
}

// Through makes deliveries go through in, to whatever address in hands out, as if
// the person had pasted it.
func (s *Sender) Through(in *ingresstest.Ingress) {
	in.On(func(public string) { s.update(func() { s.url = public }) }, func() { s.update(func() {}) })
	s.update(func() {
		if s.transport = in; in.Loopback() {
			s.transport = &http.Transport{DisableKeepAlives: true}
		}
	})
}

func (s *Sender) update(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Push delivers pushes in order, and tries each again until it is taken.
func (s *Sender) Push(pushes ...Push) {
	s.update(func() {
		for _, p := range pushes {
			s.last = &delivery{push: p, keep: true, noted: true}
			s.queue = append(s.queue, s.last)
		}
	})
}

// Once delivers p once, whatever is answered.
func (s *Sender) Once(p Push) {
	s.update(func() { s.queue = append(s.queue, &delivery{push: p}) })
}

// Redeliver delivers once more what came last by Push, after it.
func (s *Sender) Redeliver() {
	s.update(func() {
		if s.last != nil {
			s.queue = append(s.queue, &delivery{push: s.last.push, keep: true})
		}
	})
}

// Down has nothing delivered until Up.
func (s *Sender) Down() { s.update(func() { s.down = true }) }

// Up ends Down.
func (s *Sender) Up() { s.update(func() { s.down = false }) }

// Skew sets the service's clock this far ahead of the real one, or behind it.
func (s *Sender) Skew(by time.Duration) { s.update(func() { s.skew = by }) }

// Now is the service's time.
func (s *Sender) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.skew)
}

// Acked is the ids of what was taken, of what came by Push.
func (s *Sender) Acked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.acked...)
}

// Statuses is what was answered, oldest first; 0 is no answer.
func (s *Sender) Statuses() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.statuses...)
}

func (s *Sender) deliverAll() {
	for {
		s.mu.Lock()
		var d *delivery
		if len(s.queue) > 0 && !s.down && s.url != "" {
			d = s.queue[0]
		}
		s.mu.Unlock()
		if d != nil && s.deliver(d) {
			continue
		}
		timer := time.NewTimer(again)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-s.ended:
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// deliver tries once and reports whether the next may follow.
func (s *Sender) deliver(d *delivery) bool {
	status := s.Post(Headers(s.service, s.form, d.push, s.Now(), s.secret), d.push.Body)
	good := status/100 == 2
	s.update(func() {
		s.statuses = append(s.statuses, status)
		if !good && d.keep {
			return
		}
		s.queue = s.queue[1:]
		if good && d.noted {
			s.acked = append(s.acked, d.push.ID)
		}
	})
	return good || !d.keep
}

// Post sends one request as it is and gives the status of the answer, 0 for none.
func (s *Sender) Post(h http.Header, body []byte) int {
	status, _ := s.Answer(h, body)
	return status
}

// Answer is Post, with the answer's first bytes.
func (s *Sender) Answer(h http.Header, body []byte) (int, string) {
	s.mu.Lock()
	url, transport := s.url, s.transport
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), answerIn)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	s.work.Go(func() {
		select {
		case <-s.ended:
			cancel()
		case <-stop:
		}
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil || transport == nil {
		return 0, ""
	}
	r.Header = h.Clone()
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return 0, ""
	}
	words, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	_ = resp.Body.Close()
	return resp.StatusCode, string(words)
}
