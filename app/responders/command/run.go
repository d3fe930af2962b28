package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/internal/process"
	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

const (
	// grace is how long a program may take to end after it was asked to, and
	// how long what it left behind may keep its output open.
	grace = 2 * time.Second
	// tailBytes is how much of standard error is kept.
	tailBytes = 4 << 10
	// temporary is EX_TEMPFAIL of BSD's sysexits.h.
	temporary = 75
	// mostAnswers bounds the messages that one run may send.
	mostAnswers = 50
)

// end is how a run ended.
type end string

const (
	finished   end = "finished" // by itself; the exit code says how
	tooLong    end = "time limit"
	tooMuch    end = "output limit"
	cancelled  end = "cancelled"
	notStarted end = "not started"
)

// Causes for which a run's context ends.
var (
	errTooLong = errors.New("time limit")
	errTooMuch = errors.New("output limit")
)

// run is one run of the program, after its end.
type run struct {
	end  end
	code int    // exit code; -1 when a signal ended it
	how  string // in words: "exit status 1", "signal: killed"
	err  error  // why it did not start
	out  *capped
	tail *process.Tail
	took time.Duration
}

// run starts the program and returns after its end, at the latest grace after
// the time limit or until's end. No process of its group is left then.
func (r *Responder) run(until context.Context, args, env []string, event []byte) run {
	began := time.Now()
	ctx, stop := context.WithTimeoutCause(until, r.c.Timeout, errTooLong)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	res := run{out: &capped{most: r.c.Output, full: func() { cancel(errTooMuch) }}, tail: process.NewTail(tailBytes + r.longest)}
	cmd := exec.CommandContext(ctx, r.c.Program, args...)
	cmd.Dir, cmd.Env = r.c.Dir, env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(event), res.out, res.tail
	cmd.WaitDelay = grace
	g, err := process.Prepare(cmd)
	if err == nil {
		err = g.Start()
	}
	if err != nil {
		res.end, res.err = notStarted, err
		if until.Err() != nil {
			res.end = cancelled
		}
		return res
	}
	err = cmd.Wait()
	g.Kill() // whatever it left behind
	res.took = time.Since(began)
	res.code, res.how = cmd.ProcessState.ExitCode(), cmd.ProcessState.String()
	switch {
	case res.out.over:
		res.end = tooMuch
	// A program that ended by itself just before the limit has done its work.
	case err == nil || ctx.Err() == nil:
		res.end = finished
	case errors.Is(context.Cause(ctx), errTooLong):
		res.end = tooLong
	default:
		res.end = cancelled
	}
	return res
}

// answer is what a run amounts to.
func (r *Responder) answer(ctx context.Context, d app.Delivery, res run) ([]platforms.Message, error) {
	name := r.c.base()
	switch res.end {
	case cancelled:
		return nil, fmt.Errorf("the program %s was stopped: %w", name, context.Cause(ctx))
	case notStarted:
		return nil, failedStart(name, res.err)
	case tooLong:
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
			"The program %s was still running after %v and was stopped. Give it more time, or make it quicker.%s", name, r.c.Timeout, r.said(res))}
	case finished:
		if res.code == temporary {
			return nil, &platforms.Error{Kind: platforms.Temporary, Text: fmt.Sprintf(
				"The program %s said that it can't work now (exit code %d).%s", name, res.code, r.said(res))}
		}
		if res.code != 0 {
			return nil, &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
				"The program %s failed (%s).%s", name, res.how, r.said(res))}
		}
	}
	answers := r.read(res)
	for i := range answers {
		answers[i].ReplyTo = d.Event.Message
	}
	return answers, nil
}

// said is the end of standard error, for the reason in the activity.
func (r *Responder) said(res run) string {
	s := res.tail.Said(r.hide...)
	if s == "" {
		return " It said nothing on its standard error; run it by hand to see more."
	}
	return " It said: " + s
}

func failedStart(name string, err error) error {
	kind, why := platforms.Rejected, "Check it in the settings."
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ETXTBSY) {
		kind, why = platforms.Temporary, "The computer is short of something; it may work later."
	}
	return &platforms.Error{Kind: kind, Text: fmt.Sprintf("The program %s could not be started: %s. %s", name, process.Cause(err), why), Err: err}
}

// read makes messages of the output, and says if it is not all.
func (r *Responder) read(res run) []platforms.Message {
	rules := wire.Rules{Folder: r.c.Files}
	if r.c.Markdown {
		rules.Format = platforms.Markdown
	}
	// No secret that the program was given is sent into a chat.
	out := []byte(platforms.Redact(res.out.b.String(), r.hide...))
	var note string
	if res.out.over {
		out = out[:max(0, len(out)-r.longest)] // it may end with the beginning of one
		note = fmt.Sprintf("(The program %s wrote more than %d KiB and was stopped; the rest is missing.)", text.Line(r.c.base(), 100), r.c.Output>>10)
	}
	if !r.c.Lines {
		m, ok := rules.Message(out)
		if note != "" {
			m.Text = strings.TrimLeft(m.Text+"\n\n"+note, "\n")
		}
		if !ok && note == "" {
			return nil
		}
		return []platforms.Message{m}
	}
	if res.out.over { // its last line is half a line
		out = out[:bytes.LastIndexByte(out, '\n')+1]
	}
	answers := readLines(rules, out)
	if len(answers) > mostAnswers {
		answers = answers[:mostAnswers]
		if note == "" {
			note = fmt.Sprintf("(The program %s gave more than %d answers; the rest is missing.)", text.Line(r.c.base(), 100), mostAnswers)
		}
	}
	if note != "" {
		answers = append(answers, platforms.Message{Text: note})
	}
	return answers
}

// readLines reads a JSON object per line. Lines that are none, a warning of
// some library for one, become text; those next to each other, one text.
func readLines(rules wire.Rules, out []byte) (answers []platforms.Message) {
	var loose []byte
	flush := func() {
		if m, ok := rules.Message(loose); ok {
			m.Format = platforms.Plain // nobody said that it is more
			answers = append(answers, m)
		}
		loose = nil
	}
	for line := range bytes.Lines(out) {
		m, err := rules.Parse(line)
		if err != nil {
			loose = append(loose, line...)
			continue
		}
		flush()
		if !wire.Empty(m) {
			answers = append(answers, m)
		}
	}
	flush()
	return answers
}

// capped keeps the first bytes that are written to it. When there are more, it
// calls full once and refuses.
type capped struct {
	b    bytes.Buffer
	n    int64 // bytes kept
	most int
	over bool
	full func()
}

func (c *capped) Write(p []byte) (int, error) {
	if c.over {
		return 0, errTooMuch
	}
	room := c.most - c.b.Len()
	if len(p) <= room {
		c.n += int64(len(p))
		return c.b.Write(p)
	}
	c.b.Write(p[:room])
	c.n += int64(room)
	c.over = true
	c.full()
	return room, errTooMuch
}
