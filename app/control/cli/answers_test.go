package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// answering is a backend with responders, routes and agents.
func answering() *controltest.Backend {
	b := controltest.New()
	tried := func(seq uint64, text, to string, match bool) api.RouteTried {
		return api.RouteTried{Entry: api.Entry{Seq: seq, At: controltest.At(), From: platforms.User{Name: "Ada"}, Text: text},
			Steps: []api.RouteStep{{Route: "r1", Name: "Heating", Match: match}}, To: []string{to}}
	}
	b.SetComing(controltest.Coming{Hooks: someHooks(), Made: api.HookMade{Hook: someHooks().Hooks[0], URL: hookURL}, Tried: api.HookTried{Text: "hi", Username: "Bo"}})
	b.SetAnswering(controltest.Answering{
		Kinds: []api.ResponderKind{
			{Name: "command", Title: "Command", Summary: "Starts a program.", Fields: []api.Field{
				{Key: "program", Label: "Program", Required: true, Help: "The whole path."}, {Key: "args", Label: "Arguments", Help: "One per line."},
				{Key: "mode", Label: "Mode", Required: true, Options: []platforms.Option{{Value: "once"}, {Value: "stay"}}}}},
			{Name: "forward", Title: "Web service", Summary: "Posts messages.", Fields: []api.Field{
				{Key: "url", Label: "Address", Required: true}, {Key: "secret", Label: "Signing secret", Secret: true, Required: true}}},
		},
		Responders: []api.Responder{
			{ID: "notify", Kind: "notify", Title: "Notification", Label: "Notifications", Builtin: true},
			{ID: "command-1", Kind: "command", Title: "Command", Label: "Heating", Working: 2, Waiting: 1, Last: controltest.At()},
			{ID: "agent-1", Kind: "agent", Title: "Agent", Label: "Claude", Talks: true, Error: "It ended \x1b[2J early."},
			{ID: "command-2", Kind: "command", Title: "Command", Label: "Old", Off: true},
		},
		Routes: api.Routes{Default: []string{"notify"}, Routes: []api.Route{
			{ID: "r1", Name: "Heating", When: `text contains "heating"`, To: []string{"command-1"}},
			{ID: "r2", To: []string{"agent-1", "gone"}, Off: true, Also: true}}},
		Names:  []api.RouteName{{Name: "text", Type: "text", Help: "What was written.", Example: `text contains "x"`}},
		Tried:  []api.RouteTried{tried(2, "Turn the heating on", "Heating", true), tried(1, "Hello", "Notifications", false)},
		Leases: []api.Lease{{Account: "pigeon", Conversation: "c-1", Title: "Family", Holder: "agent-1", Label: "Claude", Since: controltest.At(), Given: true}},
	})
	return b
}

