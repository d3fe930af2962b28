package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

func TestAPersonReplays(t *testing.T) {
	for _, c := range []struct {
		args  []string
		code  int
		call  string
		shows string
	}{
		{[]string{"replay", "7"}, cli.Failed, "Replay 7 0 [] false", "Heating, in 0s, not sent:"}, // one of the two failed
		{[]string{"replay", "2", "--request", "--to", "command-1,x", "--send", "--text", "hi"}, cli.Failed, "Replay 0 2 [command-1 x] true", "It broke."},
		{[]string{"inputs", "set", "pigeon", "--answer-expr", "text", "--keep-for", "30d"}, cli.OK, "SetInput pigeon dynamic text false", "Saved."},
		{[]string{"inputs", "set", "pigeon", "--answer-own", "--transform", "", "--ephemeral"}, cli.OK, "SetInput pigeon   true", "Saved."},
		{[]string{"inputs", "set", "nobody", "--keep", "1"}, cli.Failed, "", "see postern inputs"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			b := controltest.New()
			b.SetComing(arrived())
			screen, code := newTTY(t).person(t, serve(t, b), c.args...)
			if code != c.code || !strings.Contains(screen, c.shows) || strings.Contains(screen, "\x1b[2J") {
				t.Errorf("code %d: %s", code, screen)
			}
			if calls := b.Calls(); c.call == "" && len(calls) > 0 || c.call != "" && !slices.Contains(calls, c.call) {
				t.Errorf("%q", calls)
			}
		})
	}
}
