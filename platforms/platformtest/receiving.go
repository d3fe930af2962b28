package platformtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// hostile is texts that must stay what they are.
func hostile() []string {
	return []string{
		"plain", "<b>bold</b> & <script>alert(1)</script>", "*a* _b_ ~c~ `d` ```e```", "[x](http://example.org) !|",
		"\\*\\_", "@everyone @here <@1> <!channel>", "zoë 😀 👩‍👩‍👧 עברית", "a\nb\n\nc", "%s %d %!", "{{.}} ${x}", "'; DROP TABLE--",
	}
}

func (s *suite) platform(t *testing.T) {
	p := s.h.Platform
	if p.Name == "" || p.Title == "" || p.Summary == "" || p.New == nil {
		t.Error("a platform has a name, a title, a summary and New")
	}
	if s.limits.Text > 0 && s.limits.Unit == "" {
		t.Error("Limits.Text has no unit")
	}
	d := s.open(t)
	s.complete(t, d)
	if t.Failed() {
		return
	}
	d.Down() // New did no I/O if it works without a network
	if _, err := p.New(d.Config); err != nil {
		t.Errorf("New: %v", err)
	}
}

// complete demands the controls for what the platform offers, and no others:
// only so is a skipped subtest the platform's word instead of a gap.
func (s *suite) complete(t *testing.T, d *desk) {
	l, dials, calls := s.limits, s.h.Platform.Inbound != platforms.Webhook, !s.h.OnlyHears
	_, clicker := d.conn.(platforms.Clicker)
	hears := !s.h.OnlySpeaks
	if dials && !calls {
		t.Error("who calls nobody can't dial: Inbound is Webhook where OnlyHears")
	}
	if l.Deaf != s.h.OnlySpeaks || s.h.Unasked && hears {
		t.Errorf("Limits.Deaf is %v, OnlySpeaks %v, Unasked %v", l.Deaf, s.h.OnlySpeaks, s.h.Unasked)
	}
	dials = dials && hears
	for _, c := range []struct {
		name         string
		has, offered bool
	}{
		{"Edit", d.Edit != nil, l.Edit && !s.h.NoEditEvents},
		{"Click", d.Click != nil, l.Buttons > 0},
		{"Answered", d.Answered != nil, clicker},
		{"Typed", d.Typed != nil, l.Typing > 0},
		{"Thread", d.Thread != "", l.Threads},
		{"Redeliver", d.Redeliver != nil, l.Redelivery > 0},
		{"Acked", d.Acked != nil, !s.h.Unacknowledged && hears},
		{"Disconnect", d.Disconnect != nil, dials},
		{"FailStream", d.FailStream != nil, dials},
		{"Cut", d.Cut != nil, dials},
		{"Silence", d.Silence != nil, dials && !s.h.NothingOpen},
		{"Swap", d.Swap != nil, !s.h.InOrder && hears},
		{"Say", d.Say != nil, hears}, {"Odd", d.Odd != nil, hears}, {"Sent", d.Sent != nil, calls}, {"Down", d.Down != nil, true},
		{"Up", d.Up != nil, true}, {"Revoke", d.Revoke != nil, calls}, {"FailCall", d.FailCall != nil, calls}, {"Held", d.Held != nil, calls},
		{"Garbage", d.Garbage != nil, hears}, {"Skew", d.Skew != nil, hears}, {"Advance", d.Advance != nil, hears}, {"Close", d.Close != nil, true},
	} {
		if c.has != c.offered {
			t.Errorf("World.%s: there is %v, offered %v", c.name, c.has, c.offered)
		}
	}
	if len(d.Config.Secrets) == 0 {
		t.Error("the Config has no secret, so none can be looked for")
	}
	for name, secret := range d.Config.Secrets {
		if len(secret.Reveal()) < 12 {
			t.Errorf("the secret %q is too short to be looked for", name)
		}
	}
}

