package routes_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postern/postern/app/routes"
)

func TestWrongExpressions(t *testing.T) {
	for _, c := range []struct {
		when         string
		line, column int
		words        string
	}{
		{`txt == "a"`, 1, 1, "Did you mean text?"},
		{`from.id == "1"`, 1, 1, "Did you mean sender?"},
		{`text == hello`, 1, 9, `in quotes: "hello"`},
		{"mentioned and\n  (role == \"owner\" or\n   txt == \"a\")", 3, 4, "Did you mean text?"},
		{"\"é🙂\" == text\nand txt == \"\"", 2, 5, "Did you mean text?"},
		{`text = "a"`, 1, 6, "Write =="},
		{`text == "a" & mentioned`, 1, 13, "Write “and”"},
		{`text == “a”`, 1, 9, "straight quotes"},
		{`text == "a`, 1, 9, "no partner"},
		{"\n text == 'a\n", 2, 10, "no partner"},
		{"text == `a", 1, 9, "no partner"},
		{`(text == "a"`, 1, 13, "ends too early"},
		{`text == "a")`, 1, 12, "no partner"},
		{`text ==`, 1, 8, "ends too early"},
		{`text == "a" or or`, 1, 16, "or can't stand here"},
		{`text "a"`, 1, 6, "Put an operator"},
		{`text == "\q"`, 1, 11, `Write \\`},
		{`text == "a" /* b`, 1, 17, "Close it"},
		{`text == @`, 1, 9, "the character @"},
		{`text`, 1, 1, "Compare it with something"},
		{`"a" ?? text`, 1, 1, "Compare it with something"},
		{`len(text)`, 1, 1, "gives a number"},
		{`attachments`, 1, 1, "gives a list"},
		{`sender == "ada"`, 1, 8, ".id, .name"},
		{`sender.nick == "x"`, 1, 8, "the sender has no .nick"},
		{`text == 5`, 1, 6, "between a text and a number"},
		{`5 > "a"`, 1, 3, "between a number and a text"},
		{`text and mentioned`, 1, 6, "a comparison on both sides"},
		{`not text`, 1, 1, "Compare it with something"},
		{`has(text)`, 1, 1, "number of arguments"},
		{`lower(5) == "a"`, 1, 7, "takes a text, and this is a number"},
		{`mentioned and now() > 1`, 1, 15, "no function now here. The functions are"},
		{`uper(text) == ""`, 1, 1, "Did you mean upper?"},
		{`map(attachments, .name) == 1`, 1, 1, "map can't be used"},
		{`reduce(attachments, #acc) == 1`, 1, 1, "reduce can't be used"},
		{`any(attachments)`, 1, 16, "the condition for the entries is missing"},
		{`count(attachments) == 1`, 1, 1, "count needs a condition too"},
		{`any(text, true)`, 1, 5, "looks through a list"},
		{`any(attachments, .nme == "x")`, 1, 19, "an attachment has no .nme"},
		{`any(attachments, .name)`, 1, 18, "true or false"},
		{`any(attachments, #index == 1)`, 1, 18, "#index can't be used"},
		{`text matches role`, 1, 6, "its own pattern"},
		{`text matches "("`, 1, 14, "missing closing )"},
		{`text matches ".{900}"`, 1, 14, "500 at most"},
		{`text[0:2] == "a"`, 1, 5, "can't be cut out"},
		{`let a = 1; a == 1`, 1, 5, "let can't be used"},
		{`true; false`, 1, 1, "instead of ;"},
		{`1 < 2 < 3`, 1, 5, "can't be chained"},
		{`mentioned ?: role == "x"`, 1, 1, "?: can't be used"},
		{`{"a": 1} == nil`, 1, 1, "braces"},
		{`b"x" == b"x"`, 1, 1, "Leave it out"},
		{`1..3 == 1`, 1, 2, "the operator .. can't be used"},
		{`2 ** 3 == 8`, 1, 3, "the operator **"},
		{`text + "a" == "b"`, 1, 6, "texts can't be joined"},
		{`+1 == 1`, 1, 1, "Leave it out"},
		{`json.foo()`, 1, 6, "this is no function"},
		{`$env == nil`, 1, 1, "$env can't be used"},
		{`mentioned and $env["text"] == "a"`, 1, 15, "$env can't be used"},
		{`attachments["a"] == 1`, 1, 13, "chosen by number"},
		{`5 in attachments`, 1, 3, "Compare things of one sort"},
		{`role ?? "a" == "b"`, 1, 13, "in parentheses"},
		{`1a`, 1, 2, "the number can't be read"},
		{"text == \"a\xff\"", 1, 11, "can't be read"},
		{"text == \"a\x00\"", 1, 11, "can't be read"},
		{"text == \"a\u202e\"", 1, 11, `\u202e`},
		{strings.Repeat("not ", 1024) + "mentioned", 0, 0, "4096 at most"},
		{"1==0" + strings.Repeat(" or 1==0", 500), 1, 2006, "too many parts"},
		{strings.Repeat("text matches `a{480}` or ", 5) + "mentioned", 1, 114, "2000 at most"},
	} {
		err := routes.Check(c.when)
		var f *routes.Fault
		if !errors.As(err, &f) {
			t.Errorf("%s: %v", c.when, err)
			continue
		}
		if f.Line != c.line || f.Column != c.column || !strings.Contains(f.Words, c.words) {
			t.Errorf("%.60s: %v, want %d:%d %s", c.when, err, c.line, c.column, c.words)
		}
		if strings.HasSuffix(f.Words, ".") || strings.Contains(f.Words, "interface") || strings.Contains(f.Words, "routes.") || strings.Contains(f.Words, "%!") {
			t.Errorf("%s: %q", c.when, f.Words)
		}
		_, err = routes.Compile([]routes.Route{{ID: "1"}, {ID: "2", Name: "Bills", When: c.when}})
		if err == nil || !strings.HasPrefix(err.Error(), "route “Bills”") {
			t.Errorf("%s: %v", c.when, err)
		}
	}
}

