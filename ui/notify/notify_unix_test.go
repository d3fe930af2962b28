//go:build linux || freebsd || openbsd || netbsd

package notify_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"github.com/postern/postern/ui/internal/bus/bustest"
	"github.com/postern/postern/ui/notify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, b *bustest.Bus) (*notify.Notifier, chan string) {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", b.Address)
	acts := make(chan string, 100)
	n, err := notify.New(t.Context(), notify.Options{
		Log:      slog.New(slog.DiscardHandler),
		OnAction: func(key, action string) { acts <- key + " " + action },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n, acts
}

func show(t *testing.T, n *notify.Notifier, m notify.Notification) {
	t.Helper()
	if err := n.Show(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func acted(t *testing.T, acts <-chan string, want string) {
	t.Helper()
	select {
	case got := <-acts:
		if got != want {
			t.Errorf("action %q, want %q", got, want)
		}
	case <-time.After(deadline):
		t.Errorf("no action, want %q", want)
	}
}

var reply = []notify.Action{{ID: "reply", Label: "Reply"}, {ID: "mute", Label: "Mute"}}

func TestShow(t *testing.T) {
	b := bustest.Start(t)
	d := serve(t, b, nil, "body", "body-markup", "actions")
	n, _ := start(t, b)
	hostile := "<b>x</b> & <img src=\"file:///etc/passwd\"> 'q' \u202e\x1b"

	t.Run("text is escaped where markup is read, the title never", func(t *testing.T) {
		show(t, n, notify.Notification{Key: "a", Title: "<i>T</i> &", Body: hostile})
		c := d.got()
		if want := "&lt;b&gt;x&lt;/b&gt; &amp; &lt;img src=&quot;file:///etc/passwd&quot;&gt; &#39;q&#39;"; c.Body != want {
			t.Errorf("body %q, want %q", c.Body, want)
		}
		if c.Title != "<i>T</i> &" {
			t.Errorf("title %q", c.Title)
		}
	})
	t.Run("actions are offered, the click among them", func(t *testing.T) {
		show(t, n, notify.Notification{Key: "b", Title: "T", Actions: reply})
		want := []string{"default", "Open", "reply", "Reply", "mute", "Mute"}
		if c := d.got(); !slices.Equal(c.Actions, want) {
			t.Errorf("actions %q, want %q", c.Actions, want)
		}
	})
	t.Run("the desktop decides how long", func(t *testing.T) {
		show(t, n, notify.Notification{Key: "c", Title: "T"})
		if c := d.got(); c.Expire != -1 || c.Hints["urgency"].Value() != byte(1) {
			t.Errorf("expiry %d, urgency %v", c.Expire, c.Hints["urgency"])
		}
	})
	t.Run("urgent", func(t *testing.T) {
		show(t, n, notify.Notification{Key: "c", Title: "T", Urgent: true})
		if c := d.got(); c.Hints["urgency"].Value() != byte(2) {
			t.Errorf("urgency %v", c.Hints["urgency"])
		}
	})
	t.Run("the icon is whole", func(t *testing.T) {
		show(t, n, notify.Notification{Key: "c", Title: "T"})
		var icon struct {
			W, H, Stride int32
			Alpha        bool
			Bits, Chans  int32
			Pix          []byte
		}
		if err := d.got().Hints["image-data"].Store(&icon); err != nil {
			t.Fatal(err)
		}
		if icon.W != 64 || icon.Stride != 256 || len(icon.Pix) != 64*256 {
			t.Errorf("icon %d by %d, stride %d, %d bytes", icon.W, icon.H, icon.Stride, len(icon.Pix))
		}
	})
}

func TestShowToAPlainService(t *testing.T) {
	b := bustest.Start(t)
	d := serve(t, b, nil, "body")
	n, _ := start(t, b)
	show(t, n, notify.Notification{Key: "a", Title: "T", Body: "<b> & co", Actions: reply})
	if c := d.got(); c.Body != "<b> & co" || len(c.Actions) != 0 {
		t.Errorf("body %q, actions %q, want the text as it is and none", c.Body, c.Actions)
	}
}

func TestOneNotificationAKey(t *testing.T) {
	b := bustest.Start(t)
	d := serve(t, b, nil, "body", "actions")
	n, acts := start(t, b)

	show(t, n, notify.Notification{Key: "chat", Title: "1"})
	first := d.got()
	t.Run("the next one replaces it", func(t *testing.T) {
		show(t, n, notify.Notification{Key: "chat", Title: "2"})
		if c := d.got(); c.Replaces != first.ID {
			t.Errorf("replaces %d, want %d", c.Replaces, first.ID)
		}
	})
	t.Run("another key does not", func(t *testing.T) {
		show(t, n, notify.Notification{Key: "other", Title: "3"})
		if c := d.got(); c.Replaces != 0 {
			t.Errorf("replaces %d", c.Replaces)
		}
	})
	t.Run("a closed one is not replaced", func(t *testing.T) {
		d.emit("NotificationClosed", first.ID, uint32(2))
		d.emit("ActionInvoked", uint32(2), "default") // in order: "other" was told of after the closing
		acted(t, acts, "other default")
		show(t, n, notify.Notification{Key: "chat", Title: "4"})
		if c := d.got(); c.Replaces != 0 {
			t.Errorf("replaces %d", c.Replaces)
		}
	})
	t.Run("withdrawn", func(t *testing.T) {
		n.Withdraw("other")
		if c := d.got(); !c.Closed || c.ID != 2 {
			t.Errorf("got %+v, want 2 closed", c)
		}
		n.Withdraw("other")
		n.Withdraw("never shown")
		show(t, n, notify.Notification{Key: "x", Title: "5"})
		if c := d.got(); c.Closed {
			t.Errorf("closed %d, which is not there", c.ID)
		}
	})
}

func TestManyNotificationsAreForgotten(t *testing.T) {
	b := bustest.Start(t)
	d := serve(t, b, nil, "body") // never says that one was closed
	n, _ := start(t, b)
	for i := range 220 {
		show(t, n, notify.Notification{Key: strings.Repeat("k", i+1), Title: "T"})
		d.got()
	}
	n.Withdraw("k") // the oldest
	n.Withdraw(strings.Repeat("k", 220))
	if c := d.got(); c.ID != 220 {
		t.Errorf("closed %d, want 220 alone", c.ID)
	}
}

func TestActions(t *testing.T) {
	b := bustest.Start(t)
	d := serve(t, b, nil, "body", "actions")
	n, acts := start(t, b)
	show(t, n, notify.Notification{Key: "chat", Title: "T", Actions: reply})
	id := d.got().ID

	t.Run("a click and a button", func(t *testing.T) {
		d.emit("ActionInvoked", id, "default")
		acted(t, acts, "chat default")
		d.emit("ActionInvoked", id, "reply")
		acted(t, acts, "chat reply")
	})
	t.Run("what was not offered, not ours or not well formed is ignored", func(t *testing.T) {
		d.emit("ActionInvoked", id, "rm -rf")
		d.emit("ActionInvoked", id+77, "default")
		d.emit("ActionInvoked", "default", id)
		d.emit("ActionInvoked", id)
		d.emit("ActionInvoked")
		d.emit("NotificationClosed")
		d.emit("ActionInvoked", id, "mute")
		acted(t, acts, "chat mute")
	})
	t.Run("another program's signals are ignored", func(t *testing.T) {
		other := b.Dial()
		// Straight to us, as the bus's filters don't stop.
		for _, name := range d.peers() {
			if err := other.Emit(path, service+".ActionInvoked", id, "default"); err != nil {
				t.Fatal(err)
			}
			msg := &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
				dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath(path)),
				dbus.FieldInterface:   dbus.MakeVariant(service),
				dbus.FieldMember:      dbus.MakeVariant("ActionInvoked"),
				dbus.FieldDestination: dbus.MakeVariant(name),
				dbus.FieldSignature:   dbus.MakeVariant(dbus.SignatureOf(id, "")),
			}, Body: []any{id, "default"}}
			if c := other.Send(msg, nil); c != nil && c.Err != nil {
				t.Fatal(c.Err)
			}
		}
		if err := other.BusObject().Call("org.freedesktop.DBus.GetId", 0).Err; err != nil { // sent before this was answered
			t.Fatal(err)
		}
		d.emit("ActionInvoked", id, "mute")
		acted(t, acts, "chat mute")
	})
}