func (s *suite) check(t *testing.T) {
	t.Run("good", func(t *testing.T) {
		d := s.open(t)
		id, err := d.conn.Check(d.context())
		if err != nil || id.ID != d.Bot || id.Name == "" {
			t.Errorf("%+v, %v", id, err)
		}
		fmt.Fprintf(s.heard, "%+v\n", id)
	})
	t.Run("bad credentials", func(t *testing.T) {
		d := s.asking(t)
		d.Revoke()
		_, err := d.conn.Check(d.context())
		d.kind("Check", err, platforms.Unauthorized)
	})
	t.Run("no network", func(t *testing.T) {
		d := s.asking(t)
		d.Down()
		_, err := d.conn.Check(d.context())
		d.kind("Check", err, platforms.Temporary)
	})
	t.Run("changes nothing", func(t *testing.T) {
		d := s.hearing(t)
		from := d.begin()
		d.say("before")
		if _, err := d.conn.Check(d.context()); err != nil {
			t.Fatal(err)
		}
		r := d.start(nil, from)
		if got := r.rec.Wait(t, 1); got[0].Text != "before" {
			t.Errorf("%+v", got)
		}
	})
}

func (s *suite) receive(t *testing.T) {
	t.Run("a message", func(t *testing.T) {
		d := s.open(t)
		r := d.start(nil, d.begin())
		id := d.say("hello")
		ev := r.rec.Wait(t, 1)[0]
		if ev.Kind != platforms.MessageReceived || ev.Text != "hello" || ev.Message != id || ev.From.ID != d.Person ||
			ev.From.Name == "" || ev.Conversation.ID != d.Direct || ev.Conversation.Kind != platforms.Direct || ev.ID == "" || (ev.Cursor == "") != s.h.NoCursor {
			t.Errorf("%+v", ev)
		}
		if !ev.Mentioned || ev.Own {
			t.Errorf("mentioned %v, own %v", ev.Mentioned, ev.Own)
		}
		if off := time.Since(ev.Time).Abs(); off > time.Hour {
			t.Errorf("its time is %v off", off)
		}
		r.rec.WaitPhase(t, platforms.Connected)
		if !slices.ContainsFunc(r.rec.States(), func(st platforms.State) bool { return st.Hears }) {
			t.Error("no state proves that it hears")
		}
	})
	t.Run("a first run begins from now", func(t *testing.T) {
		if !s.h.FromNow {
			t.Skip("the platform keeps what was said before")
		}
		d := s.open(t)
		d.say("old")
		r := d.start(nil, "")
		r.rec.WaitPhase(t, platforms.Connected)
		r.rec.WaitCursor(t)
		d.say("new")
		if ev := r.rec.Wait(t, 1)[0]; ev.Text != "new" {
			t.Errorf("%q was heard", ev.Text)
		}
		r.stop()
	})
	t.Run("hostile text is text", func(t *testing.T) {
		d := s.open(t)
		r := d.start(nil, d.begin())
		for i, text := range hostile() {
			d.say(text)
			if got := r.rec.Wait(t, i+1)[i].Text; got != text {
				t.Errorf("%q came as %q", text, got)
			}
		}
	})
	t.Run("order", func(t *testing.T) {
		d := s.open(t)
		r := d.start(nil, d.begin())
		var want []string
		for i := range 150 { // more than a batch of any platform
			want = append(want, fmt.Sprint("m", i))
			d.say(want[i])
		}
		var got []string
		ids := map[platforms.EventID]bool{}
		for _, ev := range r.rec.Wait(t, len(want)) {
			got = append(got, ev.Text)
			ids[ev.ID] = true
		}
		if !slices.Equal(got, want) || len(ids) != len(want) {
			t.Errorf("%d ids, order %v", len(ids), got)
		}
	})
	t.Run("group and thread", func(t *testing.T) {
		d := s.open(t)
		if d.Group == "" {
			t.Skip("the platform has no shared conversations")
		}
		r := d.start(nil, d.begin())
		d.Say(Said{Conversation: d.Group, Text: "all"})
		if ev := r.rec.Wait(t, 1)[0]; ev.Conversation.ID != d.Group || ev.Conversation.Kind == platforms.Direct || ev.Thread != "" || ev.Mentioned {
			t.Errorf("%+v", ev)
		}
		if s.limits.Threads {
			d.Say(Said{Conversation: d.Group, Thread: d.Thread, Text: "some"})
			if ev := r.rec.Wait(t, 2)[1]; ev.Thread != d.Thread {
				t.Errorf("%+v", ev)
			}
		}
	})
	t.Run("own messages are marked or left out", func(t *testing.T) {
		d := s.open(t)
		r := d.start(nil, d.begin())
		d.Say(Said{Conversation: d.Direct, Text: "mine", Own: true})
		d.say("end")
		d.until("the last one is stored", func() bool {
			return slices.ContainsFunc(r.rec.Events(), func(ev platforms.Event) bool { return ev.Text == "end" })
		})
		for _, ev := range r.rec.Events() {
			if ev.Text == "mine" && !ev.Own {
				t.Errorf("%+v", ev)
			}
		}
	})
	t.Run("unknown events are passed over", func(t *testing.T) {
		d := s.open(t)
		r := d.start(nil, d.begin())
		d.Odd()
		d.say("after")
		d.until("the next one is stored", func() bool {
			return slices.ContainsFunc(r.rec.Events(), func(ev platforms.Event) bool { return ev.Text == "after" })
		})
	})
	t.Run("an edit", func(t *testing.T) {
		d := s.open(t)
		if d.Edit == nil {
			t.Skip("the platform tells of no edits")
		}
		r := d.start(nil, d.begin())
		id := d.say("teh")
		r.rec.Wait(t, 1)
		d.Edit(d.Direct, id, "the")
		ev := r.rec.Wait(t, 2)[1]
		if ev.Kind != platforms.MessageEdited || ev.Message != id || ev.Text != "the" {
			t.Errorf("%+v", ev)
		}
	})
}

