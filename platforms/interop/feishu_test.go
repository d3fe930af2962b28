//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/platformtest"
)

const (
	feishuApp    = "cli_a1b2c3d4e5f60718"
	feishuSecret = "interop_interop_interop_interop1"
)

// TestFeishuNodeSDK has a bot written with the platform's own client talk to our
// emulator, and checks on the emulator's side what it did.
func TestFeishuNodeSDK(t *testing.T) {
	for name, parts := range map[string]int{"whole events": 1, "events in three frames": 3} {
		t.Run(name, func(t *testing.T) { feishuNodeSDK(t, parts) })
	}
}

func feishuNodeSDK(t *testing.T, parts int) {
	s, err := feishutest.New(feishuApp, feishuSecret)
	must(t, err)
	defer s.Close()
	s.SetParts(parts)
	out := talk(t, []string{"APP_ID=" + feishuApp, "APP_SECRET=" + feishuSecret, "DOMAIN=" + s.URL(),
		"CHAT=" + feishutest.Group, "PERSON=" + feishutest.Person}, "feishu.mjs")
	defer out.kill()

	ctx := soon(t)
	must(t, s.WaitBeat(ctx)) // what comes with the handshake is lost to the client
	asked := s.Say(feishutest.Group, feishutest.Person, "deploy? 😀")
	must(t, s.WaitSent(ctx, 2))
	must(t, s.WaitCalls(ctx, "PUT /open-apis/im/v1/messages/:", 1))
	must(t, s.WaitCalls(ctx, "DELETE /open-apis/im/v1/messages/:/reactions/:", 1))
	sent := s.Sent()
	if m := sent[0]; m.Text != "Deploy *now*?" || m.ReplyTo != asked || len(m.Buttons) != 1 || len(m.Buttons[0]) != 2 {
		t.Errorf("the card %+v", m)
	}
	if m := sent[1]; m.Chat != feishutest.Direct || m.Text != "edited" || m.Edits != 1 {
		t.Errorf("the post %+v", m)
	}
	if typed := s.Typed(); len(typed) != 1 || typed[0].Message != asked || !typed[0].Gone {
		t.Errorf("reactions %+v", typed)
	}
	if !s.Click(sent[0].ID, "Yes", feishutest.Person) {
		t.Error("there is no button")
	}
	must(t, s.WaitCalls(ctx, "PATCH /open-apis/im/v1/messages/:", 1))
	data := bytes.Repeat([]byte("tea "), 10_000)
	s.Post(feishutest.Said{Chat: feishutest.Direct, User: feishutest.Person, File: &feishutest.File{Name: "plan.txt", MediaType: "text/plain", Data: data}})
	must(t, s.WaitSent(ctx, 3))
	s.Member(feishutest.Group, feishutest.Person, true)
	s.Say(feishutest.Direct, feishutest.Person, "bye")
	must(t, s.WaitSent(ctx, 4))
	must(t, s.WaitAll(ctx))
	out.wait()
	sent = s.Sent()
	if b := sent[0].Buttons[0][0]; b.Label != "Done" {
		t.Errorf("the patched card has the button %+v", b)
	}
	if f := sent[2].Files; len(f) != 1 || f[0].Name != "copy-of-plan.txt" || !bytes.Equal(f[0].Data, data) {
		t.Errorf("the file came back as %d files", len(f))
	}
	if toasts := s.Toasts(); len(toasts) != 1 || toasts[0] != "noted" {
		t.Errorf("clicks were answered with %q", toasts)
	}
	if s.Refused() != 0 {
		t.Errorf("%d acknowledgements could not be read", s.Refused())
	}
	for _, want := range []string{"bot Postern", "person Ada Lovelace", "chats Engine room", "ready", "added to Engine room",
		`heard text "deploy? 😀" in group from Ada`, "replied interactive to it", "button deploy:yes in the group", "patched",
		"file plan.txt 40000 bytes", "refused unknown chat: 230001", "refused bad content: 230001", "ended"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the transcript lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "ERROR") {
		t.Error("the client met an error")
	}
}

// feishuCrabline is a server of @openclaw/crabline.
type feishuCrabline struct {
	t                      *testing.T
	root, inbound, admin   string
	app, secret, recording string
	kill                   func()
}

