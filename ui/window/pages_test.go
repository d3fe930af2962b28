package window

import (
	"errors"
	"fmt"
	"image/color"
	"math"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
)

func TestActivity(t *testing.T) {
	open := func(t *testing.T, f *fake) *stage {
		s := newStage(t, f, Light, Options{Page: PageActivity})
		s.settle()
		return s
	}
	t.Run("shows what, who and why", func(t *testing.T) {
		s := open(t, sample())
		for _, words := range []string{"Routed", "Grandma", "A message in Family went to: notify", "Telegram family", "14:02:26"} {
			s.want(words)
		}
	})
	t.Run("chips select kinds", func(t *testing.T) {
		s := open(t, sample())
		s.press("Rejected")
		s.want("exit status 2")
		s.wantNot("A message in Family")
		s.press("Rejected")
		s.want("A message in Family")
	})
	t.Run("one account can be chosen", func(t *testing.T) {
		s := open(t, sample())
		s.w.activity.only("a3")
		s.settle()
		s.want("Telegram refused the token")
		s.wantNot("A message in Family")
	})
	t.Run("searching waits for a pause in typing", func(t *testing.T) {
		s := open(t, sample())
		before := s.f.count("Activity")
		for _, q := range []string{"B", "Be", "Ben"} {
			s.w.activity.search.SetText(q)
		}
		s.pass(300 * time.Millisecond)
		s.settle()
		if n := s.f.count("Activity") - before; n != 1 {
			t.Errorf("asked %d times", n)
		}
		s.want("Ben")
		s.wantNot("Grandma")
	})
	t.Run("a line opens whole, and can be copied", func(t *testing.T) {
		s := open(t, sample())
		s.w.activity.list.Select(6)
		s.want("Conversation")
		s.press("Copy all")
		if len(s.sent) != 1 || s.sent[0] == "" {
			t.Errorf("copied %q", s.sent)
		}
	})
	t.Run("exports what is selected", func(t *testing.T) {
		s := open(t, sample())
		s.press("Export…")
		if s.file.saved.String() != "{}\n" || s.file.name != "postern-activity-2026-11-20.jsonl" {
			t.Errorf("wrote %q to %s", s.file.saved.String(), s.file.name)
		}
	})
	t.Run("older lines come by scrolling, and new ones don't move what is read", func(t *testing.T) {
		f := sample()
		f.activity = nil
		for i := range 1000 {
			f.activity = append(f.activity, api.Activity{Seq: uint64(1000 - i), At: noon, What: api.Routed, Why: fmt.Sprintf("line %d.", 1000-i)})
		}
		s := open(t, f)
		s.w.activity.list.ScrollTo(195)
		s.pass(time.Second)
		s.settle()
		if n := len(s.w.activity.lines); n != 400 {
			t.Fatalf("%d lines are there", n)
		}
		s.w.activity.list.ScrollTo(100)
		s.want("line 900.")
		f.set(func() {
			f.activity = append([]api.Activity{{Seq: 1001, At: noon, What: api.Alarm, Why: "new"}}, f.activity...)
		})
		s.push(func(*api.Snapshot) {})
		if n := len(s.w.activity.lines); n != 401 {
			t.Errorf("%d lines are there", n)
		}
		s.want("line 900.")
	})
}

