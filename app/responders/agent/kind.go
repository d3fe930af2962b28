package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/internal/process"
	"github.com/postern/postern/platforms"
)

// The keys of the settings.
const (
	keyProgram   = "program"
	keyArguments = "arguments"
	keyFolder    = "folder"
	keyPass      = "pass"
	keyEnv       = "env"
	keyLimit     = "limit"
	keyTools     = "tools"
)

// Kind is the sort of responder that this package makes.
func Kind() app.Kind {
	return app.Kind{
		Name:    "agent",
		Title:   "Ask an agent",
		Summary: "Hands messages to a coding agent on this computer that speaks the Agent Client Protocol.",
		Fields: []platforms.Field{
			{Key: keyProgram, Label: "Program", Required: true, Parse: parsePath,
				Help: "The whole path of the agent's program. It speaks the Agent Client Protocol on its standard input and output."},
			{Key: keyArguments, Label: "Arguments", Help: "One per line, given to the program as they are. Many agents want one that says so, as --acp."},
			{Key: keyFolder, Label: "Folder", Required: true, Parse: parsePath,
				Help: "The whole path of the folder that the agent works in. Nobody in a chat can change it."},
			{Key: keyTools, Label: "Show what it does", Options: []platforms.Option{
				{Value: "yes", Label: "A line for each tool that it uses"}, {Value: "no", Label: "Its words only"}}},
			{Key: keyLimit, Label: "Time limit of a message", Placeholder: "30m", Advanced: true, Parse: parseLimit,
				Help: "How long the agent may work on one message, from 1m to 24h."},
			{Key: keyPass, Label: "Variables to pass on", Advanced: true, Parse: parseNames,
				Help: "Names of environment variables, one per line. It gets PATH, HOME, LANG and TZ anyway, and nothing else of Postern's."},
			{Key: keyEnv, Label: "Variables of its own", Secret: true, Advanced: true, Parse: parseEnv,
				Help: "NAME=VALUE, one per line: a key of its service, for one. The values are kept as secrets."},
		},
		New: func(c app.ResponderConfig) (app.Responder, error) {
			conf, err := read(c)
			if err != nil {
				return nil, err
			}
			return New(conf, c.Memory, c.Log)
		},
	}
}

// read makes a Config of what a person set up.
func read(c app.ResponderConfig) (Config, error) {
	s := c.Settings
	conf := Config{Name: c.ID, Program: s[keyProgram], Args: rows(s[keyArguments]), Folder: s[keyFolder], Quiet: s[keyTools] == "no"}
	names, err := parseNames(s[keyPass])
	if err != nil {
		return Config{}, err
	}
	conf.Pass = rows(names)
	if conf.Turn, err = limit(s[keyLimit]); err != nil {
		return Config{}, err
	}
	if conf.Set, err = variables(c.Secrets[keyEnv].Reveal()); err != nil {
		return Config{}, err
	}
	return conf, nil
}

// rows are the lines of s that hold something.
func rows(s string) (out []string) {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func parsePath(s string) (string, error) {
	s = strings.TrimSpace(s)
	for _, q := range []string{`"`, "'"} {
		if len(s) > 1 && strings.HasPrefix(s, q) && strings.HasSuffix(s, q) {
			s = s[1 : len(s)-1]
		}
	}
	switch {
	case s == "":
		return "", nil
	case !filepath.IsAbs(s):
		return "", errors.New("this is not a whole path. Write it from the root on")
	case strings.ContainsAny(s, "\x00\n\r"):
		return "", errors.New("this is more than a path. Paste the path alone")
	}
	return filepath.Clean(s), nil
}

func parseNames(s string) (string, error) {
	names := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,;\t\r\n", r) })
	for _, n := range names {
		if text := process.CheckVariable(n); text != "" {
			return "", errors.New(text)
		}
	}
	return strings.Join(names, "\n"), nil
}

func parseLimit(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	d, err := limit(s)
	if err != nil {
		return "", err
	}
	return d.String(), nil
}

// limit reads a time: "45m", "2h", or minutes. Empty is 0.
func limit(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
	if n, bad := strconv.Atoi(s); bad == nil {
		d, err = time.Duration(min(n, 1e6))*time.Minute, nil
	}
	if err != nil || d < time.Minute || d > 24*time.Hour {
		return 0, errors.New("this is no time from 1m to 24h. Write it as 45m or 2h")
	}
	return d, nil
}

func parseEnv(s string) (string, error) {
	if _, err := variables(s); err != nil {
		return "", err
	}
	return strings.Join(rows(s), "\n"), nil
}

// variables reads lines of NAME=VALUE. Its errors name the line, and never what
// is in it.
func variables(s string) (map[string]platforms.Secret, error) {
	set := map[string]platforms.Secret{}
	for i, row := range rows(s) {
		name, value, ok := strings.Cut(strings.TrimPrefix(row, "export "), "=")
		name = strings.TrimSpace(name)
		if !ok {
			return nil, fmt.Errorf("line %d has no = in it. Write NAME=VALUE", i+1)
		}
		if process.CheckVariable(name) != "" {
			return nil, fmt.Errorf("line %d does not begin with a variable's name. Write NAME=VALUE; letters, digits and _ make a name, but not POSTERN_", i+1)
		}
		set[name] = platforms.NewSecret(value)
	}
	return set, nil
}
