package window

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/inspect"
	"github.com/postern/postern/platforms"
)

func onInputs(t *testing.T, f *fake) *stage {
	t.Helper()
	pin(t)
	s := newStage(t, f, Light, Options{Page: PageInputs})
	s.settle()
	return s
}

func TestInputsPage(t *testing.T) {
	t.Run("says of each input what can come, and what came", func(t *testing.T) {
		s := onInputs(t, inputs())
		for _, words := range []string{"GitHub postern builds", "Comes by the relay home", "relayed webhook", "21,204 accepted · 31 rejected · last 40 s ago", "1,204 requests kept, 3.4 MB",
			"17 more came too fast to be listed here.", "Registered at ada/door 2 days ago · proven 2 days ago",
			"LINE shop", "Nothing can come in", "No listener is open, and no relay brings anything. Acknowledge a listener, or set up a relay.", "refused: not acknowledged", "Register at LINE…",
			"No contents are kept", "Answers a fixed text · an expression makes its text", "http://192.168.1.20:47822/in/doorbell"} {
			s.want(words)
		}
		s.wantNot("Nothing can come in from outside.")
		s.wantNot("Nothing is open here") // something comes all the same
		s.pass(time.Minute)
		s.pass(time.Second)
		s.want("last 1 min ago")
	})
	t.Run("the address is copied", func(t *testing.T) {
		s := onInputs(t, inputs())
		s.press("Copy")
		if len(s.sent) != 1 || s.sent[0] != s.f.came.inputs[0].Address {
			t.Errorf("%q", s.sent)
		}
	})
	t.Run("an address that is not whole is not copied", func(t *testing.T) {
		f := inputs()
		f.came.inputs = f.came.inputs[:1]
		f.came.inputs[0].Address = "https://relay.example/%E2%80%A6"
		s := onInputs(t, f)
		s.want("https://relay.example/…")
		s.want("Its end is a secret and not shown.")
		s.wantNot("Copy")
	})
	t.Run("nothing is the safe state", func(t *testing.T) {
		s := onInputs(t, sample())
		s.want("Nothing can come in from outside.")
		s.want("That is the safe state.")
		s.press("Add a webhook account")
		if s.w.setup == nil {
			t.Error("the form did not open")
		}
	})
	t.Run("a failure is told, and can be tried again", func(t *testing.T) {
		f := inputs()
		f.came.refuse = map[string]error{"Inputs": &api.Error{Text: "The journal is full. Free some space."}}
		s := onInputs(t, f)
		s.want("The inputs could not be read. The journal is full. Free some space.")
		f.set(func() { f.came.refuse = nil })
		s.press("Try again")
		s.wantNot("could not be read")
		s.want("GitHub postern builds")
	})
	t.Run("what changed is read once a second at most", func(t *testing.T) {
		s := onInputs(t, inputs())
		before := s.f.count("Inputs")
		for range 5 {
			s.push(func(*api.Snapshot) {})
			s.w.inputs.tick()
			s.settle()
		}
		s.f.set(func() { s.f.came.inputs[0].Accepted = 99_000 })
		s.pass(2 * time.Second)
		s.settle()
		if n := s.f.count("Inputs") - before; n != 1 {
			t.Errorf("asked %d times", n)
		}
		s.want("99,000 accepted")
	})
	t.Run("what arrived at one is a press away", func(t *testing.T) {
		s := onInputs(t, inputs())
		test.Tap(s.w.inputs.byID["w2"].arrived)
		s.settle()
		for _, r := range s.w.inputs.arrived.lines {
			if r.Account != "w2" {
				t.Fatalf("%+v is listed", r)
			}
		}
		s.want("Webhook doorbell")
		s.want("content not kept")
	})
	t.Run("all is forgotten after a question", func(t *testing.T) {
		s := onInputs(t, inputs())
		s.press("Forget all…")
		s.want("Forget what arrived?")
		s.press("Keep")
		if s.f.count("ForgetRequests w1") != 0 {
			t.Error("it was forgotten unasked")
		}
		s.press("Forget all…")
		test.Tap(s.button("Forget all"))
		s.settle()
		if s.f.count("ForgetRequests w1") != 1 {
			t.Errorf("%q", s.f.calls)
		}
		for _, r := range s.w.inputs.arrived.lines {
			if r.Account == "w1" {
				t.Fatal("it is still listed")
			}
		}
	})
	t.Run("nothing is asked on the goroutine that draws", func(t *testing.T) {
		s := onInputs(t, inputs())
		ui := goroutine()
		s.f.set(func() { s.f.onUI = func() bool { return goroutine() == ui } })
		s.w.inputs.arrivedAt("")
		s.w.inputs.arrived.pick(s.f.came.requests[0])
		s.settle()
		s.press("Copy as curl")
		s.press("Replay…")
		s.press("Replay")
		if len(s.f.wrong) > 0 {
			t.Errorf("%q", s.f.wrong)
		}
	})
}

