package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

func (e *env) people() *cobra.Command {
	return group("people", "Who may talk to the bots", e.peopleList(), e.peopleAllow(), e.peopleRemove(), e.peopleIgnore(), e.peopleUnignore(),
		e.peopleOpen(true), e.peopleOpen(false))
}

func (e *env) peopleList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List who may talk, who is ignored, and where a bot need not be mentioned", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				p, err := c.People(cmd.Context())
				if err != nil {
					return err
				}
				return e.printPeople(p)
			})
		},
	}
}

func (e *env) printPeople(p api.People) error {
	if e.json {
		return e.printJSON(p)
	}
	if len(p.Rules) == 0 {
		e.say("Nobody may talk to your bots yet. Let yourself in with: postern pair")
	} else {
		var rows [][]string
		for i, r := range p.Rules {
			role, name := string(r.Role), r.Name
			if r.Bot {
				role += " (bot)"
			}
			until := e.when(r.Until)
			if until == "" {
				until = "for ever"
			}
			rows = append(rows, []string{fmt.Sprint(i + 1), string(r.Account), string(r.User), role, whereOf(r.Conversation), until, name, r.Place})
		}
		e.table([]string{"RULE", "ACCOUNT", "USER", "ROLE", "WHERE", "UNTIL", "NAME", "PLACE"}, rows)
	}
	if len(p.Ignored) > 0 {
		var rows [][]string
		for _, g := range p.Ignored {
			where := string(g.Conversation)
			if where == "" {
				where = "everywhere"
			}
			user := string(g.User)
			if user == "" {
				user = "everybody"
			}
			rows = append(rows, []string{string(g.Account), user, where, g.Name})
		}
		e.say("Ignored for good:")
		e.table([]string{"ACCOUNT", "USER", "WHERE", "NAME"}, rows)
	}
	if len(p.Open) > 0 {
		var rows [][]string
		for _, o := range p.Open {
			rows = append(rows, []string{string(o.Account), string(o.Conversation), o.Name})
		}
		e.say("Heard without being mentioned:")
		e.table([]string{"ACCOUNT", "CONVERSATION", "NAME"}, rows)
	}
	for _, cl := range p.Claims {
		e.say("Waits to be let in: %s. Decide with: postern pair", claimant(cl))
	}
	return nil
}

func whereOf(c platforms.ConversationID) string {
	if c == "" {
		return "direct chats"
	}
	return string(c)
}

// claimant is who sent a code: the id first, since the name is nobody's own.
func claimant(c access.Claim) string {
	who := fmt.Sprintf("the user with the id %s of %s", text.Line(string(c.User.ID), 130), c.Account)
	if name := text.Line(strings.TrimSpace(c.User.Name+" "+c.User.Handle), 80); name != "" {
		who += fmt.Sprintf(" (called “%s”, which anybody can choose)", name)
	}
	return who
}

