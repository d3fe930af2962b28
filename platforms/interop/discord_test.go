//go:build interop

package interop

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms/discord/discordtest"
)

const discordToken = "MTA5MDAwMDAwMDAwMDAwMDAwMQ.interp.interop_interop_interop_interop_01"

// TestDiscordJS has a bot written with discord.js talk to our emulator, and
// checks on the emulator's side what it did.
func TestDiscordJS(t *testing.T) {
	s, err := discordtest.New(discordToken)
	must(t, err)
	defer s.Close()
	s.SetHeartbeat(100)
	out := talk(t, []string{"TOKEN=" + discordToken, "API=" + s.URL(), "CHANNEL=" + discordtest.Group}, "discord.mjs")
	defer out.kill()

	ctx := soon(t)
	must(t, s.WaitSocket(ctx))
	for !strings.Contains(out.String(), "listening") && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	asked := s.Say(discordtest.Group, discordtest.Person, "<@"+discordtest.Bot+"> deploy? 😀")
	must(t, s.WaitCalls(ctx, "GET /channels/:/messages", 1))
	sent := s.Sent()
	if len(sent) != 2 {
		t.Fatalf("%d messages\n%s", len(sent), out.stderr.String())
	}
	if m := sent[0]; m.Text != "Deploy now, @Ada Lovelace?" || m.ReplyTo != asked || len(m.Buttons) != 1 || len(m.Buttons[0]) != 2 || len(m.Pinged) != 0 {
		t.Errorf("the reply %+v", m)
	}
	if m := sent[1]; m.Text != "the" || !m.Edited {
		t.Errorf("the edited message %+v", m)
	}
	if typed := s.Typed(); len(typed) != 1 || typed[0] != discordtest.Group {
		t.Errorf("typed in %q", typed)
	}
	if !s.Click(sent[0].ID, "Yes", discordtest.Person) {
		t.Error("there is no button")
	}
	must(t, s.WaitCalls(ctx, "POST /webhooks/:/:", 1))
	s.Command(discordtest.Group, discordtest.Person, "ask", "text", "how long?")
	must(t, s.WaitCalls(ctx, "POST /webhooks/:/:", 2))
	s.Disconnect() // it resumes
	s.Edit(discordtest.Group, asked, "deploy!")
	s.Send(7, nil)
	data := bytes.Repeat([]byte("tea "), 10_000)
	s.Post(discordtest.Said{Channel: discordtest.Direct, User: discordtest.Person, Files: []discordtest.File{{Name: "plan.txt", MediaType: "text/plain", Data: data}}})
	if err := s.WaitSent(ctx, 5); err != nil {
		t.Fatalf("%v\n%s\n%+v", err, out.stderr.String(), len(s.Calls("")))
	}
	s.Say(discordtest.Direct, discordtest.Person, "bye")
	must(t, s.WaitSent(ctx, 6))
	out.wait()
	sent = s.Sent()
	if m := sent[0]; m.Text != "Done" || m.Buttons[0][0].Label != "Again" {
		t.Errorf("after the click %+v", m)
	}
	if a, b := sent[2], sent[3]; a.Text != "answered" || b.Text != "and more" || !a.Command || !b.Command {
		t.Errorf("the command was answered with %+v, %+v", a, b)
	}
	if f := sent[4].Files; len(f) != 1 || f[0].Name != "copy-of-plan.txt" || !bytes.Equal(f[0].Data, data) {
		t.Errorf("the file came back as %d files", len(f))
	}
	if got := s.Whispers(); len(got) != 1 || got[0] != "noted" {
		t.Errorf("whispers %q", got)
	}
	if s.Beats() == 0 {
		t.Error("no heartbeat came")
	}
	for _, want := range []string{"ready postern in Analytical Society", "commands ask", "refused unknown channel: 10003", "refused too long: 50035", "refused empty: 50006",
		`from Ada Lovelace in Analytical Society  mentioned`, "replied to it", "nonce kept one", "edited the true", "history 2", "button deploy:yes by Ada Lovelace",
		"command ask how long?", `changed "deploy!"`, "file plan.txt 40000 bytes", "ended"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the transcript lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "ERROR") {
		t.Error("the client met an error")
	}
}