func TestInputSettings(t *testing.T) {
	open := func(t *testing.T, i int) (*stage, *inputForm) {
		s := onInputs(t, inputs())
		return s, s.w.inputSettings(s.w.inputs, s.f.came.inputs[i], nil)
	}
	t.Run("what is there is shown, and saved as it was", func(t *testing.T) {
		s, f := open(t, 2)
		s.want("Kept: The newest 50 requests for 2 days: when each came and how it was answered, nothing else.")
		f.store()
		s.settle()
		if len(s.f.came.set) != 1 || s.f.came.set[0] != s.f.came.inputs[2].Settings {
			t.Errorf("%+v", s.f.came.set)
		}
		if len(s.w.modals) != 0 {
			t.Error("it stays open")
		}
		s.want("The settings of Webhook doorbell are saved.")
	})
	t.Run("the words follow what is typed", func(t *testing.T) {
		s, f := open(t, 2)
		test.Tap(f.ephemeral)
		f.keep.SetText("1000")
		f.days.SetText("")
		s.want("Kept: The newest 1,000 requests for 7 days.")
	})
	t.Run("what can't be is told at its field", func(t *testing.T) {
		s, f := open(t, 2)
		f.keep.SetText("many")
		f.days.SetText("99999")
		f.status.SetText("500")
		f.store()
		s.settle()
		for _, words := range []string{"Enter a whole number from 1 to 10,000, or nothing.", "Enter a whole number from 1 to 365, or nothing.", "Enter a whole number from 200 to 299, or nothing."} {
			s.want(words)
		}
		if len(s.f.came.set) != 0 {
			t.Errorf("%+v", s.f.came.set)
		}
	})
	t.Run("what the service refuses is told at its field, and stays", func(t *testing.T) {
		s, f := open(t, 2)
		s.f.came.refuse = map[string]error{"SetInput": &api.Error{Text: "The expression can't be used.", Fields: map[string]string{"transform": "there is no name texxt"}}}
		f.transform.SetText("texxt")
		f.store()
		s.settle()
		s.want("Not saved. The expression can't be used.")
		s.want("There is no name texxt.")
		if f.transform.Text != "texxt" || len(s.w.modals) != 1 {
			t.Error("what was typed is gone")
		}
	})
	t.Run("an expression for the answer must be there", func(t *testing.T) {
		s, f := open(t, 2)
		s.press("An expression")
		f.reply.SetText(" ")
		f.store()
		s.settle()
		s.want("The expression is missing.")
	})
	t.Run("Escape closes it, wherever the focus is", func(t *testing.T) {
		s, f := open(t, 2)
		s.win.Canvas().Focus(f.modes[1])
		f.modes[1].TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
		if len(s.w.modals) != 0 {
			t.Error("it stays open")
		}
	})
	t.Run("an expression is tried once the person pauses", func(t *testing.T) {
		s := onInputs(t, inputs())
		f := s.w.inputSettings(s.w.inputs, s.f.came.inputs[0], nil)
		s.settle()
		for _, e := range []string{"js", "json.", "json.ref"} {
			f.transform.SetText(e)
			s.pass(100 * time.Millisecond)
		}
		s.pass(400 * time.Millisecond)
		s.settle()
		if s.f.count("TryInput 10000 json.ref") != 1 || s.f.count("TryInput 10000 js")+s.f.count("TryInput 10000 json.") != 0 {
			t.Errorf("%q", s.f.calls)
		}
		s.want("Tried on the request of Fri 20 Nov 2026, 14:02:31:\nmade of json.ref")
		s.want("⟨U+001B⟩")
		f.transform.SetText("a !! b")
		s.pass(time.Second)
		s.settle()
		s.want("There is something wrong at column 3.")
		s.wantNot("Tried on the request")
		f.transform.SetText("")
		s.pass(time.Second)
		s.settle()
		s.wantNot("There is something wrong")
	})
	t.Run("without a request an expression is only checked", func(t *testing.T) {
		fk := inputs()
		fk.came.requests = nil
		s := onInputs(t, fk)
		s.w.inputSettings(s.w.inputs, fk.came.inputs[2], nil)
		s.settle()
		s.want("Nothing that arrived is kept yet to try it on.")
	})
	t.Run("the request that is shown is tried", func(t *testing.T) {
		s := onInputs(t, inputs())
		s.w.inputs.arrivedAt("")
		s.w.inputs.arrived.pick(s.f.came.requests[3])
		s.settle()
		s.press("Inputs")
		s.press("Settings…")
		s.w.modals[0].dismiss()
		s.w.inputs.byID["w1"].settings()
		s.press("An expression")
		s.walk(func(o fyne.CanvasObject) {
			if e, ok := o.(*entry); ok && strings.HasPrefix(e.PlaceHolder, `For example: "Thanks`) {
				e.SetText("json.number")
			}
		})
		s.pass(time.Second)
		s.settle()
		if s.f.count("TryInput 9997 json.number") != 1 {
			t.Errorf("%q", s.f.calls)
		}
	})
	t.Run("where the protocol says the answer, it can't be chosen", func(t *testing.T) {
		s, f := open(t, 1)
		s.want("The platform's own protocol says how this input answers.")
		s.wantNot("A fixed text")
		f.store()
		s.settle()
		if len(s.f.came.set) != 1 || s.f.came.set[0].Answer != (api.InputAnswer{}) {
			t.Errorf("%+v", s.f.came.set)
		}
	})
}

