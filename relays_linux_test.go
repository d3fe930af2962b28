package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/line/linetest"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
)

// dial sets up a relay as a person at a terminal and waits until it is connected.
func (h *house) dial(c *client.Client, s *webhookrelaytest.Server, args ...string) {
	h.t.Helper()
	words := append([]string{"relays", "add", "webhookrelay", "--name", "Main", "--set", "server=" + s.URL(), "--set", "key=" + webhookrelaytest.Key,
		"--set", "report=on"}, args...)
	out := atTerminal(h.t.(*testing.T), h.command(words...), [][2]string{{"API key: ", webhookrelaytest.Secret}})
	if !strings.Contains(out, "Saved as webhookrelay-1") {
		h.t.Fatal(out)
	}
	eventually(h.t, "the relay is connected", func() bool {
		rs, err := c.Relays(h.t.Context())
		return err == nil && len(rs) == 1 && rs[0].Status == api.Connected
	})
}

// closed fails if the process listens anywhere, or says that somebody could
// reach it.
func (h *house) closed(c *client.Client) {
	h.t.Helper()
	if open := sockets(h.t, h.cmd.Process.Pid); len(open) > 0 {
		h.t.Errorf("it listens at %v", open)
	}
	v, err := c.Exposure(h.t.Context())
	if err != nil || len(v.Sockets) > 0 {
		h.t.Errorf("%v %+v", err, v.Sockets)
	}
	for _, d := range v.Doors {
		if d.Open || d.Level != exposure.Relayed || d.Address == "" || d.Accepted == 0 {
			h.t.Errorf("%+v", d)
		}
	}
}

// answered waits until the relay was told of n requests, and fails if one was
// not taken.
func answered(t *testing.T, s *webhookrelaytest.Server, n int) {
	t.Helper()
	reports, ok := s.Reports(n, 30*time.Second)
	if !ok {
		t.Errorf("%d reports, want %d", len(reports), n)
	}
	for _, r := range reports {
		if r.Body["status_code"] != 200.0 || r.Body["status"] != "sent" {
			t.Errorf("%s", r.Raw)
		}
	}
}

// TestLINEThroughARelay has LINE's emulator call a relay, and the real program,
// which has no port open, dial that.
func TestLINEThroughARelay(t *testing.T) {
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
	r := webhookrelaytest.New()
	defer r.Close()
	h := newHouse(t)
	c := h.start()
	id := h.add(c, "line", map[string]string{"token": "a-channel-access-token-0123456789", "secret": "0123456789abcdef0123456789abcdef", "server": s.URL()}).ID
	becomes(t, c, id, api.Blocked)
	s.SetEndpoint("https://elsewhere.example.com/in", true)
	h.dial(c, r, "--channel", "chat="+string(id), "--public", "chat="+r.Input("chat"))
	eventually(t, "it is seen that LINE calls elsewhere", func() bool {
		got, err := c.CheckAccount(t.Context(), id)
		return err == nil && strings.Contains(fmt.Sprintf("%+v", got), r.Input("chat"))
	})
	s.SetEndpoint(r.Input("chat"), true)
	s.Say(linetest.Direct, linetest.Person, "hello through the relay")
	heardText(t, c, id, "hello through the relay")
	if _, err := c.Send(t.Context(), api.Draft{Account: id, Conversation: linetest.Direct, Text: "And back."}); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitSent(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	becomes(t, c, id, api.Connected)
	answered(t, r, 1)
	h.closed(c)

	// What comes while the computer is off waits at the relay.
	h.kill()
	s.Say(linetest.Direct, linetest.Grace, "while it was off")
	if err := s.WaitAcked(t.Context()); err != nil {
		t.Fatal(err)
	}
	c = h.start()
	heardText(t, c, id, "while it was off")
	h.closed(c)
}

// TestMattermostThroughARelay has the emulator run a slash command and press a
// button of a server on the internet, with no port open here.
func TestMattermostThroughARelay(t *testing.T) {
	const token = "abcdefghijklmnopqrstuvwxyz"
	s, err := mattermosttest.New(token)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := webhookrelaytest.New()
	defer r.Close()
	h := newHouse(t)
	c := h.start()
	id := h.add(c, "mattermost", map[string]string{"token": token, "server": s.URL(), "command": "ask"}).ID
	becomes(t, c, id, api.Connected)
	h.dial(c, r, "--channel", "chat="+string(id), "--public", "chat="+r.Input("chat"))
	eventually(t, "the command is registered", func() bool {
		_, err := c.Fix(t.Context(), id, "command")
		return err == nil && len(s.Commands()) == 1
	})
	if at := s.Commands()[0].URL; at != r.Input("chat") {
		t.Errorf("the command leads to %s", at)
	}
	eventually(t, "the command is in the inbox", func() bool { // until its route is served, it is refused
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
	eventually(t, "the press is in the journal", func() bool {
		p, err := c.Entries(t.Context(), api.EntryQuery{Newest: true, Limit: 50, Account: id})
		if err != nil {
			return false
		}
		for _, e := range p.Entries {
			if e.Kind == platforms.ButtonClicked {
				return true
			}
		}
		return false
	})
	h.closed(c)
}
