package telegramtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// This file is people's side: what they do in the chats with the bot.

func (s *Server) now() int64 { return time.Now().Unix() + s.clock.Load() }

// AddUser makes a person known, with a private chat.
func (s *Server) AddUser(u User) {
	s.do(func() { s.users[u.ID] = u })
	s.AddChat(Chat{ID: u.ID, Type: "private", FirstName: u.FirstName, LastName: u.LastName, Username: u.Username})
}

// AddChat makes a chat known, with the bot in it.
func (s *Server) AddChat(c Chat) {
	s.do(func() { s.addChat(c) })
}

func (s *Server) addChat(c Chat) *chat {
	// Messages are numbered for each chat; different beginnings show who mixes
	// chats up.
	n := &chat{Chat: c, next: 1_000_000*(len(s.chats)+1) + 1, messages: map[int]*post{}, topics: map[int]string{}}
	s.chats[c.ID] = n
	return n
}

// AddTopic makes a topic in a forum; number is that of its first message.
func (s *Server) AddTopic(chat int64, number int, name string) {
	s.do(func() {
		c := s.chats[chat]
		c.topics[number] = name
		root := &post{}
		root.ID, root.Chat, root.Date, root.ThreadID, root.IsTopicMessage = number, c.Chat, s.now(), number, true
		root.From = &User{ID: Person, FirstName: "Ada"}
		root.TopicCreated = &topicCreated{Name: name, IconColor: 7322096}
		c.messages[number] = root
	})
}

// Said is something that somebody writes.
type Said struct {
	Chat    int64
	User    int64 // 0: in the chat's own name; the bot's number: the bot, from elsewhere
	Thread  int
	ReplyTo int
	Text    string
	Kind    string // of File: photo, document, audio, voice, video, animation; empty: document
	File    *File

	SenderChat int64    // in whose name, for anonymous administrators
	Forwarded  string   // from whom, by a name without an account
	Entities   []Entity // nil: those that the server finds
}

// Say makes a person write a text and gives the message's number.
func (s *Server) Say(chat, user int64, text string) int {
	return s.Post(Said{Chat: chat, User: user, Text: text})
}

// SendFile makes a person send a file.
func (s *Server) SendFile(chat, user int64, kind, caption string, f File) int {
	return s.Post(Said{Chat: chat, User: user, Text: caption, Kind: kind, File: &f})
}

// Post makes somebody write and gives the message's number. It panics if the
// chat or the user was not added.
func (s *Server) Post(said Said) (id int) {
	s.do(func() {
		c := s.chats[said.Chat]
		p := &post{}
		p.ID, p.Chat, p.Date = c.next, c.Chat, s.now()
		c.next++
		switch {
		case said.User == s.bot.ID:
			p.From, p.own = &s.bot.User, true
		case said.User != 0:
			u, ok := s.users[said.User]
			if !ok {
				panic(fmt.Sprintf("telegramtest: no user %d", said.User))
			}
			p.From = &u
		}
		if said.SenderChat != 0 {
			sender := s.chats[said.SenderChat].Chat
			p.SenderChat = &sender
			if p.From == nil && c.Type != "channel" {
				p.From = &User{ID: 1087968824, IsBot: true, FirstName: "Group", Username: "GroupAnonymousBot"}
			}
		} else if c.Type == "channel" {
			sender := c.Chat
			p.SenderChat = &sender
		}
		if said.Forwarded != "" {
			p.ForwardOrigin, _ = json.Marshal(map[string]any{"type": "hidden_user", "date": s.now(), "sender_user_name": said.Forwarded})
		}
		if said.Thread != 0 {
			p.ThreadID, p.IsTopicMessage = said.Thread, true
			p.ReplyTo = plain(c.messages[said.Thread]) // as Telegram does in topics
		}
		if said.ReplyTo != 0 {
			p.ReplyTo = plain(c.messages[said.ReplyTo])
		}
		entities := said.Entities
		if entities == nil {
			entities = found(said.Text)
		}
		if said.File != nil {
			kind := said.Kind
			if kind == "" {
				kind = "document"
			}
			p.attach(kind, s.store(kind, *said.File))
			p.Caption, p.CaptionEntity = said.Text, entities
		} else {
			p.Text, p.Entities = said.Text, entities
		}
		c.messages[p.ID] = p
		id = p.ID
		if s.privacy && !s.visible(p) {
			return
		}
		kind := "message"
		if c.Type == "channel" {
			kind = "channel_post"
		}
		s.push(update{kind: kind, object: &p.message, chat: c.ID, message: p.ID})
	})
	return id
}

func plain(p *post) *message {
	if p == nil {
		return nil
	}
	m := p.message
	m.ReplyTo = nil
	return &m
}

