package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// followPage is how many messages or lines are read at once while following.
const followPage = 200

func (e *env) tail() *cobra.Command {
	var (
		q        api.EntryQuery
		n        int
		activity bool
	)
	cmd := &cobra.Command{
		Use: "tail", Short: "Print new messages of all conversations as they come, one a line", Args: args(none),
		Long: `Print new messages of all conversations as they come, one a line, after the
newest 10: number, time, account, conversation, author, text. The number is what
postern reply and postern message take. It goes on when Postern restarts, losing
and repeating nothing, until Ctrl-C.

A message is printed once, with the status that it has then; edits and what
becomes of an answer are shown by postern inbox.

With --json each line is a message as postern inbox --json shows it or, with
--activity, a line of the activity, which has a field "what".`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if n < 0 {
				return wrong("-n takes a number of messages")
			}
			return e.ask(func(c *client.Client) error {
				f := &follower{e: e, c: c, q: q, print: e.printLine}
				if activity {
					f.printActivity = e.printActivityLine
				}
				if err := f.begin(cmd.Context(), n); err != nil {
					return ended(cmd.Context(), err)
				}
				return f.run(cmd.Context())
			})
		},
	}
	f := cmd.Flags()
	f.IntVarP(&n, "lines", "n", 10, "begin with the newest `N` messages")
	f.BoolVar(&activity, "activity", false, "print what happened and why, too, from now on")
	e.where(cmd, &q)
	return cmd
}

// ended is err unless it is only that ctx ended: Ctrl-C is how following ends.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// follower prints what comes, each once. Its cursors are seqs that were looked
// at, so that it doesn't matter which change of state woke it.
type follower struct {
	e *env
	c *client.Client
	q api.EntryQuery // After is the cursor

	print         func(api.Entry) error
	printActivity func(api.Activity) error // nil: none is printed
	printed       func(context.Context)    // if set: after some were
	last          uint64                   // the last activity

	broken error // what could not be printed
}

// begin prints the newest n messages and sets the cursors behind them.
func (f *follower) begin(ctx context.Context, n int) error {
	if f.printActivity != nil {
		list, err := f.c.Activity(ctx, client.ActivityQuery{Limit: 1})
		if err != nil {
			return err
		}
		for _, a := range list {
			f.last = a.Seq
		}
	}
	var found []api.Entry
	q := f.q
	q.Newest = true
	for more := true; more && (q.Before == 0 || len(found) < n); {
		q.Limit = min(max(n-len(found), 1), followPage)
		p, err := f.c.Entries(ctx, q)
		if err != nil {
			return err
		}
		if q.Before == 0 {
			f.q.After = p.To
		}
		found = append(p.Entries, found...)
		q.Before, more = p.From, p.More
	}
	for _, v := range found[max(0, len(found)-n):] {
		if err := f.print(v); err != nil {
			return err
		}
	}
	return nil
}

// run prints what comes until ctx ends or it makes no sense any more. A Postern
// that ends is waited for, and told of on Err.
func (f *follower) run(ctx context.Context) error {
	const first, most = 200 * time.Millisecond, 5 * time.Second
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	away := false
	for wait := first; ; wait = min(2*wait, most) {
		var lost error
		for ev, err := range f.c.Watch(ctx) {
			if err == nil && ev.Snapshot != nil {
				err = f.drain(ctx)
			}
			if err != nil {
				lost = err
				break
			}
			if ev.Snapshot != nil {
				if wait = first; away {
					f.tell("Postern is back.")
					away = false
				}
			}
		}
		var told *api.Error
		switch {
		case ctx.Err() != nil:
			return nil
		case f.broken != nil:
			return f.broken
		case errors.As(lost, &told) && told.Kind != platforms.Temporary && told.Kind != platforms.RateLimited:
			return lost // another try would be told the same
		}
		if !away {
			f.tell("Postern has ended or does not answer; waiting for it. Ctrl-C ends this.")
			away = true
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (f *follower) tell(s string) { fmt.Fprintln(f.e.Err, "postern: "+s) }

// drain prints all that there is behind the cursors.
func (f *follower) drain(ctx context.Context) error {
	some := false
	f.q.Limit = followPage
	for more := true; more; {
		p, err := f.c.Entries(ctx, f.q)
		if err != nil {
			return err
		}
		for _, v := range p.Entries {
			if f.broken = f.print(v); f.broken != nil {
				return f.broken
			}
			f.q.After, some = v.Seq, true
		}
		f.q.After, more = max(f.q.After, p.To), p.More
	}
	if some && f.printed != nil {
		f.printed(ctx)
	}
	if f.printActivity == nil {
		return nil
	}
	fresh, err := f.activity(ctx)
	if err != nil {
		return err
	}
	for _, a := range fresh {
		if f.q.Conversation == "" || a.Conversation == f.q.Conversation {
			if f.broken = f.printActivity(a); f.broken != nil {
				return f.broken
			}
		}
		f.last = a.Seq
	}
	return nil
}

// activity is what happened after the cursor, oldest first.
func (f *follower) activity(ctx context.Context) (all []api.Activity, err error) {
	q := client.ActivityQuery{Account: f.q.Account, Limit: followPage}
	for {
		page, err := f.c.Activity(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, a := range page {
			if a.Seq <= f.last {
				slices.Reverse(all)
				return all, nil
			}
			all = append(all, a)
		}
		if len(page) == 0 {
			slices.Reverse(all)
			return all, nil
		}
		q.Before = page[len(page)-1].Seq
	}
}

// printLine prints a message as one line.
func (e *env) printLine(v api.Entry) error {
	if e.json {
		return e.lineJSON(v)
	}
	name := text.Line(who(v), 64)
	if name != "" {
		name += ":"
	}
	return e.lineOf([]string{fmt.Sprint(v.Seq), e.when(v.At), string(v.Account), string(v.Conversation), name, gist(v), marks(v)})
}

// printActivityLine prints a line of the activity; the dash tells it from a
// message.
func (e *env) printActivityLine(a api.Activity) error {
	if e.json {
		return e.lineJSON(a)
	}
	about := ""
	if a.Entry > 0 {
		about = fmt.Sprintf("(message %d)", a.Entry)
	}
	return e.lineOf([]string{"-", e.when(a.At), string(a.Account), string(a.Conversation), string(a.What), a.Who, a.Why, about})
}

// lineOf is row with an error where nobody reads any more.
func (e *env) lineOf(cells []string) error {
	var line strings.Builder
	aside := *e
	aside.Out = &line
	aside.row(cells)
	_, err := io.WriteString(e.Out, line.String())
	return err
}

// gist is what a message says, in one line.
func gist(v api.Entry) string {
	var parts []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			parts = append(parts, s)
		}
	}
	if v.Erased {
		add("(the content is not kept)")
	}
	add(v.Text)
	add(v.Note)
	if v.Click != nil {
		add("pressed " + v.Click.Data)
	}
	for _, a := range v.Attachments {
		add("[file " + strings.Join(strings.Fields(a.Name+" "+size(a.Size)), " ") + "]")
	}
	return strings.Join(parts, " ")
}
