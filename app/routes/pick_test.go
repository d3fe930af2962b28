package routes_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/routes"
	"github.com/postern/postern/platforms"
)

func message() routes.Input {
	return routes.Input{
		Account: "home", Label: "Family bot", Platform: "pigeon", Role: access.Owner,
		Event: platforms.Event{
			ID: "1", Kind: platforms.MessageReceived, Text: "Please pay the Invoice\nby Friday", Mentioned: true, Thread: "t7",
			From:         platforms.User{ID: "4711", Name: "Ada Lovelace", Handle: "@ada"},
			Conversation: platforms.Conversation{ID: "-100", Kind: platforms.Group, Title: "Support: widgets"},
			Attachments: []platforms.Attachment{
				{Name: "invoice.pdf", MediaType: "application/pdf", Size: 2048},
				{Name: "photo.JPG", MediaType: "image/jpeg", Size: 4 << 20},
			},
		},
	}
}

func click() routes.Input {
	in := message()
	in.Role = access.Member
	in.Event.Kind, in.Event.Text, in.Event.Attachments = platforms.ButtonClicked, "", nil
	in.Event.Click = &platforms.Click{Data: "approve:17"}
	return in
}

func stranger() routes.Input {
	in := message()
	in.Role = ""
	in.Event = platforms.Event{
		Kind: platforms.MessageEdited, Text: "ÄRGER 🙂", Note: "location", From: platforms.User{ID: "9", Bot: true},
		Conversation: platforms.Conversation{ID: "9", Kind: platforms.Direct},
	}
	return in
}

