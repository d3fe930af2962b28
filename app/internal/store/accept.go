package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

const (
	maxText = 1 << 20 // longest text that is kept, in bytes
	maxNote = 64 << 10
	maxName = 1 << 10
	maxBody = 2 << 20 // longest encoded body
)

// Accept stores one event: its dedupe key, the sealed event, the cursor, a
// pending job and the conversation's summary, in one transaction. It returns
// when all of it is durable. A known event id is a duplicate: only the cursor
// advances, and seq is the event's former one.
//
// Text beyond 1 MiB is cut, with a mark that says so. An event without a kind,
// or of the bot itself, only advances the cursor.
func (s *Store) Accept(ctx context.Context, in Incoming) (seq uint64, duplicate bool, err error) {
	if in.Event.Kind == "" || in.Event.Own {
		return 0, false, s.Advance(ctx, in.Account, in.Event.Cursor)
	}
	ev, body, err := fit(in)
	if err != nil {
		return 0, false, err
	}
	err = s.update(ctx, func(w *wtx) (err error) {
		seq, duplicate, err = w.accept(in, ev, body)
		return err
	})
	if err != nil {
		return 0, false, err
	}
	return seq, duplicate, nil
}

func (w *wtx) accept(in Incoming, ev platforms.Event, body []byte) (uint64, bool, error) {
	if err := w.account(in.Account); err != nil {
		return 0, false, err
	}
	if err := w.advance(in.Account, ev.Cursor); err != nil {
		return 0, false, err
	}
	key := append([]byte{'e'}, pair(in.Account, string(in.Event.ID))...)
	if in.Event.ID != "" {
		if seq, ok := w.seen(w.gens, key); ok {
			return seq, true, nil
		}
	}
	seq, err := w.bucket(bEntries).NextSequence()
	if err != nil {
		return 0, false, fmt.Errorf("number an entry: %w", err)
	}
	if in.Event.ID != "" {
		if err := w.remember(key, seq); err != nil {
			return 0, false, err
		}
	}
	if ev.Kind == platforms.ConversationMoved {
		if err := w.move(in.Account, ev.Conversation.Moved, ev.Conversation.ID); err != nil {
			return 0, false, err
		}
	}
	c, fresh, err := w.open(in.Account, ev.Conversation.ID)
	if err != nil {
		return 0, false, err
	}
	if in.Known {
		if err := w.know(in.Account, ev.From.ID); err != nil {
			return 0, false, err
		}
	}
	known, err := w.recognise(in.Account, ev.From.ID)
	if err != nil {
		return 0, false, err
	}
	e := &entry{seq: seq, head: head{status: Received, conv: c.n, stored: nanos(w.now)}}
	e.set(fAway, in.Away)
	e.set(fStranger, !known)
	e.set(fEphemeral, in.Ephemeral)
	e.set(fCounts, ev.Kind == platforms.MessageReceived)
	e.body = w.s.seal.sealBody(seq, body)

	switch ev.Kind {
	case platforms.MessageReceived:
		if ev.Message != "" {
			e.ids = []platforms.MessageID{ev.Message}
		}
	case platforms.MessageEdited:
		if err := w.edit(c, e, ev); err != nil {
			return 0, false, err
		}
	}
	w.summarise(c, e, ev, fresh)
	if err := w.put(bConvs, within(c.n, kTimeline, seq), mark(e)); err != nil {
		return 0, false, err
	}
	if err := w.put(bConvs, within(c.n, kJobs, seq), nil); err != nil {
		return 0, false, err
	}
	w.count.Entries++
	w.count.Pending++
	if in.Activity != nil {
		a := *in.Activity
		a.Entry = seq
		if _, err := w.record(a); err != nil {
			return 0, false, err
		}
	}
	return seq, false, w.save(e)
}

// summarise brings the conversation's summary up to date with an event.
func (w *wtx) summarise(c *conv, e *entry, ev platforms.Event, fresh bool) {
	// Not every platform tells where a button was.
	if k := ev.Conversation.Kind; k != "" && (c.Kind == "" || ev.Kind != platforms.ButtonClicked) {
		c.Kind = k
	}
	if t := ev.Conversation.Title; t != "" {
		c.title = t
	} else if c.title == "" && c.Kind == platforms.Direct {
		c.title = ev.From.Name
	}
	if c.Kind == platforms.Direct && ev.From.ID != "" {
		c.Peer = ev.From.ID
		c.Stranger = e.is(fStranger)
	} else if fresh {
		c.Stranger = e.is(fStranger)
	}
	if e.is(fCounts) {
		c.Unread++
		w.count.Unread++
		if e.is(fAway) {
			c.Away++
		}
	}
	if e.is(fHidden) {
		return
	}
	c.Last, c.LastSeq = e.stored, e.seq
	c.preview = ""
	if !e.is(fEphemeral) {
		c.preview = preview(ev.Text, ev.Note, names(ev.Attachments))
	}
}

