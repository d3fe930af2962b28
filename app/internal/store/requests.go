package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/postern/postern/platforms"
)

// Request is one HTTP request that came to an account. Secrets are to be taken
// out before it is stored.
type Request struct {
	ID      uint64              `json:"-"`
	At      time.Time           `json:"-"`
	Account platforms.AccountID `json:"-"`

	// Refused says that it did not come from the account's service, as far as
	// could be told: strangers decide how many of these there are.
	Refused bool `json:"-"`
	// Erased says that what it held is not kept, or can't be read any more.
	Erased bool `json:"-"`

	Via    string              `json:"via,omitempty"`
	From   string              `json:"from,omitempty"`
	Method string              `json:"method,omitempty"`
	Query  string              `json:"query,omitempty"`
	Header map[string][]string `json:"header,omitempty"`
	Body   []byte              `json:"-"`
	Line   string              `json:"line,omitempty"` // how the body begins
	Size   int64               `json:"size,omitempty"` // of the body as it came
	Cut    bool                `json:"cut,omitempty"`
	Exact  bool                `json:"exact,omitempty"`
	Masked int                 `json:"masked,omitempty"`
	Brief  bool                `json:"brief,omitempty"` // it was stored without what it held

	Why     string        `json:"why,omitempty"`
	Status  int           `json:"status,omitempty"`
	Answer  string        `json:"answer,omitempty"`
	Took    time.Duration `json:"took,omitempty"`
	Entries []uint64      `json:"entries,omitempty"`
	Again   bool          `json:"again,omitempty"`
}

// RequestBounds is how much is kept of an account's requests. Zero means none.
type RequestBounds struct {
	Keep  int           // that were accepted
	Bytes int64         // of those, as stored
	For   time.Duration // of every sort

	// Those that were refused, and those that brought nothing new, have rooms of
	// their own, of this size each, so that they push out no others.
	Refused      int
	RefusedBytes int64
}

// RequestQuery selects requests. Zero fields select everything.
type RequestQuery struct {
	Account platforms.AccountID
	Text    string // somewhere in query, headers or body; case is ignored
	Refused *bool
	Before  uint64 // older than this id
	Limit   int    // at most; 0 means 100, more than 1,000 means 1,000
}

// RequestStats is what is kept of an account's requests.
type RequestStats struct {
	Count int
	Bytes int64
	Last  time.Time
}

// maxRequest bounds what is stored of one request, in bytes.
const maxRequest = 4 << 20

// requestHead is what the journal needs to know of a request without its key.
type requestHead struct {
	Account platforms.AccountID `json:"a"`
	At      int64               `json:"t"` // Unix nanoseconds
	Refused bool                `json:"r,omitempty"`
	Again   bool                `json:"g,omitempty"`
}

// The sorts of requests, as they stand in keys. They are stored: never change a
// value.
const (
	accepted byte = 1
	refused  byte = 2
	repeated byte = 3
)

func sorts() []byte { return []byte{accepted, refused, repeated} }

func sortOf(isRefused, isAgain bool) byte {
	switch {
	case isRefused:
		return refused
	case isAgain:
		return repeated
	}
	return accepted
}

// requestsOf begins the keys of one account's requests of one sort in
// bRequestsOf. The key that is nothing more holds how many there are and how
// many bytes they take.
func requestsOf(id platforms.AccountID, sort byte) []byte { return append(owned(id), sort) }

func (s *sealer) encodeRequest(r Request) ([]byte, error) {
	h, err := json.Marshal(requestHead{r.Account, nanos(r.At), r.Refused, r.Again})
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a request: %w", err)
	}
	k := seqKey(r.ID)
	var body []byte
	if len(r.Body) > 0 {
		body = s.seal(nil, r.Body, place(bRequests, "body", k))
	}
	return join(h, s.seal(nil, text, place(bRequests, "text", k, h, tag(body))), body), nil
}

