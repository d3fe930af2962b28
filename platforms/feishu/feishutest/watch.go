package feishutest

import (
	"context"
	"maps"
	"slices"
)

// Acked is the ids of the messages that the bot has acknowledged.
func (s *Server) Acked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acked)
}

// Waiting is how many events are not acknowledged.
func (s *Server) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.events)
}

// Refused is how many acknowledgements said something else than 200, or could
// not be read.
func (s *Server) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.odd
}

// Toasts is what people saw after their clicks.
func (s *Server) Toasts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.toasts)
}

// Beats is how many pings came.
func (s *Server) Beats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beats
}

// Typed is the reactions that the bot put to messages, oldest first.
func (s *Server) Typed() []Typed {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.typed)
	for i := range out {
		left := false
		for _, emoji := range s.posts[out[i].Message].reactions {
			left = left || emoji == out[i].Emoji
		}
		out[i].Gone = !left
	}
	return out
}

// Calls is the calls that came, oldest first.
func (s *Server) Calls(name string) (out []Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c.Name == name || name == "" {
			out = append(out, c)
		}
	}
	return out
}

// WaitSocket waits until a long connection is open.
func (s *Server) WaitSocket(ctx context.Context) error {
	return s.wait(ctx, func() bool { return len(s.sockets) > 0 })
}

// WaitBeat waits until a client has pinged: it listens by then.
func (s *Server) WaitBeat(ctx context.Context) error {
	return s.wait(ctx, func() bool { return s.beats > 0 })
}

// WaitSent waits until the bot has sent n messages.
func (s *Server) WaitSent(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool {
		count := 0
		for _, p := range s.order {
			if p.sender == "" && p.id != Root {
				count++
			}
		}
		return count >= n
	})
}

// WaitCalls waits until a call was made n times.
func (s *Server) WaitCalls(ctx context.Context, name string, n int) error {
	return s.wait(ctx, func() bool {
		count := 0
		for _, c := range s.calls {
			if c.Name == name {
				count++
			}
		}
		return count >= n
	})
}

// WaitAll waits until every event is acknowledged.
func (s *Server) WaitAll(ctx context.Context) error {
	return s.wait(ctx, func() bool { return len(s.events) == 0 })
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

// Tokens is the tokens that are good, or were, in no order.
func (s *Server) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.tokens))
}
