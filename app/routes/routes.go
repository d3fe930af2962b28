package routes

import (
	"errors"
	"fmt"
	"slices"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of a table.
const (
	RoutesMost = 200
	WhenMost   = 4 << 10 // bytes of one expression
	ToMost     = 16      // responders of one route
	nameMost   = 80      // runes of a name or an id
)

// Bounds of one Pick.
const (
	textMost        = 64 << 10 // bytes of each of an event's own texts that conditions see
	attachmentsMost = 1000     // that conditions see
	workMost        = 64 << 20 // steps, see evaluation.spend
)

// Route sends the events that its condition matches to responders.
type Route struct {
	ID   string   `json:"id"`             // for ever
	Name string   `json:"name,omitempty"` // the person's
	When string   `json:"when,omitempty"` // expression; empty: always
	To   []string `json:"to,omitempty"`   // responders' ids; none: nobody gets it
	Off  bool     `json:"off,omitempty"`  // kept, but not looked at: When may be anything
	Also bool     `json:"also,omitempty"` // later routes are looked at too, where this one matched
}

func (r Route) called() string {
	if name := text.Line(r.Name, nameMost); name != "" {
		return name
	}
	return text.Line(r.ID, nameMost)
}

// Input is an event, as the conditions see it.
type Input struct {
	Account  platforms.AccountID
	Label    string // the person's name for the account
	Platform string // platforms.Platform.Name
	Event    platforms.Event
	Role     access.Role // empty: somebody who may not talk to the bot
}

// Picked is who gets an event, and why.
type Picked struct {
	Routes []string `json:"routes,omitempty"` // ids of those that matched, in order
	To     []string `json:"to,omitempty"`     // responders, in order, each once
	Trace  []Step   `json:"trace,omitempty"`  // every route that was looked at, in order
}

// Step is how one route went.
type Step struct {
	Route   string  `json:"route"`
	Name    string  `json:"name,omitempty"`
	Outcome Outcome `json:"outcome"`
	Words   string  `json:"words"`            // for a person
	Line    int     `json:"line,omitempty"`   // where in the expression it failed, from 1; else 0
	Column  int     `json:"column,omitempty"` // in characters, from 1; else 0
}

// Outcome is how a route's condition came out.
type Outcome string

// The outcomes.
const (
	Matched  Outcome = "matched"
	Unlike   Outcome = "not matched"
	Failed   Outcome = "failed" // counts as not matched
	Disabled Outcome = "off"
)

// Table is compiled routes. It never changes: any number of goroutines may use
// it. The zero Table sends nothing anywhere.
type Table struct {
	routes []compiled
	work   int // steps that one Pick may take
}

type compiled struct {
	Route
	when *program // nil: always
}

// Compile makes a table of routes. Its errors are for the person; those about an
// expression are, or wrap, a *[Fault].
func Compile(rs []Route) (*Table, error) {
	if err := validate(rs); err != nil {
		return nil, err
	}
	t := &Table{routes: make([]compiled, len(rs)), work: workMost}
	for i, r := range rs {
		r.To = slices.Clone(r.To)
		t.routes[i].Route = r
		if r.Off {
			continue
		}
		p, err := compile(r.When)
		var fault *Fault
		if errors.As(err, &fault) {
			fault.Route = r.called()
			return nil, fault
		} else if err != nil {
			return nil, err
		}
		t.routes[i].when = p
	}
	return t, nil
}

// validate is all rules for routes, but for what the expressions say.
func validate(rs []Route) error {
	if len(rs) > RoutesMost {
		return fmt.Errorf("there are %d routes, and %d at most are kept. Join some of them with “or”", len(rs), RoutesMost)
	}
	seen := make(map[string]bool, len(rs))
	for i, r := range rs {
		if err := plain(r.ID, "id"); err != nil {
			return fmt.Errorf("route %d: %w", i+1, err)
		}
		if seen[r.ID] {
			return fmt.Errorf("route %d: another route has the id %q. Give each its own", i+1, r.ID)
		}
		seen[r.ID] = true
		if r.Name != text.Line(r.Name, nameMost) {
			return fmt.Errorf("route %d: the name is longer than one line of %d characters, or has characters that can't be seen. Shorten it", i+1, nameMost)
		}
		if len(r.When) > WhenMost {
			return &Fault{Route: r.called(), Words: tooLong(len(r.When))}
		}
		if len(r.To) > ToMost {
			return fmt.Errorf("route “%s”: it goes to %d responders, and %d at most can be. Make a second route", r.called(), len(r.To), ToMost)
		}
		for j, to := range r.To {
			if err := plain(to, "responder's id"); err != nil {
				return fmt.Errorf("route “%s”: %w", r.called(), err)
			}
			if slices.Contains(r.To[:j], to) {
				return fmt.Errorf("route “%s”: it names the responder %q twice. Name it once", r.called(), to)
			}
		}
	}
	return nil
}

// plain accepts an id: short, and all of it visible.
func plain(id, what string) error {
	if id == "" {
		return fmt.Errorf("the %s is empty. Choose one", what)
	}
	if id != text.Line(id, nameMost) {
		return fmt.Errorf("the %s %q is not one line of at most %d visible characters. Choose another", what, text.Line(id, 40), nameMost)
	}
	return nil
}

// Check says what is wrong with an expression; its errors are [Fault]s.
func Check(when string) error {
	_, err := compile(when)
	return err
}

// Pick decides about one event. It takes any event, and its work is bounded
// whatever the event holds: conditions that would take more have failed.
func (t *Table) Pick(in Input) Picked {
	var p Picked
	e := newEvaluation(in, t.work)
	for _, r := range t.routes {
		step := Step{Route: r.ID, Name: r.Name}
		if r.Off {
			step.Outcome, step.Words = Disabled, "This route is switched off."
			p.Trace = append(p.Trace, step)
			continue
		}
		yes, fault := e.run(r.when)
		switch {
		case fault != nil:
			step.Outcome, step.Words = Failed, fault.sentence()
			step.Line, step.Column = fault.Line, fault.Column
		case !yes:
			step.Outcome, step.Words = Unlike, "The condition does not hold for this event."
		default:
			step.Outcome, step.Words = Matched, matchedWords(r)
			p.Routes = append(p.Routes, r.ID)
			for _, to := range r.To {
				if !slices.Contains(p.To, to) {
					p.To = append(p.To, to)
				}
			}
		}
		p.Trace = append(p.Trace, step)
		if yes && !r.Also {
			break
		}
	}
	return p
}

func matchedWords(r compiled) string {
	words := "The condition holds"
	if r.when == nil {
		words = "This route takes every event"
	}
	if len(r.To) == 0 {
		words += ", and nobody gets the event by it"
	}
	if r.Also {
		return words + ". Later routes are looked at too."
	}
	return words + "."
}

// Try is a dry run: what Pick would say of each.
func (t *Table) Try(ins []Input) []Picked {
	out := make([]Picked, len(ins))
	for i, in := range ins {
		out[i] = t.Pick(in)
	}
	return out
}
