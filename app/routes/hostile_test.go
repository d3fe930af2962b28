package routes_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postern/postern/app/routes"
	"github.com/postern/postern/platforms"
)

// deep is JSON with n lists in each other.
func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestBodiesBeyondBounds(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want string // in the words; empty: it is read
	}{
		"64 levels":          {deep(64), ""},
		"65 levels":          {deep(65), "nested deeper"},
		"a million levels":   {strings.Repeat("[", 1_000_000), "nested deeper"},
		"objects":            {strings.Repeat(`{"a":`, 100_000), "nested deeper"},
		"brackets in text":   {`["` + strings.Repeat(`[\"`, 1000) + `"]`, ""},
		"1 MiB":              {`["` + strings.Repeat("a", 1<<20-4) + `"]`, ""},
		"more than that":     {`["` + strings.Repeat("a", 1<<20-3) + `"]`, "larger than 1 MiB"},
		"many values":        {"[" + strings.Repeat("1,", 99_998) + "1]", ""},
		"100000 values":      {"[" + strings.Repeat("1,", 99_999) + "1]", ""},
		"100001 values":      {"[" + strings.Repeat("1,", 100_000) + "1]", "more than 100000 values"},
		"too many values":    {"[" + strings.Repeat("1,", 200_000) + "1]", "more than 100000 values"},
		"too many empties":   {"[" + strings.Repeat("{},", 200_000) + "1]", "more than 100000 values"},
		"unbalanced":         {strings.Repeat("]", 100_000), "nil"},
		"text without end":   {`["` + strings.Repeat(`\`, 99_999), "nil"},
		"nothing but spaces": {strings.Repeat(" ", 100_000), "nil"},
	} {
		table, err := routes.Compile([]routes.Route{{ID: "r", When: `json != nil`}, {ID: "s", When: `platform == "webhook"`}})
		if err != nil {
			t.Fatal(err)
		}
		p := table.Pick(body2("x", c.body))
		want := map[string]routes.Outcome{"": yes, "nil": no}[c.want]
		if want == "" {
			want = fails
		}
		if s := p.Trace[0]; s.Outcome != want || want == fails && (!strings.Contains(s.Words, c.want) || s.Column != 1) {
			t.Errorf("%s: %+v", name, s)
		}
		if want != yes && p.Trace[1].Outcome != yes {
			t.Errorf("%s: it kept another route from matching", name)
		}
	}
}

// costly is pairs of an event and a condition that would take from minutes to
// ages, if work were not counted.
func costly() map[string]condition {
	text := message()
	text.Event.Text = strings.Repeat("aB", 1<<20)
	letters := message()
	letters.Event.Text = strings.Repeat("İ🙂", 1<<20)
	long := body2(strings.Repeat("x", 1<<20), `{"a":"`+strings.Repeat("a", 1<<20-10)+`"}`)
	list := body2("x", `{"l":[`+strings.Repeat(`"a",`, 90_000)+`1]}`)
	often := func(s string) string { return strings.TrimSuffix(strings.Repeat(s+" or ", 60), " or ") }
	nine := func(s string) string { return "any([1,2,3,4,5,6,7,8,9], " + s + ")" }
	return map[string]condition{
		"loops":        {list, `any(json.l, any(json.l, any(json.l, # == 1 and false)))`, fails},
		"loop with in": {list, `any(json.l, 2 in json.l)`, fails},
		"arrays":       {list, `any(json.l, nil in [` + strings.TrimSuffix(strings.Repeat("1,", 900), ",") + `])`, fails},
		"in":           {list, nine(often(`2 in json.l`)), fails},
		"equal":        {long, nine(often(`json.a != json.a`)), fails},
		"less":         {long, nine(often(`json.a < json.a`)), fails},
		"header":       {long, nine(often(`header("X-Github-Event") startsWith "a"`)), fails},
		"contains":     {long, nine(often(`json.a contains "aaaaaaaaaaab"`)), fails},
		"lower":        {long, often(`lower(lower(json.a)) == ""`), fails},
		"upper":        {letters, nine(often(`upper(text) == ""`)), fails},
		"has":          {letters, nine(often(`has(text, "q")`)), fails},
		"has, long":    {long, often(`has("", json.a)`) + " or " + often(`has("", json.a)`), fails},
		"len":          {long, often(`len(json.a) == 0`) + " or " + often(`len(json.a) == 0`), fails},
		"pattern":      {text, often("text matches `(?i)(x|a|b|ab|ba)*c`"), fails},
		"big pattern":  {text, "text matches `(.{1,20}){10}$b` or text matches `(a?.?){80}b` or text matches `(.?){80}b` or text matches `(.?){85}b` or text matches `(.?){90}b`", fails},
	}
}

func TestWorkIsBounded(t *testing.T) {
	for name, c := range costly() {
		var rs []routes.Route
		for i := range 5 {
			rs = append(rs, routes.Route{ID: fmt.Sprint(i), When: c.when, To: []string{"a"}})
		}
		table, err := routes.Compile(rs)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		table.Sooner()
		p := table.Pick(c.in)
		if len(p.Trace) != len(rs) {
			t.Errorf("%s: %d steps", name, len(p.Trace))
		}
		if s := p.Trace[len(p.Trace)-1]; s.Outcome != c.want || !strings.Contains(s.Words, "too much") {
			t.Errorf("%s: %+v", name, s)
		}
		if len(p.To) != 0 {
			t.Errorf("%s: what was not looked at went to %v", name, p.To)
		}
	}
}

// TestCheapRoutesGoOn: one condition that would take too much does not take the
// rest with it.
func TestCheapRoutesGoOn(t *testing.T) {
	c := costly()["big pattern"]
	c.in.Event.Text = strings.Repeat("a", 64<<10)
	table, err := routes.Compile([]routes.Route{{ID: "1", When: c.when, Also: true}, {ID: "2", When: `text matches "^(a.){100}$"`}, {ID: "3", When: `has(text, "aaa")`, To: []string{"a"}}})
	if err != nil {
		t.Fatal(err)
	}
	table.Sooner()
	if p := table.Pick(c.in); p.Trace[0].Outcome != fails || len(p.To) != 1 {
		t.Errorf("%+v", p)
	}
}

// TestWorkOfUsualEvents: fifty routes with an expression each have room for the
// longest message of any platform.
func TestWorkOfUsualEvents(t *testing.T) {
	in := message()
	in.Event.Text = strings.Repeat("Grüße an alle! ", 700)
	var rs []routes.Route
	for i := range 50 {
		rs = append(rs, routes.Route{ID: fmt.Sprint(i), When: fmt.Sprintf("text matches `(?i)\\b(deploy|release|rollback) +%d\\b` or has(text, \"deploy %d\")", i, i)})
	}
	table, err := routes.Compile(rs)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range table.Pick(in).Trace {
		if s.Outcome != no {
			t.Fatalf("%+v", s)
		}
	}
}

// TestNestedSharing: of these the parser makes trees in which each level stands
// twice. Whoever followed them would not come back.
func TestNestedSharing(t *testing.T) {
	for _, c := range [][2]string{{"(1<(", "?1:2)<1)"}, {"(", "?:mentioned)"}, {"any([1<", "<2], true)"}} {
		n := 4000 / len(c[0]+c[1])
		if n > 240 {
			n = 240
		}
		if err := routes.Check(strings.Repeat(c[0], n) + "mentioned" + strings.Repeat(c[1], n)); err == nil {
			t.Errorf("%s is allowed", c)
		}
	}
	for _, when := range []string{strings.Repeat("(", 4096), strings.Repeat("not ", 900) + "mentioned", strings.Repeat("[", 4096), strings.Repeat("-", 4095) + "1", strings.Repeat("any(", 1000)} {
		_ = routes.Check(when) // that it comes back is what counts
	}
}

// TestOwnTextsAreBounded: only the beginning of a text counts, and no character is
// cut.
func TestOwnTextsAreBounded(t *testing.T) {
	for _, c := range []struct {
		text, when string
	}{
		{strings.Repeat("a", 64<<10) + "b", `text endsWith "a" and len(text) == 65536`},
		{strings.Repeat("a", 64<<10-1) + "é", `text endsWith "a" and len(text) == 65535`},
		{strings.Repeat("a", 64<<10-3) + "🙂", `text endsWith "a" and len(text) == 65533`},
		{strings.Repeat("a", 64<<10-4) + "🙂b", `text endsWith "🙂" and len(text) == 65533`},
		{"a\xffb", `text == "a\uFFFDb"`},
	} {
		in := routes.Input{Event: platforms.Event{Text: c.text, Click: &platforms.Click{Data: c.text}, Raw: &platforms.Raw{Method: c.text, Header: map[string][]string{"X": {c.text}}}}}
		for _, of := range []string{"text", "click", "method", `header("x")`} {
			when := strings.ReplaceAll(c.when, "text", of)
			table, err := routes.Compile([]routes.Route{{ID: "r", When: when}})
			if err != nil {
				t.Fatal(err)
			}
			if s := table.Pick(in).Trace[0]; s.Outcome != yes {
				t.Errorf("%s: %+v", when, s)
			}
		}
	}
}
