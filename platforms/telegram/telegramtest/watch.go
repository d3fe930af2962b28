package telegramtest

import (
	"context"
	"slices"
)

// This file is for looking at what the bot did.

// Sent is a message of the bot.
type Sent struct {
	Method  string
	Chat    int64
	ID      int
	Thread  int
	ReplyTo int
	Text    string // or the caption
	Buttons [][]Button
	File    *File
	Edited  bool

	Entities []Entity // of the text or the caption
}

// Sent is the messages of the bot as they are now, oldest first.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.messages()
}

// messages is called under the lock.
func (s *Server) messages() []Sent {
	out := make([]Sent, 0, len(s.sent))
	for _, p := range s.sent {
		v := Sent{Method: p.method, Chat: p.Chat.ID, ID: p.ID, Thread: p.ThreadID, Text: p.Text + p.Caption, File: p.file, Edited: p.edited,
			Entities: slices.Concat(p.Entities, p.CaptionEntity)}
		if p.ReplyTo != nil {
			v.ReplyTo = p.ReplyTo.ID
		}
		if p.ReplyMarkup != nil {
			v.Buttons = p.ReplyMarkup.Rows
		}
		out = append(out, v)
	}
	return out
}

// Acked is the number of the last update that the bot has confirmed.
func (s *Server) Acked() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acked
}

// Confirmed is all updates that the bot has confirmed.
func (s *Server) Confirmed() []Confirmed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.confirmed)
}

// Pending is how many updates wait to be confirmed.
func (s *Server) Pending() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.updates)
}

// Typed is the signs that the bot showed.
func (s *Server) Typed() []Typed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.typed)
}

// Answers is the texts with which clicks were answered.
func (s *Server) Answers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.answers)
}

// WaitSent waits until the bot has sent n messages.
func (s *Server) WaitSent(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return len(s.sent) >= n })
}

// Place is a message's place: ids count anew in each chat.
type Place struct {
	Chat int64
	ID   int
}

// WaitButton waits until the bot shows a button with this label in a message for
// which ok is true, and returns the newest such message's place.
func (s *Server) WaitButton(ctx context.Context, label string, ok func(Place) bool) (at Place, err error) {
	err = s.wait(ctx, func() bool {
		for _, m := range slices.Backward(s.messages()) {
			at = Place{m.Chat, m.ID}
			if ok(at) && slices.ContainsFunc(slices.Concat(m.Buttons...), func(b Button) bool { return b.Text == label }) {
				return true
			}
		}
		return false
	})
	return at, err
}

// WaitAcked waits until no update waits to be confirmed.
func (s *Server) WaitAcked(ctx context.Context) error {
	return s.wait(ctx, func() bool { return len(s.updates) == 0 })
}

// WaitPolling waits until a getUpdates waits for updates.
func (s *Server) WaitPolling(ctx context.Context) error {
	return s.wait(ctx, func() bool { return s.polling > 0 })
}

// WaitHeld waits until n calls hang.
func (s *Server) WaitHeld(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return s.held >= n })
}

// WaitCalls waits until method was called n times.
func (s *Server) WaitCalls(ctx context.Context, method string, n int) error {
	return s.wait(ctx, func() bool {
		count := 0
		for _, c := range s.calls {
			if c.Method == method {
				count++
			}
		}
		return count >= n
	})
}

// wait returns once ok, called under the lock, is true, or ctx ends.
func (s *Server) wait(ctx context.Context, ok func() bool) error {
	for {
		s.mu.Lock()
		done, changed := ok(), s.changed
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
