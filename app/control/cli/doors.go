package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

func (e *env) doors() *cobra.Command {
	return group("doors", "What of this computer can be reached from outside", e.doorsList(), e.doorsSet(), e.doorsOpen(), e.doorsClose(),
		e.onAccount("remove", "Close an account's door and forget its listener", "Removed the listener of %s.", (*client.Client).RemoveListener))
}

func (e *env) doorsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List doors, the real listening sockets, and tunnels", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				v, err := c.Exposure(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(v)
				}
				e.printView(v)
				return nil
			})
		},
	}
}

func (e *env) printView(v api.View) {
	if len(v.Doors) == 0 {
		e.say("Nothing of this computer can be reached from outside: all accounts dial out.")
	} else {
		var rows [][]string
		for _, d := range v.Doors {
			rows = append(rows, []string{string(d.Account), string(d.Level), d.Bind, d.Public, d.Callers, e.traffic(d), d.Why})
		}
		e.table([]string{"ACCOUNT", "EXPOSURE", "LISTENS ON", "KNOWN AS", "FOR", "TRAFFIC", "NOTE"}, rows)
	}
	for _, s := range v.Sockets {
		if s.Strange {
			e.say("ALARM: %s listens, and nobody here opened it.", s.Addr)
		} else {
			e.say("Socket: %s: %s (%s)", s.Addr, s.Whose, s.Level)
		}
	}
	for _, t := range v.Tunnels {
		leads := "leads to none of ours"
		if len(t.Ours) > 0 {
			leads = "leads to " + strings.Join(t.Ours, ", ")
		}
		e.say("Tunnel: %s %s → %s: %s", t.Program, t.Public, t.Target, leads)
	}
	if v.Note != "" {
		e.say("%s", v.Note)
	}
}

// traffic is what came through a door.
func (e *env) traffic(d api.Door) string {
	if !d.Open {
		return ""
	}
	n := uint64(0)
	var why []string
	for _, reason := range slices.Sorted(maps.Keys(d.Rejected)) {
		n += d.Rejected[reason]
		why = append(why, fmt.Sprintf("%d %s", d.Rejected[reason], reason))
	}
	s := fmt.Sprintf("since %s, %d accepted, %d rejected", e.when(d.Since), d.Accepted, n)
	if n > 0 {
		s += " (" + strings.Join(why, ", ") + ")"
	}
	if d.Ack != nil {
		s += ", ends " + e.when(d.Ack.Ends)
	}
	return s
}

func (e *env) doorsSet() *cobra.Command {
	var l api.Listener
	cmd := &cobra.Command{
		Use: "set ACCOUNT", Short: "Set where an account is reached; a public listener stays closed until it is acknowledged",
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				d, err := c.SetListener(client.AtTerminal(cmd.Context()), platforms.AccountID(args[0]), l)
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(d)
				}
				e.say("%s listens on %s once it is open, for %s (%s).", args[0], d.Bind, d.Callers, d.If)
				if d.Needs {
					e.say("It is closed. Read what that means, and decide: postern doors open %s", args[0])
				}
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&l.Bind, "listen", "", "listen on `ADDRESS:PORT` (a port of 127.0.0.1 if left out)")
	f.StringVar(&l.Public, "public", "", "the `URL` by which callers know it, as in https://bot.example.org")
	f.StringSliceVar(&l.Proxies, "proxy", nil, "believe X-Forwarded-For of this `ADDRESS` or range")
	f.StringSliceVar(&l.Allow, "allow", nil, "let in this `ADDRESS` or range only")
	f.StringVar(&l.Cert, "cert", "", "the `FILE` with the certificate, where no tunnel ends TLS")
	f.StringVar(&l.Key, "key", "", "the `FILE` with the certificate's key")
	return cmd
}

