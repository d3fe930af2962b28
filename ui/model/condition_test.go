package model

import (
	"reflect"
	"testing"

	"github.com/postern/postern/app/control/api"
)

func leaf(field, op, value string) api.Cond { return api.Cond{Op: op, Field: field, Value: value} }

func not(c api.Cond) api.Cond { return api.Cond{Op: "not", Of: []api.Cond{c}} }

func TestRows(t *testing.T) {
	text, role := leaf("text", "has", "soup"), leaf("role", "is", "owner")
	for name, tt := range map[string]struct {
		c    api.Cond
		all  bool
		rows []Row
	}{
		"always":  {api.Cond{}, true, nil},
		"one":     {text, true, []Row{{Field: "text", Op: "has", Value: "soup"}}},
		"not one": {not(text), true, []Row{{Not: true, Field: "text", Op: "has", Value: "soup"}}},
		"all": {api.Cond{Op: "and", Of: []api.Cond{text, not(role)}}, true,
			[]Row{{Field: "text", Op: "has", Value: "soup"}, {Not: true, Field: "role", Op: "is", Value: "owner"}}},
		"any": {api.Cond{Op: "or", Of: []api.Cond{text, role}}, false,
			[]Row{{Field: "text", Op: "has", Value: "soup"}, {Field: "role", Op: "is", Value: "owner"}}},
		"a file": {leaf("", HasFile, "image/"), true, []Row{{Op: HasFile, Value: "image/"}}},
	} {
		t.Run(name, func(t *testing.T) {
			all, rows, ok := Rows(&tt.c)
			if !ok || all != tt.all || !reflect.DeepEqual(rows, tt.rows) {
				t.Errorf("%v %+v %v", all, rows, ok)
			}
			if back := Condition(all, rows); !reflect.DeepEqual(back, tt.c) {
				t.Errorf("put together again: %+v", back)
			}
		})
	}
	for name, c := range map[string]*api.Cond{
		"unknown": nil, "nested": {Op: "and", Of: []api.Cond{text, {Op: "or", Of: []api.Cond{text, role}}}}, "not all": ptr(not(api.Cond{Op: "and", Of: []api.Cond{text, role}})),
		"an empty part": {Op: "and", Of: []api.Cond{text, {}}}, "a not of nothing": {Op: "not"},
	} {
		if _, _, ok := Rows(c); ok {
			t.Errorf("%s can be picked", name)
		}
	}
	if c := Condition(true, []Row{{Field: "thread", Op: "exists", Value: "left over"}}); c.Value != "" {
		t.Errorf("%+v", c)
	}
}

func ptr(c api.Cond) *api.Cond { return &c }

func TestRouteWords(t *testing.T) {
	text, role := leaf("text", "has", "soup"), leaf("role", "is", "owner")
	for want, tt := range map[string]struct {
		when string
		c    *api.Cond
	}{
		"Always":             {" ", nil},
		"When len(text) > 3": {"len(text)\n> 3", nil},
		"When the text contains “soup” in any case": {"x", &text},
		"When the sender's role is “owner”":         {"x", &role},
		"When the sender is a stranger":             {"x", ptr(leaf("role", "is", ""))},
		"When the bot is addressed":                 {"x", ptr(leaf("mentioned", "is", "true"))},
		"When not: the bot is addressed":            {"x", ptr(leaf("mentioned", "is", "false"))},
		"When not: the sender is a bot":             {"x", ptr(leaf("sender.bot", "is not", "true"))},
		"When the thread's id is there":             {"x", ptr(leaf("thread", "exists", ""))},
		"When a file came with it":                  {"x", ptr(leaf("", HasFile, ""))},
		"When the header X-Event is “push”":         {"x", ptr(leaf("header.X-Event", "is", "push"))},
		"When json.issue.title starts with “[2J”":   {"x", ptr(leaf("json.issue.title", "starts with", "\x1b[2J"))},
		"When not (the sender's role is “owner”)":   {"x", ptr(not(role))},
		"When the text contains “soup” in any case, and (the sender's role is “owner”, or the bot is addressed)": {"x", &api.Cond{Op: "and", Of: []api.Cond{text,
			{Op: "or", Of: []api.Cond{role, leaf("mentioned", "is", "true")}}}}},
	} {
		if got := RouteWords(tt.when, tt.c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPickable(t *testing.T) {
	names := []api.RouteName{{Name: "text", Type: "text"}, {Name: "mentioned", Type: "yes or no"}, {Name: "attachments", Type: "list"}, {Name: "json", Type: "any"},
		{Name: "header", Type: "function"}, {Name: "len", Type: "function"}, {Name: "and", Type: "operator"}}
	var got []string
	for _, c := range Pickable(names) {
		got = append(got, c.Value)
	}
	if want := []string{"text", "mentioned", "", "json.", "header."}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for field, want := range map[string]int{"text": 8, "mentioned": 1, "": 1, "json.a": 8} {
		if got := Comparisons(field, names); len(got) != want {
			t.Errorf("%q: %+v", field, got)
		}
	}
}

func TestChoices(t *testing.T) {
	s := api.Snapshot{Accounts: []api.Account{{ID: "a1", Platform: "p", Title: "Pigeon", Name: "home"}, {ID: "a2", Platform: "p", Title: "Pigeon"}}}
	if got := Choices("account", s, nil); !reflect.DeepEqual(got, []Choice{{"a1", "Pigeon home"}, {"a2", "Pigeon"}}) {
		t.Errorf("%+v", got)
	}
	if got := Choices("platform", s, nil); !reflect.DeepEqual(got, []Choice{{"p", "Pigeon"}}) {
		t.Errorf("%+v", got)
	}
	if got := Choices("x", s, []api.RouteName{{Name: "x", Type: "yes or no"}}); len(got) != 2 || got[0].Value != "true" {
		t.Errorf("%+v", got)
	}
	if got := Choices("text", s, nil); got != nil {
		t.Errorf("%+v", got)
	}
}
