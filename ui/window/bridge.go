package window

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"
)

// The longest that a call to the service may take. A person who waits can
// cancel earlier.
const (
	briefly = 20 * time.Second // reading and writing the journal
	patient = 90 * time.Second // anything that asks a platform
	transit = 30 * time.Minute // files
)

// Bridge runs work away from the goroutine that draws and brings results back
// to it. All of this program's hand-overs to that goroutine happen here.
type Bridge struct {
	ctx    context.Context
	cancel context.CancelFunc
	do     func(func())
	later  func(time.Duration, func()) (stop func())
	work   sync.WaitGroup
	active atomic.Int32 // of work
}

// NewBridge makes the bridge of a running application. Work ends with ctx.
func NewBridge(ctx context.Context) *Bridge {
	return newBridge(ctx, fyne.Do, func(d time.Duration, f func()) func() {
		t := time.AfterFunc(d, f)
		return func() { t.Stop() }
	})
}

// newBridge makes a bridge whose hand-over and clock the caller provides.
func newBridge(ctx context.Context, do func(func()), later func(time.Duration, func()) func()) *Bridge {
	ctx, cancel := context.WithCancel(ctx)
	return &Bridge{ctx: ctx, cancel: cancel, do: do, later: later}
}

// Close cancels all work and waits for it. Nothing is drawn after it.
func (b *Bridge) Close() {
	b.cancel()
	b.work.Wait()
}

// ui has f run on the goroutine that draws, unless the bridge is closed by then.
func (b *Bridge) ui(f func()) {
	b.do(func() {
		if b.ctx.Err() == nil {
			f()
		}
	})
}

// Background runs f on a goroutine of its own, which Close waits for; f ends when
// its context does.
func (b *Bridge) Background(f func(context.Context)) { b.spawn(f) }

// spawn runs f on a goroutine of its own until it returns; f ends when its
// context does.
func (b *Bridge) spawn(f func(context.Context)) {
	if b.ctx.Err() != nil {
		return
	}
	b.work.Add(1)
	b.active.Add(1)
	go func() {
		defer b.work.Done()
		defer b.active.Add(-1)
		f(b.ctx)
	}()
}

// after runs f on the goroutine that draws, once d has passed. Once stop was
// called there, f does not run any more.
func (b *Bridge) after(d time.Duration, f func()) (stop func()) {
	stopped := false
	halt := b.later(d, func() {
		b.ui(func() {
			if !stopped {
				f()
			}
		})
	})
	return func() { stopped = true; halt() }
}

// every runs f on the goroutine that draws, each d.
func (b *Bridge) every(d time.Duration, f func()) {
	var next func()
	next = func() {
		f()
		b.after(d, next)
	}
	b.after(d, next)
}

// call runs work away from the goroutine that draws, within limit, and then
// done on it. cancel, which must be called on the goroutine that draws, ends
// work; done does not run after it.
func call[T any](b *Bridge, limit time.Duration, work func(context.Context) (T, error), done func(T, error)) (cancel func()) {
	ctx, stop := context.WithTimeout(b.ctx, limit)
	cancelled := false
	b.spawn(func(context.Context) {
		defer stop()
		v, err := work(ctx)
		b.ui(func() {
			if !cancelled {
				done(v, err)
			}
		})
	})
	return func() { cancelled = true; stop() }
}

// act is call for work that has no result but its error.
func act(b *Bridge, limit time.Duration, work func(context.Context) error, done func(error)) (cancel func()) {
	return call(b, limit, func(ctx context.Context) (struct{}, error) { return struct{}{}, work(ctx) },
		func(_ struct{}, err error) { done(err) })
}

// pending is how much work is under way.
func (b *Bridge) pending() int { return int(b.active.Load()) }
