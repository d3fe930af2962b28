package routes_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/expr-lang/expr"

	"github.com/postern/postern/app/routes"
)

func TestText(t *testing.T) {
	msg, pull := message(), hook(t, "pull_request", "pull_request")
	compared := 0
	for _, c := range []struct {
		in         routes.Input
		expr, want string
	}{
		{msg, `text`, msg.Event.Text},
		{msg, `"fixed"`, "fixed"},
		{msg, `"a" + "b" + lower("C")`, "abc"},
		{msg, `sender.name + ": " + trim(text)`, "Ada Lovelace: " + msg.Event.Text},
		{msg, `mentioned ? "for the bot" : "not"`, "for the bot"},
		{msg, `1 + 2`, "3"},
		{msg, `len(attachments)`, "2"},
		{msg, `mentioned`, "true"},
		{pull, `json.pull_request.title + " (" + header("X-GitHub-Event") + ")"`, ""},
		{pull, `"#" + string(json.number)`, "#17"},
		{pull, `json?.nothing?.at?.all`, ""},
		{pull, `json?.nothing?.at ?? "nothing"`, "nothing"},
		{pull, `upper(json.action)`, ""},
	} {
		w, err := routes.CompileText(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		got, err := w.Text(c.in)
		if err != nil || c.want != "" && got != c.want {
			t.Errorf("%s: %q, want %q: %v", c.expr, got, c.want, err)
		}
		theirs, err := expr.Eval(c.expr, environment(c.in))
		if s, ok := theirs.(string); err == nil && ok {
			if compared++; s != got {
				t.Errorf("%s: the library says %q, we say %q", c.expr, s, got)
			}
		}
	}
	if compared < 8 {
		t.Errorf("only %d were compared", compared)
	}
}

func TestTextFaults(t *testing.T) {
	for source, want := range map[string]string{
		"":                             "is empty",
		" ":                            "is empty",
		"attachments":                  "a text is wanted",
		`"a" + 1`:                      "",
		`text - "a"`:                   "",
		`text +`:                       "",
		`text; text`:                   "only one",
		`text == "a" ? text`:           "",
		`let a = 1; text`:              "",
		`exec("ls")`:                   "no function",
		strings.Repeat(`text + `, 999): "bytes long",
	} {
		var f *routes.Fault
		if _, err := routes.CompileText(source); !errors.As(err, &f) || !strings.Contains(f.Words, want) {
			t.Errorf("%s: %v", source, err)
		}
	}
	// What conditions may not do stays so.
	if err := routes.Check(`text + "a" == "b"`); err == nil {
		t.Error("a condition joins texts")
	}
	large := message()
	large.Event.Text = strings.Repeat("a", 60<<10)
	list := body2("x", `{"list":[1],"none":null,"n":1,"big":"`+strings.Repeat("ü", 40<<10)+`"}`)
	for source, c := range map[string]struct {
		in   routes.Input
		want string
	}{
		`text + text`:       {large, "at most"},
		`json.list`:         {list, "this is a list"},
		`json.none + "a"`:   {list, "string("},
		`"a" + json.n`:      {list, "string("},
		`json.big`:          {list, "at most"},
		`json.missing.part`: {list, "nothing that could have"},
		strings.Repeat("text matches `a{470}b` or ", 4) + `false ? "a" : "b"`: {large, "too much"},
	} {
		w, err := routes.CompileText(source)
		if err != nil {
			t.Errorf("%.40s: %v", source, err)
			continue
		}
		var f *routes.Fault
		if got, err := w.Text(c.in); got != "" || !errors.As(err, &f) || !strings.Contains(f.Words, c.want) {
			t.Errorf("%.40s: %d bytes, %v", source, len(got), err)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{`text`, `text + "a"`, `string(json.a) + text`, `json`, `json?.a ?? text`} {
		f.Add(s, "x", []byte(`{"a":1}`))
	}
	f.Fuzz(func(t *testing.T, source, text string, body []byte) {
		w, err := routes.CompileText(source)
		if err != nil {
			return
		}
		in := body2("x", string(body))
		in.Event.Text = text
		got, err := w.Text(in)
		if len(got) > routes.TextMost || err != nil && strings.Contains(err.Error(), "fault of this program") {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	})
}
