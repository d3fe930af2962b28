package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// commands are all that can be run, but for the root.
func commands(cmd *cobra.Command) (out []*cobra.Command) {
	for _, sub := range cmd.Commands() {
		if sub.Runnable() && sub.IsAvailableCommand() {
			out = append(out, sub)
		}
		out = append(out, commands(sub)...)
	}
	return out
}

// TestEveryCommandSpeaksJSON runs all commands with --json. What they print is
// JSON or nothing; and nothing only if there is nothing but "Done." to say.
func TestEveryCommandSpeaksJSON(t *testing.T) {
	// Not JSON by their nature.
	without := []string{"help", "man", "completion", "mcp", "message save"}
	// For a person at a terminal, and tested there.
	without = append(without, "doors open", "pair", "people allow", "people remove", "people ignore", "people unignore", "people open", "asks answer", "message release",
		"leases give", "leases release", "responders add", "responders change", "responders on", "responders off", "responders remove",
		"hooks add", "hooks change", "hooks on", "hooks off", "hooks rotate", "routes add", "routes edit", "routes move", "routes on", "routes off", "routes remove",
		"relays add", "relays change", "relays check", "relays resume", "inputs set", "replay", "inputs register")
	silent := []string{"clients revoke", "accounts remove", "accounts pause", "accounts resume", "message resend", "message discard", "message dismiss",
		"pause", "resume", "doors remove", "doors close", "people close", "quit", "hooks remove", "relays pause", "relays remove", "requests forget", "inputs unregister"}
	// What stands for the words in Use. A new word wants a line here.
	words := map[string]string{"ACCOUNT": "pigeon", "CONVERSATION": "c1", "PLATFORM": "pigeon --secret-stdin --yes", "PROBLEM": "webhook", "NUMBER": "1", "NUMBER|--last": "1",
		"KEY=VALUE...": "hide_text=on", "TEXT|-": "hi", "TEXT...|-": "hi", "KEY": "hide_text", "NAME": "ci", "KIND": "command", "HOOK": "Builds", "ADDRESS": "", "EXPRESSION": "true", "ENTRY": "1",
		"--account": "--account", "--user": "--user", "ID": "u1", "RELAY": "smee-1", "OTHER": "1", "TEXT": "hi"}
	more := map[string]string{"accounts remove": "--yes", "accounts change": "--name x --yes", "vault create": "--passphrase-file PASS", "doors close": "", "clients add": "--scope read", "clients change": "--name x", "hooks remove": "--yes"}
	more["relays remove"] = "--yes"
	more["simulate"] = "--account pigeon --user 4"
	pass := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte("correct horse battery"), 0o600); err != nil {
		t.Fatal(err)
	}
	all := commands(cli.New(cli.Options{}))
	if len(all) < 40 {
		t.Fatalf("%d commands", len(all))
	}
	for _, cmd := range all {
		path := strings.TrimPrefix(cmd.CommandPath(), "postern ")
		if slices.ContainsFunc(without, func(w string) bool { return path == w || strings.HasPrefix(path, w+" ") }) {
			continue
		}
		t.Run(path, func(t *testing.T) {
			args := strings.Fields(path)
			for _, word := range strings.Fields(cmd.Use)[1:] {
				is, ok := words[strings.Trim(word, "[]")]
				if !ok {
					t.Fatalf("say in this test what %s is", word)
				}
				args = append(args, strings.Fields(is)...)
			}
			for _, word := range strings.Fields(more[path]) {
				args = append(args, strings.ReplaceAll(word, "PASS", pass))
			}
			b := answering()
			if path != "clients add" {
				if _, err := b.AddClient(t.Context(), api.ClientDraft{Name: "ci", Scopes: []clients.Scope{{Do: clients.Read}}}); err != nil {
					t.Fatal(err)
				}
			}
			coming, relays := arrived(), relaysComing()
			coming.Hooks, coming.Made, coming.Tried = api.Hooks{Hooks: someHooks().Hooks}, api.HookMade{Hook: someHooks().Hooks[0], URL: hookURL}, api.HookTried{Text: "hi", Username: "Bo"}
			coming.Kinds, coming.Relays, coming.Checked = relays.Kinds, relays.Relays, relays.Checked
			b.SetComing(coming)
			b.SetView(api.View{Doors: []api.Door{{Account: "pigeon"}}})
			b.Change(func(s *controltest.State) {
				*s.Activity = []api.Activity{{Seq: 1, What: api.Routed}, {Seq: 2, What: api.Routed}}
			})
			s := shell{dir: serve(t, b), in: strings.NewReader(token), vault: func(context.Context, string, platforms.Secret) error { return nil }}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if path == "tail" { // it ends once it waits
				ready := begun(b)
				go func() { <-ready; cancel() }()
			}
			out, errs, code := s.runCtx(ctx, append(args, "--json")...)
			if code != cli.OK && !(cmd.HasSubCommands() && strings.Contains(out, "Usage:")) {
				t.Fatalf("postern %s --json: code %d: %s%s", strings.Join(args, " "), code, out, errs)
			}
			if slices.Contains(silent, path) {
				if out != "" {
					t.Errorf("there is nothing to tell a program, but: %s", out)
				}
				return
			}
			if strings.Contains(out, "Usage:") { // a group that can't list
				if !cmd.HasSubCommands() {
					t.Error(out)
				}
				return
			}
			n := 0
			for dec := json.NewDecoder(strings.NewReader(out)); ; n++ {
				var v any
				if err := dec.Decode(&v); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("no JSON: %v: %s", err, out)
				}
			}
			lines := slices.Contains([]string{"tail", "export", "activity", "doctor"}, path)
			if n == 0 || n > 1 && !lines || lines && strings.Count(out, "\n") != n {
				t.Errorf("%d documents: %s", n, out)
			}
		})
	}
}

