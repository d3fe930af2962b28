package app

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/routes"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// The journal's names for what answers.
const (
	settingResponders = "responders"
	settingRoutes     = "routes"
)

// mostResponders bounds the list.
const mostResponders = 50

// answerer is a responder with the person's name for it.
type answerer struct {
	Responder
	label string
}

// setup is a responder that a person set up.
type setup struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Label    string            `json:"label"`
	Settings map[string]string `json:"settings,omitempty"`
	Secrets  []string          `json:"secrets,omitempty"` // which there are
	Off      bool              `json:"off,omitempty"`

	built Responder
	wrong string // why it could not be built
	hints map[string]string
}

// vaultID is what the setup's secrets are kept under, as if it were an account.
func (s *setup) vaultID() platforms.AccountID { return platforms.AccountID("responder:" + s.ID) }

// stat is how a responder is doing.
type stat struct {
	last, failed time.Time
	why          string
}

// answering is what answers, and which of it gets what.
type answering struct {
	changing sync.Mutex // held while a change is saved; before mu

	mu      sync.RWMutex
	builtin []answerer
	set     []*setup
	routes  []api.Route
	table   *routes.Table
	stats   map[string]stat
}

// openAnswering reads what a person set up.
func (a *App) openAnswering(ctx context.Context) error {
	an := &a.answering
	an.stats = map[string]stat{}
	for _, r := range a.o.Responders {
		an.builtin = append(an.builtin, answerer{r, r.Name()})
	}
	var set []*setup
	if err := a.recallOr(settingResponders, &set, "What answers your messages can't be trusted: it was changed by something other than Postern, and is not used. Set it up again on the page Answers."); err != nil {
		return err
	}
	for _, s := range set {
		a.build(ctx, s)
	}
	an.set = set
	var rs []api.Route
	if err := a.recallOr(settingRoutes, &rs, "The routes can't be trusted: they were changed by something other than Postern, and are not used. Make them again on the page Answers."); err != nil {
		return err
	}
	table, err := routes.Compile(routesOf(rs))
	if err != nil { // of another version's language: nothing is answered, and it is told
		a.notice(ctx, "routes", true, "The routes can't be used: "+text.Sentence(err.Error())+" Until they are mended on the page Answers, you are notified and nothing answers.")
		table = nil
	}
	an.routes, an.table = rs, table
	return nil
}

// build makes a setup's responder. What is wrong with it is told where it is
// listed.
func (a *App) build(ctx context.Context, s *setup) {
	s.built, s.wrong, s.hints = nil, "", map[string]string{}
	i := slices.IndexFunc(a.o.Kinds, func(k Kind) bool { return k.Name == s.Kind })
	if i < 0 {
		s.wrong = fmt.Sprintf("This version does not know the kind %q.", s.Kind)
		return
	}
	secrets, err := a.secrets(ctx, store.Account{ID: s.vaultID(), Name: s.Label, Secrets: s.Secrets})
	if err == nil {
		for name, v := range secrets {
			s.hints[name] = v.Hint()
		}
		s.built, err = a.o.Kinds[i].New(ResponderConfig{ID: s.ID, Label: s.Label, Settings: maps.Clone(s.Settings), Secrets: secrets,
			Memory: memory{a, s.ID}, Outbox: posting{a, s.ID}, Log: a.log.With("responder", s.ID), Now: a.now})
	}
	if err != nil {
		s.built, s.wrong = nil, text.Sentence(platforms.Explain(err))
	}
}

// closeResponders lets go of what they hold.
func (a *App) closeResponders() {
	a.answering.mu.RLock()
	set := slices.Clone(a.answering.set)
	a.answering.mu.RUnlock()
	var wg sync.WaitGroup
	for _, s := range set { // without the lock: what ends meanwhile is noted under it
		wg.Go(func() { closeResponder(s.built) }) // each may take its time
	}
	wg.Wait()
}

// letGo closes a responder that was replaced or removed, which may take its time.
func (a *App) letGo(r Responder) {
	if !a.turns.start(func() { closeResponder(r) }) { // Run waits for nothing new
		closeResponder(r)
	}
}

func closeResponder(r Responder) {
	if c, ok := r.(io.Closer); ok {
		_ = c.Close()
	}
}

func (an *answering) builtins() []answerer {
	an.mu.RLock()
	defer an.mu.RUnlock()
	return an.builtin
}

