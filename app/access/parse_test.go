package access_test

import (
	"strings"
	"testing"

	"github.com/postern/postern/app/access"
)

func TestParse(t *testing.T) {
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) {
			for _, s := range []string{string(w.ada), " " + string(w.ada) + "\n", `"` + string(w.ada) + `"`, "`" + string(w.ada) + "`", "“" + string(w.ada) + "”", "\u00a0" + string(w.ada)} {
				if got, err := access.ParseUser(s, w.forms); err != nil || got != w.ada {
					t.Errorf("%q: %q, %v", s, got, err)
				}
			}
			for _, at := range []conversation{w.group, w.channel, w.foreign} {
				if got, err := access.ParseConversation(" "+string(at), w.forms); err != nil || got != at {
					t.Errorf("%q: %q, %v", at, got, err)
				}
			}
			bad := append([]string{"", " ", "*", "@ada", "#general", "Ada", "Ada Lovelace", "@everyone", "ALL", "аda", string(w.ada) + "\u200b", string(w.ada) + " " + string(w.bob), "\"" + string(w.ada),
				string(w.ada) + "\x00", strings.Repeat("9", 500), "4711@example.org"}, w.wrongUsers...)
			for _, s := range bad {
				got, err := access.ParseUser(s, w.forms)
				refused(t, s, string(got), err, "Look under Profile")
			}
			for _, s := range append([]string{"", "@ada", "#general", "*", "Family"}, w.wrongPlaces...) {
				got, err := access.ParseConversation(s, w.forms)
				refused(t, s, string(got), err, "Look under Details")
			}
		})
	}
}

func refused(t *testing.T, s, got string, err error, help string) {
	t.Helper()
	if err == nil || got != "" {
		t.Errorf("%q was read as %q", s, got)
		return
	}
	if words := err.Error(); !strings.HasSuffix(words, help) || strings.ContainsAny(words, "!\n\x00\u200b") || len(words) > 300 || words[:1] == strings.ToUpper(words[:1]) && words[0] < 0x80 {
		t.Errorf("%q: %q", s, words)
	}
}

func TestParseSays(t *testing.T) {
	f := worlds[0].forms
	for s, want := range map[string]string{
		"@ada":       "“@ada” is a name, not an id. A name can change, and somebody else can take it. Enter the user's id. Look under Profile",
		"":           "there is no id. Enter the user's id. Look under Profile",
		"*":          "there is no rule for everybody. Enter the user's id. Look under Profile",
		"-1001":      "the id -1001 is a conversation's. Enter the id of a user. Look under Profile",
		"1087968824": "the id 1087968824 is nobody's own: the platform uses it for many. Enter the id of one user. Look under Profile",
		"12ab":       "“12ab” is not the id of a user on this platform. Copy the whole id again. Look under Profile",
	} {
		if _, err := access.ParseUser(s, f); err == nil || err.Error() != want {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, err := access.ParseConversation("4711", f); err == nil || err.Error() != "the id 4711 is a user's. Enter the id of a group or channel. Look under Details" {
		t.Error(err)
	}
	if _, err := access.ParseUser("4711", access.Forms{}); err == nil || err.Error() != "this platform gives no id of a user that lasts, so no rule can be for one" {
		t.Error(err)
	}
	if got, err := access.ParseUser("4711", forms(`[0-9]`, `x`)); err == nil {
		t.Errorf("an expression that matches a part was enough for %q", got)
	}
}

// FuzzParse proves that what is read can stand in a rule, and is in what was
// pasted.
func FuzzParse(f *testing.F) {
	f.Add("4711")
	f.Add("“@ada”")
	f.Fuzz(func(t *testing.T, s string) {
		for _, w := range worlds {
			u, err := access.ParseUser(s, w.forms)
			if err == nil {
				if !strings.Contains(s, string(u)) {
					t.Fatalf("%q from %q", u, s)
				}
				if err := one(u, "", access.Member).Validate(); err != nil {
					t.Fatal(err)
				}
			}
			if c, err := access.ParseConversation(s, w.forms); err == nil {
				if err := one("1", c, access.Member).Validate(); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
