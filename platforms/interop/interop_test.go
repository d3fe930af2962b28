//go:build interop

package interop

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/telegram"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

const token = "4242424242:AAF-interop_interop_interop_interop"

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// output collects what a program prints, and passes it to the test's log.
type output struct {
	t    *testing.T
	mu   sync.Mutex
	text strings.Builder

	// Of a program that talk started.
	cmd    *exec.Cmd
	stderr bytes.Buffer
	read   chan struct{}
}

func (o *output) copy(r io.Reader) {
	for s := bufio.NewScanner(r); s.Scan(); {
		o.mu.Lock()
		o.text.WriteString(s.Text() + "\n")
		o.mu.Unlock()
		o.t.Log(s.Text())
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// node starts a program in this folder. It is gone when the test ends.
func node(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat("node_modules"); err != nil {
		t.Skip("no node_modules: run `npm ci` in platforms/interop first")
	}
	cmd := exec.Command("node", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// talk starts a program in this folder that a client of the platform's drives,
// and listens to it. kill ends it; wait waits for its own good end.
func talk(t *testing.T, env []string, args ...string) *output {
	t.Helper()
	o := &output{t: t, cmd: node(t, env, args...), read: make(chan struct{})}
	pipe, err := o.cmd.StdoutPipe()
	must(t, err)
	o.cmd.Stderr = &o.stderr
	must(t, o.cmd.Start())
	go func() { defer close(o.read); o.copy(pipe) }()
	return o
}

func (o *output) kill() {
	_ = o.cmd.Process.Kill()
	<-o.read
	_ = o.cmd.Wait()
}

func (o *output) wait() {
	o.t.Helper()
	<-o.read
	if err := o.cmd.Wait(); err != nil {
		o.t.Fatalf("%v\n%s", err, o.stderr.String())
	}
}

// TestTelegramGrammY has grammY's bot talk to our emulator, and checks on the
// emulator's side what it did.
func TestTelegramGrammY(t *testing.T) {
	s, err := telegramtest.New(token)
	must(t, err)
	defer s.Close()
	out := talk(t, []string{"BOT_TOKEN=" + token, "API_ROOT=" + s.URL(), fmt.Sprint("CHAT=", telegramtest.Direct)}, "telegram.mjs")
	defer out.kill()

	ctx := soon(t)
	must(t, s.WaitPolling(ctx))
	asked := s.Post(telegramtest.Said{Chat: telegramtest.Group, User: telegramtest.Person, Thread: telegramtest.Topic, Text: "deploy? 😀"})
	must(t, s.WaitSent(ctx, 1))
	first := s.Sent()[0]
	if first.Text != "Deploy & restart?" || first.ReplyTo != asked || first.Thread != telegramtest.Topic || len(first.Buttons) != 2 {
		t.Errorf("first answer %+v", first)
	}
	s.Click(telegramtest.Group, first.ID, "Yes", telegramtest.Person)
	must(t, s.WaitCalls(ctx, "editMessageText", 1))
	s.Edit(telegramtest.Group, asked, "deploy!")
	data := bytes.Repeat([]byte("tea "), 10_000)
	s.SendFile(telegramtest.Direct, telegramtest.Person, "document", "", telegramtest.File{Name: "plan.txt", MediaType: "text/plain", Data: data})
	must(t, s.WaitSent(ctx, 2))
	s.Member(telegramtest.Basic, telegramtest.Person, "left", "member")
	s.Say(telegramtest.Direct, telegramtest.Person, "bye")
	must(t, s.WaitSent(ctx, 3))
	out.wait()
	sent := s.Sent()
	if sent[0].Text != "Deployed." || !sent[0].Edited || len(sent[0].Buttons) != 0 {
		t.Errorf("after the edit %+v", sent[0])
	}
	if f := sent[1].File; f == nil || f.Name != "copy-of-plan.txt" || !bytes.Equal(f.Data, data) {
		t.Errorf("the file came back as %+v", sent[1])
	}
	if a := s.Answers(); len(a) != 1 || a[0] != "noted" {
		t.Errorf("clicks were answered with %q", a)
	}
	if s.Pending() != 0 {
		t.Errorf("%d updates were never confirmed", s.Pending())
	}
	for _, want := range []string{"connected as postern_test_bot", `edit "deploy!"`, "membership left to member", "can't parse entities", "message text is empty", "chat not found", "ended"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the transcript lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "ERROR") {
		t.Error("grammY met an error")
	}
}

// crabline is a server of @openclaw/crabline.
type crabline struct {
	t        *testing.T
	cmd      *exec.Cmd
	root     string
	inbound  string
	admin    string
	recorder string
}

func startCrabline(t *testing.T) *crabline {
	t.Helper()
	dir := t.TempDir()
	locks := filepath.Join(dir, "locks")
	must(t, os.Mkdir(locks, 0o700))
	c := &crabline{t: t, recorder: filepath.Join(dir, "telegram.jsonl")}
	c.cmd = node(t, []string{"CRABLINE_BOT_TOKEN=" + token, "CRABLINE_ADMIN_TOKEN=admin-of-the-test", "CRABLINE_RECORDER_LOCK_DIR=" + locks},
		"node_modules/@openclaw/crabline/dist/src/bin/crabline.js", "--json", "serve", "telegram",
		"--ready-file", filepath.Join(dir, "ready.json"), "--recorder", c.recorder)
	pipe, err := c.cmd.StdoutPipe()
	must(t, err)
	var stderr bytes.Buffer
	c.cmd.Stderr = &stderr
	must(t, c.cmd.Start())
	t.Cleanup(c.kill)
	// It prints its manifest once it serves. The secrets are in the ready file.
	var printed json.RawMessage
	if err := json.NewDecoder(pipe).Decode(&printed); err != nil {
		t.Fatalf("crabline printed no manifest: %v\n%s", err, stderr.String())
	}
	ready, err := os.ReadFile(filepath.Join(dir, "ready.json"))
	must(t, err)
	var m struct {
		AdminToken string
		Endpoints  struct{ AdminInboundURL, APIRoot string }
	}
	must(t, json.Unmarshal(ready, &m))
	c.root, c.inbound, c.admin = m.Endpoints.APIRoot, m.Endpoints.AdminInboundURL, m.AdminToken
	t.Log("crabline serves Telegram")
	return c
}

func (c *crabline) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// say makes a person write to the bot.
func (c *crabline) say(body map[string]any) {
	c.t.Helper()
	b, err := json.Marshal(body)
	must(c.t, err)
	req, err := http.NewRequestWithContext(soon(c.t), http.MethodPost, c.inbound, bytes.NewReader(b))
	must(c.t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Crabline-Admin-Token", c.admin)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	must(c.t, err)
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		c.t.Fatalf("crabline refused %s: %d %s", b, resp.StatusCode, answer)
	}
	c.t.Logf("person → crabline: %s", b)
}

// heard is what crabline recorded of our calls.
func (c *crabline) heard() (lines []string) {
	data, err := os.ReadFile(c.recorder)
	must(c.t, err)
	for line := range strings.Lines(string(data)) {
		var e struct {
			Type, Path, Method string
			Accepted           *bool
			Body               json.RawMessage
		}
		if json.Unmarshal([]byte(line), &e) == nil && e.Type == "api" {
			lines = append(lines, fmt.Sprintf("%s %s %s accepted=%v", e.Method, e.Path[strings.LastIndex(e.Path, "/")+1:], e.Body, e.Accepted != nil && *e.Accepted))
		}
	}
	return lines
}

func connect(t *testing.T, server, token string) platforms.Connector {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	conn, err := telegram.Platform().New(platforms.Config{
		Settings: map[string]string{"server": server},
		Secrets:  map[string]platforms.Secret{"token": platforms.NewSecret(token)},
		HTTP:     &http.Client{Transport: transport},
	})
	must(t, err)
	return conn
}

// start runs conn until cancel is called; done gets Run's error.
func start(t *testing.T, conn platforms.Connector, from platforms.Cursor, rec *platformtest.Recorder) (done <-chan error, cancel func()) {
	ctx, cancel := context.WithCancel(soon(t))
	ended := make(chan error, 1)
	go func() { ended <- conn.Run(ctx, from, rec) }()
	return ended, cancel
}

// TestTelegramCrabline has our connector talk to a Bot API server that somebody
// else wrote.
func TestTelegramCrabline(t *testing.T) {
	c := startCrabline(t)
	conn := connect(t, c.root, token)
	ctx := soon(t)

	id, err := conn.Check(ctx)
	must(t, err)
	t.Logf("Check: %s %q %s, %d problems", id.ID, id.Name, id.Handle, len(id.Problems))

	var rec platformtest.Recorder
	ended, cancel := start(t, conn, "", &rec)
	c.say(map[string]any{"chatId": 700000001, "fromId": 700000001, "fromName": "Ada", "fromUsername": "ada_l", "text": "hello 😀 <b>"})
	ev := rec.Wait(t, 1)[0]
	t.Logf("Run: %s %s from %s in %s (%s): %q", ev.ID, ev.Kind, ev.From.Name, ev.Conversation.ID, ev.Conversation.Kind, ev.Text)
	if ev.Text != "hello 😀 <b>" || ev.From.Handle != "@ada_l" || ev.Conversation.Kind != platforms.Direct || !ev.Mentioned {
		t.Errorf("got %+v", ev)
	}
	c.say(map[string]any{"chatId": -1001234567890, "chatType": "supergroup", "fromId": 5, "text": "😀 @" + strings.TrimPrefix(id.Handle, "@") + " look",
		"entities": []map[string]any{{"type": "mention", "offset": 3, "length": len(id.Handle)}}})
	ev = rec.Wait(t, 2)[1]
	t.Logf("Run: %s in %s (%s), mentioned=%v: %q", ev.ID, ev.Conversation.ID, ev.Conversation.Kind, ev.Mentioned, ev.Text)
	if ev.Conversation.Kind != platforms.Group || !ev.Mentioned {
		t.Errorf("got %+v", ev)
	}

	m := platforms.Message{Key: "1", Conversation: "700000001", ReplyTo: rec.Events()[0].Message, Text: "plain <b>text</b> & _more_ 😀",
		Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}}}}
	mid, err := conn.Send(ctx, m)
	must(t, err)
	t.Logf("Send: message %s", mid)
	m.Text, m.Buttons = "edited", nil
	must(t, conn.(platforms.Editor).Edit(ctx, mid, m))
	t.Log("Edit: accepted")
	must(t, conn.(platforms.Typer).Typing(ctx, "700000001", ""))
	t.Log("Typing: accepted")
	must(t, conn.(platforms.Clicker).Clicked(ctx, "1", "noted"))
	t.Log("Clicked: accepted")
	data := bytes.Repeat([]byte("tea "), 50_000)
	fid, err := conn.Send(ctx, platforms.Message{Conversation: "700000001", Text: "a file", Files: []platforms.File{{
		Name: "Plän.txt", MediaType: "text/plain", Size: int64(len(data)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}}})
	must(t, err)
	t.Logf("Send a file of %d bytes: message %s", len(data), fid)
	_, err = conn.Send(ctx, platforms.Message{Conversation: "700000001", Text: strings.Repeat("é", 4096)})
	must(t, err)
	t.Log("Send 4096 units: accepted")

	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run gave %v after cancel", err)
	}
	c.say(map[string]any{"chatId": 700000001, "fromId": 700000001, "text": "while you were away"})
	ended, cancel = start(t, conn, rec.Cursor(), &rec)
	defer cancel()
	ev = rec.Wait(t, 3)[2]
	t.Logf("Run again from cursor: %s %q", ev.ID, ev.Text)
	if ev.Text != "while you were away" {
		t.Errorf("got %q", ev.Text)
	}

	var other platformtest.Recorder
	done, cancelOther := start(t, connect(t, c.root, token), rec.Cursor(), &other)
	defer cancelOther()
	err = <-ended
	t.Logf("a second poller: %v", err)
	if platforms.KindOf(err) != platforms.Conflict {
		t.Errorf("got %v, want a conflict", err)
	}

	backlog, err := conn.(platforms.Prober).Probe(ctx, rec.Cursor())
	must(t, err)
	t.Logf("Probe: %+v", backlog)
	must(t, conn.(platforms.Fixer).Fix(ctx, "webhook"))
	t.Log("Fix webhook: accepted")

	_, err = connect(t, c.root, "1:wrong_wrong_wrong_wrong_wrong_wrong").Check(ctx)
	t.Logf("a wrong token: %v", err)
	if err == nil {
		t.Error("a wrong token was accepted")
	}

	other.WaitPhase(t, platforms.Connected)
	c.kill()
	err = <-done
	t.Logf("killed while polling: %v", err)
	if platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("got %v, want a temporary error", err)
	}
	for _, line := range c.heard() {
		if len(line) > 200 {
			line = line[:200] + "…"
		}
		t.Logf("crabline heard: %s", line)
	}
}
