package mattermost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/mattermost"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
	"github.com/postern/postern/platforms/platformtest"
)

// commandWorld is a world with a door and the setting command. opened gets
// something whenever a route is served.
type commandWorld struct {
	*platformtest.World
	s      *mattermosttest.Server
	in     *ingresstest.Ingress
	opened chan struct{}
}

func newCommandWorld(t *testing.T, command string) commandWorld {
	w, s := doorWorld(t)
	t.Cleanup(w.Close)
	w.Config.Settings["command"] = command
	in := w.Config.Ingress.(*ingresstest.Ingress)
	opened := make(chan struct{}, 100)
	in.On(nil, func() { opened <- struct{}{} })
	return commandWorld{w, s, in, opened}
}

func (w commandWorld) connect(t *testing.T) platforms.Connector {
	t.Helper()
	conn, err := mattermost.Platform().New(w.Config)
	must(t, err)
	mattermost.Look(conn, time.Millisecond, time.Hour)
	return conn
}

// wait waits until n routes are open.
func (w commandWorld) wait(t *testing.T, n int) {
	t.Helper()
	for end := time.After(10 * time.Second); w.in.Open() < n; {
		select {
		case <-w.opened:
		case <-end:
			t.Fatalf("%d routes are open, want %d", w.in.Open(), n)
		}
	}
}

// soon is a context that ends before the tests' own time does.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func problem(t *testing.T, conn platforms.Connector, code string) platforms.Problem {
	t.Helper()
	id, err := conn.Check(t.Context())
	must(t, err)
	for _, p := range id.Problems {
		if p.Code == code {
			return p
		}
	}
	return platforms.Problem{}
}

func fix(t *testing.T, conn platforms.Connector, code string) error {
	t.Helper()
	return conn.(platforms.Fixer).Fix(t.Context(), code)
}

// TestCommand registers a command in two teams, executes it, answers, and
// removes it.
func TestCommand(t *testing.T) {
	w := newCommandWorld(t, "/Ask")
	w.s.AddTeam("team0000000000000000000002", "engines")
	conn := w.connect(t)
	rec := &platformtest.Recorder{}
	end := start(t, conn, rec)
	defer end()
	w.wait(t, 1) // the buttons'

	if p := problem(t, conn, "command"); p.Fix != "Add /ask" || p.Bad || !strings.Contains(p.Text, "“analytical” and “engines”") {
		t.Errorf("%+v", p)
	}
	must(t, fix(t, conn, "command"))
	must(t, fix(t, conn, "command")) // again costs nothing
	all := w.s.Commands()
	if len(all) != 2 || all[0].TeamID == all[1].TeamID {
		t.Fatalf("%d commands: %+v", len(all), all)
	}
	for _, c := range all {
		if c.Trigger != "ask" || c.Method != "P" || !c.AutoComplete || !strings.HasPrefix(c.URL, "http://127.0.0.1:") {
			t.Errorf("%+v", c)
		}
	}
	if p := problem(t, conn, "command"); p.Code != "" {
		t.Errorf("%+v", p)
	}

	w.wait(t, 2)
	got, err := w.s.Execute(t.Context(), mattermosttest.Person, mattermosttest.Town, "/ask what  is <this>?")
	must(t, err)
	if got != (mattermosttest.CommandAnswer{Status: 200, Type: "ephemeral"}) {
		t.Errorf("answered with %+v", got)
	}
	evs := rec.Wait(t, 1)
	ev := evs[0]
	if ev.Kind != platforms.MessageReceived || ev.Text != "what  is <this>?" || !ev.Mentioned || ev.From.ID != mattermosttest.Person || ev.From.Name != "Ada Lovelace" ||
		ev.Conversation.ID != mattermosttest.Town || ev.Conversation.Kind != platforms.Channel || ev.Thread != "" || ev.Message != "" || ev.Note != "the command /ask" {
		t.Errorf("%+v", ev)
	}
	_, err = conn.Send(t.Context(), platforms.Message{Key: "k", Conversation: ev.Conversation.ID, Text: "That."})
	must(t, err)
	_, err = w.s.Execute(t.Context(), mattermosttest.Person, mattermosttest.Direct, "/ask in private")
	must(t, err)
	if ev := rec.Wait(t, 2)[1]; ev.Conversation.Kind != platforms.Direct || ev.Text != "in private" {
		t.Errorf("%+v", ev)
	}

	// Without words there is nothing to hear, but something to say.
	got, err = w.s.Execute(t.Context(), mattermosttest.Person, mattermosttest.Town, "/ask")
	must(t, err)
	if got.Status != 200 || !strings.Contains(got.Text, "behind /ask") || len(rec.Events()) != 2 {
		t.Errorf("%+v, %d events", got, len(rec.Events()))
	}
	if n := w.s.Calls("POST /hooks/"); n != 0 {
		t.Errorf("the response_url was called %d times", n)
	}

	// Cleared, what is left can be removed.
	w.Config.Settings["command"] = ""
	cleared := w.connect(t)
	theirs := w.s.AddCommand(mattermosttest.Command{CreatorID: mattermosttest.Bot, TeamID: mattermosttest.Team, Trigger: "build", Method: "P", URL: "https://ci.example/hook"})
	if p := problem(t, cleared, "command_former"); p.Fix != "Remove /ask" || p.Bad {
		t.Errorf("%+v", p)
	}
	must(t, fix(t, cleared, "command_former"))
	if all := w.s.Commands(); len(all) != 1 || all[0].ID != theirs.ID {
		t.Errorf("what stays: %+v", all)
	}
	if p := problem(t, cleared, "command_former"); p.Code != "" {
		t.Errorf("%+v", p)
	}
	if platforms.KindOf(fix(t, cleared, "command")) != platforms.Unsupported || platforms.KindOf(fix(t, cleared, "team")) != platforms.Unsupported {
		t.Error("what is not wanted, or can't be mended, was")
	}
}

