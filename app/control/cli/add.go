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
	"github.com/postern/postern/platforms"
)

// form is what add and change are told.
type form struct {
	name      string
	set       []string
	stdin     bool
	yes       bool
	force     bool
	ephemeral bool
}

func (f *form) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.name, "name", "", "your own `NAME` for the account")
	fl.StringArrayVar(&f.set, "set", nil, "set a field: `KEY=VALUE`; not for secrets")
	fl.BoolVar(&f.stdin, "secret-stdin", false, "read secrets from standard input: KEY=VALUE lines, or the value alone if there is one secret field")
	fl.BoolVar(&f.yes, "yes", false, "save without asking, once the check succeeded")
	fl.BoolVar(&f.force, "force", false, "save even if the check fails")
	fl.BoolVar(&f.ephemeral, "ephemeral", false, "don't keep messages' contents after delivery")
}

func (e *env) accountsAdd() *cobra.Command {
	f := &form{}
	cmd := &cobra.Command{
		Use:   "add PLATFORM",
		Short: "Check a bot's credentials, then save and connect it",
		Long: `Check a bot's credentials, then save and connect it.

Secrets are asked for without echo, or read from standard input:

  postern accounts add PLATFORM --name "My bot"
  postern accounts add PLATFORM --secret-stdin < token-file

An argument is no place for a secret: other programs can see it, and shells keep
it in their history.`,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completePlatform,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				p, err := findPlatform(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				draft := api.AccountDraft{Platform: p.Name, Name: f.name, Ephemeral: f.ephemeral}
				if draft.Values, err = e.values(cmd.Context(), p, f, true); err != nil {
					return err
				}
				return e.save(cmd.Context(), c, "", draft, f, func() (api.Account, error) { return c.AddAccount(cmd.Context(), draft) })
			})
		},
	}
	f.flags(cmd)
	return cmd
}

func (e *env) accountsChange() *cobra.Command {
	f := &form{}
	var secrets bool
	cmd := &cobra.Command{
		Use:   "change ACCOUNT",
		Short: "Change an account's name, fields or secrets; what isn't named stays",
		Args:  args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				s, err := c.Snapshot(cmd.Context())
				if err != nil {
					return err
				}
				id := platforms.AccountID(args[0])
				i := slices.IndexFunc(s.Accounts, func(a api.Account) bool { return a.ID == id })
				if i < 0 {
					return wrong("there is no account %q; see postern accounts list", args[0])
				}
				p, err := findPlatform(cmd.Context(), c, s.Accounts[i].Platform)
				if err != nil {
					return err
				}
				draft := api.AccountDraft{Platform: p.Name, Name: f.name, Ephemeral: s.Accounts[i].Ephemeral}
				if cmd.Flags().Changed("ephemeral") {
					draft.Ephemeral = f.ephemeral
				}
				if draft.Values, err = e.values(cmd.Context(), p, f, secrets); err != nil {
					return err
				}
				return e.save(cmd.Context(), c, id, draft, f, func() (api.Account, error) { return c.ChangeAccount(cmd.Context(), id, draft) })
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&secrets, "secrets", false, "ask for the required fields and secrets again")
	return cmd
}

