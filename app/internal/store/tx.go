package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/postern/postern/platforms"
)

// rtx is a read transaction, and the reading half of a wtx.
type rtx struct {
	tx *bolt.Tx
	s  *Store
}

// bucket is one of the buckets that Open made. Its absence is damage; the panic
// becomes ErrDamaged in view and transact.
func (r *rtx) bucket(name string) *bolt.Bucket {
	b := r.tx.Bucket([]byte(name))
	if b == nil {
		panic(fmt.Sprintf("bucket %q is missing", name))
	}
	return b
}

// entry is the record of seq, or ErrNotFound.
func (r *rtx) entry(seq uint64) (*entry, error) {
	v := r.bucket(bEntries).Get(seqKey(seq))
	if v == nil {
		return nil, ErrNotFound
	}
	return r.s.seal.decodeEntry(seq, v)
}

// number is the number of a conversation by its present or a former id, 0 if
// it is unknown.
func (r *rtx) number(id platforms.AccountID, c platforms.ConversationID) uint32 {
	v := r.bucket(bConvIDs).Get(pair(id, string(c)))
	if len(v) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(v)
}

// conv is the summary of conversation n or of the one that took it over, nil if
// there is none.
func (r *rtx) conv(n uint32, texts bool) (*conv, error) {
	for range 8 {
		v := r.bucket(bConvs).Get(summaryKey(n))
		if v == nil {
			return nil, nil
		}
		c, err := r.s.seal.decodeConv(n, v, texts)
		if err != nil || c.Into == 0 {
			return c, err
		}
		n = c.Into
	}
	return nil, damaged(fmt.Errorf("conversation %d was taken over in a circle", n))
}

// eachConv calls fn with every conversation from number n on, also those that
// were taken over, until it returns false.
func (r *rtx) eachConv(n uint32, fn func(n uint32, v []byte) (bool, error)) error {
	b := r.bucket(bConvs)
	cur := b.Cursor()
	for k, _ := cur.Seek(convKey(n)); k != nil; k, _ = cur.Seek(convKey(n + 1)) {
		n = keyConv(k)
		v := b.Get(summaryKey(n))
		if v == nil {
			return damaged(fmt.Errorf("conversation %d is missing", n))
		}
		if more, err := fn(n, v); err != nil || !more || n == ^uint32(0) {
			return err
		}
	}
	return nil
}

// generations are the dedupe buckets, oldest first: number and start of each.
type generation struct {
	n     uint32
	start int64 // Unix nanoseconds
}

func (g generation) bucket() string { return bDedupe + fmt.Sprintf("%08x", g.n) }

func (r *rtx) generations() []generation {
	v := r.bucket(bMeta).Get([]byte("generations"))
	g := make([]generation, 0, 4)
	for ; len(v) >= 12; v = v[12:] {
		g = append(g, generation{binary.BigEndian.Uint32(v), int64(binary.BigEndian.Uint64(v[4:]))})
	}
	return g
}

// seen finds a dedupe key in any generation.
func (r *rtx) seen(gens []generation, key []byte) (uint64, bool) {
	for i := len(gens) - 1; i >= 0; i-- {
		if b := r.tx.Bucket([]byte(gens[i].bucket())); b != nil {
			if v := b.Get(key); len(v) == 8 {
				return binary.BigEndian.Uint64(v), true
			}
		}
	}
	return 0, false
}

// counts are the figures that would take a scan otherwise.
type counts struct {
	Entries, Pending, Queued, Dead, Held, Unread, Lines int
}

func (r *rtx) counts() (c counts) {
	if v := r.bucket(bMeta).Get([]byte("counts")); v != nil {
		_ = json.Unmarshal(v, &c) // figures only: zeroes until the next start counts again
	}
	return c
}

// wtx is a write transaction that several operations share. What they all touch
// is kept decoded here and written once, by flush.
type wtx struct {
	rtx
	now    time.Time
	writes int // changes so far: tells an operation that failed cleanly from one that did not
	convs  map[uint32]*conv
	count  counts
	first  counts
	gens   []generation
	after  []func() // to run once committed
}

func newWtx(s *Store, tx *bolt.Tx) *wtx {
	w := &wtx{rtx: rtx{tx: tx, s: s}, now: s.now(), convs: map[uint32]*conv{}}
	w.count = w.counts()
	w.first = w.count
	w.gens = w.generations()
	return w
}

// fill is how full pages are left when they split. What is appended to leaves
// full pages behind; a little room keeps a longer status from splitting them.
func fill(bucket string) float64 {
	switch bucket {
	case bEntries, bActivity, bAudit, bRequests:
		return 0.95
	case bConvs:
		return 0.8
	}
	return bolt.DefaultFillPercent
}

