package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/postern/postern/platforms"
)

// Audit is one line of the audit record: what was opened, closed, acknowledged,
// refused or changed. The record is only ever appended to.
//
// Each line is sealed under the journal's key and bound to its number, so that
// whoever edits the file without the key can neither write nor change one. Hash
// covers the line and, by Prev, all that came before: SHA-256 over the fields
// Seq, At (RFC 3339 with nanoseconds, UTC), What, Account, Who, Text and Prev,
// each written as its length in bytes, a colon, and the bytes. Who kept an
// exported Hash can prove later that nothing before it was changed, without the
// key. A record that says where the chain begins and ends is sealed too: lines
// cut off either end show. What can't be shown is a whole journal replaced by
// an older copy of itself, unless somebody kept a Hash.
type Audit struct {
	Seq     uint64              `json:"seq"`
	At      time.Time           `json:"at"`
	What    string              `json:"what"`
	Account platforms.AccountID `json:"account,omitempty"`
	Who     string              `json:"who,omitempty"`
	Text    string              `json:"text"`
	Prev    string              `json:"prev"`
	Hash    string              `json:"hash"`
}

// digest is the line's Hash.
func (a Audit) digest() string {
	h := sha256.New()
	for _, f := range []string{strconv.FormatUint(a.Seq, 10), a.At.UTC().Format(time.RFC3339Nano), a.What, string(a.Account), a.Who, a.Text, a.Prev} {
		_, _ = io.WriteString(h, strconv.Itoa(len(f))+":"+f)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// AuditState is what VerifyAudit found.
type AuditState struct {
	Lines       int
	First, Last time.Time
	Broken      uint64 // the first line that does not fit; 0: none
	Why         string // in words, also where all is well
}

// maxAudit bounds the record: past it the oldest tenth is replaced by a line
// that says so. At a line for every minute of a year this is two months.
const maxAudit = 100_000

// auditHead is where the chain begins and ends.
type auditHead struct {
	First uint64 `json:"first"` // seq of the first line
	Prev  string `json:"prev"`  // Hash of what came before it
	Last  uint64 `json:"last"`
	Hash  string `json:"hash"` // of the last
}

var auditHeadKey = []byte("audit head")

func (s *sealer) sealAudit(a Audit) ([]byte, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode a line of the audit record: %w", err)
	}
	return s.seal(nil, b, place(bAudit, "line", seqKey(a.Seq))), nil
}

func (s *sealer) openAudit(k, v []byte) (a Audit, err error) {
	b, err := s.open(v, place(bAudit, "line", k))
	if err != nil {
		return a, err
	}
	if json.Unmarshal(b, &a) != nil || a.Seq != keySeq(k) {
		return Audit{}, errRecord
	}
	return a, nil
}

// auditHead is the head; found is false where nothing was ever recorded.
func (r *rtx) auditHead() (h auditHead, found bool, err error) {
	v := r.bucket(bMeta).Get(auditHeadKey)
	if v == nil {
		return h, false, nil
	}
	b, err := r.s.seal.open(v, place(bMeta, "audit", auditHeadKey))
	if err == nil && json.Unmarshal(b, &h) != nil {
		err = errRecord
	}
	return h, true, err
}

func (w *wtx) putAuditHead(h auditHead) error {
	b, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode the audit record's head: %w", err)
	}
	return w.put(bMeta, auditHeadKey, w.s.seal.seal(nil, b, place(bMeta, "audit", auditHeadKey)))
}

// Append adds a line to the audit record; nil means that it is on the disk. Seq,
// Prev and Hash are made here, and At if it is zero.
//
// A record whose head can't be read, because it was tampered with or written
// under another key, is gone on with after a line that says so: the break stays
// visible.
func (s *Store) Append(ctx context.Context, a Audit) (Audit, error) {
	err := s.update(ctx, func(w *wtx) (err error) {
		a, err = w.audit(a)
		return err
	})
	return a, err
}

