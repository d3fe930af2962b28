package store

import "context"

// Resend queues a dead letter again, as new but for the parts that went out.
func (s *Store) Resend(ctx context.Context, seq uint64) (ref ConversationRef, err error) {
	err = s.update(ctx, func(w *wtx) error {
		e, c, err := w.raise(seq)
		if err != nil {
			return err
		}
		if e.is(fErased) {
			return &fault{ErrState, "The content of this message is not kept any more. Write it again.", nil}
		}
		ref = c.ref()
		c.Queued++
		w.count.Queued++
		e.status, e.why, e.attempts, e.next = Queued, "", 0, 0
		if err := w.put(bConvs, within(c.n, kOutbox, seq), nil); err != nil {
			return err
		}
		return w.save(e)
	})
	return ref, err
}

// Discard gives a dead letter up. Its spooled files are removed, and the body
// of an ephemeral one.
func (s *Store) Discard(ctx context.Context, seq uint64) error {
	return s.update(ctx, func(w *wtx) error {
		e, _, err := w.raise(seq)
		if err != nil {
			return err
		}
		if err := w.dropFiles(e); err != nil {
			return err
		}
		e.status = Discarded
		e.erase()
		return w.save(e)
	})
}

// raise takes a dead letter from where it lies.
func (w *wtx) raise(seq uint64) (*entry, *conv, error) {
	e, err := w.change(seq)
	if err != nil {
		return nil, nil, err
	}
	if e.status != Dead {
		return nil, nil, &fault{ErrState, "This message is not waiting for a decision any more.", nil}
	}
	c, err := w.touch(e.conv)
	if err != nil {
		return nil, nil, err
	}
	c.Dead--
	w.count.Dead--
	return e, c, w.del(bParked, seqKey(seq))
}
