package control_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/app/control/socket"
	"github.com/postern/postern/platforms"
)

// TestWhatNeedsAPerson tries all that lets more in, or has more done, as a
// program: the agent that asks for a permission is one, too.
func TestWhatNeedsAPerson(t *testing.T) {
	b := controltest.New()
	dir, s := start(t, b, control.Options{}, func(s *control.Server) {
		s.SetInteractive(func(socket.Peer) error { return errors.New("no terminal") })
	})
	made := name(t, dial(t, dir), "ci", "status", "read", "send")
	token := s.Exchange(s.NewCapability().Reveal(), -1) // of a window that is another process
	before := len(b.Calls())
	for _, c := range []struct{ pattern, body string }{
		{"POST /v1/asks/q1", `{"choice":"yes"}`},
		{"PUT /v1/people/rules", `{"account":"pigeon","user":"1","role":"owner"}`},
		{"POST /v1/people/ignored/remove", `{"account":"pigeon","user":"1"}`},
		{"PUT /v1/people/open", `{"account":"pigeon","conversation":"c1"}`},
		{"POST /v1/pairing", `{}`},
		{"POST /v1/pairing/answer", `{"claim":{"account":"pigeon","user":{"id":"1"},"number":1},"accept":true}`},
		{"PUT /v1/leases", `{"account":"pigeon","conversation":"c1","holder":"agent-1"}`},
		{"PUT /v1/routes", `[]`},
		{"POST /v1/responders", `{"kind":"command","label":"x","values":{}}`},
		{"PATCH /v1/responders/command-1", `{"kind":"command","label":"x","values":{}}`},
		{"POST /v1/entries/1/release", ``},
		{"POST /v1/hooks", `{"account":"pigeon","conversation":"c1","name":"x"}`},
		{"PATCH /v1/hooks/h1", `{"on":true}`},
		{"POST /v1/hooks/h1/rotate", `{}`},
		{"PUT /v1/hooks/listener", `{"bind":"127.0.0.1:1"}`},
		{"POST /v1/relays", `{"kind":"x","name":"x","values":{},"channels":[]}`},
		{"PATCH /v1/relays/r1", `{"kind":"x","name":"x","values":{},"channels":[]}`},
		{"POST /v1/relays/r1/resume", ``},
		{"POST /v1/relays/check", `{"kind":"x","name":"x","values":{},"channels":[]}`},
		{"PUT /v1/inputs/pigeon", `{}`},
		{"PUT /v1/inputs/pigeon/registration", `{"values":{}}`},
		{"POST /v1/replay", `{"entry":1}`},
	} {
		method, path, _ := strings.Cut(c.pattern, " ")
		for who, header := range map[string][]string{
			"a program":                    nil,
			"one that claims a terminal":   {api.TerminalHeader, "1"},
			"one that has no session":      {"Authorization", "Bearer " + strings.Repeat("A", 26)},
			"one with another's session":   {"Authorization", "Bearer " + token},
			"a client":                     {"Authorization", "Bearer " + made.Token},
			"a client at a terminal":       {api.ClientHeader, "ci", api.TerminalHeader, "1"},
			"a client with another's sess": {api.ClientHeader, "ci", "Authorization", "Bearer " + token},
		} {
			e := refused(t, dir, request(t, method, path, c.body, header...), http.StatusForbidden)
			if e.Kind != platforms.NotAcknowledged && !strings.Contains(e.Text, `"ci"`) {
				t.Errorf("%s, by %s: %+v", c.pattern, who, e)
			}
		}
	}
	if calls := b.Calls()[before:]; len(calls) > 0 {
		t.Errorf("the backend was asked: %q", calls)
	}
	window := dial(t, dir)
	if err := window.Identify(t.Context(), s.NewCapability()); err != nil {
		t.Fatal(err)
	}
	if err := window.AnswerAsk(t.Context(), "q1", "yes"); err != nil {
		t.Errorf("the window: %v", err)
	}
	if err := window.Release(t.Context(), 5); err != nil {
		t.Errorf("the window: %v", err)
	}
	if calls := b.Calls()[before:]; len(calls) != 2 || !strings.Contains(calls[0], "AnswerAsk") || !strings.Contains(calls[1], "Release") {
		t.Errorf("the backend was asked: %q", calls)
	}
}

// Each request on a connection is held to what it carries itself: not to what
// the one before it did, and nothing is left for the one behind it.
func TestOneConnectionManyClients(t *testing.T) {
	b := town()
	dir, _ := start(t, b, control.Options{})
	person := dial(t, dir)
	one, other := name(t, person, "one", "read:pigeon/c1"), name(t, person, "other", "send")
	conn, err := socket.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	asks := []struct {
		header, path string
		status       int
	}{
		{"", "/v1/settings", 200},
		{"Authorization: Bearer " + one.Token, "/v1/settings", 403},
		{"Authorization: Bearer " + one.Token, "/v1/entries/5", 200},
		{"Authorization: Bearer " + other.Token, "/v1/entries/5", 403},
		{"authorization: bearer " + one.Token, "/v1/entries/3", 422},
		{strings.ToUpper(api.ClientHeader) + ": one\r\n" + strings.ToLower(api.ClientHeader) + ": one", "/v1/conversations", 400},
		{strings.ToUpper(api.ClientHeader) + ": one", "/v1/settings", 403},
		{"Authorization: Bearer x\r\nAuthorization: Bearer " + one.Token, "/v1/settings", 401},
		{"X-Other: Bearer " + one.Token, "/v1/settings", 200},
	}
	var all strings.Builder
	for _, a := range asks {
		fmt.Fprintf(&all, "GET %s HTTP/1.1\r\nHost: %s\r\n", a.path, api.Host)
		if a.header != "" {
			all.WriteString(a.header + "\r\n")
		}
		all.WriteString("\r\n")
	}
	if _, err := io.WriteString(conn, all.String()); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	for i, a := range asks {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != a.status {
			t.Errorf("request %d: %d (%v), want %d: %s", i, resp.StatusCode, err, a.status, body)
		}
		if resp.StatusCode != 200 && strings.Contains(string(body), "private") {
			t.Errorf("request %d: %s", i, body)
		}
	}
}
