package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// service is a responder that may be down, as an HTTP service may.
type service struct {
	mu   sync.Mutex
	down map[string]bool // by text; "" is all of it
	got  []string
	rest time.Duration
}

func (s *service) Name() string { return "service" }
func (s *service) Acts() bool   { return true }
func (s *service) Respond(_ context.Context, d Delivery) ([]platforms.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down[""] || s.down[d.Event.Text] {
		return nil, &platforms.Error{Kind: platforms.Temporary, RetryAfter: s.rest, Text: "It is down."}
	}
	s.got = append(s.got, d.Event.Text)
	return []platforms.Message{{Text: "took " + d.Event.Text}}, nil
}

func (s *service) set(what string, down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down == nil {
		s.down = map[string]bool{}
	}
	s.down[what] = down
}

func (s *service) texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

// TestRetries: a service that is down gets every event once it is back, in
// order, also after a restart; who else is asked does not wait for it, and
// neither does another conversation.
func TestRetries(t *testing.T) {
	s := &service{rest: 50 * time.Millisecond}
	other := &heard{}
	w := newWorld(t, s, other)
	w.start()
	w.add()
	s.set("", true)
	for i := range 5 {
		w.fake.say("1", fmt.Sprint("a", i), time.Now())
	}
	w.until("the other one has all", func() bool { return len(other.texts()) == 5 })
	w.until("all wait", func() bool {
		r := w.app.Responders()
		return r[0].Waiting == 5 && strings.Contains(r[0].Error, "down")
	})
	w.until("it is shown", func() bool {
		e := w.timeline("1")[0]
		return e.Status == api.Received && strings.Contains(e.Why, "waits to be tried again: It is down.")
	})
	w.stop()
	w.start()
	w.until("all wait still", func() bool { return w.app.Responders()[0].Waiting == 5 })
	w.fake.say("1", "a5", time.Now()) // it must not overtake
	w.until("the other one has it", func() bool { return len(other.texts()) == 6 })
	s.set("a0", true)
	s.set("", false)
	w.fake.say("2", "b0", time.Now())
	w.until("another conversation goes on", func() bool { return slices.Equal(s.texts(), []string{"b0"}) })
	s.set("a0", false)
	w.settled()
	if got := s.texts(); !slices.Equal(got, []string{"b0", "a0", "a1", "a2", "a3", "a4", "a5"}) {
		t.Errorf("got %q", got)
	}
	if got := other.texts(); !slices.Equal(got, []string{"a0", "a1", "a2", "a3", "a4", "a5", "b0"}) {
		t.Errorf("the other one got %q", got)
	}
	w.until("answers are sent", func() bool { return len(w.fake.texts()) == 7 })
	w.until("none waits", func() bool { r := w.app.Responders()[0]; return r.Waiting == 0 && r.Error == "" })
}

// TestGivingUpWhatWaits: a person can let one go, and the next goes on.
func TestGivingUpWhatWaits(t *testing.T) {
	s := &service{rest: 20 * time.Millisecond}
	w := newWorld(t, s)
	w.start()
	w.add()
	s.set("bad", true)
	w.fake.say("1", "bad", time.Now())
	w.fake.say("1", "good", time.Now())
	w.until("both wait", func() bool { return w.app.Responders()[0].Waiting == 2 })
	if err := w.app.Dismiss(t.Context(), w.timeline("1")[0].Seq); err != nil {
		t.Fatal(err)
	}
	w.settled()
	if got := s.texts(); !slices.Equal(got, []string{"good"}) {
		t.Errorf("got %q", got)
	}
	w.until("none waits", func() bool { return w.app.Responders()[0].Waiting == 0 }) // it is noted after the journal has it
}
