package linetest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// How long the platform waits for an answer, and for the next attempt, which
// LINE does not tell.
const (
	answerIn = 2 * time.Second
	again    = 150 * time.Millisecond
)

// delivery is an event on its way.
type delivery struct {
	event   map[string]any
	body    []byte // instead of an event; delivered once
	message string
	tried   bool
	batch   []map[string]any // further events in the same request
}

// enqueue is called under the lock.
func (s *Server) enqueue(d *delivery) {
	s.queue = append(s.queue, d)
}

// deliverAll delivers what is queued, in order, until Close.
func (s *Server) deliverAll() {
	for {
		s.mu.Lock()
		var d *delivery
		if len(s.queue) > 0 && !s.down && s.active && s.endpoint != "" {
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
func (s *Server) deliver(d *delivery) bool {
	body := d.body
	if body == nil {
		events := append([]map[string]any{d.event}, d.batch...)
		s.mu.Lock()
		for _, e := range events {
			e["deliveryContext"] = map[string]any{"isRedelivery": d.tried}
		}
		s.mu.Unlock()
		body, _ = json.Marshal(map[string]any{"destination": Bot, "events": events})
	}
	status, _ := s.post(body)
	done := false
	s.update(func() {
		d.tried = true
		if status/100 != 2 {
			s.failed++
		}
		done = status/100 == 2 || d.body != nil || !s.redelivery
		if !done || len(s.queue) == 0 || s.queue[0] != d {
			return
		}
		s.queue = s.queue[1:]
		if status/100 == 2 && d.body == nil {
			s.last = d
			if d.message != "" {
				s.acked = append(s.acked, d.message)
			}
		}
	})
	return done
}

// Sign is a body's signature.
func (s *Server) Sign(body []byte) string {
	mac := hmac.New(sha256.New, []byte(s.secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// post sends one signed webhook; status is 0 if there was no answer.
func (s *Server) post(body []byte) (status int, reason string) {
	s.mu.Lock()
	endpoint, transport := s.endpoint, s.transport
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), answerIn)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-s.ended:
			cancel()
		case <-stop:
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(body))
	if err != nil {
		return 0, "ERROR"
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("User-Agent", "LineBotWebhook/2.0")
	req.Header.Set("X-Line-Signature", s.Sign(body))
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, "COULD_NOT_CONNECT"
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, "ERROR_STATUS_CODE"
	}
	return resp.StatusCode, "OK"
}

// Failed is how many deliveries were not answered with status 200.
func (s *Server) Failed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Verify presses the console's Verify button, which sends no events.
func (s *Server) Verify(ctx context.Context) error {
	if status, reason := s.post([]byte(`{"destination":"` + Bot + `","events":[]}`)); reason != "OK" {
		return fmt.Errorf("linetest: %s, status %d", reason, status)
	}
	return ctx.Err()
}
