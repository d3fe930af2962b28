package relay

import (
	"context"
	"sync"
)

// Bounds of what was read and not yet taken.
type Bounds struct {
	Items int   // at least one
	Bytes int64 // one item may be above it, if it is the only one
}

// Hand reads and takes side by side, so that a slow take does not make us deaf
// to a relay that asks whether we live. read calls give for all that it has
// read; give waits while there is more than b. take is called in the order of
// give, by the goroutine that called Hand.
//
// When read ends, what it gave is taken all the same: it came. When take fails,
// or ctx ends, nothing more is taken. The error is take's, else ctx's, else
// read's.
func Hand[T any](ctx context.Context, b Bounds, read func(ctx context.Context, give func(item T, size int) error) error,
	take func(ctx context.Context, item T) error) error {
	type sized struct {
		item T
		size int64
	}
	reading, stop := context.WithCancel(ctx)
	defer stop()
	items := make(chan sized, max(1, b.Items))
	room := newRoom(b.Bytes)
	var failed error // read's; of use after items is closed
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(items)
		failed = read(reading, func(item T, size int) error {
			it := sized{item, int64(size)}
			if err := room.enter(reading, it.size); err != nil {
				return err
			}
			select {
			case items <- it:
				return nil
			case <-reading.Done():
				return reading.Err()
			}
		})
	})
	var err error
	for it := range items {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = take(ctx, it.item)
		}
		room.leave(it.size)
		if err != nil {
			stop() // and take what is left off read's hands
		}
	}
	wg.Wait()
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return failed
}

// room counts bytes and makes who would take too many wait.
type room struct {
	mu    sync.Mutex
	most  int64
	taken int64
	freed chan struct{} // closed when some left
}

func newRoom(most int64) *room { return &room{most: most, freed: make(chan struct{})} }

func (r *room) enter(ctx context.Context, n int64) error {
	for {
		r.mu.Lock()
		if r.taken == 0 || r.taken+n <= r.most {
			r.taken += n
			r.mu.Unlock()
			return nil
		}
		freed := r.freed
		r.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *room) leave(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken -= n
	close(r.freed)
	r.freed = make(chan struct{})
}
