package telegram_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/telegram"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

const token = "4242424242:AAF-secret_secret_secret_secret_1234"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is an emulator and a connector that talks to it.
type stage struct {
	*telegramtest.Server
	conn platforms.Connector
	log  *bytes.Buffer
}

func newStage(t *testing.T) *stage {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return newStageWith(t, &http.Client{Transport: transport})
}

func newStageWith(t *testing.T, client *http.Client) *stage {
	t.Helper()
	server, err := telegramtest.New(token)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Server: server, log: new(bytes.Buffer)}
	s.conn, err = telegram.Platform().New(platforms.Config{
		Account:  "t",
		Settings: map[string]string{"server": server.URL()},
		Secrets:  map[string]platforms.Secret{"token": platforms.NewSecret(token)},
		HTTP:     client,
		Log:      slog.New(slog.NewTextHandler(s.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return s
}

// run starts the connector; stop ends it and gives Run's error.
func (s *stage) run(t *testing.T, from platforms.Cursor, sink platforms.Sink) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.conn.Run(ctx, from, sink) }()
	var err error
	stopped := false
	stop = func() error {
		if !stopped {
			stopped = true
			cancel()
			err = <-done
		}
		return err
	}
	t.Cleanup(func() { _ = stop() })
	return stop
}

// runOut runs the connector until it ends by itself.
func (s *stage) runOut(t *testing.T, from platforms.Cursor, sink platforms.Sink) error {
	t.Helper()
	return s.conn.Run(soon(t), from, sink)
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wants fails unless err is of the kind and its sentence says words.
func wants(t *testing.T, err error, kind platforms.Kind, words string) *platforms.Error {
	t.Helper()
	var e *platforms.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Text, words) {
		t.Fatalf("got %v (%q), want one of kind %q that says %q", err, platforms.KindOf(err), kind, words)
	}
	return e
}

func TestRunAcknowledgesOnlyWhatIsStored(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	for i := range 3 {
		s.Say(telegramtest.Direct, telegramtest.Person, "m"+strconv.Itoa(i))
	}
	rec.FailOn(3, nil)
	err := s.runOut(t, "", &rec)
	if !errors.Is(err, platformtest.ErrSink) {
		t.Fatalf("Run gave %v, want the sink's error", err)
	}
	if s.Acked() != 0 || s.Pending() != 3 {
		t.Fatalf("update %d is acknowledged, %d wait; the third was not stored", s.Acked(), s.Pending())
	}

	rec.Block()
	stop := s.run(t, rec.Cursor(), &rec)
	rec.WaitCalls(t, 4)
	if s.Pending() != 1 { // the first two were stored, and the next poll says so
		t.Errorf("%d updates wait, want 1", s.Pending())
	}
	rec.Unblock()
	rec.Wait(t, 3)
	must(t, s.WaitAcked(soon(t)))
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run gave %v after cancel", err)
	}
	var texts []string
	for _, ev := range rec.Events() {
		texts = append(texts, ev.Text)
	}
	if !slices.Equal(texts, []string{"m0", "m1", "m2"}) {
		t.Errorf("stored %q", texts)
	}
}

// batcher refuses whole batches.
type batcher struct {
	platformtest.Recorder
	sizes  []int
	refuse bool
}

func (b *batcher) Events(ctx context.Context, evs []platforms.Event) error {
	b.sizes = append(b.sizes, len(evs))
	if b.refuse {
		return platformtest.ErrSink
	}
	for _, ev := range evs {
		if err := b.Event(ctx, ev); err != nil {
			return err
		}
	}
	return nil
}

func TestRunHandsOverAWholeAnswer(t *testing.T) {
	s := newStage(t)
	for i := range 150 {
		s.Say(telegramtest.Direct, telegramtest.Person, strconv.Itoa(i))
	}
	b := &batcher{refuse: true}
	if err := s.runOut(t, "", b); !errors.Is(err, platformtest.ErrSink) || s.Acked() != 0 {
		t.Fatalf("Run gave %v, and %d is acknowledged", err, s.Acked())
	}
	b.refuse = false
	stop := s.run(t, "", b)
	b.Wait(t, 150)
	must(t, s.WaitAcked(soon(t)))
	_ = stop()
	if !slices.Equal(b.sizes, []int{100, 100, 50}) {
		t.Errorf("batches of %v, want one refused of 100, then 100 and 50", b.sizes)
	}
}

func TestRunGoesOnAfterNonsense(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	s.Deliver("message", json.RawMessage(`{"message_id":"not a number","chat":{"id":5,"type":"private"},"date":1}`))
	s.Deliver("telepathy", json.RawMessage(`{"thought":1}`))
	s.Deliver("message", json.RawMessage(`"not even an object"`))
	s.Say(telegramtest.Direct, telegramtest.Person, "after")
	s.run(t, "", &rec)
	evs := rec.Wait(t, 3)
	must(t, s.WaitAcked(soon(t)))
	if evs[0].Note != "could not be read" || evs[0].Conversation.ID != "5" || evs[1].Note != "could not be read" || evs[2].Text != "after" {
		t.Errorf("got %+v", evs)
	}
}

