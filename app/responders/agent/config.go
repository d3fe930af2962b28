package agent

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/responders/internal/process"
	"github.com/postern/postern/platforms"
)

// Config is one agent and how it is run.
type Config struct {
	// Name is shown in the activity, and tells this responder's answers from
	// those of others: no two responders share one. Empty: "agent".
	Name string

	Program string   // absolute path
	Args    []string // given to it as they are

	// Folder is where the agent runs and works, absolute. The person chooses it;
	// nothing that is said in a chat changes it.
	Folder string

	// Pass names variables that the agent gets from Postern's environment beside
	// PATH, HOME, LANG, TZ and what the system can't do without. Set gives it
	// others, whose values are masked in all that it says.
	Pass []string
	Set  map[string]platforms.Secret

	Turn  time.Duration // the longest time for one message, 1 min to 24 h; 0: 30 min
	Quiet bool          // tool calls are not shown in the answer
}

// Invalid is what is wrong with one field of a Config, for its form.
type Invalid struct {
	Field string // as in Config: "Program"
	Text  string // what is wrong, and what to do
}

func (e Invalid) Error() string { return e.Text }

func (c Config) filled() Config {
	c.Name = cmp.Or(c.Name, "agent")
	c.Turn = cmp.Or(c.Turn, 30*time.Minute)
	return c
}

// Check says what is wrong with c as it is written: nil, or several Invalid,
// joined. Whether the program and the folder are there is looked at each time
// the agent is started.
func (c Config) Check() error {
	c = c.filled()
	var bad []error
	wrong := func(field, format string, args ...any) {
		bad = append(bad, Invalid{field, fmt.Sprintf(format, args...)})
	}
	switch {
	case c.Program == "":
		wrong("Program", "Choose the agent's program.")
	case !filepath.IsAbs(c.Program) || strings.ContainsRune(c.Program, 0):
		wrong("Program", "Give the program's whole path, from the root on: which file a short name means can change.")
	}
	switch {
	case c.Folder == "":
		wrong("Folder", "Choose the folder that the agent works in.")
	case !filepath.IsAbs(c.Folder) || strings.ContainsRune(c.Folder, 0):
		wrong("Folder", "Give the folder's whole path, from the root on.")
	}
	if slices.ContainsFunc(c.Args, func(a string) bool { return strings.ContainsRune(a, 0) }) {
		wrong("Args", "An argument has a NUL character in it. Type it again.")
	}
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
	if c.Turn < time.Minute || c.Turn > 24*time.Hour {
		wrong("Turn", "The time limit is from one minute to 24 hours.")
	}
	return errors.Join(bad...)
}

// environment is what the agent gets, in the order that lets Set win, and which
// values it must not tell.
func (c Config) environment(lookup func(string) (string, bool)) (env []string, hide []platforms.Secret) {
	env = []string{} // not nil: that would mean all of Postern's
	for _, n := range slices.Concat(process.Passed(), c.Pass) {
		if v, ok := lookup(n); ok {
			env = append(env, n+"="+v)
			if slices.Contains(c.Pass, n) && process.Telling(n) {
				hide = append(hide, platforms.NewSecret(v))
			}
		}
	}
	for n, v := range c.Set {
		env = append(env, n+"="+v.Reveal())
		hide = append(hide, v)
	}
	return env, hide
}

// here says what keeps the agent from being started on this computer now.
func (c Config) here() error {
	if text := process.CheckProgram(c.Program); text != "" {
		return rejected(nil, "The agent could not be started: %s. %s", c.Program, text)
	}
	if text := process.CheckFolder(c.Folder); text != "" {
		return rejected(nil, "The agent could not be started in its folder. %s", text)
	}
	return nil
}

// rejected is an error that another try would not mend. Turns end with no
// other: what was begun with an agent is not begun a second time by itself.
func rejected(err error, format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...), Err: err}
}

// base is the name of the agent's program, for sentences.
func (c Config) base() string {
	name := filepath.Base(c.Program)
	if ext := filepath.Ext(name); strings.EqualFold(ext, ".exe") {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}

// folder is the name of the agent's folder.
func (c Config) folder() string { return filepath.Base(c.Folder) }