// doorsOpen asks what the window's dialog asks. Nothing but a person's answers
// at a terminal opens anything: there are no flags for them.
func (e *env) doorsOpen() *cobra.Command {
	return &cobra.Command{
		Use: "open ACCOUNT", Short: "Read what opening a public listener means, and decide, at a terminal",
		Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, ok := e.terminal(); !ok || !e.shown() {
				return errors.New("only a person at a terminal, or in Postern's window, can open a listener: there is no other way")
			}
			return e.ask(func(c *client.Client) error {
				ctx, id := client.AtTerminal(cmd.Context()), platforms.AccountID(args[0])
				if d, err := c.OpenDoor(ctx, id); err == nil {
					e.say("%s may be open again (%s).", id, d.If)
					return nil
				} else if told := (*api.Error)(nil); !errors.As(err, &told) || told.Kind != platforms.NotAcknowledged {
					return err
				}
				q, err := c.Ask(ctx, id)
				if err != nil {
					return err
				}
				a, err := e.answer(ctx, q)
				if err != nil {
					return err
				}
				d, err := c.Acknowledge(ctx, id, a)
				if err != nil {
					return err
				}
				e.say("Acknowledged until %s. Close it at any time: postern doors close %s", e.when(d.Ack.Ends), id)
				return nil
			})
		},
	}
}

// shown reports whether what is printed is seen by whoever types.
func (e *env) shown() bool {
	err, ok := e.Err.(*os.File)
	return ok && term.IsTerminal(int(err.Fd()))
}

// answer asks a question, line by line.
func (e *env) answer(ctx context.Context, q api.Question) (a api.Answer, err error) {
	a = api.Answer{Nonce: q.Nonce, Items: map[string]bool{}}
	tell := func(s string) { _, _ = io.WriteString(e.Err, text.Block(s)+"\n") }
	tell(q.Title)
	tell(q.What)
	tell(q.Means)
	for _, r := range q.Risks {
		tell("  - " + r)
	}
	tell("Safer:")
	for _, s := range q.Safer {
		tell("  - " + s)
	}
	tell("What running one safely takes. Say of each whether it is done (y) or not (n):")
	for _, it := range q.Items {
		note := ""
		if it.Note != "" {
			note = " (" + it.Note + ")"
		}
		for {
			said, _, err := e.line(ctx, it.Text+note+" [y/n]")
			if err != nil {
				return a, err
			}
			if said = strings.ToLower(said); said == "y" || said == "n" {
				a.Items[it.Key] = said == "y"
				break
			}
			if said == "" {
				return a, errKept
			}
		}
	}
	var days []string
	for _, p := range q.Periods {
		days = append(days, fmt.Sprint(p.Days))
	}
	said, _, err := e.line(ctx, "It ends after how many days? ["+strings.Join(days, "/")+"]")
	if err != nil {
		return a, err
	}
	if _, err := fmt.Sscanf(said, "%d", &a.Days); err != nil {
		return a, errKept
	}
	if a.Typed, _, err = e.line(ctx, "Type "+q.Type+" to open it, or nothing to keep it closed:"); err == nil && a.Typed == "" {
		err = errKept
	}
	return a, err
}

var errKept = errors.New("it stays closed")

func (e *env) doorsClose() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "close [ACCOUNT]", Short: "Close an account's door, or every public listener, at once",
		Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: e.completeAccount,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) || len(args) == 1 && args[0] == "" {
				return wrong("name one account, or say --all")
			}
			id, told := platforms.AccountID(""), "Every public listener is closed, and stays so until you open it again."
			if !all {
				id, told = platforms.AccountID(args[0]), "Closed, until you open it again."
			}
			return e.ask(func(c *client.Client) error { return e.told(c.CloseDoor(cmd.Context(), id), "%s", told) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "close every public listener")
	return cmd
}

func (e *env) audit() *cobra.Command {
	var limit int
	list := &cobra.Command{
		Use: "list", Short: "The newest lines of the audit record, and whether it is whole", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				p, err := c.Audit(cmd.Context(), 0, limit)
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(p)
				}
				e.say("%s", p.State.Why)
				var rows [][]string
				for _, l := range p.Lines {
					rows = append(rows, []string{fmt.Sprint(l.Seq), e.when(l.At), l.What, string(l.Account), l.Who, l.Text})
				}
				e.table([]string{"LINE", "WHEN", "WHAT", "ACCOUNT", "WHO", "TEXT"}, rows)
				return nil
			})
		},
	}
	list.Flags().IntVar(&limit, "limit", 50, "at most `N` lines")
	export := &cobra.Command{
		Use: "export", Short: "Write the whole audit record as JSON lines", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				r, err := c.ExportAudit(cmd.Context())
				if err != nil {
					return err
				}
				defer r.Close()
				_, err = io.Copy(e.Out, r)
				return err
			})
		},
	}
	return group("audit", "What was opened, closed, acknowledged and changed: a record that shows tampering", list, export)
}
