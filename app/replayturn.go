package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// replayResult is what one responder made of a replay.
type replayResult struct {
	api.ReplayResult
	answers []platforms.Message
}

// hand gives a replayed event to responders, in its conversation's turn, and
// waits for them. Nothing of what they answer is sent.
func (a *App) hand(ctx context.Context, acc *account, job store.Job, role access.Role, to []answerer) []*replayResult {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(a.work, cancel)
	defer stop()
	l := lane{job.Account, job.Event.Conversation.ID}
	d := a.delivery(acc, job, role)
	var wg sync.WaitGroup
	out := make([]*replayResult, len(to))
	for i, r := range to {
		out[i] = &replayResult{ReplayResult: api.ReplayResult{Responder: r.Name(), Label: r.label}}
		begun, ended := make(chan struct{}), make(chan struct{})
		got := *out[i]
		var once sync.Once
		claim := func() (ok bool) {
			once.Do(func() { ok = true })
			return ok
		}
		a.replays.add(l, func() {
			if !claim() {
				return
			}
			defer close(begun)
			if talker, talks := r.Responder.(Talker); talks {
				t := a.beginReplay(ctx, acc, job, r.label, d, talker)
				wg.Go(func() { defer close(ended); <-t.over; t.result(&got) })
				return
			}
			defer close(ended)
			got.note(a.respondReplay(ctx, r, d))
		})
		began := a.now()
		a.inbound.signal(l)
		select {
		case <-begun:
			<-ended
			got.Took = a.now().Sub(began)
			*out[i] = got
		case <-ctx.Done():
			if claim() { // its turn did not come
				out[i].Error = "It was broken off before its turn came."
				continue
			}
			<-begun
			<-ended
			got.Took = a.now().Sub(began)
			*out[i] = got
		}
	}
	wg.Wait()
	return out
}

// respondReplay is respond without a sign in the conversation that an answer is
// being written.
func (a *App) respondReplay(ctx context.Context, r answerer, d Delivery) (ms []platforms.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("panic in a responder", "responder", r.Name(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			ms, err = nil, errors.New("a fault inside it ended this answer; the log has the details")
		}
	}()
	return r.Respond(ctx, d)
}

// note takes what a responder answered.
func (r *replayResult) note(ms []platforms.Message, err error) {
	r.answers = ms
	if err != nil {
		r.Error = text.Sentence(platforms.Explain(err))
	}
	for _, m := range ms {
		words := m.Text
		for _, f := range m.Files {
			words = strings.TrimSpace(words + "\n[file: " + text.Line(f.Name, 80) + "]")
		}
		r.Answers = append(r.Answers, words)
	}
}

// replayTurn is a Turn that shows nothing in the conversation.
type replayTurn struct {
	turn // for what a question is made of
	over chan struct{}
	once sync.Once
}

func (a *App) beginReplay(ctx context.Context, acc *account, job store.Job, label string, d Delivery, talker Talker) *replayTurn {
	ctx, stop := context.WithCancelCause(ctx)
	t := &replayTurn{turn: turn{a: a, acc: acc, job: job, id: talker.Name(), label: label, ctx: ctx, stop: stop}, over: make(chan struct{})}
	context.AfterFunc(ctx, func() { t.Done(nil, context.Cause(ctx)) })
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("panic in a responder", "responder", talker.Name(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			t.Done(nil, errors.New("a fault inside it ended this answer; the log has the details"))
		}
	}()
	talker.Begin(ctx, d, t)
	return t
}

// Update shows nothing: only the end counts.
func (t *replayTurn) Update(string) {}

// Ask has the person at this computer decide: the conversation hears nothing.
func (t *replayTurn) Ask(ctx context.Context, p Permission) (string, error) {
	if ctx.Err() != nil || t.ctx.Err() != nil {
		return "", ErrUndecided
	}
	q, err := t.question(p)
	if err != nil {
		return "", err
	}
	q.here, q.numbers = false, false
	return t.ask(ctx, q, func(context.Context, *inquiry) error { return nil })
}

// Done ends the turn.
func (t *replayTurn) Done(answers []platforms.Message, err error) {
	t.once.Do(func() {
		t.answers, t.err = answers, err
		close(t.over)
		t.stop(nil)
	})
}

func (t *replayTurn) result(r *replayResult) { r.note(t.answers, t.err) }

// sendReplayed queues what a responder answered, as answers to the replay.
func (a *App) sendReplayed(ctx context.Context, acc *account, job store.Job, r *replayResult) {
	for i, m := range r.answers {
		m.Key = "" // the responder's own may be that of an answer before
		m = answer(job, r.Responder, i, m)
		if _, err := a.enqueue(ctx, acc, store.Outgoing{Account: job.Account, Message: m, Ephemeral: acc.ephemeral(), Answers: job.Seq}); err != nil {
			r.Error = "The answer can't be sent: " + text.Sentence(platforms.Explain(err))
			return
		}
		r.Sent = true
	}
}

// tellReplayed adds the line of activity.
func (a *App) tellReplayed(ctx context.Context, job store.Job, one rerun, results []*replayResult, send bool) {
	var names []string
	for _, r := range results {
		name := r.Label
		if r.Error != "" {
			name += " (" + r.Error + ")"
		}
		names = append(names, name)
	}
	why := "you had " + one.words + " replayed to " + strings.Join(names, ", ")
	if send {
		why += "; what it answered was sent"
	} else {
		why += "; what it answered was only shown"
	}
	a.record(ctx, store.Activity{What: string(api.Routed), Account: job.Account, Conversation: job.Event.Conversation.ID,
		Who: job.Event.From.Name, Why: why, Entry: job.Seq})
}
