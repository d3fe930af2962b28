package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

func (e *env) accounts() *cobra.Command {
	return group("accounts", "The bots that Postern connects", e.accountsList(), e.accountsAdd(), e.accountsChange(),
		e.accountsCheck(), e.accountsFix(), e.accountsRemove(), e.platforms(),
		e.onAccount("pause", "Disconnect an account", "Paused %s.", (*client.Client).Pause),
		e.onAccount("resume", "Connect an account again", "Resumed %s.", (*client.Client).Resume))
}

func (e *env) accountsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the accounts", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				s, err := c.Snapshot(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.Account{}, s.Accounts...))
				}
				e.printAccounts(s.Accounts)
				return nil
			})
		},
	}
}

func (e *env) platforms() *cobra.Command {
	return &cobra.Command{
		Use: "platforms", Short: "List what can be added", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				list, err := c.Platforms(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(list)
				}
				var rows [][]string
				for _, p := range list {
					rows = append(rows, []string{p.Name, p.Title, string(p.Exposure), p.Summary})
				}
				e.table([]string{"PLATFORM", "TITLE", "EXPOSURE", "SUMMARY"}, rows)
				return nil
			})
		},
	}
}

// onAccount makes a command that does one thing to one account.
func (e *env) onAccount(name, short, told string, act func(*client.Client, context.Context, platforms.AccountID) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " ACCOUNT", Short: short, Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				return e.told(act(c, cmd.Context(), platforms.AccountID(args[0])), told, args[0])
			})
		},
	}
}

func (e *env) accountsCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check ACCOUNT", Short: "Check an account's credentials and permissions",
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				id := platforms.AccountID(args[0])
				found, err := c.CheckAccount(cmd.Context(), id)
				return e.reportCheck(id, found, err)
			})
		},
	}
}

func (e *env) accountsFix() *cobra.Command {
	return &cobra.Command{
		Use: "fix ACCOUNT PROBLEM", Short: "Mend a problem that a check found, by its code",
		Args: args(cobra.ExactArgs(2)), ValidArgsFunction: e.completeProblem,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				id := platforms.AccountID(args[0])
				found, err := c.Fix(cmd.Context(), id, args[1])
				return e.reportCheck(id, found, err)
			})
		},
	}
}

// reportCheck prints a check; a failed one is an error.
func (e *env) reportCheck(id platforms.AccountID, found api.Check, err error) error {
	if err != nil {
		return err
	}
	if e.json {
		err = e.printJSON(found)
	} else {
		e.printCheck(id, found)
	}
	return errors.Join(err, failedCheck(found))
}

func (e *env) accountsRemove() *cobra.Command {
	var yes removal
	cmd := &cobra.Command{
		Use: "remove ACCOUNT", Short: "Delete an account with its messages and secrets",
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				if err := yes.sure(cmd.Context(), e, "Delete the account "+args[0]+" with all its messages and secrets?"); err != nil {
					return err
				}
				return e.told(c.RemoveAccount(cmd.Context(), platforms.AccountID(args[0])), "Removed %s.", args[0])
			})
		},
	}
	yes.flag(cmd)
	return cmd
}

func (e *env) pause() *cobra.Command {
	return e.onAll("pause", "Disconnect one account, or all", "Paused", (*client.Client).Pause)
}

func (e *env) resume() *cobra.Command {
	return e.onAll("resume", "Connect one account again, or all", "Resumed", (*client.Client).Resume)
}

func (e *env) onAll(name, short, told string, act func(*client.Client, context.Context, platforms.AccountID) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " [ACCOUNT]", Short: short, Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: e.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, of := platforms.AccountID(""), "everything"
			if len(args) > 0 {
				if args[0] == "" {
					return wrong("the account's id is empty; leave it out to mean all accounts")
				}
				id, of = platforms.AccountID(args[0]), args[0]
			}
			return e.ask(func(c *client.Client) error {
				return e.told(act(c, cmd.Context(), id), "%s %s.", told, of)
			})
		},
	}
}
