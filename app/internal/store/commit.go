package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"

	bolt "go.etcd.io/bbolt"
)

const (
	maxWaiting = 1024 // operations that may wait for the committer; more block
	maxBatch   = 512  // operations in one transaction
)

// op is one operation on its way to a transaction.
type op struct {
	ctx  context.Context
	run  func(*wtx) error // may run more than once; only the last time counts
	res  chan error       // gets the result, or
	done func(error)      // is told by the notifier
	err  error
	// claim goes from 0 to 1 when a transaction begins, or to 2 when the caller
	// went away before that.
	claim atomic.Int32
}

// update runs fn in a transaction together with whatever else waits, and
// returns when that is durable. If ctx ends before the transaction begins,
// nothing is applied. fn may be run again after a rollback, so it must set all
// of its results anew.
func (s *Store) update(ctx context.Context, fn func(*wtx) error) error {
	o := &op{ctx: ctx, run: fn, res: make(chan error, 1)}
	if err := s.push(o); err != nil {
		return err
	}
	select {
	case err := <-o.res:
		return err
	case <-ctx.Done():
		if o.claim.CompareAndSwap(0, 2) {
			return ctx.Err()
		}
		return <-o.res
	}
}

// push hands o to the committer, waiting while too many are before it.
func (s *Store) push(o *op) error {
	if err := o.ctx.Err(); err != nil {
		return err
	}
	s.gate.RLock()
	defer s.gate.RUnlock()
	if s.closed {
		return ErrClosed
	}
	select {
	case s.ops <- o:
		return nil
	case <-o.ctx.Done():
		return o.ctx.Err()
	}
}

// commitLoop is the committer. It takes all that waits into one transaction:
// a lone writer is served at once, and many writers share one fsync.
func (s *Store) commitLoop() {
	defer s.notes.add(nil, true)
	batch := make([]*op, 0, maxBatch)
	for first := range s.ops {
		last := len(batch)
		batch = s.gather(append(batch[:0], first), last)
		s.commit(batch)
	}
}

// gather takes what waits. The writers of the former transaction have only
// just been woken, so as long as there are fewer than it had and more come, it
// lets them run first; there is no timer.
func (s *Store) gather(batch []*op, last int) []*op {
	for idle := 0; ; {
		n := len(batch)
		for len(batch) < maxBatch {
			select {
			case o, ok := <-s.ops:
				if !ok {
					return batch
				}
				batch = append(batch, o)
				continue
			default:
			}
			break
		}
		if len(batch) >= min(last, maxBatch) {
			return batch
		}
		if len(batch) == n {
			if idle++; idle > 2 {
				return batch
			}
		} else {
			idle = 0
		}
		runtime.Gosched()
	}
}

// finish tells o its end, in the order of the calls.
func (s *Store) finish(o *op, err error) {
	if o.res != nil {
		o.res <- err
		return
	}
	s.notes.add(func() { o.done(err) }, false)
}

var (
	errAgain   = errors.New("an operation failed after it had written")
	errNothing = errors.New("nothing was written")
)

// commit runs batch in one transaction. An operation that fails before it wrote
// anything just fails; one that fails later is taken out and the others run
// again without it.
func (s *Store) commit(batch []*op) {
	s.writing.Lock()
	defer s.writing.Unlock()

	live := make([]*op, 0, len(batch))
	for _, o := range batch {
		if !o.claim.CompareAndSwap(0, 1) {
			continue
		}
		if err := o.ctx.Err(); err != nil {
			s.finish(o, err)
			continue
		}
		live = append(live, o)
	}
	for len(live) > 0 {
		bad := -1
		var after []func()
		err := s.transact(func(w *wtx) error {
			for i, o := range live {
				before := w.writes
				if o.err = safely(o.run, w); o.err != nil && w.writes != before {
					bad = i
					return errAgain
				}
			}
			if w.writes == 0 {
				return errNothing
			}
			after = w.after
			return w.flush()
		})
		if bad >= 0 {
			s.finish(live[bad], live[bad].err)
			live = append(live[:bad], live[bad+1:]...)
			continue
		}
		if errors.Is(err, errNothing) {
			err = nil
		}
		if err == nil {
			for _, fn := range after {
				fn()
			}
		}
		for _, o := range live {
			if o.err == nil {
				o.err = err
			}
			s.finish(o, o.err)
		}
		return
	}
}

// safely turns a panic of run, which bbolt raises on damaged pages, into an
// error.
func safely(run func(*wtx) error, w *wtx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.s.suspect(p)
			err = damaged(fmt.Errorf("%v", p))
		}
	}()
	return run(w)
}

// suspect remembers that something looked damaged: the next start checks all.
func (s *Store) suspect(p any) {
	s.doubt.Store(true)
	s.log.Error("the journal looks damaged", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// skip passes over a record that can't be decoded: the next start mends that.
func (s *Store) skip(what string, n uint64, err error) {
	s.doubt.Store(true)
	s.log.Warn("a record of the journal can't be read and is passed over", what, n, "error", err)
}

// transact runs fn in a write transaction of its own. A panic outside of fn, or
// an error of the disk while it was being told to keep what was written, leaves
// it open what the file holds: nothing is written after that.
func (s *Store) transact(fn func(*wtx) error) (err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if b := s.broken.Load(); b != nil {
		return *b
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			s.suspect(p)
			err = damaged(fmt.Errorf("%v", p))
			s.broken.Store(&err)
		}
	}()
	inner := false
	err = s.db.Update(func(tx *bolt.Tx) error {
		err := fn(newWtx(s, tx))
		inner = err != nil
		return err
	})
	if err == nil || inner {
		return err
	}
	err = classify(err)
	s.log.Error("the journal could not be written", "error", err)
	if errors.Is(err, ErrFull) {
		return err
	}
	s.doubt.Store(true)
	failed := error(&fault{ErrDamaged, "The disk refused to write the journal. Check the disk, then restart Postern.", err})
	s.broken.Store(&failed)
	return failed
}

// view runs fn in a read transaction. Panics on damaged pages become ErrDamaged.
func (s *Store) view(fn func(*rtx) error) (err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return ErrClosed
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			s.suspect(p)
			err = damaged(fmt.Errorf("%v", p))
		}
	}()
	return s.db.View(func(tx *bolt.Tx) error { return fn(&rtx{tx: tx, s: s}) })
}

// notes are the done functions that are still to be called. There is no bound:
// if the committer waited for room, a done function that writes would wait for
// itself.
type notes struct {
	mu    sync.Mutex
	list  []func()
	ended bool
	wake  chan struct{} // holds one token
}

func (n *notes) add(fn func(), end bool) {
	n.mu.Lock()
	if fn != nil {
		n.list = append(n.list, fn)
	}
	n.ended = n.ended || end
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notes) take() (list []func(), ended bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list, n.list = n.list, nil
	return list, n.ended
}

// notifyLoop calls the done functions, in the order of the commits and outside
// of the committer.
func (s *Store) notifyLoop() {
	defer close(s.stopped)
	for range s.notes.wake {
		list, ended := s.notes.take()
		for _, fn := range list {
			fn()
		}
		if ended {
			return
		}
	}
}
