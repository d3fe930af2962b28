package cli_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/postern/postern/app/control/cli"
)

// TestReadmeCommands has every command in README's blocks be one that there is,
// with flags and a number of arguments that it takes. Nothing is run.
func TestReadmeCommands(t *testing.T) {
	data, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for i, block := range strings.Split(string(data), "\n```") {
		if i%2 == 0 { // between blocks
			continue
		}
		for _, line := range strings.Split(block, "\n") {
			words := shellWords(line)
			if len(words) < 2 || words[0] != "postern" || strings.HasPrefix(words[1], "-") {
				continue
			}
			n++
			root := cli.New(cli.Options{Out: &bytes.Buffer{}, Err: &bytes.Buffer{}})
			cmd, rest, err := root.Find(words[1:])
			if err != nil || cmd == root {
				t.Errorf("%q: there is no such command: %v", line, err)
				continue
			}
			fl := cmd.Flags()
			fl.AddFlagSet(cmd.InheritedFlags())
			fl.SortFlags = false
			if err := fl.Parse(rest); err != nil && err != pflag.ErrHelp {
				t.Errorf("%q: %v", line, err)
				continue
			}
			if err := cmd.ValidateArgs(fl.Args()); err != nil {
				t.Errorf("%q: %v", line, err)
			}
			if err := cmd.ValidateRequiredFlags(); err != nil {
				t.Errorf("%q: %v", line, err)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d commands were found in README", n)
	}
}

var (
	word     = regexp.MustCompile(`'[^']*'|"[^"]*"|[^\s'"]+`)
	redirect = regexp.MustCompile(`\s[<>]\s.*$`)
	variable = regexp.MustCompile(`^[A-Z_]+=(\$\([^)]*\)|\S*)\s+`)
)

// shellWords is the words of a line of README, without its comment, what is set
// before it and where its output goes.
func shellWords(line string) (out []string) {
	if i := strings.Index(line, "  # "); i >= 0 {
		line = line[:i]
	}
	if i := strings.Index(line, " # "); i >= 0 {
		line = line[:i]
	}
	line = redirect.ReplaceAllString(variable.ReplaceAllString(strings.TrimSpace(line), ""), "")
	for _, w := range word.FindAllString(line, -1) {
		out = append(out, strings.Trim(w, `'"`))
	}
	return out
}
