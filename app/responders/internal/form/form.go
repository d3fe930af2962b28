// Package form reads what a person typed into the form of a responder.
package form

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/responders/internal/process"
	"github.com/postern/postern/platforms"
)

// Rows are the lines of s that hold something.
func Rows(s string) (out []string) {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// Path is a whole path of a file or folder, without the quotes that a file
// manager copies.
func Path(s string) (string, error) {
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

// Names are variables' names, one a line.
func Names(s string) (string, error) {
	names := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,;\t\r\n", r) })
	for _, n := range names {
		if text := process.CheckVariable(n); text != "" {
			return "", errors.New(text)
		}
	}
	return strings.Join(names, "\n"), nil
}

// Env is lines of NAME=VALUE. Its errors name the line, and never what is in it.
func Env(s string) (string, error) {
	if _, err := Variables(s); err != nil {
		return "", err
	}
	return strings.Join(Rows(s), "\n"), nil
}

// Variables reads lines of NAME=VALUE. Its errors name the line, and never what
// is in it.
func Variables(s string) (map[string]platforms.Secret, error) {
	set := map[string]platforms.Secret{}
	for i, row := range Rows(s) {
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

// PassField is the field that Names reads.
func PassField(key string) platforms.Field {
	return platforms.Field{Key: key, Label: "Variables to pass on", Advanced: true, Parse: Names,
		Help: "Names of environment variables, one per line. It gets PATH, HOME, LANG and TZ anyway, and nothing else of Postern's."}
}

// EnvField is the field that Env and Variables read.
func EnvField(key string) platforms.Field {
	return platforms.Field{Key: key, Label: "Variables of its own", Secret: true, Advanced: true, Parse: Env,
		Help: "NAME=VALUE, one per line: a key of its service, for one. The values are kept as secrets."}
}

// Limit reads a time from least to most: "45s", "2h", or a number of unit. Empty
// is 0.
func Limit(s string, unit, least, most time.Duration) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
	if n, bad := strconv.Atoi(s); bad == nil {
		d, err = time.Duration(min(n, 1e6))*unit, nil
	}
	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("this is no time from %s to %s. Write it as 45s, 10m or 2h", short(least), short(most))
	}
	return d, nil
}

// LimitField parses a field that Limit reads.
func LimitField(unit, least, most time.Duration) func(string) (string, error) {
	return func(s string) (string, error) {
		d, err := Limit(s, unit, least, most)
		if err != nil || d == 0 {
			return "", err
		}
		return short(d), nil
	}
}

// short is d without zero minutes and seconds: "2h".
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Number reads a whole number from least to most. Empty is 0.
func Number(s string, least, most int) (int, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("this is no whole number from %d to %d", least, most)
	}
	return n, nil
}

// NumberField parses a field that Number reads.
func NumberField(least, most int) func(string) (string, error) {
	return func(s string) (string, error) {
		n, err := Number(s, least, most)
		if err != nil || n == 0 {
			return "", err
		}
		return strconv.Itoa(n), nil
	}
}