// peers are the connections on the bus.
func (d *daemon) peers() []string {
	d.t.Helper()
	var names []string
	if err := d.conn.BusObject().Call("org.freedesktop.DBus.ListNames", 0).Store(&names); err != nil {
		d.t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(s string) bool { return !strings.HasPrefix(s, ":") })
}

func TestTheServiceRestarts(t *testing.T) {
	b := bustest.Start(t)
	d := serve(t, b, nil, "body", "body-markup", "actions")
	n, acts := start(t, b)
	show(t, n, notify.Notification{Key: "chat", Title: "T", Body: "<"})
	d.got()
	d.conn.Close()

	t.Run("while it is gone", func(t *testing.T) {
		err := n.Show(t.Context(), notify.Notification{Key: "chat", Title: "T"})
		if !errors.Is(err, notify.ErrUnavailable) || !strings.Contains(err.Error(), "install or start one") {
			t.Errorf("got %v", err)
		}
	})
	d = serve(t, b, func(d *daemon) { d.next = 40 }, "body", "actions")
	t.Run("the new one is asked anew, and its ids are its own", func(t *testing.T) {
		show(t, n, notify.Notification{Key: "chat", Title: "T", Body: "<"})
		if c := d.got(); c.Replaces != 0 || c.Body != "<" {
			t.Errorf("replaces %d, body %q", c.Replaces, c.Body)
		}
	})
	t.Run("and its actions arrive", func(t *testing.T) {
		d.emit("ActionInvoked", uint32(41), "default")
		acted(t, acts, "chat default")
	})
}

