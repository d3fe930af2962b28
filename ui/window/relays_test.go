package window

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
)

func onRelays(t *testing.T, f *fake) *stage {
	t.Helper()
	s := newStage(t, f, Light, Options{Page: PageRelays})
	s.settle()
	return s
}

// relay is the card of the relay with this id.
func (s *stage) relay(id string) *relayCard {
	s.t.Helper()
	for _, r := range s.w.relays.rows {
		if r.r.ID == id {
			return r
		}
	}
	s.t.Fatalf("there is no relay %q", id)
	return nil
}

func TestRelaysPage(t *testing.T) {
	pin(t)
	t.Run("says what a relay is, and who reads it", func(t *testing.T) {
		s := onRelays(t, sample())
		s.want("No relays yet.")
		s.want("Whoever runs the relay can read every request.")
		s.want("It is one-way unless you choose otherwise")
		s.wantNot("Your relays")
		s.press("Set up a relay…")
		s.want("This Postern has no relays that can be set up.")
	})
	t.Run("says how each is, what came by it, and where it leads", func(t *testing.T) {
		s := onRelays(t, relayed())
		for _, words := range []string{"shop relay", "Connected since 09:02", "1,412 taken · 3 refused · last 2 min ago", "relayed webhook",
			"orders leads to LINE relay", "https://orders.relay.example.org/h/4f1c", "by input in-1", "builds leads to Webhook builds /builds/9d2e",
			"Its requests are signed with another secret.", "2 gaps: requests are missing", "Credentials refused", "The channel is unknown there (404).",
			"It writes JSON anew, so a signature may not verify.", "Leads to Webhook builds", "Paused: requests are not fetched", "Nothing has come yet"} {
			s.want(words)
		}
		s.wantNot("14 were dropped")
		s.pass(time.Minute)
		s.settle()
		s.want("last 3 min ago")
	})
	t.Run("what only waits is no fault", func(t *testing.T) {
		f := relayed()
		f.web.relays[0].Status, f.web.relays[0].Note = api.Connecting, "It waits for the account."
		s := onRelays(t, f)
		if c := s.relay("r1"); c.trouble.Visible() || !c.noted.Visible() || c.said.s != "It waits for the account." {
			t.Errorf("fault %v, note %v", c.trouble.Visible(), c.noted.Visible())
		}
		if c := s.relay("r2"); !c.trouble.Visible() || c.noted.Visible() {
			t.Error("a refusal is only a note")
		}
	})
	t.Run("gaps unfold, newest first, and stay so", func(t *testing.T) {
		f := relayed()
		g := f.web.relays[0].Gaps
		g[0], g[1] = g[1], g[0]
		s := onRelays(t, f)
		test.Tap(s.relay("r1").gapFold)
		s.want("09:02 to 10:02: The relay was away for longer than it keeps requests: 14 were dropped.")
		rows := s.relay("r1").gapRows.Objects
		if len(rows) != 2 || !strings.HasPrefix(rows[0].(*text).s, "09:02") {
			t.Errorf("%v", rows)
		}
		s.f.set(func() { s.f.web.relays[0].Taken++ })
		s.w.relays.load()
		s.settle()
		s.want("1,413 taken")
		s.want("14 were dropped")
		test.Tap(s.relay("r1").gapFold)
		s.wantNot("14 were dropped")
	})
	t.Run("what came from outside stays on one line, and is bounded", func(t *testing.T) {
		f := relayed()
		r := &f.web.relays[0]
		long := "a\nb\u202e" + strings.Repeat("x", 5000)
		r.Name, r.Title, r.Note, r.Warning = long, long, long, long
		r.Channels[0] = api.RelayChannel{Channel: long, Account: "a7", Path: long, Public: long, Input: long, Problem: long}
		r.Gaps = nil
		for range mostGaps + 7 {
			r.Gaps = append(r.Gaps, api.RelayGap{At: noon, Text: long})
		}
		for range mostChannels + 7 {
			r.Channels = append(r.Channels, api.RelayChannel{Account: "a7"})
		}
		for i := range mostRelayCards {
			f.web.relays = append(f.web.relays, api.Relay{ID: fmt.Sprint("m", i), Name: fmt.Sprint("many ", i)})
		}
		s := onRelays(t, f)
		test.Tap(s.relay("r1").gapFold)
		for _, words := range s.texts() {
			if strings.ContainsAny(words, "\n\u202e") || len([]rune(words)) > 600 {
				t.Errorf("%q", words)
			}
		}
		if n := len(s.relay("r1").gapRows.Objects); n != mostGaps+1 {
			t.Errorf("%d gaps", n)
		}
		if n := len(s.relay("r1").channels.Objects); n != mostChannels+1 {
			t.Errorf("%d channels", n)
		}
		s.want("And 7 earlier ones.")
		s.want("And 3 more, which")
		if n := len(s.w.relays.rows); n != mostRelayCards {
			t.Errorf("%d cards", n)
		}
	})
	t.Run("a failure is told, and can be tried again", func(t *testing.T) {
		s := onRelays(t, relayed())
		s.f.set(func() { s.f.failing = &api.Error{Text: "The journal is full. Free some space."} })
		s.w.relays.load()
		s.settle()
		s.want("The relays could not be read. The journal is full.")
		s.want("shop relay")
		s.f.set(func() { s.f.failing = nil })
		s.press("Try again")
		s.wantNot("could not be read")
	})
	t.Run("is read each ten seconds, and once a second where the state changes", func(t *testing.T) {
		s := onRelays(t, relayed())
		s.w.relays.load() // whatever came while it opened
		s.settle()
		before := s.f.count("Relays")
		for range 9 {
			s.pass(time.Second)
			s.settle()
		}
		if n := s.f.count("Relays") - before; n != 0 {
			t.Errorf("asked %d times in nine seconds", n)
		}
		s.pass(time.Second)
		s.settle()
		for range 5 {
			s.push(func(*api.Snapshot) {})
			s.w.relays.tick()
			s.settle()
		}
		s.pass(time.Second)
		s.settle()
		if n := s.f.count("Relays") - before; n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("has a key", func(t *testing.T) {
		s := newStage(t, relayed(), Light, Options{})
		s.w.shortcut(&desktop.CustomShortcut{KeyName: fyne.KeyR, Modifier: fyne.KeyModifierShortcutDefault})
		s.settle()
		if s.w.page != PageRelays {
			t.Errorf("shows %s", s.w.page)
		}
	})
}

func TestPauseRelay(t *testing.T) {
	t.Run("acts at once, and says that it is on its way", func(t *testing.T) {
		s := onRelays(t, relayed())
		c, hang := s.relay("r1"), make(chan struct{})
		s.f.set(func() { s.f.hang = hang })
		test.Tap(c.pause)
		if c.status.s != "Pausing…" || !c.pause.disabled {
			t.Errorf("%q", c.status.s)
		}
		test.Tap(c.pause)
		s.f.set(func() { s.f.hang = nil })
		close(hang)
		s.settle()
		if s.f.count("PauseRelay r1") != 1 {
			t.Errorf("%d calls", s.f.count("PauseRelay r1"))
		}
		s.want("shop relay is paused.")
		if c := s.relay("r1"); c.pause.label != "Resume" || c.status.s != "Paused: requests are not fetched" {
			t.Errorf("%q %q", c.pause.label, c.status.s)
		}
		test.Tap(s.relay("r1").pause)
		s.settle()
		if s.f.count("ResumeRelay r1") != 1 || s.relay("r1").pause.label != "Pause" {
			t.Error("not resumed")
		}
	})
	t.Run("a refusal is told", func(t *testing.T) {
		s := onRelays(t, relayed())
		s.f.web.refuse = &api.Error{Text: "Only a person may do this."}
		test.Tap(s.relay("r3").pause)
		s.settle()
		s.want("Only a person may do this.")
		if c := s.relay("r3"); c.pause.label != "Resume" || c.pause.disabled {
			t.Errorf("%q", c.pause.label)
		}
	})
}

func TestRemoveRelay(t *testing.T) {
	s := onRelays(t, relayed())
	test.Tap(s.relay("r1").more)
	s.pick("Remove…")
	s.want("Remove the relay shop relay?")
	s.want("Nothing reaches LINE relay and Webhook builds by it any more.")
	s.win.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	s.settle()
	if s.f.count("RemoveRelay r1") != 0 {
		t.Fatal("removed without a yes")
	}
	s.relay("r1").remove()
	s.press("Remove")
	if s.f.count("RemoveRelay r1") != 1 || len(s.w.relays.rows) != 2 {
		t.Errorf("%d left", len(s.w.relays.rows))
	}
}

func TestAddRelay(t *testing.T) {
	pin(t)
	t.Run("says of each sort whether requests stay as they are", func(t *testing.T) {
		s := onRelays(t, relayed())
		s.w.relays.add("")
		s.settle()
		s.want("Requests arrive byte for byte, so signatures verify.")
		s.want("Free, without an account. Keeps nothing.")
	})
	t.Run("asks for what it needs, checks, and saves", func(t *testing.T) {
		s := onRelays(t, relayed())
		s.w.relays.add("")
		s.settle()
		s.press("Choose") // the first
		s.want("Make a bucket for each sender.")
		s.want("A relay has the public address; Postern dials out to it.")
		f := s.relayForm()
		s.press("Save")
		s.want("API key is missing. Fill it in.")
		s.want("Name each bucket as the relay does.")
		f.inputs["key"].SetText("example-key")
		s.wantNot("API key is missing")
		f.channels.rows[0].name.SetText("orders")
		s.press("Save")
		s.want("Choose an account.")
		s.press("Choose an account")
		s.pick("LINE relay")
		s.press("Add another bucket")
		f.channels.rows[1].name.SetText("orders")
		test.Tap(f.channels.rows[1].account)
		s.pick("Webhook builds")
		s.press("Save")
		s.want("“orders” is there twice.")
		f.channels.rows[1].name.SetText("builds")
		f.channels.rows[1].public.SetText(" https://builds.example.org ")
		f.name.SetText("shop")
		s.press("Check")
		s.want("Connected. The relay knows the buckets orders and builds.")
		if s.f.count("AddRelay") != 0 {
			t.Fatal("checking saved it")
		}
		s.press("Save")
		if n := len(s.f.web.dials); n != 1 {
			t.Errorf("dialled %d times for what was checked", n)
		}
		want := api.RelayDraft{Kind: "buckets", Name: "shop", Values: map[string]string{"key": "example-key"},
			Channels: []api.RelayChannel{{Channel: "orders", Account: "a7"}, {Channel: "builds", Account: "a6", Public: "https://builds.example.org"}}}
		if d := s.f.web.saved; len(d) != 1 || fmt.Sprint(d[0]) != fmt.Sprint(want) {
			t.Errorf("%+v", d)
		}
		s.want("shop was saved.")
		if f.inputs["key"].Text != "" {
			t.Error("the key stays in the field")
		}
	})
	t.Run("an account with several paths offers them", func(t *testing.T) {
		fk := relayed()
		for i := range fk.view.Doors {
			if fk.view.Doors[i].Account == "a6" {
				fk.view.Doors[i].Paths = []string{"/builds/9d2e", "/clicks/77aa"}
			}
		}
		s := onRelays(t, fk)
		f := s.w.relays.form(fk.web.kinds[1], nil, "a6")
		s.settle()
		f.inputs["url"].SetText("https://smee.example.org/x")
		s.press("whichever fits")
		s.pick("/clicks/77aa")
		s.press("Save")
		if d := s.f.web.saved; len(d) != 1 || len(d[0].Channels) != 1 || d[0].Channels[0] != (api.RelayChannel{Account: "a6", Path: "/clicks/77aa"}) {
			t.Errorf("%+v", d)
		}
	})
	t.Run("a check can be stopped, and ends with the dialog", func(t *testing.T) {
		s := onRelays(t, relayed())
		f := s.w.relays.form(s.f.web.kinds[1], nil, "a6")
		s.settle()
		f.inputs["url"].SetText("https://smee.example.org/x")
		s.f.set(func() { s.f.hang = make(chan struct{}) })
		test.Tap(f.check)
		s.want("Dialling smee…")
		if !f.save.disabled {
			t.Error("can be saved meanwhile")
		}
		test.Tap(s.button("Stop checking"))
		s.wantNot("Dialling smee…")
		test.Tap(f.check)
		s.w.escape()
		s.settle()
		if f.running != nil || len(s.f.web.dials) != 0 {
			t.Error("it went on")
		}
	})
	t.Run("what a check refuses is saved only after a question", func(t *testing.T) {
		s := onRelays(t, relayed())
		s.f.web.checked = api.RelayCheck{Error: &api.Error{Text: "The relay refused the key (401)."}, Fields: map[string]string{"key": "Paste the\ncurrent one."}}
		f := s.w.relays.form(s.f.web.kinds[0], nil, "a7")
		s.settle()
		f.inputs["key"].SetText("old")
		f.channels.rows[0].name.SetText("orders")
		s.press("Save")
		s.want("The relay refused the key (401). The relay can be saved, but nothing comes by it like this.")
		s.want("Paste the current one.")
		s.press("Go back")
		if s.f.count("AddRelay") != 0 {
			t.Fatal("saved without a yes")
		}
		s.press("Save")
		s.press("Save anyway")
		if s.f.count("AddRelay") != 1 {
			t.Error("not saved")
		}
	})
	t.Run("a refusal stands at its field, and what was typed stays", func(t *testing.T) {
		s := onRelays(t, relayed())
		f := s.w.relays.form(s.f.web.kinds[1], nil, "a6")
		s.settle()
		f.inputs["url"].SetText("https://smee.example.org/x")
		s.press("Check")
		s.f.web.refuse = &api.Error{Text: "The relay was not saved.", Fields: map[string]string{"channels": "This account has another relay.", "url": "It is used twice."}}
		s.press("Save")
		s.want("The relay was not saved.")
		s.want("This account has another relay.")
		s.want("It is used twice.")
		if f.inputs["url"].Text == "" {
			t.Error("what was typed is gone")
		}
	})
}

// relayForm is the form that is open, found by its fields.
func (s *stage) relayForm() *relayForm {
	s.t.Helper()
	e, ok := s.win.Canvas().Focused().(*entry)
	if !ok || s.w.relays.open == nil || s.w.relays.open.name != e {
		s.t.Fatal("no form of a relay has the cursor")
	}
	return s.w.relays.open
}

func TestEditRelay(t *testing.T) {
	s := onRelays(t, relayed())
	test.Tap(s.relay("r1").more)
	s.pick("Edit…")
	s.settle()
	f := s.relayForm()
	s.want("Saved, ends in 8f1c. Leave empty to keep it.")
	f.name.SetText("shop")
	test.Tap(f.channels.rows[1].view.Objects[1].(*fyne.Container).Objects[0].(*fyne.Container).Objects[1].(*button))
	s.press("Save")
	if s.f.count("CheckRelay r1") != 0 {
		t.Error("dialled although only a name and a channel changed")
	}
	d := s.f.web.saved
	if len(d) != 1 || len(d[0].Values) != 0 || d[0].Name != "shop" || len(d[0].Channels) != 1 || d[0].Channels[0].Channel != "orders" {
		t.Errorf("%+v", d)
	}
	t.Run("new values are checked, those left alone are not sent", func(t *testing.T) {
		s.w.relays.edit(s.f.web.relays[0])
		s.settle()
		f := s.relayForm()
		f.inputs["key"].SetText("new-key")
		s.press("Save")
		if c := s.f.web.dials; s.f.count("CheckRelay r1") != 1 || len(c) != 1 || fmt.Sprint(c[0].Values) != "map[key:new-key]" {
			t.Errorf("%+v", c)
		}
		if d := s.f.web.saved; len(d) != 2 || fmt.Sprint(d[1].Values) != "map[key:new-key]" {
			t.Errorf("%+v", d)
		}
	})
	t.Run("a sort that is not known any more says so", func(t *testing.T) {
		r := s.f.web.relays[0]
		r.Kind = "gone"
		s.w.relays.edit(r)
		s.settle()
		s.want("does not know this sort of relay any more")
	})
}

func TestRelayInsteadOfAListener(t *testing.T) {
	t.Run("from the question before a public listener opens", func(t *testing.T) {
		s := newStage(t, relayed(), Light, Options{Page: PageExposure})
		s.settle()
		s.w.exposure.cards["a4"].askFirst()
		s.settle()
		s.want("Open a public listener?")
		s.pressLast("Set up a relay…")
		s.wantNot("Open a public listener?")
		if s.w.page != PageRelays {
			t.Fatalf("shows %s", s.w.page)
		}
		s.press("Choose")
		if f := s.relayForm(); f.channels.rows[0].id != "a4" {
			t.Errorf("for %q", f.channels.rows[0].id)
		}
		if s.f.count("Acknowledge a4") != 0 {
			t.Error("it was opened")
		}
	})
	t.Run("from the drawing, where a relayed line is blue and leaves", func(t *testing.T) {
		s := newStage(t, relayed(), Light, Options{Page: PageExposure})
		s.settle()
		blue := 0
		s.walk(func(o fyne.CanvasObject) {
			if w, ok := o.(*wire); ok && w.level == exposure.Relayed {
				blue++
				if w.in || w.closed {
					t.Errorf("in %v, closed %v", w.in, w.closed)
				}
			}
		})
		if blue != 1 {
			t.Errorf("%d relayed lines", blue)
		}
		s.press("Set up a relay…")
		s.want("Which sort?")
	})
	t.Run("not offered where nothing could be reached", func(t *testing.T) {
		f := sample()
		f.snap.Accounts, f.view = f.snap.Accounts[:1], api.View{At: noon}
		s := newStage(t, f, Light, Options{Page: PageExposure})
		s.settle()
		s.wantNot("Set up a relay…")
	})
}

// pressLast taps the last button with this label: those of dialogs come last.
func (s *stage) pressLast(label string) {
	s.t.Helper()
	var found *button
	s.walk(func(at fyne.CanvasObject) {
		if b, ok := at.(*button); ok && b.label == label {
			found = b
		}
	})
	if found == nil {
		s.t.Fatalf("there is no button %q", label)
	}
	test.Tap(found)
	s.settle()
}
