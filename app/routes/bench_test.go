package routes_test

import (
	"fmt"
	"testing"

	"github.com/postern/postern/app/routes"
)

// fifty is what a busy person may have: routes by account, word, pattern and
// body, of which the last one matches.
func fifty(b *testing.B) *routes.Table {
	var rs []routes.Route
	for i := range 49 {
		when := []string{
			fmt.Sprintf(`account == "a%d" and mentioned`, i),
			fmt.Sprintf(`has(text, "word%d") and role in ["owner", "member"]`, i),
			"text matches `^/deploy" + fmt.Sprint(i) + " [a-z]+$`",
			fmt.Sprintf(`platform == "webhook" and json?.action == "a%d"`, i),
			fmt.Sprintf(`header("X-GitHub-Event") == "e%d" and any(json?.commits, .author.name == "bot")`, i),
		}[i%5]
		rs = append(rs, routes.Route{ID: fmt.Sprint(i), When: when, To: []string{"a"}})
	}
	table, err := routes.Compile(append(rs, routes.Route{ID: "rest", To: []string{"b"}}))
	if err != nil {
		b.Fatal(err)
	}
	return table
}

func BenchmarkPick(b *testing.B) {
	for name, in := range map[string]routes.Input{"message": message(), "webhook": hook(b, "push", "push")} {
		b.Run(name, func(b *testing.B) {
			table := fifty(b)
			b.ReportAllocs()
			for b.Loop() {
				if p := table.Pick(in); len(p.To) != 1 || p.To[0] != "b" {
					b.Fatalf("%+v", p)
				}
			}
		})
	}
}

// BenchmarkPickHostile is the longest that one event can take.
func BenchmarkPickHostile(b *testing.B) {
	for name, c := range costly() {
		b.Run(name, func(b *testing.B) {
			table, err := routes.Compile([]routes.Route{{ID: "1", When: c.when, Also: true}, {ID: "2", When: c.when, Also: true}, {ID: "3", When: c.when}})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				table.Pick(c.in)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for b.Loop() {
		if err := routes.Check(`platform == "webhook" and json?.pull_request?.merged == true and any(attachments, .size > 5)`); err != nil {
			b.Fatal(err)
		}
	}
}
