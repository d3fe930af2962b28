package hook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/platforms"
)

// sink keeps what it gets; gate, if set, holds up each call.
type sink struct {
	mu    sync.Mutex
	got   [][]platforms.Event
	gate  chan struct{}
	fails error
}

func (s *sink) Event(ctx context.Context, ev platforms.Event) error {
	return s.Events(ctx, []platforms.Event{ev})
}

func (s *sink) Events(_ context.Context, evs []platforms.Event) error {
	if s.gate != nil {
		<-s.gate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		return s.fails
	}
	s.got = append(s.got, evs)
	return nil
}

func (s *sink) State(platforms.State) {}

func event(i int) []platforms.Event {
	return []platforms.Event{{ID: platforms.EventID(fmt.Sprint(i)), Kind: platforms.MessageReceived}}
}

// TestTogether: what comes while something is being stored is stored in one go,
// in the order in which it came.
func TestTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q, s := New(100), &sink{gate: make(chan struct{})}
		ran, taken := make(chan error, 1), 0
		go func() { ran <- q.Run(ctx, s, func() { taken++ }) }()
		errs := make(chan error, 200)
		for i := range 100 {
			go func() { errs <- q.Put(ctx, event(i)) }()
			synctest.Wait()
		}
		if err := q.Put(ctx, event(100)); !errors.Is(err, ErrFull) {
			t.Errorf("one too many: %v", err)
		}
		if len(errs) != 0 {
			t.Fatal("answered before anything was stored")
		}
		for range 3 { // the first, 64 behind it, and the rest
			s.gate <- struct{}{}
			synctest.Wait()
		}
		if len(s.got) != 3 || len(s.got[0]) != 1 || len(s.got[1]) != mostTogether || len(s.got[2]) != 35 || taken != 3 {
			t.Fatalf("%d batches, told %d times", len(s.got), taken)
		}
		n := 0
		for _, b := range s.got {
			for _, ev := range b {
				if ev.ID != event(n)[0].ID {
					t.Fatalf("event %d is %s", n, ev.ID)
				}
				n++
			}
		}
		if len(errs) != 100 {
			t.Fatalf("%d answers", len(errs))
		}
		for range 100 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		cancel()
		if err := <-ran; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// TestFailure: nothing counts as stored that is not.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := errors.New("disk full")
		q, s := New(10), &sink{fails: full, gate: make(chan struct{})}
		ran := make(chan error, 1)
		go func() { ran <- q.Run(t.Context(), s, nil) }()
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { first <- q.Put(t.Context(), event(1)) }()
		synctest.Wait()
		go func() { second <- q.Put(t.Context(), event(2)) }()
		synctest.Wait()
		close(s.gate)
		if err := <-first; !errors.Is(err, full) {
			t.Error(err)
		}
		if err := <-ran; !errors.Is(err, full) {
			t.Error(err)
		}
		q.End() // nobody runs any more: the second must not wait for ever
		if err := <-second; !errors.Is(err, ErrEnded) {
			t.Error(err)
		}
		if err := q.Put(t.Context(), event(3)); !errors.Is(err, ErrEnded) {
			t.Error(err)
		}
		q.End()
	})
}

// TestGone: what its sender no longer waits for is not stored, where that was
// known in time.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := New(10), &sink{}
		gone, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if err := q.Put(gone, event(1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- q.Run(ctx, s, nil) }()
		if err := q.Put(ctx, event(2)); err != nil {
			t.Fatal(err)
		}
		cancel()
		<-ran
		if len(s.got) != 1 || s.got[0][0].ID != "2" {
			t.Errorf("%v", s.got)
		}
	})
}

func TestAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := New(10), &sink{}
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- q.Run(ctx, s, nil) }()
		w := httptest.NewRecorder()
		if err := q.Answer(w, httptest.NewRequest(http.MethodPost, "/", nil), event(1), time.Second); err != nil || w.Code != 200 || len(s.got) != 1 {
			t.Errorf("%v %d", err, w.Code)
		}
		cancel()
		<-ran
		w = httptest.NewRecorder()
		if err := q.Answer(w, httptest.NewRequest(http.MethodPost, "/", nil), event(2), time.Second); !errors.Is(err, context.DeadlineExceeded) || w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("%v %d", err, w.Code)
		}
	})
}
