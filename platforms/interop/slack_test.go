//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/slack"
	"github.com/postern/postern/platforms/slack/slacktest"
)

const (
	slackBot = "xoxb-1111111111-2222222222-interopinterop"
	slackApp = "xapp-1-A0POSTERN1-3333333333-interopinterop"
)

// TestSlackBolt has a bot written with the platform's own framework talk to our
// emulator, and checks on the emulator's side what it did.
func TestSlackBolt(t *testing.T) {
	s, err := slacktest.New(slackBot, slackApp)
	must(t, err)
	defer s.Close()
	out := talk(t, []string{"API=" + s.URL() + "/api/", "BOT_TOKEN=" + slackBot, "APP_TOKEN=" + slackApp, "PERSON=" + slacktest.Person}, "slack.mjs")
	defer out.kill()

	ctx := soon(t)
	must(t, s.WaitSocket(ctx, 1))
	asked := s.Post(slacktest.Said{Channel: slacktest.Group, User: slacktest.Person, Raw: "<@" + slacktest.Bot + "> deploy? 😀"})
	must(t, s.WaitSent(ctx, 2))
	must(t, s.WaitCalls(ctx, "conversations.replies", 1))
	sent := s.Sent()
	if m := sent[0]; m.Text != "Deploy now <or never>?" || m.Thread != asked || len(m.Buttons) != 1 || len(m.Buttons[0]) != 2 {
		t.Errorf("the question %+v", m)
	}
	if m := sent[1]; m.Channel != slacktest.Direct || m.Text != "edited" || !m.Edited {
		t.Errorf("the edited message %+v", m)
	}
	if !s.Click(slacktest.Group, sent[0].TS, "Yes", slacktest.Person) {
		t.Error("there is no button")
	}
	must(t, s.WaitAnswers(ctx, 1))
	must(t, s.WaitCalls(ctx, "chat.update", 2))
	s.Command(slacktest.Group, slacktest.Person, "/postern", "a & b")
	must(t, s.WaitSent(ctx, 3))
	s.Refresh("refresh_requested")
	must(t, s.WaitSocket(ctx, 2))
	data := bytes.Repeat([]byte("tea "), 10_000)
	s.Post(slacktest.Said{Channel: slacktest.Direct, User: slacktest.Person, Files: []slacktest.File{{Name: "plan.txt", MediaType: "text/plain", Data: data}}})
	must(t, s.WaitSent(ctx, 4))
	s.Say(slacktest.Direct, slacktest.Person, "bye")
	must(t, s.WaitSent(ctx, 5))
	out.wait()
	sent = s.Sent()
	if b := sent[0].Buttons[0][0]; b.Label != "Done" {
		t.Errorf("the changed question has the button %+v", b)
	}
	if m := sent[2]; m.Text != "it runs" || m.Channel != slacktest.Group {
		t.Errorf("the command's answer %+v", m)
	}
	if f := sent[3].Files; len(f) != 1 || f[0].Name != "copy-of-plan.txt" || !bytes.Equal(f[0].Data, data) {
		t.Errorf("the file came back as %d files", len(f))
	}
	if a := s.Answers(); len(a) != 1 || a[0] != "noted" {
		t.Errorf("clicks were answered with %q", a)
	}
	for _, want := range []string{"bot postern 15 scopes", "person Ada Lovelace", "chats direct,general", "ready", "mentioned in " + slacktest.Group + " by Ada",
		"replied in the thread true", "replies 2", "button deploy:yes", `command "a &amp; b"`, "file plan.txt 40000 bytes",
		"refused unknown channel: channel_not_found", "refused bad blocks: invalid_blocks", "ended"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the transcript lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "ERROR") {
		t.Error("the client met an error")
	}
}

// TestSlackCrabline has our connector talk to a server that somebody else wrote.
// It knows the Web API and events by HTTP, but not Socket Mode.
func TestSlackCrabline(t *testing.T) {
	cmd := node(t, []string{"RECORDING=" + filepath.Join(t.TempDir(), "slack.jsonl")}, "--input-type=module", "--eval", `
		import { startSlackServer } from "@openclaw/crabline";
		const { manifest } = await startSlackServer({ recorderPath: process.env.RECORDING, botToken: "`+slackBot+`" });
		console.log(JSON.stringify(manifest));`)
	pipe, err := cmd.StdoutPipe()
	must(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var m struct {
		BaseURL string
	}
	if err := json.NewDecoder(pipe).Decode(&m); err != nil {
		t.Fatalf("crabline printed no manifest: %v\n%s", err, stderr.String())
	}
	connect := func(bot string) platforms.Connector {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		conn, err := slack.Platform().New(platforms.Config{
			Settings: map[string]string{"server": m.BaseURL},
			Secrets:  map[string]platforms.Secret{"bot_token": platforms.NewSecret(bot), "app_token": platforms.NewSecret(slackApp)},
			HTTP:     &http.Client{Transport: transport},
		})
		must(t, err)
		return conn
	}
	conn, ctx := connect(slackBot), soon(t)
	for _, msg := range []platforms.Message{
		{Key: "1", Conversation: "C0123456789", Text: "plain <b>text</b> & _more_ 😀"},
		{Key: "2", Conversation: "C0123456789", Text: "Yes?", Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}}}},
		{Key: "3", Conversation: "C0123456789", Format: platforms.Markdown, Text: "# Title\n\n**bold** `code`\n\n```go\nx := 1\n```"},
	} {
		id, err := conn.Send(ctx, msg)
		must(t, err)
		t.Logf("Send: message %s", id)
	}
	_, err = connect(slackBot+"wrong").Send(ctx, platforms.Message{Key: "4", Conversation: "C0123456789", Text: "x"})
	t.Logf("a wrong token: %v", err)
	if platforms.KindOf(err) != platforms.Unauthorized {
		t.Errorf("a wrong token: %v", err)
	}
	_, err = conn.Check(ctx)
	t.Logf("Check, without Socket Mode: %v", err)
	if platforms.KindOf(err) != platforms.Temporary && platforms.KindOf(err) != platforms.Unauthorized {
		t.Errorf("Check: %v", err)
	}
}
