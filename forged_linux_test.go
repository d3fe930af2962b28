package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/platforms"
)

// TestEditedAcknowledgements starts from an acknowledgement that a person gave,
// and edits the folder as another program of the same user could. The first
// case edits nothing and opens: the others would too, were the edit not seen.
func TestEditedAcknowledgements(t *testing.T) {
	bind := freeBind(t)
	_, port, _ := strings.Cut(bind, ":")
	template, c := hooked(t, bind)
	other := template.add(c, "webhook", map[string]string{"sender": "github", "secret": hookSecret}).ID
	otherBind := freeBind(t)
	if _, err := c.SetListener(t.Context(), other, api.Listener{Bind: otherBind, Public: "https://bot.example.org"}); err != nil {
		t.Fatal(err)
	}
	becomes(t, c, other, api.Blocked)
	var answers [][2]string
	for range 7 {
		answers = append(answers, [2]string{"[y/n] ", "n"})
	}
	answers = append(answers, [2]string{"[1/30/90] ", "1"}, [2]string{"to keep it closed: ", "bot.example.org"})
	atTerminal(t, template.command("doors", "open", "webhook"), answers)
	becomes(t, c, "webhook", api.Connected)
	template.stop()

	type consents = map[platforms.AccountID]guard.Consent
	edited := func(edit func(consents)) func(*house) {
		return func(h *house) {
			h.rewrite("acknowledgements", func(raw []byte) []byte {
				var m consents
				if err := json.Unmarshal(raw, &m); err != nil || len(m["webhook"].Seal) == 0 {
					h.t.Fatalf("%v: no acknowledgement in %s", err, raw)
				}
				edit(m)
				out, err := json.Marshal(m)
				if err != nil {
					h.t.Fatal(err)
				}
				return out
			})
		}
	}
	const unsealed = "does not bear the seal"
	for name, f := range map[string]struct {
		edit func(*house)
		said string // in the audit
		open bool
	}{
		"nothing":     {edit: edited(func(consents) {}), open: true},
		"no seal":     {edit: edited(func(m consents) { k := m["webhook"]; k.Seal = nil; m["webhook"] = k }), said: unsealed},
		"a later end": {edit: edited(func(m consents) { k := m["webhook"]; k.Ends = k.Ends.Add(24 * time.Hour); m["webhook"] = k }), said: unsealed},
		"under an empty key": {edit: edited(func(m consents) {
			k := m["webhook"]
			k.Seal = nil
			b, _ := json.Marshal(k)
			mac := hmac.New(sha256.New, nil)
			mac.Write([]byte("postern acknowledgement 1\x00"))
			mac.Write(b)
			k.Seal = mac.Sum(nil)
			m["webhook"] = k
		}), said: unsealed},
		"moved to another account": {edit: edited(func(m consents) { m[other] = m["webhook"]; delete(m, "webhook") }), said: unsealed},
		"another address in the settings": {edit: func(h *house) {
			h.rewrite("doors", func(raw []byte) []byte {
				if !bytes.Contains(raw, []byte(bind)) {
					h.t.Fatalf("no %s in %s", bind, raw)
				}
				return bytes.ReplaceAll(raw, []byte(bind), []byte("0.0.0.0:"+port))
			})
		}},
		"the journal of before it was closed": {edit: func(h *house) {
			path := filepath.Join(h.dir, "journal.db")
			before, err := os.ReadFile(path)
			if err != nil {
				h.t.Fatal(err)
			}
			becomes(h.t, h.start(), "webhook", api.Connected)
			if out, err := h.command("doors", "close", "--all").CombinedOutput(); err != nil {
				h.t.Fatalf("%v\n%s", err, out)
			}
			h.stop()
			if err := os.WriteFile(path, before, 0o600); err != nil {
				h.t.Fatal(err)
			}
		}, said: unsealed},
	} {
		t.Run(name, func(t *testing.T) {
			h := &house{t: t, dir: t.TempDir(), pass: template.pass, bin: template.bin}
			t.Cleanup(h.kill)
			if err := copyFolder(h.dir, template.dir); err != nil {
				t.Fatal(err)
			}
			f.edit(h)
			c := h.start()
			becomes(t, c, other, api.Blocked)
			want, open := api.Blocked, 0
			if f.open {
				want, open = api.Connected, 1
			}
			becomes(t, c, "webhook", want)
			if got := sockets(t, h.cmd.Process.Pid); len(got) != open {
				t.Errorf("listening: %v", got)
			}
			out, err := h.command("audit", "list").CombinedOutput()
			if err != nil || bytes.Contains(out, []byte(unsealed)) != (f.said != "") {
				t.Errorf("audit: %v\n%s", err, out)
			}
		})
	}
}

// rewrite changes one of the journal's settings while Postern is stopped.
func (h *house) rewrite(key string, edit func([]byte) []byte) {
	h.t.Helper()
	db, err := bolt.Open(filepath.Join(h.dir, "journal.db"), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte("settings"))
		return b.Put([]byte(key), edit(bytes.Clone(b.Get([]byte(key)))))
	}); err != nil {
		h.t.Fatal(err)
	}
}

// copyFolder copies a data folder for its owner alone: os.CopyFS lets others
// read, and Postern does not start with a vault that others can read.
func copyFolder(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(to, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			return os.Chmod(path, 0o700) //nolint:gosec // a folder
		}
		return os.Chmod(path, 0o600)
	})
}