// find is a responder that is on and works.
func (an *answering) find(id string) (answerer, bool) {
	an.mu.RLock()
	defer an.mu.RUnlock()
	for _, r := range an.builtin {
		if r.Name() == id {
			return r, true
		}
	}
	for _, s := range an.set {
		if s.ID == id && !s.Off && s.built != nil {
			return answerer{s.built, s.Label}, true
		}
	}
	return answerer{}, false
}

// exists reports whether a responder is set up, on or off.
func (an *answering) exists(id string) bool {
	an.mu.RLock()
	defer an.mu.RUnlock()
	return slices.ContainsFunc(an.set, func(s *setup) bool { return s.ID == id })
}

// talks reports whether a responder is a Talker.
func (an *answering) talks(id string) bool {
	r, ok := an.find(id)
	if !ok {
		return false
	}
	_, talks := r.Responder.(Talker)
	return talks
}

func (an *answering) finished(id string, now time.Time) {
	an.mu.Lock()
	defer an.mu.Unlock()
	an.stats[id] = stat{last: now}
}

func (an *answering) failed(id string, now time.Time, why string) {
	an.mu.Lock()
	defer an.mu.Unlock()
	an.stats[id] = stat{last: an.stats[id].last, failed: now, why: why}
}

// pick is the ids of the responders that the routes give an event to. Of what
// no route takes, the built-in ones hear.
func (an *answering) pick(acc *account, ev platforms.Event, role access.Role) ([]string, []api.RouteStep) {
	an.mu.RLock()
	table := an.table
	var defaults []string
	for _, r := range an.builtin {
		defaults = append(defaults, r.Name())
	}
	an.mu.RUnlock()
	if table == nil {
		return defaults, nil
	}
	return pickBy(table, defaults, acc, ev, role)
}

// pickBy is pick by any routes.
func pickBy(table *routes.Table, defaults []string, acc *account, ev platforms.Event, role access.Role) ([]string, []api.RouteStep) {
	acc.mu.Lock()
	label := acc.rec.Name
	acc.mu.Unlock()
	got := table.Pick(routes.Input{Account: acc.id, Label: label, Platform: acc.platform.Name, Event: ev, Role: role})
	steps := stepsOf(got)
	if len(got.Routes) == 0 {
		return defaults, steps
	}
	return got.To, steps
}

func stepsOf(got routes.Picked) []api.RouteStep {
	var steps []api.RouteStep
	for _, s := range got.Trace {
		steps = append(steps, api.RouteStep{Route: s.Route, Name: s.Name, Match: s.Outcome == routes.Matched, Words: s.Words})
	}
	return steps
}

func routesOf(rs []api.Route) []routes.Route {
	out := make([]routes.Route, len(rs))
	for i, r := range rs {
		out[i] = routes.Route(r)
	}
	return out
}

// ResponderKinds is what can be set up.
func (a *App) ResponderKinds() []api.ResponderKind {
	out := make([]api.ResponderKind, 0, len(a.o.Kinds))
	for _, k := range a.o.Kinds {
		out = append(out, api.ResponderKind{Name: k.Name, Title: k.Title, Summary: k.Summary, Fields: fieldsOf(k.Fields)})
	}
	return out
}

// Responders is what is set up, after what is built in.
func (a *App) Responders() []api.Responder {
	an := &a.answering
	an.mu.RLock()
	defer an.mu.RUnlock()
	out := []api.Responder{}
	for _, r := range an.builtin {
		out = append(out, a.describe(api.Responder{ID: r.Name(), Kind: r.Name(), Title: "built in", Label: r.label, Builtin: true}))
	}
	for _, s := range an.set {
		out = append(out, a.describe(a.viewOf(s)))
	}
	return out
}

func (a *App) viewOf(s *setup) api.Responder {
	r := api.Responder{ID: s.ID, Kind: s.Kind, Title: s.Kind, Label: s.Label, Off: s.Off, Problem: s.wrong,
		Settings: maps.Clone(s.Settings), Secrets: map[string]string{}}
	for _, k := range a.o.Kinds {
		if k.Name == s.Kind {
			r.Title = k.Title
		}
	}
	for _, name := range s.Secrets {
		r.Secrets[name] = s.hints[name]
	}
	_, r.Talks = s.built.(Talker)
	return r
}

// describe adds how it is doing. an.mu is held.
func (a *App) describe(r api.Responder) api.Responder {
	st := a.answering.stats[r.ID]
	r.Last, r.Waiting, r.Working = st.last, a.waits.count(r.ID), a.turns.count(r.ID)
	if st.failed.After(st.last) {
		r.Error = st.why
	}
	return r
}
