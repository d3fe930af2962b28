//go:build linux || freebsd || openbsd || netbsd

package bustest

import (
	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

// Watcher is a desktop's place for tray icons.
type Watcher struct {
	Items chan Item // what registered, in order

	conn *dbus.Conn
}

// Item is a registered icon: the connection it is on and its object.
type Item struct {
	Sender string
	Path   dbus.ObjectPath
}

// Watch puts a watcher with a host on the bus.
func (b *Bus) Watch() *Watcher {
	b.t.Helper()
	const name, path = "org.kde.StatusNotifierWatcher", "/StatusNotifierWatcher"
	w := &Watcher{Items: make(chan Item, 8), conn: b.Dial()}
	if err := w.conn.Export(w, path, name); err != nil {
		b.t.Fatal(err)
	}
	_, err := prop.Export(w.conn, path, prop.Map{name: {
		"IsStatusNotifierHostRegistered": {Value: true},
		"ProtocolVersion":                {Value: int32(0)},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
	own(b.t, w.conn, name) // last: from here on it is called
	return w
}

// RegisterStatusNotifierItem is called by icons over D-Bus.
func (w *Watcher) RegisterStatusNotifierItem(service string, sender dbus.Sender) *dbus.Error {
	w.Items <- Item{Sender: string(sender), Path: dbus.ObjectPath(service)}
	return nil
}

// Stop takes the watcher off the bus, as a crashing panel does.
func (w *Watcher) Stop() { w.conn.Close() }
