package window

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
)

func TestListenerForm(t *testing.T) {
	open := func(t *testing.T, f *fake, i int) (*stage, *listenerForm) {
		s := exposing(t, f)
		return s, s.w.editListener(f.view.Doors[i], s.w.exposure.load)
	}
	t.Run("holds what is set, and sends it as typed", func(t *testing.T) {
		f := exposed()
		var got api.Listener
		f.listen = func(l api.Listener) (api.Door, error) { got = l; return api.Door{Needs: true}, nil }
		s, l := open(t, f, 2)
		if l.fields["bind"].Text != "127.0.0.1:47822" || l.fields["proxies"].Text != "127.0.0.1" {
			t.Errorf("it holds %q, %q", l.fields["bind"].Text, l.fields["proxies"].Text)
		}
		l.fields["bind"].SetText(" 127.0.0.1:1 ")
		l.fields["allow"].SetText("10.0.0.0/8, 192.0.2.1;2001:db8::/32")
		l.fields["cert"].SetText("/c")
		l.fields["key"].SetText("/k")
		s.press("Save")
		want := api.Listener{Bind: "127.0.0.1:1", Public: "https://bot.example.org", Proxies: []string{"127.0.0.1"}, Allow: []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"}, Cert: "/c", Key: "/k"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("sent %+v", got)
		}
		s.want("Nothing opens before you acknowledge it")
		s.wantNot("Listener of LINE")
	})
	t.Run("errors stand at their fields, and what was typed stays", func(t *testing.T) {
		f := exposed()
		f.listen = func(api.Listener) (api.Door, error) {
			return api.Door{}, &api.Error{Text: "This listener can't be set.", Fields: map[string]string{"bind": "There is no such address here.", "key": "There is no such file."}}
		}
		s, l := open(t, f, 2)
		l.fields["bind"].SetText("10.9.9.9:1")
		s.press("Save")
		s.want("There is no such address here.")
		s.want("There is no such file.")
		s.want("Not saved. Mend what is marked.")
		if l.fields["bind"].Text != "10.9.9.9:1" || l.save.disabled {
			t.Error("what was typed is gone, or can't be sent again")
		}
		l.fields["bind"].SetText("10.9.9.8:1")
		s.wantNot("There is no such address here.")
		s.want("There is no such file.")
	})
	t.Run("an error of no field is told below", func(t *testing.T) {
		f := exposed()
		f.listen = func(api.Listener) (api.Door, error) {
			return api.Door{}, &api.Error{Text: "This can't be set.", Fields: map[string]string{"unheard": "Of."}}
		}
		s, _ := open(t, f, 2)
		s.press("Save")
		s.want("This can't be set.")
	})
	t.Run("pressed twice is sent once", func(t *testing.T) {
		f := exposed()
		s, l := open(t, f, 2)
		f.set(func() { f.hang = make(chan struct{}) })
		for range 3 {
			test.Tap(l.save)
			l.store()
		}
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		if n := f.count("SetListener a5 127.0.0.1:47822 https://bot.example.org"); n != 1 {
			t.Errorf("sent %d times", n)
		}
	})
	t.Run("an error in a folded field can be seen", func(t *testing.T) {
		f := exposed()
		f.listen = func(api.Listener) (api.Door, error) {
			return api.Door{}, &api.Error{Text: "No.", Fields: map[string]string{"cert": "Cert is odd."}}
		}
		s, _ := open(t, f, 0)
		s.wantNot("Certificate file")
		s.press("Save")
		s.want("Cert is odd.")
	})
	t.Run("removing asks, because its addresses are forgotten", func(t *testing.T) {
		f := exposed()
		s, _ := open(t, f, 2)
		s.press("Remove the listener")
		if f.count("RemoveListener a5") != 0 {
			t.Fatal("removed before the answer")
		}
		s.press("Remove")
		if f.count("RemoveListener a5") != 1 {
			t.Error("not removed")
		}
		s.wantNot("Listener of LINE")
	})
	t.Run("what was never set can't be removed", func(t *testing.T) {
		_, l := open(t, exposed(), 3)
		if l.drop.Visible() {
			t.Error("it is offered")
		}
	})
}

