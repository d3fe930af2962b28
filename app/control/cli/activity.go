package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

func (e *env) activity() *cobra.Command {
	var (
		q    client.ActivityQuery
		what []string
		all  bool
	)
	cmd := &cobra.Command{
		Use: "activity", Short: "What happened and why, newest first", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, w := range what {
				q.What = append(q.What, api.What(w))
			}
			if !all && q.Limit == 0 {
				q.Limit = 200
			}
			return e.ask(func(c *client.Client) error {
				lines, err := c.Export(cmd.Context(), q)
				if err != nil {
					return err
				}
				defer lines.Close()
				if e.json {
					return e.copyLines(lines)
				}
				return e.printActivity(lines)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar((*string)(&q.Account), "account", "", "of one `ACCOUNT` only")
	f.StringArrayVar(&what, "what", nil, "of one `KIND` only: routed, rejected, sent, retried, dead, alarm…; may be given more than once")
	f.StringVar(&q.Text, "text", "", "that contains `TEXT`")
	f.IntVar(&q.Limit, "limit", 0, "at most `N` lines (200 unless --all)")
	f.Uint64Var(&q.Before, "before", 0, "older than number `N`")
	f.BoolVar(&all, "all", false, "everything that is kept")
	_ = cmd.RegisterFlagCompletionFunc("account", e.completeAccountFlag)
	_ = cmd.RegisterFlagCompletionFunc("what", cobra.FixedCompletions([]string{
		string(api.Routed), string(api.Rejected), string(api.Ignored), string(api.SentOut), string(api.Retried), string(api.DiedOut),
		string(api.Resumed), string(api.Stopped), string(api.Changed), string(api.Alarm), string(api.Permission), string(api.GaveUp), string(api.ToldAgain), string(api.Missed),
	}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// copyLines passes JSON lines on as they come.
func (e *env) copyLines(lines io.Reader) error {
	out := bufio.NewWriter(e.Out)
	dec := json.NewDecoder(lines)
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err == io.EOF { //nolint:errorlint // Decode returns it bare at the end only
			return out.Flush()
		} else if err != nil {
			return fmt.Errorf("the list was cut off: %w", err)
		}
		if _, err := out.WriteString(safeJSON(raw) + "\n"); err != nil {
			return err
		}
	}
}

// printActivity prints lines as tables, each of a page: columns need to know
// their cells, memory needs a bound.
func (e *env) printActivity(lines io.Reader) error {
	dec := json.NewDecoder(lines)
	any := false
	for {
		var rows [][]string
		for len(rows) < 1000 {
			var a api.Activity
			if err := dec.Decode(&a); err == io.EOF { //nolint:errorlint // see above
				break
			} else if err != nil {
				return fmt.Errorf("the list was cut off: %w", err)
			}
			rows = append(rows, []string{fmt.Sprint(a.Seq), e.when(a.At), string(a.What), string(a.Account), a.Who, a.Why})
		}
		if len(rows) == 0 {
			break
		}
		any = true
		e.table([]string{"NUMBER", "TIME", "WHAT", "ACCOUNT", "WHO", "WHY"}, rows)
	}
	if !any {
		e.say("Nothing of the kind has happened.")
	}
	return nil
}
