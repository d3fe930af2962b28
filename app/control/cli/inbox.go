package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

func (e *env) inbox() *cobra.Command {
	var (
		limit  int
		before uint64
		search string
		follow bool
		read   bool
		unread bool
	)
	cmd := &cobra.Command{
		Use:   "inbox [ACCOUNT CONVERSATION]",
		Short: "The conversations, or one conversation's messages",
		Long: `The conversations, those with unread messages first, or the messages of one.
A message begins with its number, which postern reply and postern message take.`,
		Args: args(func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) != 0 && len(args) != 2:
				return fmt.Errorf("name both an account and a conversation, or neither")
			case len(args) == 0 && (follow || read || before > 0):
				return fmt.Errorf("--follow, --read and --before need an account and a conversation")
			case unread && (len(args) == 2 || search != ""):
				return fmt.Errorf("--unread lists the conversations with unread messages; leave the others out")
			case len(args) == 2 && search != "":
				return fmt.Errorf("--search looks in every conversation; leave the others out")
			}
			return nil
		}),
		ValidArgsFunction: e.completeConversation,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			return e.ask(func(c *client.Client) error {
				switch {
				case search != "":
					found, err := c.Search(ctx, search, limit)
					if err != nil {
						return err
					}
					return e.printEntries(found, true)
				case len(args) == 0:
					return e.printConversations(ctx, c, limit, unread)
				}
				id, conv := platforms.AccountID(args[0]), platforms.ConversationID(args[1])
				list, err := c.Timeline(ctx, id, conv, before, limit)
				if err != nil {
					return err
				}
				var last uint64
				if len(list) > 0 {
					last = list[len(list)-1].Seq
				}
				if err := e.printTimeline(list, follow); err != nil {
					return err
				}
				if read && last > 0 {
					if err := c.MarkRead(ctx, id, conv, last); err != nil {
						return err
					}
				}
				if !follow {
					return nil
				}
				return e.follow(ctx, c, id, conv, last, read)
			})
		},
	}
	f := cmd.Flags()
	f.IntVar(&limit, "limit", 0, "at most `N` lines")
	f.Uint64Var(&before, "before", 0, "messages older than number `N`")
	f.StringVar(&search, "search", "", "find messages that contain `TEXT`")
	f.BoolVar(&follow, "follow", false, "stay and print new messages as they come")
	f.BoolVar(&unread, "unread", false, "only the conversations with unread messages")
	f.BoolVar(&read, "read", false, "mark what is printed as read")
	return cmd
}

func (e *env) printConversations(ctx context.Context, c *client.Client, limit int, unread bool) error {
	list, err := c.Conversations(ctx, limit) // unread ones come first
	if err != nil {
		return err
	}
	if unread {
		list = slices.DeleteFunc(list, func(c api.Conversation) bool { return c.Unread == 0 })
	}
	if e.json {
		return e.printJSON(list)
	}
	if len(list) == 0 && unread {
		e.say("Nothing is unread.")
		return nil
	}
	if len(list) == 0 {
		e.say("No conversations yet. Write to one of your bots, and it appears here.")
		return nil
	}
	var rows [][]string
	for _, c := range list {
		title := c.Title
		if c.Stranger {
			title += " (stranger)"
		}
		rows = append(rows, []string{string(c.Account), string(c.ID), title, e.when(c.Last), some(c.Unread), some(c.Dead), c.Preview})
	}
	e.table([]string{"ACCOUNT", "CONVERSATION", "TITLE", "LAST", "UNREAD", "DEAD", "PREVIEW"}, rows)
	return nil
}

// follow prints what comes after seq last, until ctx ends.
func (e *env) follow(ctx context.Context, c *client.Client, id platforms.AccountID, conv platforms.ConversationID, last uint64, read bool) error {
	f := &follower{e: e, c: c, q: api.EntryQuery{Account: id, Conversation: conv, After: last},
		print: func(v api.Entry) error { return e.printTimeline([]api.Entry{v}, true) }}
	if read {
		f.printed = func(ctx context.Context) { _ = c.MarkRead(ctx, id, conv, f.q.After) }
	}
	return f.run(ctx)
}

// printTimeline prints messages: with --json as one list, or as lines if more
// will follow.
func (e *env) printTimeline(list []api.Entry, lines bool) error {
	if e.json && lines {
		for _, entry := range list {
			if err := e.lineJSON(entry); err != nil {
				return err
			}
		}
		return nil
	}
	return e.printEntries(list, false)
}

func (e *env) printEntries(list []api.Entry, where bool) error {
	if e.json {
		return e.printJSON(list)
	}
	for _, entry := range list {
		e.printEntry(entry, where)
	}
	return nil
}

// printEntry prints a message: a line of ours, then its content, indented.
func (e *env) printEntry(v api.Entry, where bool) {
	head := []string{fmt.Sprint(v.Seq), e.when(v.At), text.Line(who(v), 64)}
	if where {
		head = append(head, string(v.Account)+" "+string(v.Conversation))
	}
	e.row(append(head, marks(v)))
	if v.Erased {
		e.block("(the content is not kept)")
	}
	for _, part := range []string{v.Text, v.Note} {
		if strings.TrimSpace(part) != "" {
			e.block(part)
		}
	}
	if v.Click != nil {
		e.block("pressed " + v.Click.Data)
	}
	for i, a := range v.Attachments {
		e.block(fmt.Sprintf("[file %d] %s", i, strings.Join(strings.Fields(a.Name+" "+a.MediaType+" "+size(a.Size)), " ")))
	}
	for _, row := range v.Buttons {
		for _, b := range row {
			e.block("[button] " + text.Line(b.Label, 64))
		}
	}
	if v.Why != "" {
		e.block("(" + v.Why + ")")
	}
}

// marks are what is special about a message, in words.
func marks(v api.Entry) string {
	var words []string
	if v.Outgoing || (v.Status != api.Received && v.Status != api.Delivered) {
		words = append(words, string(v.Status))
	}
	for _, m := range []struct {
		on   bool
		word string
	}{{v.Away, "while away"}, {v.Stranger, "stranger"}, {v.MayDuplicate, "may be a duplicate"}, {v.Edited, "edited"}, {v.Replay != 0 || v.ReplayRequest != 0, "replay"}} {
		if m.on {
			words = append(words, m.word)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "[" + strings.Join(words, ", ") + "]"
}