func (w *wtx) audit(a Audit) (Audit, error) {
	h, found, err := w.auditHead()
	last := uint64(0)
	if k, _ := w.bucket(bAudit).Cursor().Last(); k != nil {
		last = keySeq(k)
	}
	if err != nil || !found && last > 0 || found && h.Last != last {
		broken := Audit{What: "alarm", Who: "postern", Text: "The audit record does not end where it ended. Lines were removed or added from outside, or the key is another one."}
		if broken, err = w.chain(broken, max(h.Last, last), ""); err != nil {
			return a, err
		}
		h.Last, h.Hash = broken.Seq, broken.Hash
		if h.First == 0 {
			h.First = broken.Seq
		}
	}
	if a, err = w.chain(a, h.Last, h.Hash); err != nil {
		return a, err
	}
	if h.First == 0 {
		h.First = a.Seq
	}
	h.Last, h.Hash = a.Seq, a.Hash
	if h.Last-h.First+1 > w.s.auditMost() {
		if h, err = w.shorten(h); err != nil {
			return a, err
		}
	}
	return a, w.putAuditHead(h)
}

// chain writes a after the line with that number and hash.
func (w *wtx) chain(a Audit, after uint64, prev string) (Audit, error) {
	if a.At.IsZero() {
		a.At = w.now
	}
	a.Seq, a.At, a.Prev = after+1, a.At.UTC(), prev
	a.What, a.Who, a.Text = cut(a.What, maxName), cut(a.Who, maxName), cut(a.Text, maxNote)
	a.Account = platforms.AccountID(clip(string(a.Account)))
	a.Hash = a.digest()
	v, err := w.s.seal.sealAudit(a)
	if err != nil {
		return a, err
	}
	return a, w.put(bAudit, seqKey(a.Seq), v)
}

// shorten removes the oldest tenth, and says so at the end.
func (w *wtx) shorten(h auditHead) (auditHead, error) {
	from := h.First
	n := max(1, w.s.auditMost()/10)
	for ; h.First < from+n; h.First++ {
		k := seqKey(h.First)
		a, err := w.s.seal.openAudit(k, w.bucket(bAudit).Get(k))
		if err == nil {
			h.Prev = a.Hash
		}
		if err := w.del(bAudit, k); err != nil {
			return h, err
		}
	}
	told, err := w.chain(Audit{What: "shortened", Who: "postern", Text: fmt.Sprintf("Lines %d to %d were removed: the record keeps %d. The last of them had the hash %s.",
		from, h.First-1, w.s.auditMost(), h.Prev)}, h.Last, h.Hash)
	h.Last, h.Hash = told.Seq, told.Hash
	return h, err
}

func (s *Store) auditMost() uint64 {
	if s.mostAudit > 0 {
		return s.mostAudit
	}
	return maxAudit
}

// Audits is lines with a number below before (0: the newest of all), newest
// first; a limit of 0 means 200, and 1000 is the most. A line that can't be read
// says so.
func (s *Store) Audits(before uint64, limit int) ([]Audit, error) {
	limit = bound(limit, 200, 1000)
	out := make([]Audit, 0, min(limit, 64))
	err := s.view(func(r *rtx) error {
		c := r.bucket(bAudit).Cursor()
		for k, v := seekBefore(c, before); k != nil && len(out) < limit; k, v = c.Prev() {
			a, err := r.s.seal.openAudit(k, v)
			if err != nil {
				a = Audit{Seq: keySeq(k), What: "alarm", Text: "This line can't be read: it was tampered with, or written under another key."}
			}
			out = append(out, a)
		}
		return nil
	})
	return out, err
}

