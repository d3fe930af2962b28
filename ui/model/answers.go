package model

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// labelRunes is how much of a label, name or title is shown in one line.
const labelRunes = 60

// ResponderStatus is how a responder is, at a glance.
func ResponderStatus(r api.Responder, now time.Time) StatusView {
	v := StatusView{State: Good, Words: "Ready"}
	switch {
	case r.Off:
		v.State, v.Words = Off, "Off"
	case r.Problem != "":
		v.State, v.Words = Bad, "Can't work"
	case r.Error != "":
		v.State, v.Words = Bad, "Failed last time"
	case r.Waiting > 0:
		v.State = Stale
	}
	if r.Working > 0 {
		v.Words += " · works on " + strconv.Itoa(r.Working)
	}
	if r.Waiting > 0 {
		v.Words += " · " + Count(r.Waiting, "event waits", "events wait") + " to be tried again"
	}
	if !r.Last.IsZero() {
		v.Words += " · last finished " + Ago(r.Last, now)
	}
	v.Symbol = v.State.Symbol()
	return v
}

// ResponderLabel is what a person calls a responder; never empty.
func ResponderLabel(r api.Responder) string {
	for _, s := range []string{r.Label, r.Title, r.ID} {
		if l := text.Line(s, labelRunes); l != "" {
			return l
		}
	}
	return "A responder"
}

// ResponderKind is what a responder is, in a few words. What is built in has no
// kind with a title, so that it says what it does.
func ResponderKind(r api.Responder) string {
	does := map[string]string{"notification": "Shows messages on this desktop", "echo": "Answers with what was written"}
	switch kind := text.Line(r.Title, labelRunes); {
	case !r.Builtin:
		return kind
	case does[r.Kind] != "":
		return does[r.Kind] + " · built in"
	case kind == "" || kind == "built in":
		return "built in"
	default:
		return kind + " · built in"
	}
}

// LabelOf is the label of the responder with this id, or the id where there is
// none any more.
func LabelOf(id string, rs []api.Responder) string {
	for _, r := range rs {
		if r.ID == id {
			return ResponderLabel(r)
		}
	}
	if id = text.Line(id, labelRunes); id != "" {
		return id + " (removed)"
	}
	return "nobody"
}

// Labels are the labels of responders, with commas between them; "nobody" for
// none.
func Labels(ids []string, rs []api.Responder) string {
	if len(ids) == 0 {
		return "nobody"
	}
	var out []string
	for _, id := range ids {
		out = append(out, LabelOf(id, rs))
	}
	return strings.Join(out, ", ")
}

// UsedBy is the names of the routes that lead to a responder, in their order.
func UsedBy(id string, rs []api.Route) (names []string) {
	for i, r := range rs {
		if slices.Contains(r.To, id) {
			names = append(names, RouteName(r, i))
		}
	}
	return names
}

// RouteName is what a person calls the route at place i; never empty.
func RouteName(r api.Route, i int) string {
	if n := text.Line(r.Name, labelRunes); n != "" {
		return n
	}
	return "Route " + strconv.Itoa(i+1)
}

// MultiLine reports whether a field holds one thing a line, which its help then
// says.
func MultiLine(f api.Field) bool {
	h := strings.ToLower(f.Help)
	return strings.Contains(h, "per line") || strings.Contains(h, "one a line") || strings.Contains(h, "each line") ||
		strings.Contains(h, "on its own line") || strings.Contains(h, "on a line")
}

// LeaseTitle is the conversation that a lease is of.
func LeaseTitle(l api.Lease) string {
	if t := text.Line(l.Title, labelRunes); t != "" {
		return t
	}
	return "Conversation " + text.Line(string(l.Conversation), 40)
}

// LeaseWords says who has a conversation: "Agent: Claude", "Agent: nobody".
func LeaseWords(l api.Lease, rs []api.Responder) string {
	return "Agent: " + LeaseHolder(l, rs)
}

// LeaseHolder is the label of who has a conversation, or "nobody".
func LeaseHolder(l api.Lease, rs []api.Responder) string {
	if l.Holder == "" {
		return "nobody"
	}
	if s := text.Line(l.Label, labelRunes); s != "" {
		return s
	}
	return LabelOf(l.Holder, rs)
}

// Talkers are the responders that a conversation can be handed to.
func Talkers(rs []api.Responder) (out []api.Responder) {
	for _, r := range rs {
		if r.Talks && !r.Off {
			out = append(out, r)
		}
	}
	return out
}

// Destined is what becomes of an event, in words: the names of the routes that
// match and the labels that they lead to. One that was not let in has a step of
// no route, which says why.
func Destined(t api.RouteTried) (routes, to string) {
	var names []string
	for i, s := range t.Steps {
		if s.Route == "" && !s.Match && s.Words != "" && len(t.To) == 0 {
			return "Not let in", text.Line(s.Words, 160)
		}
		if s.Match {
			names = append(names, RouteName(api.Route{Name: s.Name}, i))
		}
	}
	routes = strings.Join(names, ", ")
	if routes == "" {
		routes = "Everything else"
	}
	var labels []string
	for _, l := range t.To {
		labels = append(labels, text.Line(l, labelRunes))
	}
	to = strings.Join(labels, ", ")
	if to == "" {
		to = "nobody"
	}
	return routes, to
}

// LeaseSince says since when a conversation is with whom, and who decided that.
func LeaseSince(l api.Lease, now time.Time) string {
	w := "took it"
	if l.Given {
		w = "given by you"
	}
	if !l.Since.IsZero() {
		w += " " + Ago(l.Since, now)
	}
	return w
}

// Outcome is what would become of one event, before and after a change of the
// routes.
type Outcome struct {
	Entry                 api.Entry
	Route, To             string
	BeforeRoute, BeforeTo string
	Changed               bool // it goes to others, or by another route
}

// Outcomes joins what was tried with the routes before and after a change.
func Outcomes(before, after []api.RouteTried) (out []Outcome) {
	was := map[uint64]api.RouteTried{}
	for _, t := range before {
		was[t.Entry.Seq] = t
	}
	for _, t := range after {
		o := Outcome{Entry: t.Entry}
		o.Route, o.To = Destined(t)
		o.BeforeRoute, o.BeforeTo = o.Route, o.To
		if old, ok := was[t.Entry.Seq]; ok {
			o.BeforeRoute, o.BeforeTo = Destined(old)
		}
		o.Changed = o.Route != o.BeforeRoute || o.To != o.BeforeTo
		out = append(out, o)
	}
	return out
}