func TestSecretChange(t *testing.T) {
	edit := func(t *testing.T, f *fake) *stage {
		s := newStage(t, f, Light, Options{})
		s.w.edit(f.snap.Accounts[3])
		s.settle()
		return s
	}
	draft := func(s *stage) api.AccountDraft { return s.w.setup.form().draft() }
	t.Run("the former one does not count, unless that is chosen", func(t *testing.T) {
		s := edit(t, sample())
		s.want("After a change, the former one still counts:")
		s.input("secret").SetText("new secret")
		if d := draft(s); d.Overlap != 0 {
			t.Errorf("it counts for %v", d.Overlap)
		}
		for label, want := range map[string]time.Duration{"for 1 hour": time.Hour, "for 1 day": 24 * time.Hour, "for 7 days": 168 * time.Hour, "not at all": 0} {
			s.press(label)
			if d := draft(s); d.Overlap != want {
				t.Errorf("%s: %v", label, d.Overlap)
			}
		}
	})
	t.Run("only where a secret that rotates is replaced", func(t *testing.T) {
		s := edit(t, sample())
		s.press("for 1 day")
		s.input("token").SetText("new token")
		if d := draft(s); d.Overlap != 0 {
			t.Errorf("it counts for %v", d.Overlap)
		}
	})
	t.Run("not for a new account", func(t *testing.T) {
		s := adding(t, sample())
		s.w.setup.choose("shop")
		s.wantNot("the former one still counts")
	})
	t.Run("one that is made is shown, can be copied, and goes out of sight", func(t *testing.T) {
		s := edit(t, sample())
		e := s.input("secret")
		if !e.Password {
			t.Fatal("it is not hidden before")
		}
		s.press("Make one")
		if e.Text != "whsec_made" || e.Password || s.f.count("Make shop secret") != 1 {
			t.Errorf("holds %q, hidden %v, calls %v", e.Text, e.Password, s.f.calls)
		}
		s.want("It is shown once, now.")
		s.press("Copy")
		if len(s.sent) != 1 || s.sent[0] != "whsec_made" {
			t.Errorf("copied %q", s.sent)
		}
		if d := draft(s); d.Values["secret"] != "whsec_made" {
			t.Errorf("sends %v", d.Values)
		}
		e.SetText("my own")
		s.wantNot("It is shown once, now.")
		if !e.Password {
			t.Error("the person's own is not hidden")
		}
	})
	t.Run("one that is made leaves nothing behind", func(t *testing.T) {
		s := edit(t, sample())
		e := s.input("secret")
		s.press("Make one")
		s.press("Save")
		for _, words := range append(s.texts(), e.Text) {
			if strings.Contains(words, "whsec_made") {
				t.Errorf("the secret stands in %q", words)
			}
		}
	})
	t.Run("a failure is told at the field", func(t *testing.T) {
		s := edit(t, sample())
		s.f.set(func() { s.f.failing = &api.Error{Text: "None could be made."} })
		s.press("Make one")
		s.want("None could be made.")
	})
}

func TestWebhookBeforeSaving(t *testing.T) {
	f := sample()
	s := adding(t, f)
	s.w.setup.choose("shop")
	s.want("It needs a public address. After saving, Postern asks you before anything opens, and nothing opens by itself.")
	s.w.setup.choose("courier")
	s.wantNot("It needs a public address.")
	t.Run("and after it", func(t *testing.T) {
		s.w.setup.hello(f.snap.Accounts[3])
		s.want("It hears nothing yet")
		s.press("Look at it")
		if s.w.page != PageExposure {
			t.Errorf("shows %s", s.w.page)
		}
	})
}
