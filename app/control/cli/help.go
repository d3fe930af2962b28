package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// exitCodes is the help topic about them.
func exitCodes() *cobra.Command {
	return &cobra.Command{
		Use: "exit-codes", Short: "What the exit codes mean",
		Long: `The exit codes of postern:

  0  All went well. What ends with Ctrl-C by its nature, such as postern tail,
     ends with 0 too.
  1  Something failed, was refused by Postern or a platform, was declined by you,
     or was interrupted; or postern doctor found a problem. What, and what to do,
     is on standard error.
  2  The command was called wrongly: an unknown command or flag, something missing
     or too much, or a value that can't be. Nothing was done.
  3  Postern is not running for this data folder. Start it, or name another
     folder with --data.

With --json, what is printed is one JSON document, or one a line where more may
follow (inbox --follow, tail, activity, export, audit export, doctor); what only
does something prints nothing. Errors are words on standard error in any case.`,
	}
}

// helpCommand is cobra's, but a topic that isn't there is an error.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Help about a command or topic",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) (out []string, _ cobra.ShellCompDirective) {
			at, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			for _, sub := range at.Commands() {
				if (sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand()) && strings.HasPrefix(sub.Name(), typed) {
					out = append(out, sub.Name()+"\t"+sub.Short)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			at, rest, err := cmd.Root().Find(args)
			if at == nil || err != nil || len(rest) > 0 {
				if at == nil {
					at = cmd.Root()
				}
				if len(rest) == 0 {
					rest = args
				}
				return unknown(at, rest[0])
			}
			at.InitDefaultHelpFlag()
			return at.Help()
		},
	}
}

// completion is cobra's command, with errors of our own.
func completion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		cmd.Short = "Print a script that completes commands, accounts and conversations in a shell"
		cmd.Args = nil
		cmd.RunE = func(cmd *cobra.Command, a []string) error {
			if len(a) > 0 {
				return unknown(cmd, a[0])
			}
			return cmd.Help()
		}
		for _, sub := range cmd.Commands() {
			sub.Args = args(none)
		}
	}
}

func (e *env) man() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "man", Short: "Print the manual page, or write those of all commands", Args: args(none),
		Long: `Print the manual page in the format of man, or write those of all commands:

  postern man | man -l -
  postern man --dir /usr/local/share/man/man1

The pages bear the date in SOURCE_DATE_EPOCH, if it is set, so that they can be
made again as they were.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true
			root.Long += "\n\n# EXIT STATUS\n" + exitCodes().Long
			if dir == "" {
				page, err := e.page(root)
				if err != nil {
					return err
				}
				_, err = e.Out.Write(page)
				return err
			}
			if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // manual pages are for everybody
				return fmt.Errorf("the folder for the manual pages can't be made: %w", err)
			}
			return e.pages(root, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write the pages of all commands into the folder `DIR`")
	_ = cmd.MarkFlagDirname("dir")
	return cmd
}

// pages writes the pages of cmd and of all below it.
func (e *env) pages(cmd *cobra.Command, dir string) error {
	page, err := e.page(cmd)
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
	if err := os.WriteFile(filepath.Join(dir, name), page, 0o644); err != nil { //nolint:gosec // as above
		return fmt.Errorf("a manual page could not be written: %w", err)
	}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() || sub.IsAdditionalHelpTopicCommand() {
			if err := e.pages(sub, dir); err != nil {
				return err
			}
		}
	}
	return nil
}

// page is a command's manual page.
func (e *env) page(cmd *cobra.Command) ([]byte, error) {
	// What help shows indented is read as Markdown here, where that takes four
	// spaces.
	cmd.Long = strings.ReplaceAll(cmd.Long, "\n  ", "\n      ")
	var page bytes.Buffer
	if err := doc.GenMan(cmd, &doc.GenManHeader{Source: "postern " + e.Version, Manual: "Postern"}, &page); err != nil {
		return nil, fmt.Errorf("make the manual page: %w", err)
	}
	return page.Bytes(), nil
}
