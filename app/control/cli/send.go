package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

// note is what send and reply are told of a message.
type note struct {
	files []string
	key   string
	marks bool
	wait  bool
}

func (n *note) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&n.files, "file", nil, "send `FILE`, too; may be given more than once")
	f.StringVar(&n.key, "key", "", "send what has this `KEY` only once, however often the command is run")
	f.BoolVar(&n.marks, "markdown", false, "read the text as Markdown: *emphasis*, lists, links, code")
	f.BoolVar(&n.wait, "wait", false, "wait until it is sent, or can't be")
	_ = cmd.MarkFlagFilename("file")
}

// write puts into d what the arguments, flags and standard input say. done
// closes the files.
func (e *env) write(ctx context.Context, n *note, words []string, d *api.Draft) (files []client.File, done func(), err error) {
	d.Key = n.key
	switch {
	case len(words) == 1 && words[0] == "-", len(words) == 0 && len(n.files) == 0:
		if d.Text, err = e.input(ctx); err != nil {
			return nil, func() {}, err
		}
	default:
		d.Text = strings.Join(words, " ")
	}
	if d.Text == "" && len(n.files) == 0 {
		return nil, func() {}, wrong("the message is empty; give a text or a file")
	}
	if n.marks {
		d.Format = platforms.Markdown
	}
	return open(n.files)
}

// deliver sends d and returns where it stands, after its end if n says so.
func deliver(ctx context.Context, c *client.Client, n *note, d api.Draft, files []client.File) (api.Entry, error) {
	v, err := c.Send(ctx, d, files...)
	if err != nil || !n.wait {
		return v, err
	}
	return settled(ctx, c, v)
}

func (e *env) send() *cobra.Command {
	var (
		d     api.Draft
		n     note
		fresh bool
	)
	cmd := &cobra.Command{
		Use:   "send ACCOUNT CONVERSATION [TEXT|-]",
		Short: "Send a message; without TEXT or with -, its text is standard input",
		Args:  args(cobra.RangeArgs(2, 3)), ValidArgsFunction: e.completeConversation,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			d.Account, d.Conversation = platforms.AccountID(args[0]), platforms.ConversationID(args[1])
			files, done, err := e.write(ctx, &n, args[2:], &d)
			defer done()
			if err != nil {
				return err
			}
			return e.ask(func(c *client.Client) error {
				if err := known(ctx, c, d, fresh); err != nil && !e.heldTo() {
					return err
				}
				v, err := deliver(ctx, c, &n, d, files)
				if err != nil {
					return err
				}
				return e.printSent(v, "")
			})
		},
	}
	n.flags(cmd)
	f := cmd.Flags()
	f.StringVar((*string)(&d.ReplyTo), "reply-to", "", "answer the message with the platform's `ID`; postern reply takes the journal's number")
	f.StringVar((*string)(&d.Thread), "thread", "", "send into the thread with the platform's `ID`")
	f.BoolVar(&fresh, "new", false, "send although nothing was ever said in CONVERSATION here")
	return cmd
}

// known refuses a conversation that nothing is known of, unless it is meant: a
// mistyped one would be kept, and tried in vain.
func known(ctx context.Context, c *client.Client, d api.Draft, fresh bool) error {
	if fresh {
		return nil
	}
	said, err := c.Timeline(ctx, d.Account, d.Conversation, 0, 1)
	for range 25 { // where an account was added just now, what it posts into is known once it is connected
		if err != nil || len(said) > 0 || !connecting(ctx, c, d.Account) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		said, err = c.Timeline(ctx, d.Account, d.Conversation, 0, 1)
	}
	if err == nil && len(said) == 0 {
		err = fmt.Errorf("nothing was ever said in %q; \"postern inbox\" lists the conversations. Say --new to write there all the same", d.Conversation)
	}
	return err
}

// connecting reports whether an account that only speaks is not connected yet.
func connecting(ctx context.Context, c *client.Client, id platforms.AccountID) bool {
	s, err := c.Snapshot(ctx)
	return err == nil && slices.ContainsFunc(s.Accounts, func(a api.Account) bool { return a.ID == id && a.Deaf && a.Status == api.Connecting })
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

// printSent prints where a message stands, and more about it; one that can't be
// sent is an error.
func (e *env) printSent(v api.Entry, more string) error {
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
	e.say("%d %s%s", v.Seq, v.Status, more)
	return nil
}
