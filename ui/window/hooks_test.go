package window

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

func onHooks(t *testing.T, f *fake, o Options) *stage {
	t.Helper()
	o.Page = PageHooks
	s := newStage(t, f, Light, o)
	s.settle()
	return s
}

// hook is the card of the hook with this name.
func (s *stage) hook(name string) *hookCard {
	s.t.Helper()
	for _, r := range s.w.hooks.rows {
		if r.h.Name == name {
			return r
		}
	}
	s.t.Fatalf("there is no hook %q", name)
	return nil
}

func TestHooksPage(t *testing.T) {
	pin(t)
	t.Run("says what a hook is where there is none", func(t *testing.T) {
		f := hooked()
		f.web.hooks.Hooks, f.web.hooks.Open = nil, false
		s := onHooks(t, f, Options{})
		s.want("No hooks yet.")
		s.want("A hook is a URL at which a program on this computer posts into one conversation.")
		s.want("Nothing listens before there is a hook.")
		s.want("closed")
		s.wantNot("Your hooks")
		s.press("New hook…")
		s.want("Make the hook")
	})
	t.Run("says where each posts, how it is, and since when", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		for _, words := range []string{"local listener", "http://127.0.0.1:47820", "Posts into “town-square” on Mattermost home · form: Plain", "Takes posts",
			"Last used 3 min ago · 2,140 posts · made 40 days ago · no end", "The address before this one still counts, for 6 h",
			"form: Any JSON", "ends 2 Dec 14:02 · at most 5 posts a minute", "Switched off: posts are refused",
			"Posts into “Nightly” on old bot", "The account is gone. Remove the hook"} {
			s.want(words)
		}
		s.wantNot("No hooks yet.")
		s.pass(time.Minute)
		s.pass(time.Second)
		s.settle()
		s.want("Last used 4 min ago")
	})
	t.Run("what came from outside stays on one line", func(t *testing.T) {
		f := hooked()
		h := &f.web.hooks.Hooks[0]
		h.Name, h.Where, h.Problem = "a\nb\u202e"+strings.Repeat("x", 500), "c\nd"+strings.Repeat("y", 500), "e\nf"+strings.Repeat("z", 5000)
		s := onHooks(t, f, Options{})
		for _, words := range s.texts() {
			if strings.ContainsAny(words, "\n\u202e") || len([]rune(words)) > 500 {
				t.Errorf("%q", words)
			}
		}
		s.want("a b")
		s.want("c d")
		s.want("e f")
	})
	t.Run("draws no more than it can", func(t *testing.T) {
		f := hooked()
		for i := range mostHookCards + 3 {
			f.web.hooks.Hooks = append(f.web.hooks.Hooks, api.Hook{ID: fmt.Sprint("m", i), Name: fmt.Sprint("many ", i), On: true})
		}
		s := onHooks(t, f, Options{})
		if n := len(s.w.hooks.rows); n != mostHookCards {
			t.Errorf("%d cards", n)
		}
		s.want("And 7 more")
	})
	t.Run("a failure is told, and can be tried again", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		s.f.set(func() { s.f.failing = &api.Error{Text: "The journal is full. Free some space."} })
		s.w.hooks.load()
		s.settle()
		s.want("The hooks could not be read. The journal is full.")
		s.want("Doorbell")
		s.f.set(func() { s.f.failing = nil })
		s.press("Try again")
		s.wantNot("could not be read")
	})
	t.Run("what changed is read once a second at most", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		before := s.f.count("Hooks")
		for range 5 {
			s.push(func(*api.Snapshot) {})
			s.w.hooks.tick()
			s.settle()
		}
		s.f.set(func() { s.f.web.hooks.Hooks = s.f.web.hooks.Hooks[:1] })
		s.pass(time.Second)
		s.settle()
		if n := s.f.count("Hooks") - before; n != 1 {
			t.Errorf("asked %d times", n)
		}
		s.wantNot("Doorbell")
	})
	t.Run("has a key", func(t *testing.T) {
		s := newStage(t, hooked(), Light, Options{})
		s.w.shortcut(&desktop.CustomShortcut{KeyName: fyne.KeyH, Modifier: fyne.KeyModifierShortcutDefault})
		s.settle()
		if s.w.page != PageHooks {
			t.Errorf("shows %s", s.w.page)
		}
	})
}

