package hooks

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// mostSources is how many sources a Limiter remembers.
const mostSources = 4096

// sourceLimit is how often one source may ask, whatever it asks. It is wide: a
// tunnel makes one source of many senders.
func sourceLimit() platforms.Rate {
	return platforms.Rate{N: 300, Per: time.Minute, Burst: 60}
}

// Limiter bounds how often hooks are used and how often a source asks. It is
// safe for concurrent use, and what it remembers is bounded: of sources by
// mostSources, of hooks by how many there are, since only one that a valid token
// opened is ever asked about.
type Limiter struct {
	mu      sync.Mutex
	sources map[netip.Prefix]*list.Element
	recent  list.List // of *source, the latest first
	hooks   map[string]*bucket
}

type source struct {
	net netip.Prefix
	bucket
}

// NewLimiter makes a Limiter that remembers nobody.
func NewLimiter() *Limiter {
	return &Limiter{sources: map[netip.Prefix]*list.Element{}, hooks: map[string]*bucket{}}
}

// Source counts a request from addr. Zero means that it may pass; otherwise it
// is how long its sender has to wait. Ask before the token is looked at. When
// all places are taken, who was silent longest is forgotten.
func (l *Limiter) Source(addr netip.Addr) time.Duration {
	n := network(addr)
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.sources[n]
	if e != nil {
		l.recent.MoveToFront(e)
	} else {
		if len(l.sources) >= mostSources {
			oldest := l.recent.Back()
			delete(l.sources, oldest.Value.(*source).net)
			l.recent.Remove(oldest)
		}
		e = l.recent.PushFront(&source{net: n})
		l.sources[n] = e
	}
	return e.Value.(*source).take(sourceLimit(), now)
}

// network is what counts as one source: an IPv4 address, or an IPv6 /64, which
// is what one subscriber has.
func network(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// Hook counts a post by h, as Source does. Ask once the post was read and found
// good, so that bad ones use nothing up.
func (l *Limiter) Hook(h Hook) time.Duration {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.hooks[h.ID]
	if b == nil {
		if len(l.hooks) >= 2*mostHooks {
			l.forgetFull(now)
		}
		b = &bucket{}
		l.hooks[h.ID] = b
	}
	return b.take(h.rate(), now)
}

// Manage counts a change of h by whoever has its token, as Hook counts posts. They
// are few: each is a line of a record whose oldest lines go once it is long, and
// whoever found the address must not push out what it says of them.
func (l *Limiter) Manage(h Hook) time.Duration {
	h.ID, h.Limit = "manage "+h.ID, platforms.Rate{N: 30, Per: time.Hour, Burst: 10}
	return l.Hook(h)
}

// forgetFull makes room: of hooks that are gone first, which nobody asks about
// any more, then of any.
func (l *Limiter) forgetFull(now time.Time) {
	for id, b := range l.hooks {
		if now.Sub(b.at) >= 24*time.Hour {
			delete(l.hooks, id)
		}
	}
	for id := range l.hooks {
		if len(l.hooks) < 2*mostHooks {
			return
		}
		delete(l.hooks, id)
	}
}

// Len is how many sources and how many hooks are remembered.
func (l *Limiter) Len() (sources, hooks int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sources), len(l.hooks)
}

// Forget drops what is known of a hook that was removed.
func (l *Limiter) Forget(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.hooks, id)
	delete(l.hooks, "manage "+id)
}

// bucket is a rate's state: what was taken and has not come back yet.
type bucket struct {
	taken float64
	at    time.Time
}

// take takes one. Zero means that there was one; otherwise nothing is taken, and
// it is the time until there is.
func (b *bucket) take(r platforms.Rate, now time.Time) time.Duration {
	each := r.Per.Seconds() / float64(r.N)
	burst := float64(max(r.Burst, 1))
	if !b.at.IsZero() {
		b.taken = max(0, b.taken-now.Sub(b.at).Seconds()/each)
	}
	b.at = now
	const loss = 1e-9 // of what the division loses
	if over := b.taken + 1 - burst; over > loss {
		return max(time.Duration(over*each*float64(time.Second)), time.Nanosecond)
	}
	b.taken++
	return 0
}
