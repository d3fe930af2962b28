package window

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

const token = "123456789:AAsecretsecretsecret"

// adding is a window with the form for a new account.
func adding(t *testing.T, f *fake) *stage {
	t.Helper()
	s := newStage(t, f, Light, Options{})
	s.w.Go(PageAdd)
	s.settle()
	return s
}

func (s *stage) input(key string) *entry { return s.w.setup.form().inputs[key] }

func TestForm(t *testing.T) {
	s := adding(t, sample())
	t.Run("is built from the platform's fields", func(t *testing.T) {
		s.want("Bot token")
		if !s.input("token").Password {
			t.Error("the token can be read over the shoulder")
		}
		if s.input("server").Password {
			t.Error("the server is hidden")
		}
	})
	t.Run("folds advanced fields away", func(t *testing.T) {
		s.wantNot("API server")
		s.press("More settings")
		s.want("API server")
	})
	t.Run("says what it will be before anything is saved", func(t *testing.T) {
		s.want("Postern dials out. Nothing listens")
		s.w.setup.choose("shop")
		s.want("refused: not acknowledged")
		if s.w.setup.badge.level != "refused" {
			t.Errorf("beside Save stands %q", s.w.setup.badge.level)
		}
		if s.f.count("AddAccount") != 0 {
			t.Error("it was saved")
		}
		s.w.setup.choose("courier")
	})
	t.Run("keeps what was typed while another platform is looked at", func(t *testing.T) {
		s.input("server").SetText("https://example.org")
		s.w.setup.choose("home")
		s.w.setup.choose("courier")
		if s.input("server").Text != "https://example.org" {
			t.Error("it is gone")
		}
		s.input("server").SetText("")
	})
	t.Run("lets choose where there are options", func(t *testing.T) {
		s.w.setup.choose("office")
		s.want("East")
		if v, ok := s.w.setup.form().draft().Values["where"]; ok {
			t.Errorf("%q is chosen, and nobody chose", v)
		}
		s.press("West")
		if v := s.w.setup.form().draft().Values["where"]; v != "west" {
			t.Errorf("%q is chosen", v)
		}
		s.press("East")
		s.w.setup.choose("courier")
	})
	t.Run("names what is missing", func(t *testing.T) {
		s.press("Save")
		s.want("Bot token is missing. Fill it in.")
		if s.f.count("CheckDraft")+s.f.count("AddAccount") != 0 {
			t.Error("it asked the service all the same")
		}
	})
	t.Run("opens only addresses of its own, and copies", func(t *testing.T) {
		s.w.visit("file:///etc/passwd")
		s.want("This address can't be opened: file:///etc/passwd")
		test.Tap(s.button("Copy link"))
		if len(s.sent) != 1 || s.sent[0] != "https://t.me/BotFather" {
			t.Errorf("copied %q", s.sent)
		}
	})
}

