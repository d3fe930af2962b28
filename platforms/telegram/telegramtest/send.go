package telegramtest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// chatFor finds the chat that a call names, and why the bot can't use it; s.mu
// is held.
func (s *Server) chatFor(q *request) (*chat, *refusal) {
	name := q.values["chat_id"]
	if name == "" {
		return nil, badRequest("chat_id is empty")
	}
	var c *chat
	if id, ok := q.number("chat_id"); ok {
		c = s.chats[id]
	} else if public, ok := strings.CutPrefix(name, "@"); ok {
		for _, o := range s.chats {
			if o.Username == public && o.Type != "private" {
				c = o
			}
		}
	}
	switch {
	case c == nil:
		return nil, badRequest("chat not found")
	case c.moved != 0:
		r := badRequest("group chat was upgraded to a supergroup chat")
		r.parameters = map[string]any{"migrate_to_chat_id": c.moved}
		return nil, r
	case c.refusal != "":
		return nil, refuse(403, "Forbidden: "+c.refusal)
	}
	return c, nil
}

// draft prepares a message of the bot from the parameters that all send methods
// share; s.mu is held.
func (s *Server) draft(q *request) (*chat, *post, *refusal) {
	c, refused := s.chatFor(q)
	if refused != nil {
		return nil, nil, refused
	}
	p := &post{own: true, method: q.method}
	p.Chat, p.From, p.Date = c.Chat, &s.bot.User, s.now()
	if n, ok := q.number("message_thread_id"); ok && n != 0 {
		if _, exists := c.topics[int(n)]; !exists {
			return nil, nil, badRequest("message thread not found")
		}
		p.ThreadID, p.IsTopicMessage = int(n), true
	}
	var reply struct {
		Message int  `json:"message_id"`
		Allow   bool `json:"allow_sending_without_reply"`
	}
	if !q.object("reply_parameters", &reply) {
		return nil, nil, badRequest("can't parse reply parameters JSON object")
	}
	if n, ok := q.number("reply_to_message_id"); ok && reply.Message == 0 {
		reply.Message, reply.Allow = int(n), q.truth("allow_sending_without_reply")
	}
	if reply.Message != 0 {
		to := c.messages[reply.Message]
		if to == nil && !reply.Allow {
			return nil, nil, badRequest("message to be replied not found")
		}
		if to != nil {
			m := to.message
			m.ReplyTo = nil // "will not contain further reply_to_message fields"
			p.ReplyTo = &m
		}
	}
	if refused := p.keys(q); refused != nil {
		return nil, nil, refused
	}
	return c, p, nil
}

// keys reads the inline keyboard.
func (p *post) keys(q *request) *refusal {
	if q.values["reply_markup"] == "" {
		return nil
	}
	var k keyboard
	if !q.object("reply_markup", &k) {
		return badRequest("object expected as reply markup")
	}
	n := 0
	for _, row := range k.Rows {
		for _, b := range row {
			n++
			switch {
			case b.Text == "":
				return badRequest("can't parse inline keyboard button: Field \"text\" must be of type String")
			case b.URL == "" && b.CallbackData == "":
				return badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
			case len(b.CallbackData) > 64:
				return badRequest("BUTTON_DATA_INVALID")
			case b.URL != "" && !strings.Contains(b.URL, "."):
				return badRequest("BUTTON_URL_INVALID")
			}
		}
		if len(row) > 8 {
			return badRequest("reply markup is too long")
		}
	}
	if n > 100 {
		return badRequest("reply markup is too long")
	}
	if n > 0 {
		p.ReplyMarkup = &k
	}
	return nil
}

// write puts text or a caption on p.
func (p *post) write(q *request, key string) *refusal {
	value, entities, refused := markup(q.values[key], q.values["parse_mode"])
	if refused != nil {
		return refused
	}
	given, refused := sentEntities(q, key, value)
	if refused != nil {
		return refused
	}
	if given != nil { // "entities … can be specified instead of parse_mode"
		entities = given
	}
	value, entities = trim(value, entities)
	if len(entities) == 0 {
		entities = found(value)
	}
	if key == "caption" {
		if units(value) > 1024 {
			return badRequest("message caption is too long")
		}
		p.Caption, p.CaptionEntity = value, entities
		return nil
	}
	if value == "" {
		return badRequest("message text is empty")
	}
	if units(value) > 4096 {
		return badRequest("message is too long")
	}
	p.Text, p.Entities = value, entities
	return nil
}

