package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/control/mcp"
)

func (e *env) mcp() *cobra.Command {
	var files string
	cmd := &cobra.Command{
		Use: "mcp", Short: "Serve the Model Context Protocol on standard input and output, for editors and agents",
		Long: `Serve the Model Context Protocol on standard input and output, for editors and
agents. They start this command themselves. It does what a named client may, and
nothing else:

  postern clients add editor --scope read --scope send:ACCOUNT/CONVERSATION
  postern mcp --client editor

or, without --client, with the client's token in ` + tokenVar + `. Files can be
sent from the folder that --files names, and from nowhere else.`,
		Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !e.heldTo() {
				return wrong("postern mcp works as a named client only. Make one: postern clients add editor --scope read; then start postern mcp --client editor, or put its token into %s", tokenVar)
			}
			opts, err := e.held()
			if err != nil {
				return err
			}
			dir, err := e.dir()
			if err != nil {
				return err
			}
			o := mcp.Options{Client: client.New(dir, opts...), Version: e.Version}
			defer o.Client.Close()
			if files != "" {
				if o.Files, err = mcp.Folder(files); err != nil {
					return fmt.Errorf("the folder of files that can be sent can't be used: %w", err)
				}
			}
			in, ok := e.In.(io.ReadCloser)
			if !ok {
				in = io.NopCloser(e.In)
			}
			if e.json {
				return errors.New("the protocol has a form of its own; leave --json out")
			}
			return mcp.Serve(cmd.Context(), o, in, e.Out)
		},
	}
	cmd.Flags().StringVar(&files, "files", "", "let files in the folder `DIR` be sent")
	_ = cmd.MarkFlagDirname("files")
	return cmd
}
