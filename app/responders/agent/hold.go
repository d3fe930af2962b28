package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/postern/postern/platforms"
)

// errIdle ends an agent that has nothing to do.
var errIdle = errors.New("nothing to do")

// longestRest is the longest time for which an agent that keeps failing is left
// alone.
const longestRest = time.Minute

// acquire gives the running agent, and starts it if there is none. Who got it
// calls release.
func (r *Responder) acquire(ctx context.Context) (*host, error) {
	select {
	case r.starting <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-r.starting }()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r.mu.Lock()
	h := r.host
	if h != nil && !h.gone() {
		r.hold()
		r.mu.Unlock()
		return h, nil
	}
	r.mu.Unlock()
	if h != nil {
		h.end(errStopped)
		r.lost(h)
	}
	if err := r.rest(ctx); err != nil {
		return nil, err
	}
	h, err := start(ctx, r.until, r.c, r.env, r.hide, r.pace.introduce, &r.wg)
	if err != nil {
		if ctx.Err() == nil {
			r.fail(platforms.Explain(err))
		}
		return nil, err
	}
	r.wg.Go(func() { <-h.dead; r.lost(h) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.host = h
	r.hold()
	return h, nil
}

// hold is called with mu held.
func (r *Responder) hold() {
	r.using++
	if r.idle != nil {
		r.idle.Stop()
	}
}

// release lets the agent be ended after a while without work.
func (r *Responder) release() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.using--; r.using > 0 || r.closed {
		return
	}
	r.idle = time.AfterFunc(r.pace.idle, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.using == 0 && r.host != nil {
			r.host.kill(errIdle)
		}
	})
}

// rest waits until an agent that keeps failing may be started again.
func (r *Responder) rest(ctx context.Context) error {
	r.mu.Lock()
	n, excuse := r.failures, r.excuse
	wait := time.Until(r.failed.Add(pause(n, r.pace.retry)))
	r.mu.Unlock()
	if n == 0 || wait <= 0 {
		return nil
	}
	if wait > r.pace.patience {
		return rejected(nil, "The agent failed %d times in a row and is left alone for another %v. The last time: %s", n, wait.Round(time.Second), excuse)
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pause is how long an agent is left alone after n failures in a row. After the
// first it isn't: whoever waits for an answer tries again.
func pause(n int, first time.Duration) time.Duration {
	if n < 2 {
		return 0
	}
	return min(first<<min(n-2, 20), longestRest)
}

// lost notes that an agent has ended.
func (r *Responder) lost(h *host) {
	r.mu.Lock()
	if r.host != h {
		r.mu.Unlock()
		return
	}
	r.host = nil
	r.mu.Unlock()
	if errors.Is(h.why, errIdle) || errors.Is(h.why, context.Canceled) {
		return
	}
	r.fail(fmt.Sprintf("it ended (%s).%s", h.how, h.said()))
	r.log.Info("an agent ended", "responder", r.c.Name, "program", h.name, "how", h.how)
}

func (r *Responder) fail(excuse string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures++
	r.failed, r.excuse = time.Now(), excuse
}

// worked notes that the agent is of use.
func (r *Responder) worked() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = 0
}