func TestRegistration(t *testing.T) {
	open := func(t *testing.T, i int) (*stage, *registration) {
		s := onInputs(t, inputs())
		g := s.w.register(s.w.inputs, s.f.came.inputs[i])
		s.settle()
		return s, g
	}
	fill := func(g *registration) {
		g.inputs["where"].SetText("ada/shop")
		g.inputs["token"].SetText("ghp_secret")
	}
	t.Run("registers, and never shows the secret again", func(t *testing.T) {
		s, g := open(t, 1)
		s.want("Make a token that may change the repository's hooks.")
		s.wantNot("Events") // folded
		s.press("Register")
		s.want("Repository is missing. Fill it in.")
		if len(s.f.came.drafts) != 0 {
			t.Fatal("it was registered without what is required")
		}
		fill(g)
		s.press("Register")
		if d := s.f.came.drafts; len(d) != 1 || fmt.Sprint(d[0].Values) != "map[token:ghp_secret where:ada/shop]" {
			t.Fatalf("%+v", d)
		}
		s.want("Registered, and waiting for its first request.")
		s.want("ada/shop")
		s.want("Made the hook at ada/shop.")
		s.want("Waiting for its first request.")
		s.wantNot("ghp_secret")
		if g.inputs["token"].Text != "" {
			t.Error("the secret is still in its field")
		}
	})
	t.Run("a refusal is told at its field, and what was typed stays", func(t *testing.T) {
		s, g := open(t, 1)
		s.f.came.refuse = map[string]error{"Register": &api.Error{Text: "GitHub refused the token (401). Make a new one.", Fields: map[string]string{"token": "it is refused"}}}
		s.f.came.told = api.Registration{Steps: []api.RegistrationStep{{Text: "GitHub does not know the token.", Bad: true}}}
		fill(g)
		s.press("Register")
		s.want("Not registered. GitHub refused the token (401). Make a new one.")
		s.want("It is refused.")
		s.want("GitHub does not know the token.")
		if g.inputs["token"].Text == "" {
			t.Error("what was typed is gone")
		}
	})
	t.Run("it can be cancelled", func(t *testing.T) {
		s, g := open(t, 1)
		hang := make(chan struct{})
		t.Cleanup(func() { close(hang) })
		s.f.set(func() { s.f.hang = hang })
		fill(g)
		test.Tap(s.button("Register"))
		s.want("Registering…")
		s.want("Talking with LINE…")
		s.f.set(func() { s.f.hang = nil })
		s.press("Cancel")
		s.want("Cancelled. What the service was told by then, it may still know.")
		s.wantNot("Registering…")
	})
	t.Run("is removed after a question", func(t *testing.T) {
		s, _ := open(t, 0)
		s.want("Registered, and proven: the service has reached this input.")
		s.press(removeLabel)
		s.want("Remove it there?")
		s.press("Keep")
		if s.f.count("Unregister w1") != 0 {
			t.Fatal("it was removed unasked")
		}
		s.press(removeLabel)
		s.press("Remove")
		if s.f.count("Unregister w1") != 1 || len(s.w.modals) != 0 {
			t.Errorf("%q", s.f.calls)
		}
		s.want("It was removed at the service.")
	})
	t.Run("what is wrong with it is told, and it can be registered again", func(t *testing.T) {
		f := inputs()
		f.came.inputs[0].Registration.Steps = append(f.came.inputs[0].Registration.Steps, api.RegistrationStep{Text: "The address is another by now. Register again.", Bad: true})
		s := onInputs(t, f)
		g := s.w.register(s.w.inputs, f.came.inputs[0])
		s.want("Registered, but something is wrong. Look at what is marked.")
		s.press("Register again…")
		s.wantNot(removeLabel)
		s.wantNot("Register again…")
		fill(g)
		s.press("Register")
		if len(f.came.drafts) != 1 {
			t.Fatalf("%+v", f.came.drafts)
		}
		s.want("ada/shop")
		s.want(removeLabel)
	})
	t.Run("a removal that fails says so", func(t *testing.T) {
		s, _ := open(t, 0)
		s.f.came.refuse = map[string]error{"Unregister": &api.Error{Text: "GitHub does not answer. Try again later."}}
		s.press(removeLabel)
		s.press("Remove")
		s.want("Not removed. GitHub does not answer. Try again later.")
		s.want("ada/door")
	})
}

