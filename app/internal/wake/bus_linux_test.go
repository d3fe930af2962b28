package wake

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// startBus runs a private bus on a socket, and gives a way to stop it.
func startBus(t *testing.T, socket string) (address string, stop func()) {
	t.Helper()
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Skip("dbus-daemon is not installed: the notices of logind and NetworkManager stay untested")
	}
	config := filepath.Join(t.TempDir(), "bus.conf")
	text := `<busconfig><type>session</type><listen>unix:path=` + socket + `</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dbus-daemon", "--config-file="+config, "--nofork", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(stop)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon gave no address: %v", err)
	}
	return strings.TrimSpace(line), stop
}

// own connects and takes a well-known name.
func own(t *testing.T, address, name string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if reply, err := conn.RequestName(name, 0); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("own %s: %v, %v", name, reply, err)
	}
	return conn
}

// emitUntil emits until it is noticed: a signal from before somebody listens is
// lost.
func emitUntil(t *testing.T, emit func() error, events <-chan event) event {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		if err := emit(); err != nil {
			t.Fatal(err)
		}
		select {
		case e := <-events:
			return e
		case <-time.After(20 * time.Millisecond): // not listening yet: again
		case <-deadline:
			t.Fatal("the signal was not noticed")
		}
	}
}

func follower(t *testing.T, address string, r retry) <-chan event {
	ctx, cancel := context.WithCancel(t.Context())
	events := make(chan event, 1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		systemBus(func() string { return address }, r)(ctx, discardLog, func(e event) { events <- e })
	}()
	t.Cleanup(func() { cancel(); <-done })
	return events
}

func TestSystemBus(t *testing.T) {
	fast := retry{first: 10 * time.Millisecond, most: 50 * time.Millisecond, tries: 1000}
	sleep := func(c *dbus.Conn, going bool) func() error {
		return func() error { return c.Emit("/org/freedesktop/login1", loginIface+".PrepareForSleep", going) }
	}
	t.Run("waking", func(t *testing.T) {
		address, _ := startBus(t, filepath.Join(t.TempDir(), "bus"))
		login := own(t, address, loginName)
		events := follower(t, address, fast)
		if e := emitUntil(t, sleep(login, false), events); e.kind != woke {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("going to sleep alone is nothing", func(t *testing.T) {
		address, _ := startBus(t, filepath.Join(t.TempDir(), "bus"))
		login := own(t, address, loginName)
		nm := own(t, address, managerName)
		events := follower(t, address, fast)
		e := emitUntil(t, func() error {
			if err := sleep(login, true)(); err != nil {
				return err
			}
			return nm.Emit("/org/freedesktop/NetworkManager", managerName+".StateChanged", uint32(70))
		}, events)
		if e.kind != network {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("NetworkManager's properties", func(t *testing.T) {
		address, _ := startBus(t, filepath.Join(t.TempDir(), "bus"))
		nm := own(t, address, managerName)
		events := follower(t, address, fast)
		props := func(name string) func() error {
			return func() error {
				return nm.Emit("/org/freedesktop/NetworkManager", propsIface+".PropertiesChanged",
					managerName, map[string]dbus.Variant{name: dbus.MakeVariant("x")}, []string{})
			}
		}
		if e := emitUntil(t, props("PrimaryConnection"), events); e.kind != network {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("a bus that restarts", func(t *testing.T) {
		socket := filepath.Join(t.TempDir(), "bus")
		address, stop := startBus(t, socket)
		events := follower(t, address, fast)
		login := own(t, address, loginName)
		emitUntil(t, sleep(login, false), events)
		stop()
		_ = os.Remove(socket)
		address, _ = startBus(t, socket)
		for len(events) > 0 {
			<-events
		}
		login = own(t, address, loginName)
		if e := emitUntil(t, sleep(login, false), events); e.kind != woke {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("a bus that stays away is given up", func(t *testing.T) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			systemBus(func() string { return "unix:path=" + filepath.Join(t.TempDir(), "none") },
				retry{first: time.Millisecond, most: time.Millisecond, tries: 3})(t.Context(), discardLog, func(event) {})
		}()
		<-done
	})
	t.Run("no bus is no failure", func(t *testing.T) {
		systemBus(func() string { return "" }, fast)(t.Context(), discardLog, func(event) { t.Error("an event from nowhere") })
	})
	t.Run("a bus that never answers ends with its context", func(t *testing.T) {
		socket := filepath.Join(t.TempDir(), "bus")
		listener, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		accepted := make(chan struct{})
		go func() {
			defer close(accepted)
			if c, err := listener.Accept(); err == nil {
				defer c.Close()
				accepted <- struct{}{}
				_, _ = c.Read(make([]byte, 1<<10))
				_, _ = c.Read(make([]byte, 1<<10)) // until it is closed
			}
		}()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			systemBus(func() string { return "unix:path=" + socket }, fast)(ctx, discardLog, func(event) {})
		}()
		<-accepted
		cancel()
		<-done
		<-accepted
	})
}

func TestReadSignal(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	t.Run("how long it slept", func(t *testing.T) {
		var asleep time.Time
		going := &dbus.Signal{Name: loginIface + ".PrepareForSleep", Body: []any{true}}
		back := &dbus.Signal{Name: loginIface + ".PrepareForSleep", Body: []any{false}}
		if e := read(going, &asleep, at); e.kind != 0 {
			t.Errorf("going to sleep: %+v", e)
		}
		if e := read(back, &asleep, at.Add(8*time.Minute)); e != (event{woke, 8 * time.Minute}) {
			t.Errorf("got %+v", e)
		}
		if e := read(back, &asleep, at.Add(9*time.Minute)); e != (event{kind: woke}) {
			t.Errorf("a second wake: %+v", e)
		}
	})
	t.Run("what means nothing", func(t *testing.T) {
		for _, s := range []*dbus.Signal{
			{Name: loginIface + ".PrepareForSleep"},
			{Name: loginIface + ".PrepareForSleep", Body: []any{"false"}},
			{Name: loginIface + ".SessionNew", Body: []any{false}},
			{Name: propsIface + ".PropertiesChanged", Body: []any{managerName, 3}},
			{Name: propsIface + ".PropertiesChanged", Body: []any{"other", map[string]dbus.Variant{"State": {}}}},
			{Name: propsIface + ".PropertiesChanged", Body: []any{managerName, map[string]dbus.Variant{"AllDevices": {}}}},
			{Name: "org.freedesktop.DBus.NameAcquired", Body: []any{":1.1"}},
		} {
			var asleep time.Time
			if e := read(s, &asleep, at); e.kind != 0 {
				t.Errorf("%s %v: %+v", s.Name, s.Body, e)
			}
		}
	})
}
