//go:build linux || freebsd || openbsd || netbsd

package bus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/godbus/dbus/v5"
)

// ErrNone says that there is no session bus.
var ErrNone = errors.New("no D-Bus session bus")

// Address is the session bus's address, empty if there is none: what
// DBUS_SESSION_BUS_ADDRESS says, else the socket that systemd keeps for the
// user. An address that asks for a bus to be launched counts as none.
func Address() string {
	if a := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); a != "" && !strings.HasPrefix(a, "autolaunch:") {
		return a
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, "bus")
	if fi, err := os.Stat(path); err != nil || fi.Mode()&os.ModeSocket == 0 {
		return ""
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path)
}

// Dial opens a connection of our own to the session bus. ctx bounds the
// dialling only. Whoever dials closes.
func Dial(ctx context.Context) (*dbus.Conn, error) {
	address := Address()
	if address == "" {
		return nil, ErrNone
	}
	conn, err := dbus.Dial(address)
	if err != nil {
		return nil, fmt.Errorf("dial the session bus: %w", err)
	}
	// The handshake knows no context: closing is what ends it.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	err = conn.Auth(nil)
	if err == nil {
		err = conn.Hello()
	}
	if !stop() && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("greet the session bus: %w", err)
	}
	return conn, nil
}
