package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

func (e *env) relays() *cobra.Command {
	return group("relays", "Servers that take webhooks for this computer, so that nothing needs to be open", e.relaysList(), e.relaysKinds(), e.relaysShow(),
		e.relaysAdd(), e.relaysChange(), e.relaysCheck(), e.relaysPause(), e.relaysResume(), e.relaysRemove())
}

func (e *env) relaysList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the relays", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				rs, err := c.Relays(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.Relay{}, rs...))
				}
				if len(rs) == 0 {
					e.say("No relays yet. Set one up with: postern relays add KIND")
					return nil
				}
				var rows [][]string
				for _, r := range rs {
					var to []string
					for _, ch := range r.Channels {
						if s := string(ch.Account); s != "" && !slices.Contains(to, s) {
							to = append(to, s)
						}
					}
					rows = append(rows, []string{r.ID, r.Name, r.Title, string(r.Status), strings.Join(to, ", "), some(int(r.Taken)), some(int(r.Refused)), e.when(r.Last), r.Note})
				}
				e.table([]string{"RELAY", "NAME", "KIND", "STATUS", "LEADS TO", "TAKEN", "REFUSED", "LAST", "NOTE"}, rows)
				return nil
			})
		},
	}
}

func (e *env) relaysKinds() *cobra.Command {
	return &cobra.Command{
		Use: "kinds", Short: "List what can be added, with the fields of each", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				ks, err := c.RelayKinds(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.RelayKind{}, ks...))
				}
				for i, k := range ks {
					if i > 0 {
						e.say("")
					}
					e.say("To add: postern relays add %s", k.Name)
					if err := e.printKind(asResponderKind(k)); err != nil {
						return err
					}
					if k.Warning != "" {
						e.say("%s", k.Warning)
					}
				}
				return nil
			})
		},
	}
}

// asResponderKind is k as what reads and shows fields takes it.
func asResponderKind(k api.RelayKind) api.ResponderKind {
	return api.ResponderKind{Name: k.Name, Title: k.Title, Summary: k.Summary, Fields: k.Fields}
}

func findRelayKind(ctx context.Context, c *client.Client, name string) (api.RelayKind, error) {
	ks, err := c.RelayKinds(ctx)
	if err != nil {
		return api.RelayKind{}, err
	}
	var names []string
	for _, k := range ks {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return api.RelayKind{}, wrong("there is no such kind of relay; there are: %s", strings.Join(names, ", "))
}

// findRelay is the one with this id, or with this name if only one has it.
func findRelay(ctx context.Context, c *client.Client, name string) (api.Relay, error) {
	rs, err := c.Relays(ctx)
	if err != nil {
		return api.Relay{}, err
	}
	return named(rs, name, "relay", func(r api.Relay) (id, name string) { return r.ID, r.Name })
}

func (e *env) relaysShow() *cobra.Command {
	return &cobra.Command{
		Use: "show RELAY", Short: "Show one relay: where its channels lead, and what it lost", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeRelay,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				r, err := findRelay(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(r)
				}
				e.say("%s (%s, %s): %s", r.Name, r.ID, r.Title, r.Status)
				for _, s := range []string{r.Note, r.Warning} {
					if s != "" {
						e.say("%s", s)
					}
				}
				var rows [][]string
				for _, ch := range r.Channels {
					rows = append(rows, []string{ch.Channel, string(ch.Account) + ch.Path, ch.Public, some(int(ch.Taken)), some(int(ch.Refused)), e.when(ch.Last), ch.Problem})
				}
				e.table([]string{"CHANNEL", "LEADS TO", "PUBLIC", "TAKEN", "REFUSED", "LAST", "PROBLEM"}, rows)
				if len(r.Gaps) == 0 {
					return nil
				}
				rows = nil
				for _, g := range r.Gaps {
					sure := "maybe"
					if g.Certain {
						sure = "yes"
					}
					rows = append(rows, []string{e.when(g.At), e.when(g.Since), sure, g.Text})
				}
				e.say("")
				e.table([]string{"NOTICED", "SINCE", "MISSING", "WHAT"}, rows)
				return nil
			})
		},
	}
}

// relayDraft is what add, change and check are told.
type relayDraft struct {
	draft
	name     string
	channels []string
	public   []string
}

func (d *relayDraft) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&d.name, "name", "", "your own `NAME` for it")
	fl.StringArrayVar(&d.set, "set", nil, "set a field: `KEY=VALUE`; not for secrets")
	fl.StringArrayVar(&d.secret, "secret", nil, "ask for the secret field `KEY` without echo, or read it from standard input")
	fl.StringArrayVar(&d.channels, "channel", nil, "where a channel leads: `CHANNEL=ACCOUNT`, or ACCOUNT alone where the relay is one channel; an account with several addresses is named with one, as ACCOUNT/PATH")
	fl.StringArrayVar(&d.public, "public", nil, "the relay's address for a channel, which senders are told: `CHANNEL=URL`")
}

// read is the draft. before is what the relay has, for a change.
func (e *env) readRelay(ctx context.Context, k api.RelayKind, d *relayDraft, before []api.RelayChannel, ask bool) (api.RelayDraft, error) {
	out := api.RelayDraft{Kind: k.Name, Name: d.name}
	for _, s := range d.channels {
		ch, err := channelFlag(k, s)
		if err != nil {
			return out, err
		}
		for _, b := range before {
			if b.Channel == ch.Channel {
				ch.Public = b.Public
			}
		}
		out.Channels = append(out.Channels, ch)
	}
	if len(d.channels) == 0 && len(d.public) > 0 {
		out.Channels = slices.Clone(before)
	}
	for _, s := range d.public {
		name, at, ok := strings.Cut(s, "=")
		i := slices.IndexFunc(out.Channels, func(c api.RelayChannel) bool { return c.Channel == name })
		if !ok || i < 0 {
			return out, wrong("--public takes CHANNEL=URL, of a channel that there is")
		}
		out.Channels[i].Public = at
	}
	var err error
	out.Values, err = e.responderValues(ctx, asResponderKind(k), &d.draft, ask)
	return out, err
}

