package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// tty is a terminal with somebody at it: what is asked and echoed is kept, and
// each answer is typed once its question has been shown.
type tty struct {
	master, slave *os.File

	mu     sync.Mutex
	seen   bytes.Buffer
	closed bool
	news   *sync.Cond
	done   chan struct{}
	people sync.WaitGroup
}

func newTTY(t *testing.T) *tty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no pseudo terminals here: ", err)
	}
	p := &tty{master: master, slave: slave, done: make(chan struct{})}
	p.news = sync.NewCond(&p.mu)
	go func() {
		defer close(p.done)
		buf := make([]byte, 1024)
		for {
			n, err := master.Read(buf)
			p.mu.Lock()
			p.seen.Write(buf[:n])
			p.news.Broadcast()
			p.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		p.mu.Lock()
		p.closed = true
		p.news.Broadcast()
		p.mu.Unlock()
		p.people.Wait()
		slave.Close()
		<-p.done // the last slave's end ends the read
		master.Close()
	})
	return p
}

// text is what the screen got.
func (p *tty) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen.String()
}

// await waits until the screen shows question, or the test ends.
func (p *tty) await(question string) (shown bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && !strings.Contains(p.seen.String(), question) {
		p.news.Wait()
	}
	return !p.closed
}

func (p *tty) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// echo reports whether typing is shown.
func (p *tty) echo() bool {
	s, err := unix.IoctlGetTermios(int(p.slave.Fd()), unix.TCGETS)
	return err == nil && s.Lflag&unix.ECHO != 0
}

// typed answers a question; hidden says that the echo must be off by then.
func (p *tty) typed(question, answer string, hidden bool) {
	if !p.await(question) {
		return
	}
	for hidden && p.echo() && !p.ended() { // the question comes just before that
		time.Sleep(time.Millisecond)
	}
	_, _ = io.WriteString(p.master, answer+"\n")
}

func (p *tty) run(ctx context.Context, o cli.Options, args ...string) (out string, code int) {
	var stdout bytes.Buffer
	o.In, o.Out, o.Err, o.Zone = p.slave, &stdout, p.slave, time.UTC
	code = cli.Execute(ctx, o, args)
	return stdout.String(), code
}

func TestAddAtTerminal(t *testing.T) {
	for answer, want := range map[string]int{"y": cli.OK, "n": cli.Failed, "": cli.Failed} {
		t.Run("answering "+answer, func(t *testing.T) {
			b := controltest.New()
			b.Good = token
			dir := serve(t, b)
			p := newTTY(t)
			p.people.Go(func() {
				p.typed("Token: ", token, true)
				p.typed("[y/N] ", answer, false)
			})
			out, code := p.run(t.Context(), cli.Options{Dir: func() (string, error) { return dir, nil }}, "accounts", "add", "pigeon")
			if code != want {
				t.Errorf("code %d: %s%s", code, out, p.text())
			}
			if _, ok := saved(b); ok != (want == cli.OK) {
				t.Errorf("saved: %v", ok)
			}
			if strings.Contains(out+p.text(), token) {
				t.Error("the secret was shown")
			}
			if !strings.Contains(p.text(), "1. Feed the pigeon.") {
				t.Errorf("no guide: %s", p.text())
			}
			if !strings.Contains(out, "outbound socket") {
				t.Errorf("no exposure before the question: %s", out)
			}
			if !p.echo() {
				t.Error("the echo is still off")
			}
		})
	}
	t.Run("the safe way is not offered where it isn't", func(t *testing.T) {
		dir := serve(t, controltest.New())
		p := newTTY(t)
		if _, code := p.run(t.Context(), cli.Options{Dir: func() (string, error) { return dir, nil }}, "accounts", "add", "pigeon", "--secret-stdin"); code != cli.Usage {
			t.Errorf("code %d", code)
		}
	})
}

