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

// deliver hands one conversation's stored events to the responders, in order.
func (a *App) deliver(ctx context.Context, l lane) (again time.Time) {
	acc, err := a.account(l.account)
	if err != nil {
		return time.Time{} // removed
	}
	for !a.stopping() {
		job, ok, err := a.store.NextJob(l.account, l.conversation, 0)
		if err != nil {
			acc.log.Error("the next event could not be read", "err", err)
			return a.now().Add(storeRetry)
		}
		if !ok {
			return time.Time{}
		}
		if here := job.Event.Conversation.ID; here != l.conversation {
			a.inbound.signal(lane{l.account, here}) // it moved: its own lane delivers
			return time.Time{}
		}
		if !a.claims.take(job.Seq) {
			return a.now().Add(time.Second) // the former lane is still at it
		}
		err = a.deliverOne(ctx, acc, job)
		a.claims.release(job.Seq)
		if err != nil {
			if ctx.Err() == nil {
				acc.log.Error("an event could not be finished; it is tried again", "seq", job.Seq, "err", err)
			}
			return a.now().Add(storeRetry)
		}
	}
	return time.Time{}
}

// deliverOne hands one event to every responder that may have it and ends its
// job in the journal together with the last answer. An error means the job is
// still there.
func (a *App) deliverOne(ctx context.Context, acc *account, job store.Job) error {
	acc.mu.Lock()
	label, ephemeral := acc.rec.Name, acc.rec.Ephemeral
	acc.mu.Unlock()
	d := Delivery{Seq: job.Seq, Account: job.Account, Label: label, Event: job.Event,
		Stored: job.Stored, Away: job.Away, Stranger: job.Stranger}
	old := a.now().Sub(job.Event.Time) > a.Settings().AskAfter

	outcome := store.Outcome{Status: store.Delivered}
	var answers []platforms.Message
	var names []string
	for _, r := range a.o.Responders {
		switch {
		case job.Released && !r.Acts():
			continue // it was told before the person decided
		case r.Acts() && old && !job.Released:
			outcome = store.Outcome{Status: store.HeldBack,
				Why: "older than " + a.Settings().AskAfter.String() + ": say whether to act on it"}
			continue
		}
		got, err := a.respond(ctx, r, d)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
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
	routed := a.routed(job, outcome, names)
	outcome.Activity = &routed
	defer a.changed()
	if len(answers) == 0 {
		if err := a.store.FinishJob(ctx, job.Seq, outcome); err != nil {
			return err
		}
	}
	for i, m := range answers {
		out := store.Outgoing{Account: job.Account, Message: m, Ephemeral: ephemeral, Answers: job.Seq}
		if i == len(answers)-1 {
			out.Finish = &outcome
		}
		if _, err := a.enqueue(ctx, acc, out); err != nil {
			return err
		}
	}
	if outcome.Status == store.Delivered {
		acc.prove(&acc.answers)
	}
	return nil
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
func (a *App) respond(ctx context.Context, r Responder, d Delivery) (ms []platforms.Message, err error) {
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
