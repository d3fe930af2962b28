package cli_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

func registering() controltest.Coming {
	return controltest.Coming{
		Form: api.RegistrationForm{Title: "Forge", Address: "https://bot.example.org/hook/1", Setup: platforms.Guide{Steps: []platforms.Step{{Text: "Make a token."}}},
			Fields: []api.Field{{Key: "where", Label: "Repository", Required: true}, {Key: "token", Label: "Access token", Secret: true, Required: true}, {Key: "events", Label: "Events"}}},
		Told: api.Registration{ID: "4711", Where: "octo/cat", Steps: []api.RegistrationStep{{Text: "The hook was made.", Done: true}, {Text: "Waits for a \x1b[31mping."}, {Text: "A test failed.", Bad: true}}},
	}
}

// screen is all that the terminal got, also what is still on its way.
func (p *tty) screen() string {
	_, _ = io.WriteString(p.slave, "\n[end]\n")
	p.await("[end]")
	return p.text()
}

func TestRegister(t *testing.T) {
	b := controltest.New()
	b.SetComing(registering())
	dir, p := serve(t, b), newTTY(t)
	p.people.Go(func() {
		p.typed("Repository: ", "octo/cat", false)
		p.typed("Access token: ", token, true)
		p.typed("deliver to https://bot.example.org/hook/1? [y/N] ", "y", false)
	})
	out, code := person(t, p, dir, "", "inputs", "register", "pigeon", "--set", "events=push")
	if code != cli.OK || !strings.Contains(out, "✓ The hook was made.\n… Waits") || !strings.Contains(out, "! A test failed.") || !strings.Contains(out, "Registered at Forge, octo/cat: 4711.") || strings.Contains(out, "\x1b") {
		t.Fatalf("%d %q %q", code, out, p.screen())
	}
	if got := p.screen(); strings.Contains(got, token) || !strings.Contains(got, "1. Make a token.") {
		t.Errorf("%q", got)
	}
	if got := strings.Join(b.Calls(), "; "); got != "RegisterForm pigeon; Register pigeon 3" {
		t.Errorf("%q", got)
	}
}

func TestRegisterAgain(t *testing.T) {
	b := controltest.New()
	c := registering()
	c.Form.Values, c.Form.Kept, c.Form.Fields[1].Required = map[string]string{"where": "octo/cat"}, []string{"token"}, false
	b.SetComing(c)
	dir, p := serve(t, b), newTTY(t)
	out, code := person(t, p, dir, token, "inputs", "register", "pigeon", "--secret-stdin", "--yes", "--json")
	var r api.Registration
	if err := json.Unmarshal([]byte(out), &r); code != cli.OK || err != nil || r.ID != "4711" || strings.Contains(out+p.screen(), token) {
		t.Fatalf("%d %v %q %q", code, err, out, p.screen())
	}
	if got := strings.Join(b.Calls(), "; "); got != "RegisterForm pigeon; Register pigeon 1" {
		t.Errorf("%q", got)
	}
}

func TestRegisterRefused(t *testing.T) {
	b := controltest.New()
	c := registering()
	c.Form.Why = "Set up a relay first."
	b.SetComing(c)
	dir, p := serve(t, b), newTTY(t)
	if _, code := person(t, p, dir, "", "inputs", "register", "pigeon"); code != cli.Failed || !strings.Contains(p.screen(), "Set up a relay first.") || strings.Contains(p.text(), "Access token:") {
		t.Errorf("%d %q", code, p.text())
	}
	b.SetComing(registering())
	if out, errs, code := (shell{dir: dir}).run(t, "inputs", "register", "pigeon", "--set", "token="+token); code != cli.Usage || strings.Contains(out+errs, token) {
		t.Errorf("%d %s%s", code, out, errs)
	}
	// No person: refused by Postern, whatever is said.
	if _, errs, code := (shell{dir: dir, in: strings.NewReader(token)}).run(t, "inputs", "register", "pigeon", "--secret-stdin", "--set", "where=octo/cat", "--yes"); code != cli.Failed || errs == "" {
		t.Errorf("%d %s", code, errs)
	}
	if got := strings.Join(b.Calls(), "; "); strings.Contains(got, "Register pigeon") {
		t.Errorf("%q", got)
	}
	if out := (shell{dir: dir}).good(t, "inputs", "unregister", "pigeon"); !strings.Contains(out, "no longer delivers") {
		t.Errorf("%q", out)
	}
}
