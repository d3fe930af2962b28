package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// task is what one responder has not done yet about an event. Tasks are written
// down with the event's job, so that they outlive a restart.
type task struct {
	ID    string    `json:"id"` // of the responder
	Begun bool      `json:"begun,omitempty"`
	Tries int       `json:"tries,omitempty"`
	Next  time.Time `json:"next,omitzero"`
	Why   string    `json:"why,omitempty"`
}

// work is a job that was begun: what is left of it, and what came of the rest.
type work struct {
	Left   []task       `json:"left"`
	Names  []string     `json:"names,omitempty"`
	Status store.Status `json:"status,omitempty"`
	Why    string       `json:"why,omitempty"`
}

// again reports whether a responder's failure is one for now only.
func again(err error) bool {
	var e *platforms.Error
	return errors.As(err, &e) && (e.Kind == platforms.Temporary || e.Kind == platforms.RateLimited)
}

// mostRest is the longest time between two tries of a responder.
const mostRest = 5 * time.Minute

// responderWait is how long to wait after so many tries.
func responderWait(tries int, err error) time.Duration {
	var e *platforms.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return min(e.RetryAfter, time.Hour)
	}
	return min(backoffAfter(min(tries-1, 16)), mostRest)
}

// await keeps what is left of a job, and sees to it.
func (a *App) await(ctx context.Context, acc *account, job store.Job, got result, done func(error)) error {
	l := lane{job.Account, job.Event.Conversation.ID}
	w := work{Left: got.left, Names: got.names}
	if got.outcome.Status != store.Delivered {
		w.Status, w.Why = got.outcome.Status, got.outcome.Why
	}
	refuse := func(err error) {
		w.Status, w.Why = store.Failed, "the answer can't be sent: "+platforms.Explain(err)
		acc.fail(&acc.answers, w.Why)
	}
	if err := a.enqueueAnswers(ctx, acc, job, got.answers, refuse); err != nil {
		return err
	}
	a.waits.add(l, job.Seq, w.Left) // what comes next sees it
	end := func(err error) {
		if err != nil {
			a.waits.drop(job.Seq)
			done(err)
			return
		}
		a.waiting.signal(l)
		a.changed()
		done(nil)
	}
	talks := slices.ContainsFunc(w.Left, func(t task) bool { return t.Begun })
	if !talks { // several share the disk's work
		a.saveWorkAsync(ctx, job.Seq, w, end)
		return nil
	}
	err := a.saveWork(ctx, job.Seq, w)
	if err == nil {
		for _, t := range w.Left {
			if t.Begun {
				a.begin(acc, job, got.role, t, false) // here, so that turns begin in order
			}
		}
	}
	end(err)
	return nil
}

// terse is w without the words that it can do without.
func (w work) terse() work {
	w.Left = slices.Clone(w.Left)
	for i := range w.Left {
		w.Left[i].Why = ""
	}
	w.Why = cut(w.Why, 200)
	if len(w.Names) > 0 {
		w.Names = []string{fmt.Sprintf("%d responders", len(w.Names))}
	}
	return w
}

// saveWork writes down how far a job is.
func (a *App) saveWork(ctx context.Context, seq uint64, w work) error {
	saved := make(chan error, 1)
	a.saveWorkAsync(ctx, seq, w, func(err error) { saved <- err })
	return <-saved
}

// saveWorkAsync is saveWork that does not wait: what is saved later by the same
// goroutine is saved after it.
func (a *App) saveWorkAsync(ctx context.Context, seq uint64, w work, done func(error)) {
	why := w.Why
	for _, t := range w.Left {
		if t.Why != "" {
			why = "waits to be tried again: " + t.Why
		}
	}
	b, err := json.Marshal(w)
	if err == nil && len(b) > store.MaxWork { // what is left to do counts more than the words about it
		w = w.terse()
		b, err = json.Marshal(w)
	}
	if err != nil {
		done(err)
		return
	}
	a.store.AwaitAsync(context.WithoutCancel(ctx), seq, b, why, done)
}

// resumeWaiting counts what waits from an earlier run, and sets it to work.
func (a *App) resumeWaiting() error {
	refs, err := a.store.WaitingConversations()
	if err != nil {
		return err
	}
	for _, r := range refs {
		l := lane{r.Account, r.Conversation}
		if err := a.countWaiting(l); err != nil {
			return err
		}
		a.waiting.signal(l)
	}
	return nil
}

func (a *App) countWaiting(l lane) error {
	for after := uint64(0); ; {
		job, ok, err := a.store.NextWaiting(l.account, l.conversation, after)
		if err != nil || !ok {
			return err
		}
		after = job.Seq
		var w work
		if json.Unmarshal(job.Work, &w) != nil {
			continue
		}
		a.waits.add(l, job.Seq, w.Left)
		if slices.ContainsFunc(w.Left, func(t task) bool { return t.Begun }) {
			a.turns.look(l, job.Seq)
		}
	}
}

// mostLooked is how many jobs of a conversation that go on waiting one round
// looks at.
const mostLooked = 4096

