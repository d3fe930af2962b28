package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

func TestClients(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	if out := s.good(t, "clients"); !strings.Contains(out, "postern clients add") {
		t.Error(out)
	}
	out, warning, code := s.run(t, "clients", "add", "ci", "--scope", "send:pigeon/c1", "--scope", "read:pigeon")
	token := strings.TrimSuffix(out, "\n")
	if code != cli.OK || !clients.IsToken(token) {
		t.Fatalf("%d %q %q", code, out, warning)
	}
	if !strings.Contains(warning, "this once") || strings.Contains(warning, token) {
		t.Errorf("%q", warning)
	}
	golden(t, s.good(t, "clients", "list"), `
NAME  MADE              LAST USED  ENDS  SENDS A MINUTE  SCOPES
ci    2026-03-04 05:06                   60              send:pigeon/c1 read:pigeon
`)
	var list []api.Client
	raw := s.good(t, "clients", "list", "--json")
	if err := json.Unmarshal([]byte(raw), &list); err != nil || len(list) != 1 || strings.Contains(raw, "sum") || strings.Contains(raw, token) {
		t.Errorf("%v %s", err, raw)
	}
	out, _, code = s.run(t, "clients", "rotate", "CI", "--json")
	var made api.ClientMade
	if err := json.Unmarshal([]byte(out), &made); err != nil || code != cli.OK || !clients.IsToken(made.Token) || made.Token == token {
		t.Errorf("%d %v", code, err)
	}
	if _, _, code := s.run(t, "clients", "change", "ci", "--without", "read"); code != cli.Failed {
		t.Errorf("it lost what it did not have: %d", code)
	}
	s.good(t, "clients", "change", "ci", "--scope", "status", "--without", "read:pigeon", "--per-minute", "5")
	if c := b.Clients(); len(c) != 1 || scope(c[0]) != "send:pigeon/c1 status" {
		t.Errorf("%+v", c)
	}
	s.good(t, "clients", "change", "ci", "--without", "send:pigeon/c1")
	s.good(t, "clients", "change", "ci", "--name", "editor")
	if c := b.Clients(); len(c) != 1 || c[0].Name != "editor" || c[0].PerMinute != 5 || scope(c[0]) != "status" {
		t.Errorf("%+v", c)
	}
	s.good(t, "clients", "revoke", "editor")
	if c := b.Clients(); len(c) != 0 {
		t.Errorf("%+v", c)
	}
	for _, bad := range [][]string{{"clients", "add", "x"}, {"clients", "add", "x", "--scope", "all"}, {"clients", "add", "--scope", "read"}, {"clients", "add", "x", "--scope", "read", "--expires", "soon"}} {
		if _, _, code := s.run(t, bad...); code != cli.Usage {
			t.Errorf("%v: code %d", bad, code)
		}
	}
	if _, err, code := s.run(t, "clients", "revoke", "nobody"); code != cli.Failed || !strings.Contains(err, "nobody") {
		t.Errorf("%d %q", code, err)
	}
}

func scope(c api.Client) string {
	var out []string
	for _, s := range c.Scopes {
		out = append(out, s.String())
	}
	return strings.Join(out, " ")
}

func TestHeldToAClient(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	out, _, _ := s.run(t, "clients", "add", "ci", "--scope", "send:pigeon/c1")
	token := strings.TrimSpace(out)
	try := func(t *testing.T, flags ...string) {
		t.Helper()
		s.good(t, append([]string{"send", "pigeon", "c1", "hello"}, flags...)...)
		for _, args := range [][]string{{"inbox"}, {"settings", "get"}, {"clients", "list"}, {"doors"}, {"send", "pigeon", "c2", "hello"}} {
			if _, err, code := s.run(t, append(args, flags...)...); code != cli.Failed || !strings.Contains(err, `"ci"`) {
				t.Errorf("%v: %d %q", args, code, err)
			}
		}
		out := s.good(t, append([]string{"status"}, flags...)...)
		if strings.Contains(out, "/data") || strings.Contains(out, "keyring") || strings.Contains(out, "4711") {
			t.Error(out)
		}
	}
	t.Run("by name", func(t *testing.T) { try(t, "--client", "ci") })
	t.Run("by token", func(t *testing.T) { t.Setenv("POSTERN_TOKEN", token); try(t) })
	t.Run("by both", func(t *testing.T) { t.Setenv("POSTERN_TOKEN", token); try(t, "--client", "ci") })
	t.Run("by what is none", func(t *testing.T) {
		before := len(b.Calls())
		for _, none := range []string{"", "pst_", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", token + "\n"} {
			t.Setenv("POSTERN_TOKEN", none)
			if _, err, code := s.run(t, "settings", "get"); code != cli.Usage || !strings.Contains(err, "POSTERN_TOKEN") || none != "" && strings.Contains(err, none) {
				t.Errorf("%q: %d %q", none, code, err)
			}
		}
		t.Setenv("POSTERN_TOKEN", "pst_"+strings.Repeat("a", 32))
		if _, err, code := s.run(t, "settings", "get"); code != cli.Failed || !strings.Contains(err, "revoked") {
			t.Errorf("%d %q", code, err)
		}
		if len(b.Calls()) != before {
			t.Error("something was asked all the same")
		}
	})
	for _, name := range []string{"nobody", ""} {
		if _, _, code := s.run(t, "settings", "get", "--client="+name); code == cli.OK {
			t.Errorf("the client %q may do everything", name)
		}
	}
}
