package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
)

// A record is
//
//	version, length of head, head, length of state, state, body
//
// The head is readable without the key: it holds what the journal itself needs
// to know, and no text. The state is sealed, holds Why, and authenticates the
// head and the body's tag, so that a changed status is cheap and a forged one
// is noticed. The body is sealed apart and never rewritten for a new status.
// An old copy of a whole record put back in its place is not noticed.
const recordVersion = 1

// The flags of an entry. They are stored: never change a value.
const (
	fOutgoing uint16 = 1 << iota
	fAway
	fStranger
	fMayDuplicate
	fEdited
	fErased
	fEphemeral
	fTried
	fReleased
	fHidden // not in the timeline: an edit, shown in its original
	fCounts // counts as unread
	fFiles  // has spooled files
)

// codes gives each status its byte. They are stored: never change one.
func codes() [10]Status {
	return [10]Status{"", Received, Delivered, HeldBack, Dismissed, Failed, Queued, Sent, Dead, Discarded}
}

func code(st Status) byte {
	for i, c := range codes() {
		if c == st {
			return byte(i)
		}
	}
	return 0
}

// head is the part of an entry that is readable without the key.
type head struct {
	flags    uint16
	status   Status
	conv     uint32
	stored   int64 // Unix nanoseconds
	attempts uint32
	next     int64 // Unix nanoseconds, 0 for none
	ids      []platforms.MessageID
}

func (h *head) is(f uint16) bool { return h.flags&f != 0 }

func (h *head) set(f uint16, on bool) {
	if on {
		h.flags |= f
	} else {
		h.flags &^= f
	}
}

// open reports whether the entry still waits for something and must be kept.
func (h *head) open() bool {
	switch h.status {
	case Received, HeldBack, Queued, Dead:
		return true
	}
	return false
}

// entry is a record of bEntries. body is as stored: sealed, or empty.
type entry struct {
	head
	seq  uint64
	why  string
	work []byte // of a job that was begun, see Await
	body []byte
	lost error // why the state could not be opened
}

const headFixed = 2 + 1 + 4 + 8 + 4 + 8

func (h *head) encode() []byte {
	b := make([]byte, 0, headFixed+16)
	b = binary.BigEndian.AppendUint16(b, h.flags)
	b = append(b, code(h.status))
	b = binary.BigEndian.AppendUint32(b, h.conv)
	b = binary.BigEndian.AppendUint64(b, uint64(h.stored))
	b = binary.BigEndian.AppendUint32(b, h.attempts)
	b = binary.BigEndian.AppendUint64(b, uint64(h.next))
	for _, id := range h.ids {
		c := clip(string(id))
		b = binary.AppendUvarint(b, uint64(len(c)))
		b = append(b, c...)
	}
	return b
}

var errRecord = errors.New("a record can't be decoded")

func decodeHead(b []byte) (h head, err error) {
	if len(b) < headFixed {
		return h, errRecord
	}
	h.flags = binary.BigEndian.Uint16(b)
	all := codes()
	if int(b[2]) >= len(all) || b[2] == 0 {
		return h, errRecord
	}
	h.status = all[b[2]]
	h.conv = binary.BigEndian.Uint32(b[3:])
	h.stored = int64(binary.BigEndian.Uint64(b[7:]))
	h.attempts = binary.BigEndian.Uint32(b[15:])
	h.next = int64(binary.BigEndian.Uint64(b[19:]))
	for b = b[headFixed:]; len(b) > 0; {
		var id []byte
		if id, b, err = chunk(b); err != nil {
			return h, err
		}
		h.ids = append(h.ids, platforms.MessageID(id))
	}
	return h, nil
}

// chunk takes one length-prefixed piece off b.
func chunk(b []byte) (piece, rest []byte, err error) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, errRecord
	}
	return b[w : w+int(n)], b[w+int(n):], nil
}

// split takes a record apart without opening anything.
func split(v []byte) (head, state, body []byte, err error) {
	if len(v) == 0 || v[0] != recordVersion {
		return nil, nil, nil, errRecord
	}
	if head, v, err = chunk(v[1:]); err != nil {
		return nil, nil, nil, err
	}
	if state, body, err = chunk(v); err != nil {
		return nil, nil, nil, err
	}
	return head, state, body, nil
}

// join is the opposite of split.
func join(head, state, body []byte) []byte {
	b := make([]byte, 0, len(head)+len(state)+len(body)+8)
	b = append(b, recordVersion)
	b = binary.AppendUvarint(b, uint64(len(head)))
	b = append(b, head...)
	b = binary.AppendUvarint(b, uint64(len(state)))
	b = append(b, state...)
	return append(b, body...)
}

// place is the associated data of a part: where it is, what it is, and what
// else it vouches for.
func place(bucket, part string, key []byte, vouched ...[]byte) []byte {
	b := make([]byte, 0, 96)
	b = append(b, bucket...)
	b = append(b, 0)
	b = append(b, part...)
	b = append(b, 0)
	b = append(b, key...)
	for _, v := range vouched {
		b = binary.AppendUvarint(b, uint64(len(v)))
		b = append(b, v...)
	}
	return b
}