func TestReplay(t *testing.T) {
	open := func(t *testing.T) *stage {
		s := onInputs(t, inputs())
		s.w.replayRequest(s.f.came.requests[0])
		s.settle()
		return s
	}
	t.Run("is shown, and nothing is sent", func(t *testing.T) {
		s := open(t)
		s.want("That is: Ticket desk")
		s.want("Off: the answers are only shown here, and nothing is sent.")
		s.press("Replay")
		if r := s.f.came.replays; len(r) != 1 || r[0].Request != 10_000 || r[0].Send || r[0].To != nil || r[0].Body != nil || r[0].Header != nil || r[0].Method != nil {
			t.Fatalf("%+v", r)
		}
		for _, words := range []string{"Ticket desk", "1 answer, not sent · 212 ms", "Ticket 41 is open.", "Heating", "failed · 2.0 s", "The command ended with exit status 2.", "Again"} {
			s.want(words)
		}
		s.press("Again")
		if len(s.f.came.replays) != 2 {
			t.Error("it was not replayed again")
		}
	})
	t.Run("nothing can be sent where nothing is taken", func(t *testing.T) {
		f := inputs()
		f.snap.Accounts = append(f.snap.Accounts, api.Account{ID: "w1", Platform: "forge", Title: "GitHub"})
		f.kinds = append(f.kinds, api.Platform{Name: "forge", Limits: platforms.Limits{Mute: true}})
		s := onInputs(t, f)
		s.w.replayRequest(f.came.requests[0])
		s.settle()
		s.want("this platform brings messages, and takes none")
		s.wantNot("Send the answers into the conversation")
	})
	t.Run("to those who are chosen, edited", func(t *testing.T) {
		s := open(t)
		s.press("Edit before it is replayed")
		s.press("Those that I choose")
		var d *check
		s.walk(func(o fyne.CanvasObject) {
			if c, ok := o.(*check); ok {
				if c.on != (c.label == "Ticket desk") {
					t.Errorf("%s: %v", c.label, c.on)
				}
				if c.label == "Heating" {
					d = c
				}
			}
		})
		test.Tap(d)
		s.walk(func(o fyne.CanvasObject) {
			if e, ok := o.(*entry); ok && strings.HasPrefix(e.Text, `{"ref"`) {
				e.SetText(`{"ref":"x"}`)
			}
		})
		s.press("Replay")
		r := s.f.came.replays[0]
		if fmt.Sprint(r.To) != "[command-1 forward-1]" || string(r.Body) != `{"ref":"x"}` || r.Header != nil {
			t.Errorf("%+v", r)
		}
	})
	t.Run("to nobody is refused", func(t *testing.T) {
		s := open(t)
		s.press("Those that I choose")
		s.walk(func(o fyne.CanvasObject) {
			if c, ok := o.(*check); ok && c.on {
				test.Tap(c)
			}
		})
		s.press("Replay")
		s.want("Nobody is chosen. Choose at least one, or whoever would get it now.")
		if len(s.f.came.replays) != 0 {
			t.Error("it was replayed")
		}
	})
	t.Run("what is no header is told", func(t *testing.T) {
		s := open(t)
		s.press("Edit before it is replayed")
		s.walk(func(o fyne.CanvasObject) {
			if e, ok := o.(*entry); ok && strings.HasPrefix(e.Text, "Authorization") {
				e.SetText("X-One: 1\nnothing")
			}
		})
		s.press("Replay")
		s.want("Line 2 of the headers is no header.")
	})
	t.Run("can be cancelled", func(t *testing.T) {
		s := open(t)
		hang := make(chan struct{})
		t.Cleanup(func() { close(hang) })
		s.f.set(func() { s.f.hang = hang })
		test.Tap(s.button("Replay"))
		s.want("Waiting for the responders…")
		s.f.set(func() { s.f.hang = nil })
		s.press("Cancel")
		s.want("Cancelled. What a responder had done by then is done.")
		s.press("Close")
		if len(s.w.modals) != 0 {
			t.Error("it stays open")
		}
	})
	t.Run("a failure is told", func(t *testing.T) {
		s := open(t)
		s.f.came.refuse = map[string]error{"Replay": &api.Error{Text: "The request is not kept any more."}}
		s.press("Replay")
		s.want("It was not replayed. The request is not kept any more.")
	})
	t.Run("a message, with another text", func(t *testing.T) {
		s := onInputs(t, inputs())
		s.w.replayEntry(105)
		s.settle()
		s.walk(func(o fyne.CanvasObject) {
			if e, ok := o.(*entry); ok && e.Text == "Here is the plan for Sunday" {
				e.SetText("no plan")
			}
		})
		s.walk(func(o fyne.CanvasObject) {
			if c, ok := o.(*toggle); ok {
				test.Tap(c)
			}
		})
		s.press("Replay")
		if r := s.f.came.replays; len(r) != 1 || r[0].Entry != 105 || r[0].Text == nil || *r[0].Text != "no plan" || !r[0].Send {
			t.Errorf("%+v", r)
		}
	})
	t.Run("from the activity", func(t *testing.T) {
		s := onInputs(t, inputs())
		s.w.activity.details(s.f.activity[1])
		s.press("Replay…")
		s.want("Here is the plan for Sunday")
	})
	t.Run("what is long is not edited here", func(t *testing.T) {
		f := inputs()
		f.came.requests[0].Body = []byte(strings.Repeat("x", mostEdited+1))
		s := onInputs(t, f)
		s.w.replayRequest(f.came.requests[0])
		s.settle()
		s.press("Edit before it is replayed")
		s.want("The body is too long to be edited here, and is replayed as it was.")
	})
}

