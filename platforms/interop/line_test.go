//go:build interop

package interop

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms/line/linetest"
)

const (
	lineToken  = "interop/interop/interop/interop/interop="
	lineSecret = "00112233445566778899aabbccddeeff"
)

// TestLineBotSDK has a bot written with the platform's own client talk to our
// emulator, and checks on the emulator's side what it did.
func TestLineBotSDK(t *testing.T) {
	s, err := linetest.New(lineToken, lineSecret)
	must(t, err)
	defer s.Close()
	s.SetQuota(200, 5)
	out := talk(t, []string{"TOKEN=" + lineToken, "SECRET=" + lineSecret, "API=" + s.URL(), "GROUP=" + linetest.Group, "PERSON=" + linetest.Person}, "line.mjs")
	defer out.kill()

	ctx := soon(t)
	port := regexp.MustCompile(`port (\d+)`)
	for port.FindStringSubmatch(out.String()) == nil {
		select {
		case <-ctx.Done():
			t.Fatalf("the bot does not start: %s", out.stderr.String())
		case <-time.After(20 * time.Millisecond):
		}
	}
	endpoint := "http://127.0.0.1:" + port.FindStringSubmatch(out.String())[1] + "/"
	s.SetEndpoint(endpoint, true)
	must(t, s.Verify(ctx))
	s.Deliver("follow", linetest.Direct, linetest.Person, map[string]any{"follow": map[string]any{"isUnblocked": false}})
	s.Say(linetest.Direct, linetest.Person, "deploy? 😀")
	must(t, s.WaitSent(ctx, 3))
	sent := s.Sent()
	if m := sent[1]; m.Text != "Deploy {now}?" || len(m.Buttons) != 2 || !m.Free {
		t.Errorf("the bubble %+v", m)
	}
	if m := sent[2]; m.Text != "@Ada Lovelace, {done}" || m.Chat != linetest.Group || m.Free || len(m.Mentions) != 1 {
		t.Errorf("the push %+v", m)
	}
	if !s.Click(sent[1].ID, "Yes", linetest.Person) {
		t.Error("there is no button")
	}
	s.Post(linetest.Said{Chat: linetest.Direct, User: linetest.Person, Sticker: []string{"hi"}, Kind: "sticker"})
	must(t, s.WaitAcked(ctx))
	s.Post(linetest.Said{Chat: linetest.Group, User: linetest.Person, File: &linetest.File{Name: "plan.txt", MediaType: "text/plain", Data: bytes.Repeat([]byte("tea "), 10_000)}})
	asked := s.Say(linetest.Direct, linetest.Person, "bye")
	must(t, s.WaitAcked(ctx))
	out.wait()
	sent = s.Sent()
	if m := sent[len(sent)-1]; m.Text != "bye" || m.Quotes != asked {
		t.Errorf("the last message %+v", m)
	}
	if v := s.Typed(); len(v) == 0 || v[0].Chat != linetest.Person || v[0].Seconds != 5 {
		t.Errorf("typed %+v", v)
	}
	for _, want := range []string{"bot Postern", "verified for us", "followed by Ada Lovelace", `heard text "deploy? 😀" in user`, "replied with 2 messages",
		"refused a used reply token 400 Invalid reply token", "refused the same retry key 409", "refused nobody 400", "refused six messages 400",
		"refused a long label 400", "group Engine room Ada Lovelace", `quota {"type":"limited","value":200} {"totalUsage":6}`,
		"postback deploy:yes user", `heard sticker ["hi"]`, "file plan.txt 40000 bytes", "ended"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the transcript lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "ERROR") {
		t.Error("the client met an error")
	}
}

// TestLineConnectorThroughSignatures has the platform's own client check what our
// emulator signs in the same way as our connector does: both take the same body.
func TestLineConnectorThroughSignatures(t *testing.T) {
	s, err := linetest.New(lineToken, lineSecret)
	must(t, err)
	defer s.Close()
	body := `{"destination":"` + linetest.Bot + `","events":[]} é😀`
	cmd := node(t, []string{"SECRET=" + lineSecret, "BODY=" + body, "SIGNATURE=" + s.Sign([]byte(body))}, "--input-type=module", "--eval", `
		import { validateSignature } from "@line/bot-sdk";
		const { BODY, SECRET, SIGNATURE } = process.env;
		console.log(validateSignature(BODY, SECRET, SIGNATURE), validateSignature(BODY + " ", SECRET, SIGNATURE));`)
	got, err := cmd.Output()
	must(t, err)
	if strings.TrimSpace(string(got)) != "true false" {
		t.Errorf("%s", got)
	}
}
