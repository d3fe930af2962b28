package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/postern/postern/platforms"
)

// The most that one call returns.
const (
	maxConversations = 5000
	maxEntries       = 1000
)

// Conversations is the inbox: those with unread messages first, then the
// newest. A limit of 0 means 200; at most 5,000 are returned.
func (s *Store) Conversations(limit int) ([]Conversation, error) {
	limit = bound(limit, 200, maxConversations)
	var found []Conversation
	err := s.view(func(r *rtx) error {
		var all []*conv
		err := r.eachConv(0, func(n uint32, v []byte) (bool, error) {
			c, err := r.s.seal.decodeConv(n, v, false)
			if err != nil {
				s.skip("conversation", uint64(n), err)
				return true, nil
			}
			if c.Into == 0 {
				all = append(all, c)
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(a, b *conv) int {
			if (a.Unread > 0) != (b.Unread > 0) {
				if a.Unread > 0 {
					return -1
				}
				return 1
			}
			return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(b.LastSeq, a.LastSeq))
		})
		for _, c := range all[:min(limit, len(all))] {
			if c, err = r.conv(c.n, true); err != nil {
				return err
			}
			found = append(found, Conversation{
				Account: c.Account, ID: c.ID, Kind: c.Kind, Title: c.title, Last: instant(c.Last), LastSeq: c.LastSeq,
				Preview: c.preview, Unread: c.Unread, Away: c.Away, Stranger: c.Stranger, Queued: c.Queued, Dead: c.Dead,
			})
		}
		return nil
	})
	return found, err
}

// Timeline is the newest entries of a conversation with a seq below before (0:
// the newest of all), oldest first. A limit of 0 means 100; at most 1,000 are
// returned.
func (s *Store) Timeline(id platforms.AccountID, c platforms.ConversationID, before uint64, limit int) ([]Entry, error) {
	limit = bound(limit, 100, maxEntries)
	var found []Entry
	err := s.view(func(r *rtx) error {
		n := r.number(id, c)
		if n == 0 {
			return nil
		}
		cv, err := r.conv(n, true)
		if err != nil || cv == nil {
			return err
		}
		cur := r.bucket(bConvs).Cursor()
		for k, v := seekWithin(cur, n, before); isWithin(k, n, kTimeline) && len(found) < limit; k, v = cur.Prev() {
			if len(v) == 1 {
				continue // an edit, shown in its original
			}
			e, err := r.entry(keySeq(k))
			if err != nil {
				s.skip("entry", keySeq(k), err)
				continue
			}
			found = append(found, s.show(e, cv))
		}
		return nil
	})
	slices.Reverse(found)
	return found, err
}

// Entry is one entry, or ErrNotFound.
func (s *Store) Entry(seq uint64) (found Entry, err error) {
	err = s.view(func(r *rtx) error {
		e, err := r.entry(seq)
		if err != nil {
			return err
		}
		c, err := r.conv(e.conv, true)
		if err != nil {
			return err
		}
		found = s.show(e, c)
		return nil
	})
	return found, err
}

// Original is the event of a message in a conversation, as it came and was
// decided about, if it is among the newest.
func (s *Store) Original(id platforms.AccountID, c platforms.ConversationID, m platforms.MessageID) (found Entry, ok bool, err error) {
	err = s.view(func(r *rtx) error {
		n := r.number(id, c)
		if n == 0 || m == "" {
			return nil
		}
		cv, err := r.conv(n, false)
		if err != nil || cv == nil {
			return err
		}
		if e := r.find(cv.n, m); e != nil {
			found, ok = s.show(e, cv), true
		}
		return nil
	})
	return found, ok, err
}

// show is e for others to read. What can't be opened is shown as erased.
func (s *Store) show(e *entry, c *conv) Entry {
	if c == nil {
		c = &conv{}
	}
	out := Entry{
		Seq: e.seq, Account: c.Account, Conversation: c.ID, Outgoing: e.is(fOutgoing), Stored: instant(e.stored),
		Status: e.status, Why: e.why, Away: e.is(fAway), Stranger: e.is(fStranger),
		MayDuplicate: e.is(fMayDuplicate), Edited: e.is(fEdited), Erased: e.is(fErased),
	}
	if out.Outgoing {
		out.IDs = e.ids
	}
	if out.Erased && e.lost == nil {
		return out
	}
	var err error
	if e.is(fOutgoing) {
		var m outgoing
		if m, err = s.seal.message(e); err == nil {
			m.Message.Conversation = c.ID
			s.attach(&m)
			out.Message, out.Plain, out.Spooled, out.Origin = &m.Message, m.Plain, m.Spooled, m.Origin
			return out
		}
	} else {
		var in incoming
		if in, err = s.seal.incoming(e); err == nil {
			in.Event.Conversation.ID = c.ID
			out.Event, out.Decision, out.Replay, out.ReplayRequest = &in.Event, in.Decision, in.Replay, in.ReplayRequest
			return out
		}
	}
	out.Erased = true
	switch {
	case errors.Is(err, errOtherKey):
		out.Why = "This was sealed under a key that is lost."
	default:
		out.Why = "This record was damaged or changed by something else, and is not shown."
		s.log.Warn("an entry can't be read", "entry", e.seq, "error", err)
	}
	return out
}

// Search finds entries whose text, names or conversation's title have query in
// them, newest first; case is ignored. It looks at the newest 50,000 entries
// and returns at most limit of them (0 means 50, at most 1,000).
func (s *Store) Search(ctx context.Context, query string, limit int) ([]Entry, error) {
	query = strings.ToLower(strings.TrimSpace(query))
	if query == "" {
		return nil, nil
	}
	limit = bound(limit, 50, maxEntries)
	return s.scan(ctx, limit, func(e *Entry, title string) bool { return e.has(query, title) })
}

// Latest is the newest events of all conversations, newest first, without those
// that are not kept any more.
func (s *Store) Latest(ctx context.Context, limit int) ([]Entry, error) {
	return s.scan(ctx, bound(limit, 50, maxEntries), func(e *Entry, _ string) bool { return e.Event != nil })
}

// scan is the newest entries that pick takes, newest first.
func (s *Store) scan(ctx context.Context, limit int, pick func(e *Entry, title string) bool) ([]Entry, error) {
	titles := map[uint32]*conv{}
	var found []Entry
	before := uint64(0)
	for scanned := 0; scanned < scanLimit; scanned += scanStep {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		end := false
		err := s.view(func(r *rtx) error {
			cur := r.bucket(bEntries).Cursor()
			k, v := seekBefore(cur, before)
			for range scanStep {
				if k == nil || len(found) == limit {
					end = true
					return nil
				}
				before = keySeq(k)
				e, err := r.s.seal.decodeEntry(before, v)
				if err == nil && !e.is(fHidden) && e.lost == nil {
					c := titles[e.conv]
					if c == nil {
						if c, err = r.conv(e.conv, true); err != nil {
							return err
						}
						titles[e.conv] = c
					}
					if shown := s.show(e, c); c != nil && pick(&shown, c.title) {
						found = append(found, shown)
					}
				}
				k, v = cur.Prev()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if end {
			break
		}
	}
	return found, nil
}

// has reports whether query stands in an entry or in title.
func (e *Entry) has(query, title string) bool {
	switch {
	case contains(query, title):
		return true
	case e.Event != nil:
		ev := e.Event
		return contains(query, ev.Text, ev.Note, ev.From.Name, ev.From.Handle, names(ev.Attachments))
	case e.Message != nil:
		return contains(query, e.Message.Text, fileNames(e.Spooled))
	}
	return false
}

// MarkRead marks everything of a conversation up to and including upTo as read.
func (s *Store) MarkRead(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, upTo uint64) error {
	return s.update(ctx, func(w *wtx) error {
		n := w.number(id, c)
		if n == 0 {
			return nil
		}
		cv, err := w.conv(n, false)
		if err != nil || cv == nil {
			return err
		}
		if cv, err = w.touch(cv.n); err != nil || (upTo <= cv.Read && cv.Unread == 0) {
			return err
		}
		cv.Read = max(cv.Read, upTo)
		unread, away := 0, 0
		cur := w.bucket(bConvs).Cursor()
		for k, _ := cur.Seek(within(cv.n, kTimeline, cv.Read+1)); isWithin(k, cv.n, kTimeline) && unread < cv.Unread; k, _ = cur.Next() {
			e, err := w.entry(keySeq(k))
			if err != nil {
				s.skip("entry", keySeq(k), err)
				continue
			}
			if e.is(fCounts) {
				unread++
				if e.is(fAway) {
					away++
				}
			}
		}
		w.count.Unread += unread - cv.Unread
		cv.Unread, cv.Away = unread, away
		return nil
	})
}

// Stats is the journal in figures.
func (s *Store) Stats() (st Stats, err error) {
	err = s.view(func(r *rtx) error {
		c := r.counts()
		st = Stats{
			Bytes: r.tx.Size(), Entries: c.Entries, Pending: c.Pending, Queued: c.Queued,
			Dead: c.Dead, Held: c.Held, Unread: c.Unread,
		}
		b := s.db.Stats()
		st.Free = int64(b.FreePageN+b.PendingPageN) * int64(s.db.Info().PageSize)
		if k, v := r.bucket(bEntries).Cursor().First(); k != nil {
			if e, err := r.s.seal.decodeEntry(keySeq(k), v); err == nil {
				st.Oldest = instant(e.stored)
			}
		}
		return nil
	})
	return st, err
}
