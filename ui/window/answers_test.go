package window

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/ui/model"
)

func onAnswers(t *testing.T, f *fake) *stage {
	t.Helper()
	s := newStage(t, f, Light, Options{Page: PageAnswers})
	s.settle()
	return s
}

// pick chooses an entry of the menu that is open.
func (s *stage) pick(words string) {
	s.t.Helper()
	var top *widget.PopUpMenu
	s.walk(func(o fyne.CanvasObject) {
		if m, ok := o.(*widget.PopUpMenu); ok {
			top = m
		}
	})
	if top == nil {
		s.t.Fatalf("no menu is open to pick %q from", words)
	}
	var all []string
	for _, o := range top.Items {
		tap, ok := o.(fyne.Tappable)
		if !ok {
			continue
		}
		label := ""
		for _, c := range test.WidgetRenderer(o.(fyne.Widget)).Objects() {
			if c, ok := c.(*canvas.Text); ok {
				label += c.Text
			}
		}
		all = append(all, label)
		if strings.Contains(label, words) {
			tap.Tapped(nil)
			s.settle()
			return
		}
	}
	s.t.Fatalf("the menu has no %q but %q", words, all)
}

func TestAnswersPage(t *testing.T) {
	t.Run("says of each responder how it is", func(t *testing.T) {
		s := onAnswers(t, answers())
		for _, words := range []string{"Notification · built in", "Ready · works on 2 · 1 event waits to be tried again · last finished 3 min ago",
			"Its last failure: The service answered 503 (unavailable). It is tried again.", "The program /opt/night is not there. Install it, or change the path.", "Agent · has conversations", "Off"} {
			s.want(words)
		}
		s.wantNot("Only notifications so far")
		s.pass(time.Minute)
		s.pass(time.Second)
		s.want("last finished 4 min ago")
	})
	t.Run("invites where there is nothing yet", func(t *testing.T) {
		f := answers()
		f.what.responders, f.what.leases, f.what.routes.Routes = f.what.responders[:1], nil, nil
		s := onAnswers(t, f)
		s.want("Only notifications so far. Add a command, a service or an agent")
		s.want("Everything else")
		s.wantNot("Who has which conversation")
	})
	t.Run("a failure is told, and can be tried again", func(t *testing.T) {
		f := answers()
		f.what.refuse = nil
		s := onAnswers(t, f)
		f.set(func() { f.failing = &api.Error{Text: "The journal is full. Free some space."} })
		s.w.answers.load()
		s.settle()
		s.want("What answers could not be read. The journal is full. Free some space.")
		s.want("Ticket desk")
		f.set(func() { f.failing = nil })
		s.press("Try again")
		s.wantNot("could not be read")
	})
	t.Run("what changed is read once a second at most", func(t *testing.T) {
		s := onAnswers(t, answers())
		before := s.f.count("Responders")
		for range 5 {
			s.push(func(*api.Snapshot) {})
			s.w.answers.tick()
			s.settle()
		}
		s.f.set(func() { s.f.what.responders[1].Label = "Warmth" })
		s.pass(2 * time.Second)
		s.settle()
		if n := s.f.count("Responders") - before; n != 1 {
			t.Errorf("asked %d times", n)
		}
		s.want("Warmth")
	})
	t.Run("an expression is checked once", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.w.answers.load()
		s.settle()
		if n := s.f.count("CheckRoute mentioned"); n != 1 {
			t.Errorf("checked %d times", n)
		}
	})
}

