package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

const (
	// showEvery is how often what a turn shows is changed, at most: a reader
	// follows no faster, and platforms count changes as messages.
	showEvery = 1500 * time.Millisecond
	// showTimeout bounds one such change.
	showTimeout = 20 * time.Second
	// lastTries is how often the last change of what was shown is tried, before
	// the answer is sent as a message of its own.
	lastTries = 3
)

// turn is one Turn.
type turn struct {
	a     *App
	acc   *account
	job   store.Job
	id    string // of the responder
	label string
	ctx   context.Context
	stop  context.CancelCauseFunc
	quiet func() // ends the typing sign
	news  chan struct{}
	shown chan struct{} // closed when nothing more is shown

	mu      sync.Mutex
	text    string
	live    platforms.MessageID // the message that shows it
	over    bool
	answers []platforms.Message
	err     error
}

var _ Turn = (*turn)(nil)

func (t *turn) isOver() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.over
}

func (t *turn) outcome() ([]platforms.Message, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answers, t.err
}

// Update shows the answer as it stands.
func (t *turn) Update(text string) {
	t.mu.Lock()
	t.text = text
	t.mu.Unlock()
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// Done ends the turn.
func (t *turn) Done(answers []platforms.Message, err error) {
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return
	}
	t.over, t.answers, t.err = true, answers, err
	if cause := context.Cause(t.ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		t.err = cause
	}
	t.mu.Unlock()
	if t.quiet != nil {
		t.quiet()
	}
	stopping := t.a.work.Err() != nil
	t.stop(nil)
	if stopping {
		return // the journal has it as begun: the next run tells
	}
	l := lane{t.job.Account, t.job.Event.Conversation.ID}
	t.a.turns.look(l, t.job.Seq)
	t.a.waiting.signal(l)
	t.a.changed()
}

// show shows what Update was given, until the turn is over.
func (t *turn) show() {
	defer close(t.shown)
	if !t.acc.offers().Limits.Edit {
		<-t.ctx.Done()
		return
	}
	before := ""
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-t.news:
		}
		t.mu.Lock()
		text := t.text
		t.mu.Unlock()
		if text == before || strings.TrimSpace(text) == "" {
			continue
		}
		wait := showEvery
		if err := t.showOnce(text); err != nil {
			if t.ctx.Err() != nil {
				return
			}
			t.acc.log.Info("what an answer is so far could not be shown", "seq", t.job.Seq, "err", err)
			var e *platforms.Error
			if errors.As(err, &e) && e.RetryAfter > 0 {
				wait = max(wait, e.RetryAfter)
			} else {
				wait = 4 * showEvery
			}
		}
		before = text
		select {
		case <-t.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// showOnce sends or changes the message that shows the answer.
func (t *turn) showOnce(text string) error {
	ctx, cancel := context.WithTimeout(t.ctx, showTimeout)
	defer cancel()
	m := answer(t.job, t.id, 0, platforms.Message{Text: text, Format: platforms.Markdown})
	all, err := parts(m, t.acc.offers())
	if err != nil {
		return err
	}
	m = all[0]
	t.mu.Lock()
	live := t.live
	t.mu.Unlock()
	if live != "" {
		return t.edit(ctx, live, m)
	}
	if !t.acc.sendable() {
		return nil
	}
	conn, err := t.paced(ctx)
	if err != nil {
		return err
	}
	m.Key = fmt.Sprintf("%d/%s/live", t.job.Seq, t.id)
	var id platforms.MessageID
	// It may arrive though the turn ends meanwhile: then it must be known. The
	// program's end waits for nothing.
	sending, stop := context.WithTimeout(t.a.work, showTimeout)
	defer stop()
	if id, err = t.a.sendPart(sending, t.acc, conn, m); err != nil {
		return err
	}
	t.mu.Lock()
	t.live = id
	t.mu.Unlock()
	return nil
}

// paced waits for this conversation's turn to be written to.
func (t *turn) paced(ctx context.Context) (platforms.Connector, error) {
	conn, err := t.acc.connector(ctx)
	if err != nil {
		return nil, err
	}
	l := lane{t.job.Account, t.job.Event.Conversation.ID}
	if until := t.a.gates.until(l, t.a.now()); !until.IsZero() {
		return nil, &platforms.Error{Kind: platforms.RateLimited, RetryAfter: until.Sub(t.a.now()), Text: "The platform wants a rest."}
	}
	return conn, t.a.pace.wait(ctx, l, t.a.isShared(l), t.acc.offers().Limits.Pace)
}

func (t *turn) edit(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	conn, err := t.paced(ctx)
	if err != nil {
		return err
	}
	editor, ok := conn.(platforms.Editor)
	if !ok {
		return &platforms.Error{Kind: platforms.Unsupported, Text: "Messages can't be changed here."}
	}
	return t.acc.guard(func() error { return editor.Edit(ctx, id, m) })
}

// replace lets m take the place of what was shown, and records it. It returns
// what does not fit into one message; done is false where all of m is to be sent
// as usual.
func (t *turn) replace(m platforms.Message) (left []platforms.Message, done bool) {
	<-t.shown
	t.mu.Lock()
	live := t.live
	t.mu.Unlock()
	if live == "" || len(m.Files) > 0 || m.Text == "" {
		return nil, false
	}
	all, err := parts(m, t.acc.offers())
	if err != nil {
		return nil, false
	}
	first := all[0]
	ctx := t.a.work
	for try := 0; ; try++ {
		one, cancel := context.WithTimeout(ctx, showTimeout)
		err = t.edit(one, live, first)
		cancel()
		if err == nil || try == lastTries-1 || ctx.Err() != nil {
			break
		}
		wait := showEvery
		var e *platforms.Error
		if errors.As(err, &e) {
			if e.Kind != platforms.Temporary && e.Kind != platforms.RateLimited {
				break
			}
			wait = max(wait, min(e.RetryAfter, showTimeout))
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	if err != nil {
		t.acc.log.Warn("what was shown of an answer could not be changed; the answer is sent anew", "seq", t.job.Seq, "err", err)
		return nil, false
	}
	first.Key = m.Key
	line := t.a.line(api.SentOut, lane{t.job.Account, t.job.Event.Conversation.ID}, 0, "")
	_, err = t.a.store.Put(context.WithoutCancel(ctx), store.Outgoing{Account: t.job.Account, Message: first, Ephemeral: t.acc.ephemeral(), Answers: t.job.Seq, Activity: &line},
		[]platforms.MessageID{live})
	if err != nil {
		t.acc.log.Error("an answer that was shown could not be recorded", "seq", t.job.Seq, "err", err)
	}
	t.acc.prove(&t.acc.speaks)
	return all[1:], true
}
