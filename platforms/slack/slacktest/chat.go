package slacktest

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// The methods that read and write messages. The lock is held.

func (s *Server) history(a args) answer {
	c := s.channels[a.str("channel")]
	if c == nil {
		return refuse("channel_not_found")
	}
	var all []map[string]any
	for _, m := range slices.Backward(c.messages) { // newest first
		if m.thread == "" && inside(m.ts, a) {
			all = append(all, s.wire(m))
		}
	}
	page, next := pageOf(all, a, 100)
	return pageAnswer(page, next)
}

func (s *Server) replies(a args) answer {
	c := s.channels[a.str("channel")]
	if c == nil {
		return refuse("channel_not_found")
	}
	root := s.find(a.str("channel"), a.str("ts"))
	if root == nil {
		return refuse("thread_not_found")
	}
	all := []map[string]any{}
	for _, m := range c.messages { // oldest first
		if m.thread == root.ts && inside(m.ts, a) {
			all = append(all, s.wire(m))
		}
	}
	page, next := pageOf(all, a, 1000)
	if a.str("cursor") == "" { // the parent always comes along
		page = append([]map[string]any{s.wire(root)}, page...)
	}
	return pageAnswer(page, next)
}

func pageAnswer(page []map[string]any, next string) answer {
	if page == nil {
		page = []map[string]any{}
	}
	out := answer{"messages": page, "has_more": next != ""}
	if next != "" {
		out["response_metadata"] = map[string]string{"next_cursor": next}
	}
	return out
}

// inside reports whether ts is between oldest and latest.
func inside(ts string, a args) bool {
	oldest, latest := a.str("oldest"), a.str("latest")
	inclusive := a.str("inclusive") == "true" || a.str("inclusive") == "1"
	if inclusive && (ts == oldest || ts == latest) {
		return true
	}
	return (oldest == "" || after(ts, oldest)) && (latest == "" || after(latest, ts))
}

func after(a, b string) bool {
	pad := func(s string) string {
		whole, part, _ := strings.Cut(s, ".")
		return strings.Repeat("0", max(0, 12-len(whole))) + whole + "." + (part + "000000")[:6]
	}
	return pad(a) > pad(b)
}

func (s *Server) postMessage(a args) answer {
	channel := a.str("channel")
	if u, ok := s.users[channel]; ok { // a person's id is their conversation with the bot
		for _, c := range s.channels {
			if c.With == u.ID {
				channel = c.ID
			}
		}
	}
	if s.channels[channel] == nil {
		return refuse("channel_not_found")
	}
	m := &message{channel: channel, user: Bot, bot: BotID, thread: a.str("thread_ts"), text: a.str("text")}
	if bad := s.content(m, a); bad != "" {
		return refuse(bad)
	}
	if m.thread != "" {
		root := s.find(channel, m.thread)
		if root == nil {
			return refuse("thread_not_found")
		}
		if root.thread != "" {
			m.thread = root.thread
		}
	}
	m.ts = s.ts()
	s.publish(m)
	return answer{"channel": channel, "ts": m.ts, "message": s.wire(m)}
}

// content reads text and blocks into m, and gives the word for what is wrong.
func (s *Server) content(m *message, a args) string {
	blocks, ok := a.list("blocks")
	if !ok {
		return "invalid_blocks_format"
	}
	if bad := s.invalid(blocks); bad != "" {
		return bad
	}
	m.blocks = blocks
	if strings.TrimSpace(m.text) == "" && len(blocks) == 0 {
		return "no_text"
	}
	if utf8.RuneCountInString(m.text) > 40_000 {
		return "msg_too_long"
	}
	return ""
}

func (s *Server) update(a args) answer {
	if s.channels[a.str("channel")] == nil {
		return refuse("channel_not_found")
	}
	m := s.find(a.str("channel"), a.str("ts"))
	if m == nil {
		return refuse("message_not_found")
	}
	if m.bot != BotID {
		return refuse("cant_update_message")
	}
	next := &message{text: a.str("text")}
	if bad := s.content(next, a); bad != "" {
		return refuse(bad)
	}
	s.change(m, next.text, next.blocks)
	return answer{"channel": m.channel, "ts": m.ts, "text": m.text, "message": s.wire(m)}
}

func (s *Server) postEphemeral(a args) answer {
	m := &message{channel: a.str("channel"), text: a.str("text")}
	if s.channels[m.channel] == nil {
		return refuse("channel_not_found")
	}
	if bad := s.content(m, a); bad != "" {
		return refuse(bad)
	}
	s.ephemera = append(s.ephemera, s.visible(m))
	return answer{"message_ts": s.ts()}
}
