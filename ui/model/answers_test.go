package model

import (
	"reflect"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
)

func TestResponderStatus(t *testing.T) {
	now := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	for want, r := range map[string]api.Responder{
		"● Ready":                           {},
		"‖ Off":                             {Off: true, Problem: "x", Error: "y"},
		"✕ Can't work":                      {Problem: "x", Error: "y"},
		"✕ Failed last time":                {Error: "y"},
		"● Ready · works on 2":              {Working: 2},
		"● Ready · last finished 3 min ago": {Last: now.Add(-3 * time.Minute)},
		"◔ Ready · 1 event waits to be tried again":                                                   {Waiting: 1},
		"✕ Failed last time · works on 1 · 7 events wait to be tried again · last finished 1 day ago": {Error: "y", Working: 1, Waiting: 7, Last: now.Add(-30 * time.Hour)},
	} {
		if v := ResponderStatus(r, now); v.Symbol+" "+v.Words != want || v.Symbol != v.State.Symbol() {
			t.Errorf("%+v: %s %s, want %s", r, v.Symbol, v.Words, want)
		}
	}
}

func TestResponderKind(t *testing.T) {
	for want, r := range map[string]api.Responder{
		"Run a command": {Kind: "command", Title: "Run a command"},
		"Shows messages on this desktop · built in": {Kind: "notification", Title: "built in", Builtin: true},
		"built in":                {Kind: "other", Title: "built in", Builtin: true},
		"Notification · built in": {Kind: "other", Title: "Notification", Builtin: true},
	} {
		if got := ResponderKind(r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}

func TestLabels(t *testing.T) {
	rs := []api.Responder{{ID: "a", Label: "Ann\x1b[2J"}, {ID: "b", Title: "Command"}, {ID: "c"}}
	for want, ids := range map[string][]string{
		"nobody": nil, "Ann [2J": {"a"}, "Command, c": {"b", "c"}, "Ann [2J, gone (removed)": {"a", "gone"},
	} {
		if got := Labels(ids, rs); got != want {
			t.Errorf("%q: %q, want %q", ids, got, want)
		}
	}
	routes := []api.Route{{Name: "One", To: []string{"a"}}, {To: []string{"b", "a"}}, {Name: "Three", To: []string{"b"}}}
	if got := UsedBy("a", routes); !reflect.DeepEqual(got, []string{"One", "Route 2"}) {
		t.Errorf("%q", got)
	}
	if got := Talkers([]api.Responder{{ID: "a", Talks: true}, {ID: "b"}, {ID: "c", Talks: true, Off: true}}); len(got) != 1 || got[0].ID != "a" {
		t.Errorf("%+v", got)
	}
}

func TestMultiLine(t *testing.T) {
	for help, want := range map[string]bool{"One per line.": true, "Arguments, one a line": true, "Each on its own line.": true, "The line of credit": false, "Online help": false, "": false} {
		if got := MultiLine(api.Field{Help: help}); got != want {
			t.Errorf("%q: %v", help, got)
		}
	}
	if !MultiLine(api.Field{Help: "NAME=VALUE, one per line: a key of its service.", Secret: true}) {
		t.Error("several can't be typed")
	}
}

func TestLeaseWords(t *testing.T) {
	now := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	rs := []api.Responder{{ID: "a", Label: "Claude"}}
	for want, l := range map[string]api.Lease{"Agent: nobody": {}, "Agent: Claude": {Holder: "a"}, "Agent: Night": {Holder: "b", Label: "Night"}, "Agent: b (removed)": {Holder: "b"}} {
		if got := LeaseWords(l, rs); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := LeaseSince(api.Lease{Given: true, Since: now.Add(-time.Hour)}, now); got != "given by you 1 h ago" {
		t.Error(got)
	}
	if got := LeaseSince(api.Lease{}, now); got != "took it" {
		t.Error(got)
	}
	if got := LeaseTitle(api.Lease{Conversation: "-5"}); got != "Conversation -5" {
		t.Error(got)
	}
}

func TestOutcomes(t *testing.T) {
	tried := func(seq uint64, route string, to ...string) api.RouteTried {
		return api.RouteTried{Entry: api.Entry{Seq: seq}, Steps: []api.RouteStep{{Name: "No"}, {Name: route, Match: route != ""}}, To: to}
	}
	out := Outcomes([]api.RouteTried{tried(1, "A", "Ann"), tried(2, "A", "Ann"), tried(3, "A", "Ann")},
		[]api.RouteTried{tried(1, "A", "Ann"), tried(2, "B", "Ann"), tried(3, "A", "Ann", "Ben"), tried(4, "")})
	want := []Outcome{
		{Route: "A", To: "Ann", BeforeRoute: "A", BeforeTo: "Ann"},
		{Route: "B", To: "Ann", BeforeRoute: "A", BeforeTo: "Ann", Changed: true},
		{Route: "A", To: "Ann, Ben", BeforeRoute: "A", BeforeTo: "Ann", Changed: true},
		{Route: "Everything else", To: "nobody", BeforeRoute: "Everything else", BeforeTo: "nobody"},
	}
	for i := range out {
		if want[i].Entry.Seq = uint64(i + 1); !reflect.DeepEqual(out[i], want[i]) {
			t.Errorf("%+v, want %+v", out[i], want[i])
		}
	}
	if len(out) != len(want) {
		t.Errorf("%d of them", len(out))
	}
	stranger := api.RouteTried{Steps: []api.RouteStep{{Words: "A stranger: nobody let them in."}}}
	if route, to := Destined(stranger); route != "Not let in" || to != "A stranger: nobody let them in." {
		t.Errorf("%q, %q", route, to)
	}
}