// tag is the end of a sealed part, which stands for all of it.
func tag(part []byte) []byte { return part[max(0, len(part)-16):] }

func (s *sealer) encodeEntry(e *entry) []byte {
	h := e.head.encode()
	state := []byte(e.why)
	if len(e.work) > 0 {
		state = append(append([]byte(strings.ReplaceAll(e.why, "\x00", "")), 0), e.work...)
	}
	return join(h, s.seal(nil, state, place(bEntries, "state", seqKey(e.seq), h, tag(e.body))), e.body)
}

// decodeEntry reads a record. A state that can't be opened is no error: lost
// says why, and what the head claims stands unproven.
func (s *sealer) decodeEntry(seq uint64, v []byte) (*entry, error) {
	hb, state, body, err := split(v)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", seq, err)
	}
	h, err := decodeHead(hb)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", seq, err)
	}
	e := &entry{head: h, seq: seq, body: append([]byte(nil), body...)}
	plain, err := s.open(state, place(bEntries, "state", seqKey(seq), hb, tag(body)))
	why, work, _ := bytes.Cut(plain, []byte{0})
	e.why, e.work, e.lost = string(why), work, err
	return e, nil
}

func (s *sealer) sealBody(seq uint64, plain []byte) []byte {
	return s.seal(make([]byte, 0, len(plain)+sealOverhead), plain, place(bEntries, "body", seqKey(seq)))
}

func (s *sealer) openBody(e *entry) ([]byte, error) {
	if e.lost != nil {
		return nil, e.lost
	}
	return s.open(e.body, place(bEntries, "body", seqKey(e.seq)))
}

// outgoing is the body of an outgoing entry.
type outgoing struct {
	Message platforms.Message `json:"message"`
	Plain   string            `json:"plain,omitempty"` // how a text of Markdown reads
	Spooled []SpooledFile     `json:"spooled,omitempty"`
	Origin  json.RawMessage   `json:"origin,omitempty"`
}

// incoming is the body of an incoming entry.
type incoming struct {
	platforms.Event
	Decision json.RawMessage `json:"decision,omitempty"`
	Replay   uint64          `json:"replay,omitempty"`

	ReplayRequest uint64 `json:"replay_request,omitempty"`
}

func (s *sealer) incoming(e *entry) (in incoming, err error) {
	b, err := s.openBody(e)
	if err != nil {
		return in, err
	}
	return in, json.Unmarshal(b, &in)
}

func (s *sealer) message(e *entry) (m outgoing, err error) {
	b, err := s.openBody(e)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(b, &m)
}

// conv is a record of bConvs: the exported fields are its head, the texts are
// sealed.
type conv struct {
	n              uint32
	title, preview string

	Account  platforms.AccountID        `json:"a"`
	ID       platforms.ConversationID   `json:"i"`
	Former   []platforms.ConversationID `json:"f,omitempty"`
	Kind     platforms.ConversationKind `json:"k,omitempty"`
	Peer     platforms.UserID           `json:"p,omitempty"` // the other one in a direct conversation
	Last     int64                      `json:"l,omitempty"` // Unix nanoseconds
	LastSeq  uint64                     `json:"s,omitempty"`
	Read     uint64                     `json:"r,omitempty"` // read up to this seq
	Unread   int                        `json:"u,omitempty"`
	Away     int                        `json:"w,omitempty"`
	Stranger bool                       `json:"t,omitempty"`
	Queued   int                        `json:"q,omitempty"`
	Dead     int                        `json:"d,omitempty"`

	Into   uint32   `json:"m,omitempty"` // another conversation took this one over
	Merged []uint32 `json:"n,omitempty"` // the conversations taken over
}

type convText struct {
	Title   string `json:"t,omitempty"`
	Preview string `json:"p,omitempty"`
}

func (s *sealer) encodeConv(c *conv) ([]byte, error) {
	h, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode a conversation: %w", err)
	}
	t, err := json.Marshal(convText{c.title, c.preview})
	if err != nil {
		return nil, fmt.Errorf("encode a conversation: %w", err)
	}
	return join(h, s.seal(nil, t, place(bConvs, "text", convKey(c.n), h)), nil), nil
}

// decodeConv reads a conversation, with empty texts if they can't be opened.
// With texts false it does not try.
func (s *sealer) decodeConv(n uint32, v []byte, texts bool) (*conv, error) {
	h, state, _, err := split(v)
	if err != nil {
		return nil, fmt.Errorf("conversation %d: %w", n, err)
	}
	c := &conv{n: n}
	if err := json.Unmarshal(h, c); err != nil {
		return nil, fmt.Errorf("conversation %d: %w", n, errRecord)
	}
	if texts {
		var t convText
		if b, err := s.open(state, place(bConvs, "text", convKey(n), h)); err == nil && json.Unmarshal(b, &t) == nil {
			c.title, c.preview = t.Title, t.Preview
		}
	}
	return c, nil
}

func (c *conv) ref() ConversationRef { return ConversationRef{c.Account, c.ID} }

// instant is the time of Unix nanoseconds, zero for 0.
func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}
