package platformtest

import (
	"context"
	"errors"
	"testing"

	"github.com/postern/postern/platforms"
)

// hearsNothing proves that a connector that only speaks says so, tells of its one
// conversation once, and stays.
func (s *suite) hearsNothing(t *testing.T) {
	l := s.limits
	if !l.Deaf || s.h.Platform.Only == "" || l.Mute || l.Buttons > 0 || l.Download > 0 || l.Redelivery > 0 || s.h.Platform.Inbound != platforms.Dials {
		t.Errorf("Limits don't say that nothing comes in: %+v", l)
	}
	t.Run("one conversation, told once", func(t *testing.T) {
		d := s.open(t)
		switch d.conn.(type) {
		case platforms.Opener, platforms.Clicker, platforms.Prober:
			t.Errorf("%T hears after all", d.conn)
		}
		rec := &Recorder{Patience: d.most}
		r := d.start(rec, "")
		ev := rec.Wait(t, 1)[0]
		c := ev.Conversation
		if ev.Kind != platforms.MembershipChanged || c.ID != d.Direct || c.ID != s.h.Platform.Only || c.Title == "" || c.Kind == platforms.Direct || ev.ID == "" || ev.Cursor == "" || ev.Note == "" || ev.Own {
			t.Errorf("%+v", ev)
		}
		rec.WaitPhase(t, platforms.Connected)
		if err := r.stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		later := &Recorder{Patience: d.most}
		r = d.start(later, ev.Cursor)
		later.WaitPhase(t, platforms.Connected)
		if _, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: "x"}); err != nil {
			t.Fatal(err)
		}
		if err := r.stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		if n := len(rec.Calls()) + len(later.Calls()); n != 1 {
			t.Errorf("%d events, want one", n)
		}
		for _, st := range append(rec.States(), later.States()...) {
			if st.Hears {
				t.Error("it says that it hears")
			}
		}
	})
	t.Run("told again while it was not stored", func(t *testing.T) {
		d := s.open(t)
		rec := &Recorder{Patience: d.most}
		rec.FailOn(1, nil)
		if err := d.start(rec, "").wait(); !errors.Is(err, ErrSink) {
			t.Errorf("Run: %v", err)
		}
		r := d.start(rec, "")
		rec.Wait(t, 1)
		if calls := rec.Calls(); len(calls) != 2 || calls[0].ID != calls[1].ID {
			t.Errorf("%+v", calls)
		}
		r.stop()
	})
	t.Run("Check and Run post nothing", func(t *testing.T) {
		d := s.open(t)
		if _, err := d.conn.Check(d.context()); err != nil {
			t.Fatal(err)
		}
		r := d.start(nil, "")
		r.rec.WaitPhase(t, platforms.Connected)
		r.stop()
		if n := len(d.Sent()); n != 0 {
			t.Errorf("%d messages", n)
		}
	})
	t.Run("who says that nothing can be asked asks nothing", func(t *testing.T) {
		if !s.h.Unasked {
			t.Skip("the server can be asked")
		}
		d := s.open(t)
		d.Down()
		if _, err := d.conn.Check(d.context()); err != nil {
			t.Errorf("Check: %v", err)
		}
		r := d.start(nil, "")
		r.rec.WaitPhase(t, platforms.Connected)
		r.stop()
	})
}
