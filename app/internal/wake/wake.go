// Package wake tells when the computer woke from sleep, when its network
// changed and when its clock was set, so that connections are dialled again at
// once instead of after a time-out.
//
// What it can notice, and from what:
//
//   - Everywhere: a look at the clocks every 5 s. Wall time that passed while
//     the process's own time stood still was sleep, or a clock that was set; a
//     look that came far too late was sleep, or a process that was halted.
//   - Linux: the kernel's address and link messages (netlink), and if a system
//     bus is there logind's PrepareForSleep and NetworkManager's state. At rest
//     only the clocks cost anything.
//   - Windows: the system's notices of resuming and of interface and address
//     changes.
//   - macOS and the BSDs: no notices, since those need cgo. There a wake is
//     noticed by the clocks within 5 s of running again, and a network change by
//     comparing the interfaces' addresses every 5 s: a network that is left and
//     joined again between two looks with the same address goes unnoticed.
package wake

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	// lookEvery is the time between two looks at the clocks.
	lookEvery = 5 * time.Second
	// together is how long after a first event others are part of its Notice: a
	// wake brings a flood of network events, and dialling amid them is in vain.
	together = 2 * time.Second
)

// Notice says that connections made before it may be dead.
type Notice struct {
	// Reason is for a log or a person: "woke after 8 min", "network changed",
	// "clock changed", or several of them.
	Reason string
	// Slept is for how long the computer slept or the process was halted, zero
	// if it wasn't or that isn't known.
	Slept time.Duration
}

// event is what one source saw.
type event struct {
	kind  kind
	slept time.Duration
}

type kind int

const (
	woke kind = 1 << iota
	network
	clock
)

// source watches one thing until ctx ends. It calls tell for each event, which
// never blocks. It returns early if there is nothing to watch.
type source func(ctx context.Context, log *slog.Logger, tell func(event))

// Watch tells of wakes and network changes until ctx ends; then, once all its
// goroutines have ended, the channel is closed. Events within 2 s are one
// Notice, sent at the end of the 2 s. While nobody receives, Notices merge.
func Watch(ctx context.Context, log *slog.Logger) <-chan Notice {
	sources := append([]source{clocks(newClock(), lookEvery)}, systemSources()...)
	return watch(ctx, log, sources...)
}

func watch(ctx context.Context, log *slog.Logger, sources ...source) <-chan Notice {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &collector{signal: make(chan struct{}, 1)}
	notices := make(chan Notice)
	var wg sync.WaitGroup
	for _, s := range sources {
		wg.Go(func() { s(ctx, log, c.tell) })
	}
	wg.Go(func() { c.deliver(ctx, notices) })
	go func() {
		wg.Wait()
		close(notices)
	}()
	return notices
}

// collector merges events.
type collector struct {
	signal chan struct{}

	mu      sync.Mutex
	pending event
}

func (c *collector) tell(e event) {
	c.mu.Lock()
	c.pending.kind |= e.kind
	c.pending.slept = max(c.pending.slept, e.slept)
	c.mu.Unlock()
	select {
	case c.signal <- struct{}{}:
	default:
	}
}

func (c *collector) take() event {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.pending
	c.pending = event{}
	return e
}

func (c *collector) deliver(ctx context.Context, to chan<- Notice) {
	for {
		select {
		case <-c.signal:
		case <-ctx.Done():
			return
		}
		if !pause(ctx, together) {
			return
		}
		e := c.take()
		for sent := e.kind == 0; !sent; {
			select {
			case to <- e.notice():
				sent = true
			case <-c.signal:
				more := c.take()
				e.kind |= more.kind
				e.slept = max(e.slept, more.slept)
			case <-ctx.Done():
				return
			}
		}
	}
}

func (e event) notice() Notice {
	n := Notice{Slept: e.slept}
	add := func(text string) {
		if n.Reason != "" {
			n.Reason += ", "
		}
		n.Reason += text
	}
	switch {
	case e.kind&woke != 0 && e.slept > 0:
		add("woke after " + rough(e.slept))
	case e.kind&woke != 0:
		add("woke")
	}
	if e.kind&network != 0 {
		add("network changed")
	}
	if e.kind&clock != 0 {
		add("clock changed")
	}
	return n
}

// rough is d as a person would say it.
func rough(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%d s", int(d.Seconds()+0.5))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	default:
		return fmt.Sprintf("%d h", int(d.Hours()+0.5))
	}
}

// pause waits for d; false: ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
