package cli_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// peopled is a Backend in which people may talk, and responders ask.
func peopled() (*controltest.Backend, controltest.Answering) {
	a := controltest.Answering{
		People: api.People{
			Rules: []access.Rule{
				{Account: "pigeon", User: "4711", Role: access.Owner, Name: "Ada \x1b[31mNilsson\u202e"},
				{Account: "pigeon", User: "815", Conversation: "g1", Role: access.Member, Bot: true, Until: controltest.At().Add(time.Hour), Name: "deploy", Place: "Loft"},
			},
			Ignored: []access.Ignore{{Account: "pigeon", User: "666", Name: "Crypto"}, {Account: "pigeon", Conversation: "g9"}},
			Open:    []access.Place{{Account: "pigeon", Conversation: "g1", Name: "Loft"}},
		},
		Why: api.Why{
			Then: &access.Decision{Verdict: access.Stranger, Trace: []access.Step{{Outcome: access.Passed, Words: "It is a message."}, {Outcome: access.Stopped, Words: "No rule names this user."}}},
			Now: access.Decision{Verdict: access.Allowed, Role: access.Member, Rule: 1, Trace: []access.Step{
				{Outcome: access.Noted, Words: "It was in a direct\nchat."}, {Outcome: access.Passed, Words: "Rule 1 names this user here: member."}}},
			Routes: []api.RouteStep{{Route: "r1", Name: "Kitchen", Words: "does not match"}, {Route: "r2", Match: true, Words: "takes all"}},
			To:     []string{"Notify me", "Claude"},
			Lease:  "Claude has it until 05:10.",
		},
		Asks: []api.Ask{
			{ID: "p1", Account: "pigeon", Conversation: "c1", Where: "Alice", Responder: "Claude", Title: "Run a command?", Detail: "rm -rf build\npostern: Answered.",
				Choices: []api.AskChoice{{ID: "yes", Label: "Run it", Grants: true}, {ID: "no", Label: "Don't"}}, Until: controltest.At().Add(2 * time.Minute)},
			{ID: "p2", Account: "pigeon", Conversation: "c2", Responder: "Deploy", Title: "Write?", Choices: []api.AskChoice{{ID: "no", Label: "No"}}},
		},
	}
	b := controltest.New()
	b.SetAnswering(a)
	return b, a
}

func TestPeopleList(t *testing.T) {
	b, a := peopled()
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "people"), `
RULE  ACCOUNT  USER  ROLE          WHERE         UNTIL             NAME             PLACE
1     pigeon   4711  owner         direct chats  for ever          Ada [31mNilsson
2     pigeon   815   member (bot)  g1            2026-03-04 06:06  deploy           Loft
Ignored for good:
ACCOUNT  USER       WHERE       NAME
pigeon   666        everywhere  Crypto
pigeon   everybody  g9
Heard without being mentioned:
ACCOUNT  CONVERSATION  NAME
pigeon   g1            Loft
`)
	var p api.People
	if err := json.Unmarshal([]byte(s.good(t, "people", "list", "--json")), &p); err != nil || len(p.Rules) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	a.People = api.People{Claims: []access.Claim{{Account: "pigeon", User: platforms.User{ID: "99", Name: "Ada"}, Number: 1}}}
	b.SetAnswering(a)
	golden(t, s.good(t, "people"), `
Nobody may talk to your bots yet. Let yourself in with: postern pair
Waits to be let in: the user with the id 99 of pigeon (called “Ada”, which anybody can choose). Decide with: postern pair
`)
}

func TestPeopleChanges(t *testing.T) {
	for _, c := range []struct {
		args []string
		call string
	}{
		{[]string{"remove", "--account", "pigeon", "--user", "4711"}, "Disallow pigeon 4711"},
		{[]string{"remove", "--account", "pigeon", "--user", "4711", "--conversation", "g1"}, "Disallow pigeon 4711 g1"},
		{[]string{"ignore", "--entry", "1"}, "Ignore 1"},
		{[]string{"ignore", "--account", "pigeon", "--conversation", "g1"}, "Ignore 0 pigeon"},
		{[]string{"close", "pigeon", "g1"}, "SetOpen pigeon g1 false"},
	} {
		b, _ := peopled()
		s := shell{dir: serve(t, b)}
		s.good(t, append([]string{"people"}, c.args...)...)
		if calls := b.Calls(); len(calls) != 1 || !strings.HasPrefix(calls[0], c.call) {
			t.Errorf("%v: %q", c.args, calls)
		}
	}
}

