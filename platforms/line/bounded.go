package line

import (
	"slices"
	"sync"
)

// bounded keeps the newest values by key, and forgets the oldest. It is safe for
// several goroutines.
type bounded[V any] struct {
	mu    sync.Mutex
	most  int
	m     map[string]V
	order []string // keys, the oldest at next once it is full
	next  int
}

func newBounded[V any](most int) *bounded[V] { return &bounded[V]{most: most, m: map[string]V{}} }

func (b *bounded[V]) get(key string) (V, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	v, ok := b.m[key]
	return v, ok
}

// put keeps v and reports whether key was new.
func (b *bounded[V]) put(key string, v V) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, old := b.m[key]
	b.m[key] = v
	if old {
		return false
	}
	if len(b.order) < b.most {
		b.order = append(b.order, key)
		return true
	}
	if b.order[b.next] != key {
		delete(b.m, b.order[b.next])
	}
	b.order[b.next] = key
	b.next = (b.next + 1) % b.most
	return true
}

// forget takes key out, as if it had never been put. No key is empty.
func (b *bounded[V]) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, key)
	if i := slices.Index(b.order, key); i >= 0 {
		b.order[i] = ""
	}
}

func (b *bounded[V]) size() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.m)
}
