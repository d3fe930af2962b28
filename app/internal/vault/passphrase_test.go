package vault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestFromFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pass")
	t.Run("what is the passphrase", func(t *testing.T) {
		for text, want := range map[string]string{
			marker: marker, marker + "\n": marker, marker + "\r\n": marker, marker + "\n\n": marker + "\n",
			" " + marker + " \n": " " + marker + " ", "": "", "\n": "",
		} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := FromFile(path)(t.Context())
			if err != nil || got.Reveal() != want {
				t.Errorf("%q: another passphrase, %v", text, err)
			}
		}
	})
	t.Run("a file that others can read", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("Windows has no modes")
		}
		if err := os.WriteFile(path, []byte(marker), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o620} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			_, err := FromFile(path)(t.Context())
			reason(t, err, Unsafe)
			if !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("it doesn't say what to do: %v", err)
			}
		}
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
		if _, err := FromFile(path)(t.Context()); err != nil {
			t.Errorf("0400: %v", err)
		}
	})
	t.Run("no such file", func(t *testing.T) {
		if _, err := FromFile(path + "none")(t.Context()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no file at all", func(t *testing.T) {
		_, err := FromFile(t.TempDir())(t.Context())
		reason(t, err, Unsafe)
	})
	t.Run("a wrong file", func(t *testing.T) {
		big := filepath.Join(t.TempDir(), "big")
		if err := os.WriteFile(big, []byte(strings.Repeat(marker, 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := FromFile(big)(t.Context())
		if err == nil {
			t.Error("it was taken")
		}
		clean(t, err)
	})
}

func TestFromFD(t *testing.T) {
	// pipe gives a descriptor that FromFD owns.
	pipe := func(t *testing.T) (fd int, w *os.File) {
		t.Helper()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		fd, err = dup(r)
		if err != nil {
			t.Skip(err)
		}
		r.Close()
		return fd, w
	}
	t.Run("a pipe", func(t *testing.T) {
		fd, w := pipe(t)
		if _, err := w.WriteString(marker + "\n"); err != nil {
			t.Fatal(err)
		}
		w.Close()
		got, err := FromFD(fd)(t.Context())
		if err != nil || got.Reveal() != marker {
			t.Errorf("another passphrase, %v", err)
		}
		if _, err := FromFD(fd)(t.Context()); err == nil {
			t.Error("it was left open")
		}
	})
	t.Run("a pipe that nobody writes to", func(t *testing.T) {
		fd, w := pipe(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := FromFD(fd)(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		w.Close() // the read ends with its input
	})
	t.Run("no descriptor", func(t *testing.T) {
		if _, err := FromFD(-1)(t.Context()); err == nil {
			t.Error("it gave a passphrase")
		}
	})
}

func TestFromPromptWithoutTerminal(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, p := range map[string]Passphrase{"old": FromPrompt(f, os.Stderr), "new": FromNewPrompt(f, os.Stderr)} {
		if _, err := p(t.Context()); err == nil || !strings.Contains(err.Error(), "passphrase file") {
			t.Errorf("%s: it doesn't say what to do: %v", name, err)
		}
	}
}
