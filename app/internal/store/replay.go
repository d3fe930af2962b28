package store

import "context"

// AcceptReplay stores an event that a person has handed on once more, as
// delivered: nothing else is to take it up. in.Replay or in.ReplayRequest says
// of what.
func (s *Store) AcceptReplay(ctx context.Context, in Incoming, why string) (seq uint64, err error) {
	ev, body, err := fit(in)
	if err != nil {
		return 0, err
	}
	err = s.update(ctx, func(w *wtx) (err error) {
		if seq, _, err = w.accept(in, ev, body); err != nil {
			return err
		}
		e, err := w.change(seq)
		if err != nil {
			return err
		}
		// It is no news: the person made it.
		if c, err := w.touch(e.conv); err != nil {
			return err
		} else if e.is(fCounts) && c.Unread > 0 {
			e.set(fCounts, false)
			c.Unread--
			w.count.Unread--
		}
		return w.endJob(e, Outcome{Status: Delivered, Why: why})
	})
	return seq, err
}
