package app

import (
	"maps"
	"slices"
	"sync"

	"github.com/postern/postern/platforms"
)

// waits is which responders have events waiting for them, by conversation: what
// comes later in the same one must not overtake them. It goes by the events'
// places in the journal, so that noting the same twice, or the end of one that
// was given up meanwhile, counts nothing wrong.
type waits struct {
	mu   sync.Mutex
	jobs map[uint64]waiter
	n    map[lane]map[string]int // how many of jobs, by responder
}

// waiter is one event, and the responders that it waits for.
type waiter struct {
	at  lane
	ids []string
}

// behind reports whether something earlier waits for a responder.
func (w *waits) behind(l lane, id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n[l][id] > 0
}

// add notes that an event waits. A task at work hinders nobody.
func (w *waits) add(l lane, seq uint64, ts []task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setLocked(seq, l, waitsFor(ts))
}

// narrow notes what is left of an event that waits. One that was given up
// meanwhile stays so.
func (w *waits) narrow(seq uint64, ts []task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if old, ok := w.jobs[seq]; ok {
		w.setLocked(seq, old.at, waitsFor(ts))
	}
}

// drop notes that an event does not wait any more.
func (w *waits) drop(seq uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.setLocked(seq, lane{}, nil)
}

func waitsFor(ts []task) (ids []string) {
	for _, t := range ts {
		if !t.Begun && !slices.Contains(ids, t.ID) {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

func (w *waits) setLocked(seq uint64, l lane, ids []string) {
	if w.jobs == nil {
		w.jobs, w.n = map[uint64]waiter{}, map[lane]map[string]int{}
	}
	old := w.jobs[seq]
	for _, id := range old.ids {
		if w.n[old.at][id]--; w.n[old.at][id] == 0 {
			delete(w.n[old.at], id)
		}
	}
	if len(w.n[old.at]) == 0 {
		delete(w.n, old.at)
	}
	delete(w.jobs, seq)
	if len(ids) == 0 {
		return
	}
	if w.n[l] == nil {
		w.n[l] = map[string]int{}
	}
	for _, id := range ids {
		w.n[l][id]++
	}
	w.jobs[seq] = waiter{l, ids}
}

// of is the responders for which something waits in l.
func (w *waits) of(l lane) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.n[l]))
}

// count is how many events wait for a responder.
func (w *waits) count(id string) (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, by := range w.n {
		n += by[id]
	}
	return n
}

// lanes is where something waits for a responder.
func (w *waits) lanes(id string) (out []lane) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l, by := range w.n {
		if by[id] > 0 {
			out = append(out, l)
		}
	}
	return out
}

// forget drops what is noted for an account.
func (w *waits) forget(id platforms.AccountID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for seq, j := range w.jobs {
		if j.at.account == id {
			w.setLocked(seq, lane{}, nil)
		}
	}
}

// moved lets what waits in from wait in to.
func (w *waits) moved(from, to lane) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.n[from]) == 0 {
		return
	}
	for seq, j := range w.jobs {
		if j.at == from {
			w.setLocked(seq, to, j.ids)
		}
	}
}
