package mattermosttest

import (
	"context"
	"html"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

// This file is what people do, and what they see.

// Said is what somebody writes.
type Said struct {
	Channel, Root, User, Text string
	Files                     []File
	Quiet                     bool // the event is not sent: Deliver sends it
}

// File is a file as people have it.
type File struct {
	Name, MediaType string
	Data            []byte
}

// Post has somebody write, and gives the post's id.
func (s *Server) Post(said Said) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &Post{ID: id(), CreateAt: s.now(), UserID: said.User, ChannelID: said.Channel, RootID: said.Root, Message: said.Text}
	p.UpdateAt = p.CreateAt
	for _, f := range said.Files {
		p.FileIDs = append(p.FileIDs, s.file(said.User, f.Name, f.MediaType, f.Data).ID)
	}
	s.add(p, said.Quiet)
	return p.ID
}

// Say has a person write.
func (s *Server) Say(channel, user, text string) string {
	return s.Post(Said{Channel: channel, User: user, Text: text})
}

// Deliver sends the event of a post, which Post kept back.
func (s *Server) Deliver(post string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell("posted", s.posts[post])
}

// Edit has a person change a post.
func (s *Server) Edit(post, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.posts[post]
	p.Message, p.EditAt = text, s.now()
	p.UpdateAt = p.EditAt
	s.tell("post_edited", p)
}

// React has a person react to a post.
func (s *Server) React(post, user, emoji string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reacted(Reaction{UserID: user, PostID: post, Emoji: emoji})
}

// Odd sends an event of a kind that nobody knows.
func (s *Server) Odd() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broadcast("telepathy", map[string]any{"thought": "?"}, Direct)
}

// Sent is a post of the bot.
type Sent struct {
	Post
	Shown string // what a reader sees
	Files []File
}

// Sent is the bot's posts as they are now, oldest first.
func (s *Server) Sent() (out []Sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.order {
		p := s.posts[id]
		if p.UserID != Bot || p.PendingID == "" && p.Props == nil {
			continue
		}
		v := Sent{Post: s.shown(p), Shown: Render(p.Message)}
		for _, f := range p.FileIDs {
			if f := s.files[f]; f != nil {
				v.Files = append(v.Files, File{f.Name, f.MediaType, f.data})
			}
		}
		out = append(out, v)
	}
	return out
}

// Typed is the channels in which the bot showed that it types.
func (s *Server) Typed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.typed)
}

// WaitSocket waits until the bot has a socket, WaitSent until it has sent n
// posts.
func (s *Server) WaitSocket(ctx context.Context) error {
	return s.wait(ctx, func() bool { return slices.ContainsFunc(s.conns, func(c *conn) bool { return c.authed }) })
}

// WaitSent: see WaitSocket.
func (s *Server) WaitSent(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool {
		m := 0
		for _, p := range s.posts {
			if p.UserID == Bot {
				m++
			}
		}
		return m >= n
	})
}

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

var (
	tag   = regexp.MustCompile(`<[^>]*>`)
	calls = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_\x60])@(all|channel|here|[a-z][a-z0-9._-]*)`)
)

// Render is what a reader sees of a post's Markdown.
func Render(message string) string {
	var b strings.Builder
	md := goldmark.New(goldmark.WithExtensions(extension.GFM))
	if md.Convert([]byte(message), &b) != nil {
		return message
	}
	out := strings.ReplaceAll(b.String(), "</p>\n<p>", "\n\n")
	out = html.UnescapeString(tag.ReplaceAllString(out, ""))
	for _, at := range []string{"@", ":", "~"} {
		out = strings.ReplaceAll(out, at+"\u200b", at)
	}
	out = strings.ReplaceAll(out, "\u200b ", " ")
	out = strings.ReplaceAll(out, "\u200b\t", "\t")
	return strings.TrimSuffix(out, "\n")
}

// Called is whom a post's text calls, in the words after the @.
func Called(message string) (out []string) {
	for _, m := range calls.FindAllStringSubmatch(message, -1) {
		out = append(out, m[1])
	}
	return out
}

// Calls is how often requests that begin like this came, "GET commands"
// say. What is below /api/v4/ is counted without that.
func (s *Server) Calls(beginning string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.called(beginning)
}

func (s *Server) called(beginning string) (n int) {
	for call, times := range s.calls {
		if strings.HasPrefix(call, beginning) {
			n += times
		}
	}
	return n
}

// WaitCalls waits until there were n of them.
func (s *Server) WaitCalls(ctx context.Context, beginning string, n int) error {
	return s.wait(ctx, func() bool { return s.called(beginning) >= n })
}
