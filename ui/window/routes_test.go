package window

import (
	"context"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/ui/model"
)

func names(rs []api.Route) string {
	var out []string
	for i, r := range rs {
		out = append(out, model.RouteName(r, i))
	}
	return strings.Join(out, ", ")
}

func TestRoutes(t *testing.T) {
	t.Run("are told in words", func(t *testing.T) {
		s := onAnswers(t, answers())
		for _, words := range []string{"When the text contains “heating”, and the sender's role is “owner”", "When the bot is addressed", "When any(attachments, .size > 5000000)",
			"Ticket desk, Notifications · then looks at later routes", "Everything else"} {
			s.want(words)
		}
	})
	t.Run("an expression that is wrong says so", func(t *testing.T) {
		f := answers()
		f.what.routes.Routes[2].When = "mentioned !!"
		s := onAnswers(t, f)
		s.want("The ! can't stand here.")
	})
	t.Run("are changed here, and saved as a whole", func(t *testing.T) {
		s := onAnswers(t, answers())
		l := s.w.answers.routes
		s.wantNot("not saved")
		l.move(2, 0)
		l.alter(1, func(r *api.Route) { r.Off = true })
		s.want("The routes are changed, and not saved.")
		if s.f.count("SetRoutes") != 0 {
			t.Fatal("saved already")
		}
		s.press("Save")
		rs := s.f.what.routes.Routes
		if got := names(rs); got != "Ask Claude, Heating, Support tickets, Big files" || !rs[1].Off {
			t.Errorf("%s, %+v", got, rs[1])
		}
		s.want("The routes are saved.")
		if l.bar.Visible() {
			t.Error("it still says that they are not saved")
		}
	})
	t.Run("can be moved by the keyboard alone", func(t *testing.T) {
		s := onAnswers(t, answers())
		l, c := s.w.answers.routes, s.win.Canvas()
		test.Tap(l.keys[0].down)
		for range 4 { // the last of them turns back
			c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		}
		if got := names(l.draft); got != "Support tickets, Heating, Ask Claude, Big files" {
			t.Error(got)
		}
		test.Tap(l.keys[2].on)
		c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		if l.draft[2].Off {
			t.Error("the switch is not at hand any more")
		}
	})
	t.Run("Revert takes back", func(t *testing.T) {
		s := onAnswers(t, answers())
		l := s.w.answers.routes
		l.change(l.draft[:1])
		s.wantNot("Support tickets")
		s.press("Revert")
		s.want("Support tickets")
		if l.bar.Visible() {
			t.Error("something is left to save")
		}
	})
	t.Run("an error keeps what was changed", func(t *testing.T) {
		f := answers()
		f.what.refuse = &api.Error{Text: "Only a person can do this."}
		s := onAnswers(t, f)
		s.w.answers.routes.move(2, 0)
		s.press("Save")
		s.want("Not saved. Only a person can do this.")
		if got := names(s.w.answers.routes.draft); !strings.HasPrefix(got, "Ask Claude") {
			t.Error(got)
		}
		f.set(func() { f.what.refuse = nil })
		s.press("Save")
		if got := names(f.what.routes.Routes); !strings.HasPrefix(got, "Ask Claude") {
			t.Error(got)
		}
	})
	t.Run("somebody else's change is not overwritten unasked", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.w.answers.routes.move(2, 0)
		s.f.set(func() {
			s.f.what.routes.Routes = append(s.f.what.routes.Routes, api.Route{ID: "r5", Name: "From elsewhere", To: []string{"notify"}})
		})
		s.press("Save")
		s.want("Put your routes in the place of others?")
		if s.f.count("SetRoutes") != 0 {
			t.Fatal("overwritten")
		}
		s.press("Look again")
		s.want("The routes were changed elsewhere meanwhile.")
		if got := names(s.w.answers.routes.draft); got != "Ask Claude, Heating, Support tickets, Big files" {
			t.Errorf("what was changed is gone: %s", got)
		}
		s.press("Revert")
		s.want("From elsewhere")
	})
	t.Run("a change elsewhere is shown where nothing was changed here", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.f.set(func() { s.f.what.routes.Routes = s.f.what.routes.Routes[:2] })
		s.push(func(*api.Snapshot) {})
		s.pass(2 * time.Second)
		s.settle()
		if got := names(s.w.answers.routes.draft); got != "Heating, Support tickets" {
			t.Error(got)
		}
	})
	t.Run("a hundred of them fit, also in a narrow window", func(t *testing.T) {
		s := onAnswers(t, manyRoutes())
		s.captureAt(660, 560)
		if w := s.w.answers.scroll.Content.MinSize().Width; w > 660-204 {
			t.Errorf("the page is %v wide", w)
		}
		s.w.answers.routes.move(99, 0)
		s.want("Shop 95")
	})
}

