package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

func (e *env) inputsUnregister() *cobra.Command {
	return e.onAccount("unregister", "Have the service of an account forget the address that it was told",
		"The service of %s no longer delivers here.", (*client.Client).Unregister)
}

func (e *env) inputsRegister() *cobra.Command {
	f := &form{}
	cmd := &cobra.Command{
		Use:   "register ACCOUNT",
		Short: "Tell the service of an account by its API where to deliver, and see it proven",
		Long: `Tell the service of an account by its API where to deliver, and see it proven.

The hook gets the account's public address and its secret. One that is there
already is changed, so registering again mends what is out of date.

  postern inputs register ACCOUNT --set where=owner/repository
  postern inputs register ACCOUNT --set where=owner/repository --secret-stdin < token-file

The access token is asked for without echo. It is used now, and kept in the
keyring for the removal: unregister, or removing the account, deletes the hook.`,
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				ctx := client.AtTerminal(cmd.Context())
				id := platforms.AccountID(args[0])
				known, err := c.RegisterForm(ctx, id)
				if err != nil {
					return err
				}
				if known.Why != "" { // before anybody types a token
					return errors.New(known.Why)
				}
				for i, field := range known.Fields {
					if known.Values[field.Key] != "" {
						known.Fields[i].Required = false // it stays as it is
					}
				}
				draft := api.RegistrationDraft{}
				if draft.Values, err = e.values(ctx, api.Platform{Title: known.Title, Fields: known.Fields, Setup: known.Setup}, f, true); err != nil {
					return err
				}
				if !f.yes {
					yes, asked, err := e.confirm(ctx, "Have "+known.Title+" deliver to "+known.Address+"?")
					if err != nil {
						return err
					}
					if asked && !yes {
						return errors.New("nothing was registered")
					}
				}
				r, err := c.Register(ctx, id, draft)
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(r)
				}
				e.printRegistration(known.Title, r)
				return nil
			})
		},
	}
	fl := cmd.Flags()
	fl.StringArrayVar(&f.set, "set", nil, "set a field: `KEY=VALUE`; not for secrets")
	fl.BoolVar(&f.stdin, "secret-stdin", false, "read the access token from standard input")
	fl.BoolVar(&f.yes, "yes", false, "register without asking")
	return cmd
}

func (e *env) printRegistration(title string, r api.Registration) {
	for _, s := range r.Steps {
		mark := "… "
		switch {
		case s.Bad:
			mark = "! "
		case s.Done:
			mark = "✓ "
		}
		e.say("%s%s", mark, s.Text)
	}
	e.say("%s", strings.TrimSpace("Registered at "+title+", "+r.Where+": "+r.ID+"."))
}
