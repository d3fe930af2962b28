package command

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/responders/internal/process"
	"github.com/postern/postern/platforms"
)

// Config is one program and how it is run. The zero value of all but Program
// is sensible.
type Config struct {
	// Name is shown in the activity, and tells this responder's answers from
	// those of others: no two responders share one. Empty: "command".
	Name string

	Program string   // absolute path
	Args    []string // given to it as they are

	// Placeholders declares which of "text", "click", "user", "conversation",
	// "thread" and "message" may stand in Args, in braces: an argument that is
	// "{text}", and nothing else, becomes the event's text, as one argument of at
	// most 4 KiB; what is longer is cut. The ids are written as in the
	// environment. Not declared, "{text}" is given as it is.
	//
	// A value that begins with a dash would be read as an option by most
	// programs. So it is refused, unless the argument "--" stands before it.
	Placeholders []string

	Dir string // where it runs, absolute; empty: the person's home

	// Pass names variables that it gets from Postern's environment beside PATH,
	// HOME, LANG, TZ and what the system can't do without. Set gives it others.
	Pass []string
	Set  map[string]platforms.Secret

	Kinds []platforms.EventKind // empty: messages and clicks

	Timeout  time.Duration // 1 s to 1 h; 0: 60 s
	Output   int           // most bytes of standard output, 1 KiB to 1 MiB; 0: 64 KiB
	Parallel int           // how many run at once, 1 to 64; 0: 4. Of one conversation: one
	Wait     time.Duration // how long an event waits for its turn, up to 1 h; 0: 60 s

	// Lines says that each line of output is a JSON object, see wire.Reply, and
	// an answer of its own. A line that is none is shown as text.
	Lines bool
	// Markdown says that text is Markdown.
	Markdown bool
	// Files is the folder from which answers in JSON may send files by their
	// path, absolute. Empty: none.
	Files string
}

// Invalid is what is wrong with one field of a Config, for its form.
type Invalid struct {
	Field string // as in Config: "Program"
	Text  string // what is wrong, and what to do
}

func (e Invalid) Error() string { return e.Text }

var placeholders = []string{"text", "click", "user", "conversation", "thread", "message"}

func (c Config) filled() Config {
	if c.Name == "" {
		c.Name = "command"
	}
	c.Timeout = cmp.Or(c.Timeout, 60*time.Second)
	c.Wait = cmp.Or(c.Wait, 60*time.Second)
	c.Output = cmp.Or(c.Output, 64<<10)
	c.Parallel = cmp.Or(c.Parallel, 4)
	if c.Dir == "" {
		c.Dir, _ = os.UserHomeDir() // Check tells if there is none
	}
	return c
}

// base is the program's name, for sentences.
func (c Config) base() string { return filepath.Base(c.Program) }

// Check says what is wrong with c: nil, or several Invalid, joined.
func (c Config) Check() error {
	c = c.filled()
	var bad []error
	wrong := func(field, format string, args ...any) {
		bad = append(bad, Invalid{field, fmt.Sprintf(format, args...)})
	}
	if text := process.CheckProgram(c.Program); text != "" {
		wrong("Program", "%s", text)
	}
	for _, d := range []struct{ field, path string }{{"Dir", c.Dir}, {"Files", c.Files}} {
		if d.path == "" && d.field == "Files" {
			continue
		}
		if text := process.CheckFolder(d.path); text != "" {
			wrong(d.field, "%s", text)
		}
	}
	c.checkArgs(wrong)
	for _, n := range c.Pass {
		if text := process.CheckVariable(n); text != "" {
			wrong("Pass", "%s", text)
		}
	}
	for n, v := range c.Set {
		if text := process.CheckVariable(n); text != "" {
			wrong("Set", "%s", text)
		} else if strings.ContainsRune(v.Reveal(), 0) {
			wrong("Set", "The value of %s has a NUL character in it. Paste it again.", n)
		}
	}
	if c.Timeout < time.Second || c.Timeout > time.Hour {
		wrong("Timeout", "The time limit is from one second to one hour.")
	}
	if c.Wait < 0 || c.Wait > time.Hour {
		wrong("Wait", "An event waits for its turn up to one hour.")
	}
	if c.Output < 1<<10 || c.Output > 1<<20 {
		wrong("Output", "The output limit is from 1 KiB to 1 MiB.")
	}
	if c.Parallel < 1 || c.Parallel > 64 {
		wrong("Parallel", "From 1 to 64 programs can run at once.")
	}
	return errors.Join(bad...)
}

func (c Config) checkArgs(wrong func(field, format string, args ...any)) {
	for _, p := range c.Placeholders {
		switch {
		case !slices.Contains(placeholders, p):
			wrong("Placeholders", "There is no placeholder %q. There are: %s.", p, strings.Join(placeholders, ", "))
		case !slices.Contains(c.Args, "{"+p+"}"):
			wrong("Args", "No argument is {%s}. It stands alone, as an argument of its own.", p)
		}
	}
	for _, a := range c.Args {
		if strings.ContainsRune(a, 0) {
			wrong("Args", "An argument has a NUL character in it. Type it again.")
		}
		for _, p := range c.Placeholders {
			if in := "{" + p + "}"; strings.Contains(a, in) && a != in {
				wrong("Args", "%s stands alone, as an argument of its own: take it out of %q.", in, a)
			}
		}
	}
}