func (s *suite) acknowledge(t *testing.T) {
	t.Run("only what was stored", func(t *testing.T) {
		d := s.open(t)
		if s.h.Unacknowledged {
			t.Skip("the platform has no acknowledgement")
		}
		rec := &Recorder{Patience: d.most}
		rec.Block()
		r := d.start(rec, d.begin())
		id := d.say("hold")
		rec.WaitCalls(t, 1)
		// That something does not happen has no signal: a hasty acknowledgement
		// gets time to arrive. A slow machine can hide one, not invent one.
		for range 200 {
			if slices.Contains(d.Acked(), id) {
				t.Error("acknowledged before it was stored")
				break
			}
			time.Sleep(time.Millisecond)
		}
		rec.Unblock()
		d.until("it is acknowledged", func() bool { return slices.Contains(d.Acked(), id) })
		if err := r.stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
	t.Run("nothing after a sink error", func(t *testing.T) {
		d := s.open(t)
		rec := &Recorder{Patience: d.most}
		from := d.begin()
		rec.FailOn(2, nil)
		first, second := d.say("stored"), d.say("refused")
		d.say("behind it")
		r := d.start(rec, from)
		if err := r.wait(); !errors.Is(err, ErrSink) {
			t.Errorf("Run returned %v, want the sink's error", err)
		}
		if !s.h.Unacknowledged && slices.Contains(d.Acked(), second) {
			t.Error("the refused event was acknowledged")
		}
		calls := rec.Calls()
		if len(calls) != 2 {
			t.Errorf("%d calls of Event, want 2: nothing may follow a refused one", len(calls))
		}
		d.start(rec, rec.at(from))
		got := rec.Wait(t, 3)
		var texts []string
		for _, ev := range got {
			texts = append(texts, ev.Text)
		}
		if !slices.Equal(texts, []string{"stored", "refused", "behind it"}) {
			t.Errorf("after the second Run: %v", texts)
		}
		if got[1].ID != calls[1].ID {
			t.Errorf("delivered again under another id: %q, was %q", got[1].ID, calls[1].ID)
		}
		d.until("the first is acknowledged", func() bool { return s.h.Unacknowledged || slices.Contains(d.Acked(), first) })
	})
	t.Run("redelivery keeps the id", func(t *testing.T) {
		d := s.open(t)
		if s.limits.Redelivery == 0 {
			t.Skip("the platform delivers once")
		}
		r := d.start(nil, d.begin())
		d.say("again")
		first := r.rec.Wait(t, 1)[0]
		d.mayRepeat = true
		d.Redeliver()
		again := r.rec.WaitCalls(t, 2)[1]
		if again.ID != first.ID || again.Text != first.Text {
			t.Errorf("%+v, was %+v", again, first)
		}
	})
}

func (s *suite) resume(t *testing.T) {
	d := s.open(t)
	rec := &Recorder{Patience: d.most}
	r := d.start(rec, d.begin())
	d.say("1")
	d.say("2")
	rec.Wait(t, 2)
	if err := r.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	d.say("3")
	d.say("4")
	r = d.start(rec, rec.at(""))
	var texts []string
	for _, ev := range rec.Wait(t, 4) {
		texts = append(texts, ev.Text)
	}
	if err := r.stop(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	if !slices.Equal(texts, []string{"1", "2", "3", "4"}) {
		t.Errorf("%v", texts)
	}
}
