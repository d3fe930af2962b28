package app

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/postern/postern/platforms"
)

// paceMost bounds how many conversations' rates are remembered. Forgetting one
// costs nothing worse than an early burst, which the platform answers with
// "wait", and the outbox does.
const paceMost = 4096

// pacer keeps sends within the rates that a platform documents.
type pacer struct {
	mu       sync.Mutex
	accounts map[platforms.AccountID]*rate.Limiter
	lanes    map[lane]*rate.Limiter
}

func newPacer() *pacer {
	return &pacer{accounts: map[platforms.AccountID]*rate.Limiter{}, lanes: map[lane]*rate.Limiter{}}
}

// wait returns when one more message may go to l, or with ctx's error.
func (p *pacer) wait(ctx context.Context, l lane, shared bool, limits platforms.Pace) error {
	r := limits.Conversation
	if shared && limits.Group.N > 0 {
		r = limits.Group
	}
	p.mu.Lock()
	ofLane := limiter(p.lanes, l, r)
	ofAccount := limiter(p.accounts, l.account, limits.Account)
	p.mu.Unlock()
	if err := ofLane.Wait(ctx); err != nil {
		return err
	}
	return ofAccount.Wait(ctx)
}

// forget drops an account's rates.
func (p *pacer) forget(id platforms.AccountID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.accounts, id)
	for l := range p.lanes {
		if l.account == id {
			delete(p.lanes, l)
		}
	}
}

func limiter[K comparable](m map[K]*rate.Limiter, k K, r platforms.Rate) *rate.Limiter {
	if l, ok := m[k]; ok {
		return l
	}
	if len(m) >= paceMost {
		for other := range m { // any one: see paceMost
			delete(m, other)
			break
		}
	}
	l := rate.NewLimiter(rate.Inf, 1)
	if r.N > 0 && r.Per > 0 {
		l = rate.NewLimiter(rate.Every(r.Per/time.Duration(r.N)), max(r.Burst, 1))
	}
	m[k] = l
	return l
}

// gates hold back conversations after a failure: until a time that the platform
// named (firm), or until a backoff ends or the account reconnects.
type gates struct {
	mu sync.Mutex
	m  map[lane]gate
}

type gate struct {
	until time.Time
	firm  bool
}

func (g *gates) close(l lane, until time.Time, firm bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.m == nil {
		g.m = map[lane]gate{}
	}
	g.m[l] = gate{until, firm}
}

// until is when l may go on; zero if it may now.
func (g *gates) until(l lane, now time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, ok := g.m[l]
	if !ok {
		return time.Time{}
	}
	if !at.until.After(now) {
		delete(g.m, l)
		return time.Time{}
	}
	return at.until
}

// open lets an account's conversations go on, except where the platform itself
// named a time.
func (g *gates) open(id platforms.AccountID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for l, at := range g.m {
		if l.account == id && !at.firm {
			delete(g.m, l)
		}
	}
}