func TestResponders(t *testing.T) {
	t.Run("switching off changes nothing else", func(t *testing.T) {
		s := onAnswers(t, answers())
		test.Tap(s.w.answers.byID["command-1"].on)
		s.settle()
		want := api.ResponderDraft{Kind: "command", Label: "Heating", Off: true}
		if d := s.f.what.drafts; len(d) != 1 || fmt.Sprint(d[0]) != fmt.Sprint(want) {
			t.Errorf("%+v", d)
		}
		if s.w.answers.byID["command-1"].status.s != "Off · works on 2 · 1 event waits to be tried again · last finished 3 min ago" {
			t.Error(s.w.answers.byID["command-1"].status.s)
		}
		s.f.set(func() { s.f.what.refuse = &api.Error{Text: "It can't be switched on. Mend its path first."} })
		test.Tap(s.w.answers.byID["command-2"].on)
		s.settle()
		s.want("It can't be switched on. Mend its path first.")
		if s.w.answers.byID["command-2"].on.on {
			t.Error("the switch says it is on")
		}
	})
	t.Run("removing says which routes use it, and waits for a yes", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.w.answers.byID["forward-1"].remove()
		s.want("1 route leads to it: Support tickets.")
		s.press("Keep it")
		if s.f.count("RemoveResponder forward-1") != 0 {
			t.Fatal("removed without a yes")
		}
		s.w.answers.byID["forward-1"].remove()
		s.press("Remove")
		if s.f.count("RemoveResponder forward-1") != 1 {
			t.Error("not removed")
		}
	})
	t.Run("built in ones have nothing to press", func(t *testing.T) {
		s := onAnswers(t, answers())
		if c := s.w.answers.byID["notify"]; c.on.Visible() || c.more.Visible() {
			t.Error("there is a button")
		}
	})
	t.Run("adds one of a kind", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.press("Add…")
		s.want("Starts a program of yours for every message")
		s.press("Choose")
		s.press("Save")
		s.want("Program is missing. Fill it in.")
		if len(s.f.what.drafts) > 0 {
			t.Fatal("saved without a program")
		}
		for _, e := range s.entries() {
			switch {
			case strings.HasPrefix(e.PlaceHolder, "For example"):
				e.SetText(" Blinds ")
			case e.PlaceHolder == "/usr/local/bin/answer":
				e.SetText("/bin/blinds")
			case e.MultiLine:
				e.SetText("--down\nkitchen")
			}
		}
		s.wantNot("Program is missing")
		s.press("Save")
		d := s.f.what.drafts[0]
		if d.Kind != "command" || d.Label != "Blinds" || d.Values["program"] != "/bin/blinds" || d.Values["args"] != "--down\nkitchen" || len(d.Values) != 2 {
			t.Errorf("%+v", d)
		}
		s.want("Blinds is saved. Messages reach it when a route leads to it.")
	})
	t.Run("a refusal keeps what was typed, and marks the field", func(t *testing.T) {
		f := answers()
		f.what.refuse = &api.Error{Text: "The address is refused.", Fields: map[string]string{"url": "This address is on this computer. Use another."}}
		s := onAnswers(t, f)
		form := s.w.answers.form(f.what.kinds[1], nil)
		form.inputs["url"].SetText("https://127.0.0.1/")
		form.inputs["secret"].SetText("hush-hush-hush")
		s.press("Save")
		s.want("This address is on this computer. Use another.")
		s.want("Not saved. Mend what is marked.")
		if form.inputs["url"].Text != "https://127.0.0.1/" || form.inputs["secret"].Text != "hush-hush-hush" {
			t.Error("what was typed is gone")
		}
		form.m.dismiss()
		if form.inputs["secret"].Text != "" {
			t.Error("the secret is still there")
		}
	})
	t.Run("makes a secret, shows it once, and takes it out of sight", func(t *testing.T) {
		f := answers()
		f.what.kinds[1].Fields[1].Makes = true
		s := onAnswers(t, f)
		form := s.w.answers.form(f.what.kinds[1], nil)
		e := form.inputs["secret"]
		s.press("Make one")
		if e.Text != "whsec_made" || e.Password || s.f.count("Make forward secret") != 1 {
			t.Errorf("%q, hidden %v", e.Text, e.Password)
		}
		s.press("Copy")
		if len(s.sent) != 1 || s.sent[0] != "whsec_made" {
			t.Errorf("%q", s.sent)
		}
		form.m.dismiss()
		if e.Text != "" || !e.Password {
			t.Error("it is still in sight")
		}
	})
	t.Run("several secrets are typed one a line, and never shown again", func(t *testing.T) {
		f := answers()
		f.what.kinds[0].Fields[1] = api.Field{Key: "env", Label: "Variables", Help: "NAME=VALUE, one per line.", Secret: true}
		f.what.responders[1].Secrets = map[string]string{"env": "…ydZZ"}
		s := onAnswers(t, f)
		form := s.w.answers.form(f.what.kinds[0], &f.what.responders[1])
		e := form.inputs["env"]
		if !e.MultiLine || e.Text != "" {
			t.Errorf("%q, lines %v", e.Text, e.MultiLine)
		}
		s.want("Saved, ends in ydZZ.")
		e.SetText("A=1\nB=2")
		s.press("Save")
		if d := s.f.what.drafts[0]; len(d.Values) != 1 || d.Values["env"] != "A=1\nB=2" || e.Text != "" {
			t.Error("the draft differs, or the field still shows it")
		}
	})
	t.Run("a change carries what differs, and never shows a secret", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.w.answers.change(s.f.what.responders[2])
		s.settle()
		s.want("Saved, ends in 77aa. Leave empty to keep it.")
		for _, e := range s.entries() {
			if e.Text == "https://desk.example.org/in" {
				e.SetText("https://desk.example.org/two")
			}
			if strings.HasPrefix(e.PlaceHolder, "Saved") && (!e.Password || e.Text != "") {
				t.Error("the secret's field shows something")
			}
		}
		s.press("Save")
		d := s.f.what.drafts[0]
		if len(d.Values) != 1 || d.Values["url"] != "https://desk.example.org/two" || d.Label != "Ticket desk" {
			t.Errorf("%+v", d)
		}
	})
}

