package platformtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

func (s *suite) cancel(t *testing.T) {
	canceled := func(t *testing.T, err error) {
		t.Helper()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v, want the context's error", err)
		}
	}
	t.Run("idle", func(t *testing.T) {
		d := s.open(t)
		r := d.start(nil, "")
		r.rec.WaitPhase(t, platforms.Connected)
		canceled(t, r.stop())
	})
	t.Run("before it begins", func(t *testing.T) {
		d := s.open(t)
		r := d.start(nil, "")
		r.cancel()
		canceled(t, r.wait())
	})
	t.Run("while the sink is busy", func(t *testing.T) {
		d := s.hearing(t)
		rec := &Recorder{Patience: d.most}
		rec.Block()
		from := d.begin()
		for range 20 {
			d.say("wait")
		}
		r := d.start(rec, from)
		rec.WaitCalls(t, 1)
		r.cancel()
		r.wait() // the sink's own error is as good as the context's
	})
	t.Run("while the server is silent", func(t *testing.T) {
		d := s.hearing(t)
		if s.h.Platform.Inbound == platforms.Webhook {
			t.Skip("nothing is asked of the server")
		}
		d.FailStream(Fault{Kind: Hang})
		r := d.start(nil, "")
		d.until("the server hangs", func() bool { return d.Held() > 0 })
		canceled(t, r.stop())
	})
	t.Run("Send", func(t *testing.T) {
		d := s.calling(t)
		d.FailCall(Fault{Kind: Hang})
		ctx, cancel := context.WithCancel(context.Background())
		before := goroutines(s.h.Server)
		done := make(chan error, 1)
		go func() {
			_, err := d.conn.Send(ctx, platforms.Message{Key: "k", Conversation: d.Direct, Text: "x"})
			done <- err
		}()
		d.until("the server hangs", func() bool { return d.Held() > 0 })
		cancel()
		select {
		case err := <-done:
			d.kind("Send", err, platforms.Temporary)
		case <-time.After(d.most):
			t.Fatal("Send did not return")
		}
		d.noLeaks(before)
	})
}

func (s *suite) trouble(t *testing.T) {
	t.Run("credentials refused at the start", func(t *testing.T) {
		d := s.asking(t)
		d.Revoke()
		d.kind("Run", d.start(nil, "").wait(), platforms.Unauthorized)
	})
	t.Run("credentials revoked while running", func(t *testing.T) {
		d := s.open(t)
		if d.Disconnect == nil {
			t.Skip("it shows when something is sent")
		}
		r := d.start(nil, "")
		r.rec.WaitPhase(t, platforms.Connected)
		d.Revoke()
		d.Disconnect()
		err := r.wait()
		if platforms.KindOf(err) == platforms.Temporary { // it was cut before it was refused
			err = d.start(nil, "").wait()
		}
		d.kind("Run", err, platforms.Unauthorized)
	})
	t.Run("another program", func(t *testing.T) {
		d := s.open(t)
		if d.Conflict == nil {
			t.Skip("the platform lets several programs share an account")
		}
		d.Conflict()
		d.kind("Run", d.start(nil, "").wait(), platforms.Conflict)
	})
	t.Run("cut, and nothing lost", func(t *testing.T) {
		d := s.open(t)
		if d.Disconnect == nil {
			t.Skip("there is no connection to cut")
		}
		rec := &Recorder{Patience: d.most}
		r := d.start(rec, d.begin())
		d.say("before")
		rec.Wait(t, 1)
		d.Disconnect()
		d.kind("Run", r.wait(), platforms.Temporary)
		d.say("while off")
		r = d.start(rec, rec.Cursor())
		d.say("after")
		var texts []string
		for _, ev := range rec.Wait(t, 3) {
			texts = append(texts, ev.Text)
		}
		if !slices.Equal(texts, []string{"before", "while off", "after"}) {
			t.Errorf("%v", texts)
		}
		r.stop()
	})
	t.Run("down, then up", func(t *testing.T) {
		d := s.asking(t)
		from := d.begin()
		d.Down()
		d.kind("Run", d.start(nil, from).wait(), platforms.Temporary)
		d.Up()
		r := d.start(nil, from)
		if !s.h.OnlySpeaks {
			d.say("up")
		}
		r.rec.Wait(t, 1)
		r.stop()
	})
	if s.h.Platform.Inbound == platforms.Webhook || s.h.OnlySpeaks {
		return
	}
	for name, f := range map[string]Fault{
		"server error": {Kind: ServerError}, "malformed answer": {Kind: Malformed},
		"rate limit": {Kind: Limited, RetryAfter: 17 * time.Second}, "answer lost": {Kind: Lost},
	} {
		t.Run("stream: "+name, func(t *testing.T) {
			d := s.open(t)
			from := d.begin()
			d.say("kept")
			d.FailStream(f)
			rec := &Recorder{Patience: d.most}
			err := d.start(rec, from).wait()
			want := platforms.Temporary
			if f.Kind == Limited {
				want = platforms.RateLimited
				retryAfter(t, err, f.RetryAfter)
			}
			d.kind("Run", err, want)
			r := d.start(rec, rec.at(from))
			if got := rec.Wait(t, 1)[0]; got.Text != "kept" {
				t.Errorf("%+v", got)
			}
			r.stop()
		})
	}
}

// retryAfter fails the test unless err says to wait that long.
func retryAfter(t *testing.T, err error, want time.Duration) {
	t.Helper()
	var e *platforms.Error
	if !errors.As(err, &e) || e.RetryAfter != want {
		t.Errorf("retry after %+v, want %v", e, want)
	}
}

func (s *suite) sendFaults(t *testing.T) {
	m := func(d *desk) platforms.Message {
		return platforms.Message{Key: "k", Conversation: d.Direct, Text: "x"}
	}
	for name, f := range map[string]Fault{
		"server error": {Kind: ServerError}, "malformed answer": {Kind: Malformed},
		"rate limit": {Kind: Limited, RetryAfter: 23 * time.Second}, "answer lost": {Kind: Lost},
	} {
		t.Run(name, func(t *testing.T) {
			d := s.open(t)
			d.FailCall(f)
			_, err := d.conn.Send(d.context(), m(d))
			want := platforms.Temporary
			if f.Kind == Limited {
				want = platforms.RateLimited
				retryAfter(t, err, f.RetryAfter)
			}
			d.kind("Send", err, want)
			if id, err := d.conn.Send(d.context(), m(d)); err != nil || id == "" {
				t.Errorf("the next Send: %q, %v", id, err)
			}
		})
	}
	t.Run("no network", func(t *testing.T) {
		d := s.open(t)
		d.Down()
		_, err := d.conn.Send(d.context(), m(d))
		d.kind("Send", err, platforms.Temporary)
	})
	t.Run("refused credentials", func(t *testing.T) {
		d := s.open(t)
		d.Revoke()
		_, err := d.conn.Send(d.context(), m(d))
		d.kind("Send", err, platforms.Unauthorized)
	})
	t.Run("no such conversation", func(t *testing.T) {
		d := s.open(t)
		_, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Nowhere, Text: "x"})
		d.kind("Send", err, platforms.Rejected)
	})
	t.Run("empty", func(t *testing.T) {
		d := s.open(t)
		_, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct})
		d.kind("Send", err, platforms.Rejected)
	})
}
