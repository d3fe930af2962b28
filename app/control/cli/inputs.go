package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

// inputs holds what can be set of where requests arrive.
func (e *env) inputs() *cobra.Command {
	return group("inputs", "Where requests from outside arrive, how they are answered and what is kept of them",
		e.inputsList(), e.inputsShow(), e.inputsSet(), e.inputsTry(), e.inputsRegister(), e.inputsUnregister())
}

func (e *env) inputsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the accounts at which requests arrive", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				list, err := c.Inputs(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.Input{}, list...))
				}
				if len(list) == 0 {
					e.say("No account takes requests from outside.")
					return nil
				}
				var rows [][]string
				for _, in := range list {
					via := in.Via
					if via == "" {
						via = "nothing: " + in.Why
					}
					last := ""
					if !in.Last.IsZero() {
						last = e.when(in.Last)
					}
					rows = append(rows, []string{string(in.Account), in.Name, via, strconv.Itoa(in.Requests), size(in.Bytes), last, inputNotes(in)})
				}
				e.table([]string{"ACCOUNT", "NAME", "BY", "KEPT", "SIZE", "LAST", "NOTE"}, rows)
				return nil
			})
		},
	}
}

// inputNotes is what is unusual about an input.
func inputNotes(in api.Input) string {
	var out []string
	s := in.Settings
	if s.Answer.Mode != "" {
		out = append(out, s.Answer.Mode+" answer")
	}
	if s.Transform != "" {
		out = append(out, "transform")
	}
	if s.Ephemeral {
		out = append(out, "ephemeral")
	}
	if in.Rejected > 0 {
		out = append(out, fmt.Sprintf("%d refused", in.Rejected))
	}
	if in.Missed > 0 {
		out = append(out, fmt.Sprintf("%d came too fast to be noted", in.Missed))
	}
	return strings.Join(out, ", ")
}

// input finds one by its account.
func input(ctx context.Context, c *client.Client, id string) (api.Input, error) {
	list, err := c.Inputs(ctx)
	if err != nil {
		return api.Input{}, err
	}
	i := slices.IndexFunc(list, func(in api.Input) bool { return string(in.Account) == id })
	if i < 0 {
		return api.Input{}, fmt.Errorf("no requests arrive at an account %q; see postern inputs", id)
	}
	return list[i], nil
}

func (e *env) inputsShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ACCOUNT", Short: "Show one: its address, how it answers and what it keeps", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				in, err := input(cmd.Context(), c, args[0])
				switch {
				case err != nil:
					return err
				case e.json:
					return e.printJSON(in)
				}
				e.printInput(in)
				return nil
			})
		},
	}
}

func (e *env) printInput(in api.Input) {
	s := in.Settings
	answer := "the platform's own"
	switch {
	case s.Answer.Mode == "static":
		answer = fmt.Sprintf("%q", s.Answer.Body)
	case s.Answer.Mode == "dynamic":
		answer = "what this makes of the event: " + s.Answer.Body
	}
	keep, last, status := "as usual", "", ""
	switch {
	case s.Ephemeral:
		keep = "only when something came"
	case s.Keep > 0 || s.KeepFor > 0:
		number, long := "the usual number of", "the usual time"
		if s.Keep > 0 {
			number = strconv.Itoa(s.Keep)
		}
		if s.KeepFor > 0 {
			long = spanText(s.KeepFor)
		}
		keep = number + " requests, for " + long
	}
	if !in.Last.IsZero() {
		last = e.when(in.Last)
	}
	if s.Answer.Status != 0 {
		status = strconv.Itoa(s.Answer.Status)
	}
	var rows [][]string
	for _, r := range [][2]string{
		{"account", string(in.Account)}, {"name", in.Name}, {"by", in.Via}, {"nothing arrives", in.Why}, {"address", in.Address},
		{"answer", answer}, {"status", status}, {"type", s.Answer.Type}, {"transform", s.Transform}, {"keeps", keep},
		{"kept", fmt.Sprintf("%d, %s", in.Requests, size(in.Bytes))}, {"last", last},
		{"accepted", strconv.FormatUint(in.Accepted, 10)}, {"refused", strconv.FormatUint(in.Rejected, 10)},
	} {
		if r[1] != "" {
			rows = append(rows, r[:])
		}
	}
	e.table([]string{"WHAT", ""}, rows)
}

