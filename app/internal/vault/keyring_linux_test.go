package vault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// need skips the test unless the programs are there; with POSTERN_MUST_KEYRING=1
// it fails instead.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			text := p + " is not installed, so the real keyring stays untested (Debian: apt-get install dbus gnome-keyring)"
			if os.Getenv("POSTERN_MUST_KEYRING") == "1" {
				t.Fatal(text)
			}
			t.Skip(text)
		}
	}
}

// process is a daemon that a test started.
type process struct{ cmd *exec.Cmd }

func (p *process) stop() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// startBus runs a session bus that starts no services by itself, and makes it
// this process's.
func startBus(t *testing.T) (address string, bus *process) {
	t.Helper()
	need(t, "dbus-daemon")
	dir := t.TempDir()
	config := filepath.Join(dir, "bus.conf")
	text := `<busconfig><type>session</type><listen>unix:path=` + dir + `/bus</listen><auth>EXTERNAL</auth>
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
	bus = &process{cmd}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+dir+"/bus") // put back after the cleanup below
	t.Cleanup(func() {
		bus.stop()
		// go-keyring's connection is the process's: the next test must not get
		// this bus's.
		_ = os.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+dir+"/gone")
		waitFor(t, "the connection to the stopped bus to end", func() bool { _, err := dbus.SessionBus(); return err != nil })
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("dbus-daemon gave no address: %v", err)
	}
	return strings.TrimSpace(line), bus
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// connect is a connection of the test's own.
func connect(t *testing.T, address string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// startKeyring runs gnome-keyring-daemon over the files in home, unlocked.
func startKeyring(t *testing.T, address, home string) *process {
	t.Helper()
	need(t, "gnome-keyring-daemon")
	cmd := exec.Command("gnome-keyring-daemon", "--unlock", "--components=secrets", "--foreground")
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_RUNTIME_DIR="+home, "XDG_DATA_HOME="+home+"/data", "DBUS_SESSION_BUS_ADDRESS="+address)
	cmd.Stdin = strings.NewReader("test-pw")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd}
	t.Cleanup(p.stop)
	conn := connect(t, address)
	waitFor(t, "gnome-keyring-daemon", func() bool { return hasSecrets(t.Context(), conn) == nil })
	return p
}

func openReal(t *testing.T, dir string) (*Vault, error) {
	t.Helper()
	v, err := Open(t.Context(), dir, Options{Timeout: 20 * time.Second, PromptTimeout: 20 * time.Second})
	if err == nil {
		t.Cleanup(func() { v.Close() })
	}
	return v, err
}

func mustOpen(t *testing.T, dir string) *Vault {
	t.Helper()
	v, err := openReal(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestRealKeyring(t *testing.T) {
	need(t, "dbus-daemon", "gnome-keyring-daemon")

	t.Run("every call", func(t *testing.T) {
		address, _ := startBus(t)
		startKeyring(t, address, t.TempDir())
		dir, other := t.TempDir(), t.TempDir()
		v := mustOpen(t, dir)
		for _, value := range []string{marker, marker + "é\n\x01", strings.Repeat(marker, 1000)} {
			if err := v.Set(t.Context(), "telegram/1/token", secret(value)); err != nil {
				t.Fatal(err)
			}
			if got, err := v.Get(t.Context(), "telegram/1/token"); err != nil || got.Reveal() != value {
				t.Fatalf("another secret came back, %v", err)
			}
		}
		key, created, err := v.Key(t.Context(), "journal")
		if err != nil || !created {
			t.Fatal(created, err)
		}
		w := mustOpen(t, dir)
		if again, created, err := w.Key(t.Context(), "journal"); err != nil || created || again != key {
			t.Errorf("created %v, same %v, %v", created, again == key, err)
		}
		if got, err := w.Get(t.Context(), "telegram/1/token"); err != nil || len(got.Reveal()) != 1000*len(marker) {
			t.Errorf("opened again: %v", err)
		}
		x := mustOpen(t, other)
		if _, err := x.Get(t.Context(), "telegram/1/token"); !errors.Is(err, ErrNotFound) {
			t.Errorf("another data folder: %v", err)
		}
		if err := v.Delete(t.Context(), "telegram/1/token"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Get(t.Context(), "telegram/1/token"); !errors.Is(err, ErrNotFound) {
			t.Errorf("after delete: %v", err)
		}
		if got := v.Describe(); got != "OS keyring (Secret Service)" {
			t.Error(got)
		}
	})

	t.Run("locked", func(t *testing.T) {
		address, _ := startBus(t)
		startKeyring(t, address, t.TempDir())
		dir := t.TempDir()
		v := mustOpen(t, dir)
		if _, _, err := v.Key(t.Context(), "journal"); err != nil {
			t.Fatal(err)
		}
		lock(t, address)
		if prompt, err := keyringReady(t.Context()); err != nil || !prompt {
			t.Errorf("a locked keyring is not seen: %v, %v", prompt, err)
		}
		// Nobody can show the prompt here, so the service gives it up.
		_, err := v.Get(t.Context(), "token")
		reason(t, err, Locked)
		_, created, err := v.Key(t.Context(), "journal")
		reason(t, err, Locked)
		if created {
			t.Error("a key was made while the keyring was locked")
		}
		reason(t, v.Set(t.Context(), "token", secret(marker)), Locked)
		_, err = openReal(t, dir)
		reason(t, err, Locked)
	})

	t.Run("the daemon dies and comes back", func(t *testing.T) {
		address, _ := startBus(t)
		home := t.TempDir()
		daemon := startKeyring(t, address, home)
		dir := t.TempDir()
		v := mustOpen(t, dir)
		if err := v.Set(t.Context(), "token", secret(marker)); err != nil {
			t.Fatal(err)
		}
		key, _, err := v.Key(t.Context(), "journal")
		if err != nil {
			t.Fatal(err)
		}
		daemon.stop()
		conn := connect(t, address)
		waitFor(t, "the bus to notice", func() bool { return hasSecrets(t.Context(), conn) != nil })
		_, err = v.Get(t.Context(), "token")
		reason(t, err, NoKeyring)
		_, created, err := v.Key(t.Context(), "journal")
		reason(t, err, NoKeyring)
		if created {
			t.Error("a key was made without a keyring")
		}
		startKeyring(t, address, home)
		if got, err := v.Get(t.Context(), "token"); err != nil || got.Reveal() != marker {
			t.Errorf("afterwards: %v", err)
		}
		if again, created, err := v.Key(t.Context(), "journal"); err != nil || created || again != key {
			t.Errorf("afterwards: created %v, same %v, %v", created, again == key, err)
		}
	})

	t.Run("the bus dies and comes back", func(t *testing.T) {
		home, dir := t.TempDir(), t.TempDir()
		var v *Vault
		t.Run("first", func(t *testing.T) {
			address, bus := startBus(t)
			startKeyring(t, address, home)
			v, _ = Open(t.Context(), dir, Options{})
			if v == nil {
				t.Fatal("not opened")
			}
			if err := v.Set(t.Context(), "token", secret(marker)); err != nil {
				t.Fatal(err)
			}
			bus.stop()
			_, err := v.Get(t.Context(), "token")
			reason(t, err, NoKeyring)
		})
		t.Run("second", func(t *testing.T) {
			address, _ := startBus(t)
			startKeyring(t, address, home)
			if got, err := v.Get(t.Context(), "token"); err != nil || got.Reveal() != marker {
				t.Errorf("afterwards: %v", err)
			}
		})
	})
}

// lock locks the collection that the vault uses.
func lock(t *testing.T, address string) {
	t.Helper()
	conn := connect(t, address)
	var done []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := conn.Object(secretsName, secretsPath).
		Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{loginPath}).Store(&done, &prompt)
	if err != nil || len(done) != 1 {
		t.Fatalf("lock: %v, %v", done, err)
	}
}

func TestNoKeyring(t *testing.T) {
	t.Run("no service on the bus", func(t *testing.T) {
		startBus(t)
		_, err := openReal(t, t.TempDir())
		reason(t, err, NoKeyring)
		if !strings.Contains(err.Error(), "postern vault create") {
			t.Errorf("it doesn't say what to do: %v", err)
		}
	})
	t.Run("no bus, and none is launched", func(t *testing.T) {
		if _, err := os.Stat(fmt.Sprintf("/run/user/%d/bus", os.Getuid())); err == nil {
			t.Skip("this user has a session bus")
		}
		// A dbus-launch that leaves a trace.
		bin := t.TempDir()
		trace := filepath.Join(bin, "launched")
		if err := os.WriteFile(filepath.Join(bin, "dbus-launch"), []byte("#!/bin/sh\ntouch "+trace+"\nexit 1\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
		for _, address := range []string{"", "autolaunch:"} {
			t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
			t.Setenv("XDG_RUNTIME_DIR", "")
			_, err := openReal(t, t.TempDir())
			reason(t, err, NoKeyring)
			if !strings.Contains(err.Error(), "postern vault create") {
				t.Errorf("it doesn't say what to do: %v", err)
			}
			elsewhere := t.TempDir()
			if err := os.WriteFile(filepath.Join(elsewhere, "bus"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("XDG_RUNTIME_DIR", elsewhere)
			_, err = openReal(t, t.TempDir())
			reason(t, err, NoKeyring)
			if !strings.Contains(err.Error(), "DBUS_SESSION_BUS_ADDRESS") {
				t.Errorf("it doesn't say what to do: %v", err)
			}
		}
		if _, err := os.Stat(trace); err == nil {
			t.Error("a bus was launched")
		}
	})
	t.Run("a bus that is not there", func(t *testing.T) {
		t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
		_, err := openReal(t, t.TempDir())
		reason(t, err, NoKeyring)
	})
	t.Run("a service that never answers", func(t *testing.T) {
		address, _ := startBus(t)
		never := make(chan struct{})
		defer close(never)
		conn, err := dbus.Connect(address, dbus.WithHandler(deaf{never}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		if reply, err := conn.RequestName(secretsName, 0); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
			t.Fatal(reply, err)
		}
		for range 2 * maxCalls {
			_, err = Open(t.Context(), t.TempDir(), Options{Timeout: 50 * time.Millisecond})
			reason(t, err, TimedOut)
		}
		v, r := ringVault(newFake(), 50*time.Millisecond, time.Minute)
		r.ready = keyringReady
		for range 2 * maxCalls {
			_, err = v.Get(t.Context(), "token")
			reason(t, err, TimedOut)
			_, created, err := v.Key(t.Context(), "journal")
			reason(t, err, TimedOut)
			if created {
				t.Error("a key was made")
			}
		}
		waitFor(t, "the calls to end", func() bool { return len(r.calls.slots) == 0 })
	})
	t.Run("a prompt that nobody answers", func(t *testing.T) {
		address, bus := startBus(t)
		conn := connect(t, address)
		shown := exportPrompting(t, conn)
		v, r := ringVault(newFake(), time.Second, time.Second)
		r.items, r.ready = osKeyring{"Postern"}, keyringReady
		_, err := v.Get(t.Context(), "token")
		reason(t, err, TimedOut)
		<-shown
		// The library waits on; the end of its connection is a nil signal, which
		// it dereferences.
		bus.stop()
		waitFor(t, "the call to end", func() bool { return len(r.calls.slots) == 0 })
	})
}

func BenchmarkRealKeyring(b *testing.B) {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") == "" {
		b.Skip("no session bus; run within dbus-run-session with a keyring")
	}
	v, err := Open(context.Background(), b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	b.Run("Set", func(b *testing.B) {
		for b.Loop() {
			if err := v.Set(b.Context(), "bench", secret(marker)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Get", func(b *testing.B) {
		for b.Loop() {
			if _, err := v.Get(b.Context(), "bench"); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := v.Delete(context.Background(), "bench"); err != nil {
		b.Fatal(err)
	}
}
