package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

func (e *env) responders() *cobra.Command {
	return group("responders", "What answers: commands, services and agents of your own, and what is built in", e.respondersList(), e.respondersKinds(),
		e.respondersAdd(), e.respondersChange(), e.respondersTurn("off", true), e.respondersTurn("on", false), e.respondersRemove())
}

func (e *env) respondersList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the responders", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				rs, err := c.Responders(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.Responder{}, rs...))
				}
				var rows [][]string
				for _, r := range rs {
					state := "on"
					switch {
					case r.Off:
						state = "off"
					case r.Problem != "":
						state = "can't work"
					case r.Error != "":
						state = "failed"
					}
					note := r.Problem
					if note == "" {
						note = r.Error
					}
					rows = append(rows, []string{r.ID, r.Label, r.Title, state, some(r.Working), some(r.Waiting), e.when(r.Last), note})
				}
				e.table([]string{"RESPONDER", "LABEL", "KIND", "STATE", "WORKING", "WAITING", "LAST", "NOTE"}, rows)
				return nil
			})
		},
	}
}

func (e *env) respondersKinds() *cobra.Command {
	return &cobra.Command{
		Use: "kinds [KIND]", Short: "List what can be added, or the fields of one kind", Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: e.completeKind,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				if len(args) == 1 {
					k, err := findKind(cmd.Context(), c, args[0])
					if err != nil {
						return err
					}
					return e.printKind(k)
				}
				ks, err := c.ResponderKinds(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.ResponderKind{}, ks...))
				}
				var rows [][]string
				for _, k := range ks {
					rows = append(rows, []string{k.Name, k.Title, k.Summary})
				}
				e.table([]string{"KIND", "TITLE", "SUMMARY"}, rows)
				return nil
			})
		},
	}
}

func (e *env) printKind(k api.ResponderKind) error {
	if e.json {
		return e.printJSON(k)
	}
	e.say("%s: %s", k.Title, k.Summary)
	var rows [][]string
	for _, f := range k.Fields {
		how := "--set " + f.Key + "=…"
		if f.Secret {
			how = "--secret " + f.Key
		}
		needed := ""
		if f.Required {
			needed = "yes"
		}
		var may []string
		for _, o := range f.Options {
			may = append(may, o.Value)
		}
		help := f.Help
		if len(may) > 0 {
			help = strings.TrimSpace("One of " + strings.Join(may, ", ") + ". " + help)
		}
		rows = append(rows, []string{how, f.Label, needed, help})
	}
	e.table([]string{"FIELD", "LABEL", "NEEDED", "HELP"}, rows)
	return nil
}

func findKind(ctx context.Context, c *client.Client, name string) (api.ResponderKind, error) {
	ks, err := c.ResponderKinds(ctx)
	if err != nil {
		return api.ResponderKind{}, err
	}
	var names []string
	for _, k := range ks {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return api.ResponderKind{}, wrong("there is no such kind of responder; there are: %s", strings.Join(names, ", "))
}

// findResponder is the one with this id, or with this label if only one has it.
func findResponder(rs []api.Responder, name string) (api.Responder, error) {
	return named(rs, name, "responder", func(r api.Responder) (id, label string) { return r.ID, r.Label })
}

func (e *env) respondersAdd() *cobra.Command {
	d := &draft{}
	cmd := &cobra.Command{
		Use: "add KIND", Short: "Set up a responder, at a terminal",
		Long: `Set up a responder, at a terminal.

  postern responders add command --label Heating --set program=/usr/local/bin/heating
  postern responders add forward --label Desk --set url=https://desk.example.org/in --secret secret

A secret is asked for without echo, or read from standard input. An argument is
no place for one: other programs can see it, and shells keep it in their history.`,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeKind,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				k, err := findKind(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				out := api.ResponderDraft{Kind: k.Name, Label: d.label, Off: d.off}
				if out.Values, err = e.responderValues(cmd.Context(), k, d, true); err != nil {
					return err
				}
				r, err := c.AddResponder(client.AtTerminal(cmd.Context()), out)
				if err := e.savedResponder(r, err); err != nil || e.json {
					return err
				}
				e.say("Messages reach it by a route: postern routes add --when EXPRESSION --to %s", r.ID)
				return nil
			})
		},
	}
	d.flags(cmd)
	cmd.Flags().BoolVar(&d.off, "off", false, "leave it switched off for now")
	return cmd
}

