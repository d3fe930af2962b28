package app

import (
	"maps"
	"slices"
	"sync"

	"github.com/postern/postern/platforms"
)

// waits is which responders have events waiting for them, by conversation: what
// comes later in the same one must not overtake them.
type waits struct {
	mu sync.Mutex
	n  map[lane]map[string]int
}

// behind reports whether something earlier waits for a responder.
func (w *waits) behind(l lane, id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n[l][id] > 0
}

// add counts tasks up, or down with by below 0. One at work hinders nobody.
func (w *waits) add(l lane, ts []task, by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range ts {
		if t.Begun {
			continue
		}
		if w.n == nil {
			w.n = map[lane]map[string]int{}
		}
		if w.n[l] == nil {
			w.n[l] = map[string]int{}
		}
		if w.n[l][t.ID] += by; w.n[l][t.ID] <= 0 {
			delete(w.n[l], t.ID)
		}
		if len(w.n[l]) == 0 {
			delete(w.n, l)
		}
	}
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

// clear drops what is counted for l.
func (w *waits) clear(l lane) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.n, l)
}

// forget drops what is counted for an account.
func (w *waits) forget(id platforms.AccountID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.n, func(l lane, _ map[string]int) bool { return l.account == id })
}

// moved lets what waits in from wait in to.
func (w *waits) moved(from, to lane) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, n := range w.n[from] {
		if w.n[to] == nil {
			w.n[to] = map[string]int{}
		}
		w.n[to][id] += n
	}
	delete(w.n, from)
}
