package window

import (
	"errors"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
)

func TestAsks(t *testing.T) {
	answers := []string{"AnswerAsk"}
	open := func(t *testing.T, f *fake) *stage {
		s := newStage(t, f, Light, Options{Page: PageInbox})
		s.settle()
		s.pass(time.Second)
		s.settle()
		return s
	}
	t.Run("shows who asks what, where and for how long, one at a time", func(t *testing.T) {
		s := open(t, permissions())
		for _, words := range []string{"Claude asks, in Family (Telegram family)", "Run a command?", "rm -rf ./build && make release", "1 min 59 s left", "1 more", "Run it", "Don't run it"} {
			s.want(words)
		}
		s.wantNot("deploy.yaml")
		s.press("1 more")
		s.want("Write to the file deploy.yaml?")
		s.wantNot("Run a command?")
		if n := s.w.nav.items[PageInbox]; n.count != 11 || !n.urgent {
			t.Errorf("%d, urgent %v", n.count, n.urgent)
		}
	})
	t.Run("is not there while nothing waits", func(t *testing.T) {
		s := open(t, peopled())
		if s.w.asks.view.Visible() || s.f.count("Asks") != 0 {
			t.Errorf("visible %v, asked %d times", s.w.asks.view.Visible(), s.f.count("Asks"))
		}
		s.f.set(func() { s.f.talk.asks = permissions().talk.asks })
		s.push(func(n *api.Snapshot) { n.Asks = 2 })
		s.want("Run a command?")
		s.f.set(func() { s.f.talk.asks = nil })
		s.push(func(n *api.Snapshot) { n.Asks = 0 })
		s.wantNot("Run a command?")
		if s.w.asks.view.Visible() {
			t.Error("the strip is still there")
		}
	})
	t.Run("no key grants by habit, and nothing has the focus", func(t *testing.T) {
		s := open(t, permissions())
		for _, o := range s.w.asks.card.buttons {
			if s.win.Canvas().Focused() == fyne.Focusable(o) {
				t.Errorf("%q has the focus", o.label)
			}
			if o.label != "Don't run it" {
				o.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
				o.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnter})
			}
		}
		s.settle()
		s.wantCalls(answers)
		if first := s.w.asks.card.buttons[0].label; first != "Don't run it" {
			t.Errorf("%q stands first", first)
		}
	})
	t.Run("an answer is told, and the next comes, which can't be pressed at once", func(t *testing.T) {
		s := open(t, permissions())
		s.press("Run it")
		s.wantCalls(answers, "AnswerAsk p1 yes")
		s.want("Claude was told: Run it.")
		s.want("Write to the file deploy.yaml?")
		s.press("Yes")
		s.wantCalls(answers, "AnswerAsk p1 yes")
		s.pass(time.Second)
		s.press("Yes")
		s.wantCalls(answers, "AnswerAsk p1 yes", "AnswerAsk p2 yes")
		s.wantNot("deploy.yaml")
	})
	t.Run("the one that is read stays when another comes or goes", func(t *testing.T) {
		s := open(t, permissions())
		s.press("1 more")
		card := s.w.asks.card
		s.f.set(func() { s.f.talk.asks = s.f.talk.asks[1:] })
		s.push(func(n *api.Snapshot) { n.Asks = 1 })
		if s.w.asks.card != card {
			t.Error("it was drawn anew")
		}
		s.want("deploy.yaml")
		s.wantNot("1 more")
	})
	t.Run("one that changed its words is another one", func(t *testing.T) {
		s := open(t, permissions())
		s.f.set(func() {
			s.f.talk.asks = append([]api.Ask(nil), s.f.talk.asks...)
			s.f.talk.asks[0].Detail = "rm -rf /"
		})
		s.push(func(*api.Snapshot) {})
		s.want("rm -rf /")
		s.press("Run it")
		s.wantCalls(answers)
	})
	t.Run("when the time is over nothing can be pressed", func(t *testing.T) {
		s := open(t, permissions())
		s.pass(3 * time.Minute)
		s.settle()
		s.want("the time is over")
		s.press("Run it")
		s.press("Don't run it")
		s.wantCalls(answers)
	})
	t.Run("a refusal is told, and can be tried again", func(t *testing.T) {
		f := permissions()
		f.talk.refuse = map[string]error{"AnswerAsk": errors.New("no disk")}
		s := open(t, f)
		s.press("Run it")
		s.want("no disk")
		s.pass(time.Second)
		f.set(func() { f.talk.refuse = nil })
		s.press("Don't run it")
		s.wantCalls(answers, "AnswerAsk p1 yes", "AnswerAsk p1 no")
	})
	t.Run("what became of an answer that came too late is told", func(t *testing.T) {
		f := permissions()
		f.talk.refuse = map[string]error{"AnswerAsk": &api.Error{Text: "It was decided already: Don't run it."}}
		s := open(t, f)
		f.set(func() { f.talk.asks = f.talk.asks[1:] })
		s.press("Run it")
		s.want("It was decided already: Don't run it.")
		s.want("deploy.yaml")
	})
	t.Run("what can't be read is told", func(t *testing.T) {
		f := permissions()
		f.talk.refuse = map[string]error{"Asks": errors.New("no disk")}
		s := open(t, f)
		s.want("What waits for your permission could not be read. no disk")
		f.set(func() { f.talk.refuse = nil })
		s.press("Try again")
		s.want("Run a command?")
	})
}

func TestAsksBounded(t *testing.T) {
	f := permissions()
	long := ""
	for range 400 {
		long += "a very long line \u202eof a command that goes on and on\n"
	}
	f.talk.asks[0].Detail, f.talk.asks[0].Title = long, long
	s := newStage(t, f, Light, Options{Page: PageInbox})
	s.captureAt(900, 560)
	if h := s.w.asks.view.MinSize().Height; h > 280 {
		t.Errorf("it takes %v of the window", h)
	}
	s.walk(func(o fyne.CanvasObject) {
		if b, ok := o.(*button); ok && b.label == "Don't run it" {
			if y := fyne.CurrentApp().Driver().AbsolutePositionForObject(b).Y; y > 300 {
				t.Errorf("the answers stand at %v", y)
			}
		}
	})
}
