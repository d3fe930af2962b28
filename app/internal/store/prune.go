package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/postern/postern/platforms"
)

const (
	pruneStep = 500 // records in one transaction
	maxLines  = 100_000
	maxKnown  = 50_000

	// generationSpan is how long a generation of dedupe keys takes new ones. A
	// generation goes when dedupeSpan has passed since the last one could come,
	// so keys live for eight to ten days.
	generationSpan = 48 * time.Hour
	dedupeSpan     = Remembers
)

// Remembers is how long it is known at least that an event was accepted: longer
// than any platform delivers one again.
const Remembers = 8 * 24 * time.Hour

// Prune removes entries older than keepFor and, while the journal uses more
// than keepBytes, the oldest ones; 0 means no such bound. What still waits for
// something is never removed: pending and held jobs, queued and dead messages.
// It also lets dedupe keys, activity, known users and empty conversations
// expire. removed counts the entries. Other operations go on between its
// transactions.
func (s *Store) Prune(ctx context.Context, keepFor time.Duration, keepBytes int64) (removed int, err error) {
	if err := s.resumeRemovals(ctx); err != nil {
		return 0, err
	}
	var cutoff int64
	if keepFor > 0 {
		cutoff = s.now().Add(-keepFor).UnixNano()
	}
	for from, end := uint64(0), false; !end; {
		over, err := s.over(keepBytes)
		if err != nil {
			return removed, err
		}
		n := 0
		at := from
		err = s.update(ctx, func(w *wtx) (err error) {
			n, from, end, err = w.pruneSome(at, cutoff, over)
			return err
		})
		if err != nil {
			return removed, err
		}
		removed += n
	}
	if err := s.pruneLines(ctx, cutoff); err != nil {
		return removed, err
	}
	if err := s.pruneConvs(ctx); err != nil {
		return removed, err
	}
	if err := s.pruneKnown(ctx, keepFor); err != nil {
		return removed, err
	}
	return removed, s.update(ctx, func(w *wtx) error { return w.expire() })
}

// over reports whether the journal uses more than most bytes.
func (s *Store) over(most int64) (bool, error) {
	if most <= 0 {
		return false, nil
	}
	st, err := s.Stats()
	return st.Bytes-st.Free > most, err
}

// pruneSome looks at up to pruneStep entries beyond from. With over, age does
// not matter.
func (w *wtx) pruneSome(from uint64, cutoff int64, over bool) (n int, at uint64, end bool, err error) {
	at = from
	if cutoff == 0 && !over {
		return 0, at, true, nil
	}
	var found []*entry
	cur := w.bucket(bEntries).Cursor()
	k, v := cur.Seek(seqKey(from + 1))
	for i := 0; i < pruneStep; i++ {
		if k == nil {
			end = true
			break
		}
		e, err := w.s.seal.decodeEntry(keySeq(k), v)
		if err != nil {
			w.s.skip("entry", keySeq(k), err)
			at = keySeq(k)
			k, v = cur.Next()
			continue
		}
		if !over && e.stored >= cutoff {
			end = true // what follows is younger, but for a clock that was set back
			break
		}
		if !e.open() {
			found = append(found, e)
		}
		at = e.seq
		k, v = cur.Next()
	}
	for _, e := range found {
		c, err := w.touch(e.conv)
		if err != nil {
			w.s.skip("conversation", uint64(e.conv), err)
			c = &conv{n: e.conv}
		}
		if err := w.remove(e, c); err != nil {
			return 0, 0, false, err
		}
	}
	return len(found), at, end, nil
}

// remove deletes an entry and everything that leads to it.
func (w *wtx) remove(e *entry, c *conv) error {
	switch e.status {
	case Received, HeldBack:
		if err := w.unqueueJob(e); err != nil {
			return err
		}
	case Queued:
		if err := w.unqueue(e); err != nil {
			return err
		}
	case Dead:
		c.Dead--
		w.count.Dead--
		if err := w.del(bParked, seqKey(e.seq)); err != nil {
			return err
		}
	}
	if err := w.dropFiles(e); err != nil {
		return err
	}
	if e.is(fCounts) && e.seq > c.Read && c.Unread > 0 {
		c.Unread--
		w.count.Unread--
		if e.is(fAway) && c.Away > 0 {
			c.Away--
		}
	}
	if c.LastSeq == e.seq {
		c.preview = ""
	}
	if err := w.del(bConvs, within(c.n, kTimeline, e.seq)); err != nil {
		return err
	}
	w.count.Entries--
	return w.del(bEntries, seqKey(e.seq))
}

