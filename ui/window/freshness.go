package window

import (
	"time"

	"github.com/postern/postern/app/control/api"
)

// freshness is when a page read what it shows, and whether it has to read that
// again. A page embeds one.
type freshness struct {
	loading  bool
	again    bool // it was to read while it did
	dirty    bool // the state changed since it read
	asked    time.Time
	revision uint64
	pid      int
}

// saw notes which state there is now.
func (f *freshness) saw(s api.Snapshot) {
	if s.Revision != f.revision || s.Program.PID != f.pid {
		f.revision, f.pid, f.dirty = s.Revision, s.Program.PID, true
	}
}

// due reports whether to read anew: what has changed, once a second at most, and
// after rest in any case, unless that is 0.
func (f *freshness) due(now time.Time, rest time.Duration) bool {
	since := now.Sub(f.asked)
	return !f.loading && (f.dirty && since >= time.Second || rest > 0 && since >= rest)
}

// begin reports whether to read now. While a reading is under way, another one is
// to follow it: the page looks at again when it ends.
func (f *freshness) begin(now time.Time) bool {
	if f.loading {
		f.again = true
		return false
	}
	f.loading, f.again, f.dirty, f.asked = true, false, false, now
	return true
}
