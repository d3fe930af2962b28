package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// sendTimeout bounds one send without files; each megabyte of files adds to it,
// for slow uplinks.
const (
	sendTimeout       = time.Minute
	sendTimeoutPerMiB = 10 * time.Second
)

// giveUp is how long a message is tried while the platform gives no definite
// answer. Then it becomes a dead letter: visible, and resent with one click.
const giveUp = 24 * time.Hour

// enqueue commits a message to the outbox and sets its lane to work.
func (a *App) enqueue(ctx context.Context, acc *account, out store.Outgoing) (uint64, error) {
	l := lane{acc.id, out.Message.Conversation}
	out.Trying = acc.sendable() && a.outbound.idle(l) && a.gates.until(l, a.now()).IsZero()
	seq, err := a.store.Enqueue(ctx, out)
	if err != nil {
		return 0, err
	}
	a.outbound.signal(l)
	a.changed()
	return seq, nil
}

// sendable reports whether it makes sense to try sending.
func (c *account) sendable() bool {
	everything := c.app.allPaused()
	c.mu.Lock()
	defer c.mu.Unlock()
	return !everything && !c.rec.Paused && (c.parked == nil || c.parked.sends)
}

// current reports whether conn is made of the account's present values.
func (c *account) current(conn platforms.Connector) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conn == conn
}

// enqueueAsync is enqueue that does not wait: done is told the journal's
// verdict. Messages of one caller keep their order.
func (a *App) enqueueAsync(ctx context.Context, acc *account, out store.Outgoing, done func(error)) {
	l := lane{acc.id, out.Message.Conversation}
	out.Trying = acc.sendable() && a.outbound.idle(l) && a.gates.until(l, a.now()).IsZero()
	a.store.EnqueueAsync(ctx, out, func(_ uint64, err error) {
		if err == nil {
			a.outbound.signal(l)
			a.changed()
		}
		done(err)
	})
}

// drain sends one conversation's queued messages, in order.
func (a *App) drain(ctx context.Context, l lane) (again time.Time) {
	acc, err := a.account(l.account)
	if err != nil {
		return time.Time{}
	}
	for !a.stopping() && acc.sendable() {
		if until := a.gates.until(l, a.now()); !until.IsZero() {
			return until
		}
		batch, again, err := a.nextSends(ctx, l, acc)
		if err == nil && len(batch) > 0 {
			err = a.sendBatch(ctx, acc, l, batch)
		}
		if err != nil {
			acc.log.Error("the outbox could not be worked on; it is tried again", "err", err)
			return a.now().Add(storeRetry)
		}
		if len(batch) == 0 {
			return again
		}
	}
	return time.Time{}
}

// nextSends takes the next queued messages of a lane, marked on disk as being
// tried. Where the platform wants a pace it takes one, so that few messages
// carry the mark at a time; else several, to share the disk's work.
func (a *App) nextSends(ctx context.Context, l lane, acc *account) (batch []store.Pending, again time.Time, err error) {
	most := ahead
	if pace := acc.offers().Limits.Pace; pace.Conversation.N > 0 || pace.Account.N > 0 {
		most = 1
	}
	var marks steps
	for after := uint64(0); len(batch) < most; {
		p, ok, err := a.store.NextOut(l.account, l.conversation, after)
		if err != nil {
			return nil, time.Time{}, errors.Join(err, marks.wait())
		}
		if !ok {
			break
		}
		after = p.Seq
		if here := p.Message.Conversation; here != l.conversation {
			a.outbound.signal(lane{l.account, here}) // it moved: its own lane sends
			break
		}
		if p.Next.After(a.now()) { // the platform asked for this wait before a restart
			again = p.Next
			break
		}
		if !a.claims.take(p.Seq) {
			// The conversation moved while its former lane is sending this.
			again = a.now().Add(time.Second)
			break
		}
		batch = append(batch, p)
		if !p.Tried {
			marks.begin()
			go func() { marks.end(a.store.Attempt(ctx, p.Seq)) }()
		}
	}
	if err := marks.wait(); err != nil {
		for _, p := range batch {
			a.claims.release(p.Seq)
		}
		return nil, time.Time{}, err
	}
	return batch, again, nil
}

