package app

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// The secrets of this test. The second one belongs to an account that is paused
// and was never connected in this run, the third was replaced.
const (
	used    = `tok-us"ed/+=%&value-0123`
	unused  = `tok-never\read<value>4567`
	former  = "tok-former-value-89ab"
	runs    = "key-of-a-responder-cdef"
	private = "what Ann wrote about soup"
)

// written is a secret in every form that a program gives one.
func written(v string) []string {
	j, _ := json.Marshal(v)
	out := []string{v, string(j), url.QueryEscape(v), url.PathEscape(v), strconv.Quote(v), strconv.Quote(string(j)), hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v)))}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		out = append(out, e.EncodeToString([]byte(v)))
	}
	return out
}

// littered is a world whose log, notes, settings and notices are full of secrets,
// names and messages.
func littered(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, responder{f: func(context.Context, Delivery) ([]platforms.Message, error) {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "It said: " + private}
	}})
	st, _, err := store.Open(w.dir, w.key(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// Not sealed, so not trusted; its secret is in the vault all the same.
	untrusted := kept{Value: json.RawMessage(`[{"id":"command-1","kind":"command","label":"Zoë's script","settings":{"program":"/opt/bakery/run"},"secrets":["key"]}]`)}
	if err := errors.Join(
		st.PutSetting(t.Context(), settingResponders, untrusted),
		w.vault.Set(t.Context(), secretName("responder:command-1", "key"), platforms.NewSecret(runs)),
		st.PutAccount(t.Context(), store.Account{ID: "paused-one", Platform: "fake", Name: "Zoë's Bakery", Paused: true, Secrets: []string{"token"},
			Settings: map[string]string{"server": "https://chat.bakery.example/x?token=" + url.QueryEscape(used)}, Former: map[string]time.Time{"token": time.Now().Add(time.Hour)}}),
		st.PutAccount(t.Context(), store.Account{ID: "unknown-one", Platform: "elsewhere", Name: "Old " + unused, Secrets: []string{"token"}}),
		w.vault.Set(t.Context(), secretName("paused-one", "token"), platforms.NewSecret(unused)),
		w.vault.Set(t.Context(), formerName("paused-one", "token"), platforms.NewSecret(former)),
		st.Close()); err != nil {
		t.Fatal(err)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&log, "level=INFO msg=line n=%d\n", i)
	}
	for _, v := range []string{used, unused, former, runs} {
		for i, form := range written(v) {
			fmt.Fprintf(&log, "level=WARN msg=%q account=paused-one form=%d raw=%s\n", form, i, form)
		}
		fmt.Fprintf(&log, "Authorization: Basic %s\n", base64.StdEncoding.EncodeToString([]byte("bot:"+v)))
	}
	fmt.Fprintf(&log, "level=WARN msg=\"a responder failed\" account=fake responder=test seq=1 err=%q\n", "It said: "+private)
	fmt.Fprintf(&log, "open %s: denied\nran /opt/bakery/run of Zoë's script for u-5550100\nfor Zoë's Bakery at chat.bakery.example\n", filepath.Join(home, "secret-folder"))
	for name, text := range map[string]string{
		"postern.log": log.String(), "postern-2026-01-02T03-04-05.000.log": "older " + unused + "\n",
		"postern-" + hex.EncodeToString([]byte(former)) + ".log": "oldest " + used + "\n",
	} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.change = func(p *platforms.Platform) { p.IDs = platforms.IDs{User: "^u[c0-9-]+$"} }
	a := w.start()
	if _, err := a.AddAccount(t.Context(), api.AccountDraft{Platform: "fake", Name: "Mine", Values: map[string]string{"token": used, "server": "see " + used}}); err != nil {
		t.Fatal(err)
	}
	for _, d := range []api.RuleDraft{{Account: "paused-one", User: "u-5550100", Role: access.Owner, Name: "Zoë herself"}, {Account: "fake", User: "uc-9876543", Role: access.Owner}} {
		if _, err := a.Allow(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	w.fake.say("c-9876543", private, time.Now())
	w.until("the message was given to the responder", func() bool { return a.Responders()[0].Error != "" })
	for i, form := range written(used) {
		a.notice(t.Context(), fmt.Sprint("n", i), true, "It said "+form)
	}
	c, err := a.account("paused-one")
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	c.setLocked(api.Paused, "The note of Zoë's Bakery has "+base64.URLEncoding.EncodeToString([]byte(unused)), time.Time{})
	c.hears.Note = "hears " + url.QueryEscape(unused)
	c.mu.Unlock()
	return w
}

// key is the journal's, made as New makes it.
func (w *world) key() [32]byte {
	w.t.Helper()
	key, _, err := w.vault.Key(w.t.Context(), journalKey)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

// unzip is every byte of a bundle that means something: names, contents, extras.
func unzip(t *testing.T, s api.Support) map[string]string {
	t.Helper()
	var file bytes.Buffer
	if err := client.WriteSupport(&file, s, time.Now()); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{"": r.Comment}
	for _, f := range r.File {
		body, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = f.Name + "\n" + f.Comment + string(f.Extra) + "\n" + string(raw)
	}
	return out
}

func TestABundleHoldsNothingPrivate(t *testing.T) {
	w := littered(t)
	s, err := w.app.Support(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	home, _ := os.UserHomeDir()
	files := unzip(t, s)
	for name, text := range files {
		for _, v := range []string{used, unused, former, runs} {
			for _, form := range written(v) {
				if strings.Contains(text, form) {
					t.Errorf("%s holds %q", name, form)
				}
			}
			if basic := base64.StdEncoding.EncodeToString([]byte("bot:" + v)); strings.Contains(text, basic[6:len(basic)-4]) {
				t.Errorf("%s holds a secret in a sign-in", name)
			}
		}
		for _, gone := range []string{private, "Zoë", "Bakery", "bakery", "paused-one", "unknown-one", "c-9876543", "u-5550100", "uc-9876543", "/opt/", filepath.Join(home, "secret-folder"), w.dir} {
			if strings.Contains(text, gone) {
				t.Errorf("%s holds %q", name, gone)
			}
		}
	}
	for name, want := range map[string]string{
		"doctor.json": `"id": "clock"`, "system.json": `"version": "test"`, "accounts.json": `"settings_set"`, "settings.json": `"keep_bytes": 1073741824`,
		"journal.json": `"entries": 1`, "answers.json": `"rules": 2`, "notices.json": "It said [secret]", "postern.log": "form=3",
	} {
		if !strings.Contains(files[name], want) {
			t.Errorf("%s lacks %q:\n%.2000s", name, want, files[name])
		}
		if strings.HasSuffix(name, ".json") {
			_, raw, _ := strings.Cut(files[name], "\n")
			_, raw, _ = strings.Cut(raw, "\n")
			if !json.Valid([]byte(raw)) {
				t.Errorf("%s is no JSON:\n%s", name, raw)
			}
		}
	}
	if !strings.Contains(files["postern.log"], "responder=test seq=1 err=[left out]") || !strings.Contains(files["doctor.json"], "What it said is left out") {
		t.Error("it does not say that a responder failed")
	}
	if n := strings.Count(files["postern.log"], "\n"); n < 1900 || n > 2002 {
		t.Errorf("%d lines of the log", n)
	}
	again, err := w.app.Support(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if a, b := firstAccount(s), firstAccount(again); a == "" || a != b {
		t.Errorf("an account is called %q, then %q", a, b)
	}
}

// TestABundleNamesNoWayIn: neither hooks, relays and their servers nor what was
// registered, in whatever was logged of them.
func TestABundleNamesNoWayIn(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.add()
	const token = "token-of-a-registration-0123"
	relays := `[{"id":"gosmee-1","kind":"gosmee","name":"Bakery's relay","settings":{"server":"https://relay.bakery.example"},"secrets":["channel"],` +
		`"channels":[{"channel":"bakery-orders","account":"fake","public":"https://in.bakery.example/x"}]}]`
	if err := errors.Join(
		w.vault.Set(t.Context(), secretName("relay:gosmee-1", "channel"), platforms.NewSecret(runs)),
		w.vault.Set(t.Context(), secretName("fake/@register", "token"), platforms.NewSecret(token)),
		w.app.store.PutSetting(t.Context(), settingRelays, kept{Value: json.RawMessage(relays)}),
		w.app.store.PutSetting(t.Context(), settingRegisters, kept{Value: json.RawMessage(`{"fake":{"where":"bakery/oven","values":{"base":"https://git.bakery.example"},"secrets":["token"]}}`)}),
	); err != nil {
		t.Fatal(err)
	}
	w.hook(api.HookDraft{Name: "Bakery's hook"})
	w.app.notice(t.Context(), "n", true, "Bakery's hook, Bakery's relay, bakery-orders, relay.bakery.example, in.bakery.example, git.bakery.example, bakery/oven, "+runs+" "+token)
	s, err := w.app.Support(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range unzip(t, s) {
		for _, gone := range []string{"akery", runs, token} {
			if i := strings.Index(text, gone); i >= 0 {
				t.Errorf("%s holds %q", name, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
}

// firstAccount is what a bundle calls its first account.
func firstAccount(s api.Support) string {
	for _, f := range s.Files {
		if f.Name == "accounts.json" {
			var list []accountFact
			if json.Unmarshal([]byte(f.Text), &list) == nil && len(list) > 0 {
				return list[0].Account
			}
		}
	}
	return ""
}

func TestNoBundleWhereASecretCantBeRead(t *testing.T) {
	long := strings.Repeat("x", 250) // the vault takes no name that long
	for name, put := range map[string]func(*world) error{
		"an account's": func(w *world) error {
			return w.app.store.PutAccount(w.t.Context(), store.Account{ID: platforms.AccountID(long), Platform: "fake", Secrets: []string{"token"}})
		},
		"a replaced one": func(w *world) error {
			return w.app.store.PutAccount(w.t.Context(), store.Account{ID: "a", Platform: "fake", Former: map[string]time.Time{long: {}}})
		},
		"a relay's": func(w *world) error {
			return w.app.store.PutSetting(w.t.Context(), settingRelays, kept{Value: json.RawMessage(`[{"id":"` + long + `","secrets":["channel"]}]`)})
		},
		"a registration's": func(w *world) error {
			return w.app.store.PutSetting(w.t.Context(), settingRegisters, kept{Value: json.RawMessage(`{"` + long + `":{"secrets":["token"]}}`)})
		},
		"a responder's": func(w *world) error {
			return w.app.store.PutSetting(w.t.Context(), settingResponders, kept{Value: json.RawMessage(`[{"id":"` + long + `","secrets":["key"]}]`)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.start()
			if s, err := w.app.Support(t.Context()); err != nil || len(s.Files) == 0 {
				t.Fatal(err)
			}
			if err := put(w); err != nil {
				t.Fatal(err)
			}
			var told *api.Error
			if s, err := w.app.Support(t.Context()); !errors.As(err, &told) || len(s.Files) > 0 {
				t.Errorf("%v, %d files", err, len(s.Files))
			}
		})
	}
}

func TestDoctor(t *testing.T) {
	w := newWorld(t, responder{f: func(context.Context, Delivery) ([]platforms.Message, error) { return nil, nil }})
	a := w.start()
	w.add()
	w.until("it is connected", func() bool { return w.account().Status == api.Connected })
	found := map[string]api.Finding{}
	var checks []api.Finding
	done := false
	err := a.Doctor(t.Context(), func(x api.Examination) {
		if x.Checks != nil {
			checks = x.Checks
		}
		if x.Finding != nil {
			found[x.Finding.ID] = *x.Finding
		}
		done = done || x.Done
	})
	if err != nil || !done || len(checks) != len(found) {
		t.Fatalf("%v, done %v, %d of %d", err, done, len(found), len(checks))
	}
	for id, want := range map[string]api.Health{
		"account/fake": api.Healthy, "keyring": api.Healthy, "journal": api.Healthy, "routes": api.Healthy, "responder/test": api.Healthy,
		"clock": api.Unclear, "wake": api.Healthy, "notices": api.Healthy,
	} {
		if f := found[id]; f.State != want || f.Text == "" || f.State != api.Healthy && f.Do == "" {
			t.Errorf("%s: %+v", id, f)
		}
	}
	if _, err := w.vault.Get(t.Context(), doctorSecret); err == nil {
		t.Error("the doctor left its value in the vault")
	}
	before := len(w.vault.Secrets())
	if err := a.Doctor(t.Context(), func(api.Examination) {}); err != nil || len(w.vault.Secrets()) != before {
		t.Errorf("%v; the vault remembers %d secrets, not %d", err, len(w.vault.Secrets()), before)
	}
}
