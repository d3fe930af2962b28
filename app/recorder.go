package app

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of what is noted of the requests that come. What they bring is in the
// journal whatever becomes of the note, so the note never holds up a request.
const (
	noteRate    = 50 // verified requests a second of one account
	noteBurst   = 500
	strangeRate = 2 // the same of refused ones
	strangeMost = 20

	noteBody    = 1 << 20  // of a verified request's body, in bytes
	strangeBody = 16 << 10 // of a refused one's
	queueMost   = 2000     // requests that wait to be written
	queueBytes  = 16 << 20
	namesMost   = 4096 // requests whose events are known and that have not ended

	// gatherFor is how long requests are gathered before they are written: a
	// person who looks on sees them soon enough, and one transaction has many.
	gatherFor = 200 * time.Millisecond
)

// recorder notes the requests that come, behind their backs.
type recorder struct {
	a    *App
	hide hider
	wake chan struct{} // holds one token

	writing sync.Mutex // held while what waits is written; before mu

	mu     sync.Mutex
	queue  []noted
	bytes  int
	brings map[string]*brought // by the name of a request that has not ended
	order  []string            // of brings, oldest first
	paces  map[platforms.AccountID]*pair
	missed map[platforms.AccountID]uint64
}

// pair is the paces of an account's requests.
type pair struct{ verified, refused *rate.Limiter }

// noted is a request that waits to be written.
type noted struct {
	ingress.Seen
	brought
}

// brought is what became of a request's events.
type brought struct {
	entries []uint64
	again   bool
	why     string // what went wrong with them, though they are stored
	first   *platforms.Event
}

func newRecorder(a *App) *recorder {
	return &recorder{a: a, hide: newHider(a.vault.Secrets), wake: make(chan struct{}, 1), brings: map[string]*brought{},
		paces: map[platforms.AccountID]*pair{}, missed: map[platforms.AccountID]uint64{}}
}

// observe takes a request that was answered. It never blocks for long.
func (r *recorder) observe(s ingress.Seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := noted{Seen: s}
	if b := r.brings[s.Request]; b != nil {
		n.brought = *b
		delete(r.brings, s.Request)
	}
	n.first = nil
	p := r.paces[s.Account]
	if p == nil {
		p = &pair{rate.NewLimiter(noteRate, noteBurst), rate.NewLimiter(strangeRate, strangeMost)}
		r.paces[s.Account] = p
	}
	if !s.Verified {
		if !p.refused.AllowN(s.At, 1) || len(r.queue) >= queueMost/2 {
			return // it is counted among those that were rejected
		}
		if len(n.Body) > strangeBody {
			n.Body, n.Cut = n.Body[:strangeBody], true
		}
		n.Body = bytes.Clone(n.Body) // the rest of it is let go
	} else if !p.verified.AllowN(s.At, 1) || len(r.queue) >= queueMost || r.bytes+len(n.Body) > queueBytes {
		r.missed[s.Account]++
		return
	}
	if len(n.Body) > noteBody {
		n.Body, n.Cut = n.Body[:noteBody], true
	}
	r.bytes += cap(n.Body)
	r.queue = append(r.queue, n)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// bring notes what became of an event that a request brought.
func (r *recorder) bring(ev platforms.Event, got store.Accepted, why string, keep bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.brings[ev.Request]
	if b == nil {
		if len(r.order) >= namesMost {
			r.forgetNames()
		}
		b = &brought{}
		r.brings[ev.Request] = b
		r.order = append(r.order, ev.Request)
	}
	if len(b.entries) < 1000 {
		b.entries = append(b.entries, got.Seq)
	}
	b.again = b.again || got.Duplicate
	if b.why == "" {
		b.why = why
	}
	if keep && b.first == nil {
		b.first = &ev
	}
}

// forgetNames drops the names of requests that have ended, and of the others
// the older half; r.mu is held.
func (r *recorder) forgetNames() {
	r.order = slices.DeleteFunc(r.order, func(name string) bool { return r.brings[name] == nil })
	if len(r.order) < namesMost/2 {
		return
	}
	for _, name := range r.order[:len(r.order)/2] {
		delete(r.brings, name)
	}
	r.order = slices.Clone(r.order[len(r.order)/2:])
}

// event is the first event of a request that is still being answered, if it was
// kept for that.
func (r *recorder) event(name string) (platforms.Event, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.brings[name]; b != nil && b.first != nil {
		return *b.first, true
	}
	return platforms.Event{}, false
}

// run writes what comes until ctx ends.
func (r *recorder) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(gatherFor):
		}
		r.flush()
	}
}