// TestExitCodes is what postern help exit-codes says.
func TestExitCodes(t *testing.T) {
	refuse := func(kind platforms.Kind) func(string) error {
		return func(string) error { return &api.Error{Kind: kind, Text: "No. Do that."} }
	}
	for name, c := range map[string]struct {
		args   string
		err    func(string) error
		absent bool // no Postern runs
		code   int
	}{
		"all went well":            {args: "status", code: cli.OK},
		"help":                     {args: "help exit-codes", code: cli.OK},
		"help of a command":        {args: "help accounts add", code: cli.OK},
		"--help":                   {args: "send --help", code: cli.OK},
		"nothing found":            {args: "inbox --search nothing-of-the-kind", code: cli.OK},
		"refused":                  {args: "pause pigeon", err: refuse(platforms.Rejected), code: cli.Failed},
		"busy":                     {args: "pause pigeon", err: refuse(platforms.Temporary), code: cli.Failed},
		"not allowed":              {args: "doors close --all", err: refuse(platforms.NotAcknowledged), code: cli.Failed},
		"a fault of Postern's":     {args: "pause pigeon", err: func(string) error { return errors.New("fault") }, code: cli.Failed},
		"no such message":          {args: "reply 99 hi", code: cli.Failed},
		"nobody at the terminal":   {args: "doors open pigeon", code: cli.Failed},
		"no such file":             {args: "send pigeon c1 --file /nothing/here", code: cli.Failed},
		"an unknown conversation":  {args: "send pigeon c9 hi", code: cli.Failed},
		"no such command":          {args: "nonsense", code: cli.Usage},
		"nor in a group":           {args: "accounts nonsense", code: cli.Usage},
		"no such help":             {args: "help nonsense", code: cli.Usage},
		"no such help in a group":  {args: "help accounts nonsense", code: cli.Usage},
		"no such shell":            {args: "completion tcsh", code: cli.Usage},
		"too much for a shell":     {args: "completion bash x", code: cli.Usage},
		"no such flag":             {args: "status --nonsense", code: cli.Usage},
		"a flag without its value": {args: "export --since", code: cli.Usage},
		"no number":                {args: "inbox pigeon c1 --limit many", code: cli.Usage},
		"something is missing":     {args: "send pigeon", code: cli.Usage},
		"too much":                 {args: "status x", code: cli.Usage},
		"what excludes itself":     {args: "inbox --unread --search x", code: cli.Usage},
		"no such account":          {args: "accounts change nobody", code: cli.Usage},
		"nobody sure":              {args: "accounts remove pigeon", code: cli.Usage},
		"not running":              {args: "status", absent: true, code: cli.NotRunning},
		"nor for tail":             {args: "tail", absent: true, code: cli.NotRunning},
		"nor for reply":            {args: "reply --last hi", absent: true, code: cli.NotRunning},
		"wrong is told first":      {args: "export --format xml", absent: true, code: cli.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			s := shell{dir: t.TempDir()}
			if !c.absent {
				b := controltest.New()
				b.Err = c.err
				s.dir = serve(t, b)
			}
			out, errs, code := s.run(t, strings.Fields(c.args)...)
			if code != c.code || (code == cli.OK) != (errs == "") || code != cli.OK && out != "" {
				t.Errorf("code %d, want %d: %s%s", code, c.code, out, errs)
			}
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		b := controltest.New()
		ctx, cancel := context.WithCancel(t.Context())
		b.Wait = func(asked context.Context, _ string) { cancel(); <-asked.Done() }
		if _, errs, code := (shell{dir: serve(t, b)}).runCtx(ctx, "pause"); code != cli.Failed || errs != "postern: interrupted\n" {
			t.Errorf("code %d: %q", code, errs)
		}
	})
	t.Run("all are documented", func(t *testing.T) {
		out := (shell{}).good(t, "help", "exit-codes")
		for _, code := range []string{"\n  0  ", "\n  1  ", "\n  2  ", "\n  3  "} {
			if !strings.Contains(out, code) {
				t.Errorf("%q is not in %s", code, out)
			}
		}
	})
}

