package slacktest

import (
	"context"
	"slices"
)

// Message is one that the bot sent, as a reader sees it.
type Message struct {
	TS, Channel, Thread string
	Text                string
	Fallback            string // the text beside blocks, in Slack's form
	Buttons             [][]Button
	Files               []File
	Edited              bool
}

// Sent is what the bot has sent, oldest first.
func (s *Server) Sent() (out []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.sent {
		v := Message{TS: m.ts, Channel: m.channel, Thread: m.thread, Text: s.visible(m), Fallback: m.text, Buttons: buttons(m.blocks), Edited: m.edited != ""}
		for _, f := range m.files {
			v.Files = append(v.Files, f.File)
		}
		out = append(out, v)
	}
	return out
}

// Acked is the ts of people's messages whose events were acknowledged.
func (s *Server) Acked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acked)
}

// Acks is how many acknowledgements came.
func (s *Server) Acks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acks
}

// Answers is the texts that only one person saw.
func (s *Server) Answers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ephemera)
}

// Beats is how many pings the app sent or answered.
func (s *Server) Beats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beats
}

// Calls is how often a method was called.
func (s *Server) Calls(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[method]
}

// Sockets is how many connections are open, and Gaps how often the last one
// ended.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Gaps is how often there was no socket any more.
func (s *Server) Gaps() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaps
}

// WaitSocket waits until the nth socket was opened.
func (s *Server) WaitSocket(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return s.hellos >= n })
}

// WaitSockets waits until exactly n sockets are open.
func (s *Server) WaitSockets(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return len(s.conns) == n })
}

// WaitSent waits until the bot has sent n messages.
func (s *Server) WaitSent(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return len(s.sent) >= n })
}

// WaitAcks waits until n acknowledgements came.
func (s *Server) WaitAcks(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return s.acks >= n })
}

// WaitAnswers waits until n texts were shown to one person only.
func (s *Server) WaitAnswers(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return len(s.ephemera) >= n })
}

// WaitCalls waits until a method was called n times.
func (s *Server) WaitCalls(ctx context.Context, method string, n int) error {
	return s.wait(ctx, func() bool { return s.calls[method] >= n })
}
