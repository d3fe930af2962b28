package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/inspect"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// requests holds what can be done with what came.
func (e *env) requests() *cobra.Command {
	return group("requests", "The requests that came, and those that were turned away",
		e.requestsList(), e.requestsShow(), e.requestsCompare(), e.requestsForget())
}

func (e *env) requestsList() *cobra.Command {
	var (
		q                 api.InputQuery
		refused, verified bool
	)
	cmd := &cobra.Command{
		Use: "list", Short: "List them, newest first", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case refused:
				q.Only = "refused"
			case verified:
				q.Only = "verified"
			}
			return e.ask(func(c *client.Client) error {
				list, err := c.Requests(cmd.Context(), q)
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(append([]api.InputRequest{}, list...))
				}
				if len(list) == 0 {
					e.say("Nothing of the kind has come, or it is not kept any more.")
					return nil
				}
				var rows [][]string
				for _, r := range list {
					rows = append(rows, []string{strconv.FormatUint(r.ID, 10), e.when(r.At), string(r.Account), r.Method, strconv.Itoa(r.Status), verdict(r), size(r.Size), subject(r)})
				}
				e.table([]string{"NUMBER", "TIME", "ACCOUNT", "METHOD", "STATUS", "RESULT", "SIZE", "CONTENT"}, rows)
				return nil
			})
		},
	}
	f := cmd.Flags()
	f.StringVar((*string)(&q.Account), "account", "", "of one `ACCOUNT` only")
	f.StringVar(&q.Text, "search", "", "with `TEXT` in their query, headers or body")
	f.BoolVar(&refused, "refused", false, "only those that were turned away")
	f.BoolVar(&verified, "verified", false, "only those that were not")
	f.IntVar(&q.Limit, "limit", 0, "at most `N` (100 if left out)")
	f.Uint64Var(&q.Before, "before", 0, "older than number `N`")
	cmd.MarkFlagsMutuallyExclusive("refused", "verified")
	_ = cmd.RegisterFlagCompletionFunc("account", e.completeInput)
	return cmd
}

// verdict is what became of a request, in a few words.
func verdict(r api.InputRequest) string {
	switch {
	case !r.Verified:
		return "refused: " + r.Why
	case r.Status < 200 || r.Status > 299:
		return "failed: " + r.Why
	case r.Again:
		return "came again"
	}
	return "taken"
}

// subject is what a request holds, in a line.
func subject(r api.InputRequest) string {
	switch {
	case r.Erased:
		return "(not kept)"
	case r.Line != "":
		return r.Line
	}
	return strings.Join(http.Header(r.Header).Values("Content-Type"), ", ")
}

