package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

// tokenVar is the environment's name for a client's token. An argument would
// show it to every user of the computer.
const tokenVar = "POSTERN_TOKEN" //nolint:gosec // a name, no token

// held is how the command asks: as a named client, if it was told to.
func (e *env) held() ([]client.Option, error) {
	token, set := os.LookupEnv(tokenVar)
	switch {
	case e.named() && e.client == "":
		return nil, wrong("--client takes the name of a client; postern clients lists them")
	case set && !clients.IsToken(token):
		// An empty one is a mistake, too: the command would be held to nothing.
		return nil, wrong("%s does not hold a client's token. Put one there, or unset it; postern clients add makes one", tokenVar)
	case e.client != "" && set:
		return []client.Option{client.WithToken(platforms.NewSecret(token)), client.As(e.client)}, nil
	case set:
		return []client.Option{client.WithToken(platforms.NewSecret(token))}, nil
	case e.client != "":
		return []client.Option{client.As(e.client)}, nil
	}
	return nil, nil
}

// heldTo reports whether the command asks as a named client. Such a one may be
// let send and not read, and its scopes say where.
func (e *env) heldTo() bool {
	_, set := os.LookupEnv(tokenVar)
	return set || e.client != ""
}

func (e *env) clients() *cobra.Command {
	return group("clients", "Programs with a name, and what each may do", e.clientsList(), e.clientsAdd(), e.clientsChange(), e.clientsRotate(), e.clientsRevoke())
}

func (e *env) clientsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List them with their scopes", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				all, err := c.Clients(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(all)
				}
				if len(all) == 0 {
					e.say("No clients yet. Make one with: postern clients add NAME --scope read")
					return nil
				}
				var rows [][]string
				for _, v := range all {
					rows = append(rows, []string{v.Name, e.when(v.Created), e.when(v.LastUsed), e.when(v.Expires), fmt.Sprint(v.PerMinute), scopesText(v.Scopes)})
				}
				e.table([]string{"NAME", "MADE", "LAST USED", "ENDS", "SENDS A MINUTE", "SCOPES"}, rows)
				return nil
			})
		},
	}
}

func scopesText(scopes []api.Scope) string {
	var out []string
	for _, s := range scopes {
		out = append(out, s.String())
	}
	return strings.Join(out, " ")
}

// scopeHelp is what --scope takes.
const scopeHelp = `A scope is what the client may do, and where:

  status                      how the accounts are
  read                        read every conversation
  read:ACCOUNT                read an account's conversations
  send:ACCOUNT/CONVERSATION   send to this conversation
  hooks:ACCOUNT/CONVERSATION  make and manage hooks that post there; see postern hooks

"postern accounts" and "postern inbox" list accounts and conversations.`

// clientFlags are the flags by which a person says what a client may do.
type clientFlags struct {
	scopes []string
	rate   int
	ends   string
	name   string
}

func (f *clientFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.scopes, "scope", nil, "let it do `SCOPE`; may be given more than once")
	cmd.Flags().IntVar(&f.rate, "per-minute", 0, "let it send `N` messages a minute (60 if left out)")
	cmd.Flags().StringVar(&f.ends, "expires", "", "end it after `TIME`, as in 12h or 30d")
}

func (f *clientFlags) draft(name string) (d api.ClientDraft, err error) {
	d = api.ClientDraft{Name: name, PerMinute: f.rate}
	for _, text := range f.scopes {
		s, err := clients.ParseScope(text)
		if err != nil {
			return d, wrong("%w", err)
		}
		d.Scopes = append(d.Scopes, s)
	}
	if f.ends != "" {
		span, err := parseSpan(f.ends)
		if err != nil || span <= 0 {
			return d, wrong("--expires takes a time such as 12h or 30d")
		}
		d.Expires = time.Now().Add(span)
	}
	return d, nil
}

