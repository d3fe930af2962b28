package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// turns is the events that Talkers have taken over.
type turns struct {
	wg sync.WaitGroup // what turns have started

	mu     sync.Mutex
	closed bool
	m      map[turnKey]*turn
	// due is the events to look at at once: a turn of theirs has ended, or an
	// earlier run began one.
	due map[lane]map[uint64]bool
}

type turnKey struct {
	seq uint64
	id  string // of the responder
}

// start runs f, unless Run has come to wait for what turns have started.
func (ts *turns) start(f func()) (started bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if !ts.closed {
		ts.wg.Go(f)
	}
	return !ts.closed
}

// close waits for what was started.
func (ts *turns) close() {
	ts.mu.Lock()
	ts.closed = true
	ts.mu.Unlock()
	ts.wg.Wait()
}

// working reports whether a turn is at work.
func (ts *turns) working(seq uint64, id string) bool {
	t := ts.get(seq, id)
	return t != nil && !t.isOver()
}

// has reports whether there is a turn of this run, at work or not.
func (ts *turns) has(seq uint64, id string) bool { return ts.get(seq, id) != nil }

func (ts *turns) get(seq uint64, id string) *turn {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.m[turnKey{seq, id}]
}

func (ts *turns) put(t *turn) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.m == nil {
		ts.m = map[turnKey]*turn{}
	}
	ts.m[turnKey{t.job.Seq, t.id}] = t
}

// forget drops the turns of an event that is done.
func (ts *turns) forget(seq uint64) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	maps.DeleteFunc(ts.m, func(k turnKey, _ *turn) bool { return k.seq == seq })
}

// drop forgets the turns of an account that is no more.
func (ts *turns) drop(acc *account) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	maps.DeleteFunc(ts.m, func(_ turnKey, t *turn) bool { return t.acc == acc })
	maps.DeleteFunc(ts.due, func(l lane, _ map[uint64]bool) bool { return l.account == acc.id })
}

// look has an event looked at in the lane's next round.
func (ts *turns) look(l lane, seq uint64) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.due == nil {
		ts.due = map[lane]map[uint64]bool{}
	}
	if ts.due[l] == nil {
		ts.due[l] = map[uint64]bool{}
	}
	ts.due[l][seq] = true
}

// ended takes the events to look at, oldest first.
func (ts *turns) ended(l lane) []uint64 {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	out := slices.Sorted(maps.Keys(ts.due[l]))
	delete(ts.due, l)
	return out
}

// lanes is where something is to be looked at.
func (ts *turns) lanes() []lane {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return slices.Collect(maps.Keys(ts.due))
}

// count is how many turns of a responder are at work.
func (ts *turns) count(id string) (n int) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for k, t := range ts.m {
		if k.id == id && !t.isOver() {
			n++
		}
	}
	return n
}

// cancel ends the turns that pick says, and says why.
func (ts *turns) cancel(why error, pick func(*turn) bool) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	for _, t := range ts.m {
		if pick(t) {
			t.stop(why)
		}
	}
}

// begin hands an event over to a Talker. It is in the journal as begun already.
func (a *App) begin(acc *account, job store.Job, role access.Role, k task, again bool) {
	r, ok := a.answering.find(k.ID)
	talker, talks := r.Responder.(Talker)
	ctx, stop := context.WithCancelCause(a.work)
	t := &turn{a: a, acc: acc, job: job, id: k.ID, label: r.label, ctx: ctx, stop: stop, news: make(chan struct{}, 1), shown: make(chan struct{})}
	a.turns.put(t)
	if !ok || !talks {
		close(t.shown)
		t.Done(nil, errors.New("it was removed or switched off before it could begin"))
		return
	}
	d := a.delivery(acc, job, role)
	d.Again = again
	t.quiet = acc.typing(ctx, job.Event)
	a.turns.wg.Go(func() { t.show() })
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("panic in a responder", "responder", k.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			t.Done(nil, errors.New("a fault inside it ended this answer; the log has the details"))
		}
	}()
	talker.Begin(ctx, d, t)
}

// turnEnded adds what came of a turn to got. What was shown of the answer
// becomes its first message.
func (a *App) turnEnded(acc *account, job store.Job, r answerer, k task, got *result) {
	t := a.turns.get(job.Seq, k.ID)
	answers, err := t.outcome()
	if r.Responder == nil {
		r.label = t.label
	}
	if err != nil {
		if r.Responder == nil { // removed meanwhile: only its name is left
			got.outcome = store.Outcome{Status: store.Failed, Why: t.label + ": " + platforms.Explain(err)}
		} else {
			a.gaveUp(acc, job, r, err, got)
		}
		answers = append(answers, platforms.Message{Text: "Something went wrong: " + platforms.Explain(err)})
	} else {
		a.answering.finished(k.ID, a.now())
		got.names = append(got.names, t.label)
	}
	for i, m := range answers {
		m = answer(job, k.ID, i, m)
		if i == 0 {
			if left, done := t.replace(m); done {
				got.answers = append(got.answers, left...)
				continue
			}
		}
		got.answers = append(got.answers, m)
	}
}
