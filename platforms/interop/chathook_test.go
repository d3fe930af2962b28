//go:build interop

package interop

import (
	"net/url"
	"strings"
	"testing"

	"github.com/postern/postern/platforms/chathook/chathooktest"
)

// TestChathookClients has Discord's and Slack's own clients for incoming webhooks
// post to our emulator: what they send is taken as it is, and what it refuses they
// understand.
func TestChathookClients(t *testing.T) {
	discord, err := chathooktest.New(chathooktest.Discord)
	must(t, err)
	defer discord.Close()
	slack, err := chathooktest.New(chathooktest.Slack)
	must(t, err)
	defer slack.Close()
	u, err := url.Parse(discord.URL())
	must(t, err)
	parts := strings.Split(u.Path, "/") // /api/webhooks/ID/TOKEN
	out := talk(t, []string{"API=http://" + u.Host + "/api", "ID=" + parts[3], "TOKEN=" + parts[4], "SLACK=" + slack.URL()}, "chathook.mjs")
	defer out.kill()
	out.wait()
	if got := discord.Sent(); len(got) != 1 || got[0].Text != "Ada in Build: it is out 😀" || got[0].Name != "Postern" || !strings.Contains(out.String(), "discord sent "+got[0].ID+"\n") {
		t.Errorf("Discord has %+v", got)
	}
	if got := slack.Sent(); len(got) != 2 || got[0].Text != "plain & simple" || got[1].Text != "rich *text*" {
		t.Errorf("Slack has %+v", got)
	}
	for _, want := range []string{"discord refused too long: 400 50035", "discord refused a forbidden name: 400 50035", "discord refused nothing: 400", "discord refused a wrong token: 404 10015",
		"slack answered ok", "slack refused nothing: 400", "slack refused bad blocks: 400", "slack refused a wrong address: 404", "ended"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the transcript lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "ERROR") {
		t.Error("the emulator took what it should not")
	}
}