func TestAnsweringIsListed(t *testing.T) {
	s := shell{dir: serve(t, answering())}
	for _, tt := range []struct{ args, want string }{
		{"responders", `
RESPONDER  LABEL          KIND          STATE   WORKING  WAITING  LAST              NOTE
notify     Notifications  Notification  on
command-1  Heating        Command       on      2        1        2026-03-04 05:06
agent-1    Claude         Agent         failed                                      It ended [2J early.
command-2  Old            Command       off
`},
		{"responders kinds", `
KIND     TITLE        SUMMARY
command  Command      Starts a program.
forward  Web service  Posts messages.
`},
		{"responders kinds command", `
Command: Starts a program.
FIELD            LABEL      NEEDED  HELP
--set program=…  Program    yes     The whole path.
--set args=…     Arguments          One per line.
--set mode=…     Mode       yes     One of once, stay.
`},
		{"routes", `
NO  ROUTE  NAME             TO             NOTE                   WHEN
1   r1     Heating          Heating                               text contains "heating"
2   r2                      Claude, gone   off, later routes too  always
           everything else  Notifications
`},
		{"routes names", `
NAME  TYPE  EXAMPLE            HELP
text  text  text contains "x"  What was written.
`},
		{"routes try", `
  WHEN              WHO  TEXT                 GOES
  2026-03-04 05:06  Ada  Turn the heating on  Heating: Heating
  2026-03-04 05:06  Ada  Hello                Notifications
`},
		{"leases", `
ACCOUNT  CONVERSATION  WITH    SINCE             BY   TITLE
pigeon   c-1           Claude  2026-03-04 05:06  you  Family
`},
	} {
		t.Run(tt.args, func(t *testing.T) {
			golden(t, s.good(t, strings.Fields(tt.args)...), tt.want)
			var v any
			if err := json.Unmarshal([]byte(s.good(t, append(strings.Fields(tt.args), "--json")...)), &v); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRoutesCheck(t *testing.T) {
	b := answering()
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "routes", "check", "mentioned"), "Nothing is wrong with it.\n")
	b.SetAnswering(controltest.Answering{Checked: api.RouteChecked{Problem: "There is no mentoined here. Did you mean mentioned?"}})
	if _, err, code := s.run(t, "routes", "check", "mentoined"); code != cli.Failed || !strings.Contains(err, "Did you mean mentioned?") {
		t.Errorf("%d %q", code, err)
	}
	out, _, code := s.run(t, "routes", "check", "mentoined", "--json")
	var c api.RouteChecked
	if err := json.Unmarshal([]byte(out), &c); err != nil || code != cli.Failed || c.Problem == "" {
		t.Errorf("%d %q %v", code, out, err)
	}
}

func TestTryMarksWhatChanges(t *testing.T) {
	b := answering()
	before := []api.RouteTried{
		{Entry: api.Entry{Seq: 2, At: controltest.At(), Text: "Turn the heating on"}, To: []string{"Notifications"}},
		{Entry: api.Entry{Seq: 1, At: controltest.At(), Text: "Hello"}, To: []string{"Notifications"}},
	}
	b.Wait = func(_ context.Context, call string) { // what is asked next is about the saved routes
		if strings.HasPrefix(call, "TryRoutes") {
			b.SetAnswering(controltest.Answering{Tried: before})
		}
	}
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "routes", "try", "--when", "mentioned", "--to", "Claude", "--at", "1"), `
   WHEN              WHO  TEXT                 GOES
*  2026-03-04 05:06  Ada  Turn the heating on  Heating: Heating (before: Notifications)
   2026-03-04 05:06  Ada  Hello                Notifications
`)
	if calls := strings.Join(b.Calls(), "; "); calls != "TryRoutes 3; TryRoutes 2" {
		t.Errorf("%q", calls)
	}
	b = answering()
	if _, err, code := (shell{dir: serve(t, b)}).run(t, "routes", "try", "--when", "mentioned", "--to", "Claude", "--at", "9"); code != cli.Usage || !strings.Contains(err, "1 to 3") {
		t.Errorf("%d %q", code, err)
	}
}

// TestPersonsOnly proves that what has more done is refused to a program, and
// reaches nothing.
func TestPersonsOnly(t *testing.T) {
	for _, args := range [][]string{
		{"responders", "add", "command", "--set", "program=/bin/true", "--set", "mode=once"},
		{"responders", "change", "command-1", "--label", "Warm"},
		{"responders", "off", "command-1"},
		{"responders", "on", "command-2"},
		{"routes", "add", "--to", "notify"},
		{"routes", "edit", "r1", "--name", "x"},
		{"routes", "move", "r1", "2"},
		{"routes", "off", "1"},
		{"routes", "on", "Heating"},
		{"routes", "remove", "r1", "--yes"},
		{"leases", "give", "pigeon", "c-1", "agent-1"},
		{"leases", "release", "pigeon", "c-1"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			b := answering()
			if _, err, code := (shell{dir: serve(t, b)}).run(t, args...); code != cli.Failed || !strings.Contains(err, "Only a person can do this") {
				t.Errorf("%d %q", code, err)
			}
			if len(b.Calls()) > 0 {
				t.Errorf("%q", b.Calls())
			}
		})
	}
}

