package feishutest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file is people's side: what they do in the chats with the bot.

const (
	tenant = "736588c9260f175e"
	verify = "rvaYgkND1iOiu5MM0E1rncYC6PLtF7JV" // the verification token, which a long connection has no use for
)

// Mention is somebody who is addressed in a text, where it says @_user_1 for
// the first, and so on.
type Mention struct{ OpenID, Name string }

// Said is something that somebody writes.
type Said struct {
	Chat     string
	User     string // an open_id; empty: the bot, from elsewhere
	App      string // the id of another app, whose bot writes; User is empty then
	Text     string // of a text message
	Kind     string // of another message: msg_type, with Content
	Content  string
	ReplyTo  string // a message
	Thread   string // a topic's first message
	Mentions []Mention
	File     *File // an image, if its MediaType says so
}

// Post has somebody write, and returns the message's id.
func (s *Server) Post(m Said) string {
	p, e := s.write(m)
	s.offer(e)
	return p.id
}

// Say has somebody write a text.
func (s *Server) Say(chat, user, text string) string {
	return s.Post(Said{Chat: chat, User: user, Text: text})
}

// Swap has somebody write first and second, and pushes them the other way
// round.
func (s *Server) Swap(first, second Said) (string, string) {
	p, e := s.write(first)
	q, f := s.write(second)
	s.offer(f)
	s.offer(e)
	return p.id, q.id
}

// Keep has somebody write what the platform pushes to nobody, as if it had
// given up.
func (s *Server) Keep(m Said) string {
	p, _ := s.write(m)
	return p.id
}

// write keeps a message, and gives the event about it.
func (s *Server) write(m Said) (p *post, e *event) {
	s.do(func() {
		p = &post{id: s.id("om_"), chat: m.Chat, sender: m.User, app: m.App, made: s.now(), parent: m.ReplyTo, mentions: m.Mentions}
		p.kind, p.content = m.Kind, m.Content
		switch {
		case m.File != nil && strings.HasPrefix(m.File.MediaType, "image/"):
			key := s.id("img_v3_02")
			s.files[key] = *m.File
			p.kind, p.content = "image", object("image_key", key)
		case m.File != nil:
			key := s.id("file_v3_00")
			s.files[key] = *m.File
			p.kind, p.content = "file", object("file_key", key, "file_name", m.File.Name)
		case p.kind == "":
			p.kind, p.content = "text", object("text", m.Text)
		}
		for _, to := range []string{m.ReplyTo, m.Thread} {
			if q := s.posts[to]; q != nil {
				p.thread = q.thread
				if p.root = q.root; p.root == "" {
					p.root = q.id
				}
			}
		}
		if m.Thread != "" && p.parent == "" {
			p.parent = m.Thread
		}
		s.keep(p)
		message := map[string]any{
			"message_id": p.id, "create_time": millis(p.made), "update_time": millis(p.made), "chat_id": p.chat,
			"chat_type": "group", "message_type": p.kind, "content": p.content,
		}
		if c := s.chats[p.chat]; c != nil && c.Direct != "" {
			message["chat_type"] = "p2p"
		}
		for key, v := range map[string]string{"root_id": p.root, "parent_id": p.parent, "thread_id": p.thread} {
			if v != "" {
				message[key] = v
			}
		}
		var mentions []any
		for i, n := range m.Mentions {
			mentions = append(mentions, map[string]any{"key": "@_user_" + strconv.Itoa(i+1), "id": ids(n.OpenID), "name": n.Name, "tenant_key": tenant})
		}
		if mentions != nil {
			message["mentions"] = mentions
		}
		sender := map[string]any{"sender_id": ids(m.User), "sender_type": "user", "tenant_key": tenant}
		if m.User == "" {
			sender = map[string]any{"sender_id": ids(s.bot.OpenID), "sender_type": "app", "tenant_key": tenant}
		}
		e = s.envelope("im.message.receive_v1", map[string]any{"sender": sender, "message": message})
		e.message = p.id
	})
	return p, e
}

func ids(openID string) map[string]any {
	return map[string]any{"open_id": openID, "union_id": "on_" + strings.TrimPrefix(openID, "ou_"), "user_id": nil}
}