func TestCompare(t *testing.T) {
	s := onInputs(t, inputs())
	s.w.inputs.arrivedAt("")
	s.settle()
	c := s.w.compareRequests(s.w.inputs.arrived, s.f.came.requests[0])
	if slices.ContainsFunc(c.others, func(r api.InputRequest) bool { return r.ID == 10_000 }) || len(c.others) != 59 {
		t.Errorf("%d to choose from", len(c.others))
	}
	c.pick.OnSelected(0)
	s.settle()
	marks := map[string][]string{}
	for _, l := range c.lines {
		marks[l.Mark] = append(marks[l.Mark], strings.TrimSpace(l.Text))
	}
	if !slices.Contains(marks["-"], `"number": 0,`) || !slices.Contains(marks["+"], `"number": 1,`) || len(marks[" "]) > 0 {
		t.Errorf("%q", marks)
	}
	s.want("4 lines differ") // the id differs too
	test.Tap(c.only)
	if !slices.ContainsFunc(c.lines, func(l inspect.Line) bool {
		return l.Mark == " " && strings.Contains(l.Text, `"ref": "refs/heads/main"`)
	}) {
		t.Error("what is the same is not shown")
	}
	s.press("Another…")
	s.want("Choose what to compare the request of")
	s.f.came.refuse = map[string]error{"Request": &api.Error{Text: "There is no such request, or it is not kept any more."}}
	c.pick.OnSelected(3)
	s.settle()
	s.want("They could not be compared. There is no such request, or it is not kept any more.")
	s.press("Close")
	if len(s.w.modals) != 0 {
		t.Error("it stays open")
	}
}
