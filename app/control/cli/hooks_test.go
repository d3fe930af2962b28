package cli_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

const hookURL = "http://127.0.0.1:47820/api/webhooks/execute/AAAABBBBCCCC"

func someHooks() api.Hooks {
	return api.Hooks{Bind: "127.0.0.1:47820", Address: "http://127.0.0.1:47820", Open: true,
		Hooks: []api.Hook{
			{ID: "hook_1", Account: "pigeon", Conversation: "c1", Where: "Family", Name: "Builds", On: true, Marked: true, Count: 7, Created: controltest.At()},
			{ID: "hook_2", Account: "pigeon", Conversation: "c1", Name: "Alerts\x1b[2J", Dialect: "cards", Problem: "The account is paused.", Created: controltest.At()},
			{ID: "hook_3", Account: "pigeon", Conversation: "c2", Name: "Twice", Created: controltest.At()},
			{ID: "hook_4", Account: "pigeon", Conversation: "c2", Name: "Twice", Created: controltest.At()}},
		Forms: []api.HookForm{{Title: "Plain", Summary: "{}"}, {Dialect: "cards", Title: "Cards", Suffix: "teams"}, {Dialect: "template", Title: "Any JSON", Suffix: "template"}}}
}

func TestHooksAreListed(t *testing.T) {
	b := answering()
	s := shell{dir: serve(t, b)}
	out := s.good(t, "hooks")
	for _, want := range []string{"hook_1", "Builds", "Family", "plain", "teams", "The account is paused.", "on     7"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in %s", want, out)
		}
	}
	if strings.ContainsRune(out, '\x1b') {
		t.Errorf("%q", out)
	}
	var h api.Hook
	if err := json.Unmarshal([]byte(s.good(t, "hooks", "show", "Builds", "--json")), &h); err != nil || h.ID != "hook_1" {
		t.Errorf("%v %+v", err, h)
	}
	if out := s.good(t, "hooks", "show", "hook_1"); !strings.Contains(out, "a line in the chat says") {
		t.Error(out)
	}
	for _, bad := range []string{"Twice", "Nobody", "hook_9"} {
		if _, errs, code := s.run(t, "hooks", "show", bad); code == cli.OK || !strings.Contains(errs, "postern hooks") {
			t.Errorf("%s: %d %s", bad, code, errs)
		}
	}
	if _, errs, code := s.run(t, "hooks", "add", "--name", "X", "telegram", "-100123"); code != cli.Usage || !strings.Contains(errs, "-- -1001") {
		t.Errorf("an id with a dash: %d %s", code, errs)
	}
	if out := s.good(t, "hooks", "forms"); !strings.Contains(out, "/teams") {
		t.Error(out)
	}
	if out := s.good(t, "hooks", "listener"); out != "Hooks are served at http://127.0.0.1:47820.\n" {
		t.Error(out)
	}
	s.in = strings.NewReader(`{"content":"hi"}`)
	if out := s.good(t, "hooks", "try", "--form", "teams"); !strings.Contains(out, "Bo:") || !strings.Contains(out, "hi") {
		t.Error(out)
	}
	if _, errs, code := s.run(t, "hooks", "try", "--form", "morse"); code != cli.Usage || !strings.Contains(errs, "plain, teams, template") {
		t.Errorf("%d %s", code, errs)
	}
	if _, errs, code := s.run(t, "hooks", "remove", "Builds"); code != cli.Usage || !strings.Contains(errs, "--yes") {
		t.Errorf("%d %s", code, errs)
	}
	s.good(t, "hooks", "remove", "Builds", "--yes")
	if got := b.Calls(); !slices.Equal(got, []string{`TryHook cards {"content":"hi"}`, "RemoveHook hook_1"}) {
		t.Errorf("%q", got)
	}
	for _, args := range [][]string{
		{"hooks", "add", "pigeon", "c1"}, {"hooks", "add", "pigeon", "c1", "--name", "x", "--limit", "many"}, {"hooks", "add", "pigeon", "c1", "--name", "x", "--expires", "soon"},
		{"hooks", "add", "pigeon", "c1", "--name", "x", "--form", "morse"}, {"hooks", "change", "Builds"}, {"hooks", "rotate", "Builds", "--overlap", "long"},
	} {
		if _, errs, code := s.run(t, args...); code != cli.Usage {
			t.Errorf("%q: %d %s", args, code, errs)
		}
	}
}