// pruneLines lets activity expire, by age and by number.
func (s *Store) pruneLines(ctx context.Context, cutoff int64) error {
	for {
		more := false
		err := s.update(ctx, func(w *wtx) error {
			var keys [][]byte
			cur := w.bucket(bActivity).Cursor()
			for k, v := cur.First(); k != nil && len(keys) < pruneStep; k, v = cur.Next() {
				a, err := w.s.seal.decodeActivity(k, v)
				if err == nil && w.count.Lines-len(keys) <= maxLines && (cutoff == 0 || nanos(a.At) >= cutoff) {
					break
				}
				keys = append(keys, bytes.Clone(k))
			}
			more = len(keys) == pruneStep
			for _, k := range keys {
				w.count.Lines--
				if err := w.del(bActivity, k); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || !more {
			return err
		}
	}
}

// pruneConvs removes conversations that have no entry left.
func (s *Store) pruneConvs(ctx context.Context) error {
	for from, end := uint32(0), false; !end; {
		at := from
		err := s.update(ctx, func(w *wtx) error {
			end = true
			from = at
			var empty []uint32
			i := 0
			cur := w.bucket(bConvs).Cursor()
			err := w.eachConv(at+1, func(n uint32, v []byte) (bool, error) {
				if i++; i > pruneStep {
					end = false
					return false, nil
				}
				from = n
				c, err := w.s.seal.decodeConv(n, v, false)
				if err != nil {
					w.s.skip("conversation", uint64(n), err)
					return true, nil
				}
				if k, _ := cur.Seek(convKey(n)); c.Into == 0 && len(k) == len(summaryKey(n)) {
					empty = append(empty, n) // the summary comes first: there is no timeline
				}
				return true, nil
			})
			if err != nil {
				return err
			}
			for _, n := range empty {
				c, err := w.touch(n)
				if err != nil {
					return err
				}
				if err := w.dropConv(c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropConv removes a conversation that has no entries.
func (w *wtx) dropConv(c *conv) error {
	for _, id := range append([]platforms.ConversationID{c.ID}, c.Former...) {
		if err := w.del(bConvIDs, pair(c.Account, string(id))); err != nil {
			return err
		}
	}
	w.count.Unread -= c.Unread
	for _, n := range append([]uint32{c.n}, c.Merged...) {
		delete(w.convs, n)
		if err := w.del(bConvs, summaryKey(n)); err != nil {
			return err
		}
	}
	return nil
}

// pruneKnown forgets users who were not seen for a year, or twice keepFor where
// that is longer, and the longest unseen beyond 50,000.
func (s *Store) pruneKnown(ctx context.Context, keepFor time.Duration) error {
	type user struct {
		key  []byte
		last int64
	}
	var all []user
	err := s.view(func(r *rtx) error {
		return r.bucket(bKnown).ForEach(func(k, v []byte) error {
			all = append(all, user{bytes.Clone(k), int64(keySeq(v))})
			return nil
		})
	})
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b user) int { return cmp.Compare(b.last, a.last) })
	oldest := s.now().Add(-max(365*24*time.Hour, 2*keepFor)).UnixNano()
	keep, _ := slices.BinarySearchFunc(all, oldest, func(u user, t int64) int { return cmp.Compare(t, u.last) })
	for gone := range slices.Chunk(all[min(keep, maxKnown):], pruneStep) {
		err := s.update(ctx, func(w *wtx) error {
			for _, u := range gone {
				if err := w.del(bKnown, u.key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// expire drops the generations of dedupe keys that are old enough. The newest
// one stays.
func (w *wtx) expire() error {
	gens := w.gens
	for len(gens) > 1 && w.now.UnixNano()-gens[1].start >= int64(dedupeSpan) {
		w.writes++
		if err := w.tx.DeleteBucket([]byte(gens[0].bucket())); err != nil {
			return fmt.Errorf("drop a generation of dedupe keys: %w", err)
		}
		gens = gens[1:]
	}
	if len(gens) == len(w.gens) {
		return nil
	}
	return w.setGenerations(gens)
}

// resumeRemovals finishes the removal of accounts that was interrupted.
func (s *Store) resumeRemovals(ctx context.Context) error {
	var ids []platforms.AccountID
	err := s.view(func(r *rtx) error {
		cur := r.bucket(bMeta).Cursor()
		prefix := removing("")
		for k, v := cur.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = cur.Next() {
			ids = append(ids, platforms.AccountID(v))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.purge(ctx, id, false); err != nil {
			return err
		}
	}
	return nil
}
