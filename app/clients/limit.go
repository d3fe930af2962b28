package clients

import (
	"math"
	"sync"
	"time"
)

// How often a client may ask, a minute.
const (
	UsualPerMinute = 60   // messages, unless the person chose otherwise
	MostPerMinute  = 6000 // messages
	allPerMinute   = 600  // requests of any kind, or more for who may send more
	wrongPerMinute = 30   // tokens that are none, of everybody together
)

// Limiter holds clients to their rates. The zero value is ready. It keeps two
// numbers for each client that asked lately, whatever is sent to it.
type Limiter struct {
	mu    sync.Mutex
	all   map[string]bucket
	sends map[string]bucket
	wrong bucket
}

// bucket holds what is left of a rate; it fills up over a minute.
type bucket struct {
	left float64
	at   time.Time
}

// Take counts a request of c, and reports how long it must wait; 0: it need not.
func (l *Limiter) Take(c Client, send bool, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all, l.sends = map[string]bucket{}, map[string]bucket{}
	}
	if send {
		// What is over the rate for sends counts for neither, so that waiting
		// helps.
		if wait := l.sends[c.ID].wait(c.PerMinute, now); wait > 0 {
			return wait
		}
	}
	most := max(allPerMinute, 2*c.PerMinute)
	if wait := l.all[c.ID].wait(most, now); wait > 0 {
		return wait
	}
	put(l.all, c.ID, most, now)
	if send {
		put(l.sends, c.ID, c.PerMinute, now)
	}
	return 0
}

// Wrong counts a token that is none, and reports how long the next may take; 0:
// as one likes.
func (l *Limiter) Wrong(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.wrong.wait(wrongPerMinute, now); wait > 0 {
		return wait
	}
	l.wrong = l.wrong.take(wrongPerMinute, now)
	return 0
}

// filled is b as time filled it up to perMinute.
func (b bucket) filled(perMinute int, now time.Time) float64 {
	if b.at.IsZero() {
		return float64(perMinute)
	}
	return min(float64(perMinute), b.left+max(0, now.Sub(b.at).Minutes())*float64(perMinute))
}

func (b bucket) wait(perMinute int, now time.Time) time.Duration {
	left := b.filled(perMinute, now)
	if left >= 1 {
		return 0
	}
	return time.Duration(math.Ceil((1 - left) / float64(perMinute) * float64(time.Minute)))
}

func (b bucket) take(perMinute int, now time.Time) bucket {
	return bucket{left: b.filled(perMinute, now) - 1, at: now}
}

// put takes one for id, and forgets those who have not asked for a minute: they
// are full again.
func put(m map[string]bucket, id string, perMinute int, now time.Time) {
	if _, known := m[id]; !known && len(m) >= MaxClients {
		for other, b := range m {
			if now.Sub(b.at) >= time.Minute {
				delete(m, other)
			}
		}
		for other := range m { // revoked and made again at once: anybody may go
			if len(m) < 2*MaxClients {
				break
			}
			delete(m, other)
		}
	}
	m[id] = m[id].take(perMinute, now)
}
