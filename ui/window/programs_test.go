package window

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
)

func onPrograms(t *testing.T, f *fake) *stage {
	t.Helper()
	s := newStage(t, f, Light, Options{Page: PagePrograms})
	s.settle()
	return s
}

// program is the line of the program with this name.
func (s *stage) program(name string) *programCard {
	s.t.Helper()
	for _, r := range s.w.programs.rows {
		if r.c.Name == name {
			return r
		}
	}
	s.t.Fatalf("there is no program %q", name)
	return nil
}

func TestProgramsPage(t *testing.T) {
	pin(t)
	t.Run("says what it is for where there is none yet", func(t *testing.T) {
		s := onPrograms(t, sample())
		s.want("No program has a name yet.")
		s.want("it gets a token of its own")
		s.wantNot("Named programs")
		s.press("Name a program…")
		s.want("Make its token")
	})
	t.Run("says what each may do, and since when", func(t *testing.T) {
		s := onPrograms(t, programs())
		for _, words := range []string{"May send to “town-square” on Mattermost home.", "Last used 3 min ago · made 40 days ago · no end · at most 60 messages a minute",
			"May send to “Family” on Telegram family and every conversation on Mattermost home; may read everything.",
			"Never used · made 1 day ago · ends 2 Dec 14:02 · at most 20 messages a minute", "May see the status of every account.", "Its time is over: it is refused."} {
			s.want(words)
		}
		s.wantNot("No program has a name yet.")
		s.pass(time.Minute)
		s.pass(time.Second)
		s.settle()
		s.want("Last used 4 min ago")
	})
	t.Run("titles that are the same are told apart", func(t *testing.T) {
		f := programs()
		f.convs[5].Title = "town-square"
		s := onPrograms(t, f)
		s.want("May send to “town-square (c4)” on Mattermost home.")
	})
	t.Run("a failure is told, and can be tried again", func(t *testing.T) {
		s := onPrograms(t, programs())
		s.f.set(func() { s.f.failing = &api.Error{Text: "The journal is full. Free some space."} })
		s.w.programs.load()
		s.settle()
		s.want("The programs could not be read. The journal is full. Free some space.")
		s.want("night-report")
		s.f.set(func() { s.f.failing = nil })
		s.press("Try again")
		s.wantNot("could not be read")
	})
	t.Run("what changed is read once a second at most", func(t *testing.T) {
		s := onPrograms(t, programs())
		before := s.f.count("Clients")
		for range 5 {
			s.push(func(*api.Snapshot) {})
			s.w.programs.tick()
			s.settle()
		}
		s.f.set(func() { s.f.named.clients = s.f.named.clients[:1] })
		s.pass(time.Second)
		s.settle()
		if n := s.f.count("Clients") - before; n != 1 {
			t.Errorf("asked %d times", n)
		}
		s.wantNot("night-report")
	})
	t.Run("revoking says what stops, and waits for a yes", func(t *testing.T) {
		s := onPrograms(t, programs())
		test.Tap(s.program("ci").more)
		s.pick("Revoke…")
		s.want("Its token counts no more")
		s.want("It was last used 3 min ago.")
		s.press("Keep it")
		if s.f.count("RevokeClient p1") != 0 {
			t.Fatal("revoked without a yes")
		}
		s.program("ci").revoke()
		s.press("Revoke")
		if s.f.count("RevokeClient p1") != 1 || len(s.w.programs.rows) != 2 {
			t.Errorf("%d left", len(s.w.programs.rows))
		}
		s.want("ci was revoked.")
	})
}

func TestOnlyNamedPrograms(t *testing.T) {
	t.Run("leaves the other settings alone", func(t *testing.T) {
		s := onPrograms(t, programs())
		want := s.f.settings
		want.ClientsOnly, want.HideText = true, true
		s.f.set(func() { s.f.settings.HideText = true }) // by somebody else, meanwhile
		test.Tap(s.w.programs.only)
		s.settle()
		if s.f.settings != want || !s.w.programs.only.on {
			t.Errorf("%+v", s.f.settings)
		}
		s.want("Only named programs may ask now.")
	})
	t.Run("a refusal is told, and the switch goes back", func(t *testing.T) {
		s := onPrograms(t, programs())
		s.f.set(func() { s.f.failing = &api.Error{Text: "Only a person may change this."} })
		test.Tap(s.w.programs.only)
		s.settle()
		s.want("Only a person may change this.")
		if s.w.programs.only.on {
			t.Error("the switch says it is on")
		}
	})
	t.Run("saving the general settings does not set it back", func(t *testing.T) {
		s := newStage(t, programs(), Light, Options{Page: PageGeneral})
		s.settle()
		s.f.set(func() { s.f.settings.ClientsOnly = true })
		test.Tap(s.w.general.hide)
		s.press("Save")
		if !s.f.settings.ClientsOnly || !s.f.settings.HideText {
			t.Errorf("%+v", s.f.settings)
		}
	})
}

