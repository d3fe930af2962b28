package discordtest

// Said is what a person writes.
type Said struct {
	Channel string
	User    string // empty for the bot itself
	Text    string // as it was typed; <@id> mentions
	ReplyTo string
	Files   []File
}

// Post makes somebody write, and returns the message's id.
func (s *Server) Post(v Said) (id string) {
	s.do(func() { id = s.post(v).id })
	return id
}

func (s *Server) post(v Said) *post {
	author := v.User
	if author == "" {
		author = Bot
	}
	p := &post{id: s.id(), channel: v.Channel, author: author, content: v.Text, time: s.now(), replyTo: v.ReplyTo}
	if v.ReplyTo != "" {
		p.kind = 19
	}
	for _, f := range v.Files {
		id := s.id()
		s.files[id] = f
		p.files = append(p.files, id)
	}
	_ = s.mention(p, nil)
	s.add(p)
	return p
}

// Say makes a person write a text.
func (s *Server) Say(channel, user, text string) string {
	return s.Post(Said{Channel: channel, User: user, Text: text})
}

// Edit makes a person change a message.
func (s *Server) Edit(channel, id, text string) {
	s.do(func() {
		p := s.posts[id]
		if p == nil || p.channel != channel {
			return
		}
		p.content, p.edited = text, s.now()
		_ = s.mention(p, nil)
		s.tell("MESSAGE_UPDATE", p)
	})
}

// Preview makes the server add a preview to a message: nobody changed it.
func (s *Server) Preview(id string) {
	s.do(func() {
		if p := s.posts[id]; p != nil {
			s.tell("MESSAGE_UPDATE", p)
		}
	})
}

// Click makes a person press the button with this label. It is false if there is
// none.
func (s *Server) Click(message, label, person string) (ok bool) {
	s.do(func() {
		p := s.posts[message]
		if p == nil {
			return
		}
		for _, row := range buttons(p.components) {
			for _, b := range row {
				if b.Label == label && b.ID != "" && !ok {
					ok = true
					t := s.newTicket(p.channel, p.id)
					s.interaction(t, 3, map[string]any{"component_type": 2, "custom_id": b.ID, "id": 2}, person)
				}
			}
		}
	})
	return ok
}

// Command makes a person enter a command with one text option.
func (s *Server) Command(channel, person, name, option, value string) {
	s.do(func() {
		data := map[string]any{"id": s.id(), "name": name, "type": 1}
		if option != "" {
			data["options"] = []any{map[string]any{"name": option, "type": 3, "value": value}}
		}
		s.interaction(s.newTicket(channel, ""), 2, data, person)
	})
}

// Button is a button below a message.
type Button struct{ Label, ID, URL string }

func buttons(components []any) (out [][]Button) {
	for _, r := range components {
		row, _ := r.(map[string]any)
		list, _ := row["components"].([]any)
		var line []Button
		for _, c := range list {
			m, _ := c.(map[string]any)
			b := Button{}
			b.Label, _ = m["label"].(string)
			b.ID, _ = m["custom_id"].(string)
			b.URL, _ = m["url"].(string)
			line = append(line, b)
		}
		out = append(out, line)
	}
	return out
}
