package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strconv"
	"strings"
)

// errFile is in every error of checkFile that means damage.
var errFile = errors.New("the file is damaged")

// The parts of bbolt's file format that the check needs: the page header, its
// flags, and the elements of branch, leaf and meta pages, in the machine's byte
// order (bbolt 1.5, internal/common).
const (
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	pageHead    = 16
	branchElem  = 16
	leafElem    = 16
	metaLen     = 64
	bucketHead  = 16

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10
	flagBucket   = 0x01 // of a leaf element
	noFreelist   = ^uint64(0)
	maxDepth     = 64
)

type metaPage struct {
	pageSize             uint32
	root, freelist, pgid uint64
	txid                 uint64
}

// found is what checkFile learned.
type found struct {
	txid     uint64
	halfMeta bool // one of the two metas is unreadable
}

// checker reads a database file without bbolt, which panics on some damage and
// dies of other: its own check follows page numbers before it looks at them.
type checker struct {
	f    io.ReaderAt
	meta metaPage
	size int64
	deep bool
	used []uint64 // bits: pages that something refers to
}

// checkFile checks the structure of the database at path: both heads, the list
// of free pages, and that every page is used exactly once, has its proper kind
// and keys in order. With deep false, leaf pages of buckets are only counted,
// not read.
func checkFile(path string, deep bool) (found, error) {
	f, err := os.Open(path)
	if err != nil {
		return found{}, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return found{}, err
	}
	c := &checker{f: f, size: st.Size(), deep: deep}
	return c.check()
}

func broken(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errFile, fmt.Sprintf(format, args...))
}

func (c *checker) check() (res found, err error) {
	m0, err0 := c.readMeta(0)
	if err0 != nil {
		// The second head is one page in, whatever a page is here.
		for size := int64(1 << 10); size <= 1<<16 && size < c.size; size <<= 1 {
			if m, err := c.readMeta(size); err == nil && int64(m.pageSize) == size {
				c.meta, res.halfMeta = m, true
				break
			}
		}
		if !res.halfMeta {
			return res, broken("neither head is readable")
		}
	} else {
		c.meta = m0
		m1, err1 := c.readMeta(int64(m0.pageSize))
		if err1 != nil || m1.pageSize != m0.pageSize {
			res.halfMeta = true
		} else if m1.txid > m0.txid {
			c.meta = m1
		}
	}
	res.txid = c.meta.txid
	if c.meta.pgid < 4 || c.meta.pgid > uint64(c.size)/uint64(c.meta.pageSize) {
		return res, broken("it ends at byte %d, but has %d pages", c.size, c.meta.pgid)
	}
	c.used = make([]uint64, c.meta.pgid/64+1)
	c.used[0] |= 3 // the two heads
	if err := c.freelist(); err != nil {
		return res, err
	}
	if err := c.tree(c.meta.root, true); err != nil {
		return res, err
	}
	for id := uint64(0); id < c.meta.pgid; id++ {
		if c.used[id/64]&(1<<(id%64)) == 0 {
			if !c.deep {
				continue // the overflow of leaf pages that were not read
			}
			return res, broken("page %d is neither used nor free", id)
		}
	}
	return res, nil
}

func (c *checker) readMeta(off int64) (m metaPage, err error) {
	var b [pageHead + metaLen]byte
	if _, err := c.f.ReadAt(b[:], off); err != nil {
		return m, broken("a head can't be read: %v", err)
	}
	p, o := b[pageHead:], binary.NativeEndian
	sum := fnv.New64a()
	_, _ = sum.Write(p[:56])
	if o.Uint32(p) != metaMagic || o.Uint32(p[4:]) != metaVersion || o.Uint64(p[56:]) != sum.Sum64() {
		return m, broken("a head is not valid")
	}
	m = metaPage{pageSize: o.Uint32(p[8:]), root: o.Uint64(p[16:]), freelist: o.Uint64(p[32:]), pgid: o.Uint64(p[40:]), txid: o.Uint64(p[48:])}
	if m.pageSize < 1<<10 || m.pageSize > 1<<16 || m.pageSize&(m.pageSize-1) != 0 {
		return m, broken("a head names a page size of %d", m.pageSize)
	}
	return m, nil
}