func TestNameAProgram(t *testing.T) {
	pin(t)
	t.Run("what was not chosen is not let", func(t *testing.T) {
		s := onPrograms(t, programs())
		f := s.w.programs.add()
		s.press("Make its token")
		s.want("The name is missing. Choose one.")
		s.want("Choose an account, or every account.")
		f.name.SetText(" builds ")
		s.wantNot("The name is missing")
		s.press("read")
		s.pick("send messages")
		s.press("Choose where")
		s.pick("in Mattermost home")
		s.press("Make its token")
		s.want("Choose a conversation, or every conversation.")
		if len(s.f.named.drafts) > 0 {
			t.Fatal("saved before all was chosen")
		}
		s.press("Choose which")
		s.pick("town-square")
		s.want("Conversation “town-square”, id c4")
		f.rate.SetText("7")
		s.press("for 7 days")
		s.press("Make its token")
		want := api.ClientDraft{Name: "builds", PerMinute: 7, Expires: noon.Add(7 * 24 * time.Hour).Truncate(time.Second),
			Scopes: []api.Scope{{Do: api.MaySend, Account: "a2", Conversation: "c4"}}}
		if d := s.f.named.drafts; len(d) != 1 || fmt.Sprint(d[0]) != fmt.Sprint(want) {
			t.Errorf("%+v", d)
		}
	})
	t.Run("another account needs another conversation", func(t *testing.T) {
		s := onPrograms(t, programs())
		f := s.w.programs.change(s.f.named.clients[0])
		s.press("in Mattermost home")
		s.pick("in Telegram family")
		s.press("Save")
		s.want("Choose a conversation, or every conversation.")
		s.press("Choose which")
		s.pick("every conversation")
		s.press("Save")
		if d := s.f.named.drafts; len(d) != 1 || fmt.Sprint(d[0].Scopes) != "[send:a1]" {
			t.Errorf("%+v", d)
		}
		s.want("Its token stays.")
		_ = f
	})
	t.Run("the status is that of accounts", func(t *testing.T) {
		s := onPrograms(t, programs())
		f := s.w.programs.change(s.f.named.clients[0])
		s.press("send")
		s.pick("see the status")
		s.wantNot("town-square”, id")
		if fmt.Sprint(f.scopes.scopes()) != "[status:a2]" {
			t.Errorf("%v", f.scopes.scopes())
		}
		s.press("see the status")
		s.pick("read messages")
		if f.scopes.unfinished() == "" {
			t.Error("became a scope for all of the account without being asked")
		}
	})
	t.Run("lines can be added and taken away", func(t *testing.T) {
		s := onPrograms(t, programs())
		f := s.w.programs.change(s.f.named.clients[0])
		s.press("Add another")
		f.scopes.rows[0].remove()
		f.scopes.rows[0].remove()
		s.press("Save")
		s.want("Add at least one thing that it may do.")
		if len(s.f.named.drafts) > 0 {
			t.Error("saved")
		}
	})
	t.Run("numbers and days are looked at", func(t *testing.T) {
		s := onPrograms(t, programs())
		f := s.w.programs.change(s.f.named.clients[0])
		f.rate.SetText("6001")
		f.until.other.SetText("2020-01-01")
		s.press("Save")
		s.want("Enter a whole number between 1 and 6000.")
		s.want("This day is over. Enter a later one.")
		if len(s.f.named.drafts) > 0 {
			t.Error("saved")
		}
	})
	t.Run("a refusal keeps what was typed", func(t *testing.T) {
		f := programs()
		f.named.refuse = &api.Error{Text: `There is a client "ci" already. Choose another name, or revoke that one.`}
		s := onPrograms(t, f)
		form := s.w.programs.change(f.named.clients[1])
		form.name.SetText("ci")
		s.press("Save")
		s.want("Choose another name, or revoke that one.")
		if form.name.Text != "ci" || form.busy || len(s.w.modals) != 1 {
			t.Errorf("%q, busy %v, %d dialogs", form.name.Text, form.busy, len(s.w.modals))
		}
	})
}