func (e *env) inputsSet() *cobra.Command {
	var (
		answer, expr, kind, transform, keepFor string
		status, keep                           int
		own, ephemeral                         bool
	)
	cmd := &cobra.Command{
		Use: "set ACCOUNT", Short: "Change how requests are answered and what is kept, at a terminal; what isn't named stays", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeInput,
		Long: `Change how an account's requests are answered and what is kept of them, at a
terminal. What isn't named stays as it is.

  postern inputs set webhook --answer-expr '"took " + string(json.id)'
  postern inputs set webhook --transform 'json.action + ": " + json.title' --keep 2000

Expressions are in the language of routes: see postern routes names. Try one on a
request that is kept: postern inputs try NUMBER EXPRESSION.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f := cmd.Flags()
			if f.NFlag() == 0 {
				return wrong("say what to change: see postern inputs set --help")
			}
			return e.ask(func(c *client.Client) error {
				in, err := input(cmd.Context(), c, args[0])
				if err != nil {
					return err
				}
				s := in.Settings
				switch {
				case own:
					s.Answer = api.InputAnswer{}
				case f.Changed("answer"):
					s.Answer.Mode, s.Answer.Body = "static", answer
				case f.Changed("answer-expr"):
					s.Answer.Mode, s.Answer.Body = "dynamic", expr
				}
				for name, set := range map[string]func() error{
					"status":    func() error { s.Answer.Status = status; return nil },
					"type":      func() error { s.Answer.Type = kind; return nil },
					"transform": func() error { s.Transform = transform; return nil },
					"ephemeral": func() error { s.Ephemeral = ephemeral; return nil },
					"keep":      func() error { s.Keep = keep; return nil },
					"keep-for":  func() (err error) { s.KeepFor, err = parseSpan(keepFor); return err },
				} {
					if f.Changed(name) {
						if err := set(); err != nil {
							return wrong("--%s: %w", name, err)
						}
					}
				}
				in, err = c.SetInput(client.AtTerminal(cmd.Context()), platforms.AccountID(args[0]), s)
				if err != nil {
					return fieldErrors(err)
				}
				if e.json {
					return e.printJSON(in)
				}
				e.say("Saved.")
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&answer, "answer", "", "tell every sender this `TEXT`, once what came is stored")
	f.StringVar(&expr, "answer-expr", "", "tell the sender the text that this `EXPRESSION` makes of the event")
	f.BoolVar(&own, "answer-own", false, "answer as the platform does by itself")
	f.IntVar(&status, "status", 0, "with this status `CODE`, from 200 to 299")
	f.StringVar(&kind, "type", "", "as this media `TYPE`")
	f.StringVar(&transform, "transform", "", "the `EXPRESSION` whose text becomes the message's; empty: as the platform has it")
	f.BoolVar(&ephemeral, "ephemeral", false, "keep nothing of requests and messages but when they came (--ephemeral=false: keep them)")
	f.IntVar(&keep, "keep", 0, "how many `REQUESTS` are kept; 0: the usual 500")
	f.StringVar(&keepFor, "keep-for", "", "for how `LONG` they are kept, as in 36h or 30d; 0: the usual 7d")
	cmd.MarkFlagsMutuallyExclusive("answer", "answer-expr", "answer-own")
	return cmd
}

func (e *env) inputsTry() *cobra.Command {
	return &cobra.Command{
		Use: "try NUMBER EXPRESSION", Short: "Say what text an expression makes of a request that is kept; exit code 1 if none", Args: args(cobra.ExactArgs(2)), ValidArgsFunction: e.completeRequest(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := requestID(args[0])
			if err != nil {
				return err
			}
			return e.ask(func(c *client.Client) error {
				out, err := c.TryInput(cmd.Context(), api.InputTrial{Request: id, Expr: args[1]})
				if err != nil {
					return err
				}
				if e.json {
					if err := e.printJSON(out); err != nil || out.Problem == "" {
						return err
					}
				}
				if out.Problem != "" {
					return errors.New(out.Problem)
				}
				e.block(out.Text)
				return nil
			})
		},
	}
}

func (e *env) completeInput(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		list, _ := c.Inputs(ctx)
		for _, in := range list {
			out = append(out, word(string(in.Account), in.Name)...)
		}
		return out
	})
}

// completeRequest completes the first n arguments with the newest requests.
func (e *env) completeRequest(n int) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		out, directive := e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
			list, _ := c.Requests(ctx, api.InputQuery{Limit: 20})
			for _, r := range list {
				out = append(out, word(strconv.FormatUint(r.ID, 10), string(r.Account)+": "+r.Line)...)
			}
			return out
		})
		return out, directive | cobra.ShellCompDirectiveKeepOrder
	}
}

func requestID(s string) (uint64, error) {
	id, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, wrong("a request is named by its number, as postern requests shows it")
	}
	return id, nil
}