// claim marks n pages from id as used.
func (c *checker) claim(id, n uint64) error {
	if id < 2 || n > c.meta.pgid || id > c.meta.pgid-n {
		return broken("page %d is outside of the file", id)
	}
	for ; n > 0; id, n = id+1, n-1 {
		if c.used[id/64]&(1<<(id%64)) != 0 {
			return broken("page %d is used twice", id)
		}
		c.used[id/64] |= 1 << (id % 64)
	}
	return nil
}

// page reads page id, which must be claimed already, and claims what it
// overflows into.
func (c *checker) page(id uint64) (b []byte, flags uint16, count int, err error) {
	size := int(c.meta.pageSize)
	b = make([]byte, size)
	if _, err := c.f.ReadAt(b, int64(id)*int64(size)); err != nil {
		return nil, 0, 0, broken("page %d can't be read: %v", id, err)
	}
	o := binary.NativeEndian
	if o.Uint64(b) != id {
		return nil, 0, 0, broken("page %d says it is page %d", id, o.Uint64(b))
	}
	flags, count = o.Uint16(b[8:]), int(o.Uint16(b[10:]))
	if over := uint64(o.Uint32(b[12:])); over > 0 {
		if err := c.claim(id+1, over); err != nil {
			return nil, 0, 0, err
		}
		b = append(b, make([]byte, int(over)*size)...)
		if _, err := c.f.ReadAt(b[size:], int64(id+1)*int64(size)); err != nil {
			return nil, 0, 0, broken("page %d can't be read: %v", id, err)
		}
	}
	return b, flags, count, nil
}

func (c *checker) freelist() error {
	if c.meta.freelist == noFreelist {
		return broken("the list of free pages is missing")
	}
	if err := c.claim(c.meta.freelist, 1); err != nil {
		return err
	}
	b, flags, count, err := c.page(c.meta.freelist)
	if err != nil {
		return err
	}
	if flags != flagFreelist {
		return broken("page %d is not the list of free pages", c.meta.freelist)
	}
	ids := b[pageHead:]
	n := uint64(count)
	if n == 0xFFFF {
		n = binary.NativeEndian.Uint64(ids)
		ids = ids[8:]
	}
	if n > uint64(len(ids)/8) {
		return broken("the list of free pages is longer than its page")
	}
	for ; n > 0; n, ids = n-1, ids[8:] {
		if err := c.claim(binary.NativeEndian.Uint64(ids), 1); err != nil {
			return err
		}
	}
	return nil
}

// tree checks the pages below root. The top one leads to the buckets.
func (c *checker) tree(root uint64, top bool) error {
	if err := c.claim(root, 1); err != nil {
		return err
	}
	_, err := c.node(root, nil, nil, top, 0)
	return err
}

// node checks one page and all below it. Its keys must be at least low and,
// unless high is nil, below high. It reports whether it is a leaf.
func (c *checker) node(id uint64, low, high []byte, top bool, depth int) (leaf bool, err error) {
	if depth > maxDepth {
		return false, broken("its tree is deeper than any real one")
	}
	b, flags, count, err := c.page(id)
	if err != nil {
		return false, err
	}
	o := binary.NativeEndian
	switch flags {
	case flagBranch:
		return false, c.branch(b, id, count, low, high, top, depth)
	case flagLeaf:
	default:
		return false, broken("page %d has the unknown kind %#x", id, flags)
	}
	if pageHead+count*leafElem > len(b) {
		return true, broken("page %d has more records than room", id)
	}
	for i := range count {
		at := pageHead + i*leafElem
		e := b[at:]
		key, value, err := spanOf(b, at, o.Uint32(e[4:]), o.Uint32(e[8:]), o.Uint32(e[12:]))
		if err != nil {
			return true, err
		}
		if i == 0 && low != nil && bytes.Compare(key, low) < 0 || i > 0 && bytes.Compare(key, low) <= 0 ||
			high != nil && bytes.Compare(key, high) >= 0 || len(key) == 0 {
			return true, broken("the keys of page %d are out of order", id)
		}
		low = key
		if bucket := o.Uint32(e)&flagBucket != 0; bucket != top {
			return true, broken("page %d has a bucket where none is kept, or none where one should be", id)
		}
		if top {
			if err := c.bucket(key, value); err != nil {
				return true, err
			}
		}
	}
	return true, nil
}

