//go:build linux || freebsd || openbsd || netbsd

package notify_test

import (
	"errors"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/postern/postern/ui/internal/bus/bustest"
	"github.com/postern/postern/ui/notify"
)

// GetServerInformation is called over D-Bus. A service's name is a stranger's
// word too.
func (d *daemon) GetServerInformation() (name, vendor, version, spec string, _ *dbus.Error) {
	return "bell\nringer", "us", "1.2", "1.3", nil
}

func TestServer(t *testing.T) {
	b := bustest.Start(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", b.Address)
	if name, err := notify.Server(t.Context()); !errors.Is(err, notify.ErrUnavailable) || name != "" {
		t.Errorf("nobody shows notifications: %q, %v", name, err)
	}
	serve(t, b, nil)
	if name, err := notify.Server(t.Context()); err != nil || name != "bell ringer 1.2" {
		t.Errorf("%q, %v", name, err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if name, err := notify.Server(t.Context()); err == nil {
		t.Errorf("there is no bus: %q", name)
	}
}