func TestHookSwitch(t *testing.T) {
	pin(t)
	t.Run("acts at once, and says that it is on its way", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		c, hang := s.hook("Doorbell"), make(chan struct{})
		s.f.set(func() { s.f.hang = hang })
		test.Tap(c.on)
		if c.status.s != "Switching off…" || !c.on.disabled {
			t.Errorf("%q", c.status.s)
		}
		test.Tap(c.on)
		s.f.set(func() { s.f.hang = nil })
		close(hang)
		s.settle()
		if s.f.count("ChangeHook h2") != 1 || c.on.on || c.on.disabled {
			t.Errorf("%d calls, on %v", s.f.count("ChangeHook h2"), c.on.on)
		}
		s.want("Doorbell takes no posts now.")
		if c := s.hook("Doorbell"); c.status.s != "Switched off: posts are refused" {
			t.Errorf("%q", c.status.s)
		}
	})
	t.Run("goes back where it is refused", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		s.f.web.refuse = &api.Error{Text: "Only a person may change this."}
		c := s.hook("Frost alarm")
		c.on.TypedRune(' ')
		s.settle()
		s.want("Only a person may change this.")
		if c.on.on || c.status.s != "Switched off: posts are refused" {
			t.Errorf("on %v, %q", c.on.on, c.status.s)
		}
	})
}

func TestRemoveHook(t *testing.T) {
	pin(t)
	s := onHooks(t, hooked(), Options{})
	test.Tap(s.hook("Build server").more)
	s.pick("Remove…")
	s.want("Remove the hook Build server?")
	s.want("It was last used 3 min ago.")
	s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	s.settle()
	if s.f.count("RemoveHook h1") != 0 {
		t.Fatal("removed without a yes")
	}
	s.hook("Build server").remove()
	s.press("Remove")
	if s.f.count("RemoveHook h1") != 1 || len(s.w.hooks.rows) != 3 {
		t.Errorf("%d left", len(s.w.hooks.rows))
	}
	s.want("Build server was removed.")
}

func TestRotateHook(t *testing.T) {
	pin(t)
	for label, want := range map[string]time.Duration{"not at all": 0, "1 hour": time.Hour, "1 day": 24 * time.Hour, "7 days": 7 * 24 * time.Hour, "30 days": 30 * 24 * time.Hour} {
		t.Run(label, func(t *testing.T) {
			s := onHooks(t, hooked(), Options{})
			test.Tap(s.hook("Doorbell").more)
			s.pick("New address…")
			s.want("A new address for Doorbell?")
			s.press(label)
			s.press("Make a new address")
			if got := s.f.web.overlaps; !slices.Equal(got, []time.Duration{want}) {
				t.Errorf("%v", got)
			}
			s.want(fakeURL)
		})
	}
	t.Run("a refusal is told in the dialog", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		s.f.web.refuse = &api.Error{Text: "The keyring is locked. Unlock it."}
		s.hook("Doorbell").rotate()
		s.press("Make a new address")
		s.want("The keyring is locked. Unlock it.")
		s.want("A new address for Doorbell?")
		s.f.web.refuse = nil
		s.press("Make a new address")
		s.want("The address of Doorbell")
	})
}

func TestHookListenerDialog(t *testing.T) {
	s := onHooks(t, hooked(), Options{})
	s.press("Change…")
	l := s.win.Canvas().Focused().(*entry)
	s.f.web.refuse = &api.Error{Text: "The address was refused.", Fields: map[string]string{"bind": "0.0.0.0 can be reached from outside. Use 127.0.0.1."}}
	l.SetText(" 0.0.0.0:80 ")
	l.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	s.settle()
	s.want("0.0.0.0 can be reached from outside. Use 127.0.0.1.")
	s.f.web.refuse = nil
	l.SetText("127.0.0.1:50000")
	s.wantNot("can be reached from outside")
	s.press("Save")
	if s.f.count("SetHookListener 127.0.0.1:50000") != 1 {
		t.Error("not saved")
	}
	s.want("http://127.0.0.1:50000")
	s.wantNot("Where hooks are served")
}

func TestNewHookIsForWhatCanSend(t *testing.T) {
	f := hooked()
	for i := range f.kinds {
		f.kinds[i].Limits.Mute = f.kinds[i].Name == "home"
	}
	s := onHooks(t, f, Options{})
	s.w.hooks.add()
	s.press("Choose a conversation…")
	s.settle()
	s.want("Direct conversation · Telegram family")
	s.wantNot("Channel · Mattermost home")
}

