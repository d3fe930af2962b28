package window

import (
	"context"
	"errors"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"go.uber.org/goleak"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

func TestMain(m *testing.M) {
	// Fyne's test driver keeps goroutines of its own for the whole process.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("fyne.io/fyne/v2/internal/async.(*UnboundedChan[...]).processing"),
		goleak.IgnoreAnyFunction("fyne.io/fyne/v2/test.NewApp.func1"), goleak.IgnoreAnyFunction("fyne.io/fyne/v2/test.NewTempApp.func1"))
}

func TestBridge(t *testing.T) {
	var queue []func()
	fresh := func(t *testing.T) *Bridge {
		queue = nil
		ch := make(chan func(), 100)
		b := newBridge(t.Context(), func(f func()) { ch <- f }, nil)
		t.Cleanup(b.Close)
		t.Cleanup(func() { _ = queue })
		b.later = func(_ time.Duration, f func()) func() { ch <- f; return func() {} }
		queue = append(queue, func() { (<-ch)() })
		return b
	}
	t.Run("work runs elsewhere, its result arrives by the hand-over", func(t *testing.T) {
		b := fresh(t)
		here, there := goroutine(), ""
		got := 0
		call(b, time.Minute, func(context.Context) (int, error) { there = goroutine(); return 7, nil }, func(v int, _ error) {
			got = v
			if goroutine() != here {
				t.Error("the result was handed over on another goroutine")
			}
		})
		if got != 0 {
			t.Error("the result came without a hand-over")
		}
		queue[0]()
		if got != 7 || there == here {
			t.Errorf("got %d, worked on %s, drawn on %s", got, there, here)
		}
	})
	t.Run("a cancelled call ends and says nothing more", func(t *testing.T) {
		b := fresh(t)
		ended := make(chan struct{})
		cancel := act(b, time.Minute, func(ctx context.Context) error { <-ctx.Done(); close(ended); return ctx.Err() }, func(error) {
			t.Error("the result came after it was cancelled")
		})
		cancel()
		<-ended
		queue[0]()
	})
	t.Run("nothing is drawn after Close", func(t *testing.T) {
		b := fresh(t)
		started := make(chan struct{})
		act(b, time.Minute, func(ctx context.Context) error { close(started); <-ctx.Done(); return nil }, func(error) {
			t.Error("drawn after Close")
		})
		<-started
		b.Close()
		queue[0]()
	})
	t.Run("a stopped timer does nothing, even if it has fired", func(t *testing.T) {
		b := fresh(t)
		stop := b.after(time.Second, func() { t.Error("it ran") })
		stop()
		queue[0]() // fires
		queue[0]() // is handed over
	})
}

func TestNothingIsAskedWhileDrawing(t *testing.T) {
	f := sample()
	ui := goroutine()
	f.onUI = func() bool { return goroutine() == ui }
	s := newStage(t, f, Light, Options{})
	for _, p := range []string{PageInbox, PageExposure, PagePrograms, PageHooks, PageRelays, PageActivity, PageGeneral, PageDoctor, PageAdd, PageAccounts} {
		s.w.Go(p)
		s.settle()
	}
	s.press("Check")
	s.w.Show(api.Request{Account: "a1", Conversation: "c1"})
	s.settle()
	s.press("Act on it")
	s.w.inbox.composer.text.SetText("hello")
	s.press("Send")
	s.w.Go(PageExposure)
	s.settle()
	s.press("Close")
	s.press("Change the listener…")
	s.press("Save")
	s.press("Open…")
	s.press("Keep closed")
	c := s.w.acknowledge("a4", f.question, nil)
	c.choose()
	c.typed.SetText(f.question.Type)
	s.press("Open")
	s.w.edit(f.snap.Accounts[3])
	s.press("Make one")
	if len(f.wrong) > 0 {
		t.Errorf("asked on the goroutine that draws: %v", f.wrong)
	}
	if f.count("Send") != 1 || f.count("Release") != 1 || f.count("CloseDoor a2") != 1 || acknowledged(s) != 1 || f.count("Make shop secret") != 1 {
		t.Errorf("the test asked too little: %v", f.calls)
	}
}

func TestServiceThatHangs(t *testing.T) {
	f := sample()
	s := newStage(t, f, Light, Options{})
	f.set(func() { f.hang = make(chan struct{}) })
	t.Run("pages still change", func(t *testing.T) {
		for _, p := range []string{PageInbox, PageExposure, PagePrograms, PageHooks, PageRelays, PageActivity, PageGeneral, PageDoctor, PageAccounts} {
			s.w.Go(p)
			if s.w.page != p {
				t.Fatalf("%s is not shown", p)
			}
		}
		s.want("Telegram")
	})
	t.Run("a check that hangs can be left, and does not come back", func(t *testing.T) {
		s.w.Go(PageAdd)
		s.w.setup.form().inputs["token"].SetText("123456789:AAAA")
		test.Tap(s.button("Check"))
		s.until("the check has begun", func() bool { return f.count("CheckDraft") == 1 })
		s.want("Asking Telegram…")
		test.Tap(s.button("Stop checking"))
		s.wantNot("Asking Telegram…")
		if s.button("Check").disabled {
			t.Error("no second check is possible")
		}
	})
	t.Run("it goes on when the service does", func(t *testing.T) {
		f.set(func() { close(f.hang); f.hang = nil })
		s.settle()
		s.w.setup.form().inputs["token"].SetText("")
		s.w.Go(PageInbox)
		s.settle()
		s.want("Mira Okafor")
	})
}

