package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/postern/postern/platforms"
)

// scanLimit is how many records one search looks at, at most.
const scanLimit = 50_000

// scanStep is how many records one read transaction looks at: a long one would
// keep the journal from reusing pages and from growing.
const scanStep = 512

// lineText is the sealed part of an Activity.
type lineText struct {
	Who string `json:"who,omitempty"`
	Why string `json:"why,omitempty"`
}

// Record adds one line to the activity. At, if zero, is now; Seq is ignored.
func (s *Store) Record(ctx context.Context, a Activity) error {
	return s.update(ctx, func(w *wtx) error {
		_, err := w.record(a)
		return err
	})
}

func (w *wtx) record(a Activity) (uint64, error) {
	w.writes++
	seq, err := w.bucket(bActivity).NextSequence()
	if err != nil {
		return 0, fmt.Errorf("number an activity: %w", err)
	}
	text, err := json.Marshal(lineText{cut(a.Who, maxName), cut(a.Why, maxNote)})
	if err != nil {
		return 0, fmt.Errorf("encode an activity: %w", err)
	}
	a.Seq, a.Who, a.Why = 0, "", ""
	if a.At.IsZero() {
		a.At = w.now
	}
	a.At = a.At.UTC()
	a.What = cut(a.What, maxName)
	a.Conversation = platforms.ConversationID(clip(string(a.Conversation)))
	a.User = platforms.UserID(clip(string(a.User)))
	h, err := json.Marshal(a)
	if err != nil {
		return 0, fmt.Errorf("encode an activity: %w", err)
	}
	w.count.Lines++
	k := seqKey(seq)
	return seq, w.put(bActivity, k, join(h, w.s.seal.seal(nil, text, place(bActivity, "text", k, h)), nil))
}

// recordAll adds what an operation was given to record about entry seq.
func (w *wtx) recordAll(seq uint64, as []Activity) error {
	for _, a := range as {
		if a.Entry == 0 {
			a.Entry = seq
		}
		if _, err := w.record(a); err != nil {
			return err
		}
	}
	return nil
}

func (s *sealer) decodeActivity(k, v []byte) (a Activity, err error) {
	h, state, _, err := split(v)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(h, &a); err != nil {
		return a, errRecord
	}
	var t lineText
	b, err := s.open(state, place(bActivity, "text", k, h))
	if err != nil || json.Unmarshal(b, &t) != nil {
		t = lineText{Why: "(can't be read any more)"}
	}
	a.Seq, a.Who, a.Why = keySeq(k), t.Who, t.Why
	return a, nil
}

// Activity is what q selects, newest first. It looks at the newest 50,000 lines.
func (s *Store) Activity(q ActivityQuery) ([]Activity, error) {
	limit := bound(q.Limit, 200, 1000)
	text := strings.ToLower(q.Text)
	found := make([]Activity, 0, min(limit, 64))
	before := q.Before
	for scanned := 0; scanned < scanLimit; scanned += scanStep {
		end := false
		err := s.view(func(r *rtx) error {
			c := r.bucket(bActivity).Cursor()
			k, v := seekBefore(c, before)
			for i := 0; i < scanStep; i++ {
				if k == nil || len(found) == limit {
					end = true
					return nil
				}
				before = keySeq(k)
				if a, err := r.s.seal.decodeActivity(k, v); err == nil && matches(a, q, text) {
					found = append(found, a)
				}
				k, v = c.Prev()
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

func matches(a Activity, q ActivityQuery, text string) bool {
	if q.Account != "" && a.Account != q.Account {
		return false
	}
	if len(q.What) > 0 && !slices.Contains(q.What, a.What) {
		return false
	}
	return text == "" || contains(text, a.Who, a.Why, string(a.Account), string(a.Conversation))
}

// contains reports whether any of texts has the lower-case part.
func contains(part string, texts ...string) bool {
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), part) {
			return true
		}
	}
	return false
}

// bound is n between 1 and most, and usual if n is not positive.
func bound(n, usual, most int) int {
	if n <= 0 {
		n = usual
	}
	return min(n, most)
}

type cursor interface {
	Seek([]byte) (k, v []byte)
	Prev() (k, v []byte)
	Last() (k, v []byte)
}

// seekBefore is the last record with a seq below before, or the last of all if
// before is 0. Keys are a seq, nothing else.
func seekBefore(c cursor, before uint64) (k, v []byte) {
	if before == 0 {
		return c.Last()
	}
	if k, _ := c.Seek(seqKey(before)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// seekWithin is the last record of the timeline of conversation n with a seq below before, or
// the last of all if before is 0. It may be one of something else, if there is
// none.
func seekWithin(c cursor, n uint32, before uint64) (k, v []byte) {
	if before == 0 {
		before = ^uint64(0)
	}
	if k, _ := c.Seek(within(n, kTimeline, before)); k == nil {
		return c.Last()
	}
	return c.Prev()
}
