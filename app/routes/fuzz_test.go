package routes_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern/postern/app/routes"
)

// FuzzCheck: whatever is typed, Check comes back with nothing or with words and a
// place; what compiles can be evaluated; and what Parse understands says the same.
func FuzzCheck(f *testing.F) {
	for _, c := range conditions(f) {
		f.Add(c.when)
	}
	for _, n := range routes.Suggest() {
		f.Add(n.Example)
	}
	for _, s := range []string{"", "(1<((1<2)?1:2)<1)", "text == 'a", "a ?: b", "any(attachments, #)", "json?.[\"a\"]?.b == 1", "text matches `(a{100}){5}`", "#", "\u202e", "if true {1} else {2}", "::len(text) == 1"} {
		f.Add(s)
	}
	ins := []routes.Input{{}, message(), click(), stranger(), hook(f, "push", "push"), hook(f, "pull_request", "pull_request")}
	f.Fuzz(func(t *testing.T, when string) {
		if err := routes.Check(when); err != nil {
			var fault *routes.Fault
			if !errors.As(err, &fault) || fault.Words == "" || fault.Line > strings.Count(when, "\n")+1 || fault.Column > utf8.RuneCountInString(when)+1 {
				t.Fatalf("%q: %#v", when, err)
			}
			return
		}
		table, err := routes.Compile([]routes.Route{{ID: "r", When: when}})
		if err != nil {
			t.Fatal(err)
		}
		picked := table.Try(ins)
		for _, p := range picked {
			if s := p.Trace[0]; strings.Contains(s.Words, "fault of this program") {
				t.Fatalf("%q: %+v", when, s)
			}
		}
		c, ok := routes.Parse(when)
		if !ok {
			return
		}
		same, err := c.Expr()
		if err != nil {
			t.Fatalf("%q: %v", when, err)
		}
		again, err := routes.Compile([]routes.Route{{ID: "r", When: same}})
		if err != nil {
			t.Fatalf("%q became %q: %v", when, same, err)
		}
		for i, p := range again.Try(ins) {
			if p.Trace[0].Outcome != picked[i].Trace[0].Outcome {
				t.Fatalf("%q became %q: %s, %s", when, same, picked[i].Trace[0].Outcome, p.Trace[0].Outcome)
			}
		}
	})
}

// FuzzQuote: a value stays a value, wherever a Cond puts one.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", `"`, "`", "'", `\`, "\n", "\r\n", "\t", "\x00", "\x7f", "\u0085", "\u2028", "\u202e", "\ufeff", "\ufffd", "\U0010ffff", "é🙂", `" or true or "`, "` or true or `", `\u0022`, `\"`, "${1}", "//", "/*", "#", ".", "a.b"} {
		f.Add(s, s)
		f.Add(s, "a")
	}
	f.Fuzz(func(t *testing.T, value, text string) {
		in := body2(text, "{}")
		in.Event.Text = text
		for _, op := range []routes.Op{routes.Is, routes.IsNot, routes.Contains, routes.StartsWith, routes.EndsWith} {
			c := routes.Cond{Op: op, Field: "text", Value: value}
			when, err := c.Expr()
			if err != nil {
				if utf8.ValidString(value) && len(value) < 400 {
					t.Fatalf("%q: %v", value, err)
				}
				return
			}
			if !utf8.ValidString(text) || len(text) > 64<<10 {
				return
			}
			want := map[routes.Op]bool{
				routes.Is: text == value, routes.IsNot: text != value, routes.Contains: strings.Contains(text, value),
				routes.StartsWith: strings.HasPrefix(text, value), routes.EndsWith: strings.HasSuffix(text, value),
			}[op]
			if holds(t, when, in) != want {
				t.Fatalf("%s: %q: not %v", when, text, want)
			}
			back, ok := routes.Parse(when)
			if op == routes.IsNot && value == "" {
				c.Op = routes.Exists // is the same
			}
			if !ok || back.Op != c.Op || back.Field != c.Field || back.Value != c.Value {
				t.Fatalf("%s: %+v, %v", when, back, ok)
			}
		}
		// As the name of a header and of a part of JSON.
		for _, prefix := range []string{"header.", "json."} {
			c := routes.Cond{Op: routes.Is, Field: prefix + value, Value: "v"}
			when, err := c.Expr()
			if err != nil {
				continue
			}
			if holds(t, when, in) {
				t.Fatalf("%s holds", when)
			}
			if back, ok := routes.Parse(when); !ok || back.Field != c.Field {
				t.Fatalf("%s: %+v, %v", when, back, ok)
			}
		}
	})
}

// FuzzPick: whatever comes, Pick comes back.
func FuzzPick(f *testing.F) {
	var rs []routes.Route
	for i, c := range conditions(f) {
		rs = append(rs, routes.Route{ID: fmt.Sprint(i), When: c.when, Also: true, To: []string{"a"}})
	}
	table, err := routes.Compile(rs)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", []byte(`{"action":[1],"pull_request":{"labels":{"a":1}}}`))
	f.Add("a", []byte(`{"commits":[null,{},[],1,"a",{"modified":{}}],"action":null}`))
	f.Add("\xff", []byte(deep(100)))
	for _, file := range []string{"push", "pull_request"} {
		f.Add("x", hook(f, file, file).Event.Raw.Body)
	}
	f.Fuzz(func(t *testing.T, text string, body []byte) {
		in := body2(text, string(body))
		in.Event.Text = text
		for _, s := range table.Pick(in).Trace {
			if strings.Contains(s.Words, "fault of this program") || !sentence(s.Words) {
				t.Fatalf("%+v", s)
			}
		}
	})
}
