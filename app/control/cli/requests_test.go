package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
)

// arrived is requests and what may be done with them.
func arrived() controltest.Coming {
	return controltest.Coming{
		Inputs: []api.Input{
			{Account: "pigeon", Name: "Builds", Via: "a listener that reaches anyone on the internet", Address: "https://bot.example.org/hook/1", Requests: 2, Bytes: 2048,
				Last: controltest.At(), Rejected: 3, Missed: 4, Settings: api.InputSettings{Answer: api.InputAnswer{Mode: "static", Body: "ok"}, Transform: "text"}},
			{Account: "owl", Name: "Owl", Why: "No listener is set up."},
		},
		Requests: []api.InputRequest{
			{ID: 2, At: controltest.At(), Account: "pigeon", Via: "listener", From: "192.0.2.1", Method: "POST", Query: "a=1", Status: 200, Verified: true, Size: 13,
				Header: map[string][]string{"Content-Type": {"application/json"}, "Authorization": {"[masked]"}}, Body: []byte(`{"b":"it's","a":2}`), Line: `{"b":"it's","a":2}`, Masked: 1, Entries: []uint64{7}},
			{ID: 1, At: controltest.At(), Account: "pigeon", Via: "listener", Method: "POST", Status: 404, Why: "bad signature", Line: "evil \x1b[2J", Body: []byte("evil \x1b[2J")},
		},
		Replayed: api.Replayed{Event: api.Entry{Seq: 9, Replay: 7}, Results: []api.ReplayResult{{Responder: "command-1", Label: "Heating", Answers: []string{"on \x1b[2J"}}, {Responder: "x", Label: "X", Error: "It broke."}}},
	}
}

func TestRequestsShown(t *testing.T) {
	b := controltest.New()
	b.SetComing(arrived())
	s := shell{dir: serve(t, b)}
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"inputs", cli.OK, []string{"pigeon", "anyone on the internet", "2.0 KiB", "static answer, transform, 3 refused, 4 came too fast", "nothing: No listener is set up."}},
		{"inputs show pigeon", cli.OK, []string{"transform", `"ok"`, "2.0 KiB", "as usual"}},
		{"inputs show nobody", cli.Failed, []string{"see postern inputs"}},
		{"inputs try 2 text", cli.OK, []string{"text\n"}},
		{"inputs try x text", cli.Usage, []string{"by its number"}},
		{"requests", cli.OK, []string{"refused: bad signature", "taken", `it's`, "evil "}},
		{"requests --refused", cli.OK, []string{"bad signature"}},
		{"requests --refused --verified", cli.Failed, []string{"none of the others"}},
		{"requests show 2", cli.OK, []string{"from 192.0.2.1", "Content-Type: application/json", "\"a\": 2,\n", "Message: 7", "1 values that let"}},
		{"requests show 2 --curl", cli.OK, []string{`--data-raw '{"b":"it'\''s","a":2}'`, "'https://bot.example.org/hook/1?a=1'", "[masked]"}},
		{"requests show 2 --http", cli.OK, []string{"POST https://bot.example.org/hook/1?a=1 HTTP/1.1\r\n", "\r\n\r\n{\"b\""}},
		{"requests show 9", cli.Failed, []string{"no such request"}},
		{"requests compare 1 2", cli.OK, []string{"@ Headers", "+ Content-Type: application/json", "- evil"}},
		{"requests forget pigeon", cli.OK, []string{"Dropped."}},
		{"requests forget", cli.Usage, []string{"--all"}},
		{"requests forget --all", cli.OK, []string{"Dropped."}},
	} {
		out, errs, code := s.run(t, strings.Fields(c.args)...)
		if code != c.code {
			t.Errorf("%s: code %d: %s", c.args, code, errs)
		}
		for _, w := range c.want {
			if !strings.Contains(out+errs, w) {
				t.Errorf("%s: no %q in %s%s", c.args, w, out, errs)
			}
		}
		if strings.Contains(out, "\x1b") {
			t.Errorf("%s: what is from outside reaches the terminal: %q", c.args, out)
		}
	}
	out, _, _ := s.run(t, "requests", "show", "2", "--json")
	var r api.InputRequest
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.ID != 2 || string(r.Body) != `{"b":"it's","a":2}` {
		t.Errorf("%v %s", err, out)
	}
	file := filepath.Join(t.TempDir(), "a.http")
	if _, errs, code := s.run(t, "requests", "show", "2", "--save", file); code != cli.OK {
		t.Error(errs)
	}
	if got, err := os.ReadFile(file); err != nil || !strings.HasSuffix(string(got), "\r\n\r\n{\"b\":\"it's\",\"a\":2}") {
		t.Errorf("%q %v", got, err)
	}
	if _, _, code := s.run(t, "requests", "show", "2", "--save", file); code != cli.Failed {
		t.Error("a file was overwritten")
	}
}

func TestReplayNeedsAPerson(t *testing.T) {
	b := controltest.New()
	b.SetComing(arrived())
	s := shell{dir: serve(t, b)}
	for _, args := range []string{"replay 1", "inputs set pigeon --keep 3"} {
		if out, errs, code := s.run(t, strings.Fields(args)...); code != cli.Failed || !strings.Contains(errs, "person") {
			t.Errorf("%s: code %d: %s%s", args, code, out, errs)
		}
	}
	if calls := b.Calls(); len(calls) != 0 {
		t.Errorf("%q", calls)
	}
	for args, want := range map[string]string{"replay x": "by its number", "replay 1 --header broken": "NAME: VALUE", "replay 1 --body /not/there": "can't be read", "inputs set pigeon": "say what to change",
		"inputs set pigeon --keep-for long": "keep-for"} {
		if _, errs, code := s.run(t, strings.Fields(args)...); code == cli.OK || !strings.Contains(errs, want) {
			t.Errorf("%s: code %d: %s", args, code, errs)
		}
	}
}