func TestEveryNameWorks(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range routes.Suggest() {
		if seen[n.Name] || n.Help == "" || n.Type == "" || !strings.HasSuffix(n.Help, ".") {
			t.Errorf("%+v", n)
		}
		seen[n.Name] = true
		if !strings.Contains(n.Example, n.Name) && n.Name != "any" {
			t.Errorf("the example for %s is %s", n.Name, n.Example)
		}
		table, err := routes.Compile([]routes.Route{{ID: "r", When: n.Example}})
		if err != nil {
			t.Errorf("%s: %v", n.Name, err)
			continue
		}
		for _, in := range []routes.Input{{}, message(), click(), stranger()} {
			if s := table.Pick(in).Trace[0]; s.Outcome == fails {
				t.Errorf("%s: %s: %s", n.Name, n.Example, s.Words)
			}
		}
	}
}

func TestBounds(t *testing.T) {
	many := func(n int) (rs []routes.Route) {
		for i := range n {
			rs = append(rs, routes.Route{ID: fmt.Sprint(i)})
		}
		return rs
	}
	to := strings.Split(strings.Repeat("x", 17), "")
	for i := range to {
		to[i] = fmt.Sprint(i)
	}
	long := `text == "` + strings.Repeat("a", routes.WhenMost) + `"`
	for name, c := range map[string]struct {
		rs   []routes.Route
		want string
	}{
		"none":                 {nil, ""},
		"200":                  {many(200), ""},
		"201":                  {many(201), "200 at most"},
		"no id":                {[]routes.Route{{}}, "route 1: the id is empty"},
		"same id":              {[]routes.Route{{ID: "a"}, {ID: "a"}}, "route 2: another route has the id"},
		"hidden id":            {[]routes.Route{{ID: "a\u200b"}}, "visible characters"},
		"long id":              {[]routes.Route{{ID: strings.Repeat("a", 81)}}, "visible characters"},
		"long name":            {[]routes.Route{{ID: "a", Name: strings.Repeat("a", 81)}}, "Shorten it"},
		"name of two lines":    {[]routes.Route{{ID: "a", Name: "b\nc"}}, "can't be seen"},
		"16 responders":        {[]routes.Route{{ID: "a", To: to[:16]}}, ""},
		"17 responders":        {[]routes.Route{{ID: "a", To: to}}, "16 at most"},
		"responder twice":      {[]routes.Route{{ID: "a", Name: "Bills", To: []string{"x", "x"}}}, "route “Bills”: it names the responder"},
		"empty responder":      {[]routes.Route{{ID: "a", To: []string{""}}}, "responder's id is empty"},
		"long expression":      {[]routes.Route{{ID: "a", When: long}}, "route “a”: the expression is 4106 bytes"},
		"long expression, off": {[]routes.Route{{ID: "a", When: long, Off: true}}, "4096 at most"},
	} {
		_, err := routes.Compile(c.rs)
		b, encErr := routes.Encode(c.rs)
		if c.want == "" {
			if err != nil || encErr != nil {
				t.Errorf("%s: %v, %v", name, err, encErr)
			} else if back, err := routes.Decode(b); err != nil || fmt.Sprint(back) != fmt.Sprint(c.rs) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if encErr == nil {
			t.Errorf("%s was encoded", name)
		}
	}
}

func TestDecode(t *testing.T) {
	rs := []routes.Route{
		{ID: "a", Name: "Rechnungen & <Co>", When: "text matches `<.*>` and\nmentioned", To: []string{"x", "y"}, Also: true},
		{ID: "b", When: "half an", Off: true},
		{ID: "c", When: "half an"},
	}
	b, err := routes.Encode(rs)
	if err != nil {
		t.Fatal(err)
	}
	back, err := routes.Decode(b)
	if err != nil || fmt.Sprint(back) != fmt.Sprint(rs) {
		t.Errorf("%v: %s", err, b)
	}
	for in, want := range map[string]string{
		``:               "can't be read",
		`null`:           "version 0",
		`[]`:             "can't be read",
		`{"version":2}`:  "version 2",
		`{"version":1}x`: "comes after",
		`{"version":1,"routes":[{"id":"a","then":"b"}]}`:       "unknown field",
		`{"version":1,"routes":[{"id":"a"},{"id":"a"}]}`:       "another route",
		`{"version":1,"routes":[{"id":"a","to":"b"}]}`:         "can't be read",
		`{"version":1}` + strings.Repeat(" ", routes.SizeMost): "larger than",
	} {
		if _, err := routes.Decode([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v", in, err)
		}
	}
	// The bounds together fit, whatever the texts are.
	full := make([]routes.Route, routes.RoutesMost)
	for i := range full {
		full[i] = routes.Route{ID: fmt.Sprint(i), Name: strings.Repeat("🙂", 80), When: strings.Repeat("a", routes.WhenMost)}
		for j := range routes.ToMost {
			full[i].To = append(full[i].To, fmt.Sprint(j)+strings.Repeat("🙂", 70))
		}
	}
	if b, err = routes.Encode(full); err != nil {
		t.Errorf("a full table: %v", err)
	}
	if _, err := routes.Decode(b); err != nil {
		t.Error(err)
	}
	for i := range full {
		full[i].When = strings.Repeat("\x01", routes.WhenMost)
	}
	if b, err := routes.Encode(full); err == nil {
		t.Errorf("%d bytes were encoded, and can't be decoded", len(b))
	}
	if _, err := routes.Encode([]routes.Route{{ID: "a", When: "\xff", Off: true}}); err == nil {
		t.Error("an expression was encoded that would come back as another")
	}
}
