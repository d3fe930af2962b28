package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// storeRetry is how long a lane rests when the journal refuses it.
const storeRetry = 10 * time.Second

// ahead is how many steps of one conversation may await the journal at once.
// They stay in order; waiting for each one's fsync would cap a busy
// conversation at the disk's pace.
const ahead = 32

// deliver hands one conversation's stored events to the responders, in order.
func (a *App) deliver(ctx context.Context, l lane) (again time.Time) {
	acc, err := a.account(l.account)
	if err != nil {
		return time.Time{} // removed
	}
	for !a.stopping() {
		var steps steps
		n, again := a.deliverSome(ctx, acc, l, &steps)
		if err := steps.wait(); err != nil {
			if ctx.Err() == nil {
				acc.log.Error("an event could not be finished; it is tried again", "err", err)
			}
			return a.now().Add(storeRetry)
		}
		if n == 0 || !again.IsZero() {
			return again
		}
	}
	return time.Time{}
}

// deliverSome works on up to ahead events and returns how many it had.
func (a *App) deliverSome(ctx context.Context, acc *account, l lane, s *steps) (n int, again time.Time) {
	for after := uint64(0); n < ahead && !s.failed() && !a.stopping(); n++ {
		job, ok, err := a.store.NextJob(l.account, l.conversation, after)
		if err != nil {
			s.fail(err)
			return n, time.Time{}
		}
		if !ok {
			return n, time.Time{}
		}
		after = job.Seq
		if here := job.Event.Conversation.ID; here != l.conversation {
			a.inbound.signal(lane{l.account, here}) // it moved: its own lane delivers
			return 0, time.Time{}
		}
		if !a.claims.take(job.Seq) {
			return n, a.now().Add(time.Second) // the former lane is still at it
		}
		s.begin()
		err = a.deliverOne(ctx, acc, job, func(err error) {
			a.claims.release(job.Seq)
			s.end(err)
		})
		if err != nil { // ended before it had anything to record
			a.claims.release(job.Seq)
			s.end(err)
		}
	}
	return n, time.Time{}
}

// deliverOne hands one event to every responder that may have it and ends its
// job in the journal together with the last answer. done is called, with the
// journal's verdict, once unless deliverOne itself returns an error; then the
// job is still there.
func (a *App) deliverOne(ctx context.Context, acc *account, job store.Job, done func(error)) error {
	acc.mu.Lock()
	label, ephemeral := acc.rec.Name, acc.rec.Ephemeral
	acc.mu.Unlock()
	d := Delivery{Seq: job.Seq, Account: job.Account, Label: label, Event: job.Event,
		Stored: job.Stored, Away: job.Away, Stranger: job.Stranger}
	outcome, answers, names, err := a.ask(ctx, acc, job, d)
	if err != nil {
		return err
	}
	refuse := func(err error) {
		outcome = store.Outcome{Status: store.Failed, Why: "the answer can't be sent: " + platforms.Explain(err)}
		acc.log.Warn("an answer was refused", "seq", job.Seq, "err", err)
		acc.fail(&acc.answers, outcome.Why)
	}
	finished := func(err error) {
		if err == nil && outcome.Status == store.Delivered {
			acc.prove(&acc.answers)
		}
		a.changed()
		done(err)
	}
	finish := func() {
		routed := a.routed(job, outcome, names)
		outcome.Activity = &routed
		finished(a.store.FinishJob(ctx, job.Seq, outcome))
	}
	if len(answers) == 0 {
		finish() // here, so that the activity keeps the order
		return nil
	}
	last := len(answers) - 1
	for _, m := range answers[:last] {
		_, err := a.enqueue(ctx, acc, store.Outgoing{Account: job.Account, Message: m, Ephemeral: ephemeral, Answers: job.Seq})
		switch {
		case refused(err):
			refuse(err)
		case err != nil:
			return err
		}
	}
	routed := a.routed(job, outcome, names)
	outcome.Activity = &routed
	end := outcome // what is queued does not change with refuse
	out := store.Outgoing{Account: job.Account, Message: answers[last], Ephemeral: ephemeral, Answers: job.Seq, Finish: &end}
	a.enqueueAsync(ctx, acc, out, func(err error) {
		switch {
		case refused(err): // trying again would ask the responder for ever
			refuse(err)
			go finish()
		case err == nil && a.unfinished(job.Seq):
			go finish() // the answer's key was known: nothing was stored
		default:
			finished(err)
		}
	})
	return nil
}