// channelFlag reads bucket=account/path.
func channelFlag(k api.RelayKind, s string) (api.RelayChannel, error) {
	name, to, named := strings.Cut(s, "=")
	if !named {
		name, to = "", s
	}
	if named != k.Many || named && name == "" {
		if k.Many {
			return api.RelayChannel{}, wrong("--channel takes %s=ACCOUNT", strings.ToUpper(k.Word))
		}
		return api.RelayChannel{}, wrong("--channel takes the account alone: %s is one channel", k.Title)
	}
	account, path, some := strings.Cut(to, "/")
	if account == "" {
		return api.RelayChannel{}, wrong("--channel names no account")
	}
	ch := api.RelayChannel{Channel: name, Account: platforms.AccountID(account)}
	if some {
		ch.Path = "/" + path
	}
	return ch, nil
}

func (e *env) relaysAdd() *cobra.Command {
	d := &relayDraft{}
	cmd := &cobra.Command{
		Use: "add KIND", Short: "Set up a relay, at a terminal",
		Long: `Set up a relay, at a terminal.

  postern relays add smee --channel line
  postern relays add webhookrelay --set key=… --channel orders=line --public orders=https://example.hooks.webhookrelay.com

A secret is asked for without echo, or read from standard input. An argument is
no place for one: other programs can see it, and shells keep it in their history.`,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeRelayKind,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				k, err := findRelayKind(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				out, err := e.readRelay(cmd.Context(), k, d, nil, true)
				if err != nil {
					return err
				}
				r, err := c.AddRelay(client.AtTerminal(cmd.Context()), out)
				return e.savedRelay(r, err)
			})
		},
	}
	d.flags(cmd)
	return cmd
}

func (e *env) savedRelay(r api.Relay, err error) error {
	if err != nil {
		return fieldErrors(err)
	}
	if e.json {
		return e.printJSON(r)
	}
	e.say("Saved as %s (%s).", r.ID, r.Name)
	if r.Warning != "" {
		e.say("%s", r.Warning)
	}
	for _, ch := range r.Channels {
		if ch.Problem != "" {
			e.say("%s", strings.TrimSpace(ch.Channel+" "+string(ch.Account)+": "+ch.Problem))
		}
	}
	return nil
}

// relayed makes a command that takes one relay.
func (e *env) relayed(use, short string, run func(ctx context.Context, c *client.Client, r api.Relay) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " RELAY", Short: short, Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeRelay,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				r, err := findRelay(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				return run(cmd.Context(), c, r)
			})
		},
	}
}

func (e *env) relaysChange() *cobra.Command {
	d := &relayDraft{}
	cmd := e.relayed("change", "Change a relay's name, fields, secrets or channels, at a terminal; what isn't named stays",
		func(ctx context.Context, c *client.Client, r api.Relay) error {
			k, err := findRelayKind(ctx, c, r.Kind)
			if err != nil {
				return err
			}
			out, err := e.readRelay(ctx, k, d, r.Channels, false)
			if err != nil {
				return err
			}
			r, err = c.ChangeRelay(client.AtTerminal(ctx), r.ID, out)
			return e.savedRelay(r, err)
		})
	d.flags(cmd)
	cmd.Flags().StringArrayVar(&d.clear, "clear", nil, "empty the field `KEY`")
	return cmd
}

func (e *env) relaysCheck() *cobra.Command {
	return e.relayed("check", "Connect to a relay once with what it has, at a terminal", func(ctx context.Context, c *client.Client, r api.Relay) error {
		got, err := c.CheckRelay(client.AtTerminal(ctx), r.ID, api.RelayDraft{Kind: r.Kind})
		switch {
		case err != nil:
			return err
		case e.json:
			return e.printJSON(got)
		case got.Error != nil:
			return got.Error
		}
		e.say("%s", got.Text)
		return nil
	})
}

func (e *env) relaysPause() *cobra.Command {
	return e.relayed("pause", "Hang up until it is resumed", func(ctx context.Context, c *client.Client, r api.Relay) error {
		return e.told(c.PauseRelay(ctx, r.ID), "Paused %s.", r.ID)
	})
}

func (e *env) relaysResume() *cobra.Command {
	return e.relayed("resume", "Dial again, at a terminal", func(ctx context.Context, c *client.Client, r api.Relay) error {
		return e.told(c.ResumeRelay(client.AtTerminal(ctx), r.ID), "Resumed %s.", r.ID)
	})
}

func (e *env) relaysRemove() *cobra.Command {
	var yes removal
	cmd := e.relayed("remove", "Delete a relay with its secrets", func(ctx context.Context, c *client.Client, r api.Relay) error {
		if err := yes.sure(ctx, e, fmt.Sprintf("Remove %s (%s)? What comes to it does not reach this computer any more.", r.ID, r.Name)); err != nil {
			return err
		}
		return e.told(c.RemoveRelay(ctx, r.ID), "Removed %s.", r.ID)
	})
	yes.flag(cmd)
	return cmd
}

func (e *env) completeRelay(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		rs, _ := c.Relays(ctx)
		for _, r := range rs {
			out = append(out, word(r.ID, r.Name)...)
		}
		return out
	})
}

func (e *env) completeRelayKind(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		ks, _ := c.RelayKinds(ctx)
		for _, k := range ks {
			out = append(out, word(k.Name, k.Title)...)
		}
		return out
	})
}