// sendBatch sends messages one after the other, up to the first that fails,
// while the journal notes those that went out. Its error is the journal's: the
// platform's is dealt with here.
func (a *App) sendBatch(ctx context.Context, acc *account, l lane, batch []store.Pending) error {
	var notes steps
	defer func() {
		for _, p := range batch {
			a.claims.release(p.Seq)
		}
	}()
	for _, p := range batch {
		if notes.failed() || a.stopping() {
			break
		}
		if _, doubtful := a.doubtful.Load(p.Seq); doubtful {
			// An earlier run began this and did not record the end. It may have
			// arrived: that is said, not hidden.
			if err := a.store.MarkDuplicate(ctx, p.Seq); err != nil {
				return errors.Join(err, notes.wait())
			}
			a.doubtful.Delete(p.Seq)
		}
		ids, err := a.sendParts(ctx, acc, l, p)
		if err != nil {
			return errors.Join(a.sendFailed(ctx, acc, l, p, err), notes.wait())
		}
		acc.prove(&acc.speaks)
		notes.begin()
		go func() {
			// The message is out: its record must not depend on a stop.
			err := a.store.Sent(context.WithoutCancel(ctx), p.Seq, ids, 0, a.line(api.SentOut, l, p.Seq, a.sentBy(p.Message.Key)))
			if err == nil {
				a.trying.Delete(p.Seq)
				a.changed()
			}
			notes.end(err)
		}()
	}
	return notes.wait()
}

// sendParts sends what is left of p and returns the ids of all its parts.
func (a *App) sendParts(ctx context.Context, acc *account, l lane, p store.Pending) ([]platforms.MessageID, error) {
	conn, err := acc.connector(ctx)
	if err != nil {
		return nil, err
	}
	on := acc.offers()
	all, err := parts(p.Message, on)
	if err != nil {
		return nil, err
	}
	shared := a.isShared(l)
	ids := p.Parts
	for i := len(ids); i < len(all); i++ {
		if err := a.pace.wait(ctx, l, shared, on.Limits.Pace); err != nil {
			return nil, err
		}
		a.trying.Store(p.Seq, struct{}{})
		id, err := a.sendPart(ctx, acc, conn, all[i])
		if platforms.KindOf(err) == platforms.Unauthorized && !acc.current(conn) {
			// The old credential was refused; the new one was not asked.
			err = &platforms.Error{Kind: platforms.Temporary, Text: "The credential was changed while this was sent. The next try follows with the new one.", Err: err}
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
		if i < len(all)-1 {
			if err := a.store.SentPart(context.WithoutCancel(ctx), p.Seq, i, id); err != nil {
				return nil, fmt.Errorf("%w: %w", errUnrecorded, err)
			}
		}
	}
	return ids, nil
}

func (a *App) sendPart(ctx context.Context, acc *account, conn platforms.Connector, m platforms.Message) (id platforms.MessageID, err error) {
	timeout := sendTimeout
	for _, f := range m.Files {
		timeout += time.Duration(f.Size>>20) * sendTimeoutPerMiB
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err = acc.guard(func() error {
		id, err = conn.Send(ctx, m)
		return err
	})
	return id, err
}

// sendFailed decides what a failed send means for the message.
func (a *App) sendFailed(ctx context.Context, acc *account, l lane, p store.Pending, cause error) error {
	// Whatever is recorded here must be, also while stopping.
	kept := context.WithoutCancel(ctx)
	if ctx.Err() != nil {
		// Stopped in the middle: the mark of the attempt stays, so that the next
		// start says "may be a duplicate".
		return nil
	}
	defer a.trying.Delete(p.Seq)
	if uncertain(cause) {
		if err := a.store.MarkDuplicate(kept, p.Seq); err != nil {
			return err
		}
	}
	text := platforms.Explain(cause)
	now := a.now()
	kind := platforms.KindOf(cause)
	if errors.Is(cause, errFault) {
		kind = platforms.Rejected
	}
	var detail *platforms.Error
	errors.As(cause, &detail)
	acc.log.Log(ctx, slog.LevelInfo, "not sent", "seq", p.Seq, "kind", string(kind), "err", cause)
	defer a.changed()

	switch {
	case detail != nil && detail.MovedTo != "" && detail.MovedTo != l.conversation:
		return a.moved(kept, acc, l, p, detail.MovedTo)
	case kind == platforms.Rejected || kind == platforms.Unsupported:
		return a.bury(kept, l, p, text)
	case kind == platforms.Unauthorized:
		acc.mu.Lock()
		acc.parked = &park{status: api.BadCredentials, note: text}
		acc.setLocked(api.BadCredentials, text, time.Time{})
		acc.mu.Unlock()
		acc.fail(&acc.speaks, text)
		acc.end(cause)
		return a.store.Defer(kept, p.Seq, p.Attempts, time.Time{}, text)
	case kind == platforms.RateLimited:
		wait := backoffAfter(p.Attempts)
		if detail != nil && detail.RetryAfter > 0 {
			wait = detail.RetryAfter
		}
		until := now.Add(wait)
		a.gates.close(l, until, true)
		return a.store.Defer(kept, p.Seq, p.Attempts, until, text, a.line(api.Retried, l, p.Seq, text))
	}
	acc.fail(&acc.speaks, text)
	if e, err := a.store.Entry(p.Seq); err == nil && now.Sub(e.Stored) > giveUp {
		return a.bury(kept, l, p, fmt.Sprintf("Tried for %.0f hours. %s", giveUp.Hours(), text))
	}
	a.gates.close(l, now.Add(backoffAfter(p.Attempts)), false)
	var lines []store.Activity
	if p.Attempts == 0 { // one line for a run of failures
		lines = append(lines, a.line(api.Retried, l, p.Seq, text))
	}
	return a.store.Defer(kept, p.Seq, p.Attempts+1, time.Time{}, text, lines...)
}

// bury makes p a dead letter.
func (a *App) bury(ctx context.Context, l lane, p store.Pending, why string) error {
	return a.store.Bury(ctx, p.Seq, why, a.line(api.DiedOut, l, p.Seq, why))
}

// moved takes note of a conversation's new id, learnt from a refused send. The
// journal moves what is queued along.
func (a *App) moved(ctx context.Context, acc *account, l lane, p store.Pending, to platforms.ConversationID) error {
	if err := a.store.Defer(ctx, p.Seq, p.Attempts, time.Time{}, ""); err != nil {
		return err
	}
	a.people.moving.Lock()
	defer a.people.moving.Unlock()
	_, _, err := a.store.Accept(ctx, store.Incoming{Account: acc.id, Event: platforms.Event{
		ID:   platforms.EventID(fmt.Sprintf("moved:%s:%s", l.conversation, to)),
		Kind: platforms.ConversationMoved, Time: a.now(),
		Conversation: platforms.Conversation{ID: to, Moved: l.conversation},
	}})
	if err != nil {
		return err
	}
	a.inbound.signal(lane{l.account, to})
	a.movedAll(ctx, l, lane{l.account, to})
	return nil
}

// errUnrecorded: a part went out and the journal did not take note.
var errUnrecorded = errors.New("a part that was sent could not be recorded")

// uncertain reports whether a failed send may have arrived all the same: the
// request was out and its answer never came. Only a connection that was never
// made is certain.
func uncertain(err error) bool {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return false
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return false
	}
	var transport net.Error
	return errors.Is(err, errUnrecorded) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &transport)
}

