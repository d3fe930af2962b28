//go:build interop

package interop

import (
	"bytes"
	"strings"
	"testing"

	"github.com/postern/postern/platforms/mattermost/mattermosttest"
)

const mattermostToken = "interopinteropinteropinter"

// TestMattermostClient has a bot written with the platform's own client talk to
// our emulator, and checks on the emulator's side what it did.
func TestMattermostClient(t *testing.T) {
	s, err := mattermosttest.New(mattermostToken)
	must(t, err)
	defer s.Close()
	out := talk(t, []string{"API=" + s.URL(), "TOKEN=" + mattermostToken}, "mattermost.mjs")
	defer out.kill()

	ctx := soon(t)
	if err := s.WaitSocket(ctx); err != nil {
		t.Fatalf("%v\n%s", err, out.stderr.String())
	}
	asked := s.Say(mattermosttest.Town, mattermosttest.Person, "deploy? 😀")
	must(t, s.WaitSent(ctx, 1))
	s.React(asked, mattermosttest.Person, "two")
	data := bytes.Repeat([]byte("tea "), 10_000)
	s.Post(mattermosttest.Said{Channel: mattermosttest.Direct, User: mattermosttest.Person,
		Files: []mattermosttest.File{{Name: "plan.txt", MediaType: "text/plain", Data: data}}})
	must(t, s.WaitSent(ctx, 2))
	s.Say(mattermosttest.Direct, mattermosttest.Person, "bye")
	must(t, s.WaitSent(ctx, 3))
	out.wait()
	for _, want := range []string{"bot postern", "refused 403", "ready", `heard "deploy? 😀" in O`, "edited true", "reacted", "reaction two"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the transcript lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "ERROR") {
		t.Error("the client met an error")
	}
	replied, copied := false, false
	for _, m := range s.Sent() {
		if m.RootID == asked {
			replied = m.Message == "edited" && m.EditAt != 0 && len(m.Metadata.Reactions) == 1
		}
		copied = copied || len(m.Files) == 1 && m.Files[0].Name == "copy-of-plan.txt" && bytes.Equal(m.Files[0].Data, data)
	}
	if !replied || !copied {
		t.Errorf("replied %v, copied %v", replied, copied)
	}
}
