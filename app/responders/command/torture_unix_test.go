//go:build unix

package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postern/postern/platforms"
)

// playUnix are roles that need process groups.
func playUnix(role string, args []string) {
	switch role {
	case "parent", "daemon": // ends once the test says that the child is there
		self, _ := os.Executable()
		child := exec.Command(self, "role:deaf", args[0], "child")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if role == "daemon" {
			child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		}
		if err := child.Start(); err != nil {
			os.Exit(8)
		}
		wait([]string{args[0], "parent"})
		fmt.Print("I am done")
	case "family": // a child that says when it is asked to end
		self, _ := os.Executable()
		child := exec.Command(self, "role:polite", args[0])
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			os.Exit(8)
		}
		wait([]string{args[0], "parent"})
	case "polite":
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, unix.SIGTERM)
		c, err := net.Dial("tcp", args[0])
		if err != nil {
			os.Exit(9)
		}
		fmt.Fprintln(c, "child")
		<-asked
		fmt.Fprint(c, "asked")
	case "suicide":
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	default:
		os.Exit(7)
	}
}

func TestIgnoresTheRequestToEnd(t *testing.T) {
	t.Parallel()
	m := meet(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := build(t, role(t, "deaf", m.addr))
	ended := make(chan error, 1)
	go func() { _, err := r.Respond(ctx, delivery("x")); ended <- err }()
	p := <-m.came
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}
	p.gone()
}

func TestChildrenAreAskedToEndToo(t *testing.T) {
	t.Parallel()
	m := meet(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := build(t, role(t, "family", m.addr))
	ended := make(chan error, 1)
	go func() { _, err := r.Respond(ctx, delivery("x")); ended <- err }()
	child, parent := <-m.came, <-m.came
	if child.said == "parent" {
		child, parent = parent, child
	}
	cancel()
	if b, _ := io.ReadAll(child); string(b) != "asked" {
		t.Errorf("the child said %q", b)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}
	parent.gone()
}

// TestChildKeepsOutput is about a program that ends, and leaves a child that
// holds its standard output and doesn't mind signals.
func TestChildKeepsOutput(t *testing.T) {
	t.Parallel()
	leave(t, "parent").gone() // or this test never ends
}

func TestChildThatLeftTheGroupKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	leave(t, "daemon").Close() // it ends with that
}

// leave runs a program that ends before its child, and returns the child after
// the answer came.
func leave(t *testing.T, name string) (child peer) {
	t.Helper()
	m := meet(t)
	r := build(t, role(t, name, m.addr))
	done := make(chan struct{})
	go func() {
		defer close(done)
		ms, err := r.Respond(context.Background(), delivery("x"))
		if err != nil || len(ms) != 1 || ms[0].Text != "I am done" {
			t.Errorf("got %v, %v", ms, err)
		}
	}()
	child, parent := <-m.came, <-m.came
	if child.said == "parent" {
		child, parent = parent, child
	}
	parent.Close()
	<-done
	return child
}

func TestKilledFromOutside(t *testing.T) {
	_, err := build(t, role(t, "suicide")).Respond(context.Background(), delivery("x"))
	wantKind(t, err, platforms.Rejected, "signal: killed")
}