func TestCheckBeforeSaving(t *testing.T) {
	t.Run("a pasted secret is checked by itself, once", func(t *testing.T) {
		s := adding(t, sample())
		s.input("token").SetText(token[:12])
		s.input("token").SetText(token)
		s.pass(time.Second)
		s.settle()
		if n := s.f.count("CheckDraft"); n != 1 {
			t.Errorf("checked %d times", n)
		}
		s.want("Family Helper")
		s.want("@family_helper_bot")
	})
	t.Run("a typed one is not", func(t *testing.T) {
		s := adding(t, sample())
		test.Type(s.input("token"), "123456789:A")
		s.pass(time.Second)
		s.settle()
		if n := s.f.count("CheckDraft"); n != 0 {
			t.Errorf("checked %d times", n)
		}
	})
	t.Run("saving uses the result it has", func(t *testing.T) {
		s := adding(t, sample())
		s.input("token").SetText(token)
		s.pass(time.Second)
		s.settle()
		s.press("Save")
		if s.f.count("CheckDraft") != 1 || s.f.count("AddAccount") != 1 {
			t.Errorf("calls: %v", s.f.calls)
		}
		s.want("Say hi to @fresh_bot")
		s.press("Pair a phone…")
		if s.w.page != PagePeople || s.w.pairing == nil || s.f.count("Pair") != 1 {
			t.Errorf("shows %s, pairs: %v", s.w.page, s.w.pairing != nil)
		}
	})
	t.Run("a changed value is checked anew", func(t *testing.T) {
		s := adding(t, sample())
		s.input("token").SetText(token)
		s.pass(time.Second)
		s.settle()
		s.input("token").SetText(token + "x")
		s.press("Save")
		if s.f.count("CheckDraft") != 2 || s.f.count("AddAccount") != 1 {
			t.Errorf("calls: %v", s.f.calls)
		}
	})
	t.Run("a failed check is shown at its field, and saving asks first", func(t *testing.T) {
		f := sample()
		f.check = func(api.AccountDraft) (api.Check, error) {
			return api.Check{Error: &api.Error{Text: "The platform refused the token (401)."}, Fields: map[string]string{"token": "Not accepted."}}, nil
		}
		s := adding(t, f)
		s.input("token").SetText(token)
		s.press("Save")
		s.want("Not accepted.")
		s.want("Save although the check failed?")
		if f.count("AddAccount") != 0 {
			t.Fatal("saved without asking")
		}
		s.press("Go back")
		if s.input("token").Text != token {
			t.Error("what was typed is gone")
		}
		s.press("Save")
		s.press("Save anyway")
		if f.count("AddAccount") != 1 {
			t.Error("not saved")
		}
	})
	t.Run("what is typed on while it runs makes the result old", func(t *testing.T) {
		f := sample()
		s := adding(t, f)
		f.set(func() { f.hang = make(chan struct{}) })
		s.input("token").SetText(token)
		test.Tap(s.button("Check"))
		s.until("it has begun", func() bool { return f.count("CheckDraft") == 1 })
		s.input("token").SetText("other:" + token)
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		s.press("Save")
		if f.count("CheckDraft") != 2 {
			t.Error("the old result counts for the new value")
		}
	})
}

func TestSaving(t *testing.T) {
	t.Run("twice pressed is once saved", func(t *testing.T) {
		f := sample()
		s := adding(t, f)
		s.input("token").SetText(token)
		f.set(func() { f.hang = make(chan struct{}) })
		b := s.button("Save")
		for range 3 {
			test.Tap(b)
			s.w.setup.trySave()
		}
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		if n := f.count("AddAccount"); n != 1 {
			t.Errorf("saved %d times", n)
		}
	})
	t.Run("leaves no secret behind", func(t *testing.T) {
		s := adding(t, sample())
		s.input("token").SetText(token)
		e := s.input("token")
		s.pass(time.Second)
		s.settle()
		s.press("Save")
		for _, words := range append(s.texts(), e.Text) {
			if strings.Contains(words, token) {
				t.Errorf("the secret stands in %q", words)
			}
		}
	})
	t.Run("a refusal keeps the form and says why", func(t *testing.T) {
		f := sample()
		f.add = func(api.AccountDraft) (api.Account, error) {
			return api.Account{}, &api.Error{Kind: platforms.Rejected, Text: "This bot is connected already.", Fields: map[string]string{"token": "It belongs to @family_helper_bot."}}
		}
		s := adding(t, f)
		s.input("token").SetText(token)
		s.press("Save")
		s.want("This bot is connected already.")
		s.want("It belongs to @family_helper_bot.")
		if s.input("token").Text != token {
			t.Error("what was typed is gone")
		}
	})
	t.Run("leaving with something typed asks", func(t *testing.T) {
		s := adding(t, sample())
		s.input("token").SetText("12")
		s.w.Go(PageInbox)
		s.want("Leave without saving?")
		s.press("Stay")
		if s.w.setup == nil {
			t.Fatal("left")
		}
		s.w.Go(PageInbox)
		s.press("Leave")
		if s.w.page != PageInbox || s.w.setup != nil {
			t.Error("still here")
		}
	})
}

func TestEdit(t *testing.T) {
	open := func(t *testing.T) *stage {
		s := newStage(t, sample(), Light, Options{})
		s.w.edit(s.f.snap.Accounts[0])
		s.settle()
		return s
	}
	t.Run("a secret shows its last characters only", func(t *testing.T) {
		s := open(t)
		if s.input("token").Text != "" {
			t.Error("the field holds something")
		}
		s.want("Saved, ends in x9Qk")
	})
	t.Run("what is left alone is not sent", func(t *testing.T) {
		s := open(t)
		var sent api.AccountDraft
		s.f.add = func(d api.AccountDraft) (api.Account, error) { sent = d; return api.Account{}, nil }
		s.w.setup.form().name.SetText("kin")
		s.press("Save")
		if sent.Name != "kin" || len(sent.Values) != 0 {
			t.Errorf("sent %+v", sent)
		}
		if s.f.count("CheckDraft") != 0 {
			t.Error("a name was checked with the platform")
		}
	})
	t.Run("an emptied setting is cleared", func(t *testing.T) {
		f := sample()
		f.snap.Accounts[0].Settings = map[string]string{"server": "https://example.org"}
		s := newStage(t, f, Light, Options{})
		s.w.edit(f.snap.Accounts[0])
		s.input("server").SetText("")
		if v, ok := s.w.setup.form().draft().Values["server"]; !ok || v != "" {
			t.Errorf("sends %v", s.w.setup.form().draft().Values)
		}
	})
}

