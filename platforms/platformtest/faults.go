package platformtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// Faults runs the table of faults: whatever a network and a server do to a
// connection, nothing that was said is lost, the error says what to do next,
// and what the connector tells of itself is true.
//
// The rows are below. "Lights" is platforms.State's Hears: dark means that no
// attempt that failed claimed to hear, lit that the one after it did. What a
// platform itself discards is in Harness.Discards.
func Faults(t *testing.T, h Harness) {
	s := &suite{h: h, limits: h.Platform.Limits, heard: &heard{}}
	for _, row := range handshakes() {
		t.Run("stream/"+row.name, func(t *testing.T) { s.handshake(t, row) })
	}
	for _, row := range calls() {
		t.Run("send/"+row.name, func(t *testing.T) { s.call(t, row) })
	}
	for _, row := range courses() {
		t.Run("running/"+row.name, func(t *testing.T) { row.test(s, t, row.name) })
	}
	t.Run("no secret is told", s.secrets)
}

// row is a refusal, and the kinds of error that are right for it.
type row struct {
	name  string
	fault Fault
	times int
	kinds []platforms.Kind
}

// handshakes is what can happen to the attempt to get events. Run returns the
// kind; lights: dark; lost: nothing.
//
// A refusal that could be a proxy's or a broken server's may be Temporary: an
// account must not stop for good because of somebody's error page.
func handshakes() []row {
	const (
		temporary, unauthorized, limited = platforms.Temporary, platforms.Unauthorized, platforms.RateLimited
		rejected, conflict               = platforms.Rejected, platforms.Conflict
	)
	return []row{
		{"401", Fault{Kind: Status, Code: http.StatusUnauthorized}, 1, kinds(unauthorized)},
		{"403", Fault{Kind: Status, Code: http.StatusForbidden}, 1, kinds(unauthorized, rejected, temporary)},
		{"404", Fault{Kind: Status, Code: http.StatusNotFound}, 1, kinds(unauthorized, rejected, temporary)},
		{"409", Fault{Kind: Status, Code: http.StatusConflict}, 1, kinds(conflict, temporary)},
		{"429 with a time", Fault{Kind: Limited, RetryAfter: 7 * time.Second}, 1, kinds(limited)},
		{"429 without a time", Fault{Kind: Limited}, 1, kinds(limited, temporary)},
		{"500, five times", Fault{Kind: ServerError}, 5, kinds(temporary)},
		{"503", Fault{Kind: Status, Code: http.StatusServiceUnavailable}, 1, kinds(temporary)},
		{"malformed answer", Fault{Kind: Malformed}, 1, kinds(temporary)},
		{"answer lost", Fault{Kind: Lost}, 1, kinds(temporary)},
	}
}

// calls is what can happen to Send, which returns the kind. Afterwards the same
// message goes through; with Status and Limited the server has it once.
func calls() []row {
	rows := handshakes()
	for i := range rows {
		if rows[i].name == "403" || rows[i].name == "404" {
			rows[i].kinds = kinds(platforms.Rejected, platforms.Unauthorized, platforms.Temporary)
		}
		if rows[i].name == "409" {
			rows[i].kinds = kinds(platforms.Conflict, platforms.Temporary, platforms.Rejected)
		}
	}
	return rows
}

func kinds(k ...platforms.Kind) []platforms.Kind { return k }

func (d *desk) kindOf(what string, err error, of []platforms.Kind) {
	d.t.Helper()
	if !slices.Contains(of, platforms.KindOf(err)) {
		d.t.Errorf("%s: kind %q, want one of %q", what, platforms.KindOf(err), of)
	}
	d.kind(what, err, platforms.KindOf(err))
}

func (s *suite) handshake(t *testing.T, row row) {
	d := s.open(t)
	if d.FailStream == nil {
		t.Skip("nothing is asked of the server")
	}
	from := d.begin()
	d.say("kept")
	rec := &Recorder{Patience: d.most}
	for range row.times {
		d.FailStream(row.fault)
		err := d.start(rec, rec.at(from)).wait()
		d.kindOf("Run", err, row.kinds)
		var e *platforms.Error
		if row.fault.RetryAfter > 0 && (!errors.As(err, &e) || e.RetryAfter != row.fault.RetryAfter) {
			t.Errorf("retry after %+v, want %v", e, row.fault.RetryAfter)
		}
		if slices.ContainsFunc(rec.States(), func(st platforms.State) bool { return st.Hears }) && len(rec.Events()) == 0 {
			t.Error("it says that it hears, and it can't")
		}
	}
	r := d.start(rec, rec.at(from))
	d.texts(rec, "kept")
	d.until("the light is lit", func() bool {
		return slices.ContainsFunc(rec.States(), func(st platforms.State) bool { return st.Hears })
	})
	r.stop()
}

func (s *suite) call(t *testing.T, row row) {
	d := s.open(t)
	m := platforms.Message{Key: "k", Conversation: d.Direct, Text: "x"}
	for range row.times {
		d.FailCall(row.fault)
		_, err := d.conn.Send(d.context(), m)
		if err == nil {
			t.Fatal("Send says that it is delivered")
		}
		d.kindOf("Send", err, row.kinds)
	}
	id, err := d.conn.Send(d.context(), m)
	if err != nil || id == "" {
		t.Fatalf("the next Send: %q, %v", id, err)
	}
	if n := len(d.Sent()); n != 1 && !(row.fault.Kind == Lost && !s.h.Idempotent) && row.fault.Kind != Malformed {
		t.Errorf("the server has %d messages, want 1", n)
	}
}

// texts waits until these texts are stored, in any order, each once.
func (d *desk) texts(rec *Recorder, want ...string) {
	d.t.Helper()
	got := func() (out []string) {
		for _, ev := range rec.Events() {
			out = append(out, ev.Text)
		}
		return out
	}
	missing := func() (out []string) {
		have := got()
		for _, w := range want {
			if !slices.Contains(have, w) {
				out = append(out, w)
			}
		}
		return out
	}
	for end := time.Now().Add(d.most); len(missing()) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			d.t.Fatalf("lost: %q; stored: %q", missing(), got())
		}
	}
	seen := map[platforms.EventID]bool{}
	for _, ev := range rec.Events() {
		if seen[ev.ID] && ev.Cursor == "" {
			d.t.Errorf("%q is stored twice", ev.Text)
		}
		seen[ev.ID] = true
	}
}

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
	if d.Beats != nil {
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
