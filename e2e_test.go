package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/all"
	"github.com/postern/postern/platforms/demo"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

const (
	testToken      = "700000900:AAE2e_test-Token_that-must_stay-secr"
	testPassphrase = "correct horse battery"
)

// emulate starts a Bot API server for testToken's bot.
func emulate(t testing.TB, token string) *telegramtest.Server {
	t.Helper()
	s, err := telegramtest.New(token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// eventually tries ok until it holds or half a minute is over.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	patiently(t, 30*time.Second, what, ok)
}

// patiently tries ok until it holds or the patience is over.
func patiently(t testing.TB, patience time.Duration, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// account adds the emulator's bot.
func (h *house) account(c *client.Client, s *telegramtest.Server, token string) api.Account {
	h.t.Helper()
	return h.add(c, "telegram", map[string]string{"token": token, "server": s.URL()})
}

// becomes waits until the account has a status.
func becomes(t testing.TB, c *client.Client, id platforms.AccountID, want api.Status) (a api.Account) {
	t.Helper()
	var last api.Status
	defer func() {
		if t.Failed() {
			t.Logf("the last status was %q", last)
		}
	}()
	eventually(t, string(want), func() bool {
		snap, err := c.Snapshot(t.Context())
		for _, v := range snap.Accounts {
			if v.ID == id {
				a, last = v, v.Status
			}
		}
		return err == nil && last == want
	})
	return a
}

// everything is a conversation's whole timeline.
func everything(t testing.TB, c *client.Client, id platforms.AccountID, chat int64) (all []api.Entry) {
	t.Helper()
	var before uint64
	for {
		page, err := c.Timeline(t.Context(), id, platforms.ConversationID(strconv.FormatInt(chat, 10)), before, 200)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(page, all...)
		before = page[0].Seq
	}
}

func heard(t testing.TB, c *client.Client, id platforms.AccountID, chat int64) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, e := range everything(t, c, id, chat) {
		if !e.Outgoing {
			n[e.Text]++
		}
	}
	return n
}

func TestMessagesBothWays(t *testing.T) {
	s := emulate(t, testToken)
	h := newHouse(t)
	c := h.start()
	a := h.account(c, s, testToken)
	becomes(t, c, a.ID, api.Connected)
	s.Say(telegramtest.Direct, telegramtest.Person, "hello from Ada")
	eventually(t, "the message is stored", func() bool { return heard(t, c, a.ID, telegramtest.Direct)["hello from Ada"] == 1 })
	chat := strconv.FormatInt(telegramtest.Direct, 10)

	out, err := h.command("inbox", string(a.ID), chat).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("hello from Ada")) {
		t.Errorf("inbox: %v\n%s", err, out)
	}
	if out, err := h.command("send", string(a.ID), chat, "hello to Ada", "--wait").CombinedOutput(); err != nil {
		t.Fatalf("send: %v\n%s", err, out)
	}
	if sent := s.Sent(); len(sent) != 1 || sent[0].Text != "hello to Ada" || sent[0].Chat != telegramtest.Direct {
		t.Errorf("the server got %+v", sent)
	}

	t.Run("files", func(t *testing.T) {
		data := bytes.Repeat([]byte("0123456789"), 20_000)
		s.SendFile(telegramtest.Direct, telegramtest.Person, "document", "plans", telegramtest.File{Name: "plans.bin", MediaType: "application/octet-stream", Data: data})
		var seq uint64
		eventually(t, "the file is stored", func() bool {
			for _, e := range everything(t, c, a.ID, telegramtest.Direct) {
				if len(e.Attachments) == 1 && !e.Outgoing {
					seq = e.Seq
				}
			}
			return seq != 0
		})
		_, body, err := c.Attachment(t.Context(), seq, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, data) {
			t.Errorf("got %d bytes, want %d: %v", len(got), len(data), err)
		}
		name := filepath.Join(t.TempDir(), "answer.bin")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := h.command("send", string(a.ID), chat, "--file", name, "as asked", "--wait").CombinedOutput(); err != nil {
			t.Fatalf("send: %v\n%s", err, out)
		}
		sent := s.Sent()
		if last := sent[len(sent)-1]; last.File == nil || !bytes.Equal(last.File.Data, data) {
			t.Errorf("the server did not get the file: %s %q", last.Method, last.Text)
		}
	})
	t.Run("a second start", func(t *testing.T) {
		out, err := h.command("--headless", "--passphrase-file", h.pass).CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("already running")) {
			t.Errorf("%v\n%s", err, out)
		}
	})
	h.stop()
}

