package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

func (e *env) routes() *cobra.Command {
	return group("routes", "Which responder gets which messages", e.routesList(), e.routesAdd(), e.routesEdit(), e.routesMove(),
		e.routesTurn("off", true), e.routesTurn("on", false), e.routesRemove(), e.routesCheck(), e.routesTry(), e.routesNames())
}

func (e *env) routesList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the routes in their order: the first that fits decides", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				now, err := c.Routes(cmd.Context())
				if err != nil {
					return err
				}
				return e.printRoutes(cmd.Context(), c, now)
			})
		},
	}
}

// printRoutes prints the routes with the labels of what they lead to.
func (e *env) printRoutes(ctx context.Context, c *client.Client, now api.Routes) error {
	if e.json {
		return e.printJSON(now)
	}
	rs, err := c.Responders(ctx)
	if err != nil {
		return err
	}
	var rows [][]string
	for i, r := range now.Routes {
		var notes []string
		if r.Off {
			notes = append(notes, "off")
		}
		if r.Also {
			notes = append(notes, "later routes too")
		}
		when := r.When
		if when == "" {
			when = "always"
		}
		rows = append(rows, []string{strconv.Itoa(i + 1), r.ID, r.Name, responderLabels(r.To, rs), strings.Join(notes, ", "), when})
	}
	rows = append(rows, []string{"", "", "everything else", responderLabels(now.Default, rs), "", ""})
	e.table([]string{"NO", "ROUTE", "NAME", "TO", "NOTE", "WHEN"}, rows)
	return nil
}

func responderLabels(ids []string, rs []api.Responder) string {
	var out []string
	for _, id := range ids {
		if i := slices.IndexFunc(rs, func(r api.Responder) bool { return r.ID == id }); i >= 0 && rs[i].Label != "" {
			id = rs[i].Label
		}
		out = append(out, id)
	}
	if len(out) == 0 {
		return "nobody"
	}
	return strings.Join(out, ", ")
}

func routeName(r api.Route, i int) string {
	if r.Name != "" {
		return r.Name
	}
	return "number " + strconv.Itoa(i+1)
}

// findRoute is the place of the route with this id, or else of this number in
// the list, or else with this name if only one has it.
func findRoute(rs []api.Route, name string) (int, error) {
	if i := slices.IndexFunc(rs, func(r api.Route) bool { return r.ID == name }); i >= 0 && name != "" {
		return i, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(rs) {
		return n - 1, nil
	}
	found := -1
	for i, r := range rs {
		if r.Name == name && name != "" {
			if found >= 0 {
				return 0, wrong("several routes are called %q; name one by its id or number, see postern routes list", name)
			}
			found = i
		}
	}
	if found < 0 {
		return 0, wrong("there is no route %q; see postern routes list", name)
	}
	return found, nil
}

// routeDraft is what add, edit and try are told of a route.
type routeDraft struct {
	name string
	when string
	to   []string
	also bool
	off  bool
	at   int
}

func (d *routeDraft) flags(e *env, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&d.name, "name", "", "your own `NAME` for it")
	f.StringVar(&d.when, "when", "", "the `EXPRESSION` that has to hold; see postern routes names. Empty: always")
	f.StringSliceVar(&d.to, "to", nil, "the `RESPONDER` that gets what fits; several with commas between them")
	f.BoolVar(&d.also, "also", false, "look at later routes too")
	_ = cmd.RegisterFlagCompletionFunc("to", func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return e.completeResponder(0)(cmd, nil, typed)
	})
}

// apply puts what was given into r.
func (d *routeDraft) apply(cmd *cobra.Command, r *api.Route, rs []api.Responder) error {
	given := cmd.Flags().Changed
	if given("name") {
		r.Name = d.name
	}
	if given("when") {
		r.When = strings.TrimSpace(d.when)
	}
	if given("also") {
		r.Also = d.also
	}
	if given("to") {
		r.To = []string{}
		for _, name := range d.to {
			to, err := findResponder(rs, strings.TrimSpace(name))
			if err != nil {
				return err
			}
			if !slices.Contains(r.To, to.ID) {
				r.To = append(r.To, to.ID)
			}
		}
	}
	return nil
}

// checkWhen fails with what is wrong with an expression.
func checkWhen(ctx context.Context, c *client.Client, when string) error {
	out, err := c.CheckRoute(ctx, when)
	if err != nil {
		return err
	}
	if out.Problem != "" {
		return errors.New(out.Problem)
	}
	return nil
}

// changeRoutes changes the list and saves it as a whole.
func (e *env) changeRoutes(cmd *cobra.Command, change func(c *client.Client, rs []api.Route) ([]api.Route, error)) error {
	return e.ask(func(c *client.Client) error {
		now, err := c.Routes(cmd.Context())
		if err != nil {
			return err
		}
		rs, err := change(c, now.Routes)
		if err != nil {
			return err
		}
		saved, err := c.SetRoutes(client.AtTerminal(cmd.Context()), rs)
		if err != nil {
			return fieldErrors(err)
		}
		return e.printRoutes(cmd.Context(), c, saved)
	})
}

