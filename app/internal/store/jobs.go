package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern/postern/platforms"
)

// NextJob is the oldest pending job of a conversation with a seq above after.
// Held ones are not found. A job whose event can't be read any more ends as
// Failed on the way.
func (s *Store) NextJob(id platforms.AccountID, c platforms.ConversationID, after uint64) (Job, bool, error) {
	return s.next(kJobs, id, c, after)
}

func (s *Store) next(kind byte, id platforms.AccountID, c platforms.ConversationID, after uint64) (Job, bool, error) {
	for {
		var e *entry
		var in incoming
		var lost error
		err := s.view(func(r *rtx) (err error) {
			var cv *conv
			if e, cv, err = r.first(kind, id, c, after); e == nil || err != nil {
				return err
			}
			if in, lost = r.s.seal.incoming(e); lost == nil {
				in.Conversation.ID = cv.ID
			}
			return nil
		})
		if e == nil || err != nil {
			return Job{}, false, err
		}
		if lost == nil {
			return Job{
				Seq: e.seq, Account: id, Conversation: in.Conversation.ID, Stored: instant(e.stored), Event: in.Event,
				Released: e.is(fReleased), Away: e.is(fAway), Stranger: e.is(fStranger), Decision: in.Decision, Work: e.work,
			}, true, nil
		}
		s.log.Warn("a job can't be read and is given up", "entry", e.seq, "error", lost)
		if err := s.condemn(e.seq); err != nil {
			return Job{}, false, err
		}
		after = e.seq
	}
}

// first is the first entry of a kind in a conversation, beyond after.
func (r *rtx) first(kind byte, id platforms.AccountID, c platforms.ConversationID, after uint64) (*entry, *conv, error) {
	n := r.number(id, c)
	if n == 0 || after == ^uint64(0) {
		return nil, nil, nil
	}
	k, _ := r.bucket(bConvs).Cursor().Seek(within(n, kind, after+1))
	if !isWithin(k, n, kind) {
		return nil, nil, nil
	}
	e, err := r.entry(keySeq(k))
	if err != nil {
		return nil, nil, damaged(fmt.Errorf("entry %d, which waits: %w", keySeq(k), err))
	}
	cv, err := r.conv(n, false)
	if err == nil && cv == nil {
		err = damaged(fmt.Errorf("conversation %d is missing", n))
	}
	if err != nil {
		return nil, nil, err
	}
	return e, cv, nil
}

// condemn ends an entry whose content can't be read any more. It does not trust
// what stands in it.
func (s *Store) condemn(seq uint64) error {
	return s.update(context.Background(), func(w *wtx) error {
		e, err := w.entry(seq)
		if err != nil {
			return err
		}
		return w.giveUp(e)
	})
}

func (w *wtx) giveUp(e *entry) error {
	const why = "The content can't be read any more: it was sealed under another key, or was damaged."
	e.lost = nil
	e.why = why
	e.set(fErased, true)
	e.body = nil
	if e.is(fOutgoing) {
		if e.status == Queued {
			return w.bury(e, why)
		}
		return w.save(e)
	}
	return w.endJob(e, Outcome{Status: Failed, Why: why})
}

// JobConversations is every conversation that has a pending job.
func (s *Store) JobConversations() ([]ConversationRef, error) { return s.waiting(kJobs) }

// WaitingConversations is every conversation that has a job which was begun and
// waits.
func (s *Store) WaitingConversations() ([]ConversationRef, error) { return s.waiting(kWaiting) }

// MaxWork is the longest work that Await keeps, in bytes.
const MaxWork = 16 << 10

// Await keeps how far a job is, work, and puts it among those that wait, which
// NextWaiting finds and NextJob does not. It may be called again, and FinishJob
// ends it. A job that has ended already stays as it is.
func (s *Store) Await(ctx context.Context, seq uint64, work json.RawMessage, why string) error {
	done := make(chan error, 1)
	s.AwaitAsync(ctx, seq, work, why, func(err error) { done <- err })
	return <-done
}

