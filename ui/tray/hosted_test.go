//go:build linux || freebsd || openbsd || netbsd

package tray_test

import (
	"testing"

	"github.com/postern/postern/ui/internal/bus/bustest"
	"github.com/postern/postern/ui/tray"
)

func TestHosted(t *testing.T) {
	b := bustest.Start(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", b.Address)
	if here, err := tray.Hosted(t.Context()); here || err != nil {
		t.Errorf("a desktop without a place: %v, %v", here, err)
	}
	b.Watch()
	if here, err := tray.Hosted(t.Context()); !here || err != nil {
		t.Errorf("a desktop with a place: %v, %v", here, err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	if here, err := tray.Hosted(t.Context()); here || err == nil {
		t.Errorf("no bus: %v, %v", here, err)
	}
}