func TestTheServiceHangs(t *testing.T) {
	t.Run("the caller's deadline holds", func(t *testing.T) {
		b := bustest.Start(t)
		d := serve(t, b, func(d *daemon) { d.hang = true })
		n, _ := start(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := n.Show(ctx, notify.Notification{Key: "a", Title: "T"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
		d.conn.Close()
	})
	t.Run("closing ends a call that waits", func(t *testing.T) {
		b := bustest.Start(t)
		d := serve(t, b, func(d *daemon) { d.hang = true })
		n, _ := start(t, b)
		done := make(chan error, 1)
		go func() { done <- n.Show(context.Background(), notify.Notification{Key: "a", Title: "T"}) }()
		n.Close()
		if err := <-done; err == nil {
			t.Error("shown, by a service that hangs")
		}
		d.conn.Close()
	})
}

func TestTheBusRestarts(t *testing.T) {
	b := bustest.Start(t)
	d := serve(t, b, nil, "body")
	n, _ := start(t, b)
	show(t, n, notify.Notification{Key: "a", Title: "T"})
	d.got()
	b.Stop()
	if err := n.Show(t.Context(), notify.Notification{Key: "a", Title: "T"}); err == nil {
		t.Error("shown without a bus")
	}
	b = bustest.Start(t)
	d = serve(t, b, nil, "body")
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", b.Address)
	show(t, n, notify.Notification{Key: "a", Title: "T"})
	if c := d.got(); c.Replaces != 0 {
		t.Errorf("replaces %d of another bus", c.Replaces)
	}
}

func TestNoBus(t *testing.T) {
	dir := t.TempDir()
	mark := filepath.Join(dir, "launched")
	if err := os.WriteFile(filepath.Join(dir, "dbus-launch"), []byte("#!/bin/sh\ntouch "+mark+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	_, err := notify.New(t.Context(), notify.Options{})
	if !errors.Is(err, notify.ErrUnavailable) || !strings.Contains(err.Error(), "session bus") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a bus was launched")
	}
}

func TestClosed(t *testing.T) {
	b := bustest.Start(t)
	serve(t, b, nil, "body")
	n, _ := start(t, b)
	n.Close()
	n.Close()
	if err := n.Show(t.Context(), notify.Notification{Title: "T"}); !errors.Is(err, notify.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	n.Withdraw("a")
}