func TestOneConversationDoesNotHinderOthers(t *testing.T) {
	t.Parallel()
	m := meet(t)
	c := role(t, "wait", m.addr, "{conversation}")
	c.Placeholders, c.Parallel = []string{"conversation"}, 2
	r := build(t, c)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	respond := func(conversation platforms.ConversationID) <-chan error {
		out := make(chan error, 1)
		wg.Go(func() { _, err := r.Respond(ctx, in(conversation, "x")); out <- err })
		return out
	}
	stuck := respond("stuck")
	if p := <-m.came; p.said != "stuck" {
		t.Fatalf("%q came", p.said)
	}
	second := respond("stuck") // waits for the first, and takes no slot
	for i := range 3 {         // in the slot that is left
		name := fmt.Sprint("other", i)
		done := respond(platforms.ConversationID(name))
		p := <-m.came
		if p.said != name {
			t.Fatalf("%q came, not %q", p.said, name)
		}
		p.Close()
		if err := <-done; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	select {
	case <-stuck:
		t.Error("the first ended")
	case <-second:
		t.Error("two of one conversation ran at once")
	default:
	}
	third := respond("third")
	if p := <-m.came; p.said != "third" {
		t.Fatalf("%q came", p.said)
	}
	busy := *r // all slots are taken, of which there are two
	busy.c.Wait = 20 * time.Millisecond
	_, err := busy.Respond(ctx, in("fourth", "x"))
	if e := wantKind(t, err, platforms.Temporary, "busy"); e.RetryAfter == 0 {
		t.Error("it doesn't say when to come back")
	}
	_, err = busy.Respond(ctx, in("stuck", "x"))
	wantKind(t, err, platforms.Temporary, "busy")
	cancel()
	wg.Wait()
	for _, ch := range []<-chan error{stuck, second, third} {
		if err := <-ch; !errors.Is(err, context.Canceled) {
			t.Errorf("stopped with %v", err)
		}
	}
	if len(m.came) > 0 || len(r.gate.lanes) > 0 || len(r.gate.slots) > 0 {
		t.Errorf("%d came too many, %d lanes and %d slots are left", len(m.came), len(r.gate.lanes), len(r.gate.slots))
	}
}

func TestCheckNamesTheField(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain, open := file("plain", 0o644), file("open", 0o757)
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o755); err != nil {
		t.Fatal(err)
	}
	secret := func(name, value string) func(*Config) {
		return func(c *Config) { c.Set = map[string]platforms.Secret{name: platforms.NewSecret(value)} }
	}
	for _, c := range []struct {
		name  string
		set   func(*Config)
		field string
	}{
		{"as it is", func(*Config) {}, ""},
		{"no program", func(c *Config) { c.Program = "" }, "Program"},
		{"a short name", func(c *Config) { c.Program = "sh" }, "Program"},
		{"relative", func(c *Config) { c.Program = "./sh" }, "Program"},
		{"not there", func(c *Config) { c.Program = filepath.Join(dir, "none") }, "Program"},
		{"NUL", func(c *Config) { c.Program += "\x00" }, "Program"},
		{"a folder", func(c *Config) { c.Program = dir }, "Program"},
		{"a pipe", func(c *Config) { c.Program = fifo }, "Program"},
		{"not executable", func(c *Config) { c.Program = plain }, "Program"},
		{"anybody's", func(c *Config) { c.Program = open }, "Program"},
		{"folder not there", func(c *Config) { c.Dir = filepath.Join(dir, "none") }, "Dir"},
		{"folder is a file", func(c *Config) { c.Dir = plain }, "Dir"},
		{"relative folder", func(c *Config) { c.Files = "files" }, "Files"},
		{"argument", func(c *Config) { c.Args = []string{"a\x00"} }, "Args"},
		{"placeholder", func(c *Config) { c.Placeholders = []string{"name"} }, "Placeholders"},
		{"placeholder not used", func(c *Config) { c.Placeholders = []string{"text"} }, "Args"},
		{"placeholder in more", func(c *Config) { c.Placeholders, c.Args = []string{"text"}, []string{"{text}", "--t={text}"} }, "Args"},
		{"variable", func(c *Config) { c.Pass = []string{"A-B"} }, "Pass"},
		{"variable of ours", func(c *Config) { c.Pass = []string{"postern_x"} }, "Pass"},
		{"variable with a value", secret("A=B", "x"), "Set"},
		{"value", secret("A", "sesame\x00"), "Set"},
		{"time", func(c *Config) { c.Timeout = 2 * time.Hour }, "Timeout"},
		{"waiting", func(c *Config) { c.Wait = -1 }, "Wait"},
		{"output", func(c *Config) { c.Output = 10 }, "Output"},
		{"parallel", func(c *Config) { c.Parallel = 65 }, "Parallel"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := role(t, "say")
			c.set(&k)
			err := k.Check()
			var got []string
			if all, ok := err.(interface{ Unwrap() []error }); ok {
				for _, e := range all.Unwrap() {
					got = append(got, e.(Invalid).Field)
				}
			}
			if strings.Join(got, " ") != c.field || strings.Contains(fmt.Sprint(err), "sesame") {
				t.Errorf("fault is found with %q (%v), want %q", got, err, c.field)
			}
			if _, err := New(k, nil); (err == nil) != (c.field == "") {
				t.Errorf("New says %v", err)
			}
		})
	}
}
