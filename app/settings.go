package app

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/autostart"
	"github.com/postern/postern/platforms"
)

// The journal's names for what is kept in it beside messages.
const (
	settingSettings = "settings"
	settingPaused   = "paused"
	settingNotices  = "notices"
)

// maxNotices bounds the list of things to tell; the oldest goes first.
const maxNotices = 50

func defaultSettings() api.Settings {
	return api.Settings{
		Notifications: true,
		ShowStrangers: true,
		AskAfter:      10 * time.Minute,
		KeepFor:       30 * 24 * time.Hour,
		KeepBytes:     1 << 30,
	}
}

// Settings are the person's choices for the whole program.
func (a *App) Settings() api.Settings {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settings
}

// SetSettings checks and keeps them.
func (a *App) SetSettings(ctx context.Context, s api.Settings) error {
	wrong := map[string]string{}
	if s.AskAfter != 0 && (s.AskAfter < time.Minute || s.AskAfter > 7*24*time.Hour) {
		wrong["ask_after"] = "Choose between 1 minute and 7 days, or 0 to never ask."
	}
	if s.KeepFor != 0 && (s.KeepFor < 24*time.Hour || s.KeepFor > 10*365*24*time.Hour) {
		wrong["keep_for"] = "Choose between 1 day and 10 years, or 0 for no bound."
	}
	if s.KeepBytes != 0 && (s.KeepBytes < 16_000_000 || s.KeepBytes > 1<<40) {
		wrong["keep_bytes"] = "Choose between 16 MB and 1 TB, or 0 for no bound."
	}
	if len(wrong) > 0 {
		return &api.Error{Kind: platforms.Rejected, Text: "These settings can't be kept: a value is out of its range.", Fields: wrong}
	}
	before := a.Settings()
	if s.StartAtLogin != before.StartAtLogin {
		if a.o.Demo {
			return &api.Error{Kind: platforms.Unsupported, Text: "The demo does not start at login. Start Postern without --demo to set this."}
		}
		exe, err := os.Executable()
		if err == nil {
			err = autostart.Set(exe, s.StartAtLogin)
		}
		if err != nil {
			return &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("Starting at login could not be changed: %v", err)}
		}
	}
	if err := a.store.PutSetting(ctx, settingSettings, s); err != nil {
		return wireError(err)
	}
	a.mu.Lock()
	a.settings = s
	a.mu.Unlock()
	a.audit(ctx, string(api.Changed), "", "", "Settings changed: "+differences(before, s)+".")
	a.keepSafe()
	a.changed()
	return nil
}

// differences is which settings differ, in words.
func differences(before, after api.Settings) string {
	var out []string
	b, n := reflect.ValueOf(before), reflect.ValueOf(after)
	for i := range b.NumField() {
		if x, y := b.Field(i).Interface(), n.Field(i).Interface(); x != y {
			name, _, _ := strings.Cut(b.Type().Field(i).Tag.Get("json"), ",")
			out = append(out, fmt.Sprintf("%s from %v to %v", name, x, y))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// notice keeps something that the person must be told until they dismiss it.
// A later text with the same id replaces the earlier one.
func (a *App) notice(ctx context.Context, id string, bad bool, text string) {
	a.mu.Lock()
	a.notices = slices.DeleteFunc(a.notices, func(n api.Notice) bool { return n.ID == id })
	a.notices = append(a.notices, api.Notice{ID: id, At: a.now(), Bad: bad, Text: text})
	if extra := len(a.notices) - maxNotices; extra > 0 {
		a.notices = slices.Delete(a.notices, 0, extra)
	}
	kept := slices.Clone(a.notices)
	a.mu.Unlock()
	a.log.Warn("notice", "text", text)
	if err := a.store.PutSetting(context.WithoutCancel(ctx), settingNotices, kept); err != nil {
		a.log.Error("a notice could not be kept", "err", err)
	}
	a.changed()
}

// DismissNotice forgets one.
func (a *App) DismissNotice(ctx context.Context, id string) error {
	a.mu.Lock()
	a.notices = slices.DeleteFunc(a.notices, func(n api.Notice) bool { return n.ID == id })
	kept := slices.Clone(a.notices)
	a.mu.Unlock()
	a.changed()
	return wireErrorOrNil(a.store.PutSetting(ctx, settingNotices, kept))
}
