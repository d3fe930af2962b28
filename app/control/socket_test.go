//go:build !windows

package control_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/app/control/socket"
)

// askAsChild is this test binary as another process: it asks the server for
// its session, over a connection without any check of its own.
func askAsChild(path string) int {
	conn, err := net.Dial("unix", path)
	if err != nil {
		fmt.Println("no connection:", err)
		return 0
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v1/session HTTP/1.1\r\nHost: postern\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", os.Getenv("CONTROL_TEST_TOKEN"))
	answer, _ := io.ReadAll(conn)
	status, _, _ := strings.Cut(string(answer), "\r\n")
	fmt.Printf("answer: %q\n", status)
	return 0
}

// child runs askAsChild in a process with these credentials.
func child(t *testing.T, path, token string, as *syscall.Credential) string {
	t.Helper()
	// go test's folders are closed to other users.
	dir, err := os.MkdirTemp("", "postern-child-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	exe := filepath.Join(dir, "child")
	if err := errors.Join(os.WriteFile(exe, self, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Dir = dir
	cmd.Env = []string{"CONTROL_TEST_ASK=" + path, "CONTROL_TEST_TOKEN=" + token}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the child: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func serveIn(t *testing.T, dir string, prepare ...func(*control.Server)) error {
	t.Helper()
	stop, _, err := controltest.StartIn(dir, controltest.New(), control.Options{}, func(s *control.Server) {
		for _, p := range prepare {
			p(s)
		}
	})
	if err == nil {
		t.Cleanup(func() {
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
	return err
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestPermissions(t *testing.T) {
	dir := folder(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	defer syscall.Umask(syscall.Umask(0))
	if err := serveIn(t, dir); err != nil {
		t.Fatal(err)
	}
	if m := mode(t, dir); m != 0o700 {
		t.Errorf("the folder has mode %o", m)
	}
	if m := mode(t, control.SocketPath(dir)); m != 0o600 {
		t.Errorf("the socket has mode %o", m)
	}
}

func TestForeignUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir := folder(t)
	if err := serveIn(t, dir); err != nil {
		t.Fatal(err)
	}
	path := control.SocketPath(dir)
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}

	t.Run("can't reach the socket", func(t *testing.T) {
		if got := child(t, path, "", nobody); !strings.Contains(got, "permission denied") {
			t.Error(got)
		}
	})
	// Even if somebody opened the folder and the socket to all.
	if err := errors.Join(os.Chmod(dir, 0o755), os.Chmod(path, 0o777)); err != nil {
		t.Fatal(err)
	}
	t.Run("is not answered", func(t *testing.T) {
		if got := child(t, path, "", nobody); got != `answer: ""` {
			t.Error(got)
		}
	})
	t.Run("the same user is", func(t *testing.T) {
		if got := child(t, path, "", nil); !strings.Contains(got, "403") {
			t.Error(got)
		}
	})
	t.Run("a client does not trust the open folder", func(t *testing.T) {
		if _, err := dial(t, dir).Snapshot(t.Context()); err == nil || !strings.Contains(err.Error(), "open to other users") {
			t.Error(err)
		}
	})
	t.Run("a client does not trust another's folder", func(t *testing.T) {
		if err := errors.Join(os.Chmod(dir, 0o700), os.Chown(dir, 65534, 65534)); err != nil {
			t.Fatal(err)
		}
		if _, err := dial(t, dir).Snapshot(t.Context()); err == nil {
			t.Error("it was trusted")
		}
		if err := os.Chown(dir, 0, 0); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a server does not take another's folder", func(t *testing.T) {
		theirs := folder(t)
		if err := os.Chown(theirs, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if err := serveIn(t, theirs); !errors.Is(err, socket.ErrUnsafe) {
			t.Error(err)
		}
	})
}

func TestPeerThatCannotBeAsked(t *testing.T) {
	dir := folder(t)
	err := serveIn(t, dir, func(s *control.Server) {
		s.SetPeer(func(net.Conn) (socket.Peer, error) { return socket.Peer{}, errors.New("no idea") })
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, dir).Snapshot(t.Context()); err == nil {
		t.Error("it was answered")
	}
}

func TestSessionOfAnotherProcess(t *testing.T) {
	dir, s := start(t, controltest.New(), control.Options{})
	path := control.SocketPath(dir)
	token := s.Exchange(s.NewCapability().Reveal(), os.Getpid())
	if got := child(t, path, token, nil); !strings.Contains(got, "403") {
		t.Errorf("another process used the token: %s", got)
	}
	if !s.Person(token, os.Getpid()) {
		t.Error("the session is gone")
	}
}

func TestStaleSocket(t *testing.T) {
	t.Run("is replaced", func(t *testing.T) {
		dir := folder(t)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: control.SocketPath(dir), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close() // as a crash leaves it
		if _, err := dial(t, dir).Snapshot(t.Context()); !errors.Is(err, client.ErrNotRunning) {
			t.Errorf("a stale socket: %v", err)
		}
		if err := serveIn(t, dir); err != nil {
			t.Fatal(err)
		}
		if _, err := dial(t, dir).Snapshot(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("a live one is refused", func(t *testing.T) {
		dir := folder(t)
		if err := serveIn(t, dir); err != nil {
			t.Fatal(err)
		}
		if err := serveIn(t, dir); !errors.Is(err, control.ErrInUse) {
			t.Errorf("the second server: %v", err)
		}
		if _, err := dial(t, dir).Snapshot(t.Context()); err != nil {
			t.Errorf("the first server: %v", err)
		}
	})
	t.Run("something else is left alone", func(t *testing.T) {
		dir := folder(t)
		path := control.SocketPath(dir)
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := serveIn(t, dir); err == nil || !strings.Contains(err.Error(), "in the way") {
			t.Error(err)
		}
		if b, _ := os.ReadFile(path); string(b) != "mine" {
			t.Error("it was replaced")
		}
	})
	t.Run("a server takes only its own away", func(t *testing.T) {
		dir := folder(t)
		stop, _, err := controltest.StartIn(dir, controltest.New(), control.Options{}, func(*control.Server) {})
		if err != nil {
			t.Fatal(err)
		}
		path := control.SocketPath(dir)
		if err := errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600), stop()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	})
}

func TestLongPath(t *testing.T) {
	long := func(t *testing.T) string {
		dir := filepath.Join(folder(t), strings.Repeat("long/", 24))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	t.Run("in the runtime folder", func(t *testing.T) {
		run := folder(t)
		t.Setenv("XDG_RUNTIME_DIR", run)
		dir := long(t)
		if err := serveIn(t, dir); err != nil {
			t.Fatal(err)
		}
		path := control.SocketPath(dir)
		if !strings.HasPrefix(path, run+"/") || mode(t, filepath.Dir(path)) != 0o700 || mode(t, path) != 0o600 {
			t.Errorf("%s", path)
		}
		// A client with another environment finds it, too.
		t.Setenv("XDG_RUNTIME_DIR", "")
		if _, err := dial(t, dir).Snapshot(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("in the temporary folder", func(t *testing.T) {
		t.Setenv("XDG_RUNTIME_DIR", "")
		t.Setenv("TMPDIR", folder(t))
		dir := long(t)
		if err := serveIn(t, dir); err != nil {
			t.Fatal(err)
		}
		if _, err := dial(t, dir).Snapshot(t.Context()); err != nil {
			t.Error(err)
		}
		if other := control.SocketPath(long(t)); other == control.SocketPath(dir) {
			t.Error("two data folders share a socket")
		}
	})
	t.Run("somebody was there first", func(t *testing.T) {
		tmp := folder(t)
		t.Setenv("XDG_RUNTIME_DIR", "")
		t.Setenv("TMPDIR", tmp)
		dir := long(t)
		place := filepath.Dir(control.SocketPath(dir))
		if err := os.Symlink(folder(t), place); err != nil {
			t.Fatal(err)
		}
		if err := serveIn(t, dir); !errors.Is(err, socket.ErrUnsafe) {
			t.Error(err)
		}
	})
}
