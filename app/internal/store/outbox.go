package store

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// Enqueue queues a message and returns when that is durable. A Message.Key that
// the account has used before returns the seq of then and stores nothing, not
// even the end of the job that is answered. A conversation that has moved is
// found under its former id.
func (s *Store) Enqueue(ctx context.Context, o Outgoing) (seq uint64, err error) {
	body, err := encodeOutgoing(o)
	if err != nil {
		return 0, err
	}
	err = s.update(ctx, func(w *wtx) (err error) {
		seq, err = w.enqueue(o, body)
		return err
	})
	if err != nil {
		return 0, err
	}
	return seq, nil
}

// EnqueueAsync is Enqueue without the wait for the disk. Messages are queued in
// the order of the calls of one goroutine. done is called exactly once, from
// one goroutine, in the order of the commits; it may write to the journal, but
// must not block for long, wait for another done, or close the journal. ctx counts until the transaction begins.
func (s *Store) EnqueueAsync(ctx context.Context, o Outgoing, done func(seq uint64, err error)) {
	body, err := encodeOutgoing(o)
	if err != nil {
		done(0, err)
		return
	}
	var seq uint64
	err = s.push(&op{
		ctx: ctx,
		run: func(w *wtx) (err error) {
			seq, err = w.enqueue(o, body)
			return err
		},
		done: func(err error) {
			if err != nil {
				seq = 0
			}
			done(seq, err)
		},
	})
	if err != nil {
		done(0, err)
	}
}

func encodeOutgoing(o Outgoing) ([]byte, error) {
	if o.Message.Conversation == "" {
		return nil, &fault{ErrState, "The message names no conversation to send it to.", nil}
	}
	if len(o.Message.Text) > maxText {
		return nil, tooBig("The text")
	}
	if len(o.Origin) > maxDecision {
		return nil, tooBig("What is noted with the message")
	}
	if len(o.Message.Files) == 0 {
		for _, f := range o.Spooled {
			o.Message.Files = append(o.Message.Files, platforms.File{Name: f.Name, MediaType: f.MediaType, Size: f.Size})
		}
	}
	if len(o.Message.Files) != len(o.Spooled) {
		return nil, &fault{ErrState, "The message's files were not all kept. Attach them again.", nil}
	}
	b, err := json.Marshal(outgoing{o.Message, plain(o.Message), o.Spooled, o.Origin})
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	if len(b) > maxBody {
		return nil, tooBig("The message")
	}
	return b, nil
}

// plain is how a text of Markdown reads, if that is another one. It is kept: to
// find out costs more than to read.
func plain(m platforms.Message) string {
	if m.Format != platforms.Markdown || len(m.Text) > maxText/4 { // together they must fit
		return ""
	}
	if s := markup.Plain(markup.Parse(m.Text)); s != m.Text {
		return s
	}
	return ""
}

func (w *wtx) enqueue(o Outgoing, body []byte) (uint64, error) {
	if err := w.account(o.Account); err != nil {
		return 0, err
	}
	key := append([]byte{'o'}, pair(o.Account, o.Message.Key)...)
	if o.Message.Key != "" {
		if seq, ok := w.seen(w.gens, key); ok {
			return seq, nil
		}
	}
	seq, err := w.bucket(bEntries).NextSequence()
	if err != nil {
		return 0, fmt.Errorf("number an entry: %w", err)
	}
	if o.Message.Key != "" {
		if err := w.remember(key, seq); err != nil {
			return 0, err
		}
	}
	c, _, err := w.open(o.Account, o.Message.Conversation)
	if err != nil {
		return 0, err
	}
	e := &entry{seq: seq, head: head{flags: fOutgoing, status: Queued, conv: c.n, stored: nanos(w.now)}}
	e.set(fEphemeral, o.Ephemeral)
	e.set(fTried, o.Trying)
	e.set(fFiles, len(o.Spooled) > 0)
	e.body = w.s.seal.sealBody(seq, body)
	for _, f := range o.Spooled {
		if err := w.put(bFiles, []byte(clip(f.ID)), seqKey(seq)); err != nil {
			return 0, err
		}
	}
	c.Stranger = false
	c.Queued++
	c.Last, c.LastSeq, c.preview = e.stored, seq, ""
	if !o.Ephemeral {
		start := o.Message
		start.Text = start.Text[:min(len(start.Text), 2048)]
		c.preview = preview(plain(start), start.Text, fileNames(o.Spooled))
	}
	if c.Kind == platforms.Direct {
		if err := w.know(o.Account, c.Peer); err != nil {
			return 0, err
		}
	}
	if err := w.put(bConvs, within(c.n, kTimeline, seq), nil); err != nil {
		return 0, err
	}
	if err := w.put(bConvs, within(c.n, kOutbox, seq), nil); err != nil {
		return 0, err
	}
	w.count.Entries++
	w.count.Queued++
	if o.Answers != 0 && o.Finish != nil {
		if err := w.finishJob(o.Answers, *o.Finish); err != nil && !isNotFound(err) {
			return 0, err
		}
	}
	if o.Activity != nil {
		a := *o.Activity
		a.Entry = seq
		if _, err := w.record(a); err != nil {
			return 0, err
		}
	}
	return seq, w.save(e)
}

