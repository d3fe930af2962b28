package app

import (
	"context"
	"sync"
	"time"
)

// watchPause is how long a watcher rests after a signal, so that a burst of
// events becomes a few looks at the state instead of thousands.
const watchPause = 50 * time.Millisecond

// broadcast tells any number of watchers that something changed. A watcher
// that is busy is told once, when it looks again.
type broadcast struct {
	mu       sync.Mutex
	watchers map[chan struct{}]struct{}
}

func (b *broadcast) signal() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for w := range b.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// watch returns a channel that is sent to after changes, until ctx ends; then
// it is closed.
func (b *broadcast) watch(ctx context.Context, wg *sync.WaitGroup) <-chan struct{} {
	in := make(chan struct{}, 1)
	out := make(chan struct{})
	b.mu.Lock()
	if b.watchers == nil {
		b.watchers = map[chan struct{}]struct{}{}
	}
	b.watchers[in] = struct{}{}
	b.mu.Unlock()

	wg.Go(func() {
		defer close(out)
		defer func() {
			b.mu.Lock()
			delete(b.watchers, in)
			b.mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-in:
			}
			select {
			case <-ctx.Done():
				return
			case out <- struct{}{}:
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(watchPause):
			}
		}
	})
	return out
}
