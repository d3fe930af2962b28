package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

func (e *env) hooksForms() *cobra.Command {
	return &cobra.Command{
		Use: "forms", Short: "List the forms in which programs may post, and what each adds to an address", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.onHooks(cmd, func(_ *client.Client, all api.Hooks) error {
				if e.json {
					return e.printJSON(all.Forms)
				}
				var rows [][]string
				for _, f := range all.Forms {
					path := ""
					if f.Suffix != "" {
						path = "/" + f.Suffix
					}
					rows = append(rows, []string{formName(all.Forms, f.Dialect), path, f.Title, f.Summary})
				}
				e.table([]string{"FORM", "ADD", "TITLE", "WHAT IS POSTED"}, rows)
				return nil
			})
		},
	}
}

func (e *env) hooksTry() *cobra.Command {
	var t api.HookTry
	var form string
	cmd := &cobra.Command{
		Use: "try", Short: "Show what a post would look like; its body is standard input, and nothing is posted", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if t.Body, err = e.input(cmd.Context()); err != nil {
				return err
			}
			return e.onHooks(cmd, func(c *client.Client, all api.Hooks) (err error) {
				f := hookFlags{form: form, template: t.Template}
				if t.Dialect, err = f.dialect(all.Forms); err != nil {
					return err
				}
				out, err := c.TryHook(cmd.Context(), t)
				if err != nil {
					return err
				}
				return e.printHookTried(out)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&form, "form", "", "the `FORM` of the body; see postern hooks forms")
	f.StringVar(&t.Template, "template", "", "how any JSON is shown: a `TEXT` as Go's text/template has it")
	f.StringVar(&t.Event, "event", "", "the `EVENT`, for forms that have it in a header, as in push")
	_ = cmd.RegisterFlagCompletionFunc("form", e.completeForm)
	return cmd
}

func (e *env) printHookTried(out api.HookTried) error {
	var refused error
	if out.Problem != "" {
		refused = errors.New(out.Problem)
	}
	switch {
	case e.json:
		if err := e.printJSON(out); err != nil {
			return err
		}
		return refused
	case refused != nil:
		return refused
	}
	if out.Username != "" {
		e.say("%s:", out.Username)
	}
	e.block(out.Text)
	return nil
}

func (e *env) hooksListener() *cobra.Command {
	return &cobra.Command{
		Use: "listener [ADDRESS]", Short: "Show where on this computer hooks are served, or serve them elsewhere, as in 127.0.0.1:47821",
		Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) (err error) {
				var all api.Hooks
				if len(args) == 0 {
					all, err = c.Hooks(cmd.Context())
				} else {
					all, err = c.SetHookListener(cmd.Context(), api.HookListener{Bind: args[0]})
				}
				if err != nil {
					return err
				}
				return e.printServed(all, len(args) > 0)
			})
		},
	}
}

// printServed says where hooks are served, or why they are not.
func (e *env) printServed(all api.Hooks, moved bool) error {
	var refused error
	if all.Why != "" {
		refused = errors.New(all.Why)
	}
	switch {
	case e.json:
		all.Hooks, all.Forms = []api.Hook{}, []api.HookForm{}
		return errors.Join(e.printJSON(all), refused)
	case refused != nil:
		return refused
	case all.Open:
		e.say("Hooks are served at %s.", all.Address)
	default:
		e.say("Hooks are served at %s as soon as there is one that is on.", all.Address)
	}
	if moved {
		e.tell("", "Addresses that you gave away before name the former place: change them there.")
	}
	return nil
}

func (e *env) completeHook(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		all, _ := c.Hooks(ctx)
		for _, h := range all.Hooks {
			out = append(out, word(h.ID, h.Name+" into "+hookPlace(h))...)
		}
		return out
	})
}

func (e *env) completeForm(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		all, _ := c.Hooks(ctx)
		for _, f := range all.Forms {
			out = append(out, word(formName(all.Forms, f.Dialect), f.Title)...)
		}
		return out
	})
}