// TestCommandElsewhere has the command lead to another address, and be
// somebody else's.
func TestCommandElsewhere(t *testing.T) {
	w := newCommandWorld(t, "ask")
	conn := w.connect(t)
	must(t, fix(t, conn, "command"))
	before := w.s.Commands()[0]

	moved, err := ingresstest.NewLoopback()
	must(t, err)
	t.Cleanup(moved.Close)
	w.Config.Ingress = moved
	conn = w.connect(t)
	if p := problem(t, conn, "command"); p.Fix != "Update /ask" {
		t.Errorf("%+v", p)
	}
	must(t, fix(t, conn, "command"))
	after := w.s.Commands()
	if len(after) != 1 || after[0].ID != before.ID || after[0].URL == before.URL || after[0].Token != before.Token {
		t.Errorf("%+v\n%+v", before, after)
	}
	if p := problem(t, conn, "command"); p.Code != "" {
		t.Errorf("%+v", p)
	}

	w.s.AddCommand(mattermosttest.Command{CreatorID: mattermosttest.Person, TeamID: mattermosttest.Team, Trigger: "tell", Method: "P", URL: "https://ci.example/hook"})
	w.Config.Settings["command"] = "tell"
	conn = w.connect(t)
	if err := fix(t, conn, "command"); platforms.KindOf(err) != platforms.Rejected || !strings.Contains(platforms.Explain(err), "another word") {
		t.Errorf("%v", err)
	}
	w.s.SetCommandRights(mattermosttest.OthersCommands)
	if p := problem(t, conn, "command_taken"); p.Code == "" || p.Fix != "" {
		t.Errorf("%+v", p)
	}
	if p := problem(t, conn, "command"); p.Code != "" {
		t.Errorf("%+v", p)
	}
	if p := problem(t, conn, "command_former"); p.Fix != "Remove /ask" {
		t.Errorf("%+v", p)
	}
	if err := fix(t, conn, "command"); platforms.KindOf(err) != platforms.Rejected {
		t.Errorf("%v", err)
	}
}

// TestCommandRefused has the bot not be allowed, and nothing be open.
func TestCommandRefused(t *testing.T) {
	w := newCommandWorld(t, "ask")
	conn := w.connect(t)
	for rights, want := range map[mattermosttest.CommandRights]string{
		mattermosttest.NoCommands:  "Manage Own Slash Commands",
		mattermosttest.CommandsOff: "Enable Custom Slash Commands",
	} {
		w.s.SetCommandRights(rights)
		if p := problem(t, conn, "command_refused"); p.Fix != "" || p.Bad || !strings.Contains(p.Text, want) {
			t.Errorf("%+v", p)
		}
		if p := problem(t, conn, "command"); p.Code != "" {
			t.Errorf("%+v", p)
		}
		if err := fix(t, conn, "command"); platforms.KindOf(err) != platforms.Rejected || !strings.Contains(platforms.Explain(err), want) {
			t.Errorf("%v", err)
		}
	}
	w.s.SetCommandRights(mattermosttest.OwnCommands)
	no := &platforms.Error{Kind: platforms.NotAcknowledged, Text: "Nothing is open."}
	w.in.Refuse(no)
	if p := problem(t, conn, "command_address"); p.Text != no.Text || p.Fix != "" {
		t.Errorf("%+v", p)
	}
	if err := fix(t, conn, "command"); !errors.Is(err, no) || len(w.s.Commands()) > 0 {
		t.Errorf("%v", err)
	}
	w.Config.Ingress = nil
	bare, err := mattermost.Platform().New(w.Config)
	must(t, err)
	if p := problem(t, bare, "command_address"); !strings.Contains(p.Text, "/ask") {
		t.Errorf("%+v", p)
	}
	// Where none is wanted, no permission is missed.
	w.Config.Settings["command"] = ""
	w.s.SetCommandRights(mattermosttest.NoCommands)
	bare, err = mattermost.Platform().New(w.Config)
	must(t, err)
	id, err := bare.Check(t.Context())
	if err != nil || len(id.Problems) > 0 {
		t.Errorf("%+v, %v", id, err)
	}
}

func TestParseCommand(t *testing.T) {
	var parse func(string) (string, error)
	for _, f := range mattermost.Platform().Fields {
		if f.Key == "command" {
			parse = f.Parse
		}
	}
	for in, want := range map[string]string{"": "", "ask": "ask", " /Ask ": "ask", "/frag": "frag", "späne": "späne", "todo": "todo", strings.Repeat("a", 128): strings.Repeat("a", 128)} {
		if got, err := parse(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"//ask", "two words", "tab\tbed", "/help", "SHRUG", strings.Repeat("a", 129), "a\u202eb", "a\x00b", "\xff"} {
		if got, err := parse(in); err == nil {
			t.Errorf("%q is taken as %q", in, got)
		}
	}
}

// TestCommandTokenIsNeverTold looks for the token in what Check and Fix say.
func TestCommandTokenIsNeverTold(t *testing.T) {
	w := newCommandWorld(t, "ask")
	conn := w.connect(t)
	must(t, fix(t, conn, "command"))
	secret := w.s.Commands()[0].Token
	w.Config.Settings["command"] = "tell"
	id, err := w.connect(t).Check(t.Context())
	must(t, err)
	rec := &platformtest.Recorder{}
	end := start(t, conn, rec)
	w.wait(t, 2)
	if said := fmt.Sprintf("%+v %#v %+v", id, conn, conn); strings.Contains(said, secret) {
		t.Errorf("it is told: %s", said)
	}
	end()
}