// edit shows the edit e in the entry of the message that was edited, if that is
// known: it gets the new text and a mark, and the edit stays out of the
// timeline. Otherwise the edit stands for the message.
func (w *wtx) edit(c *conv, e *entry, ev platforms.Event) error {
	if ev.Message == "" {
		return nil
	}
	orig := w.find(c.n, ev.Message)
	if orig == nil {
		e.ids = []platforms.MessageID{ev.Message}
		return nil
	}
	if !orig.is(fErased) {
		old, err := w.s.seal.incoming(orig)
		if err != nil {
			return nil
		}
		// What one person said is never put into another's mouth: the message may
		// still wait to be acted on, by what its own author may do.
		if old.From.ID != ev.From.ID {
			return nil
		}
		old.Text, old.Attachments, old.Note = ev.Text, ev.Attachments, ev.Note
		b, err := json.Marshal(old)
		if err != nil {
			return fmt.Errorf("encode an edited message: %w", err)
		}
		orig.body = w.s.seal.sealBody(orig.seq, b)
		if c.LastSeq == orig.seq && !orig.is(fEphemeral) {
			c.preview = preview(ev.Text, ev.Note, names(ev.Attachments))
		}
	}
	orig.set(fEdited, true)
	e.set(fHidden, true)
	return w.save(orig)
}

// findLimit is how far back the original of an edit is looked for.
const findLimit = 20_000

// find is the incoming entry of a message, nil if it is not among the newest of
// the conversation. The timeline holds a hash of the message's id, so this looks
// at few pages; an index of its own would cost every event two or three.
func (r *rtx) find(n uint32, id platforms.MessageID) *entry {
	want := mark(&entry{head: head{ids: []platforms.MessageID{id}}})
	cur := r.bucket(bConvs).Cursor()
	k, v := seekWithin(cur, n, 0)
	for i := 0; i < findLimit && isWithin(k, n, kTimeline); i++ {
		if bytes.Equal(v, want) {
			e, err := r.entry(keySeq(k))
			if err == nil && e.lost == nil && len(e.ids) == 1 && string(e.ids[0]) == clip(string(id)) {
				return e
			}
		}
		k, v = cur.Prev()
	}
	return nil
}

// mark is the value of an entry in the timeline: 1 if it is not shown, or 0 and
// a hash of the message's id.
func mark(e *entry) []byte {
	if e.is(fHidden) {
		return []byte{1}
	}
	if len(e.ids) == 0 {
		return nil
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(clip(string(e.ids[0]))))
	return h.Sum([]byte{0})
}

// move lets the conversation old be known as id from now on. Its number stays,
// and with it the timeline, jobs and outbox. What id has already is taken over.
func (w *wtx) move(account platforms.AccountID, old, id platforms.ConversationID) error {
	from, to := w.number(account, old), w.number(account, id)
	if old == "" || old == id || from == 0 || from == to {
		return nil
	}
	c, err := w.touch(from)
	if err != nil {
		return err
	}
	if to != 0 {
		if err := w.merge(c, to); err != nil {
			return err
		}
	}
	c.Former = append(c.Former, c.ID)
	c.ID = id
	return w.put(bConvIDs, pair(account, string(id)), convKey(c.n))
}