// bucket checks the tree of one bucket, or the page inside of its value.
func (c *checker) bucket(name, value []byte) error {
	if len(value) < bucketHead {
		return broken("bucket %q has no head", name)
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return c.tree(root, false)
	}
	in := value[bucketHead:]
	if len(in) < pageHead {
		return broken("bucket %q has no page", name)
	}
	o := binary.NativeEndian
	flags, count := o.Uint16(in[8:]), int(o.Uint16(in[10:]))
	if flags != flagLeaf || pageHead+count*leafElem > len(in) {
		return broken("the page of bucket %q is not valid", name)
	}
	var low []byte
	for i := range count {
		at := pageHead + i*leafElem
		e := in[at:]
		key, _, err := spanOf(in, at, o.Uint32(e[4:]), o.Uint32(e[8:]), o.Uint32(e[12:]))
		if err != nil {
			return err
		}
		if bytes.Compare(key, low) <= 0 || o.Uint32(e) != 0 {
			return broken("the keys of bucket %q are out of order", name)
		}
		low = key
	}
	return nil
}

func (c *checker) branch(b []byte, id uint64, count int, low, high []byte, top bool, depth int) error {
	o := binary.NativeEndian
	if count == 0 || pageHead+count*branchElem > len(b) {
		return broken("page %d has more branches than room, or none", id)
	}
	keys := make([][]byte, count)
	for i := range count {
		at := pageHead + i*branchElem
		key, _, err := spanOf(b, at, o.Uint32(b[at:]), o.Uint32(b[at+4:]), 0)
		if err != nil {
			return err
		}
		if i == 0 && low != nil && bytes.Compare(key, low) < 0 || i > 0 && bytes.Compare(key, keys[i-1]) <= 0 ||
			high != nil && bytes.Compare(key, high) >= 0 {
			return broken("the keys of page %d are out of order", id)
		}
		keys[i] = key
		if err := c.claim(o.Uint64(b[at+8:]), 1); err != nil {
			return err
		}
	}
	for i, key := range keys {
		end := high
		if i+1 < count {
			end = keys[i+1]
		}
		leaf, err := c.node(o.Uint64(b[pageHead+i*branchElem+8:]), key, end, top, depth+1)
		if err != nil {
			return err
		}
		if leaf && !c.deep && !top {
			return nil // all pages of one level are of one kind: the others are claimed, that is enough
		}
	}
	return nil
}

// spanOf is the key and value of an element at offset at of a page.
func spanOf(b []byte, at int, pos, ksize, vsize uint32) (key, value []byte, err error) {
	start := uint64(at) + uint64(pos)
	mid := start + uint64(ksize)
	end := mid + uint64(vsize)
	if end > uint64(len(b)) {
		return nil, nil, broken("a record reaches beyond its page")
	}
	return b[start:mid], b[mid:end], nil
}

// noteClean notes that the journal was closed as its last transaction left it.
// That is a hint for the next start, so a failure only makes that one slower.
func noteClean(journal, note string) {
	f, err := os.Open(journal)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	c := &checker{f: f}
	m, err := c.readMeta(0)
	if err != nil {
		return
	}
	if m1, err := c.readMeta(int64(m.pageSize)); err == nil && m1.txid > m.txid {
		m = m1
	}
	_ = os.WriteFile(note, strconv.AppendUint(nil, m.txid, 10), 0o600)
}

// readClean is the transaction that noteClean noted, 0 if there is none.
func readClean(note string) uint64 {
	b, err := os.ReadFile(note)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n
}
