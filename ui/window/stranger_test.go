package window

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
)

func TestStrangers(t *testing.T) {
	changes := []string{"Allow", "Ignore"}
	open := func(t *testing.T, f *fake) *stage {
		s := newStage(t, f, Light, Options{Page: PageActivity})
		s.settle()
		s.capture()
		return s
	}
	group := func() *fake {
		f := peopled()
		f.activity[5].Conversation = "c1"
		return f
	}
	t.Run("only who could be let in is offered", func(t *testing.T) {
		s := open(t, peopled())
		n := 0
		s.walk(func(o fyne.CanvasObject) {
			if b, ok := o.(*button); ok && b.label == "Allow…" {
				n++
			}
		})
		if n != 1 {
			t.Errorf("%d lines offer it", n)
		}
		s.w.activity.details(s.f.activity[0])
		s.settle()
		s.wantNot("Ignore for good…")
	})
	t.Run("a stranger in a direct chat is let in there", func(t *testing.T) {
		s := open(t, peopled())
		s.press("Allow…")
		for _, words := range []string{"id 31337", "Called “Mira Okafor”. Anybody can choose that name: it proves nothing.", "in direct chats"} {
			s.want(words)
		}
		s.wantNot("in this conversation")
		s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		s.settle()
		s.wantCalls(changes)
		s.press("Allow…")
		s.press("Allow")
		s.wantCalls(changes, "Allow 130 a1 31337  member false")
	})
	t.Run("one in a group is let in there, or in direct chats", func(t *testing.T) {
		s := open(t, group())
		s.press("Allow…")
		s.want("This conversation: Family, id c1")
		s.press("listener")
		s.press("Allow")
		s.press("Allow…")
		s.press("in direct chats")
		s.press("owner")
		s.press("Allow")
		s.wantCalls(changes, "Allow 130 a1 31337 c1 listener false", "Allow 0 a1 31337  owner false")
	})
	t.Run("a bot is never offered as an owner", func(t *testing.T) {
		f := peopled()
		f.entries[len(f.entries)-1].From.Bot = true
		s := open(t, f)
		s.press("Allow…")
		s.want("A bot called “Mira Okafor”.")
		s.want("listener")
		s.wantNot("owner")
		s.press("Allow")
		s.wantCalls(changes, "Allow 130 a1 31337  member true")
	})
	t.Run("the message of somebody else says nothing about them", func(t *testing.T) {
		f := peopled()
		f.entries[len(f.entries)-1].From.ID, f.entries[len(f.entries)-1].From.Name = "1", "Boss"
		s := open(t, f)
		s.press("Allow…")
		s.wantNot("Boss")
		s.want("id 31337")
	})
	t.Run("ignoring is asked about", func(t *testing.T) {
		s := open(t, peopled())
		s.press("Ignore…")
		s.want("Ignore them for good?")
		s.want("id 31337\nMira Okafor")
		s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		s.settle()
		s.wantCalls(changes)
		s.press("Ignore…")
		s.press("Ignore for good")
		s.wantCalls(changes, "Ignore 0 a1 31337")
		s.want("They are ignored for good.")
	})
	t.Run("a narrow window offers it behind a click", func(t *testing.T) {
		s := open(t, peopled())
		s.captureAt(660, 560)
		s.wantNot("Allow…")
		s.w.activity.details(s.f.activity[5])
		s.want("Allow…")
		s.press("Ignore for good…")
		s.want("Ignore them for good?")
	})
}