func TestRouteForm(t *testing.T) {
	open := func(t *testing.T, i int) (*stage, *routeForm) {
		s := onAnswers(t, answers())
		r := api.Route{}
		if i >= 0 {
			r = s.w.answers.routes.draft[i]
		}
		f := s.w.answers.routes.edit(i, r)
		s.settle()
		return s, f
	}
	t.Run("picks a condition from lists", func(t *testing.T) {
		s, f := open(t, -1)
		s.want("Always: nothing is asked for.")
		s.press("Add a condition")
		s.press("contains (any case)")
		s.pick("starts with")
		for _, e := range s.entries() {
			if e.PlaceHolder == "this text" {
				e.SetText("/heat")
			}
		}
		s.press("Add a condition")
		s.pass(time.Second)
		s.settle()
		s.want("The value is missing. Type what to compare with.")
		if !f.done.disabled {
			t.Error("what is wrong can be kept")
		}
		f.pick.alter(1, func(r *model.Row) { *r = model.Row{Not: true, Field: "role", Op: "is", Value: "owner"} })
		s.press("Any of these holds")
		s.pass(time.Second)
		s.settle()
		if want := `text starts with "/heat" or not (role == "owner")`; f.source.Text != want {
			t.Errorf("%s, want %s", f.source.Text, want)
		}
		s.wantNot("The value is missing")
	})
	t.Run("Done puts the route into the list, and saves nothing", func(t *testing.T) {
		s, f := open(t, -1)
		f.name.SetText(" Soup ")
		s.press("Add a condition")
		f.pick.alter(0, func(r *model.Row) { r.Op, r.Value = "contains", "soup" })
		test.Tap(f.to["agent-1"])
		f.also.on = true
		s.press("Done") // before the pause in which it is written is over
		got := s.w.answers.routes.draft[4]
		if got.Name != "Soup" || got.When != `text contains "soup"` || strings.Join(got.To, " ") != "agent-1" || !got.Also || len(s.w.modals) != 0 {
			t.Errorf("%+v", got)
		}
		s.want("When the text contains “soup”")
		if s.f.count("SetRoutes") != 0 {
			t.Error("saved already")
		}
	})
	t.Run("shows a condition that can be picked, and one that can't", func(t *testing.T) {
		s, f := open(t, 0)
		if len(f.pick.rows) != 2 || f.byHand || !f.source.Disabled() {
			t.Errorf("%+v, by hand %v", f.pick.rows, f.byHand)
		}
		s.want("The sender's role")
		s, f = open(t, 3)
		if !f.byHand || f.source.Text != "any(attachments, .size > 5000000)" {
			t.Errorf("by hand %v: %s", f.byHand, f.source.Text)
		}
		s.press("Pick from lists")
		s.want("This expression can't be picked from lists")
		if !f.byHand {
			t.Error("it pretends that it can")
		}
	})
	t.Run("checks what is written once the person pauses", func(t *testing.T) {
		s, f := open(t, 2)
		s.press("Write it yourself")
		before := len(s.f.calls)
		for _, when := range []string{"mentioned a", "mentioned an", "mentioned and !!"} {
			f.source.SetText(when)
		}
		s.pass(100 * time.Millisecond)
		s.settle()
		if len(s.f.calls) != before {
			t.Errorf("asked while typing: %q", s.f.calls[before:])
		}
		s.pass(300 * time.Millisecond)
		s.settle()
		if n := len(s.f.calls) - before; n != 1 {
			t.Errorf("asked %d times", n)
		}
		s.want("The ! can't stand here.")
		f.finish() // as Enter does
		s.settle()
		if len(s.w.modals) != 1 || f.source.Text != "mentioned and !!" {
			t.Error("what is wrong was kept, or lost")
		}
		f.source.SetText("mentioned")
		s.pass(time.Second)
		s.settle()
		s.wantNot("can't stand here")
		s.press("Pick from lists")
		if f.byHand || len(f.pick.rows) != 1 || f.pick.rows[0].Field != "mentioned" {
			t.Errorf("%+v", f.pick.rows)
		}
	})
	t.Run("an answer that comes late counts for nothing", func(t *testing.T) {
		s, f := open(t, 2)
		s.press("Write it yourself")
		hang := make(chan struct{})
		s.f.set(func() { s.f.hang = hang })
		f.source.SetText("mentioned and !!")
		s.pass(time.Second)
		s.until("it is asked", func() bool { return s.f.count("CheckRoute mentioned and !!") == 1 })
		f.source.SetText("mentioned")
		close(hang)
		s.settle()
		s.wantNot("can't stand here")
	})
	t.Run("a check that fails can be tried again", func(t *testing.T) {
		s, f := open(t, 2)
		s.f.set(func() { s.f.failing = context.DeadlineExceeded })
		f.finish()
		s.settle()
		s.want("Postern did not answer in time")
		s.f.set(func() { s.f.failing = nil })
		s.press("Done")
		if len(s.w.modals) != 0 {
			t.Error("it stays open")
		}
	})
	t.Run("helps with names", func(t *testing.T) {
		s, f := open(t, 2)
		s.press("Write it yourself")
		s.press("Names to use")
		s.want("What was written, the first 64 KiB of it.")
		s.press("Insert")
		if want := `mentioned and text contains "invoice"`; f.source.Text != want {
			t.Errorf("%s, want %s", f.source.Text, want)
		}
	})
	t.Run("what was only looked at is not changed", func(t *testing.T) {
		f := answers()
		f.what.routes.Routes[0].To = []string{"forward-1", "notify", "command-1"}
		s := onAnswers(t, f)
		form := s.w.answers.routes.edit(0, f.what.routes.Routes[0])
		s.settle()
		test.Tap(form.to["notify"])
		test.Tap(form.to["notify"])
		s.press("Done")
		if s.w.answers.routes.dirty() {
			t.Errorf("%+v", s.w.answers.routes.draft[0])
		}
	})
	t.Run("says if nobody gets it", func(t *testing.T) {
		s, f := open(t, 0)
		s.wantNot("Nobody is chosen")
		test.Tap(f.to["command-1"])
		s.want("Nobody is chosen: what fits this route goes nowhere.")
	})
	t.Run("a responder that is gone can be taken out", func(t *testing.T) {
		f := answers()
		f.what.routes.Routes[0].To = []string{"command-1", "gone-7"}
		s := onAnswers(t, f)
		s.w.answers.routes.edit(0, f.what.routes.Routes[0])
		s.settle()
		s.want("gone-7 (removed)")
	})
}

