package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

func TestSettings(t *testing.T) {
	w := newWorld(t)
	w.start()
	usual := w.app.Settings()
	tests := map[string]struct {
		change func(*api.Settings)
		wrong  string
	}{
		"as they are":   {change: func(*api.Settings) {}},
		"no bounds":     {change: func(s *api.Settings) { s.AskAfter, s.KeepFor, s.KeepBytes = 0, 0, 0 }},
		"ask too soon":  {change: func(s *api.Settings) { s.AskAfter = time.Second }, wrong: "ask_after"},
		"negative age":  {change: func(s *api.Settings) { s.KeepFor = -time.Hour }, wrong: "keep_for"},
		"too small":     {change: func(s *api.Settings) { s.KeepBytes = 1 }, wrong: "keep_bytes"},
		"hide the text": {change: func(s *api.Settings) { s.HideText = true }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := usual
			tt.change(&s)
			before := w.app.Settings()
			err := w.app.SetSettings(t.Context(), s)
			var wire *api.Error
			if tt.wrong != "" {
				if !errors.As(err, &wire) || wire.Fields[tt.wrong] == "" {
					t.Errorf("%v", err)
				}
				if w.app.Settings() != before {
					t.Error("refused settings were taken")
				}
				return
			}
			if err != nil || w.app.Settings() != s {
				t.Errorf("%v %+v", err, w.app.Settings())
			}
		})
	}
	t.Run("they outlive a restart", func(t *testing.T) {
		s := usual
		s.HideText = true
		if err := w.app.SetSettings(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.start()
		if got := w.app.Settings(); got != s {
			t.Errorf("%+v", got)
		}
	})
}

func TestNoticesAreBoundedAndStay(t *testing.T) {
	w := newWorld(t)
	w.start()
	for i := range 3 * maxNotices {
		w.app.notice(t.Context(), string(rune('a'+i%100)), true, "x")
	}
	w.stop()
	w.start()
	got := w.app.Snapshot().Notices
	if len(got) != maxNotices {
		t.Fatalf("%d notices", len(got))
	}
	if err := w.app.DismissNotice(t.Context(), got[0].ID); err != nil {
		t.Fatal(err)
	}
	if n := len(w.app.Snapshot().Notices); n != maxNotices-1 {
		t.Errorf("%d after one was dismissed", n)
	}
}

func TestAnotherBotsCredentialIsNotUsed(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.add()
	w.until("the bot is known", func() bool { return w.account().Handle == "@bot" })
	w.fake.mu.Lock()
	w.fake.bot = "other"
	w.fake.mu.Unlock()
	change := func() {
		t.Helper()
		if _, err := w.app.ChangeAccount(t.Context(), "fake", api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-of-another"}}); err != nil {
			t.Fatal(err)
		}
	}
	change()
	w.fake.say("1", "to the other bot", time.Now())
	w.until("it is parked", func() bool { return w.account().Status == api.Blocked })
	if w.fake.waiting() != 1 {
		t.Error("the other bot's message was taken")
	}
	w.fake.mu.Lock()
	w.fake.bot = "bot"
	w.fake.mu.Unlock()
	change()
	w.until("the right one connects", func() bool { return w.account().Status == api.Connected && w.fake.waiting() == 0 })
}

func TestOptions(t *testing.T) {
	w := newWorld(t)
	w.change = func(p *platforms.Platform) {
		p.Fields = append(p.Fields, platforms.Field{Key: "where", Label: "Where", Options: []platforms.Option{{Value: "east"}, {Value: "west"}}})
	}
	w.start()
	draft := func(where string) api.AccountDraft {
		return api.AccountDraft{Platform: "fake", Values: map[string]string{"token": "tok-secret-value-1", "where": where}}
	}
	if _, err := w.app.AddAccount(t.Context(), draft("north")); platforms.KindOf(wireError(err)) == "" || !strings.Contains(fmt.Sprintf("%+v", err), "east, west") {
		t.Errorf("north: %+v", err)
	}
	if a, err := w.app.AddAccount(t.Context(), draft("west")); err != nil || a.Settings["where"] != "west" {
		t.Errorf("west: %+v, %v", a, err)
	}
}
