package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/routes"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// triedMost is how many of the last events a dry run looks at.
const triedMost = 100

// Routes is which responders get what.
func (a *App) Routes() api.Routes {
	an := &a.answering
	an.mu.RLock()
	defer an.mu.RUnlock()
	out := api.Routes{Routes: append([]api.Route{}, an.routes...), Default: []string{}}
	for _, r := range an.builtin {
		out.Default = append(out.Default, r.Name())
	}
	return out
}

// compile checks routes, also that the responders they name are there.
func (a *App) compile(rs []api.Route) (*routes.Table, error) {
	table, err := routes.Compile(routesOf(rs))
	if err != nil {
		return nil, &api.Error{Kind: platforms.Rejected, Text: text.Sentence(err.Error())}
	}
	for _, r := range rs {
		for _, id := range r.To {
			if _, ok := a.answering.find(id); !ok && !a.answering.exists(id) {
				return nil, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("The route %q goes to the responder %q, which is not there. Choose another, or set it up first.", cut(r.Name, 60), cut(id, 60))}
			}
		}
	}
	return table, nil
}

// SetRoutes replaces the whole list.
func (a *App) SetRoutes(ctx context.Context, rs []api.Route) (api.Routes, error) {
	an := &a.answering
	an.changing.Lock()
	defer an.changing.Unlock()
	rs = slices.Clone(rs)
	taken := map[string]bool{}
	for _, r := range rs {
		taken[r.ID] = true
	}
	for i := range rs {
		for n := len(rs); rs[i].ID == ""; n++ {
			if id := fmt.Sprintf("route-%d", n); !taken[id] {
				rs[i].ID, taken[id] = id, true
			}
		}
	}
	table, err := a.compile(rs)
	if err != nil {
		return api.Routes{}, err
	}
	if err := a.keep(ctx, settingRoutes, rs); err != nil {
		return api.Routes{}, wireError(err)
	}
	an.mu.Lock()
	an.routes, an.table = rs, table
	an.mu.Unlock()
	a.audit(ctx, string(api.Changed), "", "", fmt.Sprintf("The routes were changed; there are %d.", len(rs)))
	a.keepSafe()
	a.changed()
	return a.Routes(), nil
}

// RouteNames is the names that expressions may use.
func (a *App) RouteNames() []api.RouteName {
	var out []api.RouteName
	for _, n := range routes.Suggest() {
		out = append(out, api.RouteName{Name: n.Name, Type: string(n.Type), Help: n.Help, Example: n.Example})
	}
	return out
}

// CheckRoute says what is wrong with an expression.
func (a *App) CheckRoute(when string) api.RouteChecked {
	var out api.RouteChecked
	if err := routes.Check(when); err != nil {
		out.Problem = text.Sentence(err.Error())
		return out
	}
	if c, ok := routes.Parse(when); ok {
		cond := condOf(c)
		out.Cond = &cond
	}
	return out
}

func condOf(c routes.Cond) api.Cond {
	out := api.Cond{Op: string(c.Op), Field: c.Field, Value: c.Value}
	for _, o := range c.Of {
		out.Of = append(out.Of, condOf(o))
	}
	return out
}

// mostDeep bounds how deep conditions are nested.
const mostDeep = 16

func ofCond(c api.Cond, deep int) (routes.Cond, error) {
	if deep > mostDeep {
		return routes.Cond{}, errors.New("the condition is nested too deep")
	}
	out := routes.Cond{Op: routes.Op(c.Op), Field: c.Field, Value: c.Value}
	for _, o := range c.Of {
		in, err := ofCond(o, deep+1)
		if err != nil {
			return out, err
		}
		out.Of = append(out.Of, in)
	}
	return out, nil
}

// WriteRoute is the expression of a condition that was picked from lists.
func (a *App) WriteRoute(c api.Cond) (string, error) {
	cond, err := ofCond(c, 0)
	if err == nil {
		var when string
		if when, err = cond.Expr(); err == nil {
			return when, nil
		}
	}
	return "", &api.Error{Kind: platforms.Rejected, Text: text.Sentence(err.Error())}
}

// TryRoutes says what would become of the last events, newest first.
func (a *App) TryRoutes(ctx context.Context, rs []api.Route) ([]api.RouteTried, error) {
	for i := range rs {
		if rs[i].ID == "" {
			rs[i].ID = fmt.Sprintf("new-%d", i+1)
		}
	}
	table, err := a.compile(rs)
	if err != nil {
		return nil, err
	}
	list, err := a.store.Latest(ctx, triedMost)
	if err != nil {
		return nil, wireError(err)
	}
	defaults := a.Routes().Default
	out := []api.RouteTried{}
	for _, e := range list {
		acc, err := a.account(e.Account)
		if err != nil {
			continue
		}
		t := api.RouteTried{Entry: entry(e), Steps: []api.RouteStep{}, To: []string{}}
		d := acc.judge(*e.Event, "", nil)
		if d.Verdict != access.Allowed {
			t.Steps = append(t.Steps, api.RouteStep{Words: d.Why()})
			out = append(out, t)
			continue
		}
		to, steps := pickBy(table, defaults, acc, *e.Event, d.Role)
		t.Steps = append(t.Steps, steps...)
		for _, id := range to {
			label := id
			if r, ok := a.answering.find(id); ok {
				label = r.label
			}
			t.To = append(t.To, label)
		}
		out = append(out, t)
	}
	return out, nil
}