// refused reports whether the journal will never take a message.
func refused(err error) bool {
	return errors.Is(err, store.ErrState) || errors.Is(err, store.ErrTooBig)
}

// unfinished reports whether an event's job is still to be done.
func (a *App) unfinished(seq uint64) bool {
	e, err := a.store.Entry(seq)
	return err == nil && e.Status == store.Received
}

// ask has the responders answer one event.
func (a *App) ask(ctx context.Context, acc *account, job store.Job, d Delivery) (outcome store.Outcome, answers []platforms.Message, names []string, err error) {
	limit := a.Settings().AskAfter
	old := limit > 0 && a.now().Sub(job.Event.Time) > limit
	outcome.Status = store.Delivered
	for _, r := range a.o.Responders {
		switch {
		case job.Released && !r.Acts():
			continue // it was told before the person decided
		case r.Acts() && old && !job.Released:
			outcome = store.Outcome{Status: store.HeldBack,
				Why: "older than " + limit.String() + ": say whether to act on it"}
			continue
		}
		got, err := a.respond(ctx, acc, r, d)
		if err != nil {
			if ctx.Err() != nil {
				return outcome, nil, nil, ctx.Err()
			}
			outcome = store.Outcome{Status: store.Failed, Why: r.Name() + ": " + platforms.Explain(err)}
			acc.log.Warn("a responder failed", "responder", r.Name(), "seq", job.Seq, "err", err)
			acc.fail(&acc.answers, outcome.Why)
			continue
		}
		names = append(names, r.Name())
		for i, m := range got {
			answers = append(answers, answer(job, r.Name(), i, m))
		}
	}
	return outcome, answers, names, nil
}

// routed is the line of activity for an event that was handed on.
func (a *App) routed(job store.Job, o store.Outcome, names []string) store.Activity {
	what, why := api.Routed, "handed to "+strings.Join(names, ", ")
	switch {
	case o.Status == store.HeldBack || o.Status == store.Failed:
		what, why = api.Ignored, o.Why
	case len(names) == 0:
		what, why = api.Ignored, "no responder wanted it"
	}
	return store.Activity{At: a.now(), What: string(what), Account: job.Account, Conversation: job.Event.Conversation.ID,
		Who: job.Event.From.Name, Why: why, Entry: job.Seq}
}

// respond calls one responder and survives its panic.
func (a *App) respond(ctx context.Context, acc *account, r Responder, d Delivery) (ms []platforms.Message, err error) {
	if r.Acts() {
		defer acc.typing(ctx, d.Event)()
	}
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("panic in a responder", "responder", r.Name(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			ms, err = nil, errors.New("a fault inside it ended this answer; the log has the details")
		}
	}()
	return r.Respond(ctx, d)
}

// answer completes a responder's message: where it goes, and the key by which
// a second try after a crash is known as the same message.
func answer(job store.Job, responder string, i int, m platforms.Message) platforms.Message {
	if m.Key == "" {
		m.Key = fmt.Sprintf("%d/%s/%d", job.Seq, responder, i)
	}
	if m.Conversation == "" {
		m.Conversation = job.Event.Conversation.ID
		if m.Thread == "" {
			m.Thread = job.Event.Thread
		}
	}
	if m.Reply == "" {
		m.Reply = job.Event.Reply
	}
	return m
}

// Release lets something act on a held entry.
func (a *App) Release(ctx context.Context, seq uint64) error {
	ref, err := a.store.Release(ctx, seq)
	if err != nil {
		return wireError(err)
	}
	a.inbound.signal(lane{ref.Account, ref.Conversation})
	a.changed()
	return nil
}

// Dismiss leaves a held entry alone for good.
func (a *App) Dismiss(ctx context.Context, seq uint64) error {
	if err := a.store.Dismiss(ctx, seq); err != nil {
		return wireError(err)
	}
	a.changed()
	return nil
}

// stopping reports whether Run is ending: no new work is begun then.
func (a *App) stopping() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ctx == nil || a.ctx.Err() != nil
}