// visible is what privacy mode lets through; s.mu is held.
func (s *Server) visible(p *post) bool {
	if p.Chat.Type == "private" || p.Chat.Type == "channel" || strings.HasPrefix(p.Text, "/") {
		return true
	}
	return p.ReplyTo != nil && p.ReplyTo.From != nil && p.ReplyTo.From.ID == s.bot.ID ||
		strings.Contains(strings.ToLower(p.Text+p.Caption), "@"+strings.ToLower(s.bot.Username))
}

// Edit makes the writer of a message change its text.
func (s *Server) Edit(chat int64, id int, text string) {
	s.do(func() {
		c := s.chats[chat]
		p := c.messages[id]
		if p.Text != "" {
			p.Text, p.Entities = text, found(text)
		} else {
			p.Caption, p.CaptionEntity = text, found(text)
		}
		p.EditDate = s.now()
		kind := "edited_message"
		if c.Type == "channel" {
			kind = "edited_channel_post"
		}
		s.push(update{kind: kind, object: &p.message, chat: chat, message: id})
	})
}

// Click makes a person press the button with this label under a message of the
// bot, and gives the query's id, empty if there is no such button.
func (s *Server) Click(chat int64, id int, label string, user int64) (query string) {
	s.do(func() {
		p := s.chats[chat].messages[id]
		if p == nil || p.ReplyMarkup == nil {
			return
		}
		for _, b := range slices.Concat(p.ReplyMarkup.Rows...) {
			if b.Text != label || b.CallbackData == "" {
				continue
			}
			query = s.serial("48190000000000000")
			s.clicks[query] = nil
			m := p.message
			s.push(update{kind: "callback_query", chat: chat, message: id, object: callbackQuery{
				ID: query, From: s.users[user], Message: &m, ChatInstance: "-3981267", Data: b.CallbackData,
			}})
			return
		}
	})
	return query
}

// Expire makes Telegram forget the queries that wait for an answer.
func (s *Server) Expire() { s.do(func() { clear(s.clicks) }) }

// Migrate makes a group a supergroup and gives its new number.
func (s *Server) Migrate(group int64) (to int64) {
	s.do(func() {
		old := s.chats[group]
		to = -1_000_000_000_000 + group
		c := s.addChat(Chat{ID: to, Type: "supergroup", Title: old.Title})
		old.moved = to
		from := s.users[Person]
		a := message{ID: old.next, From: &from, Date: s.now(), Chat: old.Chat, MigrateTo: to}
		b := message{ID: c.next, From: &from, Date: s.now(), Chat: c.Chat, MigrateFrom: group}
		old.next++
		c.next++
		s.push(update{kind: "message", object: a, chat: group, message: a.ID})
		s.push(update{kind: "message", object: b, chat: to, message: b.ID})
	})
	return to
}

// Member changes the bot's own membership of a chat: old and now are
// "member", "administrator", "left" or "kicked". When it is out, the bot can't
// write there.
func (s *Server) Member(chat, by int64, old, now string) {
	s.do(func() {
		c := s.chats[chat]
		state := func(status string) map[string]any {
			m := map[string]any{"status": status, "user": s.bot.User}
			if status == "kicked" {
				m["until_date"] = 0
			}
			return m
		}
		c.refusal = ""
		if now == "left" || now == "kicked" {
			c.refusal = "bot was kicked from the " + c.Type + " chat"
			if c.Type == "private" {
				c.refusal = "bot was blocked by the user"
			}
		}
		s.push(update{kind: "my_chat_member", chat: chat, object: memberUpdated{
			Chat: c.Chat, From: s.users[by], Date: s.now(), Old: state(old), New: state(now),
		}})
	})
}

// Deliver queues any update, whether the bot asked for its kind or not, and
// gives its number.
func (s *Server) Deliver(kind string, object json.RawMessage) (id int64) {
	s.do(func() { id = s.force(update{kind: kind, object: object}) })
	return id
}

// Redeliver makes the last update come once more under its number, whatever the
// next offset says, as after an acknowledgement that got lost.
func (s *Server) Redeliver() {
	s.do(func() {
		if s.last != nil {
			u := *s.last
			s.again = &u
		}
	})
}

// Renumber makes the following updates begin at n, as Telegram does after a
// week without any: "the identifier of the next update will be chosen randomly".
func (s *Server) Renumber(n int64) { s.do(func() { s.nextID = n }) }

// Bot is the bot as it is now.
func (s *Server) Bot() Bot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bot
}

// Calls is the calls that came, oldest first.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.calls)
	for i := range out {
		out[i].Params = maps.Clone(out[i].Params)
	}
	return out
}
