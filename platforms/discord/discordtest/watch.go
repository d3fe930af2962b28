package discordtest

import (
	"context"
	"slices"
)

// Sent is a message of the bot.
type Sent struct {
	ID, Channel string
	Parent      string // of the channel, where it is a thread
	ReplyTo     string
	Text        string // as a reader sees it
	Content     string // as it was sent
	Buttons     [][]Button
	Files       []File
	Edited      bool
	Pinged      []string // who was called by it
	Everyone    bool     // everybody was
	Command     bool     // it answers a command or a click
}

// Sent is the messages of the bot as they are now, oldest first.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Sent{}
	for _, p := range s.order {
		if p.author != Bot {
			continue
		}
		v := Sent{ID: p.id, Channel: p.channel, Parent: s.channels[p.channel].Parent, ReplyTo: p.replyTo, Text: render(p.content, s.shown), Content: p.content,
			Buttons: buttons(p.components), Edited: !p.edited.IsZero(), Pinged: p.pinged, Everyone: p.everyone, Command: p.ticket != nil}
		for _, id := range p.files {
			v.Files = append(v.Files, s.files[id])
		}
		out = append(out, v)
	}
	return out
}

// shown is what a mention of somebody looks like. It is called under the lock.
func (s *Server) shown(id string) (string, bool) {
	u, ok := s.users[id]
	if u.Display != "" {
		return "@" + u.Display, ok
	}
	return "@" + u.Name, ok
}

// Render is how a content looks to a reader.
func (s *Server) Render(content string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return render(content, s.shown)
}

// Whispers is what clickers were shown, and nobody else.
func (s *Server) Whispers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.said)
}

// Typed is the channels in which the bot was shown to write.
func (s *Server) Typed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.typed)
}

// Beats is how many heartbeats came.
func (s *Server) Beats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beats
}

// Acknowledged is how many interactions were answered within their time, and how
// many there were.
func (s *Server) Acknowledged() (answered, all int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tickets {
		if t.answered != 0 {
			answered++
		}
	}
	return answered, len(s.tickets)
}

// Calls is the calls that came, oldest first; all of them for an empty name.
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

// WaitSocket waits until a client has a session and is connected.
func (s *Server) WaitSocket(ctx context.Context) error {
	return s.wait(ctx, func() bool {
		for c := range s.sockets {
			if c.session != nil {
				return true
			}
		}
		return false
	})
}

// WaitSent waits until the bot has sent n messages.
func (s *Server) WaitSent(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool {
		count := 0
		for _, p := range s.order {
			if p.author == Bot {
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

// WaitAcknowledged waits until every interaction has been answered.
func (s *Server) WaitAcknowledged(ctx context.Context) error {
	return s.wait(ctx, func() bool {
		for _, t := range s.tickets {
			if t.answered == 0 {
				return false
			}
		}
		return true
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
