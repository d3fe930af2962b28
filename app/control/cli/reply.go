package cli

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

func (e *env) reply() *cobra.Command {
	var (
		n    note
		q    api.EntryQuery
		last bool
	)
	cmd := &cobra.Command{
		Use:   "reply NUMBER|--last [TEXT...|-]",
		Short: "Answer a message, in its conversation and thread",
		Long: `Answer a message, in its conversation and thread, by the number that postern
inbox and postern tail show:

  postern reply 42 On my way.
  postern reply --last --account ACCOUNT < answer.txt

Without TEXT or with -, the text is standard input. --last is the newest message
that came from somebody; what comes while you type may be newer than what you
read, so scripts better name a number.`,
		Args: args(func(_ *cobra.Command, args []string) error {
			if !last && len(args) == 0 {
				return errors.New("name the message by its number, or say --last")
			}
			return nil
		}),
		ValidArgsFunction: e.completeMessage,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			seq, words := uint64(0), args
			if !last {
				var err error
				if seq, err = strconv.ParseUint(args[0], 10, 64); err != nil {
					return wrong("a message is named by its number, as postern inbox and postern tail show it; or say --last")
				}
				words = args[1:]
			}
			var d api.Draft
			return e.ask(func(c *client.Client) error {
				to, err := answered(ctx, c, seq, q) // before anything is typed in vain
				if err != nil {
					return err
				}
				d.Account, d.Conversation, d.Thread, d.ReplyTo = to.Account, to.Conversation, to.Thread, to.Message
				if to.Outgoing {
					d.ReplyTo = to.IDs[0]
				}
				files, done, err := e.write(ctx, &n, words, &d)
				defer done()
				if err != nil {
					return err
				}
				v, err := deliver(ctx, c, &n, d, files)
				if err != nil {
					return err
				}
				return e.printSent(v, ", in answer to "+strconv.FormatUint(to.Seq, 10)+" of "+who(to)+" in "+string(to.Account)+" "+string(to.Conversation))
			})
		},
	}
	n.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&last, "last", false, "answer the newest message that came from somebody")
	e.where(cmd, &q)
	return cmd
}

// where adds flags that name an account and a conversation.
func (e *env) where(cmd *cobra.Command, q *api.EntryQuery) {
	f := cmd.Flags()
	f.StringVar((*string)(&q.Account), "account", "", "of one `ACCOUNT` only")
	f.StringVar((*string)(&q.Conversation), "conversation", "", "of one `CONVERSATION` only")
	_ = cmd.RegisterFlagCompletionFunc("account", e.completeAccountFlag)
	_ = cmd.RegisterFlagCompletionFunc("conversation", e.completeConversationFlag)
}

// answered is the message with this seq, or the newest that q selects if seq is
// 0, as far as it can be answered.
func answered(ctx context.Context, c *client.Client, seq uint64, q api.EntryQuery) (v api.Entry, err error) {
	if seq == 0 {
		if v, err = newest(ctx, c, q); err != nil {
			return v, err
		}
	} else if v, err = c.Entry(ctx, seq); err != nil {
		return v, err
	}
	switch {
	case q.Account != "" && v.Account != q.Account, q.Conversation != "" && v.Conversation != q.Conversation:
		return v, wrong("message %d is of %s %s, not of what the flags name", v.Seq, v.Account, v.Conversation)
	case v.Erased:
		// Its thread is lost, too: the answer might be read by others than those it is for.
		return v, errors.New("the message's content is not kept, nor in which thread it was said; say where to with postern send")
	case v.Outgoing && len(v.IDs) == 0:
		return v, errors.New("this message of Postern's own is not sent yet, so that nothing can answer it")
	}
	return v, nil
}

// newest is the newest message from somebody that q selects.
func newest(ctx context.Context, c *client.Client, q api.EntryQuery) (api.Entry, error) {
	q.Newest, q.Limit = true, 100
	for {
		p, err := c.Entries(ctx, q)
		if err != nil {
			return api.Entry{}, err
		}
		for i := len(p.Entries) - 1; i >= 0; i-- {
			if v := p.Entries[i]; !v.Outgoing && (v.Kind == platforms.MessageReceived || v.Kind == "" && v.Erased) {
				return v, nil
			}
		}
		if !p.More {
			return api.Entry{}, errors.New("there is no message to answer yet")
		}
		q.Before = p.From
	}
}

// who is a message's author in words.
func who(v api.Entry) string {
	if v.Outgoing {
		return "Postern"
	}
	if name := strings.TrimSpace(v.From.Name + " " + v.From.Handle); name != "" {
		return name
	}
	return string(v.From.ID)
}
