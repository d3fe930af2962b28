package cli_test

import (
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// saved is the last draft if an account was saved from it.
func saved(b *controltest.Backend) (api.AccountDraft, bool) {
	for _, c := range b.Calls() {
		if strings.HasPrefix(c, "AddAccount") || strings.HasPrefix(c, "ChangeAccount") {
			drafts := b.Drafts()
			return drafts[len(drafts)-1], true
		}
	}
	return api.AccountDraft{}, false
}

func TestAddFromInput(t *testing.T) {
	for name, in := range map[string]string{"the value alone": token + "\n", "a pair": "token=" + token + "\n"} {
		t.Run(name, func(t *testing.T) {
			b := controltest.New()
			b.Good = token
			b.Checked.Identity.Problems = []platforms.Problem{{Code: "privacy", Text: "It hears commands only."}}
			s := shell{dir: serve(t, b), in: strings.NewReader(in)}
			golden(t, s.good(t, "accounts", "add", "pigeon", "--name", "My bot", "--set", "loft=north", "--secret-stdin"), `
Bot: Coo @coo
Exposure: ↗ outbound socket: Postern dials out, nothing on this computer listens for it
Note: It hears commands only.
The check succeeded.
Saved as pigeon-2 (My bot).
`)
			d, ok := saved(b)
			if !ok || d.Values["token"] != token || d.Values["loft"] != "north" || d.Name != "My bot" || d.Platform != "pigeon" {
				t.Errorf("saved: %v", ok)
			}
		})
	}
	t.Run("as JSON", func(t *testing.T) {
		b := controltest.New()
		out, _, code := shell{dir: serve(t, b), in: strings.NewReader(token)}.run(t, "accounts", "add", "pigeon", "--secret-stdin", "--json")
		if code != cli.OK || !strings.HasPrefix(out, "{") || strings.Contains(out, token) {
			t.Errorf("%d %s", code, out)
		}
	})
	t.Run("several secrets", func(t *testing.T) {
		b := controltest.New()
		b.Change(func(s *controltest.State) {
			(*s.Platforms)[0].Fields = append((*s.Platforms)[0].Fields, api.Field{Key: "app", Label: "App secret", Secret: true, Required: true})
		})
		dir := serve(t, b)
		shell{dir: dir, in: strings.NewReader("token=" + token + "\n\napp=a=b\n")}.good(t, "accounts", "add", "pigeon", "--secret-stdin")
		if d, _ := saved(b); d.Values["token"] != token || d.Values["app"] != "a=b" {
			t.Error("the values differ")
		}
		for _, in := range []string{token, "other=" + token, token + "=", ""} {
			if out, errs, code := (shell{dir: dir, in: strings.NewReader(in)}).run(t, "accounts", "add", "pigeon", "--secret-stdin"); code != cli.Usage || strings.Contains(out+errs, token) {
				t.Errorf("code %d: %s%s", code, out, errs)
			}
		}
	})
}

func TestAddFailedCheck(t *testing.T) {
	b := controltest.New()
	b.Good = "another"
	dir := serve(t, b)
	out, errs, code := shell{dir: dir, in: strings.NewReader(token)}.run(t, "accounts", "add", "pigeon", "--secret-stdin", "--yes")
	if code != cli.Failed || !strings.Contains(errs, "The token is refused") || !strings.Contains(errs, "nothing was saved") || strings.Contains(out+errs, token) {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
	if _, ok := saved(b); ok {
		t.Error("it was saved")
	}
	if out, errs, code = (shell{dir: dir, in: strings.NewReader(token)}).run(t, "accounts", "add", "pigeon", "--secret-stdin", "--force"); code != cli.OK {
		t.Errorf("forced: code %d: %s%s", code, out, errs)
	}
	if _, ok := saved(b); !ok {
		t.Error("it was not saved by force")
	}
}

func TestAddWithoutSecret(t *testing.T) {
	b := controltest.New()
	if _, errs, code := (shell{dir: serve(t, b)}).run(t, "accounts", "add", "pigeon"); code != cli.Usage || !strings.Contains(errs, "--secret-stdin") {
		t.Errorf("code %d: %s", code, errs)
	}
	if len(b.Drafts()) > 0 {
		t.Error("something was checked")
	}
}

func TestAddRefusesSecretArgument(t *testing.T) {
	b := controltest.New()
	_, errs, code := shell{dir: serve(t, b)}.run(t, "accounts", "add", "pigeon", "--set", "token="+token)
	if code != cli.Usage || !strings.Contains(errs, "is a secret") || strings.Contains(errs, token) {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestChange(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) { s.Snapshot.Accounts[0].Ephemeral = true })
	shell{dir: serve(t, b), in: strings.NewReader(token)}.good(t, "accounts", "change", "pigeon", "--secret-stdin")
	d, ok := saved(b)
	if !ok || d.Values["token"] != token || len(d.Values) != 1 || !d.Ephemeral {
		t.Errorf("saved %v: %d values, ephemeral %v", ok, len(d.Values), d.Ephemeral)
	}
}
