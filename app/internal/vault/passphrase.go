package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/postern/postern/platforms"
)

// Passphrase gives the passphrase of a sealed file. It is called once for each
// opening; its context's end ends the wait.
type Passphrase func(ctx context.Context) (platforms.Secret, error)

// maxPassphrase bounds what is read as a passphrase, in bytes.
const maxPassphrase = 4 << 10

var errLongPassphrase = fmt.Errorf("the passphrase is longer than %d bytes; give a file or stream that holds nothing else", maxPassphrase)

// FromFile reads the passphrase from a file that nobody else can read, without
// the newline at its end.
func FromFile(path string) Passphrase {
	return func(ctx context.Context) (platforms.Secret, error) {
		if err := ctx.Err(); err != nil {
			return platforms.Secret{}, err
		}
		// A link is fine, as secrets are often mounted so; a pipe would block.
		info, err := os.Stat(path)
		if err != nil {
			return platforms.Secret{}, fmt.Errorf("the passphrase file can't be read; check its path and that it is yours (%w)", err)
		}
		if !info.Mode().IsRegular() {
			return platforms.Secret{}, &Unavailable{Reason: Unsafe, Where: path, Detail: "it is no ordinary file; name one"}
		}
		f, err := os.Open(path)
		if err != nil {
			return platforms.Secret{}, fmt.Errorf("the passphrase file can't be read; check its path and that it is yours (%w)", err)
		}
		defer f.Close()
		if err := fileSafe(f, path); err != nil {
			return platforms.Secret{}, err
		}
		return readPassphrase(f)
	}
}

// FromFD reads the passphrase from an open file descriptor, such as a pipe that
// the starting program holds, up to its end, and closes it: it gives a
// passphrase once.
func FromFD(fd int) Passphrase {
	return func(ctx context.Context) (platforms.Secret, error) {
		f := os.NewFile(uintptr(fd), "passphrase")
		if f == nil {
			return platforms.Secret{}, fmt.Errorf("file descriptor %d is none; name one that is open", fd)
		}
		return await(ctx, func() (platforms.Secret, error) {
			defer f.Close()
			return readPassphrase(f)
		})
	}
}

// FromPrompt asks at the terminal in, without echo; the question goes to out.
func FromPrompt(in *os.File, out io.Writer) Passphrase {
	return func(ctx context.Context) (platforms.Secret, error) {
		return prompt(ctx, in, out, "Passphrase of the sealed file: ")
	}
}

// FromNewPrompt asks for a new passphrase, twice.
func FromNewPrompt(in *os.File, out io.Writer) Passphrase {
	return func(ctx context.Context) (platforms.Secret, error) {
		first, err := prompt(ctx, in, out, fmt.Sprintf("New passphrase, at least %d characters: ", minPassphrase))
		if err != nil {
			return platforms.Secret{}, err
		}
		second, err := prompt(ctx, in, out, "The same again: ")
		if err != nil {
			return platforms.Secret{}, err
		}
		if first.Reveal() != second.Reveal() {
			return platforms.Secret{}, errors.New("the two passphrases differ; try again")
		}
		return first, nil
	}
}

func prompt(ctx context.Context, in *os.File, out io.Writer, question string) (platforms.Secret, error) {
	fd := int(in.Fd())
	if !term.IsTerminal(fd) {
		return platforms.Secret{}, errors.New("there is no terminal to ask for the passphrase; name a passphrase file instead")
	}
	before, err := term.GetState(fd)
	if err != nil {
		return platforms.Secret{}, fmt.Errorf("ask for the passphrase: %w", err)
	}
	fmt.Fprint(out, question)
	secret, err := await(ctx, func() (platforms.Secret, error) {
		b, err := term.ReadPassword(fd)
		if err != nil {
			return platforms.Secret{}, fmt.Errorf("ask for the passphrase: %w", err)
		}
		return platforms.NewSecret(string(b)), nil
	})
	if ctx.Err() != nil {
		_ = term.Restore(fd, before) // the echo was off
	}
	fmt.Fprintln(out)
	return secret, err
}

// await waits for read or the context's end. A read that nothing can interrupt
// then stays until its input ends: at a terminal that is the process's end,
// which is what cancelling the question leads to.
func await(ctx context.Context, read func() (platforms.Secret, error)) (platforms.Secret, error) {
	type outcome struct {
		secret platforms.Secret
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		o.secret, o.err = read()
		done <- o
	}()
	select {
	case o := <-done:
		return o.secret, o.err
	case <-ctx.Done():
		return platforms.Secret{}, fmt.Errorf("wait for the passphrase: %w", ctx.Err())
	}
}

func readPassphrase(r io.Reader) (platforms.Secret, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPassphrase+1))
	if err != nil {
		return platforms.Secret{}, fmt.Errorf("read the passphrase: %w", err)
	}
	if len(b) > maxPassphrase {
		return platforms.Secret{}, errLongPassphrase
	}
	text := strings.TrimSuffix(string(b), "\n")
	return platforms.NewSecret(strings.TrimSuffix(text, "\r")), nil
}