func TestNewHook(t *testing.T) {
	pin(t)
	t.Run("asks for what it needs, and shows the address once", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		f := s.w.hooks.add()
		s.press("Make the hook")
		s.want("Choose a conversation.")
		s.want("The name is missing. Choose one.")
		f.name.SetText(strings.Repeat("語", 65))
		s.want("65 of 64 characters")
		s.press("Make the hook")
		s.want("The name is longer than 64 characters. Shorten it.")
		f.name.SetText(" " + strings.Repeat("語", 64) + " ")
		s.want("64 of 64 characters")
		s.wantNot("The name is longer")
		s.press("Choose a conversation…")
		search := s.win.Canvas().Focused().(*entry)
		search.SetText("MATTERMOST")
		s.wantNot("Direct conversation · Telegram family")
		search.SetText("square")
		search.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		s.settle()
		s.want("On Mattermost home, id c4")
		s.press("Plain")
		s.pick("Alertmanager")
		s.want("Prometheus' groups of alerts.")
		s.press("More settings")
		test.Tap(f.marked)
		f.avatar.SetText("https://example.org/a.png")
		f.rate.SetText("many")
		s.press("Make the hook")
		s.want("Enter a whole number between 1 and 1000, or nothing.")
		f.rate.SetText("6")
		s.press("for 7 days")
		s.press("Make the hook")
		want := api.HookDraft{Account: "a2", Conversation: "c4", Name: strings.Repeat("語", 64), Avatar: "https://example.org/a.png", Dialect: "alertmanager", Unmarked: true,
			Limit: platforms.Rate{N: 6, Per: time.Minute, Burst: 2}, Expires: noon.Add(7 * 24 * time.Hour).Truncate(time.Second)}
		if d := s.f.web.drafts; len(d) != 1 || fmt.Sprint(d[0]) != fmt.Sprint(want) {
			t.Errorf("%+v", d)
		}
		s.want(fakeURL)
		s.want("It is not shown again")
		s.want("Paste the address where your program asks for a webhook's address. What it posts is read as: Alertmanager.")
	})
	t.Run("a refusal stands at its field", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		f := s.w.hooks.add()
		f.where.set(s.f.convs[0])
		f.name.SetText("x")
		s.f.web.refuse = &api.Error{Text: "The hook was refused.", Fields: map[string]string{"avatar": "The picture's address\nis none.", "conversation": "The bot was removed from it."}}
		s.press("Make the hook")
		s.want("The hook was refused.")
		s.want("The picture's address is none.")
		s.want("The bot was removed from it.")
	})
	t.Run("a template is needed only where it shows the posts", func(t *testing.T) {
		s := onHooks(t, hooked(), Options{})
		f := s.w.hooks.add()
		f.where.set(s.f.convs[0])
		f.name.SetText("x")
		s.wantNot("In the language of Go's text/template")
		s.press("Plain")
		s.pick("Any JSON")
		s.want("In the language of Go's text/template")
		s.press("Make the hook")
		s.want("The template is missing.")
		f.template.SetText("{{ .a }}")
		s.press("Make the hook")
		if d := s.f.web.drafts; len(d) != 1 || d[0].Template != "{{ .a }}" || d[0].Dialect != "template" {
			t.Errorf("%+v", d)
		}
		s.want(`-d "{\"title\": \"Hello\"}"`)
	})
	t.Run("many conversations are searched, not drawn", func(t *testing.T) {
		f := hooked()
		for i := range 400 {
			f.convs = append(f.convs, api.Conversation{Account: "a1", ID: platforms.ConversationID(fmt.Sprint("n", i)), Title: fmt.Sprint("room ", i)})
		}
		s := onHooks(t, f, Options{})
		l := s.w.hooks.add().where.open()
		s.settle()
		if len(l.found) != mostChoices {
			t.Errorf("%d drawn", len(l.found))
		}
		s.want("There are more. Search for what you need.")
		l.search.SetText("n399")
		s.want("room 399")
		l.search.SetText("nowhere")
		s.want("Nothing was found.")
	})
}

func TestEditHook(t *testing.T) {
	pin(t)
	s := onHooks(t, hooked(), Options{})
	test.Tap(s.hook("Doorbell").more)
	s.pick("Edit…")
	s.want("Posts into “Family” on Telegram family. Its address stays.")
	f := s.win.Canvas().Focused().(*entry)
	if f.Text != "Doorbell" {
		t.Fatalf("%q has the cursor", f.Text)
	}
	s.press("Save")
	f = nil
	s.hook("Doorbell").p.edit(s.hook("Doorbell").h).name.SetText("Front door")
	s.press("Save")
	c := s.f.web.changes
	if len(c) != 2 || c[0] != (api.HookChange{}) || c[1].Name == nil || *c[1].Name != "Front door" || c[1].Limit != nil || c[1].Template != nil || c[1].Expires != nil || c[1].Marked != nil {
		t.Errorf("%+v", c)
	}
	s.want("Front door was saved. Its address stays.")
}

