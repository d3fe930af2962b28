package platformtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// course is a fault in the middle of a Run.
type course struct {
	name string
	test func(s *suite, t *testing.T, name string)
}

func courses() []course {
	return []course{
		{"cut in the middle of a frame", (*suite).cutFrame},        // Temporary; lost: nothing
		{"half-open", (*suite).halfOpen},                           // Temporary, by itself; lost: nothing
		{"malformed event", (*suite).garbage},                      // passed over, or Temporary; lost: nothing else
		{"unknown event", (*suite).unknown},                        // passed over
		{"out of order", (*suite).outOfOrder},                      // lost: nothing, whatever a restart comes between
		{"delivered twice", (*suite).twice},                        // one id
		{"the clocks differ", (*suite).skewed},                     // lost: nothing
		{"slow to store", (*suite).slow},                           // stays connected; lost: nothing
		{"30 minutes offline", (*suite).offline},                   // lost: what the platform discards
		{"credentials revoked while running", (*suite).unmasked},   // Unauthorized
		{"the same bot again after a crash", (*suite).crashRepeat}, // lost: nothing
	}
}

func (s *suite) cutFrame(t *testing.T, name string) {
	d := s.open(t)
	if d.Cut == nil {
		t.Skip("there is no connection to cut")
	}
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	d.say("before")
	d.texts(rec, "before")
	d.Cut()
	d.kind("Run", r.wait(), platforms.Temporary)
	d.say("while off")
	r = d.start(rec, rec.Cursor())
	d.say("after")
	d.texts(rec, "before", "while off", "after")
	r.stop()
}

func (s *suite) halfOpen(t *testing.T, name string) {
	d := s.open(t)
	if d.Silence == nil {
		t.Skip("nothing is held open")
	}
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	d.say("before")
	d.texts(rec, "before")
	d.Silence()
	d.say("unheard")
	d.kind("Run", r.wait(), platforms.Temporary)
	r = d.start(rec, rec.Cursor())
	d.texts(rec, "before", "unheard")
	r.stop()
}

func (s *suite) garbage(t *testing.T, name string) {
	d := s.open(t)
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	d.say("before")
	d.texts(rec, "before")
	d.Garbage()
	d.say("after")
	for range 3 { // an attempt may end with it, and the next goes on behind it
		d.until("it goes on or ends", func() bool {
			select {
			case <-r.done:
				return true
			default:
				return slices.ContainsFunc(rec.Events(), func(ev platforms.Event) bool { return ev.Text == "after" })
			}
		})
		select {
		case <-r.done:
			d.kind("Run", r.wait(), platforms.Temporary)
			r = d.start(rec, rec.Cursor())
		default:
		}
	}
	d.texts(rec, "before", "after")
	r.stop()
}

func (s *suite) unknown(t *testing.T, name string) {
	d := s.open(t)
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	d.say("before")
	d.Odd()
	d.say("after")
	d.texts(rec, "before", "after")
	d.Odd() // its place must not be taken for another
	d.say("last")
	d.texts(rec, "last")
	r.stop()
	r = d.start(rec, rec.Cursor())
	d.say("again")
	d.texts(rec, "before", "after", "last", "again")
	if err := r.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func (s *suite) outOfOrder(t *testing.T, name string) {
	d := s.open(t)
	if d.Swap == nil {
		t.Skip("the protocol keeps the order")
	}
	rec := &Recorder{Patience: d.most}
	from := d.begin()
	r := d.start(rec, from)
	r.rec.WaitPhase(t, platforms.Connected)
	rec.FailOn(2, nil) // what is said first, and comes second, is refused
	d.Swap(Said{Conversation: d.Direct, Text: "first"}, Said{Conversation: d.Direct, Text: "second"})
	if err := r.wait(); !errors.Is(err, ErrSink) {
		t.Errorf("Run: %v", err)
	}
	r = d.start(rec, rec.at(from))
	d.say("third")
	d.texts(rec, "first", "second", "third")
	r.stop()
}

func (s *suite) twice(t *testing.T, name string) {
	d := s.open(t)
	if d.Redeliver == nil {
		t.Skip("the platform delivers once")
	}
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	d.say("again")
	first := rec.Wait(t, 1)[0]
	d.mayRepeat = true
	d.Redeliver()
	if again := rec.WaitCalls(t, 2)[1]; again.ID != first.ID {
		t.Errorf("%q, was %q", again.ID, first.ID)
	}
	r.stop()
}

func (s *suite) skewed(t *testing.T, name string) {
	for _, by := range []time.Duration{-26 * time.Hour, -3 * time.Minute, 3 * time.Minute, 26 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			d := s.open(t)
			d.Skew(by)
			rec := &Recorder{Patience: d.most}
			r := d.start(rec, d.begin())
			d.say("one")
			d.texts(rec, "one")
			if off := rec.Events()[0].Time.Sub(time.Now().Add(by)).Abs(); off > time.Hour {
				t.Errorf("the event's time is %v off the server's", off)
			}
			r.stop()
			d.say("two")
			r = d.start(rec, rec.Cursor())
			d.say("three")
			d.texts(rec, "one", "two", "three")
			r.stop()
		})
	}
}

