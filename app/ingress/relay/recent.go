package relay

import "crypto/sha256"

// Recent remembers the statuses that were answered to the last so many ids, so
// that what a relay sends again is not handed on again. Not for several
// goroutines at once.
type Recent struct {
	known map[[sha256.Size]byte]int
	order [][sha256.Size]byte // a ring
	next  int
}

// NewRecent makes a Recent for most ids, at least one.
func NewRecent(most int) *Recent {
	return &Recent{known: map[[sha256.Size]byte]int{}, order: make([][sha256.Size]byte, 0, max(1, most))}
}

// Status is what was answered to id. An empty id is never known.
func (r *Recent) Status(id string) (status int, known bool) {
	if id == "" {
		return 0, false
	}
	status, known = r.known[sha256.Sum256([]byte(id))]
	return status, known
}

// Add remembers id in place of the oldest.
func (r *Recent) Add(id string, status int) {
	if id == "" {
		return
	}
	key := sha256.Sum256([]byte(id)) // ids are as long as the relay likes
	if _, known := r.known[key]; known {
		r.known[key] = status
		return
	}
	if len(r.order) < cap(r.order) {
		r.order = append(r.order, key)
	} else {
		delete(r.known, r.order[r.next])
		r.order[r.next] = key
		r.next = (r.next + 1) % len(r.order)
	}
	r.known[key] = status
}

// Len is how many are remembered.
func (r *Recent) Len() int { return len(r.known) }
