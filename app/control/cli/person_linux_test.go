package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

// commandVar holds the arguments of a command that this very program runs in the
// foreground of a terminal: Postern believes a person to no other.
const commandVar = "POSTERN_TEST_COMMAND"

// TestCommand is no test but that command.
func TestCommand(t *testing.T) {
	var args []string
	if err := json.Unmarshal([]byte(os.Getenv(commandVar)), &args); err != nil {
		t.Skip("it is run by others")
	}
	os.Exit(cli.Execute(t.Context(), cli.Options{Zone: time.UTC, Dir: func() (string, error) { return args[0], nil }}, args[1:]))
}

// person runs a command as a person does. in, if not empty, is standard input in
// the terminal's place.
func person(t *testing.T, p *tty, dir, in string, args ...string) (out string, code int) {
	t.Helper()
	words, err := json.Marshal(append([]string{dir}, args...))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCommand$")
	cmd.Env = append(os.Environ(), commandVar+"="+string(words))
	var printed bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, &printed, p.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	if in != "" {
		cmd.Stdin = strings.NewReader(in)
	}
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return printed.String(), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return printed.String(), cli.OK
}

func TestAPersonDecidesWhatAnswers(t *testing.T) {
	for _, tt := range []struct {
		args []string
		call string // what reaches Postern
		says string
	}{
		{[]string{"responders", "change", "Heating", "--label", "Warm", "--clear", "args"}, "ChangeResponder command-1 Warm", "Saved as command-1 (Warm)."},
		{[]string{"responders", "off", "command-1"}, "ChangeResponder command-1 Heating", "Switched command-1 off."},
		{[]string{"routes", "add", "--when", "mentioned", "--to", "Claude,notify", "--name", "Ask", "--at", "1"}, "SetRoutes 3", "Heating"},
		{[]string{"routes", "off", "1"}, "SetRoutes 2", "off"},
		{[]string{"routes", "remove", "Heating", "--yes"}, "SetRoutes 1", "everything else"},
		{[]string{"leases", "give", "pigeon", "c-1", "Claude"}, "SetLease pigeon c-1 agent-1", "c-1 is now with Claude."},
		{[]string{"hooks", "add", "pigeon", "c1", "--name", "CI", "--template", "{{.a}}"}, "Timeline pigeon c1 0 1; AddHook pigeon c1 CI template false", hookURL + "\n"},
		{[]string{"hooks", "rotate", "Builds"}, "RotateHook hook_1 0s", hookURL + "\n"},
		{[]string{"hooks", "change", "Builds", "--name", "CI"}, "ChangeHook hook_1 name CI", "hook_1"},
		{[]string{"hooks", "on", "hook_2"}, "ChangeHook hook_2 on true", "Switched"},
		{[]string{"hooks", "listener", "127.0.0.1:4000"}, "SetHookListener 127.0.0.1:4000", "Hooks are served at"},
		{[]string{"leases", "release", "pigeon", "c-1"}, "SetLease pigeon c-1", "c-1 is with nobody now."},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			b := answering()
			dir, p := serve(t, b), newTTY(t)
			out, code := person(t, p, dir, "", tt.args...)
			if code != cli.OK || !strings.Contains(out, tt.says) {
				t.Fatalf("%d %s%s", code, out, p.text())
			}
			if got := strings.Join(b.Calls(), "; "); got != tt.call {
				t.Errorf("%q, want %q", got, tt.call)
			}
		})
	}
}

