package cli

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

func (e *env) why() *cobra.Command {
	return &cobra.Command{
		Use: "why ENTRY", Short: "Why a message was or was not let in, and where it went", Args: args(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil || seq == 0 {
				return wrong("ENTRY is the number of a message, as postern inbox shows it")
			}
			return e.ask(func(c *client.Client) error {
				w, err := c.Why(cmd.Context(), seq)
				if err != nil {
					return err
				}
				if w.Then == nil && !e.json {
					e.say("What was decided when it came is not kept. Today it would be:")
				}
				return e.printWhy(w)
			})
		},
	}
}

func (e *env) simulate() *cobra.Command {
	var (
		s     api.Simulation
		group bool
	)
	cmd := &cobra.Command{
		Use: "simulate [TEXT]", Short: "What would happen if somebody wrote; nothing is sent, and nothing happens", Args: args(cobra.MaximumNArgs(1)),
		Long:    "What would happen if the --user of an --account wrote TEXT (“hello” if left out), in a direct chat or in a shared --conversation. Nothing is sent, and nothing happens.",
		Example: "  postern simulate --account ACCOUNT --user ID --conversation ID --mentioned \"lights on\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case s.Account == "" || s.User == "":
				return wrong("name both --account and --user")
			case s.Conversation == "" && (group || s.Mentioned):
				return wrong("--group and --mentioned are for a shared --conversation")
			}
			s.Kind, s.Text = platforms.Direct, "hello"
			if s.Conversation != "" {
				s.Kind = platforms.Channel
			}
			if group {
				s.Kind = platforms.Group
			}
			if len(args) > 0 {
				s.Text = args[0]
			}
			return e.ask(func(c *client.Client) error {
				w, err := c.Simulate(cmd.Context(), s)
				if err != nil {
					return err
				}
				if !e.json {
					w.Then = nil // it never came
				}
				return e.printWhy(w)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar((*string)(&s.Account), "account", "", "to this `ACCOUNT`")
	f.StringVar((*string)(&s.User), "user", "", "the user with this `ID`")
	f.StringVar((*string)(&s.Conversation), "conversation", "", "in the shared conversation with this `ID` (their direct chat if left out)")
	f.BoolVar(&group, "group", false, "it is a group, not a channel")
	f.BoolVar(&s.Mentioned, "mentioned", false, "the bot is mentioned or answered")
	f.BoolVar(&s.Bot, "bot", false, "a bot writes")
	_ = cmd.RegisterFlagCompletionFunc("account", e.completeAccount)
	return cmd
}

func (e *env) printWhy(w api.Why) error {
	if e.json {
		return e.printJSON(w)
	}
	switch {
	case w.Then == nil:
		e.printDecision("", w.Now)
	case w.Then.Verdict == w.Now.Verdict && w.Then.Role == w.Now.Role && reflect.DeepEqual(w.Then.Trace, w.Now.Trace):
		e.printDecision("Then, and today: ", w.Now)
	default:
		e.printDecision("Then: ", *w.Then)
		e.printDecision("Today: ", w.Now)
	}
	for _, r := range w.Routes {
		name, mark := r.Name, "-"
		if name == "" {
			name = r.Route
		}
		if r.Match {
			mark = "+"
		}
		e.sayAs("  "+mark+" ", "route "+name+": "+r.Words)
	}
	if w.Now.Verdict == access.Allowed {
		if len(w.To) == 0 {
			e.say("Nothing answers it.")
		} else {
			e.say("Goes to: %s", strings.Join(w.To, ", "))
		}
		if w.Lease != "" {
			e.say("%s", w.Lease)
		}
	}
	return nil
}

func (e *env) printDecision(when string, d access.Decision) {
	if d.Verdict == access.Allowed {
		e.say("%slet in as %s", when, d.Role)
	} else {
		e.say("%snot let in (%s)", when, d.Verdict)
	}
	for _, s := range d.Trace {
		mark := map[access.Outcome]string{access.Passed: "+", access.Stopped: "x"}[s.Outcome]
		if mark == "" {
			mark = "·"
		}
		e.sayAs("  "+mark+" ", s.Words)
	}
}

// sayAs prints words from outside after a mark of ours.
func (e *env) sayAs(mark, words string) { fmt.Fprintln(e.Out, mark+text.Line(words, 0)) }
