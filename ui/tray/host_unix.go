//go:build linux || freebsd || openbsd || netbsd

package tray

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"time"

	"fyne.io/systray"
	"github.com/godbus/dbus/v5"

	"github.com/postern/postern/assets"
	"github.com/postern/postern/ui/internal/bus"
	"github.com/postern/postern/ui/model"
)

const (
	watcher     = "org.kde.StatusNotifierWatcher"
	watcherPath = "/StatusNotifierWatcher"
)

// prepare reports whether there is a bus to show an icon on. It also keeps the
// library from launching one: the library looks at the environment only, and
// launches a bus where it finds no address there.
func prepare(log *slog.Logger) bool {
	address := bus.Address()
	if address == "" {
		log.Info("tray: no session bus, so no tray icon")
		return false
	}
	if err := os.Setenv("DBUS_SESSION_BUS_ADDRESS", address); err != nil {
		log.Error("tray: no tray icon", "error", err)
		return false
	}
	return true
}

// early sets what a panel reads as soon as the icon is registered.
func early(v view) {
	systray.SetTitle("Postern")
	setIcon(v.icon)
	systray.SetTooltip(v.tooltip)
}

// setIcon gives a picture of 44 pixels: panels scale it, and most are 22 high.
func setIcon(i model.Icon) { systray.SetIcon(assets.Tray(door(i), assets.AnyPanel, 44)) }

// plain keeps a label from being read as anything but text: a single underline
// would mark the next letter as a shortcut.
func plain(label string) string { return strings.ReplaceAll(label, "_", "__") }

// watchHost tells whether the desktop has a place for the icon, until ctx ends.
// Registering there, and again after the panel restarted, is the library's work.
func watchHost(ctx context.Context, o Options) {
	w := hostWatch{o: o}
	if err := w.run(ctx); err != nil && ctx.Err() == nil {
		o.Log.Warn("tray: lost the session bus, the icon will not come back in this session", "error", err)
		w.told(false, true)
	}
}

type hostWatch struct {
	o       Options
	here    bool // the icon has a place
	refused bool // OnNoHost was called
}

func (w *hostWatch) run(ctx context.Context) error {
	dialling, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := bus.Dial(dialling)
	if err != nil {
		return err
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	for _, match := range [][]dbus.MatchOption{
		{
			dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchInterface("org.freedesktop.DBus"),
			dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, watcher),
		},
		{dbus.WithMatchSender(watcher), dbus.WithMatchInterface(watcher), dbus.WithMatchMember("StatusNotifierHostRegistered")},
		{dbus.WithMatchSender(watcher), dbus.WithMatchInterface(watcher), dbus.WithMatchMember("StatusNotifierHostUnregistered")},
	} {
		if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
			return err
		}
	}

	patience := time.NewTimer(w.o.Patience)
	defer patience.Stop()
	w.told(hosted(ctx, conn), false)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-signals:
			if s == nil {
				return dbus.ErrClosed
			}
			w.told(hosted(ctx, conn), false)
		case <-patience.C:
			w.told(w.here, true)
		}
	}
}

// told takes in whether there is a place; late says that the desktop has had
// the time to make one.
func (w *hostWatch) told(here, late bool) {
	if here && !w.here {
		w.o.Log.Debug("tray: the icon has a place")
		if w.o.OnShown != nil {
			w.o.OnShown()
		}
	}
	w.here = here
	if !here && late && !w.refused {
		w.refused = true
		w.o.Log.Info("tray: this desktop has no place for tray icons")
		if w.o.OnNoHost != nil {
			w.o.OnNoHost()
		}
	}
}

// Hosted reports whether this desktop has a place for tray icons. Its error says
// that there is no session bus to ask.
func Hosted(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := bus.Dial(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	return hosted(ctx, conn), nil
}

// hosted asks the watcher whether a panel shows icons. A watcher that doesn't
// say is taken for one that does.
func hosted(ctx context.Context, conn *dbus.Conn) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var owned bool
	if err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, watcher).Store(&owned); err != nil || !owned {
		return false
	}
	var v dbus.Variant
	err := conn.Object(watcher, watcherPath).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get",
		dbus.FlagNoAutoStart, watcher, "IsStatusNotifierHostRegistered").Store(&v)
	registered, ok := v.Value().(bool)
	return err != nil || !ok || registered
}
