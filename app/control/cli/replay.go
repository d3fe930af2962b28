package cli

import (
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

// replayMost bounds a body that is read from a file, in bytes.
const replayMost = 1 << 20

func (e *env) replay() *cobra.Command {
	var (
		r                  api.Replay
		body, text, method string
		header             []string
		byRequest          bool
	)
	cmd := &cobra.Command{
		Use: "replay NUMBER", Short: "Hand a message, or with --request a request, to responders once more, at a terminal", Args: args(cobra.ExactArgs(1)),
		Long: `Hand a message to responders once more, at a terminal: to those who would get
it now, or to those that --to names. With --request the number is a request's, as
postern requests shows it.

It is a message of its own, with an id of its own, so that no service takes it for
one that it has seen. What is answered is printed; it is sent only with --send. A
responder does what it does: one that forwards calls its service.`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if byRequest {
				return e.completeRequest(1)(cmd, args, typed)
			}
			return e.completeMessage(cmd, args, typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil || id == 0 {
				return wrong("a message is named by its number, as postern inbox shows it, and a request as postern requests does")
			}
			if r.Entry = id; byRequest {
				r.Entry, r.Request = 0, id
			}
			f := cmd.Flags()
			if f.Changed("text") {
				r.Text = &text
			}
			if f.Changed("method") {
				r.Method = &method
			}
			if r.Header, err = readHeader(header); err != nil {
				return err
			}
			if f.Changed("body") {
				if r.Body, err = e.readBody(body); err != nil {
					return err
				}
			}
			return e.ask(func(c *client.Client) error {
				out, err := c.Replay(client.AtTerminal(cmd.Context()), r)
				if err != nil {
					return err
				}
				return e.printReplayed(out)
			})
		},
	}
	f := cmd.Flags()
	f.BoolVar(&byRequest, "request", false, "the number is a request's")
	f.StringSliceVar(&r.To, "to", nil, "the `RESPONDER` to hand it to; several with commas")
	f.StringVar(&text, "text", "", "with this `TEXT` instead")
	f.StringVar(&method, "method", "", "with this `METHOD` instead")
	f.StringArrayVar(&header, "header", nil, "with this `NAME: VALUE` among its headers, of which none is kept then; may be given more than once")
	f.StringVar(&body, "body", "", "with the content of this `FILE` as its body; - is standard input")
	f.BoolVar(&r.Send, "send", false, "send what is answered into the conversation")
	_ = cmd.RegisterFlagCompletionFunc("to", func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
		return e.completeResponder(0)(cmd, nil, typed)
	})
	return cmd
}

func readHeader(lines []string) (map[string][]string, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	out := map[string][]string{}
	for _, l := range lines {
		name, value, ok := strings.Cut(l, ":")
		if name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)); !ok || name == "" {
			return nil, wrong("write a header as NAME: VALUE")
		}
		out[name] = append(out[name], strings.TrimSpace(value))
	}
	return out, nil
}

func (e *env) readBody(path string) ([]byte, error) {
	in := e.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("the body can't be read: %w", err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, replayMost+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the body can't be read: %w", err)
	case len(b) > replayMost:
		return nil, errors.New("the body is larger than 1 MiB")
	case b == nil:
		b = []byte{}
	}
	return b, nil
}

func (e *env) printReplayed(out api.Replayed) error {
	failed := 0
	for _, r := range out.Results {
		if r.Error != "" {
			failed++
		}
	}
	if e.json {
		if err := e.printJSON(out); err != nil {
			return err
		}
	} else {
		for _, r := range out.Results {
			words := fmt.Sprintf("%s, in %v", r.Label, r.Took.Round(time.Millisecond))
			switch {
			case r.Error != "":
				words += ": " + r.Error
			case len(r.Answers) == 0:
				words += ": no answer"
			case r.Sent:
				words += ", sent:"
			default:
				words += ", not sent:"
			}
			e.row([]string{words})
			for _, a := range r.Answers {
				e.block(a)
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d responders failed", failed, len(out.Results))
	}
	return nil
}