func TestGroupsTakeTheFlagsOfTheirList(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	for _, args := range [][]string{{"audit", "--limit", "7"}, {"audit", "list", "--limit", "8"}, {"audit", "--limit", "9", "list"}, {"audit"}} {
		s.good(t, args...)
	}
	want := []string{"Audit 0 7", "Audit 0 8", "Audit 0 9", "Audit 0 50"}
	if got := b.Calls(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if _, errs, code := s.run(t, "audit", "--limit", "9", "export"); code != cli.Usage {
		t.Errorf("%d %s", code, errs)
	}
	for _, cmd := range commands(cli.New(cli.Options{})) {
		list, _, err := cmd.Find([]string{"list"})
		if err != nil || list == cmd || list.Name() != "list" {
			continue
		}
		for line := range strings.Lines(list.LocalNonPersistentFlags().FlagUsages()) {
			if name := strings.Fields(line)[0]; name != "-h," && !strings.Contains(cmd.Flags().FlagUsages(), name+" ") {
				t.Errorf("%s does not take %s", cmd.CommandPath(), name)
			}
		}
	}
}

func TestInboxUnread(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		*s.Conversations = append(*s.Conversations, api.Conversation{Account: "pigeon", ID: "c2", Title: "Bob", Last: controltest.At()})
	})
	s := shell{dir: serve(t, b)}
	if out := s.good(t, "inbox", "--unread"); !strings.Contains(out, "Alice") || strings.Contains(out, "Bob") {
		t.Error(out)
	}
	b.Change(func(s *controltest.State) { (*s.Conversations)[0].Unread = 0 })
	if out := s.good(t, "inbox", "--unread"); out != "Nothing is unread.\n" {
		t.Error(out)
	}
	if out := s.good(t, "inbox", "--unread", "--json"); out != "[]\n" {
		t.Error(out)
	}
	if _, _, code := s.run(t, "inbox", "pigeon", "c1", "--unread"); code != cli.Usage {
		t.Errorf("code %d", code)
	}
}

func TestManualPages(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1767225600") // 1 January 2026
	s := shell{}
	page := s.good(t, "man")
	for _, want := range []string{`.TH "POSTERN" "1" "Jan 2026" "postern 1.2.3" "Postern"`, "EXIT STATUS", "Postern is not running", "postern-reply(1)"} {
		if !strings.Contains(strings.ReplaceAll(page, `\fB`, ""), want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
	dir := filepath.Join(t.TempDir(), "share", "man1")
	s.good(t, "man", "--dir", dir)
	for _, cmd := range commands(cli.New(cli.Options{})) {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
		if raw, err := os.ReadFile(filepath.Join(dir, name)); err != nil && cmd.Name() != "help" || err == nil && !strings.Contains(string(raw), ".SH SYNOPSIS") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again := s.good(t, "man"); again != page {
		t.Error("a page made twice is not the same")
	}
	if _, errs, code := s.run(t, "man", "--dir", filepath.Join(dir, "postern.1")); code != cli.Failed || errs == "" {
		t.Errorf("a file is no folder: code %d", code)
	}
}

func TestCompletionScripts(t *testing.T) {
	for name, want := range map[string]string{"bash": "__start_postern", "zsh": "#compdef postern", "fish": "complete -c postern", "powershell": "Register-ArgumentCompleter"} {
		out := (shell{}).good(t, "completion", name)
		if !strings.Contains(out, want) {
			t.Errorf("%s: %q is not in it", name, want)
		}
		program, err := exec.LookPath(name)
		if err != nil || name == "powershell" {
			continue
		}
		cmd := exec.Command(program, "-n")
		cmd.Stdin = strings.NewReader(out)
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, said)
		}
	}
	b := talk()
	b.Change(func(s *controltest.State) {
		*s.Conversations = append(*s.Conversations, api.Conversation{Account: "owl", ID: "c9", Title: "Night"})
	})
	s := shell{dir: serve(t, b)}
	for line, want := range map[string]string{
		"reply 3 --account ":                 "pigeon\tHomer\n:4\n",
		"tail --account ":                    "pigeon\tHomer\n:4\n",
		"export --account ":                  "pigeon\tHomer\n:4\n",
		"tail --account owl --conversation ": "c9\tNight\n:4\n",
		"tail --conversation ":               "c1\tAlice\nc9\tNight\n:4\n",
		"export --format ":                   "jsonl\nmd\ncsv\n:4\n",
		"help exit":                          "exit-codes\tWhat the exit codes mean\n:4\n",
		"reply 3 ":                           ":4\n",
	} {
		if out, _, code := s.run(t, append([]string{"__complete"}, strings.Split(line, " ")...)...); code != cli.OK || out != want {
			t.Errorf("%s: code %d: %q", line, code, out)
		}
	}
}