// keep stores a message of the bot; s.mu is held.
func (s *Server) keep(c *chat, p *post) *message {
	p.ID = c.next
	c.next++
	c.messages[p.ID] = p
	s.sent = append(s.sent, p)
	m := p.message
	return &m
}

func (s *Server) sendMessage(q *request) (result any, refused *refusal) {
	s.do(func() {
		c, p, r := s.draft(q)
		if r == nil {
			r = p.write(q, "text")
		}
		if refused = r; r == nil {
			result = s.keep(c, p)
		}
	})
	return result, refused
}

func (s *Server) editMessage(q *request) (result any, refused *refusal) {
	s.do(func() { result, refused = s.edit(q) })
	return result, refused
}

func (s *Server) edit(q *request) (any, *refusal) {
	c, refused := s.chatFor(q)
	if refused != nil {
		return nil, refused
	}
	n, _ := q.number("message_id")
	old := c.messages[int(n)]
	switch {
	case old == nil:
		return nil, badRequest("message to edit not found")
	case !old.own:
		return nil, badRequest("message can't be edited")
	case q.method == "editMessageText" && old.Text == "":
		return nil, badRequest("there is no text in the message to edit")
	}
	p := *old
	p.ReplyMarkup = nil
	if refused := p.keys(q); refused != nil {
		return nil, refused
	}
	if q.method != "editMessageReplyMarkup" {
		key := map[string]string{"editMessageText": "text", "editMessageCaption": "caption"}[q.method]
		if refused := p.write(q, key); refused != nil {
			return nil, refused
		}
	}
	was, _ := json.Marshal(old.message)
	is, _ := json.Marshal(p.message)
	if slices.Equal(was, is) {
		return nil, badRequest("message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
	}
	p.EditDate, p.edited = s.now(), true
	*old = p
	m := p.message
	return &m, nil
}

func (s *Server) deleteMessage(q *request) (result any, refused *refusal) {
	s.do(func() {
		c, r := s.chatFor(q)
		if r != nil {
			refused = r
			return
		}
		n, _ := q.number("message_id")
		if c.messages[int(n)] == nil {
			refused = badRequest("message to delete not found")
			return
		}
		delete(c.messages, int(n))
		result = true
	})
	return result, refused
}

func (s *Server) getChat(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, refused := s.chatFor(q)
	if refused != nil {
		return nil, refused
	}
	return struct {
		Chat
		AccentColorID    int `json:"accent_color_id"`
		MaxReactionCount int `json:"max_reaction_count"`
	}{c.Chat, 0, 11}, nil
}

func (s *Server) answerCallbackQuery(q *request) (result any, refused *refusal) {
	id, text := q.values["callback_query_id"], q.values["text"]
	s.do(func() {
		given, known := s.clicks[id]
		switch {
		case !known:
			refused = badRequest("query is too old and response timeout expired or query ID is invalid")
		case len([]rune(text)) > 200:
			refused = badRequest("MESSAGE_TOO_LONG")
		case given == nil:
			s.clicks[id] = &text
			s.answers = append(s.answers, text)
		}
	})
	if refused != nil {
		return nil, refused
	}
	return true, nil
}

// actions is what sendChatAction can show.
var actions = []string{
	"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
	"upload_document", "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}

// Typed is a sign that the bot is doing something.
type Typed struct {
	Chat   int64
	Thread int
	Action string
}

func (s *Server) sendChatAction(q *request) (result any, refused *refusal) {
	s.do(func() {
		c, r := s.chatFor(q)
		switch {
		case r != nil:
			refused = r
		case !slices.Contains(actions, q.values["action"]):
			refused = badRequest("wrong parameter action in request")
		default:
			n, _ := q.number("message_thread_id")
			s.typed = append(s.typed, Typed{c.ID, int(n), q.values["action"]})
			result = true
		}
	})
	return result, refused
}

func (s *Server) serial(prefix string) string {
	s.sequence++
	return prefix + strconv.FormatInt(s.sequence, 10)
}