// walkAudit calls fn with every line, oldest first, a page at a time: a long
// read would keep the journal from growing. It ends with fn's error, or with
// ctx's.
func (s *Store) walkAudit(ctx context.Context, fn func(a Audit, err error) error) error {
	next := uint64(0)
	for {
		type line struct {
			a   Audit
			err error
		}
		var page []line
		err := s.view(func(r *rtx) error {
			c := r.bucket(bAudit).Cursor()
			for k, v := c.Seek(seqKey(next)); k != nil && len(page) < scanStep; k, v = c.Next() {
				a, err := r.s.seal.openAudit(k, v)
				a.Seq = keySeq(k)
				page = append(page, line{a, err})
			}
			return nil
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, l := range page {
			if err := fn(l.a, l.err); err != nil {
				return err
			}
		}
		next = page[len(page)-1].a.Seq + 1
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// VerifyAudit walks the whole record. Lines that are written meanwhile may be
// among what it sees.
func (s *Store) VerifyAudit(ctx context.Context) (AuditState, error) {
	var head auditHead
	var found bool
	var bad error
	if err := s.view(func(r *rtx) error { head, found, bad = r.auditHead(); return nil }); err != nil {
		return AuditState{}, err
	}
	st, prev, ended, last := AuditState{}, head.Prev, head.Prev, uint64(0)
	fail := func(seq uint64, why string) {
		if st.Broken == 0 {
			st.Broken, st.Why = max(1, seq), why
		}
	}
	err := s.walkAudit(ctx, func(a Audit, err error) error {
		if last == 0 && a.Seq != head.First && bad == nil {
			fail(min(a.Seq, max(1, head.First)), fmt.Sprintf("The record begins with line %d and should begin with line %d.", a.Seq, head.First))
		}
		if last != 0 && a.Seq != last+1 {
			fail(last+1, fmt.Sprintf("Line %d is missing.", last+1))
		}
		last = a.Seq
		st.Lines++
		switch {
		case errors.Is(err, errOtherKey):
			fail(a.Seq, fmt.Sprintf("Line %d was written under another key.", a.Seq))
		case err != nil:
			fail(a.Seq, fmt.Sprintf("Line %d was tampered with: it does not bear the journal's seal.", a.Seq))
		case a.Prev != prev || a.Hash != a.digest():
			fail(a.Seq, fmt.Sprintf("Line %d does not follow from the one before it.", a.Seq))
		}
		if prev = a.Hash; err != nil {
			prev = ""
		}
		if a.Seq == head.Last {
			ended = prev
		}
		if st.First.IsZero() {
			st.First = a.At
		}
		st.Last = a.At
		return nil
	})
	after := head
	if err == nil && bad == nil {
		err = s.view(func(r *rtx) error { after, _, bad = r.auditHead(); return nil })
	}
	switch {
	case err != nil:
		return st, err
	case bad != nil:
		fail(1, "Where the record begins and ends can't be read: it was tampered with, or the key is another one.")
	case !found && last > 0:
		fail(1, "Nothing says where the record begins and ends: that was removed.")
	case found && (last < head.Last || last > after.Last):
		fail(last+1, fmt.Sprintf("The record ends with line %d and should end with line %d.", last, after.Last))
	case found && (head.Hash != ended || last == after.Last && after.Hash != prev):
		fail(last, fmt.Sprintf("Line %d is not the one that was written last.", last))
	}
	if st.Broken == 0 {
		st.Why = fmt.Sprintf("The record is whole: %d lines, each following from the one before.", st.Lines)
		if st.Lines == 0 {
			st.Why = "Nothing has been recorded yet."
		}
	}
	return st, nil
}

// ExportAudit writes the whole record, oldest first, one JSON object a line, and
// last an object with the key "state" that says how VerifyAudit found it.
func (s *Store) ExportAudit(ctx context.Context, w io.Writer) error {
	st, err := s.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	err = s.walkAudit(ctx, func(a Audit, err error) error {
		if err != nil {
			a.What, a.Text = "alarm", "This line can't be read."
		}
		return enc.Encode(a)
	})
	if err != nil {
		return err
	}
	return enc.Encode(map[string]any{"state": st.Why, "lines": st.Lines, "broken": st.Broken})
}
