// Package hook takes what HTTP requests bring to a connector and hands it to the
// sink: in order, and together what waits together, so that requests which come
// at once share one write to the disk. Each is answered only after what it
// brought is stored.
package hook

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// Why a request's events were not taken, or may not have been.
var (
	ErrFull  = errors.New("too many requests wait")
	ErrEnded = errors.New("the account is stopping")
)

// Bounds of what is handed over together.
const (
	mostTogether = 64   // requests
	mostEvents   = 1000 // of them, unless one request brings more
)

// Queue lets requests wait for Run. Its methods may be called from several
// goroutines, Run from one at a time.
type Queue struct {
	jobs  chan job
	slots chan struct{}
	ended chan struct{}

	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup
}

// job is what one request brought, and where to tell whether it was stored.
type job struct {
	ctx  context.Context
	evs  []platforms.Event
	done chan error // has room for one
}

// New makes a Queue in which at most atOnce requests wait.
func New(atOnce int) *Queue {
	return &Queue{jobs: make(chan job, atOnce), slots: make(chan struct{}, atOnce), ended: make(chan struct{})}
}

// Put waits until evs are durably stored. Any error means that they may not be:
// the sender must come again. If ctx ends meanwhile they may be stored all the
// same, so an event must have the same id when it comes again.
func (q *Queue) Put(ctx context.Context, evs []platforms.Event) error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrEnded
	}
	q.busy.Add(1)
	q.mu.Unlock()
	defer q.busy.Done()
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	default:
		return ErrFull
	}
	j := job{ctx: ctx, evs: evs, done: make(chan error, 1)}
	select {
	case q.jobs <- j:
	case <-q.ended:
		return ErrEnded
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-q.ended:
		select { // both may have come at once
		case err := <-j.done:
			return err
		default:
			return ErrEnded
		}
	}
}

// Run hands over what comes until ctx ends, or until it could not be stored:
// then with the sink's error. taken, if not nil, is called after each time that
// something was stored.
func (q *Queue) Run(ctx context.Context, sink platforms.Sink, taken func()) error {
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case j := <-q.jobs:
			jobs, evs := q.gather(j)
			if len(jobs) == 0 {
				continue
			}
			err := platforms.Deliver(ctx, sink, evs)
			for _, j := range jobs {
				j.done <- err
			}
			if err != nil {
				return err
			}
			if taken != nil {
				taken()
			}
		}
	}
}

// gather is first and what waits behind it, without those whose sender has gone:
// they come again.
func (q *Queue) gather(first job) (jobs []job, evs []platforms.Event) {
	for j := first; ; {
		if err := j.ctx.Err(); err != nil {
			j.done <- err
		} else {
			jobs, evs = append(jobs, j), append(evs, j.evs...)
		}
		if len(jobs) >= mostTogether || len(evs) >= mostEvents {
			return jobs, evs
		}
		select {
		case j = <-q.jobs:
		default:
			return jobs, evs
		}
	}
}

// Refuse ends the waiting of all requests, with ErrEnded, now and from now on.
// It is safe to call more than once.
func (q *Queue) Refuse() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.ended)
	}
}

// End refuses and waits until no request is in Put.
func (q *Queue) End() {
	q.Refuse()
	q.busy.Wait()
}

// Answer has evs stored and answers the request: 200 once they are, else 503
// with Retry-After. within is how long the sender waits for that.
func (q *Queue) Answer(w http.ResponseWriter, r *http.Request, evs []platforms.Event, within time.Duration) error {
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	for i := range evs {
		evs[i].Request = platforms.RequestOf(ctx)
	}
	err := q.Put(ctx, evs)
	if err != nil {
		Later(w)
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// Later asks the sender to try again soon.
func Later(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	http.Error(w, "not now", http.StatusServiceUnavailable)
}