// inserted is rs with r at place at, counted from 1; 0 is the end.
func inserted(rs []api.Route, r api.Route, at int) ([]api.Route, error) {
	if at < 0 || at > len(rs)+1 {
		return nil, wrong("there is no place %d; there are 1 to %d", at, len(rs)+1)
	}
	if at == 0 {
		at = len(rs) + 1
	}
	return slices.Insert(slices.Clone(rs), at-1, r), nil
}

func (e *env) routesAdd() *cobra.Command {
	d := &routeDraft{}
	cmd := &cobra.Command{
		Use: "add --when EXPRESSION --to RESPONDER", Short: "Add a route, at a terminal", Args: args(none),
		Long: `Add a route, at a terminal: at the end, or where --at says.

  postern routes add --name Invoices --when 'text contains "invoice"' --to forward-1,notification

Look first at what it would do: postern routes try --when … --to …`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.changeRoutes(cmd, func(c *client.Client, rs []api.Route) ([]api.Route, error) {
				r, err := d.route(cmd, c)
				if err != nil {
					return nil, err
				}
				r.Off = d.off
				return inserted(rs, r, d.at)
			})
		},
	}
	d.flags(e, cmd)
	cmd.Flags().IntVar(&d.at, "at", 0, "the `PLACE` in the list, from 1; the end if left out")
	cmd.Flags().BoolVar(&d.off, "off", false, "leave it switched off for now")
	return cmd
}

// route is a new route as it was given, once its expression is known to be
// right.
func (d *routeDraft) route(cmd *cobra.Command, c *client.Client) (api.Route, error) {
	var r api.Route
	if len(d.to) == 0 {
		return r, wrong("say --to which responder it leads; see postern responders list")
	}
	rs, err := c.Responders(cmd.Context())
	if err != nil {
		return r, err
	}
	if err := d.apply(cmd, &r, rs); err != nil {
		return r, err
	}
	return r, checkWhen(cmd.Context(), c, r.When)
}

func (e *env) routesEdit() *cobra.Command {
	d := &routeDraft{}
	cmd := &cobra.Command{
		Use: "edit ROUTE", Short: "Change a route, at a terminal; what isn't named stays", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.changeRoutes(cmd, func(c *client.Client, rs []api.Route) ([]api.Route, error) {
				i, err := findRoute(rs, args[0])
				if err != nil {
					return nil, err
				}
				known, err := c.Responders(cmd.Context())
				if err != nil {
					return nil, err
				}
				rs = slices.Clone(rs)
				if err := d.apply(cmd, &rs[i], known); err != nil {
					return nil, err
				}
				if cmd.Flags().Changed("when") {
					err = checkWhen(cmd.Context(), c, rs[i].When)
				}
				return rs, err
			})
		},
	}
	d.flags(e, cmd)
	return cmd
}

func (e *env) routesMove() *cobra.Command {
	return &cobra.Command{
		Use: "move ROUTE PLACE", Short: "Move a route to another place in the list, from 1, at a terminal", Args: args(cobra.ExactArgs(2)), ValidArgsFunction: e.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			at, err := strconv.Atoi(args[1])
			if err != nil || at < 1 {
				return wrong("the place is a number from 1")
			}
			return e.changeRoutes(cmd, func(_ *client.Client, rs []api.Route) ([]api.Route, error) {
				i, err := findRoute(rs, args[0])
				if err != nil {
					return nil, err
				}
				return inserted(slices.Delete(slices.Clone(rs), i, i+1), rs[i], at)
			})
		},
	}
}

// routesTurn makes the command that switches a route on or off.
func (e *env) routesTurn(name string, off bool) *cobra.Command {
	return &cobra.Command{
		Use: name + " ROUTE", Short: "Switch a route " + name + ", at a terminal", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.changeRoutes(cmd, func(_ *client.Client, rs []api.Route) ([]api.Route, error) {
				i, err := findRoute(rs, args[0])
				if err != nil {
					return nil, err
				}
				rs = slices.Clone(rs)
				rs[i].Off = off
				return rs, nil
			})
		},
	}
}

func (e *env) routesRemove() *cobra.Command {
	var yes removal
	cmd := &cobra.Command{
		Use: "remove ROUTE", Short: "Remove a route, at a terminal", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeRoute,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.changeRoutes(cmd, func(_ *client.Client, rs []api.Route) ([]api.Route, error) {
				i, err := findRoute(rs, args[0])
				if err != nil {
					return nil, err
				}
				if err := yes.sure(cmd.Context(), e, fmt.Sprintf("Remove the route %s?", routeName(rs[i], i))); err != nil {
					return nil, err
				}
				return slices.Delete(slices.Clone(rs), i, i+1), nil
			})
		},
	}
	yes.flag(cmd)
	return cmd
}
