package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// pages are what --show takes.
func pages() []string {
	return []string{"accounts", "inbox", "exposure", "people", "answers", "programs", "activity", "doctor", "settings"}
}

func (e *env) root() *cobra.Command {
	var (
		start StartOptions
		file  string
		fd    int
	)
	cmd := &cobra.Command{
		Use:   "postern",
		Short: "The small guarded door between chat platforms and your own computer",
		Long: `The small guarded door between chat platforms and your own computer.

Without a command, Postern starts: in the tray, or headless where there is no
screen. The commands ask the Postern that is running.

Exit codes: 0 all went well, 1 something failed or was declined, 2 the command
was called wrongly, 3 Postern is not running; see postern help exit-codes.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknown(cmd, args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if e.Start == nil {
				return errors.New("this build can't start Postern")
			}
			if start.Dir, err = e.dir(); err != nil {
				return err
			}
			if start.Passphrase, err = e.passphrase(cmd, file, fd, e.askPassphrase); err != nil {
				return err
			}
			return e.Start(cmd.Context(), start)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&start.Headless, "headless", false, "run without tray and window")
	f.BoolVar(&start.Demo, "demo", false, "look around: scripted chats, nothing is kept, nothing is connected")
	f.StringVar(&start.Show, "show", "", "open the window at `PAGE`")
	_ = cmd.RegisterFlagCompletionFunc("show", cobra.FixedCompletions(pages(), cobra.ShellCompDirectiveNoFileComp))
	passphraseFlags(cmd, &file, &fd)
	return cmd
}

func passphraseFlags(cmd *cobra.Command, file *string, fd *int) {
	cmd.Flags().StringVar(file, "passphrase-file", "", "read the passphrase of the sealed file of secrets from `FILE`")
	cmd.Flags().IntVar(fd, "passphrase-fd", -1, "read it from the open file descriptor `N`")
	_ = cmd.MarkFlagFilename("passphrase-file")
}

// passphrase is where the flags say that it comes from, or otherwise.
func (e *env) passphrase(cmd *cobra.Command, file string, fd int, otherwise vault.Passphrase) (vault.Passphrase, error) {
	byFile, byFD := cmd.Flags().Changed("passphrase-file"), cmd.Flags().Changed("passphrase-fd")
	switch {
	case byFile && byFD:
		return nil, wrong("give the passphrase in one way: --passphrase-file or --passphrase-fd")
	case byFile:
		return vault.FromFile(file), nil
	case byFD && fd < 0:
		return nil, wrong("--passphrase-fd takes the number of an open file descriptor")
	case byFD:
		return vault.FromFD(fd), nil
	}
	return otherwise, nil
}

func (e *env) askPassphrase(ctx context.Context) (platforms.Secret, error) {
	in, ok := e.terminal()
	if !ok {
		return platforms.Secret{}, errors.New("the secrets are in a sealed file, and there is no terminal to ask for its passphrase; start with --passphrase-file or --passphrase-fd")
	}
	return vault.FromPrompt(in, e.Err)(ctx)
}

func (e *env) vault() *cobra.Command {
	var file string
	var fd int
	create := &cobra.Command{
		Use:   "create",
		Short: "Make a sealed file for secrets, for computers without a keyring",
		Args:  args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := e.dir()
			if err != nil {
				return err
			}
			from, err := e.passphrase(cmd, file, fd, e.askNewPassphrase)
			if err != nil {
				return err
			}
			pass, err := from(cmd.Context())
			if err != nil {
				return err
			}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return fmt.Errorf("make the data folder: %w", err)
			}
			if err := e.CreateVault(cmd.Context(), dir, pass); err != nil {
				return err
			}
			if e.json {
				return e.printJSON(map[string]string{"data_dir": dir})
			}
			e.say("Secrets are kept in a sealed file in %s from now on. Without the passphrase they are lost: keep it.", dir)
			return nil
		},
	}
	passphraseFlags(create, &file, &fd)
	return group("vault", "Where secrets are kept", create)
}

func (e *env) askNewPassphrase(ctx context.Context) (platforms.Secret, error) {
	in, ok := e.terminal()
	if !ok {
		return platforms.Secret{}, wrong("there is no terminal to ask for a passphrase; use --passphrase-file or --passphrase-fd")
	}
	return vault.FromNewPrompt(in, e.Err)(ctx)
}

func (e *env) quit() *cobra.Command {
	return &cobra.Command{
		Use: "quit", Short: "End the running Postern", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error { return e.told(c.Quit(cmd.Context()), "Postern is ending.") })
		},
	}
}

func (e *env) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: args(none),
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": e.Version, "go": runtime.Version(), "system": runtime.GOOS + "/" + runtime.GOARCH}
			if e.json {
				return e.printJSON(v)
			}
			e.say("postern %s (%s, %s)", v["version"], v["go"], v["system"])
			return nil
		},
	}
}

// sampleAgent is for programs, the demo's responder for one, and so not listed.
func (e *env) sampleAgent() *cobra.Command {
	return &cobra.Command{
		Use: "sample-agent", Short: "Speak the Agent Client Protocol, to try an agent out", Args: args(none), Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.SampleAgent(cmd.Context(), e.In, e.Out) },
	}
}
