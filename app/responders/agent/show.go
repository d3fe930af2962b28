package agent

import (
	"fmt"
	"strings"
	"sync"
	"time"

	acp "github.com/coder/acp-go-sdk"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

const (
	longAnswer = 64 << 10 // bytes of text
	longTool   = 120      // runes of a tool call's line
	mostTools  = 40       // tool calls that have a line
	mostPlan   = 12       // lines of a plan
	longID     = 1 << 10  // bytes of an id that the agent chose
	gap        = 100 * time.Millisecond
)

// show is an answer while it is made: what the agent says and, in between, what
// it does.
type show struct {
	to    app.Turn
	hide  veil
	quiet bool   // without tool calls
	intro string // Postern's own first line

	mu     sync.Mutex
	parts  []*part
	tools  map[acp.ToolCallId]*part
	beyond int // tool calls that have no line
	plan   []string
	bytes  int
	over   bool        // there was more than longAnswer
	last   time.Time   // of an update
	timer  *time.Timer // of the next
	ended  bool
}

// part is a stretch of text, or a tool call.
type part struct {
	text    strings.Builder
	message string // the message that the text belongs to, if the agent says so

	tool   bool
	title  string
	status string // a word
}

// take adds what the agent told, and has it shown soon.
func (s *show) take(u acp.SessionUpdate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	switch {
	case u.AgentMessageChunk != nil:
		c := u.AgentMessageChunk
		id := ""
		if c.MessageId != nil {
			id = *c.MessageId
		}
		s.say(words(c.Content), id)
	case u.Plan != nil:
		s.plan = nil
		for _, e := range u.Plan.Entries[:min(len(u.Plan.Entries), mostPlan)] {
			s.plan = append(s.plan, step(e, s.hide))
		}
	case u.ToolCall != nil && !s.quiet:
		c := u.ToolCall
		s.use(true, c.ToolCallId, &c.Title, &c.Kind, &c.Status)
	case u.ToolCallUpdate != nil && !s.quiet:
		c := u.ToolCallUpdate
		s.use(false, c.ToolCallId, c.Title, c.Kind, c.Status)
	default: // thoughts, and news for editors
		return
	}
	s.changed()
}

// words are what a block of content is in text.
func words(c acp.ContentBlock) string {
	switch {
	case c.Text != nil:
		return c.Text.Text
	case c.ResourceLink != nil:
		return fmt.Sprintf("\n[%s]\n", text.Line(c.ResourceLink.Name, longName))
	case c.Image != nil:
		return "\n[an image]\n"
	case c.Audio != nil:
		return "\n[a sound]\n"
	}
	return ""
}

func (s *show) say(words, message string) {
	words, cut := bounded(words, longAnswer-s.bytes)
	s.over = s.over || cut
	s.bytes += len(words)
	var p *part
	message, _ = bounded(message, longID)
	if n := len(s.parts); n > 0 && !s.parts[n-1].tool && s.parts[n-1].message == message {
		p = s.parts[n-1]
	}
	if p == nil {
		if words == "" {
			return
		}
		p = &part{message: strings.Clone(message)}
		s.bytes += len("\n\n")
		s.parts = append(s.parts, p)
	}
	p.text.WriteString(words)
}

func (s *show) use(begins bool, id acp.ToolCallId, title *string, kind *acp.ToolKind, status *acp.ToolCallStatus) {
	p := s.tools[id]
	if p == nil {
		if len(s.tools) >= mostTools || len(id) > longID {
			if begins {
				s.beyond++
			}
			return
		}
		p = &part{tool: true}
		if s.tools == nil {
			s.tools = map[acp.ToolCallId]*part{}
		}
		s.tools[id] = p
		s.parts = append(s.parts, p)
	}
	if title != nil && *title != "" {
		p.title = s.hide.line(*title, longTool)
	} else if p.title == "" && kind != nil {
		p.title = s.hide.line(string(*kind), longTool)
	}
	if p.status == "" || status != nil && *status != "" {
		p.status = state(status)
	}
}

// changed has the answer shown, but not too often.
func (s *show) changed() {
	if s.timer != nil {
		return
	}
	if wait := gap - time.Since(s.last); wait > 0 {
		s.timer = time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.timer = nil
			s.update()
		})
		return
	}
	s.update()
}

func (s *show) update() {
	if s.ended {
		return
	}
	s.last = time.Now()
	if t := s.markdown(false); t != "" {
		s.to.Update(t)
	}
}

// end is the whole answer; nothing is shown any more.
func (s *show) end() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	if s.timer != nil {
		s.timer.Stop()
	}
	return s.markdown(true)
}

// markdown is the answer as it stands. The plan is shown while it is followed.
func (s *show) markdown(final bool) string {
	var b strings.Builder
	add := func(t, between string) {
		if t == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteString(between)
		}
		b.WriteString(t)
	}
	if !final {
		for _, e := range s.plan {
			add(e, "\n")
		}
	}
	add(s.intro, "\n\n")
	after := false // after a tool call
	for i, p := range s.parts {
		between := "\n\n"
		if p.tool && after {
			between = "\n"
		}
		if p.tool {
			add(p.line(), between)
		} else {
			t := s.hide.text(p.text.String())
			if !final && i == len(s.parts)-1 || s.over {
				t = s.hide.withhold(t)
			}
			add(t, between)
		}
		after = p.tool
	}
	if s.beyond > 0 {
		add(fmt.Sprintf("⚙ and %d more steps", s.beyond), "\n\n")
	}
	if s.over {
		add(fmt.Sprintf("(The answer is longer than %d KiB; the rest is missing.)", longAnswer>>10), "\n\n")
	}
	return b.String()
}

// line is what a tool call does, in a line.
func (p *part) line() string {
	title := p.title
	if title == "" {
		title = "a tool"
	}
	return "⚙ " + markup.Escape(title) + " · " + p.status
}

func state(s *acp.ToolCallStatus) string {
	if s == nil {
		return "waiting"
	}
	switch *s {
	case acp.ToolCallStatusCompleted:
		return "done"
	case acp.ToolCallStatusFailed:
		return "failed"
	case acp.ToolCallStatusInProgress:
		return "at work"
	}
	return "waiting"
}

func step(e acp.PlanEntry, hide veil) string {
	mark := "○ "
	switch e.Status {
	case acp.PlanEntryStatusCompleted:
		mark = "● "
	case acp.PlanEntryStatusInProgress:
		mark = "▸ "
	}
	return mark + markup.Escape(hide.line(e.Content, longTool))
}
