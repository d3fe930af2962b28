package linetest

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf16"
)

// Said is what a person says.
type Said struct {
	Chat, User string
	Text       string
	File       *File    // instead of Text
	Kind       string   // of File: image, video, audio or file, which is meant if empty
	Sticker    []string // its keywords; instead of Text
	Mentions   []string // users whose “@name” stands in Text
	Quotes     string   // the message that is quoted
	External   bool     // File is on another server
}

// File is a file as people send it.
type File struct {
	Name, MediaType string
	Data            []byte
}

type file struct {
	File
	preparing int // answers before it is ready
	failed    bool
}

type reply struct {
	chat  string
	until time.Time
}

type accepted struct {
	request string
	ids     []any
}

// Typed is a sign of writing that was shown.
type Typed struct {
	Chat    string
	Seconds int
}

// replyLife is how long a reply token lives.
const replyLife = time.Minute

// SetName gives a person a name, whom no chat needs to know.
func (s *Server) SetName(user, name string) { s.update(func() { s.people[user] = name }) }

// Say has a person write, and gives the message's id.
func (s *Server) Say(chat, user, text string) string {
	return s.Post(Said{Chat: chat, User: user, Text: text})
}

// Post has a person write, and gives the message's id.
func (s *Server) Post(m Said) (id string) {
	s.update(func() {
		var d *delivery
		id, d = s.message(m)
		s.enqueue(d)
	})
	return id
}

// PostTogether has several messages delivered in one request.
func (s *Server) PostTogether(list ...Said) {
	s.update(func() {
		var whole *delivery
		for _, m := range list {
			_, d := s.message(m)
			if whole == nil {
				whole = d
			} else {
				whole.batch = append(whole.batch, d.event)
			}
		}
		s.enqueue(whole)
	})
}

// message is called under the lock.
func (s *Server) message(m Said) (string, *delivery) {
	id := s.id()
	quote := "q" + s.id()
	s.quotes[quote] = id
	content := map[string]any{"id": id, "type": "text", "text": m.Text, "quoteToken": quote}
	provider := map[string]any{"type": "line"}
	switch {
	case m.File != nil:
		s.files[id] = &file{File: *m.File}
		content = map[string]any{"id": id, "type": m.Kind, "contentProvider": provider}
		if m.External {
			content["contentProvider"] = map[string]any{"type": "external", "originalContentUrl": "https://elsewhere.example/x.jpg", "previewImageUrl": "https://elsewhere.example/p.jpg"}
		}
		switch m.Kind {
		case "", "file":
			content = map[string]any{"id": id, "type": "file", "fileName": m.File.Name, "fileSize": len(m.File.Data)}
		case "image":
			content["quoteToken"] = quote
		case "video":
			content["quoteToken"], content["duration"] = quote, 60000
		case "audio":
			content["duration"] = 60000
		}
	case m.Sticker != nil:
		content = map[string]any{"id": id, "type": "sticker", "packageId": "446", "stickerId": "1988", "stickerResourceType": "STATIC", "keywords": m.Sticker, "quoteToken": quote}
	}
	if m.Quotes != "" {
		content["quotedMessageId"] = m.Quotes
	}
	var mentionees []any
	for _, u := range m.Mentions {
		name := "@" + s.people[u]
		if u == Bot {
			name = "@" + BotName
		}
		if i := index16(m.Text, name); i >= 0 {
			mentionees = append(mentionees, map[string]any{"index": i, "length": len(utf16.Encode([]rune(name))), "type": "user", "userId": u, "isSelf": u == Bot})
		}
	}
	if mentionees != nil {
		content["mention"] = map[string]any{"mentionees": mentionees}
	}
	e := s.event("message", m.Chat, m.User, true)
	e["message"] = content
	return id, &delivery{event: e, message: id}
}

// index16 is where part begins in s, in UTF-16 units.
func index16(s, part string) int {
	for i := range s {
		if len(s)-i >= len(part) && s[i:i+len(part)] == part {
			return len(utf16.Encode([]rune(s[:i])))
		}
	}
	return -1
}

// event is a webhook event's frame. Called under the lock.
func (s *Server) event(kind, chat, user string, answerable bool) map[string]any {
	source := map[string]any{"type": "user", "userId": user}
	switch chat[0] {
	case 'C':
		source["type"], source["groupId"] = "group", chat
	case 'R':
		source["type"], source["roomId"] = "room", chat
	}
	if user == "" {
		delete(source, "userId")
	}
	s.next++
	e := map[string]any{"type": kind, "mode": "active", "timestamp": s.now().UnixMilli(), "source": source,
		"webhookEventId": fmt.Sprintf("01J%023d", s.next)}
	if answerable {
		token := "r" + s.id()
		s.replies[token] = &reply{chat: chat, until: s.now().Add(replyLife)}
		e["replyToken"] = token
	}
	return e
}

// Deliver has an event delivered: its kind, its fields beside the common ones.
func (s *Server) Deliver(kind, chat, user string, fields map[string]any) {
	s.update(func() {
		e := s.event(kind, chat, user, kind != "unsend" && kind != "unfollow" && kind != "leave" && kind != "memberLeft")
		for k, v := range fields {
			e[k] = v
		}
		s.enqueue(&delivery{event: e})
	})
}

// Garbage delivers, correctly signed, what is not JSON.
func (s *Server) Garbage() {
	s.update(func() { s.enqueue(&delivery{body: []byte(`{"destination":"` + Bot + `","events":[{"type":`)}) })
}

// Swap has two messages said in one order, and delivered in the other.
func (s *Server) Swap(first, second Said) {
	s.update(func() {
		_, a := s.message(first)
		_, b := s.message(second)
		s.enqueue(b)
		s.enqueue(a)
	})
}

// Redeliver delivers the last event that was taken once more.
func (s *Server) Redeliver() {
	_ = s.waitLast()
	s.update(func() {
		if s.last != nil {
			d := *s.last
			d.tried = true
			s.enqueue(&d)
		}
	})
}

// waitLast lets what is under way arrive, for a while.
func (s *Server) waitLast() bool {
	for range 2000 {
		s.mu.Lock()
		empty := len(s.queue) == 0
		s.mu.Unlock()
		if empty {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// Click has a person press a button, and reports whether there is one.
func (s *Server) Click(message, label, user string) (found bool) {
	s.update(func() {
		i := slices.IndexFunc(s.sent, func(m Sent) bool { return m.ID == message })
		if i < 0 {
			return
		}
		for _, b := range s.sent[i].Buttons {
			if b.Label == label && b.URL == "" {
				found = true
				e := s.event("postback", s.sent[i].Chat, user, true)
				e["postback"] = map[string]any{"data": b.Data}
				s.enqueue(&delivery{event: e})
				return
			}
		}
	})
	return found
}

// Prepare makes a file wait for this many questions before it is given out, or
// never where it fails.
func (s *Server) Prepare(message string, answers int, failed bool) {
	s.update(func() { s.files[message].preparing, s.files[message].failed = answers, failed })
}

// Sent is the bot's messages, oldest first.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// Acked is the messages that were answered with status 200.
func (s *Server) Acked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.acked)
}

// Typed is where signs of writing were shown.
func (s *Server) Typed() []Typed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.typed)
}