func TestServiceThatIsGone(t *testing.T) {
	const banner = "Postern is not running, or does not answer"
	f := sample()
	s := newStage(t, f, Light, Options{})
	s.wantNot(banner)
	f.link(false)
	s.settle()
	s.want(banner)
	s.want("@family_helper_bot") // what was known stays in view
	f.set(func() { f.failing = client.ErrNotRunning })
	s.w.Go(PageInbox)
	s.settle()
	f.set(func() { f.failing = nil })
	f.link(true)
	s.settle()
	s.wantNot(banner)
	s.want("Mira Okafor")
}

func TestServiceThatNeverWas(t *testing.T) {
	f := sample()
	f.failing = client.ErrNotRunning
	s := newStage(t, f, Light, Options{})
	s.wantNot("reconnecting") // not at once: it may be about to answer
	s.want("Waiting for Postern…")
	s.pass(2 * time.Second)
	s.want("reconnecting")
}

func TestEvents(t *testing.T) {
	t.Run("Show opens the conversation and puts the cursor into the answer box", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		s.f.event(api.Event{Show: &api.Request{Page: PageInbox, Account: "a1", Conversation: "c2", Reply: true}})
		s.settle()
		if s.w.page != PageInbox || s.w.inbox.at != (place{"a1", "c2"}) {
			t.Errorf("shows %s %v", s.w.page, s.w.inbox.at)
		}
		if s.win.Canvas().Focused() != fyne.Focusable(s.w.inbox.composer.text) {
			t.Error("the answer box has no focus")
		}
	})
	t.Run("Show knows the pages by the names others use", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		for ask, page := range map[string]string{"settings": PageGeneral, "activity": PageActivity, "nonsense": PageAccounts} {
			s.f.event(api.Event{Show: &api.Request{Page: ask}})
			s.settle()
			if s.w.page != page {
				t.Errorf("%s shows %s", ask, s.w.page)
			}
		}
	})
	t.Run("Quit ends the window", func(t *testing.T) {
		ended := false
		s := newStage(t, sample(), Light, Options{Ended: func() { ended = true }})
		s.f.event(api.Event{Quit: true})
		s.settle()
		if !ended {
			t.Error("it goes on")
		}
	})
	t.Run("an older state does not replace a newer one", func(t *testing.T) {
		s := newStage(t, sample(), Light, Options{})
		s.push(func(n *api.Snapshot) { n.Revision = 50; n.Accounts[0].Note = "new note" })
		old := s.f.snap
		old.Revision, old.Accounts = 3, nil
		s.f.event(api.Event{Snapshot: &old})
		s.settle()
		s.want("new note")
	})
}

func TestKeys(t *testing.T) {
	s := newStage(t, sample(), Light, Options{})
	c := s.win.Canvas()
	press := func(k fyne.KeyName) {
		s.w.shortcut(&desktop.CustomShortcut{KeyName: k, Modifier: fyne.KeyModifierShortcutDefault})
		s.settle()
	}
	for i, page := range []string{PageAccounts, PageInbox, PageExposure, PagePeople, PageAnswers, PagePrograms, PageActivity, PageGeneral, PageDoctor} {
		press([]fyne.KeyName{fyne.Key1, fyne.Key2, fyne.Key3, fyne.Key4, fyne.Key5, fyne.Key6, fyne.Key7, fyne.Key8, fyne.Key9}[i])
		if s.w.page != page {
			t.Errorf("key %d shows %s", i+1, s.w.page)
		}
	}
	press(fyne.KeyF)
	if c.Focused() != fyne.Focusable(s.w.inbox.search) {
		t.Error("Ctrl+F does not lead to the search")
	}
	t.Run("they work inside a field too", func(t *testing.T) {
		s.w.inbox.search.TypedShortcut(&desktop.CustomShortcut{KeyName: fyne.Key7, Modifier: fyne.KeyModifierShortcutDefault})
		if s.w.page != PageActivity {
			t.Errorf("shows %s", s.w.page)
		}
	})
	t.Run("Escape closes a dialog, Enter does not answer it", func(t *testing.T) {
		s.w.Go(PageAccounts)
		s.w.accounts.cards["a1"].remove()
		s.want("Remove Telegram")
		s.button("Keep it").TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
		s.wantNot("Remove Telegram")
		s.w.accounts.cards["a1"].remove()
		c.Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		s.settle()
		if s.f.count("RemoveAccount a1") != 0 {
			t.Error("Enter removed the account")
		}
	})
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&api.Error{Text: "Told in words."}, "Told in words."},
		{client.ErrNotRunning, "Postern is not running. Start it, and the window goes on by itself."},
		{context.DeadlineExceeded, "Postern did not answer in time. Try again; if it stays like this, quit Postern and start it again."},
		{errors.New("odd"), "odd"},
	} {
		if got := explain(c.err); got != c.want {
			t.Errorf("%v: %q", c.err, got)
		}
	}
}
