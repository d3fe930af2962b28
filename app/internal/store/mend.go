package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/postern/postern/platforms"
)

// mender is what one look at every record collects.
type mender struct {
	w       *wtx
	count   counts
	waiting map[uint64]Status // open entries
	dead    map[uint32]int    // by conversation
	entries [][]byte          // keys to drop
	leads   [][]byte          // keys of bConvs to drop
	rebuild []uint32          // conversations without a good record
}

// mend looks at every record of a file whose structure is good, drops what
// can't be decoded and what leads nowhere, rebuilds conversations, and counts
// again. It returns how many records were bad. It does not open bodies: a bad
// one shows when it is read.
func (w *wtx) mend() (bad int, err error) {
	m := &mender{w: w, waiting: map[uint64]Status{}, dead: map[uint32]int{}}
	m.count.Lines = w.bucket(bActivity).Stats().KeyN
	m.lookAtEntries()
	m.lookAtConversations()
	for _, k := range m.entries {
		if err := w.del(bEntries, k); err != nil {
			return 0, err
		}
	}
	for _, k := range m.leads {
		if err := w.del(bConvs, k); err != nil {
			return 0, err
		}
	}
	for _, n := range m.rebuild {
		c, err := w.rebuild(n)
		if err != nil {
			return 0, err
		}
		c.Dead = m.dead[n]
	}
	bad = len(m.entries) + len(m.rebuild)
	ok, err := w.mendGenerations()
	if err != nil {
		return 0, err
	}
	if !ok {
		bad++
	}
	if ok, err = w.mendRequests(); err != nil {
		return 0, err
	}
	if !ok {
		bad++
	}
	if len(m.leads) > 0 {
		bad = max(bad, 1)
	}
	if m.count != w.count {
		w.count = m.count
		w.writes++
		bad = max(bad, 1)
	}
	return bad, nil
}

func (m *mender) lookAtEntries() {
	cur := m.w.bucket(bEntries).Cursor()
	for k, v := cur.First(); k != nil; k, v = cur.Next() {
		h, err := peek(k, v)
		if err != nil {
			m.entries = append(m.entries, bytes.Clone(k))
			continue
		}
		m.add(&h, 1)
		if h.open() {
			m.waiting[keySeq(k)] = h.status
		}
	}
}

// add counts an entry, or with -1 no longer.
func (m *mender) add(h *head, by int) {
	m.count.Entries += by
	switch h.status {
	case Received:
		m.count.Pending += by
	case HeldBack:
		m.count.Held += by
	case Queued:
		m.count.Queued += by
	case Dead:
		m.count.Dead += by
		m.dead[h.conv] += by
	}
}

func (m *mender) lookAtConversations() {
	last, first, good := uint32(0), true, false
	cur := m.w.bucket(bConvs).Cursor()
	for k, v := cur.First(); ; k, v = cur.Next() {
		if n := keyConv(k); k == nil || first || n != last {
			if !first && !good {
				m.rebuild = append(m.rebuild, last)
			}
			last, first, good = n, false, false
		}
		if k == nil {
			return
		}
		if bytes.Equal(k, summaryKey(last)) {
			good = m.w.whole(last, v, &m.count)
			continue
		}
		if !m.leadsSomewhere(k, last) {
			m.leads = append(m.leads, bytes.Clone(k))
		}
	}
}

// leadsSomewhere reports whether a key of conversation n fits an entry. An
// entry that names another conversation is bad itself.
func (m *mender) leadsSomewhere(k []byte, n uint32) bool {
	if len(k) != withinLen {
		return false
	}
	seq := keySeq(k)
	switch k[4] {
	case kJobs, kWaiting:
		return m.waiting[seq] == Received
	case kOutbox:
		return m.waiting[seq] == Queued
	case kTimeline:
	default:
		return false
	}
	v := m.w.bucket(bEntries).Get(seqKey(seq))
	if v == nil {
		return false
	}
	h, err := peek(seqKey(seq), v)
	if err != nil {
		return false
	}
	if h.conv != n && !m.takenOver(h.conv, n) {
		m.add(&h, -1)
		delete(m.waiting, seq)
		m.entries = append(m.entries, seqKey(seq))
		return false
	}
	return true
}

// takenOver reports whether conversation old became a part of n.
func (m *mender) takenOver(old, n uint32) bool {
	for range 8 {
		v := m.w.bucket(bConvs).Get(summaryKey(old))
		if v == nil {
			return false
		}
		c, err := m.w.s.seal.decodeConv(old, v, false)
		if err != nil || c.Into == 0 {
			return false
		}
		if old = c.Into; old == n {
			return true
		}
	}
	return false
}

// peek is the head of an entry, unproven.
func peek(k, v []byte) (head, error) {
	hb, _, _, err := split(v)
	if err != nil || len(k) != 8 {
		return head{}, errRecord
	}
	return decodeHead(hb)
}

// whole reports whether a conversation's record is good, and counts it.
func (w *wtx) whole(n uint32, v []byte, count *counts) bool {
	c, err := w.s.seal.decodeConv(n, v, false)
	if err != nil {
		return false
	}
	h, state, _, _ := split(v)
	if _, err := w.s.seal.open(state, place(bConvs, "text", convKey(n), h)); errors.Is(err, errSeal) {
		return false
	}
	count.Unread += c.Unread
	return true
}

// rebuild makes the record of conversation n anew from what leads to it and
// what it leads to. Its texts come back with the next event.
func (w *wtx) rebuild(n uint32) (*conv, error) {
	c := &conv{n: n}
	cur := w.bucket(bConvIDs).Cursor()
	for k, v := cur.First(); k != nil; k, v = cur.Next() {
		if len(v) != 4 || binary.BigEndian.Uint32(v) != n || len(k) < 2 {
			continue
		}
		end := 2 + int(binary.BigEndian.Uint16(k))
		if end > len(k) {
			continue
		}
		if c.ID != "" {
			c.Former = append(c.Former, c.ID)
		}
		c.Account, c.ID = platforms.AccountID(k[2:end]), platforms.ConversationID(k[end:])
	}
	if c.ID == "" {
		c.ID = platforms.ConversationID(fmt.Sprintf("unknown %d", n))
	}
	cur = w.bucket(bConvs).Cursor()
	for k, _ := cur.Seek(convKey(n)); k != nil && keyConv(k) == n; k, _ = cur.Next() {
		switch {
		case isWithin(k, n, kTimeline):
			c.LastSeq = keySeq(k)
			c.Read = c.LastSeq
		case isWithin(k, n, kOutbox):
			c.Queued++
		}
	}
	if e, err := w.entry(c.LastSeq); err == nil {
		c.Last = e.stored
	}
	w.convs[n] = c
	w.writes++
	return c, nil
}

// mendGenerations makes the list of dedupe generations fit the buckets that are
// there, and reports whether it did.
func (w *wtx) mendGenerations() (ok bool, err error) {
	var there []generation
	cur := w.tx.Cursor()
	for k, _ := cur.Seek([]byte(bDedupe)); k != nil && strings.HasPrefix(string(k), bDedupe); k, _ = cur.Next() {
		g := generation{start: w.now.UnixNano()}
		if _, err := fmt.Sscanf(string(k[len(bDedupe):]), "%08x", &g.n); err == nil && g.bucket() == string(k) {
			there = append(there, g)
		}
	}
	ok = len(there) == len(w.gens)
	for i := 0; ok && i < len(there); i++ {
		ok = there[i].n == w.gens[i].n
	}
	if ok {
		return true, nil
	}
	return false, w.setGenerations(there)
}