func TestRoutesAreSavedAsAWhole(t *testing.T) {
	b := answering()
	dir, p := serve(t, b), newTTY(t)
	for _, args := range [][]string{
		{"routes", "add", "--when", "mentioned", "--to", "Claude,notify,agent-1", "--name", "Ask", "--also", "--off", "--at", "1"},
		{"routes", "edit", "Heating", "--to", "notify", "--when", ""},
		{"routes", "move", "r2", "1"},
		{"routes", "on", "r2"},
	} {
		if _, code := person(t, p, dir, "", args...); code != cli.OK {
			t.Fatalf("%q: %d %s", args, code, p.text())
		}
	}
	got, err := json.Marshal(b.Routes().Routes)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"id":"r2","to":["agent-1","gone"],"also":true},` +
		`{"id":"","name":"Ask","when":"mentioned","to":["agent-1","notify"],"off":true,"also":true},` +
		`{"id":"r1","name":"Heating","to":["notify"]}]`
	if string(got) != want {
		t.Errorf("%s", got)
	}
}

// TestASecretIsNeverAnArgument sets one up at a terminal and from a pipe.
func TestASecretIsNeverAnArgument(t *testing.T) {
	for name, in := range map[string]string{"at the terminal": "", "from a pipe": token + "\n", "from a pipe, as a pair": "secret=" + token + "\n"} {
		t.Run(name, func(t *testing.T) {
			b := answering()
			var got api.ResponderDraft
			b.Added = func(d api.ResponderDraft) { got = d }
			dir, p := serve(t, b), newTTY(t)
			if in == "" {
				p.people.Go(func() { p.typed("Signing secret: ", token, true) })
			}
			out, code := person(t, p, dir, in, "responders", "add", "forward", "--label", "Desk", "--set", "url=https://desk.example.org", "--secret", "secret")
			if code != cli.OK || strings.Contains(out+p.text(), token) {
				t.Fatalf("%d %s", code, p.text())
			}
			if got.Kind != "forward" || got.Label != "Desk" || got.Values["url"] != "https://desk.example.org" || got.Values["secret"] != token || len(got.Values) != 2 {
				t.Error("the draft differs")
			}
		})
	}
	t.Run("several, one a line", func(t *testing.T) {
		b := answering()
		b.SetAnswering(controltest.Answering{Kinds: []api.ResponderKind{{Name: "command", Fields: []api.Field{{Key: "env", Label: "Variables", Help: "NAME=VALUE, one per line.", Secret: true}}}}})
		var got api.ResponderDraft
		b.Added = func(d api.ResponderDraft) { got = d }
		dir, p := serve(t, b), newTTY(t)
		p.people.Go(func() {
			p.typed("an empty line at the end: ", "A="+token, true)
			p.typed("And: ", "B=2", true)
			p.typed("And: \r\nAnd: ", "", true)
		})
		out, code := person(t, p, dir, "", "responders", "add", "command", "--secret", "env")
		if code != cli.OK || strings.Contains(out+p.text(), token) {
			t.Fatalf("%d %s", code, p.text())
		}
		if got.Values["env"] != "A="+token+"\nB=2" {
			t.Error("the draft differs")
		}
	})
	t.Run("lines of a field, and one that is asked for", func(t *testing.T) {
		b := answering()
		var got api.ResponderDraft
		b.Added = func(d api.ResponderDraft) { got = d }
		dir, p := serve(t, b), newTTY(t)
		p.people.Go(func() { p.typed("Program: ", "/bin/true", false) })
		if _, code := person(t, p, dir, "", "responders", "add", "command", "--set", "args=--room", "--set", "args=kitchen", "--set", "mode=once", "--off"); code != cli.OK {
			t.Fatalf("%d %s", code, p.text())
		}
		if got.Values["args"] != "--room\nkitchen" || got.Values["program"] != "/bin/true" || !got.Off {
			t.Errorf("%+v", got)
		}
	})
}

func TestRemovingAsksAndSaysWhoUsesIt(t *testing.T) {
	b := answering()
	dir, p := serve(t, b), newTTY(t)
	p.people.Go(func() { p.typed("These routes lead to it: Heating. [y/N] ", "n", false) })
	if _, code := person(t, p, dir, "", "responders", "remove", "command-1"); code != cli.Failed || len(b.Calls()) > 0 {
		t.Errorf("%d %q", code, b.Calls())
	}
	p.people.Go(func() { p.typed("Remove the route Heating? [y/N] ", "n", false) })
	if _, code := person(t, p, dir, "", "routes", "remove", "r1"); code != cli.Failed || len(b.Calls()) > 0 {
		t.Errorf("%d %q", code, b.Calls())
	}
}