// retry works on what waits in one conversation: what has come to its end, and
// what is due, in order for each responder.
func (a *App) retry(ctx context.Context, l lane) (next time.Time) {
	acc, err := a.account(l.account)
	if err != nil { // removed
		for _, seq := range a.turns.ended(l) {
			a.turns.forget(seq)
		}
		return time.Time{}
	}
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	ended := a.turns.ended(l) // they may be far behind what waits
	for i, seq := range ended {
		job, ok, err := a.store.NextWaiting(l.account, l.conversation, seq-1)
		var due time.Time
		switch {
		case err == nil && ok && job.Seq == seq:
			due, _, err = a.retryOne(ctx, acc, job, map[string]bool{}, true)
		case err == nil: // given up, or gone with its account
			a.turns.forget(seq)
		}
		if err != nil {
			for _, seq := range ended[i:] {
				a.turns.look(l, seq)
			}
			return a.rest(ctx, acc, err)
		}
		if !due.IsZero() { // another lane is at it still
			a.turns.look(l, seq)
			sooner(due)
		}
	}
	blocked := map[string]bool{}
	for after, kept := uint64(0), 0; !a.stopping(); {
		if kept == mostLooked { // what is behind them has its turn as they end
			return earlier(next, a.now().Add(storeRetry))
		}
		job, ok, err := a.store.NextWaiting(l.account, l.conversation, after)
		if err != nil {
			return a.rest(ctx, acc, err)
		}
		if !ok {
			break
		}
		after = job.Seq
		if here := job.Event.Conversation.ID; here != l.conversation {
			a.waits.moved(l, lane{l.account, here})
			a.waiting.signal(lane{l.account, here})
			return next
		}
		due, left, err := a.retryOne(ctx, acc, job, blocked, false)
		if err != nil {
			return a.rest(ctx, acc, err)
		}
		if left {
			kept++
		}
		sooner(due)
		if all := a.waits.of(l); len(all) > 0 && !slices.ContainsFunc(all, func(id string) bool { return !blocked[id] }) {
			break // whatever else there is waits behind these
		}
	}
	return next
}

// rest is when to look again after the journal failed.
func (a *App) rest(ctx context.Context, acc *account, err error) time.Time {
	if ctx.Err() == nil {
		acc.log.Error("what waits could not be worked on; it is tried again", "err", err)
	}
	return a.now().Add(storeRetry)
}

// retryOne does what is due of one job. It returns when to look again, zero if
// nothing is left that waits for a time, and whether anything is left. ended
// says to look only at turns that have ended.
func (a *App) retryOne(ctx context.Context, acc *account, job store.Job, blocked map[string]bool, ended bool) (next time.Time, left bool, err error) {
	if !a.claims.take(job.Seq) {
		return a.now().Add(time.Second), true, nil
	}
	defer a.claims.release(job.Seq)
	var w work
	if err := json.Unmarshal(job.Work, &w); err != nil {
		return time.Time{}, false, a.store.FinishJob(ctx, job.Seq, store.Outcome{Status: store.Failed, Why: "what was left to do can't be read any more"})
	}
	got := result{outcome: store.Outcome{Status: store.Delivered}, names: w.Names}
	if w.Status != "" {
		got.outcome = store.Outcome{Status: w.Status, Why: w.Why}
	}
	still := sync.OnceValue(func() access.Decision { return a.present(acc, job) })
	out := func() bool { // whoever sent it may not talk any more
		d := still()
		if d.Verdict == access.Allowed {
			return false
		}
		got.outcome = store.Outcome{Status: store.Dismissed, Why: "not tried again: " + d.Why()}
		return true
	}
	now := a.now()
	for _, t := range w.Left {
		r, known := a.answering.find(t.ID)
		switch {
		case t.Begun && a.turns.working(job.Seq, t.ID):
			got.left = append(got.left, t)
		case t.Begun && a.turns.has(job.Seq, t.ID):
			a.turnEnded(acc, job, r, t, &got)
		case !known && a.answering.exists(t.ID): // switched off, or to be mended
			blocked[t.ID] = true
			got.left = append(got.left, t)
			if t.Begun { // nothing counts it as waiting
				a.turns.look(lane{job.Account, job.Event.Conversation.ID}, job.Seq)
			}
		case !known:
			got.outcome = store.Outcome{Status: store.Failed, Why: "the responder that had it was removed"}
		case t.Begun: // by an earlier run
			if out() {
				continue
			}
			got.left = append(got.left, t)
			a.begin(acc, job, still().Role, t, true)
		case ended:
			got.left = append(got.left, t)
		case blocked[t.ID]:
			got.left = append(got.left, t)
		case t.Next.After(now):
			blocked[t.ID] = true
			next = earlier(next, t.Next)
			got.left = append(got.left, t)
		case out():
		default:
			d := a.delivery(acc, job, still().Role)
			d.Again = true
			before := len(got.left)
			if err := a.askOne(ctx, acc, job, r, d, t, &got); err != nil {
				return next, true, err
			}
			if len(got.left) > before {
				blocked[t.ID] = true
				next = earlier(next, got.left[before].Next)
			}
		}
	}
	return next, len(got.left) > 0, a.keepOn(ctx, acc, job, w, got)
}

// keepOn writes down what came of one round.
func (a *App) keepOn(ctx context.Context, acc *account, job store.Job, before work, got result) error {
	if len(got.left) > 0 {
		if slices.Equal(got.left, before.Left) && len(got.answers) == 0 {
			return nil
		}
		if err := a.enqueueAnswers(ctx, acc, job, got.answers, func(err error) {
			got.outcome = store.Outcome{Status: store.Failed, Why: "the answer can't be sent: " + platforms.Explain(err)}
		}); err != nil {
			return err
		}
		w := work{Left: got.left, Names: got.names}
		if got.outcome.Status != store.Delivered {
			w.Status, w.Why = got.outcome.Status, got.outcome.Why
		}
		if err := a.saveWork(ctx, job.Seq, w); err != nil {
			return err
		}
		a.waits.narrow(job.Seq, w.Left)
		return nil
	}
	var end error
	settled := make(chan struct{})
	a.settleJob(context.WithoutCancel(ctx), acc, job, got, func(err error) { end = err; close(settled) })
	<-settled
	if end == nil {
		a.waits.drop(job.Seq)
		a.turns.forget(job.Seq)
	}
	return end
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