func TestPeopleCalledWrongly(t *testing.T) {
	b, _ := peopled()
	s := shell{dir: serve(t, b)}
	for _, args := range [][]string{
		{"people", "allow"}, {"people", "allow", "--entry", "1"}, {"people", "allow", "--entry", "1", "--user", "4", "--role", "member"},
		{"people", "allow", "--account", "pigeon", "--role", "member"}, {"people", "allow", "--user", "4", "--role", "member"},
		{"people", "allow", "--account", "pigeon", "--user", "4"},
		{"people", "allow", "--account", "pigeon", "--user", "4", "--role", "member", "--until", "soon"},
		{"people", "remove"}, {"people", "remove", "--account", "pigeon"}, {"people", "remove", "--account", "pigeon", "--conversation", "g1"},
		{"people", "ignore"}, {"people", "ignore", "--account", "pigeon"}, {"people", "ignore", "--entry", "1", "--account", "pigeon"},
		{"people", "unignore"}, {"people", "unignore", "--account", "pigeon"},
		{"people", "open", "pigeon"}, {"people", "close", "pigeon", ""},
		{"why"}, {"why", "x"}, {"why", "0"},
		{"simulate"}, {"simulate", "--account", "pigeon"}, {"simulate", "--account", "pigeon", "--user", "4", "--mentioned"},
		{"asks", "answer", "p1"},
	} {
		if _, err, code := s.run(t, args...); code != cli.Usage || err == "" {
			t.Errorf("%v: code %d: %s", args, code, err)
		}
	}
	if calls := b.Calls(); len(calls) > 0 {
		t.Errorf("it asked all the same: %q", calls)
	}
}

// TestOnlyPeopleLetIn holds what lets more in to somebody at a terminal: a
// program's call is refused, and shows no code.
func TestOnlyPeopleLetIn(t *testing.T) {
	for _, args := range [][]string{
		{"people", "allow", "--account", "pigeon", "--user", "4711", "--role", "owner"},
		{"people", "allow", "--entry", "1", "--role", "owner"},
		{"people", "unignore", "--account", "pigeon", "--user", "666"},
		{"people", "open", "pigeon", "g1"},
		{"pair"},
		{"asks", "answer", "p1", "yes"},
	} {
		b, a := peopled()
		a.Pairing = api.Pairing{Code: "7Nq3vXk9TzWbR2mYhJ5cLd"}
		b.SetAnswering(a)
		s := shell{dir: serve(t, b), in: strings.NewReader("y\ny\n")}
		out, err, code := s.run(t, args...)
		if code != cli.Failed || !strings.Contains(err, "nly a person") {
			t.Errorf("%v: code %d: %s", args, code, err)
		}
		if calls := slices.DeleteFunc(b.Calls(), func(c string) bool { return strings.HasPrefix(c, "Entry ") }); len(calls) > 0 {
			t.Errorf("%v: %q", args, calls)
		}
		if strings.Contains(out+err, "7Nq3") {
			t.Errorf("%v shows the code", args)
		}
	}
}

func TestWhy(t *testing.T) {
	b, a := peopled()
	s := shell{dir: serve(t, b)}
	today := `let in as member
  · It was in a direct chat.
  + Rule 1 names this user here: member.
  - route Kitchen: does not match
  + route r2: takes all
Goes to: Notify me, Claude
Claude has it until 05:10.
`
	golden(t, s.good(t, "why", "1"), `
Then: not let in (stranger)
  + It is a message.
  x No rule names this user.
Today: `+today)
	golden(t, s.good(t, "simulate", "--account", "pigeon", "--user", "4711", "--conversation", "g1", "hi"), today)
	if calls := b.Calls(); !slices.Equal(calls, []string{"Why 1", "Simulate pigeon 4711 g1 hi"}) {
		t.Errorf("%q", calls)
	}
	a.Why.Then, a.Why.To = &a.Why.Now, nil
	b.SetAnswering(a)
	if out := s.good(t, "why", "1"); !strings.HasPrefix(out, "Then, and today: let in as member\n") || !strings.Contains(out, "Nothing answers it.") {
		t.Error(out)
	}
	a.Why.Then = nil
	b.SetAnswering(a)
	if out := s.good(t, "why", "1"); !strings.HasPrefix(out, "What was decided when it came is not kept.") {
		t.Error(out)
	}
	a.Why.Now.Verdict = access.Stranger
	b.SetAnswering(a)
	if out := s.good(t, "simulate", "--account", "pigeon", "--user", "4"); !strings.HasPrefix(out, "not let in (stranger)\n") || strings.Contains(out, "answers it") {
		t.Error(out)
	}
	a.Why.Now.Verdict = access.Allowed
	b.SetAnswering(a)
	var w api.Why
	if err := json.Unmarshal([]byte(s.good(t, "why", "1", "--json")), &w); err != nil || w.Now.Verdict != access.Allowed {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestAsks(t *testing.T) {
	b, a := peopled()
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "asks"), `
p1: Claude asks, in Alice (pigeon), until 2026-03-04 05:08:
    Run a command?
    rm -rf build
    postern: Answered.
Answer with: postern asks answer p1 CHOICE, of: yes (Run it; grants it), no (Don't)

p2: Deploy asks, in c2 (pigeon):
    Write?
Answer with: postern asks answer p2 CHOICE, of: no (No)
`)
	for _, c := range []struct{ typed, want string }{{"", "p1"}, {"p1", "yes"}, {"p2", "no"}} {
		args := []string{"__complete", "asks", "answer", ""}
		if c.typed != "" {
			args = []string{"__complete", "asks", "answer", c.typed, ""}
		}
		if out, _, _ := s.run(t, args...); !strings.Contains(out, c.want) {
			t.Errorf("%q completes to %q", c.typed, out)
		}
	}
	a.Asks = nil
	b.SetAnswering(a)
	golden(t, s.good(t, "asks"), "Nothing waits for your permission.\n")
}
