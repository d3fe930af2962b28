package store

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/postern/postern/platforms"
)

// Request is one request, with what is kept of its body.
func (s *Store) Request(id uint64) (r Request, err error) {
	err = s.view(func(t *rtx) error {
		k := seqKey(id)
		v := t.bucket(bRequests).Get(k)
		if v == nil {
			return ErrNotFound
		}
		r, err = t.s.seal.decodeRequest(k, v, true)
		return err
	})
	return r, err
}

// RequestStats is what is kept of an account's requests of every sort.
func (s *Store) RequestStats(id platforms.AccountID) (st RequestStats, err error) {
	err = s.view(func(r *rtx) error {
		for _, sort := range sorts() {
			of := requestsOf(id, sort)
			n, size := r.tally(of)
			st.Count, st.Bytes = st.Count+n, st.Bytes+size
			cur := r.bucket(bRequestsOf).Cursor()
			k, v := seekBefore(prefixed{cur, of}, 0)
			if k != nil {
				_, at := readMark(v)
				if t := instant(at); t.After(st.Last) {
					st.Last = t
				}
			}
		}
		return nil
	})
	return st, err
}

// Requests is what q selects, newest first, without bodies. With a text it opens
// the newest 50,000 that the rest selects.
func (s *Store) Requests(q RequestQuery) ([]Request, error) {
	limit := bound(q.Limit, 100, 1000)
	text := strings.ToLower(q.Text)
	found := []Request{}
	before := q.Before
	for scanned, end := 0, false; scanned < scanLimit && !end && len(found) < limit; scanned += requestStep {
		err := s.view(func(r *rtx) error {
			var k []byte
			c := r.requestCursor(q)
			k = c.before(before)
			for i := 0; i < requestStep && len(found) < limit; i++ {
				if k == nil {
					end = true
					return nil
				}
				before = keySeq(k)
				key := seqKey(before)
				if v := r.bucket(bRequests).Get(key); v != nil {
					one, err := r.s.seal.decodeRequest(key, v, text != "")
					if err == nil && one.has(text) {
						one.Body = nil
						found = append(found, one)
					}
				}
				k = c.prev()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// requestStep is how many requests one read transaction opens. Their bodies may
// be large.
const requestStep = 64

func (r *Request) has(text string) bool {
	if text == "" {
		return true
	}
	if contains(text, r.Method, r.Query, r.From, r.Via, r.Why, r.Answer) {
		return true
	}
	for name, values := range r.Header {
		if contains(text, name) || contains(text, values...) {
			return true
		}
	}
	return bytes.Contains(bytes.ToLower(r.Body), []byte(text))
}

// requestCursor walks one or several lists from the newest to the oldest.
func (r *rtx) requestCursor(q RequestQuery) *requestCursor {
	c := &requestCursor{}
	if q.Account == "" && q.Refused == nil {
		c.lists = append(c.lists, &requestList{c: r.bucket(bRequests).Cursor()})
		return c
	}
	var ids []platforms.AccountID
	if q.Account != "" {
		ids = append(ids, q.Account)
	} else {
		_ = r.bucket(bAccounts).ForEach(func(_, v []byte) error {
			var a Account
			if json.Unmarshal(v, &a) == nil {
				ids = append(ids, a.ID)
			}
			return nil
		})
	}
	for _, id := range ids {
		for _, sort := range sorts() {
			if q.Refused == nil || *q.Refused == (sort == refused) {
				c.lists = append(c.lists, &requestList{c: prefixed{r.bucket(bRequestsOf).Cursor(), requestsOf(id, sort)}})
			}
		}
	}
	return c
}

type requestCursor struct{ lists []*requestList }

type requestList struct {
	c   cursor
	key []byte
}

func (c *requestCursor) before(seq uint64) []byte {
	for _, l := range c.lists {
		l.key, _ = seekBefore(l.c, seq)
	}
	return c.newest()
}

func (c *requestCursor) prev() []byte {
	at := c.newest()
	for _, l := range c.lists {
		if l.key != nil && keySeq(l.key) == keySeq(at) {
			l.key, _ = l.c.Prev()
		}
	}
	return c.newest()
}

func (c *requestCursor) newest() (k []byte) {
	for _, l := range c.lists {
		if l.key != nil && (k == nil || keySeq(l.key) > keySeq(k)) {
			k = l.key
		}
	}
	return k
}

// prefixed is a cursor over keys that are a prefix and a seq.
type prefixed struct {
	c      cursor
	prefix []byte
}

func (p prefixed) own(k, v []byte) ([]byte, []byte) {
	if len(k) != len(p.prefix)+8 || !bytes.HasPrefix(k, p.prefix) {
		return nil, nil
	}
	return k, v
}

func (p prefixed) Seek(seq []byte) ([]byte, []byte) {
	return p.own(p.c.Seek(append(bytes.Clone(p.prefix), seq...)))
}

func (p prefixed) Prev() ([]byte, []byte) { return p.own(p.c.Prev()) }

func (p prefixed) Last() ([]byte, []byte) {
	end := append(bytes.Clone(p.prefix), bytes.Repeat([]byte{0xff}, 9)...)
	if k, _ := p.c.Seek(end); k == nil {
		return p.own(p.c.Last())
	}
	return p.own(p.c.Prev())
}