func fileNames(fs []SpooledFile) string {
	as := make([]platforms.Attachment, len(fs))
	for i, f := range fs {
		as[i].Name = f.Name
	}
	return names(as)
}

// NextOut is the oldest queued message of a conversation with a seq above
// after. It is returned before its time too: see Pending.Next.
func (s *Store) NextOut(id platforms.AccountID, c platforms.ConversationID, after uint64) (Pending, bool, error) {
	for {
		var e *entry
		var m outgoing
		var lost error
		err := s.view(func(r *rtx) (err error) {
			var cv *conv
			if e, cv, err = r.first(kOutbox, id, c, after); e == nil || err != nil {
				return err
			}
			if m, lost = r.s.seal.message(e); lost == nil {
				m.Message.Conversation = cv.ID
			}
			return nil
		})
		if e == nil || err != nil {
			return Pending{}, false, err
		}
		if lost == nil {
			s.attach(&m)
			return Pending{
				Seq: e.seq, Account: id, Message: m.Message, Parts: e.ids, Attempts: int(e.attempts),
				Next: instant(e.next), Tried: e.is(fTried),
			}, true, nil
		}
		s.log.Warn("a queued message can't be read and is given up", "entry", e.seq, "error", lost)
		if err := s.condemn(e.seq); err != nil {
			return Pending{}, false, err
		}
		after = e.seq
	}
}

// attach lets the files of a stored message be opened.
func (s *Store) attach(m *outgoing) {
	for i := range m.Message.Files {
		if i < len(m.Spooled) {
			f := m.Spooled[i]
			m.Message.Files[i].Open = func() (io.ReadCloser, error) { return s.OpenSpooled(f) }
		}
	}
}

// OutConversations is every conversation that has a queued message.
func (s *Store) OutConversations() ([]ConversationRef, error) { return s.waiting(kOutbox) }

// queued changes a queued message. One that is not queued any more is left as
// it is, unless must is set.
func (s *Store) queued(ctx context.Context, seq uint64, acts []Activity, fn func(w *wtx, e *entry) error) error {
	return s.update(ctx, func(w *wtx) error {
		e, err := w.change(seq)
		if err != nil {
			return err
		}
		if !e.is(fOutgoing) || e.status != Queued {
			return &fault{ErrState, "This message is not waiting to be sent any more.", nil}
		}
		if err := fn(w, e); err != nil {
			return err
		}
		return w.recordAll(seq, acts)
	})
}

// Attempt marks that sending begins, before it does: a Pending read later with
// Tried set tells that its end is not recorded.
func (s *Store) Attempt(ctx context.Context, seq uint64) error {
	return s.queued(ctx, seq, nil, func(w *wtx, e *entry) error {
		e.set(fTried, true)
		return w.save(e)
	})
}

// MarkDuplicate marks that the message may arrive twice.
func (s *Store) MarkDuplicate(ctx context.Context, seq uint64, acts ...Activity) error {
	return s.queued(ctx, seq, acts, func(w *wtx, e *entry) error {
		e.set(fMayDuplicate, true)
		return w.save(e)
	})
}

