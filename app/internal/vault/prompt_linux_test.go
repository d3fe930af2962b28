package vault

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

func dup(f *os.File) (int, error) { return unix.Dup(int(f.Fd())) }

// terminal is a pseudo-terminal: what is written to person is typed, what is
// read from it is on the screen.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here, so the prompt stays untested: %v", err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("no pseudo-terminals here, so the prompt stays untested: %v", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here, so the prompt stays untested: %v", err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func echoes(t *testing.T, fd int) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// typist types the next answer once the next question is asked: a question ends
// with ": ". Waiting for the echo to be off is the program's affair, so the
// typist does too.
type typist struct {
	t       *testing.T
	person  *os.File
	fd      int // of the program's end: File.Fd writes to the File
	answers []string

	mu  sync.Mutex
	out bytes.Buffer
}

func (w *typist) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.out.Write(p)
	w.mu.Unlock()
	if bytes.HasSuffix(p, []byte(": ")) && len(w.answers) > 0 {
		answer := w.answers[0]
		w.answers = w.answers[1:]
		go func() {
			waitFor(w.t, "the echo to be off", func() bool { return !echoes(w.t, w.fd) })
			_, _ = w.person.WriteString(answer + "\n")
		}()
	}
	return len(p), nil
}

func TestPrompt(t *testing.T) {
	t.Run("no echo, and the terminal is as before", func(t *testing.T) {
		person, program := terminal(t)
		w := &typist{t: t, person: person, fd: int(program.Fd()), answers: []string{marker}}
		got, err := FromPrompt(program, w)(t.Context())
		if err != nil || got.Reveal() != marker {
			t.Fatalf("another passphrase, %v", err)
		}
		if !echoes(t, w.fd) {
			t.Error("the echo stays off")
		}
		if strings.Contains(w.out.String(), marker) {
			t.Error("the passphrase was printed")
		}
		// Everything on the screen up to a line that is echoed on purpose.
		if _, err := person.WriteString("end\n"); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(person).ReadString('d')
		if err != nil || strings.Contains(line, marker) {
			t.Errorf("the passphrase was on the screen, %v", err)
		}
	})
	t.Run("twice for a new one", func(t *testing.T) {
		person, program := terminal(t)
		w := &typist{t: t, person: person, fd: int(program.Fd()), answers: []string{marker, marker}}
		if got, err := FromNewPrompt(program, w)(t.Context()); err != nil || got.Reveal() != marker {
			t.Errorf("another passphrase, %v", err)
		}
	})
	t.Run("two that differ", func(t *testing.T) {
		person, program := terminal(t)
		w := &typist{t: t, person: person, fd: int(program.Fd()), answers: []string{marker, marker + "2"}}
		_, err := FromNewPrompt(program, w)(t.Context())
		if err == nil || !strings.Contains(err.Error(), "differ") {
			t.Errorf("got %v", err)
		}
		clean(t, err)
	})
	t.Run("cancelled", func(t *testing.T) {
		person, program := terminal(t)
		ctx, cancel := context.WithCancel(t.Context())
		w := &typist{t: t, person: person, fd: int(program.Fd())}
		done := make(chan error, 1)
		go func() { _, err := FromPrompt(program, w)(ctx); done <- err }()
		waitFor(t, "the echo to be off", func() bool { return !echoes(t, w.fd) })
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if !echoes(t, w.fd) {
			t.Error("the echo stays off")
		}
		if _, err := person.WriteString("\n"); err != nil { // ends the read
			t.Fatal(err)
		}
	})
}