// merge moves all that conversation n has to c. The newer id's conversation is
// the young one, so this is little work in practice.
func (w *wtx) merge(c *conv, n uint32) error {
	o, err := w.touch(n)
	if err != nil {
		return err
	}
	var keys, values [][]byte
	cur := w.bucket(bConvs).Cursor()
	for k, v := cur.Seek(convKey(n)); k != nil && keyConv(k) == n; k, v = cur.Next() {
		if len(k) == withinLen {
			keys, values = append(keys, bytes.Clone(k)), append(values, bytes.Clone(v))
		}
	}
	for i, k := range keys {
		if err := w.del(bConvs, k); err != nil {
			return err
		}
		if err := w.put(bConvs, append(convKey(c.n), k[4:]...), values[i]); err != nil {
			return err
		}
	}
	for _, id := range append(o.Former, o.ID) {
		if err := w.put(bConvIDs, pair(c.Account, string(id)), convKey(c.n)); err != nil {
			return err
		}
		c.Former = append(c.Former, id)
	}
	c.Unread, c.Away, c.Queued, c.Dead = c.Unread+o.Unread, c.Away+o.Away, c.Queued+o.Queued, c.Dead+o.Dead
	if o.LastSeq > c.LastSeq {
		c.Last, c.LastSeq, c.preview, c.title = o.Last, o.LastSeq, o.preview, o.title
	}
	// The entries themselves still name n: it points to c from now on.
	c.Merged = append(append(c.Merged, n), o.Merged...)
	*o = conv{n: n, Account: o.Account, Into: c.n}
	return nil
}

// maxDecision is the longest Incoming.Decision.
const maxDecision = 16 << 10

// fit cuts what is too long to be kept and encodes the rest. It never fails
// because of size: an event that is refused would come again for ever.
func fit(from Incoming) (platforms.Event, []byte, error) {
	ev, decision := from.Event, from.Decision
	if len(decision) > maxDecision || !json.Valid(decision) {
		decision = nil
	}
	ev.Text = cut(ev.Text, maxText)
	ev.Note = cut(ev.Note, maxNote)
	ev.Conversation.Title = cut(ev.Conversation.Title, maxName)
	ev.From.Name = cut(ev.From.Name, maxName)
	ev.From.Handle = cut(ev.From.Handle, maxName)
	b, err := json.Marshal(incoming{ev, decision, from.Replay, from.ReplayRequest})
	if err != nil {
		return ev, nil, fmt.Errorf("encode an event: %w", err)
	}
	if len(b) <= maxBody {
		return ev, b, nil
	}
	if ev.Raw != nil { // the text says what it was
		ev.Raw = nil
		ev.Note = cut(ev.Note, 1<<10) + " (the request was too big to be stored whole)"
		if b, err = json.Marshal(incoming{ev, decision, from.Replay, from.ReplayRequest}); err != nil {
			return ev, nil, fmt.Errorf("encode an event: %w", err)
		}
		if len(b) <= maxBody {
			return ev, b, nil
		}
	}
	// Control characters take six bytes each in JSON, and every id and list may
	// be long: keep what a person reads, and a way to find the original.
	ev.Attachments, ev.Click, ev.Reply, ev.Raw = nil, nil, "", nil
	ev.Text = cut(ev.Text, maxText/8)
	ev.Note = cut(ev.Note, 1<<10) + " (parts of this event were too big to be stored)"
	ev.ID = platforms.EventID(clip(string(ev.ID)))
	ev.Thread = platforms.ThreadID(clip(string(ev.Thread)))
	ev.Message = platforms.MessageID(clip(string(ev.Message)))
	ev.ReplyTo = platforms.MessageID(clip(string(ev.ReplyTo)))
	ev.From.ID = platforms.UserID(clip(string(ev.From.ID)))
	ev.Conversation.ID = platforms.ConversationID(clip(string(ev.Conversation.ID)))
	ev.Conversation.Moved = platforms.ConversationID(clip(string(ev.Conversation.Moved)))
	if len(ev.Cursor) > maxNote {
		ev.Cursor = ""
	}
	if b, err = json.Marshal(incoming{ev, decision, from.Replay, from.ReplayRequest}); err != nil {
		return ev, nil, fmt.Errorf("encode an event: %w", err)
	}
	return ev, b, nil
}

// cut is text in at most n bytes, with a mark of how much is missing.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	end := n
	for end > n-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return fmt.Sprintf("%s…(cut: %d bytes)", text[:end], len(text)-end)
}

// preview is the first of texts that is not blank, in one short line.
func preview(texts ...string) string {
	const most = 160
	for _, t := range texts {
		t = strings.Join(strings.Fields(strings.ToValidUTF8(t[:min(len(t), 8*most)], "")), " ")
		if t == "" {
			continue
		}
		if r := []rune(t); len(r) > most {
			t = string(r[:most]) + "…"
		}
		return t
	}
	return ""
}

func names(as []platforms.Attachment) string {
	var n []string
	for i, a := range as {
		if i == 8 {
			break
		}
		n = append(n, cut(a.Name, maxName))
	}
	return strings.Join(n, ", ")
}