func (w *wtx) put(bucket string, k, v []byte) error {
	w.writes++
	b := w.bucket(bucket)
	b.FillPercent = fill(bucket)
	if err := b.Put(k, v); err != nil {
		return fmt.Errorf("put into %s: %w", bucket, err)
	}
	return nil
}

func (w *wtx) del(bucket string, k []byte) error {
	b := w.bucket(bucket)
	// Get can't tell a key that this transaction put with no value from none.
	if at, _ := b.Cursor().Seek(k); !bytes.Equal(at, k) {
		return nil
	}
	w.writes++
	if err := b.Delete(k); err != nil {
		return fmt.Errorf("delete from %s: %w", bucket, err)
	}
	return nil
}

// account fails unless id is configured: what arrives late for a removed
// account must not bring its data back.
func (w *wtx) account(id platforms.AccountID) error {
	if w.bucket(bAccounts).Get([]byte(clip(string(id)))) == nil {
		return &fault{ErrNotFound, fmt.Sprintf("There is no account %q. Add it first.", id), nil}
	}
	return nil
}

// remember puts a dedupe key into the newest generation, and begins another one
// when that is old.
func (w *wtx) remember(key []byte, seq uint64) error {
	n := len(w.gens)
	if n == 0 || w.now.UnixNano()-w.gens[n-1].start >= int64(generationSpan) {
		g := generation{1, w.now.UnixNano()}
		if n > 0 {
			g.n = w.gens[n-1].n + 1
		}
		if _, err := w.tx.CreateBucketIfNotExists([]byte(g.bucket())); err != nil {
			return fmt.Errorf("begin a generation of dedupe keys: %w", err)
		}
		if err := w.setGenerations(append(w.gens[:n:n], g)); err != nil {
			return err
		}
	}
	w.writes++
	b := w.bucket(w.gens[len(w.gens)-1].bucket())
	b.FillPercent = 0.8
	if err := b.Put(key, seqKey(seq)); err != nil {
		return fmt.Errorf("put a dedupe key: %w", err)
	}
	return nil
}

func (w *wtx) setGenerations(gens []generation) error {
	w.gens = gens
	var v []byte
	for _, g := range gens {
		v = binary.BigEndian.AppendUint32(v, g.n)
		v = binary.BigEndian.AppendUint64(v, uint64(g.start))
	}
	return w.put(bMeta, []byte("generations"), v)
}

// save writes e.
func (w *wtx) save(e *entry) error {
	return w.put(bEntries, seqKey(e.seq), w.s.seal.encodeEntry(e))
}

// change is the entry to be changed. A forged one is refused, so that a change
// never vouches for it; one under a lost key is taken as it is.
func (w *wtx) change(seq uint64) (*entry, error) {
	e, err := w.entry(seq)
	if err == nil && errors.Is(e.lost, errSeal) {
		err = damaged(fmt.Errorf("entry %d: %w", seq, e.lost))
	}
	return e, err
}

// touch is the summary of conversation n, or of the one that took it over, to
// be changed: flush writes it. Keys are made with the n of the result.
func (w *wtx) touch(n uint32) (*conv, error) {
	w.writes++
	for range 8 {
		c := w.convs[n]
		if c == nil {
			var err error
			if c, err = w.conv(n, true); err != nil {
				return nil, err
			}
			if c == nil {
				return nil, damaged(fmt.Errorf("conversation %d is missing", n))
			}
			if kept := w.convs[c.n]; kept != nil {
				c = kept
			}
			w.convs[c.n] = c
		}
		if c.Into == 0 {
			return c, nil
		}
		n = c.Into
	}
	return nil, damaged(fmt.Errorf("conversation %d was taken over in a circle", n))
}

// open is the conversation with that id, made if it is new.
func (w *wtx) open(id platforms.AccountID, cid platforms.ConversationID) (c *conv, fresh bool, err error) {
	if n := w.number(id, cid); n != 0 {
		c, err = w.touch(n)
		return c, false, err
	}
	b := w.bucket(bConvs)
	seq, err := b.NextSequence()
	if err != nil {
		return nil, false, fmt.Errorf("number a conversation: %w", err)
	}
	c = &conv{n: uint32(seq), Account: id, ID: cid}
	w.convs[c.n] = c
	return c, true, w.put(bConvIDs, pair(id, string(cid)), convKey(c.n))
}

// flush writes what was kept.
func (w *wtx) flush() error {
	for n, c := range w.convs {
		v, err := w.s.seal.encodeConv(c)
		if err != nil {
			return err
		}
		if err := w.put(bConvs, summaryKey(n), v); err != nil {
			return err
		}
	}
	if w.count == w.first {
		return nil
	}
	v, err := json.Marshal(w.count)
	if err != nil {
		return fmt.Errorf("encode the figures: %w", err)
	}
	return w.put(bMeta, []byte("counts"), v)
}
