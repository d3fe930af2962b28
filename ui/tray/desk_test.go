//go:build linux || freebsd || openbsd || netbsd

package tray_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/postern/postern/app/control/api"
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

func onDesktop(t *testing.T, s api.Snapshot) (*desk, *bustest.Bus, *bustest.Watcher) {
	t.Helper()
	b := bustest.Start(t)
	w := b.Watch()
	d := run(t, s, "DBUS_SESSION_BUS_ADDRESS="+b.Address)
	d.says("shown")
	d.registered(w, b.Dial())
	return d, b, w
}
