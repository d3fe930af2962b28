package platformtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// ErrSink is what a Recorder fails with when it is told to.
var ErrSink = errors.New("the test's sink refuses this event")

// patience is how long to wait for what must happen.
const patience = 10 * time.Second

// Recorder is a platforms.Sink that remembers. The zero value stores all that
// comes.
type Recorder struct {
	// Patience is how long the Wait functions wait; zero means ten seconds.
	Patience time.Duration

	// OnEvent, if set, decides about an event instead of FailOn: nil stores it.
	// It is called outside the Recorder's lock.
	OnEvent func(ctx context.Context, ev platforms.Event) error

	mu      sync.Mutex
	changed chan struct{} // closed at the next change
	calls   []platforms.Event
	stored  []platforms.Event
	cursor  platforms.Cursor
	states  []platforms.State
	failing map[int]error
	blocked chan struct{} // closed by Unblock; nil: not blocked
	inside  int
	twice   []platforms.EventID // stored, and handed over again
	ended   bool
	left    error // with which Run ended
	faults  []string
}

// Event is platforms.Sink's.
func (r *Recorder) Event(ctx context.Context, ev platforms.Event) error {
	r.mu.Lock()
	if r.ended {
		r.faults = append(r.faults, fmt.Sprintf("Event %q came after Run had returned", ev.ID))
	}
	if r.inside++; r.inside > 1 {
		r.faults = append(r.faults, fmt.Sprintf("Event %q came while another call was running", ev.ID))
	}
	if ev.Kind == "" { // nothing that a test could have said
		r.inside--
		if ev.Cursor != "" {
			r.cursor = ev.Cursor
		}
		r.signal()
		r.mu.Unlock()
		return nil
	}
	r.calls = append(r.calls, ev)
	err := r.failing[len(r.calls)]
	blocked := r.blocked
	r.signal()
	r.mu.Unlock()

	if blocked != nil {
		select {
		case <-blocked:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err == nil && r.OnEvent != nil {
		err = r.OnEvent(ctx, ev)
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	r.inside--
	if err == nil {
		r.store(ev)
		if ev.Cursor != "" {
			r.cursor = ev.Cursor
		}
	}
	r.signal()
	return err
}

// State is platforms.Sink's.
func (r *Recorder) State(s platforms.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		r.faults = append(r.faults, "State came after Run had returned")
	}
	r.states = append(r.states, s)
	r.signal()
}

func (r *Recorder) signal() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// store keeps ev unless one of its id is stored, as a program's inbox does.
func (r *Recorder) store(ev platforms.Event) {
	if slices.ContainsFunc(r.stored, func(s platforms.Event) bool { return s.ID == ev.ID }) {
		r.twice = append(r.twice, ev.ID)
		return
	}
	r.stored = append(r.stored, ev)
}

// FailOn makes the nth call of Event from now on, counted from 1, return err;
// nil stands for ErrSink.
func (r *Recorder) FailOn(n int, err error) {
	if err == nil {
		err = ErrSink
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failing == nil {
		r.failing = map[int]error{}
	}
	r.failing[len(r.calls)+n] = err
}

// Block makes Event wait until Unblock, or until its context ends, whose error
// it returns then.
func (r *Recorder) Block() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.blocked == nil {
		r.blocked = make(chan struct{})
	}
}

// Unblock undoes Block.
func (r *Recorder) Unblock() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.blocked != nil {
		close(r.blocked)
		r.blocked = nil
	}
}

// End tells the Recorder that Run has returned, and with what: what comes later
// is a fault.
func (r *Recorder) End(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.left = true, err
	r.signal()
}

// Twice is the ids of events that were handed over again although they were
// stored.
func (r *Recorder) Twice() []platforms.EventID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.twice)
}

// Begin undoes End, for the next Run with the same Recorder.
func (r *Recorder) Begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = false
}

// Faults is which rules of Sink were broken: calls at the same time, or after
// End.
func (r *Recorder) Faults() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.faults)
}

// Events is the events that were stored, without those that carry a cursor only.
func (r *Recorder) Events() []platforms.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.stored)
}

// Calls is all events that Event was called with, refused ones and repeated
// ones included, without those that carry a cursor only.
func (r *Recorder) Calls() []platforms.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// States is what State was called with.
func (r *Recorder) States() []platforms.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.states)
}

// at is where the next Run resumes: the last stored cursor, or from where none
// was stored.
func (r *Recorder) at(from platforms.Cursor) platforms.Cursor {
	if c := r.Cursor(); c != "" {
		return c
	}
	return from
}

// WaitCursor waits until a cursor is stored, and returns the last one.
func (r *Recorder) WaitCursor(t testing.TB) platforms.Cursor {
	t.Helper()
	r.until(t, "a cursor", func() bool { return r.cursor != "" })
	return r.Cursor()
}

// Cursor is where the next Run resumes: the last stored cursor.
func (r *Recorder) Cursor() platforms.Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cursor
}

// Wait waits until n events are stored and returns all that are; it fails the
// test when they don't come.
func (r *Recorder) Wait(t testing.TB, n int) []platforms.Event {
	t.Helper()
	r.until(t, fmt.Sprintf("%d events stored", n), func() bool { return len(r.stored) >= n })
	return r.Events()
}

// WaitCalls waits until Event was called n times.
func (r *Recorder) WaitCalls(t testing.TB, n int) []platforms.Event {
	t.Helper()
	r.until(t, fmt.Sprintf("%d calls of Event", n), func() bool { return len(r.calls) >= n })
	return r.Calls()
}

// WaitPhase waits until the last State reported is of this phase.
func (r *Recorder) WaitPhase(t testing.TB, p platforms.Phase) {
	t.Helper()
	names := map[platforms.Phase]string{platforms.Connecting: "Connecting", platforms.Connected: "Connected", platforms.Degraded: "Degraded"}
	r.until(t, "the state "+names[p], func() bool {
		return len(r.states) > 0 && r.states[len(r.states)-1].Phase == p
	})
}

// until waits for a condition on the Recorder's fields, called under its lock.
func (r *Recorder) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	most := r.Patience
	if most == 0 {
		most = patience
	}
	timeout := time.NewTimer(most)
	defer timeout.Stop()
	for {
		r.mu.Lock()
		done := ok()
		if !done && r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed, calls, stored := r.changed, len(r.calls), len(r.stored)
		ended, left := r.ended, r.left
		r.mu.Unlock()
		if done {
			return
		}
		if ended {
			t.Fatalf("Run returned while waiting for %s: %v; Event was called %d times, %d events are stored", what, left, calls, stored)
		}
		select {
		case <-changed:
		case <-timeout.C:
			t.Fatalf("waited %v in vain for %s; Event was called %d times, %d events are stored", most, what, calls, stored)
		}
	}
}
