package model

import (
	"slices"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// Row is one line of a condition that is picked from lists.
type Row struct {
	Not   bool
	Field string // as in api.Cond
	Op    string
	Value string
}

// Fields of a Row that stand for many: what follows is typed.
const (
	JSONPart   = "json."
	HeaderPart = "header."
)

// HasFile is the comparison of a Row without a field: a file came with it, of
// the media type that begins with Value.
const HasFile = "has attachment"

// Comparison is one way to compare a field.
type Comparison struct {
	Op, Words string
	Value     bool // with something
}

// Comparisons are those that fit a field, of which the first is the usual one.
func Comparisons(field string, names []api.RouteName) []Comparison {
	if field == "" {
		return []Comparison{{HasFile, "came with it, of a type that starts with", true}}
	}
	for _, n := range names {
		if n.Name == field && n.Type == "yes or no" {
			return []Comparison{{"is", "is", true}}
		}
	}
	return []Comparison{
		{"has", "contains (any case)", true}, {"is", "is", true}, {"is not", "is not", true}, {"contains", "contains", true}, {"starts with", "starts with", true},
		{"ends with", "ends with", true}, {"matches", "matches the pattern", true}, {"exists", "is there", false},
	}
}

// TakesValue reports whether a comparison is with something.
func TakesValue(op string) bool { return op != "exists" }

// Choice is a value with what it means.
type Choice struct{ Value, Words string }

// Pickable are the fields that a Row can have, in their order. A field that ends
// in a dot wants more typed.
func Pickable(names []api.RouteName) (out []Choice) {
	for _, n := range names {
		if n.Type == "text" || n.Type == "yes or no" {
			out = append(out, Choice{n.Name, FieldWords(n.Name)})
		}
		if n.Name == "attachments" {
			out = append(out, Choice{"", FieldWords("")})
		}
		if n.Name == "json" {
			out = append(out, Choice{JSONPart, FieldWords(JSONPart)})
		}
		if n.Name == "header" {
			out = append(out, Choice{HeaderPart, FieldWords(HeaderPart)})
		}
	}
	return out
}

// Choices are the values that a field can have, where they are few; nil else.
func Choices(field string, s api.Snapshot, names []api.RouteName) (out []Choice) {
	of := func(values ...string) (out []Choice) {
		for _, v := range values {
			out = append(out, Choice{v, v})
		}
		return out
	}
	switch field {
	case "kind":
		return of("message", "edit", "click", "moved", "membership")
	case "role":
		return append(of("owner", "member", "listener"), Choice{"", "none: a stranger"})
	case "conversation.kind":
		return append(of("direct", "group", "channel"), Choice{"", "not known"})
	case "account", "platform":
		for _, a := range s.Accounts {
			c := Choice{a.Platform, text.Line(a.Title, labelRunes)}
			if field == "account" {
				c = Choice{string(a.ID), text.Line(titled(a), labelRunes)}
			}
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
		return out
	}
	for _, n := range names {
		if n.Name == field && n.Type == "yes or no" {
			return []Choice{{"true", "yes"}, {"false", "no"}}
		}
	}
	return nil
}

// FieldWords is a field as people say it; one that is not known is itself.
func FieldWords(name string) string {
	for _, c := range [...]Choice{
		{"", "A file"}, {JSONPart, "A part of the JSON body…"}, {HeaderPart, "A header of the request…"},
		{"text", "The text"}, {"mentioned", "The bot is addressed"}, {"kind", "What happened"}, {"role", "The sender's role"},
		{"sender.id", "The sender's id"}, {"sender.name", "The sender's name"}, {"sender.handle", "The sender's handle"}, {"sender.bot", "The sender is a bot"},
		{"conversation.id", "The conversation's id"}, {"conversation.kind", "The kind of conversation"}, {"conversation.title", "The conversation's title"},
		{"thread", "The thread's id"}, {"account", "The account"}, {"label", "The account's name"}, {"platform", "The platform"},
		{"click", "The pressed button"}, {"note", "What came that is no text"}, {"method", "The request's method"},
	} {
		if c.Value == name {
			return c.Words
		}
	}
	if h, ok := strings.CutPrefix(name, HeaderPart); ok {
		return "The header " + text.Line(h, 40)
	}
	return text.Line(name, 40)
}

// OpWords is a comparison in words; one that is not known is itself.
func OpWords(op string) string {
	for _, f := range []string{"text", ""} {
		for _, c := range Comparisons(f, nil) {
			if c.Op == op {
				return c.Words
			}
		}
	}
	return text.Line(op, 30)
}

// Rows takes a condition apart into lines that all hold, or of which any does;
// ok is false where it is of another form.
func Rows(c *api.Cond) (all bool, rows []Row, ok bool) {
	if c == nil {
		return true, nil, false
	}
	if c.Op == "" {
		return true, nil, c.Field == "" && len(c.Of) == 0
	}
	of := []api.Cond{*c}
	all = true
	if c.Op == "and" || c.Op == "or" {
		of, all = c.Of, c.Op == "and"
	}
	for _, one := range of {
		r := Row{}
		for one.Op == "not" && len(one.Of) == 1 {
			r.Not = !r.Not
			one = one.Of[0]
		}
		if one.Op == "" || one.Op == "and" || one.Op == "or" || one.Op == "not" || len(one.Of) > 0 {
			return true, nil, false
		}
		r.Field, r.Op, r.Value = one.Field, one.Op, one.Value
		rows = append(rows, r)
	}
	return all, rows, true
}

// Condition puts lines together again.
func Condition(all bool, rows []Row) api.Cond {
	var of []api.Cond
	for _, r := range rows {
		c := api.Cond{Op: r.Op, Field: r.Field, Value: r.Value}
		if !TakesValue(r.Op) {
			c.Value = ""
		}
		if r.Not {
			c = api.Cond{Op: "not", Of: []api.Cond{c}}
		}
		of = append(of, c)
	}
	switch {
	case len(of) == 0:
		return api.Cond{}
	case len(of) == 1:
		return of[0]
	case all:
		return api.Cond{Op: "and", Of: of}
	}
	return api.Cond{Op: "or", Of: of}
}

// ConditionWords is a condition as a part of a sentence: "the text contains
// “invoice”, and the bot is addressed".
func ConditionWords(c api.Cond) string {
	switch c.Op {
	case "and", "or":
		var parts []string
		for _, of := range c.Of {
			w := ConditionWords(of)
			if of.Op == "and" || of.Op == "or" {
				w = "(" + w + ")"
			}
			parts = append(parts, w)
		}
		return strings.Join(parts, ", "+c.Op+" ")
	case "not":
		if len(c.Of) == 1 {
			return "not (" + ConditionWords(c.Of[0]) + ")"
		}
	case HasFile:
		if c.Value == "" {
			return "a file came with it"
		}
		return "a file came with it, of a type that starts with “" + text.Line(c.Value, 80) + "”"
	}
	f := lowerFirst(FieldWords(c.Field))
	switch {
	case (c.Field == "mentioned" || c.Field == "sender.bot") && (c.Value == "true") == (c.Op == "is"):
		return f
	case c.Field == "mentioned" || c.Field == "sender.bot":
		return "not: " + f
	case c.Op == "exists":
		return f + " is there"
	case c.Op == "has":
		return f + " contains “" + text.Line(c.Value, 80) + "” in any case"
	case c.Op == "is" && c.Value == "" && c.Field == "role":
		return "the sender is a stranger"
	}
	return f + " " + OpWords(c.Op) + " “" + text.Line(c.Value, 80) + "”"
}

// RouteWords says when a route counts, in one line: its condition in words if
// they are known, or else as it is written.
func RouteWords(when string, c *api.Cond) string {
	switch {
	case strings.TrimSpace(when) == "":
		return "Always"
	case c == nil || c.Op == "":
		return "When " + text.Line(when, 300)
	}
	return "When " + ConditionWords(*c)
}
