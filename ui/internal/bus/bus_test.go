//go:build linux || freebsd || openbsd || netbsd

package bus_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/ui/internal/bus"
	"github.com/postern/postern/ui/internal/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAddress(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, c := range map[string]struct{ env, dir, want string }{
		"the environment says":   {"unix:path=/x", dir, "unix:path=/x"},
		"the user's socket":      {"", dir, "unix:path=" + dir + "/bus"},
		"no socket there":        {"", t.TempDir(), ""},
		"nothing":                {"", "", ""},
		"launching is no answer": {"autolaunch:", "", ""},
		"nor in its long form":   {"autolaunch:scope=*user", dir, "unix:path=" + dir + "/bus"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", c.env)
			t.Setenv("XDG_RUNTIME_DIR", c.dir)
			if got := bus.Address(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDial(t *testing.T) {
	t.Run("a bus", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", bustest.Start(t).Address)
		conn, err := bus.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if len(conn.Names()) == 0 {
			t.Error("the connection has no name")
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
		t.Setenv("XDG_RUNTIME_DIR", "")
		if _, err := bus.Dial(t.Context()); !errors.Is(err, bus.ErrNone) {
			t.Errorf("got %v, want ErrNone", err)
		}
	})
	t.Run("one that never answers", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "bus")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+path)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := bus.Dial(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the deadline", err)
		}
	})
}
