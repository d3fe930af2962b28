package store

import (
	"context"
	"slices"

	"github.com/postern/postern/platforms"
)

// EntryQuery selects entries of the whole journal by their seq. Zero fields
// select everything.
type EntryQuery struct {
	After, Before uint64 // their seq is above After and, unless that is 0, below Before
	Account       platforms.AccountID
	Conversation  platforms.ConversationID
	Newest        bool // begin at the newest ones instead of the oldest
	Limit         int  // at most; 0 means 100, at most 1,000
}

// EntryPage is every entry that an EntryQuery selects with From ≤ seq ≤ To,
// oldest first. More says that others may be beyond: above To, or below From if
// the newest were asked for.
type EntryPage struct {
	Entries  []Entry
	From, To uint64
	More     bool
}

// Entries is a page of what q selects. One call looks at 50,000 records at
// most, so that a page may be empty although More is set.
func (s *Store) Entries(ctx context.Context, q EntryQuery) (EntryPage, error) {
	limit := bound(q.Limit, 100, maxEntries)
	w := walk{q: q, next: q.After, known: map[uint32]*conv{}}
	if q.Newest {
		w.next = q.Before
	}
	w.page = EntryPage{From: q.After + 1, To: q.After, More: true}
	if q.After == ^uint64(0) {
		return EntryPage{From: q.After, To: q.After}, nil
	}
	for scanned := 0; w.page.More && len(w.page.Entries) < limit && scanned < scanLimit; scanned += scanStep {
		if err := ctx.Err(); err != nil {
			return EntryPage{}, err
		}
		if err := s.view(func(r *rtx) error { return w.step(r, limit) }); err != nil {
			return EntryPage{}, err
		}
	}
	if q.Newest {
		slices.Reverse(w.page.Entries)
		w.page.From = q.After + 1
		if w.page.More {
			w.page.From = w.next
		}
	}
	return w.page, nil
}

// walk is where a reading of all entries stands.
type walk struct {
	q     EntryQuery
	page  EntryPage
	next  uint64 // the last seq that was looked at
	known map[uint32]*conv
}

// step looks at some records in one transaction.
func (w *walk) step(r *rtx, limit int) error {
	cur := r.bucket(bEntries).Cursor()
	var k, v []byte
	if w.q.Newest {
		k, v = seekBefore(cur, w.next)
	} else {
		k, v = cur.Seek(seqKey(w.next + 1))
	}
	for range scanStep {
		if k == nil || keySeq(k) <= w.q.After || (w.q.Before > 0 && keySeq(k) >= w.q.Before) {
			w.page.More = false
			return nil
		}
		if len(w.page.Entries) == limit {
			return nil
		}
		w.next = keySeq(k)
		w.page.To = max(w.page.To, w.next)
		if err := w.look(r, v); err != nil {
			return err
		}
		if w.q.Newest {
			k, v = cur.Prev()
		} else {
			k, v = cur.Next()
		}
	}
	return nil
}

// look takes the record v if it is wanted. Its body is opened only then.
func (w *walk) look(r *rtx, v []byte) error {
	hb, _, _, err := split(v)
	if err != nil {
		r.s.skip("entry", w.next, err)
		return nil
	}
	h, err := decodeHead(hb)
	if err != nil {
		r.s.skip("entry", w.next, err)
		return nil
	}
	if h.is(fHidden) {
		return nil
	}
	c, ok := w.known[h.conv]
	if !ok {
		if c, err = r.conv(h.conv, true); err != nil {
			return err
		}
		w.known[h.conv] = c
	}
	if c == nil || (w.q.Account != "" && c.Account != w.q.Account) || (w.q.Conversation != "" && c.ID != w.q.Conversation) {
		return nil
	}
	e, err := r.s.seal.decodeEntry(w.next, v)
	if err != nil {
		r.s.skip("entry", w.next, err)
		return nil
	}
	w.page.Entries = append(w.page.Entries, r.s.show(e, c))
	return nil
}