// decodeRequest reads a request, with its body if body is true. What can't be
// opened is Erased.
func (s *sealer) decodeRequest(k, v []byte, body bool) (r Request, err error) {
	h, state, sealed, err := split(v)
	if err != nil {
		return r, err
	}
	var head requestHead
	if json.Unmarshal(h, &head) != nil {
		return r, errRecord
	}
	text, err := s.open(state, place(bRequests, "text", k, h, tag(sealed)))
	if err == nil && json.Unmarshal(text, &r) != nil {
		err = errRecord
	}
	if err != nil {
		r = Request{Erased: true, Why: "This request can't be read any more."}
	}
	r.ID, r.Account, r.At, r.Refused = keySeq(k), head.Account, instant(head.At), head.Refused
	r.Erased = r.Erased || r.Brief
	if body && len(sealed) > 0 && !r.Erased {
		if r.Body, err = s.open(sealed, place(bRequests, "body", k)); err != nil {
			r.Erased, r.Body = true, nil
		}
	}
	return r, nil
}

// PutRequests stores requests in their order, all in one transaction, and drops
// the oldest beyond the bounds of their accounts. Requests of accounts that are
// not there (any more), or larger than 4 MiB, are left out.
func (s *Store) PutRequests(ctx context.Context, rs []Request, bounds func(platforms.AccountID) RequestBounds) error {
	return s.update(ctx, func(w *wtx) error {
		type kind struct {
			id   platforms.AccountID
			sort byte
		}
		touched := map[kind]bool{}
		for _, r := range rs {
			if len(r.Body) > maxRequest || w.account(r.Account) != nil {
				continue
			}
			if err := w.putRequest(r); err != nil {
				return err
			}
			touched[kind{r.Account, sortOf(r.Refused, r.Again)}] = true
		}
		for k := range touched {
			if _, err := w.trimRequests(k.id, k.sort, bounds(k.id)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *wtx) putRequest(r Request) error {
	w.writes++
	id, err := w.bucket(bRequests).NextSequence()
	if err != nil {
		return fmt.Errorf("number a request: %w", err)
	}
	r.ID = id
	if r.At.IsZero() {
		r.At = w.now
	}
	v, err := w.s.seal.encodeRequest(r)
	if err != nil {
		return err
	}
	if err := w.put(bRequests, seqKey(id), v); err != nil {
		return err
	}
	of := requestsOf(r.Account, sortOf(r.Refused, r.Again))
	if err := w.put(bRequestsOf, append(bytes.Clone(of), seqKey(id)...), requestMark(len(v), r.At)); err != nil {
		return err
	}
	n, size := w.tally(of)
	return w.putTally(of, n+1, size+int64(len(v)))
}

// requestMark is what stands beside a request in its account's list: its size
// and time, so that the oldest are found without reading them.
func requestMark(size int, at time.Time) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(size))
	return binary.BigEndian.AppendUint64(b, uint64(nanos(at)))
}

func readMark(v []byte) (size, at int64) {
	if len(v) != 16 {
		return 0, 0
	}
	return int64(binary.BigEndian.Uint64(v)), int64(binary.BigEndian.Uint64(v[8:]))
}

// tally is how many requests a list has, and how many bytes they take.
func (r *rtx) tally(of []byte) (n int, size int64) {
	if v := r.bucket(bRequestsOf).Get(of); len(v) == 16 {
		return int(binary.BigEndian.Uint64(v)), int64(binary.BigEndian.Uint64(v[8:]))
	}
	return 0, 0
}

func (w *wtx) putTally(of []byte, n int, size int64) error {
	if n <= 0 {
		return w.del(bRequestsOf, of)
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(n))
	return w.put(bRequestsOf, of, binary.BigEndian.AppendUint64(b, uint64(max(size, 0))))
}

// trimRequests drops the oldest of a list while it is beyond its bounds, up to
// pruneStep of them, and reports whether more are to go.
func (w *wtx) trimRequests(id platforms.AccountID, sort byte, most RequestBounds) (more bool, err error) {
	keep, size := most.Keep, most.Bytes
	if sort != accepted {
		keep, size = most.Refused, most.RefusedBytes
	}
	oldest := w.now.Add(-most.For).UnixNano()
	of := requestsOf(id, sort)
	n, held := w.tally(of)
	var gone [][]byte
	cur := w.bucket(bRequestsOf).Cursor()
	for k, v := cur.Seek(append(bytes.Clone(of), 0)); k != nil && len(k) == len(of)+8 && bytes.HasPrefix(k, of); k, v = cur.Next() {
		bytes, at := readMark(v)
		if n <= keep && held <= size && at >= oldest {
			break
		}
		if len(gone) == pruneStep {
			more = true
			break
		}
		gone = append(gone, append([]byte(nil), k...))
		n, held = n-1, held-bytes
	}
	if len(gone) == 0 {
		return false, nil
	}
	return more, w.dropRequests(of, gone, n, held)
}

func (w *wtx) dropRequests(of []byte, keys [][]byte, n int, held int64) error {
	for _, k := range keys {
		if err := w.del(bRequests, k[len(of):]); err != nil {
			return err
		}
		if err := w.del(bRequestsOf, k); err != nil {
			return err
		}
	}
	return w.putTally(of, n, held)
}

// TrimRequests brings an account's requests within bounds. Bounds of zero drop
// all of them.
func (s *Store) TrimRequests(ctx context.Context, id platforms.AccountID, most RequestBounds) error {
	for _, sort := range sorts() {
		for more := true; more; {
			err := s.update(ctx, func(w *wtx) (err error) {
				more, err = w.trimRequests(id, sort, most)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// purgeRequests drops up to n requests of an account that is no more.
func (w *wtx) purgeRequests(id platforms.AccountID) (more bool, err error) {
	for _, sort := range sorts() {
		if more, err = w.trimRequests(id, sort, RequestBounds{For: -1 << 40}); err != nil || more {
			return more, err
		}
	}
	return false, nil
}

// mendRequests makes the lists fit the requests that are there, and reports
// whether they did.
func (w *wtx) mendRequests() (ok bool, err error) {
	want := map[string][]byte{}
	type tally struct {
		n    int
		size int64
	}
	tallies := map[string]tally{}
	var bad [][]byte
	cur := w.bucket(bRequests).Cursor()
	for k, v := cur.First(); k != nil; k, v = cur.Next() {
		h, _, _, err := split(v)
		var head requestHead
		if err != nil || len(k) != 8 || json.Unmarshal(h, &head) != nil || head.Account == "" {
			bad = append(bad, bytes.Clone(k))
			continue
		}
		of := requestsOf(head.Account, sortOf(head.Refused, head.Again))
		want[string(of)+string(k)] = requestMark(len(v), instant(head.At))
		t := tallies[string(of)]
		tallies[string(of)] = tally{t.n + 1, t.size + int64(len(v))}
	}
	for of, t := range tallies {
		b := binary.BigEndian.AppendUint64(nil, uint64(t.n))
		want[of] = binary.BigEndian.AppendUint64(b, uint64(t.size))
	}
	for _, k := range bad {
		if err := w.del(bRequests, k); err != nil {
			return false, err
		}
	}
	ok = len(bad) == 0
	var gone [][]byte
	cur = w.bucket(bRequestsOf).Cursor()
	for k, v := cur.First(); k != nil; k, v = cur.Next() {
		if w, there := want[string(k)]; there && bytes.Equal(w, v) {
			delete(want, string(k))
		} else if !there {
			gone = append(gone, bytes.Clone(k))
		}
	}
	for _, k := range gone {
		err = errors.Join(err, w.del(bRequestsOf, k))
	}
	for k, v := range want {
		err = errors.Join(err, w.put(bRequestsOf, []byte(k), v))
	}
	return ok && len(gone) == 0 && len(want) == 0, err
}
