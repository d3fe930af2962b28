//go:build interop

package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/discord"
	"github.com/postern/postern/platforms/platformtest"
)

// discordCrabline is a server of @openclaw/crabline.
type discordCrabline struct {
	t                               *testing.T
	api, inbound, admin, token, bot string
	guild, channel                  string
	kill                            func()
}

func startDiscordCrabline(t *testing.T) *discordCrabline {
	t.Helper()
	cmd := node(t, []string{"RECORDING=" + filepath.Join(t.TempDir(), "discord.jsonl")}, "--input-type=module", "--eval", `
		import { startDiscordServer } from "@openclaw/crabline";
		const { manifest } = await startDiscordServer({ recorderPath: process.env.RECORDING, heartbeatIntervalMs: 500 });
		console.log(JSON.stringify(manifest));`)
	pipe, err := cmd.StdoutPipe()
	must(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	must(t, cmd.Start())
	c := &discordCrabline{t: t, kill: func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }}
	t.Cleanup(c.kill)
	var m struct {
		AdminToken, BotToken, BotUserID string
		Fixture                         struct{ ChannelID, GuildID string }
		Endpoints                       struct{ AdminInboundURL, APIRoot string }
	}
	if err := json.NewDecoder(pipe).Decode(&m); err != nil {
		t.Fatalf("crabline printed no manifest: %v\n%s", err, stderr.String())
	}
	c.api, c.inbound, c.admin, c.token, c.bot = m.Endpoints.APIRoot, m.Endpoints.AdminInboundURL, m.AdminToken, m.BotToken, m.BotUserID
	c.guild, c.channel = m.Fixture.GuildID, m.Fixture.ChannelID
	return c
}

func (c *discordCrabline) say(body map[string]any) {
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

func connectDiscord(t *testing.T, server, token string) platforms.Connector {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	conn, err := discord.Platform().New(platforms.Config{
		Settings: map[string]string{"server": server},
		Secrets:  map[string]platforms.Secret{"token": platforms.NewSecret(token)},
		HTTP:     &http.Client{Transport: transport},
	})
	must(t, err)
	return conn
}

// TestDiscordCrabline has our connector talk to a server that somebody else
// wrote. It resumes only where nothing was missed, and else has the bot begin
// anew, so what was missed is read from the history.
func TestDiscordCrabline(t *testing.T) {
	c := startDiscordCrabline(t)
	server := strings.TrimSuffix(c.api, "/v10")
	conn := connectDiscord(t, server, c.token)
	ctx := soon(t)
	id, err := conn.Check(ctx)
	must(t, err)
	t.Logf("Check: %s %q, %d problems", id.ID, id.Name, len(id.Problems))
	if string(id.ID) != c.bot {
		t.Errorf("the bot is %s, want %s", id.ID, c.bot)
	}
	var rec platformtest.Recorder
	ended, cancel := start(t, conn, "", &rec)
	defer cancel()
	rec.WaitCursor(t)
	ada := "900000000000000042"
	c.say(map[string]any{"channelId": c.channel, "guildId": c.guild, "senderId": ada, "senderName": "ada", "content": "hello 😀 <b> <@" + c.bot + ">"})
	ev := rec.Wait(t, 1)[0]
	t.Logf("Run: %s %s from %s in %s (%s): %q", ev.ID, ev.Kind, ev.From.Name, ev.Conversation.ID, ev.Conversation.Kind, ev.Text)
	if !strings.HasPrefix(ev.Text, "hello 😀 <b> ") || string(ev.From.ID) != ada || ev.Conversation.Kind != platforms.Group {
		t.Errorf("got %+v", ev)
	}
	c.say(map[string]any{"channelId": "900000000000000777", "guildId": c.guild, "parentChannelId": c.channel, "senderId": ada, "content": "in a thread"})
	if ev := rec.Wait(t, 2)[1]; string(ev.Conversation.ID) != c.channel || ev.Thread != "900000000000000777" {
		t.Errorf("got %+v", ev)
	}
	for _, m := range []platforms.Message{
		{Key: "1", Text: "plain *text* & _more_ 😀"},
		{Key: "2", ReplyTo: ev.Message, Text: "Yes?", Buttons: [][]platforms.Button{{{Label: "Yes", Data: "y"}}}},
		{Key: "3", Format: platforms.Markdown, Text: "# Title\n\n**bold** `code`\n\n```go\nx := 1\n```"},
		{Key: "4", Text: "file", Files: []platforms.File{{Name: "a.txt", MediaType: "text/plain", Size: 3,
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("abc")), nil }}}},
	} {
		m.Conversation = platforms.ConversationID(c.channel)
		mid, err := conn.Send(ctx, m)
		must(t, err)
		t.Logf("Send: message %s", mid)
		must(t, conn.(platforms.Editor).Edit(ctx, mid, platforms.Message{Conversation: m.Conversation, Text: "edited"}))
	}
	must(t, conn.(platforms.Typer).Typing(ctx, platforms.ConversationID(c.channel), ""))
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run gave %v after cancel", err)
	}
	c.say(map[string]any{"channelId": c.channel, "guildId": c.guild, "senderId": ada, "content": "while you were away"})
	ended, cancel = start(t, conn, rec.Cursor(), &rec)
	defer cancel()
	c.say(map[string]any{"channelId": c.channel, "guildId": c.guild, "senderId": ada, "content": "again"})
	if evs := rec.Wait(t, 4); evs[2].Text != "while you were away" || evs[3].Text != "again" {
		t.Errorf("got %q, %q", evs[2].Text, evs[3].Text)
	}
	_, err = connectDiscord(t, server, "a.wrong.wrong_wrong_wrong").Check(ctx)
	if platforms.KindOf(err) != platforms.Unauthorized {
		t.Errorf("a wrong token: %v", err)
	}
	c.kill()
	err = <-ended
	t.Logf("killed while connected: %v", err)
	if platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("got %v, want a temporary error", err)
	}
}