// AwaitAsync is Await without the wait for the disk. Jobs begin to wait in the
// order of the calls of one goroutine. done has EnqueueAsync's rules.
func (s *Store) AwaitAsync(ctx context.Context, seq uint64, work json.RawMessage, why string, done func(error)) {
	if len(work) == 0 || len(work) > MaxWork || bytes.IndexByte(work, 0) >= 0 {
		done(&fault{ErrState, "What is left to do for this message can't be kept.", nil})
		return
	}
	if err := s.push(&op{ctx: ctx, done: done, run: func(w *wtx) error {
		e, err := w.change(seq)
		if err != nil {
			return err
		}
		if e.is(fOutgoing) || e.status != Received {
			return nil
		}
		c, err := w.conv(e.conv, false)
		if err != nil {
			return err
		}
		if c == nil {
			return damaged(fmt.Errorf("conversation %d is missing", e.conv))
		}
		if err := w.del(bConvs, within(c.n, kJobs, seq)); err != nil {
			return err
		}
		if err := w.put(bConvs, within(c.n, kWaiting, seq), nil); err != nil {
			return err
		}
		e.work, e.why = work, cut(why, maxNote)
		return w.save(e)
	}}); err != nil {
		done(err)
	}
}

// NextWaiting is NextJob for jobs that wait.
func (s *Store) NextWaiting(id platforms.AccountID, c platforms.ConversationID, after uint64) (Job, bool, error) {
	return s.next(kWaiting, id, c, after)
}

// waiting jumps from one conversation to the next.
func (s *Store) waiting(kind byte) (refs []ConversationRef, err error) {
	err = s.view(func(r *rtx) error {
		if c := r.counts(); kind != kOutbox && c.Pending == 0 || kind == kOutbox && c.Queued == 0 {
			return nil
		}
		cur := r.bucket(bConvs).Cursor()
		return r.eachConv(0, func(n uint32, v []byte) (bool, error) {
			if k, _ := cur.Seek(within(n, kind, 0)); !isWithin(k, n, kind) {
				return true, nil
			}
			c, err := r.s.seal.decodeConv(n, v, false)
			if err != nil {
				s.skip("conversation", uint64(n), err)
				return true, nil
			}
			refs = append(refs, c.ref())
			return true, nil
		})
	})
	return refs, err
}

// FinishJob ends a job. HeldBack keeps it, out of NextJob's sight, until
// Release or Dismiss. Every other outcome erases the body of an ephemeral
// event. A job that has ended already stays as it is.
func (s *Store) FinishJob(ctx context.Context, seq uint64, o Outcome) error {
	switch o.Status {
	case Delivered, HeldBack, Dismissed, Failed:
	default:
		return &fault{ErrState, fmt.Sprintf("A job can't end as %q.", o.Status), nil}
	}
	return s.update(ctx, func(w *wtx) error { return w.finishJob(seq, o) })
}

func (w *wtx) finishJob(seq uint64, o Outcome) error {
	e, err := w.change(seq)
	if err != nil {
		return err
	}
	if e.is(fOutgoing) || (e.status != Received && e.status != HeldBack) {
		return nil
	}
	if err := w.endJob(e, o); err != nil {
		return err
	}
	if o.Activity == nil {
		return nil
	}
	return w.recordAll(seq, []Activity{*o.Activity})
}

func (w *wtx) endJob(e *entry, o Outcome) error {
	if err := w.unqueueJob(e); err != nil {
		return err
	}
	e.status, e.why, e.work = o.Status, cut(o.Why, maxNote), nil
	if o.Status == HeldBack {
		w.count.Held++
		if err := w.put(bParked, seqKey(e.seq), nil); err != nil {
			return err
		}
		return w.save(e)
	}
	e.erase()
	return w.save(e)
}

