package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/postern/postern/platforms/text"
)

// maxInput bounds what is read from standard input as text or secrets, in
// bytes.
const maxInput = 1 << 20

// terminal is the terminal at which somebody can be asked, if there is one.
func (e *env) terminal() (*os.File, bool) {
	in, ok := e.In.(*os.File)
	return in, ok && term.IsTerminal(int(in.Fd()))
}

// line asks for one line. ok is false where nobody can be asked.
func (e *env) line(ctx context.Context, question string) (answer string, ok bool, err error) {
	in, ok := e.terminal()
	if !ok {
		return "", false, nil
	}
	fmt.Fprint(e.Err, text.Line(question, 0)+" ")
	answer, err = await(ctx, func() (string, error) { return readLine(in) })
	return strings.TrimSpace(answer), true, err
}

// secret asks for one line without echo. ok is false where nobody can be asked.
func (e *env) secret(ctx context.Context, question string) (answer string, ok bool, err error) {
	in, ok := e.terminal()
	if !ok {
		return "", false, nil
	}
	fd := int(in.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", true, fmt.Errorf("ask at the terminal: %w", err)
	}
	fmt.Fprint(e.Err, text.Line(question, 0)+" ")
	answer, err = await(ctx, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // the echo was off
	}
	fmt.Fprintln(e.Err)
	return strings.TrimSpace(answer), true, err
}

// confirm asks a question whose safe answer is no.
func (e *env) confirm(ctx context.Context, question string) (yes, ok bool, err error) {
	answer, ok, err := e.line(ctx, question+" [y/N]")
	switch strings.ToLower(answer) {
	case "y", "yes":
		return true, ok, err
	}
	return false, ok, err
}

// await waits for read or the context's end. A read at a terminal can't be
// interrupted; it ends with the process, which is what cancelling leads to.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type outcome struct {
		text string
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		text, err := read()
		done <- outcome{text, err}
	}()
	select {
	case o := <-done:
		return o.text, o.err
	case <-ctx.Done():
		return "", errors.New("interrupted; nothing was changed")
	}
}

// readLine reads up to a line break, byte by byte: what follows is for the next
// question.
func readLine(in io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < 4096; {
		n, err := in.Read(b)
		if n == 1 && b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[:n]...)
		if errors.Is(err, io.EOF) {
			return string(line), nil
		}
		if err != nil {
			return "", fmt.Errorf("read the answer: %w", err)
		}
	}
	return "", errors.New("the answer is too long")
}

// input is all of standard input.
func (e *env) input(ctx context.Context) (string, error) {
	return await(ctx, func() (string, error) {
		b, err := io.ReadAll(io.LimitReader(e.In, maxInput+1))
		if err != nil {
			return "", fmt.Errorf("read standard input: %w", err)
		}
		if len(b) > maxInput {
			return "", errors.New("standard input is longer than 1 MiB; send a file with --file instead")
		}
		return string(b), nil
	})
}
