//go:build linux || freebsd || openbsd || netbsd

package tray_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/ui/internal/bus/bustest"
	"github.com/postern/postern/ui/model"
)

const (
	itemFace = "org.kde.StatusNotifierItem"
	menuFace = "com.canonical.dbusmenu"
)

// deadline is how long anything may take before the test gives up.
const deadline = 20 * time.Second

// desk is a tray in a process of its own, and the desktop that it is on.
type desk struct {
	t     *testing.T
	in    io.WriteCloser
	lines chan string
	cmd   *exec.Cmd

	conn *dbus.Conn // a panel's
	item bustest.Item
	menu dbus.ObjectPath
	news chan *dbus.Signal
}

// run starts a tray with the environment env.
func run(t *testing.T, s api.Snapshot, env ...string) *desk {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, lines: make(chan string, 64), cmd: exec.Command(self)}
	dir, err := os.MkdirTemp("", "tray") // t.TempDir may hold a comma, which GORACE can't
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	races := filepath.Join(dir, "race")
	d.cmd.Env = append(append(os.Environ(), childEnv+"=1", "XDG_RUNTIME_DIR="+t.TempDir(),
		"GORACE=exitcode=0 atexit_sleep_ms=0 log_path="+races), env...)
	d.cmd.Stderr = os.Stderr
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(d.lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			d.lines <- sc.Text()
		}
	}()
	t.Cleanup(func() {
		d.in.Close()
		stuck := time.AfterFunc(deadline, func() { _ = d.cmd.Process.Kill() })
		var last string
		for last = range d.lines {
		}
		<-read
		err := d.cmd.Wait()
		stuck.Stop()
		if err != nil || last != "ended" {
			t.Errorf("the tray ended with %v and said %q last", err, last)
		}
		checkRaces(t, races)
	})
	d.set(s)
	return d
}

// checkRaces reads what the race detector wrote about the tray's process. One
// race is known and not ours: the library counts the menu's revision up 150 ms
// after the first GetLayout without the lock that GetLayout reads it under; a
// panel that gets the older number asks once more.
func checkRaces(t *testing.T, prefix string) {
	t.Helper()
	files, err := filepath.Glob(prefix + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, race := range strings.Split(string(data), "WARNING: ")[1:] {
			if strings.Contains(race, "systray.refresh()") && strings.Contains(race, "(*tray).GetLayout()") &&
				!strings.Contains(race, "github.com/postern") {
				continue
			}
			t.Error(race)
		}
	}
}

// set gives the tray another snapshot.
func (d *desk) set(s api.Snapshot) {
	d.t.Helper()
	if err := json.NewEncoder(d.in).Encode(s); err != nil {
		d.t.Fatal(err)
	}
}

// says waits for the tray's next line.
func (d *desk) says(want string) {
	d.t.Helper()
	select {
	case got := <-d.lines:
		if got != want {
			d.t.Fatalf("the tray says %q, want %q", got, want)
		}
	case <-time.After(deadline):
		d.t.Fatalf("the tray says nothing, want %q", want)
	}
}

// registered waits for the icon at w and looks at it over conn from then on.
func (d *desk) registered(w *bustest.Watcher, conn *dbus.Conn) {
	d.t.Helper()
	select {
	case d.item = <-w.Items:
	case <-time.After(deadline):
		d.t.Fatal("no icon was registered")
	}
	if d.conn == nil {
		d.conn, d.news = conn, make(chan *dbus.Signal, 1000)
		conn.Signal(d.news)
		if err := conn.AddMatchSignal(dbus.WithMatchInterface(menuFace)); err != nil {
			d.t.Fatal(err)
		}
		if err := conn.AddMatchSignal(dbus.WithMatchInterface(itemFace)); err != nil {
			d.t.Fatal(err)
		}
	}
	d.property(itemFace, "Menu", &d.menu)
}

func (d *desk) property(face, name string, v any) {
	d.t.Helper()
	got, err := d.conn.Object(d.item.Sender, d.item.Path).GetProperty(face + "." + name)
	if err == nil {
		err = got.Store(v)
	}
	if err != nil {
		d.t.Fatalf("%s: %v", name, err)
	}
}

