//go:build !linux

package wake

import "time"

// goClock reads the wall clock and Go's own monotonic clock.
func goClock(started time.Time) func() reading {
	return func() reading {
		now := time.Now()
		return reading{wall: now.Round(0), running: now.Sub(started)}
	}
}
