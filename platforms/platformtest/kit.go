package platformtest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// suite is one run of the suite.
type suite struct {
	h      Harness
	limits platforms.Limits
	heard  *heard
}

// heard is everything that connectors said where a person or a log could see
// it, and the secrets that none of it may hold.
type heard struct {
	mu      sync.Mutex
	text    strings.Builder
	secrets []platforms.Secret
}

// Write is the log's.
func (h *heard) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.text.Write(p)
}

func (h *heard) error(err error) {
	for e := err; e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(h, "%v\n%+v\n", e, e)
	}
	if err != nil {
		fmt.Fprintln(h, platforms.Explain(err))
	}
}

// desk is one account of one server: a World and a connector for it.
type desk struct {
	*World
	t    *testing.T
	s    *suite
	conn platforms.Connector
	most time.Duration

	mayRepeat bool // the test itself has events delivered again

	once  sync.Once
	first platforms.Cursor // for begin
}

// open makes a desk that is closed at the test's end.
func (s *suite) open(t *testing.T) *desk {
	t.Helper()
	d := &desk{World: s.h.New(t), t: t, s: s, most: s.h.Patience}
	if d.most == 0 {
		d.most = patience
	}
	t.Cleanup(d.Close)
	return s.connect(t, d)
}

// calling is open, for a test of what the connector asks of the server.
func (s *suite) calling(t *testing.T) *desk {
	t.Helper()
	if s.h.OnlyHears {
		t.Skip("nothing is asked of the server")
	}
	return s.open(t)
}

// hearing is open, for a test of what comes in.
func (s *suite) hearing(t *testing.T) *desk {
	t.Helper()
	if s.h.OnlySpeaks {
		t.Skip("nothing ever comes in")
	}
	return s.open(t)
}

// asking is calling, for a test of what the connector asks before it sends.
func (s *suite) asking(t *testing.T) *desk {
	t.Helper()
	if s.h.Unasked {
		t.Skip("nothing can be asked of the server")
	}
	return s.calling(t)
}

// connect gives d a connector.
func (s *suite) connect(t *testing.T, d *desk) *desk {
	t.Helper()
	c := d.Config
	c.Account = "account"
	c.Log = slog.New(slog.NewTextHandler(s.heard, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, secret := range c.Secrets {
		s.heard.secrets = append(s.heard.secrets, secret)
	}
	fmt.Fprintf(s.heard, "%v %+v %#v\n", c.Secrets, c, c.Secrets)
	conn, err := s.h.Platform.New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	d.conn = conn
	return d
}

// context ends with the suite's patience.
func (d *desk) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d.most)
	d.t.Cleanup(cancel)
	return ctx
}

// begin is where a first Run starts that must hear what is said before it: the
// empty cursor, or what a Run that heard nothing leaves behind, where a platform
// tells nothing of what was before.
func (d *desk) begin() platforms.Cursor {
	d.t.Helper()
	if !d.s.h.FromNow {
		return ""
	}
	d.once.Do(func() {
		r := d.start(nil, "")
		r.rec.WaitPhase(d.t, platforms.Connected)
		d.first = r.rec.WaitCursor(d.t)
		if err := r.stop(); !errors.Is(err, context.Canceled) {
			d.t.Errorf("Run: %v", err)
		}
	})
	return d.first
}

// run is one Run under way.
type run struct {
	d      *desk
	rec    *Recorder
	cancel context.CancelFunc
	done   chan struct{}
	err    error
	before map[string]bool
	judged bool
}

// start runs the connector from a cursor, into rec, or into a new Recorder.
func (d *desk) start(rec *Recorder, from platforms.Cursor) *run {
	d.t.Helper()
	if rec == nil {
		rec = &Recorder{Patience: d.most}
	}
	rec.Begin()
	ctx, cancel := context.WithCancel(context.Background())
	r := &run{d: d, rec: rec, cancel: cancel, done: make(chan struct{}), before: goroutines(d.s.h.Server)}
	go func() {
		defer close(r.done)
		r.err = d.conn.Run(ctx, from, rec)
		rec.End(r.err)
	}()
	d.t.Cleanup(func() {
		cancel()
		rec.Unblock()
		select {
		case <-r.done:
		case <-time.After(d.most):
			d.t.Errorf("Run still runs %v after it was cancelled", d.most)
			return
		}
		if !r.judged {
			r.judge()
		}
	})
	return r
}

// wait waits for Run to return by itself, and checks what it left.
func (r *run) wait() error {
	r.d.t.Helper()
	select {
	case <-r.done:
	case <-time.After(r.d.most):
		r.d.t.Fatalf("Run did not return within %v", r.d.most)
	}
	if r.err == nil {
		r.d.t.Error("Run returned nil; it may only return with an error")
	}
	r.d.s.heard.error(r.err)
	for _, st := range r.rec.States() {
		fmt.Fprintln(r.d.s.heard, st.Note)
	}
	r.d.noLeaks(r.before)
	r.judge()
	return r.err
}

