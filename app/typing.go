package app

import (
	"context"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// typingAfter is how long a responder may take before the other side is shown
// that an answer is being written.
const typingAfter = 700 * time.Millisecond

// typing shows the typing sign while a slow answer is made, where the platform
// has one, until stop is called. Failures are not worth a word.
func (c *account) typing(ctx context.Context, ev platforms.Event) (stop func()) {
	c.mu.Lock()
	typer, ok := c.conn.(platforms.Typer)
	c.mu.Unlock()
	lasts := c.offers().Limits.Typing
	if !ok || lasts <= 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var sign sync.WaitGroup
	// A timer first: most answers are there before it rings, and cost no more.
	sign.Add(1)
	timer := time.AfterFunc(typingAfter, func() {
		defer sign.Done()
		for ctx.Err() == nil {
			_ = c.guard(func() error { return typer.Typing(ctx, ev.Conversation.ID, ev.Thread) })
			select {
			case <-ctx.Done():
			case <-time.After(lasts * 4 / 5):
			}
		}
	})
	return func() {
		if timer.Stop() {
			sign.Done()
		}
		cancel()
		sign.Wait()
	}
}