func TestWhy(t *testing.T) {
	why := func(t *testing.T, change func(*api.Why)) *stage {
		f := peopled()
		change(&f.talk.why)
		s := newStage(t, f, Light, Options{Page: PageActivity})
		s.settle()
		s.w.activity.details(f.activity[5])
		s.press("Why?")
		s.capture()
		return s
	}
	t.Run("tells how it was decided and how it would be", func(t *testing.T) {
		s := why(t, func(*api.Why) {})
		s.wantCalls([]string{"Why"}, "Why 130")
		for _, words := range []string{"When it came", "Not let in: a stranger", "The platform says that it was the user 31337.", "It would be decided today", "Let in as a member, by rule 3",
			"Kitchen: conversation is not \"Kitchen\"", "All else: it takes everything", "Notify me · Claude"} {
			s.want(words)
		}
		s.press("Copy all")
		if len(s.sent) != 1 || !strings.Contains(s.sent[0], "Then: Not let in: a stranger\n") || !strings.Contains(s.sent[0], "Goes to: Notify me · Claude") {
			t.Errorf("copied %q", s.sent)
		}
	})
	t.Run("once where nothing would differ", func(t *testing.T) {
		s := why(t, func(y *api.Why) { now := y.Now; y.Then = &now })
		s.want("When it came, and as it would be today")
		s.wantNot("It would be decided today")
	})
	t.Run("what is not kept is said", func(t *testing.T) {
		s := why(t, func(y *api.Why) { y.Then = nil })
		s.want("What was decided when it came is not kept.")
	})
	t.Run("nothing goes anywhere that is not let in", func(t *testing.T) {
		s := why(t, func(y *api.Why) { y.Now = *y.Then })
		s.wantNot("Goes to")
	})
	t.Run("a way to nobody is said", func(t *testing.T) {
		s := why(t, func(y *api.Why) { y.To = nil; y.Lease = "Claude has it." })
		s.want("Nothing answers it")
		s.want("Claude has it.")
	})
	t.Run("the signs tell the outcomes apart without colour", func(t *testing.T) {
		seen := map[glyph]bool{}
		for _, o := range []access.Outcome{access.Passed, access.Stopped, access.Noted} {
			seen[stepSign(o).(*icon).glyph] = true
		}
		if len(seen) != 3 {
			t.Errorf("%d signs", len(seen))
		}
	})
}

func TestSimulate(t *testing.T) {
	calls := []string{"Simulate"}
	t.Run("asks with what is typed", func(t *testing.T) {
		s := onPeople(t, peopled())
		s.press("What would happen if…")
		s.press("What would happen?")
		s.want("Choose the account first.")
		d := s.w.simulate("a1")
		s.settle()
		d.run()
		s.want("The sender's id is missing.")
		d.user.SetText(" 4711 ")
		d.words.SetText("lights on")
		d.run()
		s.settle()
		s.wantCalls(calls, "Simulate a1 4711 false  direct lights on false")
		s.want("Let in as a member, by rule 3")
		s.wantNot("When it came")
	})
	t.Run("a shared place needs its id and can mention", func(t *testing.T) {
		s := onPeople(t, peopled())
		d := s.w.simulate("a1", s.w.people.data.Rules[1])
		if d.place.Text != "-100200300" || d.user.Text != "815" {
			t.Errorf("filled with %q, %q", d.place.Text, d.user.Text)
		}
		s.press("a channel")
		d.mention.tap()
		d.run()
		s.settle()
		s.wantCalls(calls, "Simulate a1 815 false -100200300 channel hello true")
		d.place.SetText("")
		d.run()
		s.settle()
		s.want("The conversation's id is missing.")
		s.press("a direct chat")
		d.run()
		s.settle()
		s.wantCalls(calls, "Simulate a1 815 false -100200300 channel hello true", "Simulate a1 815 false  direct hello false")
	})
	t.Run("a refusal is told", func(t *testing.T) {
		f := peopled()
		f.talk.refuse = map[string]error{"Simulate": errors.New("there is no such account")}
		s := onPeople(t, f)
		d := s.w.simulate("a1", s.w.people.data.Rules[0])
		d.run()
		s.settle()
		s.want("there is no such account")
		if slices.Contains(s.texts(), "Goes to") {
			t.Error("there is a result")
		}
	})
}