func (e *env) peopleAllow() *cobra.Command {
	var (
		d     api.RuleDraft
		role  string
		until string
	)
	cmd := &cobra.Command{
		Use: "allow", Short: "Let somebody in: who wrote an entry, or whose id you have; at a terminal", Args: args(none),
		Long: "Let somebody in, at a terminal: who wrote an entry (--entry), or whose id you have (--account and --user). " +
			"By --entry they may talk where they wrote; by ids in direct chats, or in the shared place that --conversation names. An existing rule for the same is changed.",
		Example: "  postern people allow --entry 4711 --role member\n  postern people allow --account ACCOUNT --user ID --conversation ID --role listener --until 2026-12-31",
		RunE: func(cmd *cobra.Command, _ []string) error {
			byID := d.Account != "" || d.User != "" || d.Conversation != ""
			switch {
			case (d.Entry != 0) == byID:
				return wrong("name either --entry, or --account and --user")
			case byID && (d.Account == "" || d.User == ""):
				return wrong("name both --account and --user")
			case role == "":
				return wrong("say as what with --role owner, member or listener")
			}
			var err error
			if d.Until, err = e.day(until); err != nil {
				return err
			}
			d.Role = access.Role(role)
			return e.ask(func(c *client.Client) error {
				ctx := client.AtTerminal(cmd.Context())
				if d.Entry != 0 {
					if err := e.sureOf(ctx, c, d); err != nil {
						return err
					}
				}
				p, err := c.Allow(ctx, d)
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(p)
				}
				e.say("They may talk now, as %s.", role)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.Uint64Var(&d.Entry, "entry", 0, "who wrote the entry with number `N`, in that conversation")
	f.StringVar((*string)(&d.Account), "account", "", "of this `ACCOUNT`")
	f.StringVar(&d.User, "user", "", "the user with this `ID`; a name does not count")
	f.StringVar(&d.Conversation, "conversation", "", "in the shared conversation with this `ID` (in direct chats if left out)")
	f.StringVar(&role, "role", "", "as `ROLE`: owner, member or listener")
	f.BoolVar(&d.Bot, "bot", false, "it is a bot")
	f.StringVar(&until, "until", "", "up to the end of this `DAY`, as in 2026-12-31")
	f.StringVar(&d.Name, "name", "", "a `NAME` for showing")
	_ = cmd.RegisterFlagCompletionFunc("account", e.completeAccount)
	_ = cmd.RegisterFlagCompletionFunc("role", cobra.FixedCompletions([]string{string(access.Member), string(access.Owner), string(access.Listener)}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// day is the end of a day that somebody typed; zero for none.
func (e *env) day(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	d, err := time.ParseInLocation(time.DateOnly, s, e.Zone)
	if err != nil {
		return time.Time{}, wrong("--until takes a day, as in 2026-12-31")
	}
	return d.AddDate(0, 0, 1).Add(-time.Second), nil
}

// sureOf shows whom an entry's number would let in, and asks.
func (e *env) sureOf(ctx context.Context, c *client.Client, d api.RuleDraft) error {
	entry, err := c.Entry(ctx, d.Entry)
	if err != nil {
		return err
	}
	who := claimant(access.Claim{Account: entry.Account, User: entry.From})
	p, err := c.People(ctx)
	if err != nil {
		return err
	}
	for _, r := range p.Rules { // one of these may be changed
		if r.Account == entry.Account && r.User == entry.From.ID {
			where := "direct chats"
			if r.Conversation != "" {
				where = "the conversation " + string(r.Conversation)
			}
			e.tell("", "They are let in already: as %s, in %s.", r.Role, where)
		}
	}
	yes, ok, err := e.confirm(ctx, fmt.Sprintf("Entry %d is by %s, in the conversation %s. Let them in there, as %s?", d.Entry, who, entry.Conversation, d.Role))
	switch {
	case err != nil:
		return err
	case !ok:
		return errors.New("only a person at a terminal can let in who wrote an entry; name them by --account and --user there")
	case !yes:
		return errors.New("they are not let in")
	}
	return nil
}

// key is the flags that name a rule.
func key(cmd *cobra.Command, e *env, k *api.RuleKey) {
	f := cmd.Flags()
	f.StringVar((*string)(&k.Account), "account", "", "of this `ACCOUNT`")
	f.StringVar((*string)(&k.User), "user", "", "the user with this `ID`")
	f.StringVar((*string)(&k.Conversation), "conversation", "", "in the conversation with this `ID`")
	_ = cmd.RegisterFlagCompletionFunc("account", e.completeAccount)
}

func (e *env) peopleRemove() *cobra.Command {
	var k api.RuleKey
	cmd := &cobra.Command{
		Use: "remove", Short: "Take a rule away, named by --account, --user and --conversation", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if k.Account == "" || k.User == "" {
				return wrong("name both --account and --user")
			}
			return e.ask(func(c *client.Client) error {
				_, err := c.Disallow(cmd.Context(), k)
				return e.told(err, "They may not talk any more, by this rule.")
			})
		},
	}
	key(cmd, e, &k)
	return cmd
}

func (e *env) peopleIgnore() *cobra.Command {
	var (
		k     api.RuleKey
		entry uint64
		name  string
	)
	cmd := &cobra.Command{
		Use: "ignore", Short: "Keep somebody, or a whole conversation, out for good, whatever the rules say", Args: args(none),
		Long: "Keep somebody out for good, whatever the rules say: who wrote an entry (--entry), or a user, a conversation, or a user in a conversation of an --account.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			byID := k != (api.RuleKey{})
			switch {
			case (entry != 0) == byID:
				return wrong("name either --entry, or --account with --user, --conversation or both")
			case byID && (k.Account == "" || k.User == "" && k.Conversation == ""):
				return wrong("name --account with --user, --conversation or both")
			}
			return e.ask(func(c *client.Client) error {
				_, err := c.Ignore(cmd.Context(), api.IgnoreDraft{Entry: entry, Account: k.Account, User: k.User, Conversation: k.Conversation, Name: name})
				return e.told(err, "Ignored for good. Undo it with postern people unignore and the ids that postern people shows.")
			})
		},
	}
	key(cmd, e, &k)
	cmd.Flags().Uint64Var(&entry, "entry", 0, "who wrote the entry with number `N`")
	cmd.Flags().StringVar(&name, "name", "", "a `NAME` for showing")
	return cmd
}

func (e *env) peopleUnignore() *cobra.Command {
	var k api.RuleKey
	cmd := &cobra.Command{
		Use: "unignore", Short: "Take somebody off the list of those who are ignored, at a terminal", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if k.Account == "" || k.User == "" && k.Conversation == "" {
				return wrong("name --account with --user, --conversation or both, as in: postern people list")
			}
			return e.ask(func(c *client.Client) error {
				_, err := c.Unignore(client.AtTerminal(cmd.Context()), k)
				return e.told(err, "Taken off the list. They are heard where a rule lets them in.")
			})
		},
	}
	key(cmd, e, &k)
	return cmd
}

func (e *env) peopleOpen(open bool) *cobra.Command {
	use, short, told := "close", "Have a bot hear only what mentions it in a conversation", "The bot must be mentioned there again."
	if open {
		use, short, told = "open", "Have a bot hear all that those who may talk write in a conversation, at a terminal", "The bot hears all there from those who may talk."
	}
	return &cobra.Command{
		Use: use + " ACCOUNT CONVERSATION", Short: short, Args: args(cobra.ExactArgs(2)), ValidArgsFunction: e.completeConversation,
		RunE: func(cmd *cobra.Command, args []string) error {
			k := api.RuleKey{Account: platforms.AccountID(args[0]), Conversation: platforms.ConversationID(args[1])}
			if k.Account == "" || k.Conversation == "" {
				return wrong("name an account and a conversation")
			}
			return e.ask(func(c *client.Client) error {
				_, err := c.SetOpen(client.AtTerminal(cmd.Context()), k, open)
				return e.told(err, "%s", told)
			})
		},
	}
}