func TestRunFollowsNewNumbers(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	s.Say(telegramtest.Direct, telegramtest.Person, "before")
	s.run(t, "", &rec)
	rec.Wait(t, 1)
	must(t, s.WaitAcked(soon(t)))
	s.Renumber(1000) // as after a week of silence
	s.Say(telegramtest.Direct, telegramtest.Person, "after")
	s.Redeliver() // whatever the offset
	evs := rec.Wait(t, 2)
	if evs[1].Text != "after" || rec.Cursor() != "1000" {
		t.Errorf("got %q at %q", evs[1].Text, rec.Cursor())
	}
	must(t, s.WaitAcked(soon(t)))
	calls := s.Calls()
	if last := calls[len(calls)-1].Params["offset"]; last != "1001" {
		t.Errorf("the next poll's offset is %s, want 1001: by the old one they would be skipped", last)
	}
}

func TestRunReportsStates(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	s.run(t, "", &rec)
	must(t, s.WaitPolling(soon(t)))
	rec.WaitPhase(t, platforms.Connected)
	states := rec.States()
	if states[0].Phase != platforms.Connecting || states[0].Hears {
		t.Errorf("first state %+v", states[0])
	}
	if last := states[len(states)-1]; !last.Hears {
		t.Errorf("an answered poll did not prove hearing: %+v", last)
	}
}

func TestRunErrors(t *testing.T) {
	tests := []struct {
		name string
		harm func(*stage)
		kind platforms.Kind
		says string
	}{
		{"revoked", func(s *stage) { s.Revoke() }, platforms.Unauthorized, "/token"},
		{"another poller", func(s *stage) { s.SetRival(true) }, platforms.Conflict, "Another program"},
		{"webhook", func(s *stage) { s.SetWebhook("https://example.org/hook", "") }, platforms.Conflict, "webhook"},
		{"server error", func(s *stage) { s.SetFault("getUpdates", telegramtest.Fault{Code: 502}) }, platforms.Temporary, "fault"},
		{"malformed", func(s *stage) { s.SetFault("getUpdates", telegramtest.Fault{Kind: telegramtest.Malformed}) }, platforms.Temporary, "understood"},
		{"sign-in page", func(s *stage) { s.SetFault("getUpdates", telegramtest.Fault{Kind: telegramtest.Garbage}) }, platforms.Temporary, "not Telegram"},
		{"cut", func(s *stage) { s.SetFault("getUpdates", telegramtest.Fault{Kind: telegramtest.Cut}) }, platforms.Temporary, "broke off"},
		{"bad request", func(s *stage) { s.SetFault("getUpdates", telegramtest.Fault{Code: 400}) }, platforms.Temporary, "hand out"},
		{"down", func(s *stage) { s.Down() }, platforms.Temporary, "the server 127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStage(t)
			tt.harm(s)
			var rec platformtest.Recorder
			wants(t, s.runOut(t, "", &rec), tt.kind, tt.says)
		})
	}
	t.Run("rate limit", func(t *testing.T) {
		s := newStage(t)
		s.SetFault("getUpdates", telegramtest.Fault{Code: 429, RetryAfter: 7})
		var rec platformtest.Recorder
		if e := wants(t, s.runOut(t, "", &rec), platforms.RateLimited, "slowly"); e.RetryAfter != 7*time.Second {
			t.Errorf("wait %v, want 7 s", e.RetryAfter)
		}
	})
	t.Run("a second poller takes over", func(t *testing.T) {
		s := newStage(t)
		var rec, rec2 platformtest.Recorder
		done := make(chan error, 1)
		go func() { done <- s.conn.Run(soon(t), "", &rec) }()
		must(t, s.WaitPolling(soon(t)))
		s.run(t, "", &rec2)
		wants(t, <-done, platforms.Conflict, "Another program")
	})
	t.Run("damaged cursor", func(t *testing.T) {
		s := newStage(t)
		var rec platformtest.Recorder
		wants(t, s.runOut(t, "x", &rec), platforms.Rejected, "damaged")
	})
	t.Run("poll cut while it waits", func(t *testing.T) {
		s := newStage(t)
		var rec platformtest.Recorder
		done := make(chan error, 1)
		go func() { done <- s.conn.Run(soon(t), "", &rec) }()
		must(t, s.WaitPolling(soon(t)))
		s.Disconnect()
		wants(t, <-done, platforms.Temporary, "broke off")
	})
}

