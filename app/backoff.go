package app

import (
	"math/rand/v2"
	"time"
)

// The bounds of the wait between two attempts.
const (
	backoffFirst = time.Second
	backoffMost  = 2 * time.Minute
)

// backoff gives waits that double from one second to two minutes, each
// shortened at random by up to half, so that many accounts that lost the same
// network don't come back in the same instant. The zero value is ready.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	wait := backoffAfter(b.tries)
	b.tries++
	return wait
}

func (b *backoff) reset() { b.tries = 0 }

// backoffAfter is the wait after this many failures in a row.
func backoffAfter(failures int) time.Duration {
	wait := backoffMost
	if failures < 7 { // 1 s << 7 is above two minutes
		wait = min(backoffFirst<<failures, backoffMost)
	}
	return wait/2 + rand.N(wait/2+1)
}
