package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

// program under test: the real one, built once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "postern-test-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "postern")
	cmd := exec.Command("go", "build", "-o", bin, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	if dir := os.Getenv(echoing); dir != "" {
		if err := echoUntil(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(peerVar) != "" {
		if err := peer(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if bin, err := built(); err == nil && code >= 0 {
		_ = os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

// house is a data folder with a sealed vault, and the Postern that runs in it.
type house struct {
	t    testing.TB
	dir  string
	pass string // empty: secrets are in the keyring of this session
	bin  string

	cmd    *exec.Cmd
	ended  chan struct{}
	output *transcript
}

// transcript collects what a process prints.
type transcript struct {
	mu  sync.Mutex
	all []string
}

func (l *transcript) read(f *os.File) {
	for s := bufio.NewScanner(f); s.Scan(); {
		l.mu.Lock()
		l.all = append(l.all, s.Text())
		l.mu.Unlock()
	}
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.all, "\n")
}

// newHouse makes the folder and the sealed vault in it, as a person would on a
// server.
func newHouse(t testing.TB) *house {
	t.Helper()
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, dir: t.TempDir(), bin: bin}
	h.pass = filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(h.pass, []byte("correct horse battery\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := h.command("vault", "create", "--passphrase-file", h.pass).CombinedOutput(); err != nil {
		t.Fatalf("vault create: %v\n%s", err, out)
	}
	t.Cleanup(h.kill)
	return h
}

// command is the program with arguments, without a display and a session bus.
func (h *house) command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.bin, append(args, "--data", h.dir)...)
	cmd.Env = []string{"HOME=" + h.dir, "PATH=" + os.Getenv("PATH"), "TZ=UTC"}
	if h.pass == "" {
		for _, name := range []string{"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"} {
			cmd.Env = append(cmd.Env, name+"="+os.Getenv(name))
		}
	}
	return cmd
}

// start runs Postern headless and waits until it answers.
func (h *house) start() *client.Client {
	h.t.Helper()
	h.launch()
	return h.await()
}

// launch starts the process.
func (h *house) launch() {
	h.t.Helper()
	h.cmd = h.command("--headless")
	if h.pass != "" {
		h.cmd = h.command("--headless", "--passphrase-file", h.pass)
	}
	r, w, err := os.Pipe()
	if err != nil {
		h.t.Fatal(err)
	}
	h.cmd.Stdout, h.cmd.Stderr = w, w
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	_ = w.Close()
	h.output = &transcript{}
	h.ended = make(chan struct{})
	cmd, out, ended := h.cmd, h.output, h.ended
	go func() {
		out.read(r)
		_ = r.Close()
		_ = cmd.Wait()
		close(ended)
	}()
}

// await waits until the local interface answers.
func (h *house) await() *client.Client {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c := client.New(h.dir)
	h.t.Cleanup(c.Close)
	for {
		_, err := c.Snapshot(ctx)
		if err == nil {
			return c
		}
		select {
		case <-ctx.Done():
			h.t.Fatalf("Postern never answered: %v\n%s", err, h.output)
		case <-h.ended:
			h.t.Fatalf("Postern ended: %v\n%s", err, h.output)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stop asks the process to end and waits for it.
func (h *house) stop() {
	h.t.Helper()
	if h.cmd == nil {
		return
	}
	_ = h.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-h.ended:
	case <-time.After(5 * time.Second):
		h.t.Errorf("Postern did not stop within 5 s of SIGTERM\n%s", h.output)
		h.kill()
	}
	h.cmd = nil
}

// kill ends the process the hard way.
func (h *house) kill() {
	if h.cmd == nil {
		return
	}
	_ = h.cmd.Process.Kill()
	<-h.ended
	h.cmd = nil
}

// add adds an account through the local interface.
func (h *house) add(c *client.Client, platform string, values map[string]string) api.Account {
	h.t.Helper()
	a, err := c.AddAccount(h.t.Context(), api.AccountDraft{Platform: platform, Values: values})
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}
