package app

import (
	"context"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// lane names one conversation: what happens in it happens in order, whatever
// happens in others.
type lane struct {
	account      platforms.AccountID
	conversation platforms.ConversationID
}

// lanes runs work for lanes that were signalled: never twice at once for the
// same lane, in parallel across lanes, and for at most limit lanes at a time.
// It remembers only lanes that have work, so its memory is bounded by the
// backlog's breadth, not its length.
type lanes struct {
	ctx   context.Context
	limit int
	// work drains one lane. It returns when there is nothing left to do, and
	// a time at which to look again, or zero.
	work func(ctx context.Context, l lane) (again time.Time)

	mu      sync.Mutex
	state   map[lane]laneState
	waiting []lane // signalled, but over the limit
	running int
	timers  map[lane]*time.Timer
	closed  bool
	wg      sync.WaitGroup
}

type laneState int

const (
	laneQueued laneState = iota + 1
	laneRunning
	laneAgain // running, and signalled since
)

func newLanes(ctx context.Context, limit int, work func(context.Context, lane) time.Time) *lanes {
	return &lanes{ctx: ctx, limit: limit, work: work, state: map[lane]laneState{}, timers: map[lane]*time.Timer{}}
}

// signal says that l has work. It never blocks.
func (s *lanes) signal(l lane) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signalLocked(l)
}

func (s *lanes) signalLocked(l lane) {
	if s.closed {
		return
	}
	if t := s.timers[l]; t != nil {
		t.Stop()
		delete(s.timers, l)
	}
	switch s.state[l] {
	case laneQueued, laneAgain:
	case laneRunning:
		s.state[l] = laneAgain
	default:
		if s.running < s.limit {
			s.startLocked(l)
		} else {
			s.state[l] = laneQueued
			s.waiting = append(s.waiting, l)
		}
	}
}

func (s *lanes) startLocked(l lane) {
	s.state[l] = laneRunning
	s.running++
	s.wg.Go(func() { s.run(l) })
}

func (s *lanes) run(l lane) {
	for {
		again := s.work(s.ctx, l)
		s.mu.Lock()
		if s.state[l] == laneAgain && !s.closed {
			s.state[l] = laneRunning
			s.mu.Unlock()
			continue
		}
		delete(s.state, l)
		s.running--
		if !again.IsZero() && !s.closed {
			s.timers[l] = time.AfterFunc(time.Until(again), func() { s.signal(l) })
		}
		if len(s.waiting) > 0 && !s.closed {
			next := s.waiting[0]
			s.waiting = s.waiting[1:]
			s.startLocked(next)
		}
		s.mu.Unlock()
		return
	}
}

// idle reports whether l has neither work under way nor waiting.
func (s *lanes) idle(l lane) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state[l] == 0 && s.timers[l] == nil
}

// close starts nothing more and waits for what runs; work sees its context end
// when whoever made it cancels it.
func (s *lanes) close() {
	s.mu.Lock()
	s.closed = true
	s.waiting = nil
	for l, t := range s.timers {
		t.Stop()
		delete(s.timers, l)
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// claims are the journal entries that some lane works on right now. When a
// platform renames a conversation, its work passes to another lane; a claim
// keeps both from doing the same piece.
type claims struct{ m sync.Map }

func (c *claims) take(seq uint64) bool {
	_, taken := c.m.LoadOrStore(seq, struct{}{})
	return !taken
}

func (c *claims) release(seq uint64) { c.m.Delete(seq) }
