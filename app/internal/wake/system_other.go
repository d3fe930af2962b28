//go:build !linux && !windows

package wake

import "time"

func systemSources() []source { return []source{poll(lookEvery, fingerprint)} }

// newClock: Go's monotonic clock stops during sleep.
func newClock() func() reading { return goClock(time.Now()) }