func TestTryHook(t *testing.T) {
	open := func(t *testing.T) (*stage, *hookForm) {
		s := onHooks(t, hooked(), Options{})
		f := s.w.hooks.edit(s.f.web.hooks.Hooks[1])
		s.press("Try it")
		f.try.post.SetText(`{"who": "Ada"}`)
		return s, f
	}
	t.Run("shows what it would look like", func(t *testing.T) {
		s, f := open(t)
		f.try.event.SetText(" push ")
		s.press("Try")
		if got := s.f.web.tries; len(got) != 1 || got[0] != (api.HookTry{Dialect: "template", Template: "{{ .who }} rings", Event: "push", Body: `{"who": "Ada"}`}) {
			t.Errorf("%+v", got)
		}
		s.want("Build 214: is green")
		s.want("CI")
		f.template.SetText("{{ .x }}")
		s.wantNot("Build 214: is green")
	})
	t.Run("or why it is refused", func(t *testing.T) {
		s, _ := open(t)
		s.f.web.tried = api.HookTried{Problem: "The template has a fault in line 1."}
		s.press("Try")
		s.want("The template has a fault in line 1.")
	})
	t.Run("a try of what was changed meanwhile is not shown", func(t *testing.T) {
		s, f := open(t)
		hang := make(chan struct{})
		s.f.set(func() { s.f.hang = hang })
		test.Tap(f.try.run)
		f.template.SetText("{{ .x }}")
		s.wantNot("Trying…")
		close(hang)
		s.settle()
		s.wantNot("Build 214: is green")
	})
	t.Run("can be stopped, and ends with the dialog", func(t *testing.T) {
		s, f := open(t)
		s.f.set(func() { s.f.hang = make(chan struct{}) })
		test.Tap(f.try.run)
		s.want("Trying…")
		test.Tap(s.button("Stop"))
		s.wantNot("Trying…")
		test.Tap(f.try.run)
		f.m.dismiss()
		s.settle()
		if len(s.f.web.tries) != 0 || f.try.ends != nil {
			t.Error("it went on")
		}
	})
}

func TestHookAddressIsShownOnce(t *testing.T) {
	pin(t)
	open := func(t *testing.T, o Options) (*stage, *shownHook) {
		s := onHooks(t, hooked(), o)
		return s, s.w.showHook(api.HookMade{Hook: s.f.web.hooks.Hooks[0], URL: fakeURL}, s.f.web.hooks.Forms)
	}
	t.Run("copied with one click, which selects it", func(t *testing.T) {
		s, d := open(t, Options{})
		s.press("Copy")
		if !slices.Equal(s.sent, []string{fakeURL}) || d.field.SelectedText() != fakeURL {
			t.Errorf("%q, selected %q", s.sent, d.field.SelectedText())
		}
		s.want("The address was copied.")
		s.press("Done")
		s.wantNot("was not copied")
	})
	t.Run("Enter copies too, and Escape leaves", func(t *testing.T) {
		s, _ := open(t, Options{})
		s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		if len(s.sent) != 1 {
			t.Error("not copied")
		}
		s.w.escape()
		s.wantNot("The address of")
	})
	t.Run("with a line for a shell, and the forms of others", func(t *testing.T) {
		s, _ := open(t, Options{})
		s.want(`curl -H "Content-Type: application/json" -d "{\"content\": \"Hello\"}" ` + fakeURL)
		s.press("For programs that post in another form")
		s.want(fakeURL + "/slack")
		s.wantNot(fakeURL + "/template")
	})
	t.Run("what is typed into it does not stay", func(t *testing.T) {
		s, d := open(t, Options{})
		d.field.SetText("something else")
		if d.field.Text != fakeURL {
			t.Errorf("%q", d.field.Text)
		}
		_ = s
	})
	t.Run("nothing keeps it", func(t *testing.T) {
		var log bytes.Buffer
		s, d := open(t, Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
		s.press("For programs that post in another form")
		s.w.Show(api.Request{Page: PageAccounts}) // whatever closes it
		s.settle()
		s.want("The address was not copied.")
		if d.url != "" || d.field.Text != "" || len(d.wipes) != 0 {
			t.Errorf("%+v", d)
		}
		for _, words := range s.texts() {
			if strings.Contains(words, "EXAMPLEtoken") {
				t.Errorf("in view: %q", words)
			}
		}
		d.put(d.url, "x")
		if strings.Contains(log.String(), "EXAMPLEtoken") || len(s.sent) > 0 {
			t.Errorf("log %s, clipboard %q", &log, s.sent)
		}
	})
}
