package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

func (e *env) routesCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check EXPRESSION", Short: "Say what is wrong with an expression; exit code 1 if anything is", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				if e.json {
					out, err := c.CheckRoute(cmd.Context(), args[0])
					if err != nil {
						return err
					}
					if err := e.printJSON(out); err != nil || out.Problem == "" {
						return err
					}
				}
				return e.told(checkWhen(cmd.Context(), c, args[0]), "Nothing is wrong with it.")
			})
		},
	}
}

func (e *env) routesNames() *cobra.Command {
	return &cobra.Command{
		Use: "names", Short: "List the names that expressions may use", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				ns, err := c.RouteNames(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.RouteName{}, ns...))
				}
				var rows [][]string
				for _, n := range ns {
					rows = append(rows, []string{n.Name, n.Type, n.Example, n.Help})
				}
				e.table([]string{"NAME", "TYPE", "EXAMPLE", "HELP"}, rows)
				return nil
			})
		},
	}
}

// routesTry tells what the routes would have done with the last messages: as
// they are, or with one more.
func (e *env) routesTry() *cobra.Command {
	d := &routeDraft{}
	cmd := &cobra.Command{
		Use: "try", Short: "Tell what would have become of the last messages; nothing is done", Args: args(none),
		Long: `Tell what would have become of the last messages. Nothing is done.

Without flags it tells of the routes as they are; with --when and --to, of the
routes with this one among them, and marks with * what would change.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				now, err := c.Routes(cmd.Context())
				if err != nil {
					return err
				}
				rs, more := now.Routes, cmd.Flags().Changed("when") || cmd.Flags().Changed("to")
				if more {
					r, err := d.route(cmd, c)
					if err != nil {
						return err
					}
					if rs, err = inserted(rs, r, d.at); err != nil {
						return err
					}
				}
				out, err := c.TryRoutes(cmd.Context(), rs)
				if err != nil {
					return fieldErrors(err)
				}
				if e.json {
					return e.printJSON(append([]api.RouteTried{}, out...))
				}
				return e.printTried(cmd.Context(), c, now.Routes, out, more)
			})
		},
	}
	d.flags(e, cmd)
	cmd.Flags().IntVar(&d.at, "at", 0, "the `PLACE` in the list, from 1; the end if left out")
	return cmd
}

// printTried prints what would become of each message, with a mark where the
// routes as they are do something else.
func (e *env) printTried(ctx context.Context, c *client.Client, saved []api.Route, out []api.RouteTried, compare bool) error {
	before := map[uint64]string{}
	if compare {
		old, err := c.TryRoutes(ctx, saved)
		if err != nil {
			return err
		}
		for _, t := range old {
			before[t.Entry.Seq] = taken(t)
		}
	}
	if len(out) == 0 {
		e.say("There are no messages to try them with yet.")
		return nil
	}
	var rows [][]string
	for _, t := range out {
		mark, way := "", taken(t)
		if was, known := before[t.Entry.Seq]; known && was != way {
			mark = "*"
			way += " (before: " + was + ")"
		}
		who := t.Entry.From.Name
		if who == "" {
			who = t.Entry.From.Handle
		}
		rows = append(rows, []string{mark, e.when(t.Entry.At), who, t.Entry.Text, way})
	}
	e.table([]string{"", "WHEN", "WHO", "TEXT", "GOES"}, rows)
	return nil
}

// taken says which routes fit a message, and to whom it goes.
func taken(t api.RouteTried) string {
	var by []string
	for _, s := range t.Steps {
		if s.Route == "" && !s.Match && s.Words != "" && len(t.To) == 0 {
			return "not let in: " + s.Words
		}
		if s.Match {
			name := s.Name
			if name == "" {
				name = s.Route
			}
			by = append(by, name)
		}
	}
	to := strings.Join(t.To, ", ")
	if to == "" {
		to = "nobody"
	}
	by = slices.DeleteFunc(by, func(s string) bool { return s == "" })
	if len(by) == 0 {
		return to
	}
	return strings.Join(by, ", ") + ": " + to
}

func (e *env) completeRoute(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		now, _ := c.Routes(ctx)
		for _, r := range now.Routes {
			out = append(out, word(r.ID, r.Name)...)
		}
		return out
	})
}

func (e *env) completeKind(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		ks, _ := c.ResponderKinds(ctx)
		for _, k := range ks {
			out = append(out, word(k.Name, k.Title)...)
		}
		return out
	})
}

// completeResponder completes the argument after the first n.
func (e *env) completeResponder(n int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) != n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
			rs, _ := c.Responders(ctx)
			for _, r := range rs {
				out = append(out, word(r.ID, r.Label)...)
			}
			return out
		})
	}
}

func (e *env) completeLease(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) < 2 {
		return e.completeConversation(cmd, args, typed)
	}
	return e.completeResponder(2)(cmd, args, typed)
}
