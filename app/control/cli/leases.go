package cli

import (
	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

func (e *env) leases() *cobra.Command {
	return group("leases", "Which agent has which conversation", e.leasesList(), e.leasesGive(), e.leasesRelease())
}

func (e *env) leasesList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List which agent has which conversation", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				ls, err := c.Leases(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.Lease{}, ls...))
				}
				var rows [][]string
				for _, l := range ls {
					label, by := l.Label, "itself"
					if label == "" {
						label = l.Holder
					}
					if l.Holder == "" {
						label = "nobody"
					}
					if l.Given {
						by = "you"
					}
					rows = append(rows, []string{string(l.Account), string(l.Conversation), label, e.when(l.Since), by, l.Title})
				}
				e.table([]string{"ACCOUNT", "CONVERSATION", "WITH", "SINCE", "BY", "TITLE"}, rows)
				return nil
			})
		},
	}
}

func (e *env) leasesGive() *cobra.Command {
	return &cobra.Command{
		Use: "give ACCOUNT CONVERSATION RESPONDER", Short: "Hand a conversation over to an agent, at a terminal",
		Args: args(cobra.ExactArgs(3)), ValidArgsFunction: e.completeLease,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				rs, err := c.Responders(cmd.Context())
				if err != nil {
					return err
				}
				r, err := findResponder(rs, args[2])
				if err != nil {
					return err
				}
				if !r.Talks {
					return wrong("%s has no conversations: only an agent can be given one", r.ID)
				}
				l := api.Lease{Account: platforms.AccountID(args[0]), Conversation: platforms.ConversationID(args[1]), Holder: r.ID}
				return e.told(c.SetLease(client.AtTerminal(cmd.Context()), l), "%s is now with %s.", args[1], r.Label)
			})
		},
	}
}

func (e *env) leasesRelease() *cobra.Command {
	return &cobra.Command{
		Use: "release ACCOUNT CONVERSATION", Short: "Take a conversation from its agent, at a terminal",
		Args: args(cobra.ExactArgs(2)), ValidArgsFunction: e.completeLease,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				l := api.Lease{Account: platforms.AccountID(args[0]), Conversation: platforms.ConversationID(args[1])}
				return e.told(c.SetLease(client.AtTerminal(cmd.Context()), l), "%s is with nobody now.", args[1])
			})
		},
	}
}
