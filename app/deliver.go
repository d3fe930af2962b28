package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/postern/postern/app/access"
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
		a.replays.run(l)
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
// job in the journal together with the last answer, or keeps there what is left
// to do. done is called, with the journal's verdict, once unless deliverOne
// itself returns an error; then the job is still there.
func (a *App) deliverOne(ctx context.Context, acc *account, job store.Job, done func(error)) error {
	p := a.plan(acc, job)
	if p.end != nil {
		a.finish(ctx, job, *p.end, done)
		return nil
	}
	got, err := a.ask(ctx, acc, job, p)
	if err != nil {
		return err
	}
	if len(got.left) > 0 {
		return a.await(ctx, acc, job, got, done)
	}
	a.settleJob(ctx, acc, job, got, done)
	return nil
}

// finish ends a job without an answer.
func (a *App) finish(ctx context.Context, job store.Job, o store.Outcome, done func(error)) {
	err := a.store.FinishJob(ctx, job.Seq, o)
	a.changed()
	done(err)
}

// settleJob queues the answers and ends the job with the last one.
func (a *App) settleJob(ctx context.Context, acc *account, job store.Job, got result, done func(error)) {
	outcome := got.outcome
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
		routed := a.routed(job, outcome, got.names)
		outcome.Activity = &routed
		finished(a.store.FinishJob(ctx, job.Seq, outcome))
	}
	if len(got.answers) == 0 {
		finish() // here, so that the activity keeps the order
		return
	}
	last := len(got.answers) - 1
	if err := a.enqueueAnswers(ctx, acc, job, got.answers[:last], refuse); err != nil {
		finished(err)
		return
	}
	routed := a.routed(job, outcome, got.names)
	outcome.Activity = &routed
	end := outcome // what is queued does not change with refuse
	out := store.Outgoing{Account: job.Account, Message: got.answers[last], Ephemeral: acc.ephemeral(), Answers: job.Seq, Finish: &end}
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
}

// enqueueAnswers queues answers. One that the journal will never take is told to
// refuse, and left out.
func (a *App) enqueueAnswers(ctx context.Context, acc *account, job store.Job, ms []platforms.Message, refuse func(error)) error {
	for _, m := range ms {
		_, err := a.enqueue(ctx, acc, store.Outgoing{Account: job.Account, Message: m, Ephemeral: acc.ephemeral(), Answers: job.Seq})
		switch {
		case refused(err):
			refuse(err)
		case err != nil:
			return err
		}
	}
	return nil
}

// ephemeral reports whether bodies are not kept.
func (c *account) ephemeral() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rec.Ephemeral
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

// result is what came of asking responders about one event.
type result struct {
	outcome store.Outcome
	answers []platforms.Message
	names   []string // of those that had it, for people
	left    []task   // what is not done yet
	role    access.Role
}

// ask has the responders of a plan answer one event.
func (a *App) ask(ctx context.Context, acc *account, job store.Job, p plan) (result, error) {
	limit := a.Settings().AskAfter
	old := limit > 0 && a.now().Sub(job.Event.Time) > limit
	got := result{outcome: store.Outcome{Status: store.Delivered}, role: p.delivery.Role}
	l := lane{job.Account, job.Event.Conversation.ID}
	for _, r := range p.to {
		switch {
		case job.Released && !r.Acts():
			continue // it was told before the person decided
		case r.Acts() && old && !job.Released:
			got.outcome = store.Outcome{Status: store.HeldBack,
				Why: "older than " + limit.String() + ": say whether to act on it"}
			continue
		}
		if _, talks := r.Responder.(Talker); talks {
			got.left = append(got.left, task{ID: r.Name(), Begun: true})
			continue
		}
		if a.waits.behind(l, r.Name()) {
			got.left = append(got.left, task{ID: r.Name()})
			continue
		}
		if err := a.askOne(ctx, acc, job, r, p.delivery, task{ID: r.Name()}, &got); err != nil {
			return got, err
		}
	}
	return got, nil
}

// askOne asks one responder and adds what came of it to got. Its error is that
// of the end of the work, not the responder's.
func (a *App) askOne(ctx context.Context, acc *account, job store.Job, r answerer, d Delivery, t task, got *result) error {
	ms, err := a.respond(ctx, acc, r, d)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case again(err):
		t.Tries++
		t.Next = a.now().Add(responderWait(t.Tries, err))
		t.Why = cut(platforms.Explain(err), 300)
		got.left = append(got.left, t)
		a.answering.failed(r.Name(), a.now(), t.Why)
		acc.log.Info("a responder could not answer for now", "responder", r.Name(), "seq", job.Seq, "tries", t.Tries, "err", err)
	case err != nil:
		a.gaveUp(acc, job, r, err, got)
	default:
		a.answering.finished(r.Name(), a.now())
		got.names = append(got.names, r.label)
		for i, m := range ms {
			got.answers = append(got.answers, answer(job, r.Name(), i, m))
		}
	}
	return nil
}

// gaveUp notes that a responder failed for good.
func (a *App) gaveUp(acc *account, job store.Job, r answerer, err error, got *result) {
	got.outcome = store.Outcome{Status: store.Failed, Why: r.label + ": " + platforms.Explain(err)}
	acc.log.Warn("a responder failed", "responder", r.Name(), "seq", job.Seq, "err", err)
	acc.fail(&acc.answers, got.outcome.Why)
	a.answering.failed(r.Name(), a.now(), platforms.Explain(err))
}

// routed is the line of activity for an event that was handed on.
func (a *App) routed(job store.Job, o store.Outcome, names []string) store.Activity {
	what, why := api.Routed, "handed to "+strings.Join(names, ", ")
	switch {
	case o.Status == store.Failed:
		what, why = api.GaveUp, o.Why
	case o.Status == store.HeldBack || o.Status == store.Dismissed:
		what, why = api.Ignored, o.Why
	case len(names) == 0:
		what, why = api.Ignored, "no responder wanted it"
	}
	return store.Activity{At: a.now(), What: string(what), Account: job.Account, Conversation: job.Event.Conversation.ID,
		Who: job.Event.From.Name, Why: why, Entry: job.Seq}
}

// respond calls one responder and survives its panic.
func (a *App) respond(ctx context.Context, acc *account, r answerer, d Delivery) (ms []platforms.Message, err error) {
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
	m.Buttons, _ = withoutMarks(m.Buttons)
	return placed(job, m)
}

// placed is m with where it goes: to where the event came from.
func placed(job store.Job, m platforms.Message) platforms.Message {
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

var errDismissed = errors.New("it was given up")

// Dismiss leaves a held entry alone for good, or one that waits to be tried
// again.
func (a *App) Dismiss(ctx context.Context, seq uint64) error {
	e, err := a.store.Entry(seq)
	if err == nil {
		err = a.store.Dismiss(ctx, seq)
	}
	if err != nil {
		return wireError(err)
	}
	a.turns.cancel(errDismissed, func(t *turn) bool { return t.job.Seq == seq })
	a.waits.drop(seq)
	a.waiting.signal(lane{e.Account, e.Conversation})
	a.changed()
	return nil
}

// stopping reports whether Run is ending: no new work is begun then.
func (a *App) stopping() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ctx == nil || a.ctx.Err() != nil
}
