//go:build linux || freebsd || openbsd || netbsd

package tray_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/ui/internal/bus/bustest"
)

// office has nothing in it whose words change with time.
func office() api.Snapshot {
	since := time.Now().Add(time.Hour)
	return api.Snapshot{
		Accounts: []api.Account{
			{ID: "tg", Title: "Telegram", Handle: "@my_bot", Status: api.Connected, Since: since, Exposure: exposure.Outbound},
			{ID: "mm", Title: "Mattermost", Name: "home & co", Status: api.Paused, Paused: true, Since: since, Exposure: exposure.Private},
			{ID: "ln", Title: "LINE", Name: "shop", Status: api.BadCredentials, Note: "Paste_it again.", Exposure: exposure.Outbound},
		},
		Exposure: api.Exposure{exposure.Outbound: 2, exposure.Private: 1},
		Unread:   3,
	}
}

func TestThePanelSeesIconAndMenu(t *testing.T) {
	d, _, _ := onDesktop(t, office())
	var title, id, status string
	d.property(itemFace, "Title", &title)
	d.property(itemFace, "Id", &id)
	d.property(itemFace, "Status", &status)
	if title != "Postern" || id != "Postern" || status != "Active" {
		t.Errorf("title %q, id %q, status %q", title, id, status)
	}
	if w, h := d.icon(); w != 44 || h != 44 {
		t.Errorf("the icon is %d by %d, want 44", w, h)
	}
	d.shows(office())
}

func TestClicks(t *testing.T) {
	s := office()
	s.Held, s.Dead, s.Exposure[exposure.Public] = 1, 1, 1
	d, _, _ := onDesktop(t, s)
	d.shows(s)
	for _, c := range []struct{ label, says string }{
		{"Open inbox (3)", "show inbox "},
		{"1 held message…", "show inbox "},
		{"1 message could not be sent…", "show activity "},
		{"Pause all", "pause "},
		{"Close every public listener", "close"},
		{"Settings…", "show settings "},
		{"Quit Postern", "quit"},
		{"Show account", "show accounts tg"},
		{"Pause", "pause tg"},
		{"Resume", "resume mm"},
		{"Try again", "resume ln"},
	} {
		t.Run(c.label, func(t *testing.T) {
			d.t = t
			d.click(c.label)
			d.says(c.says)
		})
	}
	t.Run("on the icon itself", func(t *testing.T) {
		d.t = t
		if err := d.conn.Object(d.item.Sender, d.item.Path).Call(itemFace+".Activate", 0, int32(0), int32(0)).Err; err != nil {
			t.Fatal(err)
		}
		d.says("show inbox ")
	})
	t.Run("on a line that only tells", func(t *testing.T) {
		d.t = t
		d.clickID(d.children(d.layout())[0].ID)
		d.click("Quit Postern") // and nothing before it
		d.says("quit")
	})
}

func TestChangesReachThePanel(t *testing.T) {
	s := office()
	d, _, _ := onDesktop(t, s)
	d.shows(s)
	icon := d.pixmap()
	inbox, _ := d.find(d.layout(), "Open inbox (3)")

	t.Run("words, and lines keep their ids", func(t *testing.T) {
		d.t = t
		s.Unread = 4
		d.set(s)
		d.shows(s)
		if l, _ := d.find(d.layout(), "Open inbox (4)"); l.ID != inbox.ID {
			t.Errorf("the line is now %d, was %d", l.ID, inbox.ID)
		}
	})
	t.Run("an open listener", func(t *testing.T) {
		d.t = t
		s.Exposure[exposure.Public] = 1
		d.set(s)
		d.shows(s)
		if slices.Equal(d.pixmap().Pix, icon.Pix) {
			t.Error("the icon is the same")
		}
		var tip struct {
			Name  string
			Icons []pixmap
			Title string
			Text  string
		}
		d.property(itemFace, "ToolTip", &tip)
		if !strings.Contains(tip.Title, "1 public listener open") {
			t.Errorf("the tooltip says %q", tip.Title)
		}
	})
	t.Run("a removed account, and its line no longer acts", func(t *testing.T) {
		d.t = t
		gone, _ := d.find(d.layout(), "Try again")
		s.Accounts = s.Accounts[:2]
		d.set(s)
		d.shows(s)
		d.clickID(gone.ID)
		d.click("Settings…")
		d.says("show settings ")
	})
	t.Run("no account, everything paused", func(t *testing.T) {
		d.t = t
		s.Accounts, s.Program.Paused, s.Exposure = nil, true, api.Exposure{}
		d.set(s)
		d.shows(s)
		d.click("Resume all")
		d.says("resume ")
	})
	t.Run("more accounts than fit", func(t *testing.T) {
		d.t = t
		s = api.Snapshot{}
		for i := range 20 {
			s.Accounts = append(s.Accounts, api.Account{ID: platforms.AccountID(strconv.Itoa(i)), Title: "T", Paused: true})
		}
		d.set(s)
		d.shows(s)
	})
}

func TestThePanelRestarts(t *testing.T) {
	s := office()
	d, b, w := onDesktop(t, s)
	d.shows(s)
	w.Stop()
	w = b.Watch()
	d.registered(w, d.conn)
	d.shows(s)
	d.click("Quit Postern")
	for {
		select {
		case got := <-d.lines: // "shown" again, unless both changes came at once
			if got == "quit" {
				return
			}
			if got != "shown" && got != "no host" {
				t.Fatalf("the tray says %q", got)
			}
		case <-time.After(deadline):
			t.Fatal("the click was lost")
		}
	}
}

func TestNoPlaceForIcons(t *testing.T) {
	t.Run("is told once, and a place that appears is used", func(t *testing.T) {
		b := bustest.Start(t)
		s := office()
		d := run(t, s, "DBUS_SESSION_BUS_ADDRESS="+b.Address)
		d.says("no host")
		w := b.Watch()
		d.says("shown")
		d.registered(w, b.Dial())
		d.shows(s)
		w.Stop()
		w = b.Watch()
		d.registered(w, d.conn)
		d.click("Quit Postern")
		for got := range d.lines {
			if got == "no host" {
				t.Error("told twice")
			}
			if got == "quit" {
				break
			}
		}
	})
	t.Run("without a bus none is launched", func(t *testing.T) {
		dir := t.TempDir()
		mark := filepath.Join(dir, "launched")
		script := "#!/bin/sh\ntouch " + mark + "\n"
		if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		d := run(t, office(), "DBUS_SESSION_BUS_ADDRESS=", "PATH="+dir+":"+os.Getenv("PATH"))
		d.says("no host")
		if _, err := os.Stat(mark); err == nil {
			t.Error("a bus was launched")
		}
	})
	t.Run("the bus that ends", func(t *testing.T) {
		d, b, _ := onDesktop(t, office())
		b.Stop()
		d.says("no host")
	})
}

func TestEndingBeforeTheStart(t *testing.T) {
	b := bustest.Start(t)
	b.Watch()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childEnv+"=1", "DBUS_SESSION_BUS_ADDRESS="+b.Address)
	cmd.Stdin = strings.NewReader("{}\n") // ends at once
	out, err := cmd.Output()
	if err != nil || !strings.HasSuffix(string(out), "ended\n") {
		t.Errorf("%v, said %q", err, out)
	}
}
