package feishu

import (
	"slices"
	"time"
)

// Bounds of what is kept of events that have not come whole.
const (
	partsMost    = 1024     // frames of one event
	partialMost  = 64       // events
	partialBytes = 16 << 20 // in all
	partialTime  = 30 * time.Second
)

// fragments puts events together that come in several frames.
type fragments struct {
	open  map[string]*partial
	order []string // oldest first
	size  int
}

type partial struct {
	parts [][]byte
	left  int
	size  int
	since time.Time
}

// add takes part seq of sum, and gives the whole once all parts are there. An
// event that was not put together comes again, since it is not acknowledged.
func (f *fragments) add(id string, sum, seq int, b []byte) ([]byte, bool) {
	if sum <= 1 {
		return b, true
	}
	if id == "" || sum > partsMost || seq < 0 || seq >= sum {
		return nil, false
	}
	now := time.Now()
	for len(f.order) > 0 {
		oldest := f.open[f.order[0]]
		if len(f.order) < partialMost && f.size+len(b) <= partialBytes && now.Sub(oldest.since) < partialTime {
			break
		}
		f.drop(f.order[0])
	}
	p := f.open[id]
	if p != nil && len(p.parts) != sum {
		f.drop(id)
		p = nil
	}
	if p == nil {
		p = &partial{parts: make([][]byte, sum), left: sum, since: now}
		if f.open == nil {
			f.open = map[string]*partial{}
		}
		f.open[id] = p
		f.order = append(f.order, id)
	}
	if p.parts[seq] == nil {
		p.parts[seq] = append([]byte{}, b...)
		p.left--
		p.size += len(b)
		f.size += len(b)
	}
	if p.left > 0 {
		return nil, false
	}
	f.drop(id)
	return slices.Concat(p.parts...), true
}

func (f *fragments) drop(id string) {
	f.size -= f.open[id].size
	delete(f.open, id)
	i := slices.Index(f.order, id)
	f.order = slices.Delete(f.order, i, i+1)
}