// maxParts is how many parts one message may have.
const maxParts = 10_000

// SentPart records that one part of a split message went out, as id. Parts are
// counted from 0.
func (s *Store) SentPart(ctx context.Context, seq uint64, part int, id platforms.MessageID) error {
	if part < 0 || part >= maxParts {
		return tooBig("The message")
	}
	return s.queued(ctx, seq, nil, func(w *wtx, e *entry) error {
		for len(e.ids) <= part {
			e.ids = append(e.ids, "")
		}
		e.ids[part] = id
		return w.save(e)
	})
}

// Sent records that all of a message went out, as ids; with no ids, those of
// SentPart stay. An ephemeral one loses its body, and its spooled files are
// removed. If next is not 0, sending that message begins: it is marked as by
// Attempt in the same transaction.
func (s *Store) Sent(ctx context.Context, seq uint64, ids []platforms.MessageID, next uint64, acts ...Activity) error {
	if len(ids) > maxParts {
		return tooBig("The message")
	}
	return s.queued(ctx, seq, acts, func(w *wtx, e *entry) error {
		if err := w.sent(e, ids); err != nil {
			return err
		}
		if next == 0 {
			return nil
		}
		n, err := w.change(next)
		if err != nil || !n.is(fOutgoing) || n.status != Queued {
			return nil // it went elsewhere meanwhile; whoever reads it next sees that
		}
		n.set(fTried, true)
		return w.save(n)
	})
}

func (w *wtx) sent(e *entry, ids []platforms.MessageID) error {
	if err := w.unqueue(e); err != nil {
		return err
	}
	if err := w.dropFiles(e); err != nil {
		return err
	}
	e.status, e.why = Sent, ""
	e.set(fTried, false)
	e.next = 0
	if len(ids) > 0 {
		e.ids = ids
	}
	e.erase()
	return w.save(e)
}

// Put records a message that stands in the conversation already, as ids: it was
// sent and changed while it was made. Otherwise it is Enqueue.
func (s *Store) Put(ctx context.Context, o Outgoing, ids []platforms.MessageID) (seq uint64, err error) {
	body, err := encodeOutgoing(o)
	if err != nil {
		return 0, err
	}
	err = s.update(ctx, func(w *wtx) error {
		if seq, err = w.enqueue(o, body); err != nil {
			return err
		}
		e, err := w.change(seq)
		if err != nil || e.status != Queued { // the key was known
			return err
		}
		return w.sent(e, ids)
	})
	return seq, err
}

// unqueue takes a queued message out of the outbox.
func (w *wtx) unqueue(e *entry) error {
	c, err := w.touch(e.conv)
	if err != nil {
		return err
	}
	c.Queued--
	w.count.Queued--
	return w.del(bConvs, within(c.n, kOutbox, e.seq))
}

// Defer puts the message off until next. The attempt has ended.
func (s *Store) Defer(ctx context.Context, seq uint64, attempts int, next time.Time, why string, acts ...Activity) error {
	return s.queued(ctx, seq, acts, func(w *wtx, e *entry) error {
		e.attempts, e.next, e.why = uint32(max(attempts, 0)), nanos(next), cut(why, maxNote)
		e.set(fTried, false)
		return w.save(e)
	})
}

// Bury makes the message a dead letter, until Resend or Discard.
func (s *Store) Bury(ctx context.Context, seq uint64, why string, acts ...Activity) error {
	return s.queued(ctx, seq, acts, func(w *wtx, e *entry) error { return w.bury(e, why) })
}

func (w *wtx) bury(e *entry, why string) error {
	if err := w.unqueue(e); err != nil {
		return err
	}
	c, err := w.touch(e.conv)
	if err != nil {
		return err
	}
	c.Dead++
	w.count.Dead++
	e.status, e.why, e.next = Dead, cut(why, maxNote), 0
	e.set(fTried, false)
	if err := w.put(bParked, seqKey(e.seq), nil); err != nil {
		return err
	}
	return w.save(e)
}