func startFeishuCrabline(t *testing.T) *feishuCrabline {
	t.Helper()
	c := &feishuCrabline{t: t, recording: filepath.Join(t.TempDir(), "feishu.jsonl")}
	// Its command line does not offer this server; the package does.
	cmd := node(t, []string{"RECORDING=" + c.recording}, "--input-type=module", "--eval", `
		import { startFeishuServer } from "@openclaw/crabline";
		const { manifest } = await startFeishuServer({ recorderPath: process.env.RECORDING });
		console.log(JSON.stringify(manifest));`)
	pipe, err := cmd.StdoutPipe()
	must(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	c.kill = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	t.Cleanup(c.kill)
	var m struct {
		AppID, AppSecret, AdminToken, BaseURL string
		Endpoints                             struct{ AdminInboundURL string }
	}
	if err := json.NewDecoder(pipe).Decode(&m); err != nil {
		t.Fatalf("crabline printed no manifest: %v\n%s", err, stderr.String())
	}
	c.root, c.inbound, c.admin, c.app, c.secret = m.BaseURL, m.Endpoints.AdminInboundURL, m.AdminToken, m.AppID, m.AppSecret
	return c
}

func (c *feishuCrabline) say(body map[string]any) {
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
}

// heard is how often crabline recorded a stage.
func (c *feishuCrabline) heard(stage string) (n int) {
	data, err := os.ReadFile(c.recording)
	must(c.t, err)
	for line := range strings.Lines(string(data)) {
		var e struct{ Body struct{ Stage string } }
		if json.Unmarshal([]byte(line), &e) == nil && e.Body.Stage == stage {
			n++
		}
	}
	return n
}

func connectFeishu(t *testing.T, server, app, secret string) platforms.Connector {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	conn, err := feishu.Platform().New(platforms.Config{
		Settings: map[string]string{"app_id": app, "server": server},
		Secrets:  map[string]platforms.Secret{"app_secret": platforms.NewSecret(secret)},
		HTTP:     &http.Client{Transport: transport},
	})
	must(t, err)
	return conn
}

// TestFeishuCrabline has our connector talk to a server that somebody else wrote.
func TestFeishuCrabline(t *testing.T) {
	c := startFeishuCrabline(t)
	conn := connectFeishu(t, c.root, c.app, c.secret)
	ctx := soon(t)
	id, err := conn.Check(ctx)
	must(t, err)
	t.Logf("Check: %s %q, %d problems", id.ID, id.Name, len(id.Problems))

	var rec platformtest.Recorder
	ended, cancel := start(t, conn, "", &rec)
	ada := "ou_" + strings.Repeat("a", 32)
	chat := "oc_" + strings.Repeat("c", 32)
	for i, order := range [][]int{{0}, {2, 0, 1}} { // whole, and in three frames
		c.say(map[string]any{"chatId": chat, "senderId": ada, "text": "hello 😀 <b>", "fragments": len(order), "fragmentOrder": order})
		ev := rec.Wait(t, i+1)[i]
		t.Logf("Run: %s %s from %s in %s (%s): %q", ev.ID, ev.Kind, ev.From.Name, ev.Conversation.ID, ev.Conversation.Kind, ev.Text)
		if ev.Text != "hello 😀 <b>" || ev.From.ID != platforms.UserID(ada) || ev.Conversation.Kind != platforms.Direct || !ev.Mentioned {
			t.Errorf("got %+v", ev)
		}
	}
	c.say(map[string]any{"chatId": "oc_" + strings.Repeat("d", 32), "senderId": ada, "chatType": "group", "text": "look"})
	if ev := rec.Wait(t, 3)[2]; ev.Conversation.Kind != platforms.Group || ev.Mentioned {
		t.Errorf("got %+v", ev)
	}
	for _, m := range []platforms.Message{
		{Key: "1", Conversation: platforms.ConversationID(chat), Text: "plain <b>text</b> & _more_ 😀"},
		{Key: "2", Conversation: platforms.ConversationID(chat), ReplyTo: rec.Events()[0].Message, Text: "Yes?", Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}}}},
		{Key: "3", Conversation: platforms.ConversationID(chat), Format: platforms.Markdown, Text: "# Title\n\n**bold** `code`\n\n```go\nx := 1\n```"},
	} {
		mid, err := conn.Send(ctx, m)
		must(t, err)
		t.Logf("Send: message %s", mid)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run gave %v after cancel", err)
	}
	c.say(map[string]any{"chatId": chat, "senderId": ada, "text": "while you were away"})
	ended, cancel = start(t, conn, rec.Cursor(), &rec)
	defer cancel()
	if ev := rec.Wait(t, 4)[3]; ev.Text != "while you were away" {
		t.Errorf("got %q", ev.Text)
	}
	_, err = connectFeishu(t, c.root, c.app, "wrong_wrong_wrong_wrong_wrong_wr").Check(ctx)
	t.Logf("a wrong secret: %v", err)
	if platforms.KindOf(err) != platforms.Unauthorized {
		t.Errorf("a wrong secret: %v", err)
	}
	for c.heard("sdk.ack") < 4 && ctx.Err() == nil { // it is written to a file
		time.Sleep(5 * time.Millisecond)
	}
	c.kill()
	err = <-ended
	t.Logf("killed while connected: %v", err)
	if platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("got %v, want a temporary error", err)
	}
	if n := c.heard("sdk.ack"); n != 4 {
		t.Errorf("%d acknowledgements were understood, want 4", n)
	}
	if n := c.heard("outbound.accepted"); n != 3 {
		t.Errorf("%d messages were accepted, want 3", n)
	}
	t.Logf("crabline saw %d pings", c.heard("websocket.pong"))
}