// line is one line of the menu as a panel gets it.
type line struct {
	ID       int32
	Props    map[string]dbus.Variant
	Children []dbus.Variant
}

func (l line) visible() bool { v, ok := l.Props["visible"].Value().(bool); return !ok || v }

// label is what a panel makes of it: an underline marks a shortcut, two are one.
func (l line) label() string {
	s, _ := l.Props["label"].Value().(string)
	return strings.NewReplacer("__", "_", "_", "").Replace(s)
}

func (d *desk) layout() line {
	d.t.Helper()
	var revision uint32
	var root line
	err := d.conn.Object(d.item.Sender, d.menu).Call(menuFace+".GetLayout", 0, int32(0), int32(-1), []string{}).Store(&revision, &root)
	if err != nil {
		d.t.Fatal(err)
	}
	return root
}

func (d *desk) children(l line) []line {
	d.t.Helper()
	var out []line
	for _, v := range l.Children {
		var c line
		if err := v.Store(&c); err != nil {
			d.t.Fatal(err)
		}
		if c.visible() {
			out = append(out, c)
		}
	}
	return out
}

// draw is the visible menu as text; draws does the same for a model's.
func (d *desk) draw(l line, indent string) []string {
	var out []string
	for _, c := range d.children(l) {
		s := indent + c.label()
		if c.Props["type"].Value() == "separator" {
			s = "---"
		} else if c.Props["enabled"].Value() == false {
			s += " (off)"
		}
		out = append(append(out, s), d.draw(c, indent+"  ")...)
	}
	return out
}

func draws(items []model.Item, indent string) []string {
	var out []string
	for _, it := range items {
		s := indent + it.Label
		if it.Separator {
			s = "---"
		} else if !it.Enabled {
			s += " (off)"
		}
		out = append(append(out, s), draws(it.Children, indent+"  ")...)
	}
	return out
}

// shows waits until the panel sees exactly the model's menu for s.
func (d *desk) shows(s api.Snapshot) {
	d.t.Helper()
	want := draws(model.Menu(s, time.Now()), "")
	late := time.After(deadline)
	for {
		got := d.draw(d.layout(), "")
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-d.news:
		case <-late:
			d.t.Fatalf("the panel sees:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// find is the line with a label, anywhere in the menu.
func (d *desk) find(l line, label string) (line, bool) {
	for _, c := range d.children(l) {
		if c.label() == label {
			return c, true
		}
		if f, ok := d.find(c, label); ok {
			return f, true
		}
	}
	return line{}, false
}

func (d *desk) click(label string) {
	d.t.Helper()
	l, ok := d.find(d.layout(), label)
	if !ok {
		d.t.Fatalf("the menu has no %q", label)
	}
	d.clickID(l.ID)
}

func (d *desk) clickID(id int32) {
	d.t.Helper()
	if err := d.conn.Object(d.item.Sender, d.menu).Call(menuFace+".Event", 0, id, "clicked", dbus.MakeVariant(""), uint32(0)).Err; err != nil {
		d.t.Fatal(err)
	}
}

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

func onDesktop(t *testing.T, s api.Snapshot) (*desk, *bustest.Bus, *bustest.Watcher) {
	t.Helper()
	b := bustest.Start(t)
	w := b.Watch()
	d := run(t, s, "DBUS_SESSION_BUS_ADDRESS="+b.Address)
	d.says("shown")
	d.registered(w, b.Dial())
	return d, b, w
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

type pixmap struct {
	W, H int32
	Pix  []byte
}

func (d *desk) pixmap() pixmap {
	d.t.Helper()
	var p []pixmap
	d.property(itemFace, "IconPixmap", &p)
	if len(p) != 1 || len(p[0].Pix) != int(p[0].W*p[0].H*4) {
		d.t.Fatalf("%d icons, want one that is whole", len(p))
	}
	return p[0]
}

func (d *desk) icon() (w, h int32) { p := d.pixmap(); return p.W, p.H }

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