func (e *env) clientsAdd() *cobra.Command {
	var f clientFlags
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Name a program; prints its token, this once", Long: "Name a program; prints its token, this once.\n\n" + scopeHelp,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := f.draft(args[0])
			if err != nil {
				return err
			}
			if len(d.Scopes) == 0 {
				return wrong("say what it may do with --scope, as in --scope read or --scope send:ACCOUNT/CONVERSATION")
			}
			return e.ask(func(c *client.Client) error {
				made, err := c.AddClient(cmd.Context(), d)
				return e.printToken(made, err)
			})
		},
	}
	f.add(cmd)
	return cmd
}

// printToken prints a token alone, so that it can go into a file or a variable.
func (e *env) printToken(made api.ClientMade, err error) error {
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(e.Err, "This is the token of the client %s. It is shown this once: keep it where only that program reads it, as in %s.\n", made.Client.Name, tokenVar)
	if e.json {
		return e.printJSON(made)
	}
	_, err = io.WriteString(e.Out, made.Token+"\n")
	return err
}

func (e *env) clientsChange() *cobra.Command {
	var f clientFlags
	var less []string
	cmd := &cobra.Command{
		Use: "change NAME", Short: "Change what a client may do; its token stays",
		Long: "Change what a client may do; its token stays, and so does what is not given. --scope adds a scope, --without takes one away.\n\n" + scopeHelp,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeClient,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.onClient(cmd, args[0], func(c *client.Client, was api.Client) error {
				d, err := f.draft(was.Name)
				if err != nil {
					return err
				}
				if d.Scopes, err = scopesAfter(was.Scopes, d.Scopes, less); err != nil {
					return err
				}
				if d.PerMinute == 0 {
					d.PerMinute = was.PerMinute
				}
				if d.Expires.IsZero() {
					d.Expires = was.Expires
				}
				if f.name != "" {
					d.Name = f.name
				}
				now, err := c.ChangeClient(cmd.Context(), was.ID, d)
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(now)
				}
				e.say("The client %s may now: %s", now.Name, scopesText(now.Scopes))
				return nil
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&less, "without", nil, "let it do `SCOPE` no longer; may be given more than once")
	cmd.Flags().StringVar(&f.name, "name", "", "give it the new `NAME`")
	return cmd
}

// scopesAfter is scopes with more and without less.
func scopesAfter(scopes, more []api.Scope, less []string) ([]api.Scope, error) {
	out := append(slices.Clone(scopes), more...)
	for _, text := range less {
		s, err := clients.ParseScope(text)
		if err != nil {
			return nil, wrong("%w", err)
		}
		if !slices.Contains(out, s) {
			return nil, fmt.Errorf("it does not have the scope %s; postern clients lists what it has", s)
		}
		out = slices.DeleteFunc(out, func(v api.Scope) bool { return v == s })
	}
	return out, nil
}

func (e *env) clientsRotate() *cobra.Command {
	return &cobra.Command{
		Use: "rotate NAME", Short: "Make another token for a client, which is printed this once; the former ends",
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeClient,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.onClient(cmd, args[0], func(c *client.Client, v api.Client) error {
				made, err := c.RotateClient(cmd.Context(), v.ID)
				return e.printToken(made, err)
			})
		},
	}
}

func (e *env) clientsRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "End a client and its token at once",
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeClient,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.onClient(cmd, args[0], func(c *client.Client, v api.Client) error {
				return e.told(c.RevokeClient(cmd.Context(), v.ID), "Revoked %s.", v.Name)
			})
		},
	}
}

// onClient finds the client of this name.
func (e *env) onClient(cmd *cobra.Command, name string, act func(*client.Client, api.Client) error) error {
	return e.ask(func(c *client.Client) error {
		all, err := c.Clients(cmd.Context())
		if err != nil {
			return err
		}
		for _, v := range all {
			if strings.EqualFold(v.Name, name) {
				return act(c, v)
			}
		}
		return fmt.Errorf("there is no client %q; postern clients lists them", name)
	})
}
