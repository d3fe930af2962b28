package routes_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postern/postern/app/routes"
)

func holds(t testing.TB, when string, in routes.Input) bool {
	t.Helper()
	table, err := routes.Compile([]routes.Route{{ID: "r", When: when}})
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	return len(table.Pick(in).Routes) == 1
}

func of(op routes.Op, cs ...routes.Cond) routes.Cond { return routes.Cond{Op: op, Of: cs} }

func TestCond(t *testing.T) {
	is := func(field, value string) routes.Cond {
		return routes.Cond{Op: routes.Is, Field: field, Value: value}
	}
	msg, pull := message(), hook(t, "pull_request", "pull_request")
	for _, c := range []struct {
		cond routes.Cond
		want string
		in   routes.Input
		yes  bool
	}{
		{routes.Cond{}, ``, msg, true},
		{is("text", "a"), `text == "a"`, msg, false},
		{is("sender.id", "4711"), `sender.id == "4711"`, msg, true},
		{is("mentioned", "true"), `mentioned == true`, msg, true},
		{is("sender.bot", "false"), `sender.bot == false`, msg, true},
		{routes.Cond{Op: routes.IsNot, Field: "mentioned", Value: "true"}, `mentioned != true`, msg, false},
		{routes.Cond{Op: routes.IsNot, Field: "role", Value: "member"}, `role != "member"`, msg, true},
		{routes.Cond{Op: routes.Has, Field: "text", Value: "invoice"}, `has(text, "invoice")`, msg, true},
		{routes.Cond{Op: routes.Contains, Field: "text", Value: "invoice"}, `text contains "invoice"`, msg, false},
		{routes.Cond{Op: routes.StartsWith, Field: "text", Value: "Please"}, `text startsWith "Please"`, msg, true},
		{routes.Cond{Op: routes.EndsWith, Field: "text", Value: "Friday"}, `text endsWith "Friday"`, msg, true},
		{routes.Cond{Op: routes.Matches, Field: "text", Value: `(?i)^please\s`}, `text matches "(?i)^please\\s"`, msg, true},
		{routes.Cond{Op: routes.Exists, Field: "thread"}, `thread != ""`, msg, true},
		{routes.Cond{Op: routes.Exists, Field: "header.X-GitHub-Event"}, `header("X-GitHub-Event") != ""`, pull, true},
		{routes.Cond{Op: routes.Exists, Field: "json.pull_request.merged"}, `json?.pull_request?.merged not in [nil, ""]`, pull, true},
		{routes.Cond{Op: routes.Exists, Field: "json.pull_request.milestone"}, `json?.pull_request?.milestone not in [nil, ""]`, pull, false},
		{routes.Cond{Op: routes.Exists, Field: "json.pull_request"}, `json?.pull_request not in [nil, ""]`, pull, true},
		{routes.Cond{Op: routes.HasAttachment}, `len(attachments) > 0`, msg, true},
		{routes.Cond{Op: routes.HasAttachment, Value: "video/"}, `any(attachments, .type startsWith "video/")`, msg, false},
		{is("header.X-GitHub-Event", "push"), `header("X-GitHub-Event") == "push"`, pull, false},
		{is("json.pull_request.merged", "true"), `string(json?.pull_request?.merged) == "true"`, pull, true},
		{is("json.number", "17"), `string(json?.number) == "17"`, pull, true},
		{is("json.a-b.c d", ""), `string(json?.["a-b"]?.["c d"]) == ""`, pull, true},
		{is("json.x.a-b.c", ""), `string(json?.x?.["a-b"]?.c) == ""`, pull, true},
		{is("json.not.in.matches", ""), `string(json?.not?.in?.matches) == ""`, pull, true},
		{routes.Cond{Op: routes.Has, Field: "json.pull_request.title", Value: "URGENT"}, `has(string(json?.pull_request?.title), "URGENT")`, pull, true},
		{routes.Cond{Op: routes.IsNot, Field: "json.action", Value: ""}, `string(json?.action) != ""`, pull, true},
		{of(routes.And, is("kind", "message"), is("role", "owner"), is("mentioned", "true")), `kind == "message" and role == "owner" and mentioned == true`, msg, true},
		{of(routes.And, is("kind", "message"), of(routes.Or, is("role", "x"), is("role", "owner"))), `kind == "message" and (role == "x" or role == "owner")`, msg, true},
		{of(routes.Or, of(routes.And, is("kind", "x"), is("role", "x")), is("role", "owner")), `(kind == "x" and role == "x") or role == "owner"`, msg, true},
		{of(routes.And, is("kind", "message"), of(routes.And, is("role", "owner"), is("thread", "t7"))), `kind == "message" and (role == "owner" and thread == "t7")`, msg, true},
		{of(routes.Not, of(routes.Or, is("kind", "edit"), is("role", "owner"))), `not (kind == "edit" or role == "owner")`, msg, false},
		{of(routes.Not, of(routes.Not, is("kind", "edit"))), `not (not (kind == "edit"))`, msg, false},
		{is("text", "\"'`\\\n\r\t\x00\u202e🙂 é ￿ \\u0041${x}"), "text == \"\\\"'`\\\\\\n\\u000d\\t\\u0000\\u202e🙂 é \\uffff \\\\u0041${x}\"", msg, false},
	} {
		got, err := c.cond.Expr()
		if err != nil || got != c.want {
			t.Errorf("%+v: %s, want %s: %v", c.cond, got, c.want, err)
			continue
		}
		if holds(t, got, c.in) != c.yes {
			t.Errorf("%s: not %v", got, c.yes)
		}
		back, ok := routes.Parse(got)
		if !ok || fmt.Sprint(back) != fmt.Sprint(c.cond) {
			t.Errorf("%s: %+v, %v", got, back, ok)
		}
	}
}

