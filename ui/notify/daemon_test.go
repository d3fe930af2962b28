//go:build linux || freebsd || openbsd || netbsd

package notify_test

import (
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/postern/postern/ui/internal/bus/bustest"
)

const (
	service = "org.freedesktop.Notifications"
	path    = "/org/freedesktop/Notifications"
	// deadline is how long anything may take before the test gives up.
	deadline = 20 * time.Second
)

// daemon is a notification service.
type daemon struct {
	t     *testing.T
	conn  *dbus.Conn
	caps  []string
	next  uint32
	hang  bool // no answer, ever
	calls chan call
}

type call struct {
	Replaces, ID uint32
	Title, Body  string
	Actions      []string
	Hints        map[string]dbus.Variant
	Expire       int32
	Closed       bool
}

// serve puts a service on the bus; set changes it before it answers.
func serve(t *testing.T, b *bustest.Bus, set func(*daemon), caps ...string) *daemon {
	t.Helper()
	d := &daemon{t: t, conn: b.Dial(), caps: caps, calls: make(chan call, 1000)}
	if set != nil {
		set(d)
	}
	if err := d.conn.Export(d, path, service); err != nil {
		t.Fatal(err)
	}
	reply, err := d.conn.RequestName(service, dbus.NameFlagDoNotQueue)
	if err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
	return d
}

func (d *daemon) GetCapabilities() ([]string, *dbus.Error) {
	d.wait()
	return d.caps, nil
}

func (d *daemon) Notify(_ string, replaces uint32, _, title, body string, actions []string, hints map[string]dbus.Variant, expire int32) (uint32, *dbus.Error) {
	d.wait()
	id := replaces
	if id == 0 {
		d.next++
		id = d.next
	}
	d.calls <- call{replaces, id, title, body, actions, hints, expire, false}
	return id, nil
}

func (d *daemon) CloseNotification(id uint32) *dbus.Error {
	d.calls <- call{ID: id, Closed: true}
	return nil
}

func (d *daemon) wait() {
	if d.hang {
		<-d.conn.Context().Done()
	}
}

func (d *daemon) got() call {
	d.t.Helper()
	select {
	case c := <-d.calls:
		return c
	case <-time.After(deadline):
		d.t.Fatal("the service was not called")
	}
	panic("unreachable")
}

func (d *daemon) emit(name string, body ...any) {
	d.t.Helper()
	if err := d.conn.Emit(path, service+"."+name, body...); err != nil {
		d.t.Fatal(err)
	}
}
