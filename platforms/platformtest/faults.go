package platformtest

import (
	"errors"
	"net/http"
	"slices"
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
		if h.OnlyHears {
			break
		}
		t.Run("send/"+row.name, func(t *testing.T) { s.call(t, row) })
	}
	for _, row := range courses() {
		if h.OnlySpeaks {
			break
		}
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
	seen := map[string]bool{}
	for _, ev := range rec.Events() { // an id differs, or the Recorder would not have stored it
		if seen[ev.Text] {
			d.t.Errorf("%q is stored twice, under different ids", ev.Text)
		}
		seen[ev.Text] = true
	}
}