func TestGeneral(t *testing.T) {
	open := func(t *testing.T) *stage {
		s := newStage(t, sample(), Light, Options{Page: PageGeneral})
		s.settle()
		return s
	}
	t.Run("shows the settings and where things are", func(t *testing.T) {
		s := open(t)
		for _, words := range []string{"10", "365", "2000", "/home/ada/.local/share/postern", "keyring", "0.1.0"} {
			s.want(words)
		}
		s.wantNot("not saved")
	})
	t.Run("a change is saved by Save, and nothing else changes", func(t *testing.T) {
		s := open(t)
		before := s.f.settings
		test.Tap(s.w.general.hide)
		s.w.general.ask.entry.SetText("0")
		s.want("You have changes that are not saved.")
		s.press("Save")
		before.HideText, before.AskAfter = true, 0
		if s.f.settings != before {
			t.Errorf("saved %+v", s.f.settings)
		}
		s.wantNot("not saved")
	})
	t.Run("an exact value that was not touched is not rounded", func(t *testing.T) {
		f := sample()
		f.settings.KeepBytes, f.settings.AskAfter = 1<<30, 90*time.Second
		s := newStage(t, f, Light, Options{Page: PageGeneral})
		s.settle()
		test.Tap(s.w.general.hide)
		s.press("Save")
		if f.settings.KeepBytes != 1<<30 || f.settings.AskAfter != 90*time.Second {
			t.Errorf("saved %+v", f.settings)
		}
	})
	t.Run("what is no number says so, and can't be saved", func(t *testing.T) {
		s := open(t)
		for _, v := range []string{"", "soon", "-1", "99999999", "1.5"} {
			s.w.general.ask.entry.SetText(v)
			s.want("The time must be")
			s.press("Save")
		}
		if s.f.count("SetSettings") != 0 {
			t.Error("saved")
		}
		s.press("Revert")
		s.wantNot("The time must be")
	})
	t.Run("a failure keeps what was typed", func(t *testing.T) {
		s := open(t)
		s.w.general.days.entry.SetText("30")
		s.f.set(func() { s.f.failing = errors.New("the disk is full") })
		s.press("Save")
		s.want("Not saved. the disk is full")
		if s.w.general.days.entry.Text != "30" {
			t.Error("what was typed is gone")
		}
	})
	t.Run("what was typed survives a visit to another page", func(t *testing.T) {
		s := open(t)
		s.w.general.days.entry.SetText("30")
		s.w.Go(PageInbox)
		s.settle()
		s.w.Go(PageGeneral)
		s.settle()
		if s.w.general.days.entry.Text != "30" {
			t.Error("what was typed is gone")
		}
		s.want("You have changes that are not saved.")
	})
	t.Run("quitting asks", func(t *testing.T) {
		s := open(t)
		s.press("Quit Postern")
		if s.f.count("Quit") != 0 {
			t.Fatal("quit at once")
		}
		s.press("Quit")
		if s.f.count("Quit") != 1 {
			t.Error("not quit")
		}
	})
	t.Run("pauses everything", func(t *testing.T) {
		s := open(t)
		s.press("Pause all")
		s.push(func(n *api.Snapshot) { n.Program.Paused = true })
		s.press("Resume all")
		if s.f.count("Pause ") != 1 || s.f.count("Resume ") != 1 {
			t.Errorf("calls: %v", s.f.calls)
		}
	})
}

// TestContrast proves that every text colour can be read on every ground it
// stands on.
func TestContrast(t *testing.T) {
	inks := []fyne.ThemeColorName{colorText, colorMuted, colorAccent, colorGood, colorWarn, colorBad}
	grounds := []fyne.ThemeColorName{theme.ColorNameBackground, colorSurface, colorSunken, colorSidebar}
	pairs := [][2]fyne.ThemeColorName{{colorText, colorWarnSoft}, {colorText, colorBadSoft}, {colorText, colorMine}, {colorText, colorTheirs},
		{colorText, colorSoft}, {colorMuted, colorSoft}, {colorWarn, colorWarnSoft}, {colorBad, colorBadSoft}, {colorMuted, colorMine}, {colorMuted, colorTheirs},
		{theme.ColorNameForegroundOnPrimary, colorAccent}}
	for _, i := range inks {
		for _, g := range grounds {
			pairs = append(pairs, [2]fyne.ThemeColorName{i, g})
		}
	}
	// The drawing, its ends and the doors write in the colours of the levels.
	for _, l := range []exposure.Level{exposure.Outbound, exposure.Relayed, exposure.Local, exposure.Private, exposure.Public, exposure.Refused, "unknown"} {
		for _, g := range grounds {
			pairs = append(pairs, [2]fyne.ThemeColorName{levelColor(l), g})
		}
	}
	for _, v := range []Variant{Light, Dark} {
		th := NewTheme(v)
		for _, p := range pairs {
			if c := contrast(th.Color(p[0], 0), th.Color(p[1], 0)); c < 4.5 {
				t.Errorf("variant %d: %s on %s has a contrast of %.2f", v, p[0], p[1], c)
			}
		}
	}
}

func contrast(a, b color.Color) float64 {
	l := func(c color.Color) float64 {
		r, g, b, _ := c.RGBA()
		lin := func(v uint32) float64 {
			f := float64(v) / 0xFFFF
			if f <= 0.04045 {
				return f / 12.92
			}
			return math.Pow((f+0.055)/1.055, 2.4)
		}
		return 0.2126*lin(r) + 0.7152*lin(g) + 0.0722*lin(b)
	}
	x, y := l(a), l(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestThemeFollowsTheSystem(t *testing.T) {
	th := NewTheme(FollowSystem)
	if th.Color(theme.ColorNameBackground, theme.VariantDark) == th.Color(theme.ColorNameBackground, theme.VariantLight) {
		t.Error("light and dark are the same")
	}
	if NewTheme(Dark).Color(colorText, theme.VariantLight) != th.Color(colorText, theme.VariantDark) {
		t.Error("a forced variant follows the system")
	}
}
