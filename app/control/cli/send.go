package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

func (e *env) send() *cobra.Command {
	var (
		d     api.Draft
		files []string
		wait  bool
		marks bool
		fresh bool
	)
	cmd := &cobra.Command{
		Use:   "send ACCOUNT CONVERSATION [TEXT|-]",
		Short: "Send a message; without TEXT or with -, its text is standard input",
		Args:  args(cobra.RangeArgs(2, 3)), ValidArgsFunction: e.completeConversation,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			ctx := cmd.Context()
			d.Account, d.Conversation = platforms.AccountID(args[0]), platforms.ConversationID(args[1])
			switch {
			case len(args) == 3 && args[2] != "-":
				d.Text = args[2]
			case len(args) == 3 || len(files) == 0:
				if d.Text, err = e.input(ctx); err != nil {
					return err
				}
			}
			if d.Text == "" && len(files) == 0 {
				return wrong("the message is empty; give a text or a file")
			}
			if marks {
				d.Format = platforms.Markdown
			}
			uploads, done, err := open(files)
			defer done()
			if err != nil {
				return err
			}
			return e.ask(func(c *client.Client) error {
				if err := known(ctx, c, d, fresh); err != nil {
					return err
				}
				v, err := c.Send(ctx, d, uploads...)
				if err != nil {
					return err
				}
				if wait {
					if v, err = settled(ctx, c, v); err != nil {
						return err
					}
				}
				return e.printSent(v)
			})
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&files, "file", nil, "send `FILE`, too; may be given more than once")
	f.StringVar((*string)(&d.ReplyTo), "reply-to", "", "answer the message with the platform's `ID`")
	f.StringVar((*string)(&d.Thread), "thread", "", "send into the thread with the platform's `ID`")
	f.StringVar(&d.Key, "key", "", "send what has this `KEY` only once, however often the command is run")
	f.BoolVar(&marks, "markdown", false, "read the text as Markdown: *emphasis*, lists, links, code")
	f.BoolVar(&fresh, "new", false, "send although nothing was ever said in CONVERSATION here")
	f.BoolVar(&wait, "wait", false, "wait until it is sent, or can't be")
	_ = cmd.MarkFlagFilename("file")
	return cmd
}

// known refuses a conversation that nothing is known of, unless it is meant: a
// mistyped one would be kept, and tried in vain.
func known(ctx context.Context, c *client.Client, d api.Draft, fresh bool) error {
	if fresh {
		return nil
	}
	said, err := c.Timeline(ctx, d.Account, d.Conversation, 0, 1)
	if err == nil && len(said) == 0 {
		err = fmt.Errorf("nothing was ever said in %q; \"postern inbox\" lists the conversations. Say --new to write there all the same", d.Conversation)
	}
	return err
}

// open opens the files to send; done closes them.
func open(names []string) (files []client.File, done func(), err error) {
	var opened []io.Closer
	done = func() {
		for _, f := range opened {
			f.Close()
		}
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, done, fmt.Errorf("the file to send can't be opened: %w", err)
		}
		opened = append(opened, f)
		if info, err := f.Stat(); err != nil || info.IsDir() {
			return nil, done, wrong("%s is not a file that can be sent", name)
		}
		files = append(files, client.File{Name: filepath.Base(name), MediaType: mime.TypeByExtension(filepath.Ext(name)), Body: f})
	}
	return files, done, nil
}

// settled waits until v waits for nothing any more.
func settled(ctx context.Context, c *client.Client, v api.Entry) (api.Entry, error) {
	if v.Status != api.Queued {
		return v, nil
	}
	for ev, err := range c.Watch(ctx) {
		if err != nil {
			return v, fmt.Errorf("the message is queued as %d, but waiting for it ended: %w", v.Seq, err)
		}
		if ev.Snapshot == nil {
			continue
		}
		now, err := c.Entry(ctx, v.Seq)
		if err != nil {
			return v, fmt.Errorf("the message is queued as %d, but waiting for it ended: %w", v.Seq, err)
		}
		if now.Status != api.Queued {
			return now, nil
		}
	}
	return v, fmt.Errorf("the message is queued as %d, but Postern ended before it was sent; the next start goes on with it", v.Seq)
}

// printSent prints where a message stands; one that can't be sent is an error.
func (e *env) printSent(v api.Entry) error {
	var err error
	if v.Status == api.DeadEnd || v.Status == api.Discarded {
		err = fmt.Errorf("message %d could not be sent: %s", v.Seq, v.Why)
	}
	switch {
	case e.json:
		return errors.Join(e.printJSON(v), err)
	case err != nil:
		return err
	}
	e.say("%d %s", v.Seq, v.Status)
	return nil
}

// message holds what can be done to one message.
func (e *env) message() *cobra.Command {
	return group("message", "Act on one message, by its number",
		e.onMessage("resend", "Try again to send a message that could not be sent", "Queued %d again.", (*client.Client).Resend),
		e.onMessage("discard", "Give up a message that could not be sent", "Discarded %d.", (*client.Client).Discard),
		e.onMessage("release", "Let a held message be acted upon", "Released %d.", (*client.Client).Release),
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
			return e.ask(func(c *client.Client) error { return e.told(act(c, cmd.Context(), seq), told, seq) })
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