func hook(t testing.TB, event, file string) routes.Input {
	body, err := os.ReadFile("testdata/" + file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return body2(event, string(body))
}

func body2(event, body string) routes.Input {
	return routes.Input{
		Account: "ci", Label: "CI", Platform: "webhook", Role: access.Member,
		Event: platforms.Event{
			Kind: platforms.MessageReceived, Text: event + " by ada", From: platforms.User{ID: "ada", Name: "ada"},
			Conversation: platforms.Conversation{ID: "acme/widgets", Kind: platforms.Channel},
			Raw: &platforms.Raw{
				Method: "POST", Body: []byte(body),
				Header: map[string][]string{"X-Github-Event": {event, "second"}, "Content-Type": {"application/json"}, "Empty": {}},
			},
		},
	}
}

const (
	yes   = routes.Matched
	no    = routes.Unlike
	fails = routes.Failed
)

type condition struct {
	in   routes.Input
	when string
	want routes.Outcome
}

func conditions(t testing.TB) []condition {
	msg, btn, out := message(), click(), stranger()
	pull, push := hook(t, "pull_request", "pull_request"), hook(t, "push", "push")
	return []condition{
		{msg, ``, yes},
		{msg, " \n\t", yes},
		{msg, `true`, yes},
		{msg, `false`, no},
		{msg, `account == "home"`, yes},
		{msg, `account != "home"`, no},
		{msg, `label == "Family bot" && platform == "pigeon"`, yes},
		{msg, `text contains "Invoice"`, yes},
		{msg, `text contains "invoice"`, no},
		{msg, `has(text, "INVOICE")`, yes},
		{msg, `has(text, "")`, yes},
		{msg, `text startsWith "Please" and text endsWith "Friday"`, yes},
		{msg, `text not contains "Invoice"`, no},
		{msg, "text matches `(?i)invoice\\s+by`", yes},
		{msg, `text matches "^pay"`, no},
		{msg, `text not matches "^pay"`, yes},
		{msg, `lower(text) startsWith "please" and upper("ä") == "Ä"`, yes},
		{msg, `len(text) == 32`, yes},
		{out, `len(text) == 7`, yes},
		{out, `has(text, "ärger 🙂")`, yes},
		{msg, `trim("  a\n") == "a"`, yes},
		{msg, `mentioned`, yes},
		{out, `mentioned`, no},
		{out, `not mentioned and !mentioned`, yes},
		{msg, `kind == "message"`, yes},
		{out, `kind == "edit"`, yes},
		{btn, `kind == "click" and click == "approve:17"`, yes},
		{msg, `click == ""`, yes},
		{btn, `text == "" and len(attachments) == 0`, yes},
		{msg, `role == "owner"`, yes},
		{btn, `role in ["member", "owner"]`, yes},
		{out, `role == ""`, yes},
		{out, `role not in ["member", "owner"]`, yes},
		{msg, `sender.id == "4711" and sender.name == "Ada Lovelace" and sender.handle == "@ada"`, yes},
		{out, `sender.bot`, yes},
		{msg, `sender["id"] == "4711"`, yes},
		{msg, `conversation.id == "-100" and conversation.kind == "group"`, yes},
		{msg, `conversation.title startsWith "Support"`, yes},
		{msg, `thread == "t7"`, yes},
		{out, `note == "location" and thread == ""`, yes},
		{msg, `len(attachments) == 2`, yes},
		{msg, `any(attachments, .type startsWith "image/")`, yes},
		{msg, `any(attachments, {#.type startsWith "image/"})`, yes},
		{msg, `all(attachments, .size < 10 * 1024 * 1024)`, yes},
		{msg, `all(attachments, .size < 4096)`, no},
		{msg, `none(attachments, .name == "photo.jpg")`, yes},
		{msg, `one(attachments, .name endsWith ".pdf")`, yes},
		{msg, `one(attachments, .size > 0)`, no},
		{msg, `count(attachments, .size > 0) == 2`, yes},
		{out, `any(attachments, true)`, no},
		{out, `all(attachments, false)`, yes},
		{msg, `attachments[0].name == "invoice.pdf" and attachments[-1].name == "photo.JPG"`, yes},
		{out, `attachments[0].name == "invoice.pdf"`, fails},
		{out, `attachments?.[0]?.name == nil`, yes},
		{msg, `mentioned ? role == "owner" : true`, yes},
		{out, `mentioned ? true : false`, no},
		{msg, `if mentioned { text != "" } else { false }`, yes},
		{msg, `text | has("pay")`, yes}, // what the pipe hands on is the first argument
		{msg, `text > "P" and text <= "Q" and "b" >= "a" and "a" < "b"`, yes},
		{msg, `1 + 2 * 3 - 4 / 2 == 5 and -1 < 0 and 0x10 == 16 and 1.5 == 3 / 2`, yes},
		{msg, `1 / 0 > 1000`, yes},
		{msg, `text contains "Invoice" /* always */ // and more`, yes},
		{msg, `method == "" and header("X") == "" and json == nil`, yes},
		{msg, `json?.action == nil`, yes},
		{msg, `json.action == "x"`, fails},
		{pull, `platform == "webhook" and method == "POST"`, yes},
		{pull, `header("X-GitHub-Event") == "pull_request"`, yes},
		{pull, `header("x-github-event") == "pull_request"`, yes},
		{pull, `header("Empty") == "" and header("None") == ""`, yes},
		{pull, `json.action == "closed" and json.pull_request.merged`, yes},
		{pull, `json.action == "closed" and not json.pull_request.merged`, no},
		{pull, `json?.pull_request?.user?.login == "ada"`, yes},
		{pull, `json?.pull_request?.user?.id == 4711`, yes},
		{pull, `json?.pull_request?.user?.id == "4711"`, no},
		{pull, `string(json?.pull_request?.user?.id) == "4711"`, yes},
		{pull, `string(json.pull_request.merged) == "true" and string(json.pull_request.milestone) == ""`, yes},
		{pull, `any(json.pull_request.labels, .name == "bug")`, yes},
		{pull, `any(json?.pull_request?.labels, {.name == "wontfix"})`, no},
		{pull, `json.pull_request.labels[0].name == "bug" and json.pull_request.labels[-1].color == "7057ff"`, yes},
		{pull, `json.pull_request.labels[2].name == "bug"`, fails},
		{pull, `json.pull_request.labels[2] == nil`, fails},
		{pull, `json?.pull_request?.labels?.[2]?.name == nil`, yes},
		{pull, `json.pull_request.additions > 200`, yes},
		{pull, `json.pull_request.additions > "200"`, fails},
		{pull, `json.pull_request.title contains "urgent"`, yes},
		{pull, `json.pull_request contains "urgent"`, fails},
		{pull, `json.pull_request.milestone contains "urgent"`, no},
		{pull, `json.pull_request.milestone == nil and json.pull_request.milestone?.title == nil`, yes},
		{pull, `json.pull_request.milestone.title == "x"`, fails},
		{pull, `json.release?.name == "x"`, no},
		{pull, `json.release`, no},
		{pull, `json.action`, fails},
		{pull, `json.pull_request.base.ref in ["main", "master"]`, yes},
		{pull, `"go" in json.repository.topics and "rust" not in json.repository.topics`, yes},
		{pull, `"action" in json and "nope" not in json`, yes},
		{pull, `1 in json`, fails},
		{pull, `"a" in json.action`, fails},
		{pull, `"a" in json.nothing`, no},
		{pull, `json.repository == json.repository`, fails},
		{pull, `(json.release ?? json.repository).full_name == "acme/widgets"`, yes},
		{pull, `json.action.name == "x"`, fails},
		{pull, `json["action"] == "closed" and json[1] == 1`, fails},
		{pull, `not json.action`, fails},
		{pull, `-json.action == 1`, fails},
		{pull, `json.release or json.pull_request.merged`, yes},
		{pull, `any(json.action, true)`, fails},
		{pull, `any(json.release, true)`, no},
		{pull, `lower(json.number) == "17"`, fails},
		{pull, `has(json.number, "17")`, fails},
		{pull, `has(text, json.number)`, fails},
		{pull, `has(json.none, "17") or has(text, json.none)`, no},
		{pull, `len(json.pull_request.labels) == 2 and len(json.none) == 0 and len(json.sender) == 2`, yes},
		{pull, `string(json.sender) == ""`, fails},
		{push, `json.ref == "refs/heads/main" and not json.forced`, yes},
		{push, `any(json.commits, any(.modified, # startsWith "docs/"))`, yes},
		{push, `any(json.commits, any(.modified, # == "x") or .author.name == "bot")`, yes},
		{push, `one(json.commits, none(.modified, # == "main.go") and # .id == "a1")`, yes},
		{push, `all(json.commits, .author.name != "bot")`, no},
		{push, `count(json.commits, .author.name == "bot") == 1`, yes},
		{push, `any(json.commits, .committer.name == "bot")`, fails},
		{push, `json?.["x-odd.key"] == "odd"`, yes},
		{push, `json.big == 9007199254740991 and string(json.big) == "9007199254740991" and string(json.float) == "1.5"`, yes},
		{push, `json.flag == false and json.nothing == nil`, yes},
		{push, `json?.commits?.[0]?.author?.name == "Ada"`, yes},
		{body2("x", `not JSON`), `json == nil`, yes},
		{body2("x", ``), `json == nil`, yes},
		{body2("x", `{"a":1} {}`), `json == nil`, yes},
		{body2("x", `{"a":1e999}`), `json == nil`, yes},
		{body2("x", `[1,2]`), `json[1] == 2 and 2 in json`, yes},
		{body2("x", `[1,2]`), `json.a == 2`, fails},
		{body2("x", `[1,2]`), `json[0.5] == 2`, fails},
		{body2("x", `"text"`), `json == "text"`, yes},
		{body2("x", `true`), `json`, yes},
		{body2("x", `{"a":{"a":{"a":"\u0000\"<>"}}}`), `json.a.a.a == "\u0000\"<>"`, yes},
	}
}

func TestConditions(t *testing.T) {
	for _, c := range conditions(t) {
		table, err := routes.Compile([]routes.Route{{ID: "r", When: c.when, To: []string{"a"}}})
		if err != nil {
			t.Errorf("%s: %v", c.when, err)
			continue
		}
		p := table.Pick(c.in)
		got := p.Trace[0]
		if got.Outcome != c.want {
			t.Errorf("%s: %s, want %s: %s", c.when, got.Outcome, c.want, got.Words)
		}
		if (got.Outcome == fails) != (got.Line == 1 && got.Column > 0) || !sentence(got.Words) {
			t.Errorf("%s: %d:%d %q", c.when, got.Line, got.Column, got.Words)
		}
		if (len(p.To) == 1) != (c.want == yes) || (len(p.Routes) == 1) != (c.want == yes) {
			t.Errorf("%s: %+v", c.when, p)
		}
	}
}

// sentence reports whether words can be shown to a person as they are.
func sentence(words string) bool {
	return words != "" && strings.ToUpper(words[:1]) == words[:1] && strings.ContainsAny(words[len(words)-1:], ".?") &&
		!strings.Contains(words, "interface") && !strings.Contains(words, "%!")
}

func TestOrder(t *testing.T) {
	table, err := routes.Compile([]routes.Route{
		{ID: "parked", When: "= not an expression", To: []string{"z"}, Off: true},
		{ID: "log", To: []string{"journal", "a"}, Also: true},
		{ID: "broken", When: `json.x.y == 1`, To: []string{"z"}},
		{ID: "stop", Name: "Stop word", When: `text == "stop"`},
		{ID: "boss", When: `role == "owner"`, To: []string{"a", "b"}},
		{ID: "rest", To: []string{"c"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	stop, boss, rest := message(), message(), stranger()
	stop.Event.Text = "stop"
	got := table.Try([]routes.Input{stop, boss, rest})
	for i, want := range []struct{ routes, to, trace string }{
		{"[log stop]", "[journal a]", "[parked:off log:matched broken:failed stop:matched]"},
		{"[log boss]", "[journal a b]", "[parked:off log:matched broken:failed stop:not matched boss:matched]"},
		{"[log rest]", "[journal a c]", "[parked:off log:matched broken:failed stop:not matched boss:not matched rest:matched]"},
	} {
		var steps []string
		for _, s := range got[i].Trace {
			steps = append(steps, s.Route+":"+string(s.Outcome))
			if !sentence(s.Words) {
				t.Errorf("%q", s.Words)
			}
		}
		if fmt.Sprint(got[i].Routes) != want.routes || fmt.Sprint(got[i].To) != want.to || fmt.Sprint(steps) != want.trace {
			t.Errorf("%d: %v to %v by %v", i, got[i].Routes, got[i].To, steps)
		}
	}
	if name := got[0].Trace[3].Name; name != "Stop word" {
		t.Errorf("name %q", name)
	}
	if p := new(routes.Table).Pick(message()); len(p.To)+len(p.Trace) != 0 {
		t.Errorf("the zero table: %+v", p)
	}
}

func TestTableIsItsOwn(t *testing.T) {
	rs := []routes.Route{{ID: "r", To: []string{"a"}}}
	table, err := routes.Compile(rs)
	if err != nil {
		t.Fatal(err)
	}
	rs[0].To[0] = "changed"
	in := message()
	table.Pick(in).To[0] = "changed"
	if got := table.Pick(in).To; !slices.Equal(got, []string{"a"}) {
		t.Errorf("%v", got)
	}
	push := hook(t, "push", "push")
	table, err = routes.Compile([]routes.Route{{ID: "r", When: `any(json.commits, .author.name matches "^A") and has(text, "PUSH")`, To: []string{"a"}}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if p := table.Pick(push); len(p.To) != 1 {
					t.Errorf("%+v", p)
				}
			}
		})
	}
	wg.Wait()
}