func TestRunAsksForWhatItConverts(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	s.run(t, "41", &rec)
	must(t, s.WaitCalls(soon(t), "getUpdates", 2))
	var polls []telegramtest.Call
	for _, c := range s.Calls() {
		if c.Method == "getUpdates" {
			polls = append(polls, c)
		}
	}
	if p := polls[0].Params; p["offset"] != "42" || p["timeout"] != "0" || p["limit"] != "100" {
		t.Errorf("first poll %v", p)
	}
	if p := polls[1].Params; p["timeout"] != "50" || !strings.Contains(p["allowed_updates"], "my_chat_member") {
		t.Errorf("second poll %v", p)
	}
}

func TestCheck(t *testing.T) {
	t.Run("all is well", func(t *testing.T) {
		s := newStage(t)
		id, err := s.conn.Check(t.Context())
		must(t, err)
		want := platforms.Identity{ID: "4242424242", Name: "Postern", Handle: "@postern_test_bot", Link: "https://t.me/postern_test_bot"}
		if id.ID != want.ID || id.Name != want.Name || id.Handle != want.Handle || id.Link != want.Link || len(id.Problems) != 0 {
			t.Errorf("got %+v", id)
		}
	})
	t.Run("a webhook is found and removed, with nothing lost", func(t *testing.T) {
		s := newStage(t)
		s.Say(telegramtest.Direct, telegramtest.Person, "waits")
		s.SetWebhook("https://example.org/hook", "Connection refused")
		id, err := s.conn.Check(t.Context())
		must(t, err)
		if len(id.Problems) != 1 || id.Problems[0].Fix == "" || !id.Problems[0].Bad {
			t.Fatalf("got %+v", id.Problems)
		}
		b, err := s.conn.(platforms.Prober).Probe(t.Context(), "")
		must(t, err)
		if b.Waiting != 1 || !strings.Contains(b.Note, "webhook") {
			t.Errorf("probe gave %+v", b)
		}
		must(t, s.conn.(platforms.Fixer).Fix(t.Context(), id.Problems[0].Code))
		if id, err = s.conn.Check(t.Context()); err != nil || len(id.Problems) != 0 || s.Pending() != 1 {
			t.Errorf("after the fix: %+v, %v, %d wait", id.Problems, err, s.Pending())
		}
	})
	t.Run("privacy mode is a mild problem", func(t *testing.T) {
		s := newStage(t)
		s.SetPrivacy(true)
		id, err := s.conn.Check(t.Context())
		must(t, err)
		if len(id.Problems) != 1 || id.Problems[0].Bad || id.Problems[0].Fix != "" {
			t.Errorf("got %+v", id.Problems)
		}
	})
	t.Run("an unknown problem can't be fixed", func(t *testing.T) {
		wants(t, newStage(t).conn.(platforms.Fixer).Fix(t.Context(), "x"), platforms.Unsupported, "")
	})
	t.Run("a server without getWebhookInfo", func(t *testing.T) {
		s := newStage(t)
		s.SetFault("getWebhookInfo", telegramtest.Fault{Code: 404, Description: "Not Found"})
		_, err := s.conn.Check(t.Context())
		must(t, err)
	})
	t.Run("revoked", func(t *testing.T) {
		s := newStage(t)
		s.Revoke()
		_, err := s.conn.Check(t.Context())
		wants(t, err, platforms.Unauthorized, "/token")
	})
}

// stranger answers as something does that is no Bot API server.
type stranger struct {
	status int
	header http.Header
}

func (s stranger) RoundTrip(q *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: s.status, Status: strconv.Itoa(s.status), Header: s.header,
		Body: io.NopCloser(strings.NewReader("<html>no</html>")), Request: q}, nil
}

func TestStrangers(t *testing.T) {
	tests := []struct {
		stranger
		kind  platforms.Kind
		after time.Duration
		says  string
	}{
		{stranger{status: 200}, platforms.Temporary, 0, "not Telegram"},
		{stranger{status: 302}, platforms.Temporary, 0, "not Telegram"},
		{stranger{status: 401}, platforms.Temporary, 0, "not Telegram"}, // a router's page must not park the account
		{stranger{status: 404}, platforms.Temporary, 0, "not Telegram"},
		{stranger{status: 407}, platforms.Temporary, 0, "proxy"},
		{stranger{status: 413}, platforms.Rejected, 0, "50 MB"},
		{stranger{429, http.Header{"Retry-After": {"9"}}}, platforms.RateLimited, 9 * time.Second, "slowly"},
		{stranger{status: 503}, platforms.Temporary, 0, "fault"},
	}
	for _, tt := range tests {
		t.Run(strconv.Itoa(tt.status), func(t *testing.T) {
			s := newStageWith(t, &http.Client{Transport: tt.stranger})
			_, err := s.conn.Check(t.Context())
			if e := wants(t, err, tt.kind, tt.says); e.RetryAfter != tt.after {
				t.Errorf("wait %v, want %v", e.RetryAfter, tt.after)
			}
		})
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
