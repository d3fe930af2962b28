// Package cli is Postern's command line: it starts Postern, and asks the running
// one over its local interface.
//
// What came from outside is cleaned before it is printed, so that no message,
// name or id can steer a terminal. No secret is ever printed, nor taken from an
// argument.
//
// Exit codes: 0 all went well; 1 something failed, was refused, declined or
// interrupted; 2 the command was called wrongly; 3 Postern is not running. The
// help topic exit-codes says more.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// The exit codes.
const (
	OK         = 0
	Failed     = 1
	Usage      = 2
	NotRunning = 3
)

// Options are what the commands work with. Zero fields have useful defaults.
type Options struct {
	In       io.Reader // os.Stdin
	Out, Err io.Writer // os.Stdout, os.Stderr

	Dir     func() (string, error) // the data folder without --data: client.DataDir
	Version string
	Zone    *time.Location // times are shown in it: time.Local

	// Start runs Postern until ctx or the program ends.
	Start func(ctx context.Context, o StartOptions) error

	// CreateVault makes a sealed file for secrets in the data folder:
	// vault.Create.
	CreateVault func(ctx context.Context, dir string, pass platforms.Secret) error

	// SampleAgent speaks the Agent Client Protocol on in and out until in or ctx
	// ends. Nil: there is no command for it.
	SampleAgent func(ctx context.Context, in io.Reader, out io.Writer) error
}

// StartOptions say how to run.
type StartOptions struct {
	Dir      string
	Headless bool
	Demo     bool
	Show     string // a page to show at once, empty for none

	// Passphrase gives that of a sealed vault. It is asked at most once, and
	// only if there is one.
	Passphrase func(context.Context) (platforms.Secret, error)
}

// Execute runs the command that args name and returns the exit code. What went
// wrong is said on Err.
func Execute(ctx context.Context, o Options, args []string) int {
	o = o.complete()
	if in, ok := o.In.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		ctx = client.AtTerminal(ctx) // for the record; Postern looks itself
	}
	cmd := New(o)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	if err == nil {
		return OK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	fmt.Fprintln(o.Err, "postern: "+strings.ReplaceAll(text.Block(err.Error()), "\n", "\n  "))
	var wrong usage
	switch {
	case errors.As(err, &wrong):
		return Usage
	case errors.Is(err, client.ErrNotRunning):
		return NotRunning
	}
	return Failed
}

func (o Options) complete() Options {
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Err == nil {
		o.Err = os.Stderr
	}
	if o.Dir == nil {
		o.Dir = client.DataDir
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.CreateVault == nil {
		o.CreateVault = vault.Create
	}
	return o
}

// env is what every command has at hand.
type env struct {
	Options
	data   string // --data
	client string // --client

	named func() bool // --client was given
	json  bool        // --json
}

// New is the command postern with all below it.
func New(o Options) *cobra.Command {
	// Postern may be started by a double click.
	cobra.MousetrapHelpText = ""

	e := &env{Options: o.complete()}
	root := e.root()
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(e.In)
	root.SetOut(e.Out)
	root.SetErr(e.Err)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		if _, id, ok := strings.Cut(err.Error(), "' in -"); ok && strings.IndexAny(id, "0123456789") == 0 { // as many chats' ids do
			err = fmt.Errorf("an id that begins with a dash stands after two, behind all flags, as in: -- -1001 (%w)", err)
		}
		return usage{err}
	})
	root.PersistentFlags().StringVar(&e.data, "data", "", "the data folder `DIR`")
	root.PersistentFlags().StringVar(&e.client, "client", "", "do only what the named client `NAME` may; see postern clients")
	e.named = func() bool { return root.PersistentFlags().Changed("client") }
	root.PersistentFlags().BoolVar(&e.json, "json", false, "print JSON")
	root.AddCommand(e.status(), e.accounts(), e.platforms(), e.inbox(), e.send(), e.message(), e.pause(), e.resume(), e.activity(),
		e.settings(), e.doors(), e.inputs(), e.requests(), e.replay(), e.audit(), e.doctor(), e.vault(), e.tail(), e.reply(), e.export(), e.man(),
		e.hooks(), e.clients(), e.responders(), e.routes(), e.leases(), e.mcp(), e.people(), e.pair(), e.why(), e.simulate(), e.asks(), e.relays(), e.quit(), e.version(), exitCodes())
	root.SetHelpCommand(helpCommand())
	completion(root)
	if e.SampleAgent != nil {
		root.AddCommand(e.sampleAgent())
	}
	return root
}

// usage is an error of whoever typed the command.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func wrong(format string, a ...any) error { return usage{fmt.Errorf(format, a...)} }

// args makes an error of a cobra rule about arguments one of usage.
func args(rule cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := rule(cmd, args); err != nil {
			if strings.HasPrefix(err.Error(), "accepts ") { // cobra counts; the usage names
				err = errors.New("something is missing, or too much")
			}
			return wrong("%w; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}

// none is the rule for commands without arguments. Unlike cobra's it doesn't
// repeat what was given: that may be a secret in the wrong place.
func none(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return errors.New("it takes no arguments")
	}
	return nil
}

// group makes a command that holds others. By itself it lists, if it can, and
// takes list's flags.
func group(use, short string, of ...*cobra.Command) *cobra.Command {
	var list *cobra.Command
	for _, sub := range of {
		if sub.Name() == "list" || sub.Name() == "get" {
			list = sub
		}
	}
	cmd := &cobra.Command{
		Use: use, Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(cmd, args[0])
			}
			if list != nil {
				return list.RunE(cmd, nil)
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(of...)
	if list != nil {
		cmd.Flags().AddFlagSet(list.Flags()) // the same flags, so that they set the same
	}
	return cmd
}

// unknown says that cmd has nothing below it of this name, and what is near.
func unknown(cmd *cobra.Command, name string) error {
	if len(name) > 24 { // this is no command; it may be a secret in the wrong place
		name = "…"
	}
	hint := ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		hint = " Did you mean " + strings.Join(near, " or ") + "?"
	}
	return wrong("there is no command %q.%s See %s --help", name, hint, cmd.CommandPath())
}

// dir is the data folder.
func (e *env) dir() (string, error) {
	if e.data != "" {
		return e.data, nil
	}
	return e.Dir()
}

// ask runs f with a client of the running Postern.
func (e *env) ask(f func(c *client.Client) error) error {
	dir, err := e.dir()
	if err != nil {
		return err
	}
	opts, err := e.held()
	if err != nil {
		return err
	}
	c := client.New(dir, opts...)
	defer c.Close()
	return f(c)
}