func TestTryRoutes(t *testing.T) {
	s := onAnswers(t, answers())
	s.w.answers.routes.put(-1, api.Route{Name: "Parcels", When: `text contains "parcel"`, To: []string{"forward-1"}}, api.RouteChecked{})
	s.press("Try them…")
	for _, words := range []string{"2 messages go another way than with the saved routes, of 6 messages.", "And the cat is fed", "Before: Everything else", "Now: Parcels", "Can the bot remind us about the parcel tomorrow?"} {
		s.want(words)
	}
	s.press("Only what changes")
	s.wantNot("And the cat is fed")
	s.want("Now: Parcels")
	s.press("Close")
	if s.f.count("SetRoutes") != 0 {
		t.Error("trying saved")
	}
	t.Run("the saved ones", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.press("Try them…")
		s.want("this is what the saved routes do with the last 6 messages.")
		s.wantNot("Only what changes")
		if n := s.f.count("TryRoutes 4"); n != 1 {
			t.Errorf("tried %d times", n)
		}
	})
	t.Run("an error is told", func(t *testing.T) {
		s := onAnswers(t, answers())
		s.f.set(func() { s.f.failing = &api.Error{Text: "The journal can't be read."} })
		s.press("Try them…")
		s.want("It could not be tried. The journal can't be read.")
	})
}