// doubt notes, before anything is sent, which messages an earlier run began to
// send without recording the end. There is at most one such run of messages at
// the head of each lane.
func (a *App) doubt() error {
	refs, err := a.store.OutConversations()
	if err != nil {
		return err
	}
	for _, r := range refs {
		err := a.tried(r, func(p store.Pending) { a.doubtful.Store(p.Seq, struct{}{}) })
		if err != nil {
			return err
		}
	}
	return nil
}

// tried visits the messages at the head of a lane that carry the mark of an
// attempt.
func (a *App) tried(r store.ConversationRef, visit func(store.Pending)) error {
	for after := uint64(0); ; {
		p, ok, err := a.store.NextOut(r.Account, r.Conversation, after)
		if err != nil || !ok || !p.Tried {
			return err
		}
		visit(p)
		after = p.Seq
	}
}

// putBack takes the mark of an attempt from messages that this run was about
// to send and did not, so that the next start does not call them doubtful.
func (a *App) putBack() {
	refs, err := a.store.OutConversations()
	if err != nil {
		return
	}
	var back steps // all at once: they share the disk's work
	for _, r := range refs {
		err := a.tried(r, func(p store.Pending) {
			_, begun := a.trying.Load(p.Seq)
			_, before := a.doubtful.Load(p.Seq)
			if begun || before {
				return
			}
			back.begin()
			go func() { back.end(a.store.Defer(context.Background(), p.Seq, p.Attempts, p.Next, "")) }()
		})
		back.fail(err)
	}
	if err := back.wait(); err != nil {
		a.log.Warn("queued messages stay marked as tried", "err", err)
	}
}

// line is one line of activity about a message to l.
func (a *App) line(what api.What, l lane, seq uint64, why string) store.Activity {
	return store.Activity{At: a.now(), What: string(what), Account: l.account, Conversation: l.conversation,
		Who: a.Title(l.account, l.conversation), Why: why, Entry: seq}
}
