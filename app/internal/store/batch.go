package store

import (
	"context"

	"github.com/postern/postern/platforms"
)

// Accepted is what became of one event.
type Accepted struct {
	Seq       uint64 // 0 where only the cursor advanced
	Duplicate bool
}

// AcceptAll is Accept for events that arrived together: all of them in one
// transaction, or none.
func (s *Store) AcceptAll(ctx context.Context, ins []Incoming) ([]Accepted, error) {
	events := make([]platforms.Event, len(ins))
	bodies := make([][]byte, len(ins))
	for i, in := range ins {
		if in.Event.Kind == "" || in.Event.Own {
			continue
		}
		var err error
		if events[i], bodies[i], err = fit(in); err != nil {
			return nil, err
		}
	}
	out := make([]Accepted, len(ins))
	err := s.update(ctx, func(w *wtx) (err error) {
		for i, in := range ins {
			if bodies[i] == nil {
				err = w.advance(in.Account, in.Event.Cursor)
			} else {
				out[i].Seq, out[i].Duplicate, err = w.accept(in, events[i], bodies[i])
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