func object(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	b, _ := json.Marshal(m)
	return string(b)
}

// envelope is an event of schema 2.0. It is called under the lock.
func (s *Server) envelope(kind string, body any) *event {
	e := &event{id: s.id(""), kind: "event"}
	e.payload, _ = json.Marshal(map[string]any{"schema": "2.0", "event": body, "header": map[string]any{
		"event_id": e.id, "token": s.verify, "create_time": millis(s.now()), "event_type": kind, "tenant_key": tenant, "app_id": s.appID,
	}})
	return e
}

// Recall has somebody take a message back.
func (s *Server) Recall(message string) {
	s.do(func() {
		if p := s.posts[message]; p != nil {
			p.recalled = true
		}
	})
}

// Deliver pushes an event of any type.
func (s *Server) Deliver(kind string, body any) {
	var e *event
	s.do(func() { e = s.envelope(kind, body) })
	s.offer(e)
}

// Redeliver pushes the last event once more, under the same id.
func (s *Server) Redeliver() {
	s.mu.Lock()
	e := *s.last
	s.mu.Unlock()
	e.pushed = 0
	s.offer(&e)
}

// Click has somebody press the button with this label, as the card shows it. It
// reports whether there is one that calls back.
func (s *Server) Click(message, label, user string) bool { return s.click(message, label, user, false) }

// ClickOld does as Click, in the form of cards that were configured for the
// older callback: a frame of type card.
func (s *Server) ClickOld(message, label, user string) bool {
	return s.click(message, label, user, true)
}

func (s *Server) click(message, label, user string, old bool) bool {
	var e *event
	s.do(func() {
		p := s.posts[message]
		if p == nil {
			return
		}
		_, rows, _ := s.reader(p)
		all := slices.Concat(rows...)
		i := slices.IndexFunc(all, func(b Button) bool { return b.Label == label && b.Value != nil })
		if i < 0 {
			return
		}
		token := s.id("c-")
		action := map[string]any{"value": all[i].Value, "tag": "button", "timezone": "Europe/London"}
		if old {
			e = &event{id: s.id(""), kind: "card"}
			e.payload, _ = json.Marshal(map[string]any{"open_id": user, "tenant_key": tenant, "open_message_id": message,
				"open_chat_id": p.chat, "token": token, "action": action})
		} else {
			e = s.envelope("card.action.trigger", map[string]any{
				"operator": map[string]any{"tenant_key": tenant, "open_id": user, "union_id": "on_" + strings.TrimPrefix(user, "ou_")},
				"token":    token, "action": action, "host": "im_message",
				"context": map[string]any{"open_message_id": message, "open_chat_id": p.chat},
			})
		}
		e.callback = true
	})
	if e == nil {
		return false
	}
	s.offer(e)
	return true
}

// Member tells that the bot was added to a group, or removed.
func (s *Server) Member(chat, user string, added bool) {
	kind := "im.chat.member.bot.deleted_v1"
	if added {
		kind = "im.chat.member.bot.added_v1"
	}
	s.mu.Lock()
	name := ""
	if c := s.chats[chat]; c != nil {
		name = c.Name
	}
	s.mu.Unlock()
	s.Deliver(kind, map[string]any{"chat_id": chat, "operator_id": ids(user), "external": false, "operator_tenant_key": tenant, "name": name})
}

// Sent is a message of the bot's.
type Sent struct {
	ID, Chat, ReplyTo string
	Root              string // of a message in a topic: the topic's first message
	Kind              string
	Content           string // as it was sent
	Text              string // as a reader sees it
	Buttons           [][]Button
	Files             []File
	Edits             int
	Made              time.Time
}

// Sent is what the bot sent, oldest first.
func (s *Server) Sent() (out []Sent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.order {
		if p.sender != "" || p.id == Root {
			continue
		}
		m := Sent{ID: p.id, Chat: p.chat, ReplyTo: p.parent, Kind: p.kind, Content: p.content, Edits: p.edits, Made: p.made}
		if p.thread != "" {
			m.Root = p.root
		}
		var keys []string
		m.Text, m.Buttons, keys = s.reader(p)
		for _, key := range keys {
			m.Files = append(m.Files, s.files[key])
		}
		out = append(out, m)
	}
	return out
}