func TestWhatIsWrongBeforeAnythingIsSaved(t *testing.T) {
	b := answering()
	s := shell{dir: serve(t, b)}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"responders", "add", "dove"}, "there are: command, forward"},
		{[]string{"responders", "add", "command", "--set", "program"}, "KEY=VALUE"},
		{[]string{"responders", "add", "command", "--set", "loft=" + token}, "it has: program, args, mode"},
		{[]string{"responders", "add", "command"}, "--set program=…"},
		{[]string{"responders", "add", "forward", "--set", "url=x", "--set", "secret=" + token}, "--secret secret"},
		{[]string{"responders", "add", "forward", "--set", "url=x"}, "say --secret secret"},
		{[]string{"responders", "add", "forward", "--set", "url=x", "--secret", "url"}, "it has: secret"},
		{[]string{"responders", "add", "forward", "--set", "url=x", "--secret", "secret"}, "standard input is empty"},
		{[]string{"responders", "change", "nobody"}, "postern responders list"},
		{[]string{"responders", "change", "command-1", "--clear", "nothing"}, "no field of that name"},
		{[]string{"responders", "remove", "command-1"}, "--yes"},
		{[]string{"routes", "add", "--when", "mentioned"}, "--to"},
		{[]string{"routes", "add", "--to", "nobody"}, "postern responders list"},
		{[]string{"routes", "edit", "r9"}, "there is no route"},
		{[]string{"routes", "move", "r1", "9"}, "1 to 2"},
		{[]string{"routes", "move", "r1", "x"}, "a number from 1"},
		{[]string{"routes", "remove", "r1"}, "--yes"},
		{[]string{"leases", "give", "pigeon", "c-1", "command-1"}, "only an agent"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			out, err, code := s.run(t, tt.args...)
			if code != cli.Usage || !strings.Contains(err, tt.want) || strings.Contains(out+err, token) {
				t.Errorf("%d %q %q", code, out, err)
			}
		})
	}
	if len(b.Calls()) > 0 {
		t.Errorf("%q", b.Calls())
	}
	t.Run("an expression", func(t *testing.T) {
		b.SetAnswering(controltest.Answering{Checked: api.RouteChecked{Problem: "It ends too early. Complete it."},
			Responders: []api.Responder{{ID: "notify"}}, Routes: api.Routes{Routes: []api.Route{{ID: "r1"}}}})
		for _, args := range [][]string{{"routes", "add", "--when", "text ==", "--to", "notify"}, {"routes", "edit", "r1", "--when", "text =="}, {"routes", "try", "--when", "text ==", "--to", "notify"}} {
			if _, err, code := s.run(t, args...); code != cli.Failed || !strings.Contains(err, "It ends too early. Complete it.") {
				t.Errorf("%q: %d %q", args, code, err)
			}
		}
		if len(b.Calls()) > 0 {
			t.Errorf("%q", b.Calls())
		}
	})
}

func TestRemoveResponder(t *testing.T) {
	b := answering()
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "responders", "remove", "Heating", "--yes"), "Removed command-1.\n")
	if got := strings.Join(b.Calls(), "; "); got != "RemoveResponder command-1" {
		t.Errorf("%q", got)
	}
	b.Err = func(string) error { return errors.New("it broke") }
	if _, _, code := s.run(t, "responders", "remove", "command-1", "--yes"); code != cli.Failed {
		t.Errorf("code %d", code)
	}
}

func TestNamesThatSeveralHave(t *testing.T) {
	b := controltest.New()
	b.SetAnswering(controltest.Answering{
		Responders: []api.Responder{{ID: "x", Label: "same"}, {ID: "y", Label: "same"}},
		Routes:     api.Routes{Routes: []api.Route{{ID: "p", Name: "same"}, {ID: "q", Name: "same"}}},
	})
	s := shell{dir: serve(t, b)}
	for _, args := range [][]string{{"responders", "off", "same"}, {"routes", "off", "same"}} {
		if _, err, code := s.run(t, args...); code != cli.Usage || !strings.Contains(err, "several") {
			t.Errorf("%q: %d %q", args, code, err)
		}
	}
}

func TestAnsweringIsCompleted(t *testing.T) {
	s := shell{dir: serve(t, answering())}
	for line, want := range map[string]string{
		"responders off ":         "notify\tNotifications\ncommand-1\tHeating\nagent-1\tClaude\ncommand-2\tOld\n:4\n",
		"responders add ":         "command\tCommand\nforward\tWeb service\n:4\n",
		"routes edit ":            "r1\tHeating\nr2\n:4\n",
		"routes add --to ":        "notify\tNotifications\n",
		"leases give pigeon ":     "c1\tAlice\n",
		"leases give pigeon c-1 ": "notify\tNotifications\n",
	} {
		out, _, code := s.run(t, append([]string{"__complete"}, strings.Split(line, " ")...)...)
		if code != cli.OK || !strings.HasPrefix(out, want) {
			t.Errorf("%s: code %d: %q", line, code, out)
		}
	}
}