func TestNoteOfAnAccountThatWorks(t *testing.T) {
	s := newStage(t, sample(), Light, Options{})
	a := api.Account{ID: "a", Title: "A", Status: api.Connected, Note: "Nothing has come yet."}
	c := newAccountCard(s.w, a)
	if c.update(a); c.note.Visible() || !c.hint.Visible() {
		t.Error("a hint is shown as a fault")
	}
	a.Status = api.BadCredentials
	if c.update(a); !c.note.Visible() || c.hint.Visible() {
		t.Error("a fault is shown as a hint")
	}
}

func TestAccounts(t *testing.T) {
	t.Run("every account shows how it is, in words", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		for _, words := range []string{"2 outbound · 1 private · 0 public · 1 refused", "outbound socket", "private callback", "refused: not acknowledged",
			"hears", "proven 12 s ago", "failed 41 min ago: exit status 2", "Credentials refused", "Paste the current one", "Paused", "are you home?"} {
			s.want(words)
		}
	})
	t.Run("time passes", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		s.pass(1 * time.Second)
		s.pass(9 * time.Second)
		s.want("proven 22 s ago")
	})
	t.Run("a change keeps the cards, a removal takes one away", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		before := s.w.accounts.cards["a1"]
		s.push(func(n *api.Snapshot) { n.Accounts[0].Note = "Something new." })
		if s.w.accounts.cards["a1"] != before {
			t.Error("the card was made anew")
		}
		s.want("Something new.")
		s.push(func(n *api.Snapshot) { n.Accounts = n.Accounts[1:] })
		s.wantNot("@family_helper_bot")
	})
	t.Run("a problem is mended by its button", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		s.press("Switch it off")
		if s.f.count("Fix privacy") != 1 {
			t.Errorf("calls: %v", s.f.calls)
		}
	})
	t.Run("removing names what is deleted, and waits for the answer", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		s.w.accounts.cards["a1"].remove()
		s.want("conversations and messages from the journal")
		if s.f.count("RemoveAccount a1") != 0 {
			t.Fatal("removed before the answer")
		}
		s.press("Remove account")
		if s.f.count("RemoveAccount a1") != 1 {
			t.Error("not removed")
		}
	})
	t.Run("pause becomes resume", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		s.press("Pause")
		s.press("Resume")
		if s.f.count("Pause a1") != 1 || s.f.count("Resume a4") != 1 {
			t.Errorf("calls: %v", s.f.calls)
		}
	})
	t.Run("a failure is told", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		s.f.set(func() { s.f.failing = errors.New("out of order") })
		s.press("Pause")
		s.want("out of order")
	})
	t.Run("a notice stays until it is dismissed", func(t *testing.T) {
		f := sample()
		f.snap.Notices = []api.Notice{{ID: "n1", Text: "The journal was repaired."}}
		s := newStage(t, f, Light, Options{})
		s.want("The journal was repaired.")
		var x *button
		s.walk(func(o fyne.CanvasObject) {
			if b, ok := o.(*button); ok && b.glyph == iconClose && x == nil {
				x = b
			}
		})
		test.Tap(x)
		s.settle()
		if f.count("DismissNotice n1") != 1 {
			t.Errorf("calls: %v", f.calls)
		}
		s.push(func(n *api.Snapshot) { n.Notices = nil })
		s.wantNot("The journal was repaired.")
	})
	t.Run("without accounts, the first platform is offered", func(t *testing.T) {
		f := sample()
		f.snap.Accounts = nil
		s := newStage(t, f, Light, Options{})
		s.want("No accounts yet")
		s.want("Telegram takes two minutes and opens nothing.")
		s.press("Add Telegram")
		s.want("Set up Telegram")
	})
}