// TestHooksThatAreNotServed says why.
func TestHooksThatAreNotServed(t *testing.T) {
	b := answering()
	h := someHooks()
	h.Open, h.Why = false, "Port 47820 of 127.0.0.1 can't be listened on."
	b.SetComing(controltest.Coming{Hooks: h})
	s := shell{dir: serve(t, b)}
	if out, errs, code := s.run(t, "hooks"); code != cli.OK || !strings.Contains(errs, h.Why) || !strings.Contains(out, "hook_1") {
		t.Errorf("%d %s%s", code, out, errs)
	}
	if _, errs, code := s.run(t, "hooks", "listener"); code != cli.Failed || !strings.Contains(errs, h.Why) {
		t.Errorf("%d %s", code, errs)
	}
}

// TestATriedPostThatIsRefused is a failure for scripts, too.
func TestATriedPostThatIsRefused(t *testing.T) {
	b := answering()
	b.SetComing(controltest.Coming{Hooks: someHooks(), Tried: api.HookTried{Problem: "There is no content."}})
	s := shell{dir: serve(t, b), in: strings.NewReader("{}")}
	if out, errs, code := s.run(t, "hooks", "try"); code != cli.Failed || out != "" || !strings.Contains(errs, "There is no content.") {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

// TestAClientMakesHooks prints the address alone, so that it can be piped.
func TestAClientMakesHooks(t *testing.T) {
	b := answering()
	if _, err := b.AddClient(t.Context(), api.ClientDraft{Name: "ci", Scopes: []api.Scope{{Do: "hooks", Account: "pigeon", Conversation: "c1"}}}); err != nil {
		t.Fatal(err)
	}
	s := shell{dir: serve(t, b)}
	out, errs, code := s.run(t, "--client", "ci", "hooks", "add", "pigeon", "c1", "--name", "CI", "--form", "teams", "--limit", "5/1m", "--unmarked")
	if code != cli.OK || out != hookURL+"\n" || strings.Contains(errs, "AAAABBBB") {
		t.Errorf("%d %q %s", code, out, errs)
	}
	if _, errs, code := s.run(t, "--client", "ci", "hooks", "add", "pigeon", "c2", "--name", "CI"); code == cli.OK {
		t.Errorf("elsewhere: %s", errs)
	}
	if _, errs, code := s.run(t, "hooks", "add", "pigeon", "c1", "--name", "CI"); code == cli.OK || !strings.Contains(errs, "person") {
		t.Errorf("nobody in particular: %d %s", code, errs)
	}
	out, errs, code = s.run(t, "--client", "ci", "hooks", "rotate", "Builds", "--overlap", "24h")
	if code != cli.OK || out != hookURL+"\n" {
		t.Errorf("%d %q %s", code, out, errs)
	}
	s.good(t, "--client", "ci", "hooks", "off", "Builds")
	if _, _, code := s.run(t, "--client", "ci", "hooks", "off", "hook_3"); code == cli.OK {
		t.Error("another conversation's hook was switched off")
	}
	if _, errs, code := s.run(t, "--client", "ci", "hooks", "listener", "127.0.0.1:4000"); code == cli.OK {
		t.Errorf("it moved the listener: %s", errs)
	}
	want := []string{"AddClient ci [hooks:pigeon/c1]", "AddHook pigeon c1 CI cards true", "Timeline pigeon c1 0 1", "RotateHook hook_1 24h0m0s", "ChangeHook hook_1 on false"}
	if got := b.Calls(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestHookThatEnded(t *testing.T) {
	b := answering()
	s := shell{dir: serve(t, b)}
	ended := someHooks()
	ended.Hooks[0].Expires, ended.Hooks[0].Limit = time.Now().Add(-time.Minute), platforms.Rate{N: 2, Per: time.Minute, Burst: 2}
	b.SetComing(controltest.Coming{Hooks: ended})
	if out := s.good(t, "hooks", "show", "hook_1"); !strings.Contains(out, "ended") || !strings.Contains(out, "2 in 1m\n") {
		t.Error(out)
	}
}
