package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/line/linetest"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
)

// open opens an account's public door as a person at a terminal, and gives the
// address that the platform must be told.
func (h *house) open(c *client.Client, id platforms.AccountID, bind string) string {
	h.t.Helper()
	if _, err := c.SetListener(h.t.Context(), id, api.Listener{Bind: bind, Public: "http://" + bind}); err != nil {
		h.t.Fatal(err)
	}
	becomes(h.t, c, id, api.Blocked)
	var answers [][2]string
	for range 7 {
		answers = append(answers, [2]string{"[y/n] ", "n"})
	}
	answers = append(answers, [2]string{"[1/30/90] ", "1"}, [2]string{"to keep it closed: ", bind})
	atTerminal(h.t.(*testing.T), h.command("doors", "open", string(id)), answers)
	var address string
	eventually(h.t, "the door is open", func() bool {
		v, err := c.Exposure(h.t.Context())
		if err != nil || len(v.Doors) != 1 || !v.Doors[0].Open {
			return false
		}
		address = v.Doors[0].Address
		return v.Doors[0].Level == exposure.Public
	})
	return address
}

// texts is what people wrote to an account, in any conversation.
func texts(t testing.TB, c *client.Client, id platforms.AccountID) (out []string) {
	t.Helper()
	list, err := c.Conversations(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, conv := range list {
		entries, err := c.Timeline(t.Context(), id, conv.ID, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !e.Outgoing {
				out = append(out, e.Text)
			}
		}
	}
	return out
}

func heardText(t testing.TB, c *client.Client, id platforms.AccountID, want string) {
	t.Helper()
	eventually(t, want+" is in the inbox", func() bool {
		n := 0
		for _, s := range texts(t, c, id) {
			if strings.Contains(s, want) {
				n++
			}
		}
		return n == 1
	})
}

// TestLINEThroughADoor has LINE's emulator call the real program.
func TestLINEThroughADoor(t *testing.T) {
	s, err := linetest.New("a-channel-access-token-0123456789", "0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	far, err := ingresstest.NewLoopback() // so that the emulator dials
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	s.Through(far, false)
	h := newHouse(t)
	c := h.start()
	id := h.add(c, "line", map[string]string{"token": "a-channel-access-token-0123456789", "secret": "0123456789abcdef0123456789abcdef", "server": s.URL()}).ID
	becomes(t, c, id, api.Blocked)
	s.SetEndpoint(h.open(c, id, freeBind(t)), true)
	s.Say(linetest.Direct, linetest.Person, "hello through the door")
	heardText(t, c, id, "hello through the door")
	if err := s.WaitAcked(t.Context()); err != nil {
		t.Fatal(err)
	}
	becomes(t, c, id, api.Connected)
}

// TestMattermostThroughADoor has the emulator run a slash command and press a
// button, through a private door that nobody has to acknowledge.
func TestMattermostThroughADoor(t *testing.T) {
	const token = "abcdefghijklmnopqrstuvwxyz"
	s, err := mattermosttest.New(token)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	h := newHouse(t)
	c := h.start()
	id := h.add(c, "mattermost", map[string]string{"token": token, "server": s.URL(), "command": "ask"}).ID
	becomes(t, c, id, api.Connected)
	bind := freeBind(t)
	if d, err := c.SetListener(t.Context(), id, api.Listener{Bind: bind}); err != nil || d.Needs || d.If != exposure.Private {
		t.Fatalf("%v %+v", err, d)
	}
	eventually(t, "the private door is open", func() bool {
		v, err := c.Exposure(t.Context())
		return err == nil && v.Doors[0].Level == exposure.Private
	})
	eventually(t, "the command is registered", func() bool {
		_, err := c.Fix(t.Context(), id, "command")
		return err == nil && len(s.Commands()) == 1
	})
	eventually(t, "the command is in the inbox", func() bool { // until its route is served, it is answered with nothing
		_, err := s.Execute(t.Context(), mattermosttest.Person, mattermosttest.Town, "/ask is anybody in?")
		return err == nil && strings.Contains(strings.Join(texts(t, c, id), "\n"), "is anybody in?")
	})
	if _, err := c.Send(t.Context(), api.Draft{Account: id, Conversation: mattermosttest.Direct, Text: "Well?", Buttons: [][]platforms.Button{{{Label: "Yes", Data: "yes"}}}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the button is pressed", func() bool {
		for _, m := range s.Sent() {
			if len(mattermosttest.Actions(m.Post)) > 0 {
				return s.Press(m.ID, mattermosttest.Person, "Yes") == nil
			}
		}
		return false
	})
	v, err := c.Exposure(t.Context())
	if err != nil || v.Doors[0].Accepted < 2 {
		t.Errorf("%v %+v", err, v.Doors)
	}
}

// TestFeishuThroughADoor has the emulator deliver encrypted events over HTTP.
func TestFeishuThroughADoor(t *testing.T) {
	const app, secret = "cli_a1b2c3d4e5f6a7b8", "app-secret-0123456789abcdef012345"
	s, err := feishutest.New(app, secret)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	far, err := ingresstest.NewLoopback()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	s.SetHTTP(feishutest.HTTP{EncryptKey: "an-encrypt-key-0123456789", Token: "a-verification-token-012345"})
	s.Through(far, false)
	h := newHouse(t)
	c := h.start()
	id := h.add(c, "feishu", map[string]string{"app_id": app, "app_secret": secret, "server": s.URL(), "mode": "http",
		"encrypt_key": "an-encrypt-key-0123456789", "verification_token": "a-verification-token-012345"}).ID
	becomes(t, c, id, api.Blocked)
	if err := s.SaveURL(h.open(c, id, freeBind(t)), true); err != nil {
		t.Fatal(err)
	}
	s.Say(feishutest.Direct, feishutest.Person, "hello through the door")
	heardText(t, c, id, "hello through the door")
	becomes(t, c, id, api.Connected)
}

// TestATunnelClosesAPrivateDoor publishes the port of a private door by a
// program that says what Tailscale's says.
func TestATunnelClosesAPrivateDoor(t *testing.T) {
	const token = "abcdefghijklmnopqrstuvwxyz"
	s, err := mattermosttest.New(token)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	dir := t.TempDir()
	said := filepath.Join(dir, "funnel.json")
	script := "#!/bin/sh\n[ \"$*\" = 'funnel status --json' ] || exit 1\nif [ -f " + said + " ]; then cat " + said + "; else echo '{}'; fi\n"
	if err := os.WriteFile(filepath.Join(dir, "tailscale"), []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	h := newHouse(t)
	c := h.start()
	id := h.add(c, "mattermost", map[string]string{"token": token, "server": s.URL()}).ID
	bind := freeBind(t)
	if _, err := c.SetListener(t.Context(), id, api.Listener{Bind: bind}); err != nil {
		t.Fatal(err)
	}
	door := func() api.Door {
		v, err := c.Exposure(t.Context())
		if err != nil || len(v.Doors) != 1 {
			t.Fatalf("%v %+v", err, v)
		}
		return v.Doors[0]
	}
	eventually(t, "the private door is open", func() bool { return door().Level == exposure.Private })
	_, port, _ := net.SplitHostPort(bind)
	funnel := `{"TCP":{"443":{"HTTPS":true}},"Web":{"box.tail1234.ts.net:443":{"Handlers":{"/":{"Proxy":"http://127.0.0.1:` + port + `"}}}},"AllowFunnel":{"box.tail1234.ts.net:443":true}}`
	if err := os.WriteFile(said, []byte(funnel), 0o600); err != nil {
		t.Fatal(err)
	}
	patiently(t, 2*time.Minute, "the door is closed", func() bool { return !door().Open }) // it is looked for every 20 s
	d := door()
	if d.Level != exposure.Refused || d.If != exposure.Public || !d.Needs || len(d.Tunnels) == 0 || !strings.Contains(d.Tunnels[0], "box.tail1234.ts.net") {
		t.Errorf("%+v", d)
	}
	if got := sockets(t, h.cmd.Process.Pid); len(got) > 0 {
		t.Errorf("listening: %v", got)
	}
	eventually(t, "the person is told", func() bool { // the door closes first
		snap, err := c.Snapshot(t.Context())
		return err == nil && slices.ContainsFunc(snap.Notices, func(n api.Notice) bool { return strings.Contains(n.Text, "Tailscale") })
	})
}