// judge checks what the Recorder saw.
func (r *run) judge() {
	r.d.t.Helper()
	r.judged = true
	if twice := r.rec.Twice(); len(twice) > 0 && !r.d.mayRepeat && !r.d.s.h.NoCursor && !r.d.s.h.Overlaps {
		r.d.t.Errorf("handed over again although stored: %q", twice)
	}
	for _, ev := range r.rec.Calls() {
		if fault := eventFault(r.d.s.h.Platform.IDs, ev); fault != "" {
			r.d.t.Error(fault)
		}
	}
	for _, f := range r.rec.Faults() { // after what was left has ended: it may have spoken late
		r.d.t.Error(f)
	}
}

// stop cancels Run and waits for it.
func (r *run) stop() error {
	r.d.t.Helper()
	r.cancel()
	return r.wait()
}

// kind fails the test unless err is of that kind, and speaks to a person.
func (d *desk) kind(what string, err error, want platforms.Kind) {
	d.t.Helper()
	d.s.heard.error(err)
	if got := platforms.KindOf(err); got != want {
		d.t.Errorf("%s: kind %q (%v), want %q", what, got, err, want)
		return
	}
	if platforms.Explain(err) == "" {
		d.t.Errorf("%s: the error says nothing", what)
	}
}

// until waits for a condition that has no signal of its own.
func (d *desk) until(what string, ok func() bool) {
	d.t.Helper()
	for end := time.Now().Add(d.most); !ok(); {
		if time.Now().After(end) {
			d.t.Fatalf("waited %v in vain until %s", d.most, what)
		}
		time.Sleep(time.Millisecond)
	}
}

// say has the person write into the direct conversation.
func (d *desk) say(text string) platforms.MessageID {
	return d.Say(Said{Conversation: d.Direct, Text: text})
}

// noLeaks waits for the goroutines that were not there before to end.
func (d *desk) noLeaks(before map[string]bool) {
	d.t.Helper()
	var left []string
	for end := time.Now().Add(d.most); ; {
		left = left[:0]
		for stack := range goroutines(d.s.h.Server) {
			if !before[stack] {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			d.t.Fatalf("%d goroutines are left after Run returned, the first:\n%s", len(left), left[0])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// goroutines is the stacks of those that could be a connector's, by their
// number: not the emulator's, the test's, or the idle connections of the HTTP
// client that the connector was lent.
func goroutines(server string) map[string]bool {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	found := map[string]bool{}
	for i, stack := range strings.Split(string(buf), "\n\n") {
		if i == 0 { // this one
			continue
		}
		foreign := false
		for _, own := range []string{"testing.", "net/http.(*Server)", "net/http.(*conn)", "net/http.(*persistConn)",
			"net/http.(*Transport).dialConn", "internal/singleflight", "runtime.ensureSigM", "platformtest.(*desk).start.func1", "platformtest.(*httpProxy)"} {
			foreign = foreign || strings.Contains(stack, own)
		}
		if foreign || (server != "" && strings.Contains(stack, server)) {
			continue
		}
		head, _, _ := strings.Cut(stack, " [")
		_, body, _ := strings.Cut(stack, "\n")
		found[head+"\n"+body] = true
	}
	return found
}

// secrets searches all that was said for the secrets, in the forms in which
// they could slip out.
func (s *suite) secrets(t *testing.T) {
	s.heard.mu.Lock()
	defer s.heard.mu.Unlock()
	all := s.heard.text.String()
	if all == "" {
		t.Fatal("nothing was heard")
	}
	for _, secret := range s.heard.secrets {
		for _, form := range forms(secret.Reveal()) {
			if i := strings.Index(all, form); i >= 0 {
				around := all[max(0, i-120):i]
				t.Fatalf("a secret was told, after: …%s", around)
			}
		}
	}
}

// forms is how programs write v down, on purpose or not.
func forms(v string) []string {
	all := []string{v, url.QueryEscape(v), url.PathEscape(v), strings.ReplaceAll(v, ":", "%3A"), fmt.Sprintf("%x", v), fmt.Sprintf("%X", v)}
	// In base64 what stands before a secret, as a user's name does before a
	// password, shifts it: three forms, less what its neighbours change.
	for shift := range 3 {
		padded := strings.Repeat("x", shift) + v
		padded = padded[:len(padded)/3*3]
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			all = append(all, enc.EncodeToString([]byte(padded))[(shift+2)/3*4:])
		}
	}
	return all
}