func TestLeases(t *testing.T) {
	t.Run("hands over with one choice", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.want("Agent: Claude")
		s.want("Telegram family · took it 12 min ago")
		s.push(func(snap *api.Snapshot) {
			snap.Accounts = slices.Clone(snap.Accounts)
			snap.Accounts[0].Name = "home"
		})
		s.pass(time.Minute)
		s.want("Telegram home · took it 13 min ago")
		s.press("Hand over")
		s.pick("Night shift")
		if s.f.count(`SetLease a1 c1 "agent-2"`) != 1 {
			t.Errorf("%q", s.f.calls)
		}
		s.want("“Family” is now with Night shift.")
		s.press("Hand over")
		s.pick("Nobody")
		if s.f.count(`SetLease a1 c1 ""`) != 1 {
			t.Errorf("%q", s.f.calls)
		}
		s.want("Agent: nobody")
	})
	t.Run("the inbox says which agent has the conversation", func(t *testing.T) {
		s := newStage(t, answers(), Light, Options{})
		s.w.Show(api.Request{Account: "a1", Conversation: "c1"})
		s.settle()
		s.press("Agent: Claude")
		s.pick("Night shift")
		s.want("Agent: Night shift")
		s.w.Show(api.Request{Account: "a1", Conversation: "c3"})
		s.settle()
		s.want("Agent: nobody")
		if s.f.count(`SetLease a1 c1 "agent-2"`) != 1 {
			t.Errorf("%q", s.f.calls)
		}
	})
	t.Run("without an agent the inbox says nothing", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		s.w.Show(api.Request{Account: "a1", Conversation: "c1"})
		s.settle()
		s.wantNot("Agent:")
	})
}

// entries are the fields in view.
func (s *stage) entries() (out []*entry) {
	s.walk(func(o fyne.CanvasObject) {
		if e, ok := o.(*entry); ok {
			out = append(out, e)
		}
	})
	return out
}

func TestAnswersNeverBlock(t *testing.T) {
	f := answers()
	ui := goroutine()
	f.onUI = func() bool { return goroutine() == ui }
	s := onAnswers(t, f)
	p := s.w.answers
	test.Tap(p.byID["command-1"].on)
	form := p.routes.edit(0, f.what.routes.Routes[0])
	s.settle()
	form.pick.set(true, []model.Row{{Field: "text", Op: "contains", Value: "soup"}})
	form.picked()
	s.pass(time.Second)
	s.settle()
	s.press("Try it…")
	s.press("Close")
	s.press("Done")
	s.press("Save")
	s.press("Hand over")
	s.pick("Nobody")
	for _, call := range []string{"ChangeResponder command-1", "WriteRoute", "CheckRoute " + `text contains "soup"`, "TryRoutes 4", "SetRoutes", `SetLease a1 c1 ""`} {
		if f.count(call) == 0 {
			t.Errorf("%s was never asked; %q", call, f.calls)
		}
	}
	if len(f.wrong) > 0 {
		t.Errorf("asked on the goroutine that draws: %v", f.wrong)
	}
	if !slices.Contains(f.calls, "Routes") {
		t.Errorf("%q", f.calls)
	}
}
