// Package command is the responder that runs a program of the person's own for
// an event, and answers with what the program writes.
//
// The program is started directly: there is no shell, and its arguments are
// those that the person wrote. It gets the event as JSON on its standard input
// (see package wire), a few facts as environment variables, and nothing else of
// Postern's environment but what Config names.
//
//	POSTERN_VERSION       of the event's JSON
//	POSTERN_EVENT         the event's id, equal each time it is handed over
//	POSTERN_KIND          message, click, …
//	POSTERN_ACCOUNT       the account's id
//	POSTERN_CONVERSATION  ids, as the platform writes them, but for this:
//	POSTERN_THREAD        what is not an ASCII letter, digit or one of "_-.:@=+,"
//	POSTERN_MESSAGE       stands as %XX, and so does a dot at the beginning; a
//	POSTERN_USER_ID       long one ends in a hash. The exact ones are in the JSON.
//
// Names and texts, which anyone can choose, are in the JSON only.
//
// What it writes to its standard output is the answer: text, or a JSON object
// per line. Nothing written is no answer. The end of what it writes to its
// standard error is told to the person when it fails. It fails by an exit code
// other than 0; 75 (EX_TEMPFAIL of sysexits.h) says that it may work later.
//
// A program runs in a process group of its own (on Windows: a job object). When
// it ends, what it started and left behind in there ends too. When it has to
// stop, the group is asked to first (SIGTERM), and killed two seconds later. A
// process that left the group on purpose, by setsid, is not found; but it can't
// keep Postern waiting. Its memory and its processor time are not limited.
//
// After a crash of Postern an event may be handed to it a second time, with the
// same POSTERN_EVENT.
package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
)

// Responder runs one configured program. It is safe for concurrent use.
type Responder struct {
	c    Config
	gate *gate
	log  *slog.Logger
	env  []string // the part that is the same for each run
	// hide is masked in all that the program writes; longest is of its bytes.
	hide    []platforms.Secret
	longest int
}

var _ app.Responder = (*Responder)(nil)

// New makes a Responder from a configuration that passes Config.Check. It looks at the
// environment once: what the program gets of it stays the same. log may be nil.
func New(c Config, log *slog.Logger) (*Responder, error) {
	c = c.filled()
	if err := c.Check(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Responder{c: c, gate: newGate(c.Parallel), log: log, env: c.environment(os.LookupEnv)}
	r.hide = c.secrets(os.LookupEnv)
	for _, v := range r.hide {
		r.longest = max(r.longest, len(v.Reveal()))
	}
	return r, nil
}

// Name is Config.Name.
func (r *Responder) Name() string { return r.c.Name }

// Acts is true: a program can do anything.
func (r *Responder) Acts() bool { return true }

// Respond runs the program. Its errors are *platforms.Error: Temporary where
// the program was not run, or said by its exit code that it may work later;
// Rejected where it ran and failed, because another run would do its work twice.
// When ctx ends, it stops the program and returns ctx's error.
func (r *Responder) Respond(ctx context.Context, d app.Delivery) ([]platforms.Message, error) {
	if !wire.Wants(r.c.Kinds, d.Event) {
		return nil, nil
	}
	args, err := r.c.arguments(d)
	if err != nil {
		return nil, err
	}
	event, err := wire.Of(d).JSON()
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The event can't be written as JSON for the program.", Err: err}
	}
	leave, err := r.gate.enter(ctx, lane{d.Account, d.Event.Conversation.ID}, r.c.Wait)
	switch {
	case errors.Is(err, errBusy):
		return nil, &platforms.Error{Kind: platforms.Temporary, RetryAfter: r.c.Wait,
			Text: fmt.Sprintf("The program %s was busy for %v, so it was not run. Allow more at once, or make it quicker.", r.c.base(), r.c.Wait)}
	case err != nil:
		return nil, fmt.Errorf("waiting for the program's turn: %w", err)
	}
	defer leave()
	run := r.run(ctx, args, append(facts(d), r.env...), event)
	r.log.Debug("a program ran", "program", r.c.base(), "seq", d.Seq, "ended", run.end, "out", run.out.n, "took", run.took)
	return r.answer(ctx, d, run)
}
