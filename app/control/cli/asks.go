package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

func (e *env) asks() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List what responders ask permission for, oldest first", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				as, err := c.Asks(cmd.Context())
				if err != nil {
					return err
				}
				return e.printAsks(as)
			})
		},
	}
	answer := &cobra.Command{
		Use: "answer ID CHOICE", Short: "Answer one, at a terminal", Args: args(cobra.ExactArgs(2)), ValidArgsFunction: e.completeAsk,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				return e.told(c.AnswerAsk(client.AtTerminal(cmd.Context()), args[0], args[1]), "Answered: %s.", args[1])
			})
		},
	}
	return group("asks", "Permissions that responders ask for", list, answer)
}

func (e *env) printAsks(as []api.Ask) error {
	if e.json {
		return e.printJSON(as)
	}
	if len(as) == 0 {
		e.say("Nothing waits for your permission.")
		return nil
	}
	for i, a := range as {
		if i > 0 {
			fmt.Fprintln(e.Out)
		}
		where := a.Where
		if where == "" {
			where = string(a.Conversation)
		}
		ends := ""
		if until := e.when(a.Until); until != "" {
			ends = ", until " + until
		}
		e.say("%s: %s asks, in %s (%s)%s:", a.ID, a.Responder, where, a.Account, ends)
		e.block(a.Title)
		if a.Detail != "" {
			e.block(a.Detail)
		}
		var choices []string
		for _, c := range a.Choices {
			s := c.ID + " (" + c.Label
			if c.Grants {
				s += "; grants it"
			}
			choices = append(choices, s+")")
		}
		e.say("Answer with: postern asks answer %s CHOICE, of: %s", a.ID, strings.Join(choices, ", "))
	}
	return nil
}

func (e *env) completeAsk(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		as, _ := c.Asks(ctx)
		for _, a := range as {
			switch {
			case len(args) == 0:
				out = append(out, word(a.ID, a.Title)...)
			case len(args) == 1 && a.ID == args[0]:
				for _, ch := range a.Choices {
					out = append(out, word(ch.ID, ch.Label)...)
				}
			}
		}
		return out
	})
}
