package control

import (
	"fmt"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// opening is how long a started window may take to connect before another
// request starts another one.
const opening = 10 * time.Second

// screens are the connected windows, by the channel that tells each what to
// show.
type screens struct {
	start func(api.Request) error

	mu      sync.Mutex
	open    map[chan api.Request]struct{}
	pending *api.Request // for the window that is being started
	until   time.Time    // when it is given up
}

// show tells every window, or starts one. A request that comes while one is
// starting waits for it: the last one wins.
func (w *screens) show(r api.Request) error {
	w.mu.Lock()
	if len(w.open) > 0 {
		defer w.mu.Unlock()
		for c := range w.open {
			tell(c, r)
		}
		return nil
	}
	if w.start == nil {
		w.mu.Unlock()
		return &api.Error{Kind: platforms.Unsupported, Text: "This Postern runs without a window. Use the command line: postern --help."}
	}
	w.pending = &r
	if time.Now().Before(w.until) {
		w.mu.Unlock()
		return nil
	}
	w.until = time.Now().Add(opening)
	w.mu.Unlock()

	if err := w.start(r); err != nil {
		w.mu.Lock()
		w.pending, w.until = nil, time.Time{}
		w.mu.Unlock()
		return &api.Error{Kind: platforms.Temporary, Text: fmt.Sprintf("The window did not open: %v", err)}
	}
	return nil
}

// tell puts r into c, in the place of what it holds.
func tell(c chan api.Request, r api.Request) {
	select {
	case <-c:
	default:
	}
	c <- r // room for one, and the mutex is held
}

// join is a new window's channel. It holds what the window was started for.
func (w *screens) join() chan api.Request {
	c := make(chan api.Request, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = map[chan api.Request]struct{}{}
	}
	w.open[c] = struct{}{}
	if w.pending != nil && time.Now().Before(w.until) {
		c <- *w.pending
	}
	w.pending, w.until = nil, time.Time{}
	return c
}

func (w *screens) leave(c chan api.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
}
