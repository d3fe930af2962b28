// Package process is how responders start programs of the person's own: in a
// group that ends as a whole, with an environment that holds nothing by
// accident, and with an end of what they complain about.
package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
)

// CheckProgram says in a sentence or two what is wrong with the path of a
// program, and what to do. It is empty if nothing is.
func CheckProgram(path string) string {
	switch {
	case path == "":
		return "Choose the program that is to be run."
	case strings.ContainsRune(path, 0):
		return "The path has a NUL character in it. Type it again."
	case !filepath.IsAbs(path):
		return "Give the program's whole path, from the root on: which file a short name means can change."
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "There is no such file. Check the path."
	case err != nil:
		return "The file can't be looked at: " + Cause(err) + ". Check the path and its permissions."
	case info.IsDir():
		return "That is a folder. Choose the program in it."
	case !info.Mode().IsRegular():
		return "That is not a file. Choose a program."
	}
	return checkExecutable(path, info)
}

// CheckFolder does the same for a folder.
func CheckFolder(path string) string {
	if !filepath.IsAbs(path) {
		return "Give the folder's whole path, from the root on."
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "There is no such folder. Make it, or choose another."
	case err != nil:
		return "The folder can't be looked at: " + Cause(err) + ". Check the path and its permissions."
	case !info.IsDir():
		return "That is not a folder. Choose one."
	}
	return ""
}

// Cause is err without the path that the person sees in the form anyway.
func Cause(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}

// variable is a name that every system and shell takes.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// CheckVariable says what is wrong with the name of a variable that a person
// wants to give a program.
func CheckVariable(name string) string {
	switch {
	case !variable.MatchString(name):
		return fmt.Sprintf("%q is no variable's name: letters, digits and _ only, and no digit first.", name)
	case strings.HasPrefix(strings.ToUpper(name), "POSTERN_"):
		return "Variables that begin with POSTERN_ are set by Postern. Choose another name."
	}
	return ""
}

// Passed are variables that every program gets, by the system.
func Passed() []string {
	names := []string{"PATH", "HOME", "LANG", "TZ"}
	if runtime.GOOS == "windows" {
		// Without these many programs don't find the system's libraries, their
		// settings, or a place for temporary files.
		names = append(names, "SystemRoot", "SystemDrive", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP", "PATHEXT")
	}
	return names
}

// telling are words in the names of variables whose values are secret.
var telling = regexp.MustCompile(`(?i)key|token|secret|pass|credential|auth`)

// Telling reports whether a variable of this name holds a secret, as its name
// says.
func Telling(name string) bool { return telling.MatchString(name) }

// Tail keeps the last bytes that are written to it. It is safe for concurrent
// use.
type Tail struct {
	most int

	mu  sync.Mutex
	b   []byte
	cut bool
}

// NewTail keeps at most so many bytes.
func NewTail(most int) *Tail { return &Tail{most: most} }

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if len(p) > t.most {
		p, t.b, t.cut = p[len(p)-t.most:], t.b[:0], true
	}
	if over := len(t.b) + len(p) - t.most; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
		t.cut = true
	}
	t.b = append(t.b, p...)
	return n, nil
}

// Said is what was kept, as text for a person: hide is masked in it, and what
// could be the end of a secret at its beginning is left out. Empty if there is
// nothing to see.
func (t *Tail) Said(hide ...platforms.Secret) string {
	t.mu.Lock()
	s, cut := string(t.b), t.cut
	t.mu.Unlock()
	s = platforms.Redact(s, hide...)
	if cut {
		longest := 0
		for _, v := range hide {
			longest = max(longest, len(v.Reveal()))
		}
		s = s[min(longest, len(s)):]
		for s != "" && !utf8.RuneStart(s[0]) {
			s = s[1:]
		}
	}
	s = strings.TrimSpace(wire.Text([]byte(s)))
	if s != "" && cut {
		s = "…" + s
	}
	return s
}