// flush writes what waits. It is everybody's, so nobody who no longer wants to
// see it ends that.
func (r *recorder) flush() {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	list := r.queue
	r.queue, r.bytes = nil, 0
	r.mu.Unlock()
	if len(list) == 0 {
		return
	}
	left := map[platforms.AccountID]int{}
	var rs []store.Request
	for _, n := range slices.Backward(list) { // the oldest beyond the bound would be dropped at once
		if _, counted := left[n.Account]; !counted {
			left[n.Account] = r.a.inputs.bounds(n.Account).Keep
		}
		if n.Verified {
			if left[n.Account] <= 0 {
				continue
			}
			left[n.Account]--
		}
		rs = append(rs, r.request(n))
	}
	slices.Reverse(rs)
	if err := r.a.store.PutRequests(context.Background(), rs, r.a.inputs.bounds); err != nil {
		r.a.log.Warn("requests could not be noted; what they brought is in the journal", "count", len(rs), "err", err)
		r.mu.Lock()
		for _, q := range rs {
			if !q.Refused {
				r.missed[q.Account]++
			}
		}
		r.mu.Unlock()
		return
	}
	r.a.changed()
}

// request is what is kept of a request.
func (r *recorder) request(n noted) store.Request {
	q := store.Request{Account: n.Account, At: n.At, Refused: !n.Verified, Method: cut(n.Method, 40), Status: n.Status, Took: n.Took}
	acc, err := r.a.account(n.Account)
	if err == nil && acc.ephemeral() {
		q.Brief = true
		return q
	}
	q.Via, q.Size, q.Cut, q.Exact, q.Entries, q.Again = n.Via, n.Size, n.Cut, n.Exact, n.entries, n.again
	if n.From.IsValid() {
		q.From = n.From.String()
	}
	if q.Why = string(n.Reason); q.Why == "" {
		q.Why = n.why
	}
	q.Query, q.Header, q.Body, q.Masked = r.hide.request(n.Path, n.Query, n.Header, n.Body, n.Cut)
	q.Line = firstLine(q.Body)
	answer, m := r.hide.text(n.Answer)
	q.Answer, q.Masked = answer, q.Masked+m
	if q.Masked > 0 {
		q.Exact = q.Exact && bytes.Equal(q.Body, n.Body)
	}
	return q
}

// count is how many of an account's were missed.
func (r *recorder) count(id platforms.AccountID) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missed[id]
}

// forget drops what waits of an account, or everything.
func (r *recorder) forget(id platforms.AccountID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = slices.DeleteFunc(r.queue, func(n noted) bool { return id == "" || n.Account == id })
	maps.DeleteFunc(r.paces, func(o platforms.AccountID, _ *pair) bool { return o == id })
	delete(r.missed, id)
}

// firstLine is the beginning of a body's first line that says anything, if that
// is text.
func firstLine(body []byte) string {
	body = body[:min(len(body), 2000)]
	if bytes.IndexByte(body, 0) >= 0 || !utf8.Valid(body[:max(0, len(body)-utf8.UTFMax)]) {
		return ""
	}
	for line := range bytes.Lines(body) {
		if s := text.Line(string(line), 120); s != "" {
			return s
		}
	}
	return ""
}