func (s *suite) slow(t *testing.T, name string) {
	d := s.open(t)
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	r.rec.WaitPhase(t, platforms.Connected)
	rec.Block()
	d.say("slow")
	rec.WaitCalls(t, 1)
	switch {
	case d.Beats == nil && d.Silence != nil:
		time.Sleep(4 * time.Second) // longer than any patience with the server: it would be taken for silent
	case d.Beats != nil:
		beats := d.Beats()
		d.until("its heart goes on beating", func() bool { return d.Beats() >= beats+3 })
	}
	rec.Unblock()
	d.say("next")
	d.texts(rec, "slow", "next")
	if err := r.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func (s *suite) offline(t *testing.T, name string) {
	d := s.open(t)
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	d.say("before")
	d.texts(rec, "before")
	d.Down()
	if s.h.Platform.Inbound == platforms.Webhook {
		r.cancel() // it hears nothing of it
	}
	r.wait()
	want := []string{"before"}
	for i := range 5 {
		words := fmt.Sprint("missed ", i)
		d.say(words)
		d.Advance(6 * time.Minute)
		if s.h.Discards[name] == "" {
			want = append(want, words)
		}
	}
	d.Up()
	r = d.start(rec, rec.Cursor())
	r.rec.WaitPhase(t, platforms.Connected)
	d.say("after")
	d.texts(rec, append(want, "after")...)
	var order []string
	for _, ev := range rec.Events() {
		if strings.HasPrefix(ev.Text, "missed") {
			order = append(order, ev.Text)
		}
	}
	if !slices.IsSorted(order) {
		t.Errorf("what was missed came in the order %q", order)
	}
	r.stop()
}

func (s *suite) unmasked(t *testing.T, name string) {
	d := s.open(t)
	if d.Disconnect == nil {
		t.Skip("it shows when something is sent")
	}
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	d.say("before")
	d.texts(rec, "before")
	d.Revoke()
	d.Disconnect()
	err := r.wait()
	if platforms.KindOf(err) == platforms.Temporary {
		err = d.start(rec, rec.Cursor()).wait()
	}
	d.kind("Run", err, platforms.Unauthorized)
}

// crashRepeat ends Run after every single event, with more waiting.
func (s *suite) crashRepeat(t *testing.T, name string) {
	d := s.open(t)
	from := d.begin()
	rec := &Recorder{Patience: d.most}
	var want []string
	for i := range 12 {
		words := fmt.Sprint("m", i)
		want = append(want, words)
		d.say(words)
	}
	for i := range 5 {
		rec.FailOn(2, nil)
		r := d.start(rec, rec.at(from))
		if err := r.wait(); !errors.Is(err, ErrSink) {
			t.Fatalf("Run %d: %v", i, err)
		}
	}
	r := d.start(rec, rec.at(from))
	d.texts(rec, want...)
	r.stop()
}
