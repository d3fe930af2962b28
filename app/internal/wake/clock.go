package wake

import (
	"context"
	"log/slog"
	"time"
)

// tolerance is what clocks may differ by without a cause worth telling: more than
// scheduling and a clock that is being slewed, less than any sleep that breaks
// a connection.
const tolerance = 5 * time.Second

// reading is every clock at one moment.
type reading struct {
	wall    time.Time     // without a monotonic part
	running time.Duration // of a clock that stops during sleep, where there is one
	passed  time.Duration // of a clock that runs during sleep; zero: there is none
}

// clocks watches the clocks that read gives.
func clocks(read func() reading, every time.Duration) source {
	return func(ctx context.Context, log *slog.Logger, tell func(event)) {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		before := read()
		for {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
			now := read()
			if e := judge(before, now, every); e.kind != 0 {
				log.Debug("the clocks tell", "event", e.notice().Reason)
				tell(e)
			}
			before = now
		}
	}
}

// judge says what happened between two readings that should be every apart.
// Where no clock runs during sleep a wall clock set forward looks the same as a
// sleep, and is called one: dialling again is harmless.
func judge(before, now reading, every time.Duration) event {
	running := now.running - before.running
	wall := now.wall.Sub(before.wall)
	var e event
	if before.passed != 0 && now.passed != 0 {
		passed := now.passed - before.passed
		if slept := passed - running; slept > tolerance {
			e = event{woke, slept}
		}
		if set := wall - passed; set > tolerance || set < -tolerance {
			e.kind |= clock
		}
	} else {
		switch gap := wall - running; {
		case gap > tolerance:
			e = event{woke, gap}
		case gap < -tolerance:
			e.kind |= clock
		}
	}
	// The look itself came late: the process was halted, or its clock runs on
	// during sleep as Windows' does.
	if late := running - every; e.kind&woke == 0 && late > 2*tolerance {
		e.kind |= woke
		e.slept = late
	}
	return e
}