func TestTokenIsShownOnce(t *testing.T) {
	open := func(t *testing.T, o Options) *stage {
		s := newStage(t, programs(), Light, o)
		s.w.Go(PagePrograms)
		s.settle()
		f := s.w.programs.add()
		f.name.SetText("builds")
		f.scopes.rows[0].s, f.scopes.rows[0].anywhere = api.Scope{Do: api.MayRead}, false
		s.press("Make its token")
		return s
	}
	t.Run("with how it is used", func(t *testing.T) {
		s := open(t, Options{})
		for _, words := range []string{"The token of builds", fakeToken, "POSTERN_TOKEN=" + fakeToken, `{"command":"postern","args":["mcp","--client","builds"]}`, "shown this once and not again"} {
			s.want(words)
		}
		s.press("Copy")
		if len(s.sent) != 1 || s.sent[0] != fakeToken {
			t.Errorf("%q", s.sent)
		}
		s.press("Done")
		s.wantNot(fakeToken)
		s.wantNot("was not copied")
		s.want("builds")
	})
	t.Run("and what to do if it was not copied", func(t *testing.T) {
		s := open(t, Options{})
		s.w.escape()
		s.wantNot(fakeToken)
		s.want("The token was not copied.")
	})
	t.Run("also when it is another", func(t *testing.T) {
		s := onPrograms(t, programs())
		test.Tap(s.program("editor").more)
		s.pick("New token…")
		s.want("The present token counts no more at once")
		if s.f.count("RotateClient p2") != 0 {
			t.Fatal("made without a yes")
		}
		s.press("Make a new token")
		s.want("The token of editor")
		s.want(fakeToken)
	})
	t.Run("even if the form was left while it was made", func(t *testing.T) {
		f := programs()
		s := onPrograms(t, f)
		form := s.w.programs.add()
		form.name.SetText("builds")
		form.scopes.rows[0].anywhere = false
		hang := hung(f)
		test.Tap(s.button("Make its token"))
		s.w.escape()
		close(hang)
		s.settle()
		s.want(fakeToken)
	})
	t.Run("and never written to the log", func(t *testing.T) {
		var log bytes.Buffer
		s := open(t, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		s.w.escape()
		s.w.fail(errors.New("so that there is a line"))
		if !strings.Contains(log.String(), "so that there is a line") || strings.Contains(log.String(), "pst_") {
			t.Errorf("%s", &log)
		}
	})
}

// hung has every call of f wait until the channel is closed.
func hung(f *fake) chan struct{} {
	c := make(chan struct{})
	f.set(func() { f.hang = c })
	return c
}

func TestProgramsNeverBlock(t *testing.T) {
	f := programs()
	ui := goroutine()
	f.onUI = func() bool { return goroutine() == ui }
	s := onPrograms(t, f)
	test.Tap(s.w.programs.only)
	s.settle()
	form := s.w.programs.change(f.named.clients[0])
	form.store()
	s.settle()
	form = s.w.programs.add()
	form.name.SetText("new")
	form.scopes.rows[0].anywhere = false
	form.store()
	s.settle()
	s.press("Done")
	s.program("ci").rotate()
	s.press("Make a new token")
	s.press("Done")
	s.program("ci").revoke()
	s.press("Revoke")
	for _, call := range []string{"Clients", "SetSettings", "ChangeClient p1", "AddClient new", "RotateClient p1", "RevokeClient p1"} {
		if f.count(call) == 0 {
			t.Errorf("%s was never asked; %q", call, f.calls)
		}
	}
	if len(f.wrong) > 0 {
		t.Errorf("asked on the goroutine that draws: %v", f.wrong)
	}
}

// programScenes are the pictures of programs with a name.
func programScenes() []scene {
	narrow := fyne.NewSize(660, 560)
	page := func(s *stage) { s.w.Go(PagePrograms); s.settle() }
	form := func(s *stage) { page(s); s.w.programs.change(s.f.named.clients[1]); s.settle() }
	token := func(s *stage) { page(s); s.w.showToken(api.ClientMade{Client: s.f.named.clients[0], Token: fakeToken}) }
	return []scene{
		{name: "programs", f: programs, play: page},
		{name: "programs-empty", f: sample, play: page},
		{name: "programs-narrow", f: programs, play: page, size: narrow},
		{name: "programs-add", f: programs, play: func(s *stage) { page(s); s.w.programs.add().store() }},
		{name: "programs-form", f: programs, play: form},
		{name: "programs-form-narrow", f: programs, play: form, size: narrow},
		{name: "programs-token", f: programs, play: token},
		{name: "programs-token-narrow", f: programs, play: token, size: narrow},
		{name: "programs-revoke", f: programs, play: func(s *stage) { page(s); s.program("ci").revoke() }},
	}
}