// unqueueJob takes a job from where it waits.
func (w *wtx) unqueueJob(e *entry) error {
	switch e.status {
	case Received:
		c, err := w.conv(e.conv, false)
		if err != nil {
			return err
		}
		if c == nil {
			return damaged(fmt.Errorf("conversation %d is missing", e.conv))
		}
		w.count.Pending--
		if err := w.del(bConvs, within(c.n, kJobs, e.seq)); err != nil {
			return err
		}
		return w.del(bConvs, within(c.n, kWaiting, e.seq))
	case HeldBack:
		w.count.Held--
		return w.del(bParked, seqKey(e.seq))
	}
	return nil
}

// erase drops the body of an ephemeral entry.
func (e *entry) erase() {
	if e.is(fEphemeral) {
		e.body = nil
		e.set(fErased, true)
	}
}

// Release makes a held job pending again, marked as released.
func (s *Store) Release(ctx context.Context, seq uint64) (ref ConversationRef, err error) {
	err = s.update(ctx, func(w *wtx) error {
		e, err := w.held(seq)
		if err != nil {
			return err
		}
		c, err := w.touch(e.conv)
		if err != nil {
			return err
		}
		ref = c.ref()
		if err := w.unqueueJob(e); err != nil {
			return err
		}
		e.status, e.why = Received, ""
		e.set(fReleased, true)
		w.count.Pending++
		if err := w.put(bConvs, within(c.n, kJobs, seq), nil); err != nil {
			return err
		}
		return w.save(e)
	})
	return ref, err
}

// Dismiss leaves a job alone for good that is held back, or that was begun and
// waits.
func (s *Store) Dismiss(ctx context.Context, seq uint64) error {
	return s.update(ctx, func(w *wtx) error {
		e, err := w.change(seq)
		if err != nil {
			return err
		}
		if begun := !e.is(fOutgoing) && e.status == Received && len(e.work) > 0; !begun && e.status != HeldBack {
			return &fault{ErrState, "This message does not wait any more.", nil}
		}
		return w.endJob(e, Outcome{Status: Dismissed})
	})
}

func (w *wtx) held(seq uint64) (*entry, error) {
	e, err := w.change(seq)
	if err == nil && e.status != HeldBack {
		err = &fault{ErrState, "This message is not held back any more.", nil}
	}
	return e, err
}

// knownSpan is how often the last sight of a known user is renewed.
const knownSpan = 24 * time.Hour

// recognise reports whether u is known, and renews when it was last seen.
func (w *wtx) recognise(id platforms.AccountID, u platforms.UserID) (bool, error) {
	if u == "" {
		return false, nil
	}
	k := pair(id, string(u))
	v := w.bucket(bKnown).Get(k)
	if v == nil {
		return false, nil
	}
	if last := int64(keySeq(v)); w.now.UnixNano()-last < int64(knownSpan) {
		return true, nil
	}
	return true, w.put(bKnown, k, seqKey(uint64(w.now.UnixNano())))
}

// know makes u known.
func (w *wtx) know(id platforms.AccountID, u platforms.UserID) error {
	if known, err := w.recognise(id, u); known || u == "" || err != nil {
		return err
	}
	return w.put(bKnown, pair(id, string(u)), seqKey(uint64(w.now.UnixNano())))
}

// Known makes a user no stranger any more.
func (s *Store) Known(ctx context.Context, id platforms.AccountID, u platforms.UserID) error {
	return s.update(ctx, func(w *wtx) error {
		if err := w.account(id); err != nil {
			return err
		}
		if err := w.know(id, u); err != nil {
			return err
		}
		// A direct conversation mostly has its user's id; where it has not, its
		// flag falls with their next message.
		n := w.number(id, platforms.ConversationID(u))
		if n == 0 {
			return nil
		}
		c, err := w.conv(n, false)
		if err != nil || c == nil || c.Peer != u || !c.Stranger {
			return err
		}
		if c, err = w.touch(n); err == nil {
			c.Stranger = false
		}
		return err
	})
}

// isNotFound keeps the callers readable.
func isNotFound(err error) bool { return errors.Is(err, ErrNotFound) }
