package window

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
)

// asking is a window in which a public listener is about to be opened.
func asking(t *testing.T, f *fake) (*stage, *consent) {
	t.Helper()
	s := exposing(t, f)
	c := s.w.acknowledge("a4", f.question, s.w.exposure.load)
	s.captureAt(1100, 720)
	return s, c
}

// choose marks every item as done, but for the first: that is not done.
func (c *consent) choose() {
	for i, it := range c.q.Items {
		test.Tap(c.marks[it.Key][map[bool]int{true: 1, false: 0}[i == 0]])
	}
}

func TestConsent(t *testing.T) {
	t.Run("is asked by Open…, and shows all there is to know", func(t *testing.T) {
		s := exposing(t, exposed())
		s.press("Open…")
		for _, words := range []string{"Open a public listener?", "LINE “shop” wants to listen on 127.0.0.1:47824 /line", "Strangers will be able to send bytes", "They can flood it",
			"done", "not done", "A tunnel with a stable host name stands before it", "Some senders do not publish", "Safer", "Receive through a relay", "1 day", "90 days", "bot.example.org", "Keep closed"} {
			s.want(words)
		}
		if s.f.count("Ask a4") != 1 || s.f.count("Acknowledge a4") != 0 {
			t.Errorf("calls: %v", s.f.calls)
		}
	})
	t.Run("chooses nothing beforehand but the first period", func(t *testing.T) {
		_, c := asking(t, exposed())
		for key, pair := range c.marks {
			if pair[0].on || pair[1].on {
				t.Errorf("%s is chosen", key)
			}
		}
		if len(c.items) != 0 || c.days != 1 || !c.open.disabled || c.typed.Text != "" {
			t.Errorf("items %v, days %d, open %v", c.items, c.days, !c.open.disabled)
		}
	})
	t.Run("opens only with every item chosen and the name typed exactly", func(t *testing.T) {
		s, c := asking(t, exposed())
		c.typed.SetText("bot.example.org")
		if !c.open.disabled {
			t.Error("opens with nothing chosen")
		}
		for i, it := range c.q.Items {
			test.Tap(c.marks[it.Key][1])
			if last := i == len(c.q.Items)-1; c.open.disabled == last {
				t.Errorf("after %d items: open %v", i+1, !c.open.disabled)
			}
		}
		for _, typed := range []string{"", "bot.example.or", "Bot.example.org", " bot.example.org", "bot.example.org ", "https://bot.example.org", "bоt.example.org"} {
			c.typed.SetText(typed)
			test.Tap(c.open)
			c.answer()
			if !c.open.disabled {
				t.Errorf("opens after %q", typed)
			}
		}
		s.settle()
		if n := acknowledged(s); n != 0 {
			t.Errorf("answered %d times", n)
		}
		c.typed.SetText("bot.example.org")
		if c.open.disabled {
			t.Error("does not open with everything there")
		}
	})
	t.Run("done and not done exclude each other, and can be changed", func(t *testing.T) {
		_, c := asking(t, exposed())
		pair := c.marks["tunnel"]
		test.Tap(pair[0])
		test.Tap(pair[1])
		if pair[0].on || !pair[1].on || c.items["tunnel"] {
			t.Errorf("done %v, not done %v, %v", pair[0].on, pair[1].on, c.items)
		}
	})
	t.Run("Keep closed has the focus, and neither Enter nor Escape opens", func(t *testing.T) {
		for _, key := range []fyne.KeyName{fyne.KeyReturn, fyne.KeyEnter, fyne.KeyEscape} {
			s, c := asking(t, exposed())
			if s.win.Canvas().Focused() != fyne.Focusable(c.keep) {
				t.Fatal("Keep closed has no focus")
			}
			c.choose()
			c.typed.SetText("bot.example.org")
			s.win.Canvas().Focus(c.keep)
			s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: key})
			s.settle()
			s.wantNot("Open a public listener?")
			if n := acknowledged(s); n != 0 {
				t.Errorf("%s answered", key)
			}
		}
	})
	t.Run("Enter does not open, wherever the focus is", func(t *testing.T) {
		s, c := asking(t, exposed())
		c.choose()
		c.typed.SetText("bot.example.org")
		for _, o := range []fyne.Focusable{c.typed, c.open, c.marks["tunnel"][0]} {
			s.win.Canvas().Focus(o)
			for _, key := range []fyne.KeyName{fyne.KeyReturn, fyne.KeyEnter} {
				o.TypedKey(&fyne.KeyEvent{Name: key})
			}
		}
		c.typed.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.KeyReturn, Modifier: fyne.KeyModifierControl})
		s.settle()
		s.want("Open a public listener?")
		if n := acknowledged(s); n != 0 {
			t.Errorf("answered %d times", n)
		}
	})
	t.Run("answers with what was chosen, once, and closes", func(t *testing.T) {
		f := exposed()
		var got []api.Answer
		f.ack = func(a api.Answer) (api.Door, error) { got = append(got, a); return api.Door{}, nil }
		s, c := asking(t, f)
		c.choose()
		s.press("30 days")
		c.typed.SetText("bot.example.org")
		f.set(func() { f.hang = make(chan struct{}) })
		for range 3 {
			test.Tap(c.open)
			c.answer()
		}
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		if len(got) != 1 {
			t.Fatalf("answered %d times", len(got))
		}
		a := got[0]
		if a.Nonce != "n1" || a.Typed != "bot.example.org" || a.Days != 30 || len(a.Items) != 7 || a.Items["tunnel"] || !a.Items["plan"] {
			t.Errorf("answered %+v", a)
		}
		s.wantNot("Open a public listener?")
		s.want("Acknowledged.")
	})
	t.Run("a refusal is told in it, loses nothing, and the next attempt asks anew", func(t *testing.T) {
		f := exposed()
		var nonces []string
		f.ack = func(a api.Answer) (api.Door, error) {
			nonces = append(nonces, a.Nonce)
			if len(nonces) == 1 {
				return api.Door{}, &api.Error{Text: "The port is taken. Choose another."}
			}
			return api.Door{}, nil
		}
		s, c := asking(t, f)
		c.choose()
		c.typed.SetText("bot.example.org")
		test.Tap(c.open)
		s.settle()
		s.want("The port is taken. Choose another.")
		if c.typed.Text != "bot.example.org" || len(c.items) != 7 || !c.marks["plan"][0].on || c.open.disabled {
			t.Error("what was typed or chosen is gone")
		}
		f.set(func() { f.question.Nonce = "n2" })
		test.Tap(c.open)
		s.settle()
		if len(nonces) != 2 || nonces[0] != "n1" || nonces[1] != "n2" {
			t.Errorf("nonces %v", nonces)
		}
		s.wantNot("Open a public listener?")
	})
	t.Run("what is asked differently the second time is not answered", func(t *testing.T) {
		f := exposed()
		n := 0
		f.ack = func(api.Answer) (api.Door, error) { n++; return api.Door{}, &api.Error{Text: "Not now."} }
		s, c := asking(t, f)
		c.choose()
		c.typed.SetText("bot.example.org")
		test.Tap(c.open)
		s.settle()
		f.set(func() {
			f.question.Nonce, f.question.What = "n2", "LINE “shop” wants to listen on 0.0.0.0:80"
		})
		test.Tap(c.open)
		s.settle()
		s.want("What is asked has changed meanwhile.")
		if n != 1 {
			t.Errorf("answered %d times", n)
		}
	})
	t.Run("a question that can't be had is told, and no dialog opens", func(t *testing.T) {
		f := exposed()
		s := exposing(t, f)
		f.set(func() { f.failing = &api.Error{Text: "Only a person can open a listener."} })
		test.Tap(s.w.exposure.cards["a4"].ask)
		s.settle()
		s.want("Only a person can open a listener.")
		if len(s.w.modals) != 0 {
			t.Error("a dialog is open")
		}
	})
	t.Run("scrolls where the window is small, and its buttons stay in view", func(t *testing.T) {
		f := exposed()
		f.question.What, f.question.Type = strings.Repeat("a long account name ", 20), strings.Repeat("very-long-host-name.", 12)+"example.org"
		s, c := asking(t, f)
		for range 3 {
			s.win.Resize(fyne.NewSize(521, 440))
			c.m.view.Resize(fyne.NewSize(520, 440))
			s.win.Resize(fyne.NewSize(520, 440))
			c.m.view.Refresh()
		}
		d := fyne.CurrentApp().Driver()
		for _, b := range []*button{c.keep, c.open} {
			p := d.AbsolutePositionForObject(b)
			if p.X < 0 || p.Y < 0 || p.X+b.Size().Width > 520 || p.Y+b.Size().Height > 440 {
				t.Errorf("%q stands at %v", b.label, p)
			}
		}
		if c.body.Content.MinSize().Height <= c.body.Size().Height {
			t.Error("nothing is left to scroll")
		}
		if c.body.Size().Height < 40 {
			t.Errorf("%v is left to read in", c.body.Size().Height)
		}
	})
}

// acknowledged is how often consent was given.
func acknowledged(s *stage) (n int) {
	s.f.mu.Lock()
	defer s.f.mu.Unlock()
	for _, c := range s.f.calls {
		if strings.HasPrefix(c, "Acknowledge ") {
			n++
		}
	}
	return n
}