func findPlatform(ctx context.Context, c *client.Client, name string) (api.Platform, error) {
	list, err := c.Platforms(ctx)
	if err != nil {
		return api.Platform{}, err
	}
	var names []string
	for _, p := range list {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return api.Platform{}, wrong("there is no such platform; there are: %s", strings.Join(names, ", "))
}

// values collects the form's fields from the flags, standard input and, if ask
// says so, the person. No error of it repeats a value.
func (e *env) values(ctx context.Context, p api.Platform, f *form, ask bool) (map[string]string, error) {
	values := map[string]string{}
	for _, pair := range f.set {
		key, value, ok := strings.Cut(pair, "=")
		field, known := fieldOf(p, key)
		switch {
		case !ok:
			return nil, wrong("--set takes KEY=VALUE")
		case !known:
			return nil, wrong("%s has no field of that name to --set; it has: %s", p.Title, strings.Join(keys(p, false), ", "))
		case field.Secret:
			return nil, wrong("%s is a secret: other programs can see arguments, and shells keep them. Leave it out to be asked for it, or give it with --secret-stdin", key)
		}
		values[key] = value
	}
	if f.stdin {
		if err := e.secretsFromInput(ctx, p, values); err != nil {
			return nil, err
		}
	}
	if !ask {
		return values, nil
	}
	guided := false
	for _, field := range p.Fields {
		if _, given := values[field.Key]; given || !field.Required {
			continue
		}
		if _, ok := e.terminal(); ok && !guided {
			guided = true
			e.guide(p)
		}
		ask := e.line
		if field.Secret {
			ask = e.secret
		}
		value, ok, err := ask(ctx, field.Label+":")
		switch {
		case err != nil:
			return nil, err
		case !ok && field.Secret:
			return nil, wrong("%s is needed, and there is no terminal to ask for it. Pipe it in with --secret-stdin", field.Label)
		case !ok:
			return nil, wrong("%s is needed: --set %s=…", field.Label, field.Key)
		}
		values[field.Key] = value
	}
	return values, nil
}

// guide prints the setup's steps where they don't mix with the answer.
func (e *env) guide(p api.Platform) {
	aside := *e
	aside.Out = e.Err
	for i, step := range p.Setup.Steps {
		aside.say("%d. %s", i+1, strings.TrimSpace(step.Text+" "+step.URL))
		if step.Copy != "" {
			aside.block(step.Copy)
		}
	}
	e.manifest(p)
}

// manifest prints what a platform's console wants beside the steps.
func (e *env) manifest(p api.Platform) {
	aside := *e
	aside.Out = e.Err
	if len(p.Setup.Scopes) > 0 {
		aside.say("The bot needs these permissions:")
		aside.block(strings.Join(p.Setup.Scopes, "\n"))
	}
	if p.Setup.Manifest != "" {
		aside.say("The manifest to paste:")
		aside.block(p.Setup.Manifest)
	}
}

// secretsFromInput reads KEY=VALUE lines, or the one secret's value alone.
func (e *env) secretsFromInput(ctx context.Context, p api.Platform, values map[string]string) error {
	if _, ok := e.terminal(); ok {
		return wrong("--secret-stdin reads a pipe or a file; at a terminal leave it out, and you are asked without echo")
	}
	all, err := e.input(ctx)
	if err != nil {
		return err
	}
	secrets := keys(p, true)
	all = strings.TrimSpace(all)
	if all == "" {
		return wrong("standard input is empty; it should hold the secret")
	}
	if len(secrets) == 1 && !strings.HasPrefix(all, secrets[0]+"=") {
		values[secrets[0]] = all
		return nil
	}
	for line := range strings.Lines(all) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || !slices.Contains(secrets, key) {
			return wrong("standard input should hold one KEY=VALUE a line, with a secret field as KEY; %s has: %s", p.Title, strings.Join(secrets, ", "))
		}
		values[key] = value
	}
	return nil
}

func fieldOf(p api.Platform, key string) (api.Field, bool) {
	i := slices.IndexFunc(p.Fields, func(f api.Field) bool { return f.Key == key })
	if i < 0 {
		return api.Field{}, false
	}
	return p.Fields[i], true
}

// keys are the names of the secret fields, or of the others.
func keys(p api.Platform, secret bool) []string {
	var out []string
	for _, f := range p.Fields {
		if f.Secret == secret {
			out = append(out, f.Key)
		}
	}
	return out
}

// save checks a draft, shows what was found and what it exposes, asks, and only
// then saves.
func (e *env) save(ctx context.Context, c *client.Client, id platforms.AccountID, draft api.AccountDraft, f *form, save func() (api.Account, error)) error {
	found, err := c.CheckDraft(ctx, id, draft)
	if err != nil {
		return err
	}
	aside := *e // a program reads Out with --json
	if e.json {
		aside.Out = e.Err
	}
	aside.printCheck(id, found)
	if err := failedCheck(found); err != nil && !f.force {
		return fmt.Errorf("nothing was saved, --force saves it all the same: %w", err)
	} else if err != nil {
		aside.say("The check failed, and --force saves it all the same: %s", found.Error.Text)
	}
	if !f.yes {
		yes, asked, err := e.confirm(ctx, "Save this account?")
		if err != nil {
			return err
		}
		if asked && !yes {
			return errors.New("nothing was saved")
		}
	}
	a, err := save()
	if err != nil {
		return err
	}
	if e.json {
		return e.printJSON(a)
	}
	e.say("Saved as %s (%s).", a.ID, a.Name)
	return nil
}