func TestCondIncomplete(t *testing.T) {
	nested := routes.Cond{Op: routes.Exists, Field: "text"}
	for range 20 {
		nested = of(routes.Not, nested)
	}
	ok := routes.Cond{Op: routes.Exists, Field: "text"}
	for _, c := range []struct {
		cond routes.Cond
		want string
	}{
		{routes.Cond{Op: routes.Is, Value: "a"}, "no field"},
		{routes.Cond{Field: "text"}, "no comparison"},
		{routes.Cond{Op: "==", Field: "text"}, "no comparison"},
		{routes.Cond{Op: routes.Is, Field: "text == text or text", Value: "a"}, "no field"},
		{routes.Cond{Op: routes.Is, Field: "attachments", Value: "a"}, "no field"},
		{routes.Cond{Op: routes.Is, Field: "json", Value: "a"}, "no field"},
		{routes.Cond{Op: routes.Is, Field: "json.", Value: "a"}, "empty part"},
		{routes.Cond{Op: routes.Is, Field: "json.a..b", Value: "a"}, "empty part"},
		{routes.Cond{Op: routes.Is, Field: "json.a\xff", Value: "a"}, "no text"},
		{routes.Cond{Op: routes.Is, Field: "header.", Value: "a"}, "name of the header"},
		{routes.Cond{Op: routes.Is, Field: "mentioned", Value: "yes"}, "either true or false"},
		{routes.Cond{Op: routes.Contains, Field: "mentioned", Value: "true"}, "either true or false"},
		{routes.Cond{Op: routes.Exists, Field: "text", Value: "a"}, "Leave the value empty"},
		{routes.Cond{Op: routes.HasAttachment, Field: "text"}, "Leave the field empty"},
		{routes.Cond{Op: routes.Matches, Field: "text", Value: "("}, "missing closing )"},
		{routes.Cond{Op: routes.Is, Field: "text", Value: "\xff"}, "no text"},
		{routes.Cond{Op: routes.Is, Field: "text", Value: strings.Repeat("a", 4096)}, "4096 at most"},
		{routes.Cond{Op: routes.Is, Field: "text", Of: []routes.Cond{ok}}, "Take them out"},
		{routes.Cond{Of: []routes.Cond{ok}}, "Take them out"},
		{of(routes.And, ok), "two conditions"},
		{of(routes.Or), "two conditions"},
		{of(routes.Not), "exactly one"},
		{of(routes.Not, ok, ok), "exactly one"},
		{of(routes.And, ok, routes.Cond{}), "no field"},
		{routes.Cond{Op: routes.And, Field: "text", Of: []routes.Cond{ok, ok}}, "Take out field"},
		{nested, "16 levels"},
	} {
		if got, err := c.cond.Expr(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %s, %v", c.cond, got, err)
		}
	}
}

func TestParse(t *testing.T) {
	for when, want := range map[string]string{
		`mentioned`:                    `mentioned == true`,
		`not sender.bot`:               `not (sender.bot == true)`,
		`!(sender.bot) && (mentioned)`: `not (sender.bot == true) and mentioned == true`,
		"text\n==\n'it\\'s' ":          `text == "it's"`,
		"text == `a\nb`":               `text == "a\nb"`,
		`text not contains "a"`:        `not (text contains "a")`,
		`text | has("a")`:              `has(text, "a")`,
		`(text == "a" and text == "b") and text == "c"`:  `text == "a" and text == "b" and text == "c"`,
		`(text == "a" or text == "b") and text == "c"`:   `(text == "a" or text == "b") and text == "c"`,
		`text == "a" or text == "b" and text == "c"`:     `text == "a" or (text == "b" and text == "c")`,
		`sender["id"] == "1"`:                            `sender.id == "1"`,
		`string(json?.["a"]?.b) == "1"`:                  `string(json?.a?.b) == "1"`,
		`any(attachments, {#.type startsWith "image/"})`: `any(attachments, .type startsWith "image/")`,
	} {
		c, ok := routes.Parse(when)
		if got, err := c.Expr(); !ok || err != nil || got != want {
			t.Errorf("%s: %v, %s, want %s: %v", when, ok, got, want, err)
		}
	}
	for _, when := range []string{
		`text ==`, `true`, `nil`, `text == "a" // why`, `/* why */ text == "a"`, `text == lower("a")`, `"a" == text`, `text == role`, `lower(text) == "a"`,
		`json?.a == "1"`, `json.a == "1"`, `string(json.a) == "1"`, `string(json?.a.b) == "1"`, `string(text) == "a"`, `string(json) == "1"`, `string(json?.["a.b"]) == "1"`, `string(json?.[0]) == "1"`,
		`string(json?.["a"].b) == "1"`, `json?.a`, `not json?.a`, `text in ["a"]`, `kind not in ["a"]`, `json?.a in [nil, ""]`, `json?.a not in ["", nil]`, `json?.a not in [nil, "", 1]`, `text not in [nil, ""]`,
		`len(attachments) > 1`, `len(text) > 0`, `len(attachments) >= 0`, `any(attachments, .name startsWith "a")`, `any(attachments, .type startsWith "")`, `any(json.a, .type startsWith "a")`,
		`any(attachments, .type startsWith text)`, `any(attachments, any(attachments, .type startsWith "a"))`, `all(attachments, .type startsWith "a")`, `mentioned ? true : false`, `header(text) == "a"`, `header("") == "a"`,
		`text == "a" and len(text) > 3`, `attachments == nil`, `mentioned == nil`, `json == nil`, `sender?.id == "1"`, `(1 < 2)`,
	} {
		if c, ok := routes.Parse(when); ok {
			t.Errorf("%s: %+v", when, c)
		}
	}
}