func TestRemoveAtTerminal(t *testing.T) {
	b := controltest.New()
	dir := serve(t, b)
	p := newTTY(t)
	p.people.Go(func() { p.typed("[y/N] ", "no", false) })
	if _, code := p.run(t.Context(), cli.Options{Dir: func() (string, error) { return dir, nil }}, "accounts", "remove", "pigeon"); code != cli.Failed || len(b.Calls()) > 0 {
		t.Errorf("code %d, %q", code, b.Calls())
	}
}

func TestVaultCreate(t *testing.T) {
	const pass = "correct horse battery"
	run := func(t *testing.T, second string) (made string, screen string, code int) {
		p := newTTY(t)
		p.people.Go(func() {
			p.typed("characters: ", pass, true)
			p.typed("again: ", second, true)
		})
		dir := filepath.Join(t.TempDir(), "data")
		out, code := p.run(t.Context(), cli.Options{
			Dir:         func() (string, error) { return dir, nil },
			CreateVault: func(_ context.Context, _ string, s platforms.Secret) error { made = s.Reveal(); return nil },
		}, "vault", "create")
		return made, out + p.text(), code
	}
	t.Run("asks twice", func(t *testing.T) {
		made, screen, code := run(t, pass)
		if made != pass || code != cli.OK || strings.Contains(screen, pass) {
			t.Errorf("code %d, shown: %v", code, strings.Contains(screen, pass))
		}
	})
	t.Run("two that differ", func(t *testing.T) {
		if made, _, code := run(t, pass+"x"); made != "" || code != cli.Failed {
			t.Errorf("code %d", code)
		}
	})
	t.Run("from a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "pass")
		if err := os.WriteFile(file, []byte(pass), 0o600); err != nil {
			t.Fatal(err)
		}
		made := ""
		s := shell{dir: t.TempDir(), vault: func(_ context.Context, _ string, p platforms.Secret) error { made = p.Reveal(); return nil }}
		if out := s.good(t, "vault", "create", "--passphrase-file", file); made != pass || strings.Contains(out, pass) {
			t.Errorf("made %v: %s", made == pass, out)
		}
	})
	t.Run("nobody to ask", func(t *testing.T) {
		if _, _, code := (shell{dir: t.TempDir()}).run(t, "vault", "create"); code != cli.Usage {
			t.Errorf("code %d", code)
		}
	})
	t.Run("a failure", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "pass")
		_ = os.WriteFile(file, []byte(pass), 0o600)
		s := shell{dir: t.TempDir(), vault: func(context.Context, string, platforms.Secret) error { return errors.New("there is one already") }}
		if _, errs, code := s.run(t, "vault", "create", "--passphrase-file", file); code != cli.Failed || strings.Contains(errs, pass) {
			t.Errorf("code %d: %s", code, errs)
		}
	})
}

func TestInterruptedQuestion(t *testing.T) {
	dir := serve(t, controltest.New())
	p := newTTY(t)
	ctx, interrupt := context.WithCancel(t.Context())
	p.people.Go(func() {
		p.await("Token: ")
		interrupt()
	})
	if _, code := p.run(ctx, cli.Options{Dir: func() (string, error) { return dir, nil }}, "accounts", "add", "pigeon"); code != cli.Failed {
		t.Errorf("code %d", code)
	}
	if !p.echo() {
		t.Error("the echo is still off")
	}
	_, _ = io.WriteString(p.master, "\n") // ends the read that is left
}

func TestExportTellsHowFarItIs(t *testing.T) {
	dir := serve(t, talk())
	for name, want := range map[string]bool{"out": true, "-": false} {
		if name != "-" {
			name = filepath.Join(t.TempDir(), name)
		}
		p := newTTY(t)
		out, code := p.run(t.Context(), cli.Options{Dir: func() (string, error) { return dir, nil }}, "export", "-o", name)
		if want {
			p.await("\r7 messages\r")
		}
		if code != cli.OK || out == "" || !want && p.text() != "" {
			t.Errorf("code %d: %s%q", code, out, p.text())
		}
	}
}
