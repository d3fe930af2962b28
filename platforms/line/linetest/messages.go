package linetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
)

// Sent is one message of the bot, as a reader sees it.
type Sent struct {
	ID, Chat string
	Text     string
	Mentions []string
	Buttons  []Button
	Quick    bool   // Buttons are quick replies
	Quotes   string // the message that it quotes
	Free     bool   // it was a reply
	Type     string
	Raw      json.RawMessage
}

// Button is a button that a reader sees.
type Button struct{ Label, Data, URL string }

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// push is https://developers.line.biz/en/reference/messaging-api/#send-push-message
func (s *Server) push(in object, body []byte, key string) answer {
	if key != "" && !uuid.MatchString(key) {
		return refuse(http.StatusBadRequest, "The retry key is invalid")
	}
	if a, known := s.keys[key]; known && key != "" {
		b, _ := json.Marshal(object{"message": "The retry key is already accepted", "sentMessages": a.ids})
		out := answer{status: http.StatusConflict, header: http.Header{}, body: b}
		out.header.Set("X-Line-Accepted-Request-Id", a.request)
		return out
	}
	to, _ := in["to"].(string)
	_, person := s.people[to]
	if _, group := s.groups[to]; !person && !group {
		return refuse(http.StatusBadRequest, "The property, 'to', in the request body is invalid (line: -, column: -)")
	}
	if s.limit > 0 && s.used >= s.limit {
		return refuse(http.StatusTooManyRequests, "You have reached your monthly limit.")
	}
	out, ids := s.send(to, body, false)
	if out.status == http.StatusOK {
		s.used++
		if key != "" {
			s.keys[key] = accepted{request: fmt.Sprintf("request-%d", s.next), ids: ids}
		}
	}
	return out
}

// reply is https://developers.line.biz/en/reference/messaging-api/#send-reply-message
func (s *Server) reply(in object, body []byte) answer {
	token, _ := in["replyToken"].(string)
	r := s.replies[token]
	if r == nil || s.now().After(r.until) {
		return refuse(http.StatusBadRequest, "Invalid reply token")
	}
	out, _ := s.send(r.chat, body, true)
	if out.status == http.StatusOK {
		delete(s.replies, token)
	}
	return out
}

