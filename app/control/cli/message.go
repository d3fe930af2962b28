package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/client"
)

// message holds what can be done to one message.
func (e *env) message() *cobra.Command {
	return group("message", "Act on one message, by its number",
		e.onMessage("resend", "Try again to send a message that could not be sent", "Queued %d again.", (*client.Client).Resend),
		e.onMessage("discard", "Give up a message that could not be sent", "Discarded %d.", (*client.Client).Discard),
		e.onMessage("release", "Let a held message be acted upon; only a person can", "Released %d.", (*client.Client).Release),
		e.onMessage("dismiss", "Leave a held message alone for good", "Dismissed %d.", (*client.Client).Dismiss),
		e.saveFile())
}

func (e *env) onMessage(name, short, told string, act func(*client.Client, context.Context, uint64) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " NUMBER", Short: short, Args: args(cobra.ExactArgs(1)), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return wrong("a message is named by its number, as postern inbox shows it")
			}
			return e.ask(func(c *client.Client) error { return e.told(act(c, client.AtTerminal(cmd.Context()), seq), told, seq) })
		},
	}
}

func (e *env) saveFile() *cobra.Command {
	return &cobra.Command{
		Use: "save NUMBER INDEX FILE", Short: "Save an attachment as a new FILE; - is standard output",
		Args: args(cobra.ExactArgs(3)),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := strconv.ParseUint(args[0], 10, 64)
			index, bad := strconv.ParseUint(args[1], 10, 16)
			if err != nil || bad != nil {
				return wrong("name the message by its number and the file by its index, as postern inbox shows them")
			}
			return e.ask(func(c *client.Client) error {
				_, body, err := c.Attachment(cmd.Context(), seq, int(index))
				if err != nil {
					return err
				}
				defer body.Close()
				if args[2] == "-" {
					_, err := io.Copy(e.Out, body)
					return err
				}
				return saveTo(args[2], body)
			})
		},
	}
}

// saveTo writes body into a new file, or leaves none.
func saveTo(path string, body io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("the attachment can't be saved: %w", err)
	}
	_, err = io.Copy(f, body)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
		return fmt.Errorf("the attachment could not be saved whole: %w", err)
	}
	return nil
}
