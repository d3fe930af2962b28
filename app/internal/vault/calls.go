package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// maxCalls is how many calls of the keyring may be under way, counting those
// that nobody waits for any more.
const maxCalls = 4

// calls makes calls that can't be cancelled and may never come back, each in a
// goroutine and with a deadline. A call that outlives its deadline keeps its
// goroutine and its slot until it returns; when no slot is left new calls fail
// instead of piling up. They are the one kind of goroutine that Postern starts
// and may not wait for.
type calls struct {
	short, long time.Duration
	slots       chan struct{}

	mu       sync.Mutex
	changing map[string]bool // items with a change that hasn't come back
}

func newCalls(short, long time.Duration) *calls {
	return &calls{
		short:    short,
		long:     max(short, long),
		slots:    make(chan struct{}, maxCalls),
		changing: map[string]bool{},
	}
}

var errPanicked = errors.New("the keyring's client library failed")

// ready runs the check within the short deadline.
func (c *calls) ready(ctx context.Context, check func(context.Context) (bool, error)) (bool, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.short, &Unavailable{Reason: TimedOut})
	defer cancel()
	return run(ctx, c, func() (bool, error) { return check(ctx) })
}

// do runs f within the long deadline if the person may be asked, else within
// the short one. While an earlier change of the same item hasn't come back,
// another is refused: the earlier one could overwrite it at any time.
func (c *calls) do(ctx context.Context, mayPrompt bool, changes string, f func() (string, error)) (string, error) {
	limit := c.short
	if mayPrompt {
		limit = c.long
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &Unavailable{Reason: TimedOut})
	defer cancel()
	if changes == "" {
		return run(ctx, c, f)
	}
	if !c.begin(changes) {
		return "", &Unavailable{Reason: TimedOut, Detail: "an earlier change of this secret is still waiting"}
	}
	started := false
	result, err := run(ctx, c, func() (string, error) {
		defer c.end(changes)
		return f()
	}, &started)
	if !started {
		c.end(changes)
	}
	return result, err
}

func (c *calls) begin(item string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changing[item] {
		return false
	}
	c.changing[item] = true
	return true
}

func (c *calls) end(item string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.changing, item)
}

// run runs f in a goroutine and waits for it or for ctx. started, if given, is
// set once f surely runs.
func run[T any](ctx context.Context, c *calls, f func() (T, error), started ...*bool) (T, error) {
	var zero T
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		if u, ok := errors.AsType[*Unavailable](context.Cause(ctx)); ok {
			return zero, &Unavailable{Reason: u.Reason, Detail: "earlier calls are still waiting"}
		}
		return zero, fmt.Errorf("wait for the keyring: %w", context.Cause(ctx))
	}
	for _, s := range started {
		*s = true
	}
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		// The library dereferences what the bus sends without checking it.
		out := outcome{err: errPanicked}
		defer func() {
			if recover() != nil {
				out = outcome{err: errPanicked}
			}
			<-c.slots
			done <- out
		}()
		out.value, out.err = f()
	}()
	select {
	case out := <-done:
		return out.value, out.err
	case <-ctx.Done():
		if u, ok := errors.AsType[*Unavailable](context.Cause(ctx)); ok {
			return zero, u
		}
		return zero, fmt.Errorf("wait for the keyring: %w", context.Cause(ctx))
	}
}