func (e *env) respondersChange() *cobra.Command {
	d := &draft{}
	cmd := &cobra.Command{
		Use: "change RESPONDER", Short: "Change a responder's label, fields or secrets, at a terminal; what isn't named stays",
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeResponder(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				rs, err := c.Responders(cmd.Context())
				if err != nil {
					return err
				}
				r, err := findResponder(rs, args[0])
				if err != nil {
					return err
				}
				k, err := findKind(cmd.Context(), c, r.Kind)
				if err != nil {
					return err
				}
				out := api.ResponderDraft{Kind: r.Kind, Label: r.Label, Off: r.Off}
				if cmd.Flags().Changed("label") {
					out.Label = d.label
				}
				if out.Values, err = e.responderValues(cmd.Context(), k, d, false); err != nil {
					return err
				}
				r, err = c.ChangeResponder(client.AtTerminal(cmd.Context()), r.ID, out)
				return e.savedResponder(r, err)
			})
		},
	}
	d.flags(cmd)
	cmd.Flags().StringArrayVar(&d.clear, "clear", nil, "empty the field `KEY`")
	return cmd
}

// savedResponder tells what was saved.
func (e *env) savedResponder(r api.Responder, err error) error {
	if err != nil {
		return fieldErrors(err)
	}
	if e.json {
		return e.printJSON(r)
	}
	e.say("Saved as %s (%s).", r.ID, r.Label)
	return nil
}

// fieldErrors is err with what is wrong with each field, one a line.
func fieldErrors(err error) error {
	var wire *api.Error
	if !errors.As(err, &wire) || len(wire.Fields) == 0 {
		return err
	}
	var lines []string
	for key, s := range wire.Fields {
		if !strings.Contains(wire.Text, s) {
			lines = append(lines, key+": "+s)
		}
	}
	slices.Sort(lines)
	if len(lines) == 0 {
		return err
	}
	return fmt.Errorf("%w\n%s", err, strings.Join(lines, "\n"))
}

// respondersTurn makes the command that switches a responder on or off.
func (e *env) respondersTurn(name string, off bool) *cobra.Command {
	return &cobra.Command{
		Use: name + " RESPONDER", Short: "Switch a responder " + name + ", at a terminal", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeResponder(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				rs, err := c.Responders(cmd.Context())
				if err != nil {
					return err
				}
				r, err := findResponder(rs, args[0])
				if err != nil {
					return err
				}
				_, err = c.ChangeResponder(client.AtTerminal(cmd.Context()), r.ID, api.ResponderDraft{Kind: r.Kind, Label: r.Label, Off: off})
				return e.told(err, "Switched %s %s.", r.ID, name)
			})
		},
	}
}

func (e *env) respondersRemove() *cobra.Command {
	var yes removal
	cmd := &cobra.Command{
		Use: "remove RESPONDER", Short: "Delete a responder with its secrets", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeResponder(0),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				rs, err := c.Responders(cmd.Context())
				if err != nil {
					return err
				}
				r, err := findResponder(rs, args[0])
				if err != nil {
					return err
				}
				routes, err := c.Routes(cmd.Context())
				if err != nil {
					return err
				}
				var uses []string
				for i, route := range routes.Routes {
					if slices.Contains(route.To, r.ID) {
						uses = append(uses, routeName(route, i))
					}
				}
				question := fmt.Sprintf("Remove %s (%s)?", r.ID, r.Label)
				if len(uses) > 0 {
					question = fmt.Sprintf("Remove %s (%s)? These routes lead to it: %s.", r.ID, r.Label, strings.Join(uses, ", "))
				}
				if err := yes.sure(cmd.Context(), e, question); err != nil {
					return err
				}
				return e.told(c.RemoveResponder(cmd.Context(), r.ID), "Removed %s.", r.ID)
			})
		},
	}
	yes.flag(cmd)
	return cmd
}
