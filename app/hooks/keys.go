package hooks

import (
	"container/list"
	"crypto/sha256"
	"sync"
	"time"
)

// Bounds of what Keys remembers.
const (
	mostKeys     = 8192 // of all hooks
	mostKeysHook = 1024 // of one hook, so that it can't push out others'
	mostKey      = 255  // bytes of a key
	keyLife      = 24 * time.Hour
)

// Keys remembers which posts were taken under which Idempotency-Key, for 24
// hours, so that a sender may ask again without posting twice
// (https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07).
// It is safe for concurrent use.
type Keys struct {
	mu    sync.Mutex
	known map[keyID]*list.Element
	order list.List // of *entry, the oldest first
	each  map[string]int
}

type keyID struct {
	hook string
	key  [sha256.Size]byte
}

type entry struct {
	id      keyID
	body    [sha256.Size]byte
	at      time.Time
	done    bool
	receipt Receipt
}

// NewKeys makes Keys that remember nothing.
func NewKeys() *Keys {
	return &Keys{known: map[keyID]*list.Element{}, each: map[string]int{}}
}

// Begun is what a sender's key means.
type Begun struct {
	// Receipt is what the first post under the key got, where Again is set:
	// answer with it and post nothing.
	Receipt Receipt
	Again   bool

	// Done says that the post was taken, and what its sender was told. Drop says
	// that it was not, so that it may come again. One of them is called once, if
	// Again is not set.
	Done func(Receipt)
	Drop func()
}

// Begin looks at a post to a hook that a valid token opened; key is the header
// as it came, empty for none. It fails with a *Fault: of kind Malformed for a key
// that is none, Reused for one that came with another body, Pending while the
// first post under it is still being taken, Busy if there is no room.
func (k *Keys) Begin(hook, key string, body []byte) (Begun, error) {
	if key == "" {
		return Begun{Done: func(Receipt) {}, Drop: func() {}}, nil
	}
	if !goodKey(key) {
		return Begun{}, &Fault{Kind: Malformed, Text: "An Idempotency-Key has 1 to 255 visible ASCII characters. Send another."}
	}
	id, sum, now := keyID{hook, sha256.Sum256([]byte(key))}, sha256.Sum256(body), time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(now)
	if e := k.known[id]; e != nil {
		switch e := e.Value.(*entry); {
		case e.body != sum:
			return Begun{}, &Fault{Kind: Reused, Text: "This Idempotency-Key came with another body before. Send a new key."}
		case !e.done:
			return Begun{}, &Fault{Kind: Pending, Text: "A post with this Idempotency-Key is still being taken. Try again in a moment.", Retry: time.Second}
		default:
			return Begun{Receipt: e.receipt, Again: true}, nil
		}
	}
	if !k.room(hook) {
		return Begun{}, &Fault{Kind: Busy, Text: "Too many posts are being taken at once. Try again in a moment.", Retry: time.Second}
	}
	e := &entry{id: id, body: sum, at: now}
	k.known[id] = k.order.PushBack(e)
	k.each[hook]++
	return Begun{
		Done: func(r Receipt) {
			k.mu.Lock()
			defer k.mu.Unlock()
			e.done, e.receipt = true, r
		},
		Drop: func() {
			k.mu.Lock()
			defer k.mu.Unlock()
			if at := k.known[id]; at != nil && at.Value == e && !e.done {
				k.remove(at)
			}
		},
	}, nil
}

func goodKey(key string) bool {
	if len(key) > mostKey {
		return false
	}
	for i := range len(key) {
		if key[i] < ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

// expire forgets what is older than keyLife; k.mu is held.
func (k *Keys) expire(now time.Time) {
	for e := k.order.Front(); e != nil && now.Sub(e.Value.(*entry).at) >= keyLife; e = k.order.Front() {
		k.remove(e)
	}
}

// room makes a place for one more, of the oldest that are done: of the hook's
// own if it has as many as it may, else of any. k.mu is held.
func (k *Keys) room(hook string) bool {
	own := k.each[hook] >= mostKeysHook
	if !own && len(k.known) < mostKeys {
		return true
	}
	for e := k.order.Front(); e != nil; e = e.Next() {
		if v := e.Value.(*entry); v.done && (!own || v.id.hook == hook) {
			k.remove(e)
			return true
		}
	}
	return false
}

// remove forgets e; k.mu is held.
func (k *Keys) remove(e *list.Element) {
	id := k.order.Remove(e).(*entry).id
	delete(k.known, id)
	if k.each[id.hook]--; k.each[id.hook] == 0 {
		delete(k.each, id.hook)
	}
}

// Len is how many keys are remembered.
func (k *Keys) Len() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.known)
}

// Forget drops what is known of a hook that was removed.
func (k *Keys) Forget(hook string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for e := k.order.Front(); e != nil; {
		next := e.Next()
		if e.Value.(*entry).id.hook == hook {
			k.remove(e)
		}
		e = next
	}
}