// send checks all messages of a call and keeps them, or none.
func (s *Server) send(to string, body []byte, free bool) (answer, []any) {
	var in struct {
		Messages []json.RawMessage `json:"messages"`
	}
	_ = json.Unmarshal(body, &in)
	if n := len(in.Messages); n < 1 || n > 5 {
		return refuse(http.StatusBadRequest, "The request body has 1 error(s)", detail{"Size must be between 1 and 5", "messages"}), nil
	}
	var list []Sent
	for i, raw := range in.Messages {
		m, problem := s.read(to, raw)
		if problem.Message != "" {
			problem.Property = fmt.Sprintf("messages[%d].%s", i, problem.Property)
			return refuse(http.StatusBadRequest, "The request body has 1 error(s)", problem), nil
		}
		m.Free, m.Chat, m.Raw = free, to, raw
		list = append(list, m)
	}
	var ids []any
	for _, m := range list {
		m.ID = s.id()
		quote := "q" + s.id()
		s.quotes[quote] = m.ID
		s.sent = append(s.sent, m)
		sent := object{"id": m.ID}
		if m.Type != "flex" {
			sent["quoteToken"] = quote
		}
		ids = append(ids, sent)
	}
	return ok(object{"sentMessages": ids}), ids
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// read is a message as a reader sees it, or what is wrong with it.
func (s *Server) read(to string, raw []byte) (m Sent, problem detail) {
	var in struct {
		Type         string            `json:"type"`
		Text         string            `json:"text"`
		QuoteToken   string            `json:"quoteToken"`
		AltText      string            `json:"altText"`
		Contents     object            `json:"contents"`
		Substitution map[string]object `json:"substitution"`
		QuickReply   *struct {
			Items []struct {
				Type   string `json:"type"`
				Action object `json:"action"`
			} `json:"items"`
		} `json:"quickReply"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return m, detail{"must be a message", "type"}
	}
	m.Type, m.Text = in.Type, in.Text
	switch in.Type {
	case "text", "textV2":
		if strings.TrimSpace(in.Text) == "" {
			return m, detail{"May not be empty", "text"}
		}
		if units(in.Text) > 5000 {
			return m, detail{"Length must be between 0 and 5000", "text"}
		}
		if in.Type == "textV2" {
			if m.Text, m.Mentions, problem = s.substitute(to, in.Text, in.Substitution); problem.Message != "" {
				return m, problem
			}
		}
	case "flex":
		if n := units(in.AltText); n < 1 || n > 1500 {
			return m, detail{"Length must be between 1 and 1500", "altText"}
		}
		b, _ := json.Marshal(in.Contents)
		if in.Contents["type"] != "bubble" || len(b) > 30<<10 {
			return m, detail{"must be a bubble of at most 30 KB", "contents"}
		}
		m.Text = ""
		for _, part := range []string{"header", "body", "footer"} {
			if box, ok := in.Contents[part].(object); ok {
				if problem = flex(box, &m); problem.Message != "" {
					return m, problem
				}
			}
		}
	default:
		return m, detail{"must be one of the kinds of messages", "type"}
	}
	if in.QuoteToken != "" {
		if m.Quotes = s.quotes[in.QuoteToken]; m.Quotes == "" || in.Type == "flex" {
			return m, detail{"invalid quote token", "quoteToken"}
		}
	}
	if in.QuickReply != nil {
		if n := len(in.QuickReply.Items); n < 1 || n > 13 {
			return m, detail{"Size must be between 1 and 13", "quickReply.items"}
		}
		m.Quick = true
		for _, item := range in.QuickReply.Items {
			b, problem := button(item.Action)
			if problem.Message != "" || item.Type != "action" {
				return m, detail{"invalid action " + problem.Message, "quickReply.items"}
			}
			m.Buttons = append(m.Buttons, b)
		}
	}
	return m, detail{}
}

var placeholder = regexp.MustCompile(`\{\{|\}\}|\{[A-Za-z0-9_]{1,20}\}|[{}]`)

// substitute is a textV2's text with names in the places of mentions.
func (s *Server) substitute(to, text string, with map[string]object) (out string, who []string, problem detail) {
	if len(with) > 100 {
		return "", nil, detail{"too many", "substitution"}
	}
	out = placeholder.ReplaceAllStringFunc(text, func(p string) string {
		switch p {
		case "{{":
			return "{"
		case "}}":
			return "}"
		case "{", "}":
			problem = detail{"braces do not match", "text"}
			return ""
		}
		about, _ := with[p[1:len(p)-1]]["mentionee"].(object)
		user, _ := about["userId"].(string)
		if !s.groups[to][user] {
			problem = detail{"the mentioned user is not in the chat", "substitution"}
		}
		who = append(who, user)
		return "@" + s.people[user]
	})
	if len(who) > 20 {
		problem = detail{"at most 20 mentions", "substitution"}
	}
	return out, who, problem
}

// flex collects a box's texts and buttons.
func flex(box object, m *Sent) detail {
	contents, _ := box["contents"].([]any)
	if !slices.Contains([]any{"vertical", "horizontal", "baseline"}, box["layout"]) {
		return detail{"must have a layout", "contents"}
	}
	for _, v := range contents {
		c, _ := v.(object)
		switch c["type"] {
		case "box":
			if p := flex(c, m); p.Message != "" {
				return p
			}
		case "text":
			words, _ := c["text"].(string)
			if words == "" {
				return detail{"must not be empty", "contents.text"}
			}
			if m.Text != "" {
				m.Text += "\n"
			}
			m.Text += words
		case "button":
			action, _ := c["action"].(object)
			b, p := button(action)
			if p.Message != "" {
				return p
			}
			m.Buttons = append(m.Buttons, b)
		case "separator", "filler":
		default:
			return detail{"unknown component", "contents"}
		}
	}
	return detail{}
}

// button checks an action. https://developers.line.biz/en/reference/messaging-api/#action-objects
func button(a object) (b Button, problem detail) {
	b.Label, _ = a["label"].(string)
	b.Data, _ = a["data"].(string)
	b.URL, _ = a["uri"].(string)
	shown, _ := a["displayText"].(string)
	u, err := url.Parse(b.URL)
	switch {
	case b.Label == "" || len([]rune(b.Label)) > 20:
		return b, detail{"Length must be between 1 and 20", "action.label"}
	case a["type"] == "postback" && (b.Data == "" || units(b.Data) > 300 || units(shown) > 300):
		return b, detail{"Length must be between 1 and 300", "action.data"}
	case a["type"] == "uri" && (err != nil || len(b.URL) > 1000 || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "tel" && u.Scheme != "line"):
		return b, detail{"invalid uri", "action.uri"}
	case a["type"] != "uri" && a["type"] != "postback":
		return b, detail{"invalid action type", "action.type"}
	}
	return b, detail{}
}