func (e *env) requestsShow() *cobra.Command {
	var (
		curl, raw bool
		save      string
	)
	cmd := &cobra.Command{
		Use: "show NUMBER", Short: "Show one request; or as a command for a shell, or as a file", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeRequest(1),
		Long: `Show one request: what is kept of it.

--curl prints a command for a POSIX shell that sends the same request to the
input's address, --http the request as it stands on the wire. What lets its
holder act was not kept, and stands as [masked]. --save writes what would be
printed into a new file.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := requestID(args[0])
			if err != nil {
				return err
			}
			return e.ask(func(c *client.Client) error {
				r, err := c.Request(cmd.Context(), id)
				if err != nil {
					return err
				}
				var out []byte
				switch {
				case curl:
					line, bad := inspect.Curl(r, address(cmd.Context(), c, r.Account))
					out, err = []byte(line+"\n"), bad
				case raw || save != "" && !e.json:
					out, err = inspect.HTTP(r, address(cmd.Context(), c, r.Account))
				}
				switch {
				case err != nil:
					return err
				case e.json && save == "":
					return e.printJSON(r)
				case out == nil && save == "":
					e.printRequest(r)
					return nil
				case e.json:
					return errors.New("--save and --json don't go together; redirect the output")
				case save != "":
					return e.told(saveTo(save, bytes.NewReader(out)), "Saved %s.", save)
				}
				if f, ok := e.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
					e.block(string(out)) // a terminal obeys what others may have sent
					return nil
				}
				_, err = e.Out.Write(out)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&curl, "curl", false, "print a command that sends it")
	f.BoolVar(&raw, "http", false, "print it as it stands on the wire")
	f.StringVar(&save, "save", "", "write it into a new `FILE` instead, as it stands on the wire or, with --curl, as a command")
	cmd.MarkFlagsMutuallyExclusive("curl", "http")
	return cmd
}

// address is where an input's requests come in, or where a local service may
// listen.
func address(ctx context.Context, c *client.Client, id platforms.AccountID) string {
	list, _ := c.Inputs(ctx)
	if i := slices.IndexFunc(list, func(in api.Input) bool { return in.Account == id }); i >= 0 {
		return inspect.Address(list[i])
	}
	return inspect.Address(api.Input{})
}

// printRequest prints all that is kept of a request.
func (e *env) printRequest(r api.InputRequest) {
	e.row([]string{fmt.Sprint("Number: ", r.ID)})
	e.row([]string{"Time: " + e.when(r.At)})
	e.row([]string{"Account: " + string(r.Account)})
	by := r.Via
	if r.From != "" {
		by += ", from " + r.From
	}
	e.row([]string{"By: " + by})
	e.row([]string{fmt.Sprintf("Result: %s, answered %d in %v", verdict(r), r.Status, r.Took.Round(10*time.Microsecond))})
	if r.Answer != "" {
		e.row([]string{"Answer: " + r.Answer})
	}
	if len(r.Entries) > 0 {
		e.row([]string{"Message: " + strings.Trim(fmt.Sprint(r.Entries), "[]")})
	}
	if r.Why != "" {
		e.row([]string{"Note: " + r.Why})
	}
	if r.Masked > 0 {
		e.row([]string{fmt.Sprintf("Masked: %d values that let their holder act", r.Masked)})
	}
	if r.Erased {
		e.say("What it held is not kept.")
		return
	}
	e.say("")
	e.row([]string{strings.TrimSpace(r.Method + " " + inspect.URL(r, ""))})
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			e.row([]string{name + ": " + v})
		}
	}
	e.say("")
	switch {
	case len(r.Body) == 0:
		e.say("No body.")
	case !utf8.Valid(r.Body) && !r.Cut:
		e.say("%s that are no text. Save them: postern requests show %d --save FILE", size(int64(len(r.Body))), r.ID)
	default:
		e.block(string(inspect.Pretty(r.Body)))
		if r.Cut {
			e.say("… of %s only the beginning is kept.", size(r.Size))
		}
	}
}

func (e *env) requestsCompare() *cobra.Command {
	return &cobra.Command{
		Use: "compare NUMBER OTHER", Short: "Show in what two requests differ", Args: args(cobra.ExactArgs(2)), ValidArgsFunction: e.completeRequest(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			var rs [2]api.InputRequest
			return e.ask(func(c *client.Client) error {
				for i, s := range args {
					id, err := requestID(s)
					if err != nil {
						return err
					}
					if rs[i], err = c.Request(cmd.Context(), id); err != nil {
						return err
					}
				}
				lines := inspect.Diff(rs[0], rs[1])
				if e.json {
					return e.printJSON(lines)
				}
				for _, l := range lines {
					if l.Mark == "" {
						e.row([]string{"@ " + l.Text})
						continue
					}
					deep := l.Text[:len(l.Text)-len(strings.TrimLeft(l.Text, " "))] // how deep it stands in the body
					fmt.Fprintln(e.Out, strings.TrimRight(l.Mark+" "+deep+text.Line(l.Text, 0), " "))
				}
				return nil
			})
		},
	}
}

func (e *env) requestsForget() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use: "forget [ACCOUNT]", Short: "Drop what is kept of an account's requests, or with --all of all", Args: args(cobra.MaximumNArgs(1)), ValidArgsFunction: e.completeInput,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return wrong("name the account, or say --all")
			}
			id := ""
			if !all {
				id = args[0]
			}
			return e.ask(func(c *client.Client) error {
				return e.told(c.ForgetRequests(cmd.Context(), platforms.AccountID(id)), "Dropped.")
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "of all accounts")
	return cmd
}