func TestTroubleIsExplained(t *testing.T) {
	s := emulate(t, testToken)
	h := newHouse(t)
	c := h.start()
	a := h.account(c, s, testToken)
	becomes(t, c, a.ID, api.Connected)
	for _, v := range []struct {
		name        string
		begin, mend func()
		want        api.Status
	}{
		{"another program polls", func() { s.SetRival(true) }, func() { s.SetRival(false) }, api.Conflict},
		{"the token is revoked", func() { s.Revoke(); s.Disconnect() }, s.Grant, api.BadCredentials},
	} {
		t.Run(v.name, func(t *testing.T) {
			v.begin()
			got := becomes(t, c, a.ID, v.want)
			t.Logf("%s: %s", got.Status, got.Note)
			if !strings.HasSuffix(got.Note, ".") || strings.Contains(got.Note, testToken) {
				t.Errorf("the note is %q", got.Note)
			}
			v.mend()
			if err := c.Resume(t.Context(), a.ID); err != nil {
				t.Fatal(err)
			}
			becomes(t, c, a.ID, api.Connected)
		})
	}
	t.Run("the network goes away", func(t *testing.T) {
		s.Say(telegramtest.Direct, telegramtest.Person, "before")
		s.Down()
		for i := range 20 {
			s.Say(telegramtest.Direct, telegramtest.Person, fmt.Sprint("during ", i))
		}
		s.Up()
		eventually(t, "all is stored once", func() bool {
			got := heard(t, c, a.ID, telegramtest.Direct)
			for i := range 20 {
				if got[fmt.Sprint("during ", i)] != 1 {
					return false
				}
			}
			return got["before"] == 1
		})
	})
	printed := h.output
	h.stop()
	noSecrets(t, h.dir, printed.String())
}

func TestWrongToken(t *testing.T) {
	const other = "700000900:AAEanother-Token_that-isnt-known-here"
	s := emulate(t, other)
	h := newHouse(t)
	c := h.start()
	a, err := c.AddAccount(t.Context(), api.AccountDraft{Platform: "telegram", Values: map[string]string{"token": testToken, "server": s.URL()}})
	var note string
	if err != nil {
		note = err.Error()
	} else {
		note = becomes(t, c, a.ID, api.BadCredentials).Note
	}
	t.Log(note)
	if !strings.Contains(note, "token") || strings.Contains(note, testToken) {
		t.Errorf("said %q", note)
	}
	printed := h.output
	h.stop()
	noSecrets(t, h.dir, printed.String()+note)
}

// noSecrets looks for the token and the passphrase in every file and in text.
func noSecrets(t *testing.T, dir, text string) {
	t.Helper()
	look := func(where string, data []byte) {
		for _, secret := range []string{testToken, testPassphrase} {
			for _, form := range []string{secret, base64.StdEncoding.EncodeToString([]byte(secret)),
				base64.RawURLEncoding.EncodeToString([]byte(secret)), url.QueryEscape(secret), url.PathEscape(secret)} {
				if bytes.Contains(data, []byte(form)) {
					t.Errorf("%s holds a secret", where)
				}
			}
		}
	}
	look("the output", []byte(text))
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		look(path, data)
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("looked through %d files: %v", files, err)
	}
}

// TestNothingListens has the real program hold an account of every platform, and
// asks the kernel what it listens on.
func TestNothingListens(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	stage, err := demo.New() // a server of each platform, in this process
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stage.Close() })
	h := newHouse(t)
	c := h.start()
	for _, a := range stage.Accounts() {
		want := api.Connected
		for _, p := range all.All() {
			if p.Name == a.Platform && p.Inbound == platforms.Webhook {
				want = api.Blocked // it would have to be reached, and nobody has agreed to that
			}
		}
		becomes(t, c, h.add(c, a.Platform, a.Values).ID, want)
	}
	if got := listening(t, os.Getpid()); got == 0 {
		t.Error("the emulator's own listener was not found, so this test sees nothing")
	}
	if got := listening(t, h.cmd.Process.Pid); got != 0 {
		t.Errorf("%d TCP sockets listen", got)
	}
}

// listening counts a process's listening TCP sockets by the kernel's table.
func listening(t *testing.T, pid int) (n int) {
	t.Helper()
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" { // TCP_LISTEN
				inodes["socket:["+f[9]+"]"] = true
			}
		}
	}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(fds) == 0 {
		t.Fatalf("no descriptors of %d: %v", pid, err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && inodes[to] {
			n++
		}
	}
	return n
}

func TestStartsThatFail(t *testing.T) {
	for _, v := range []struct {
		name  string
		spoil func(t *testing.T, h *house)
	}{
		{"no passphrase file", func(t *testing.T, h *house) { h.pass += "-missing" }},
		{"passphrase file for all to read", func(t *testing.T, h *house) {
			if err := os.Chmod(h.pass, 0o644); err != nil { //nolint:gosec // that's the point
				t.Fatal(err)
			}
		}},
		{"wrong passphrase", func(t *testing.T, h *house) {
			if err := os.WriteFile(h.pass, []byte("something else\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"data folder for reading only", func(t *testing.T, h *house) {
			if os.Getuid() == 0 {
				t.Skip("root writes anywhere")
			}
			if err := os.Chmod(h.dir, 0o500); err != nil { //nolint:gosec // that's the point
				t.Fatal(err)
			}
		}},
		{"data folder is a file", func(t *testing.T, h *house) {
			h.dir = filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(h.dir, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(v.name, func(t *testing.T) {
			h := newHouse(t)
			v.spoil(t, h)
			cmd := h.command("--headless", "--passphrase-file", h.pass)
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err == nil || cmd.ProcessState.ExitCode() != 1 {
				t.Errorf("ended with %v", err)
			}
			text := strings.TrimSpace(string(out))
			if text == "" || strings.Contains(text, "\n") || strings.Contains(text, "panic") || strings.Contains(text, testPassphrase) {
				t.Errorf("said %q", text)
			}
		})
	}
}
