package feishutest

import (
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
)

// This file reads contents as the platform's own programs show them. See
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/im-v1/message/create_json
// and, for cards,
// https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-json-structure.

// Button is a button of a card.
type Button struct {
	Label string
	URL   string
	Value map[string]any
}

// element is an element of a post or of a card.
type element struct {
	Tag      string          `json:"tag"`
	Text     json.RawMessage `json:"text"` // a string, or in cards an object
	Content  string          `json:"content"`
	Href     string          `json:"href"`
	UserID   string          `json:"user_id"`
	UserName string          `json:"user_name"`
	Style    []string        `json:"style"`
	Language string          `json:"language"`
	ImageKey string          `json:"image_key"`
	FileKey  string          `json:"file_key"`
	Emoji    string          `json:"emoji_type"`
	Unescape bool            `json:"un_escape"`
	URL      string          `json:"url"`
	Value    map[string]any  `json:"value"`
	Actions  []element       `json:"actions"`
	Elements []element       `json:"elements"`
}

// words is an element's text, of either form.
func (e element) words() string {
	var s string
	if json.Unmarshal(e.Text, &s) == nil {
		return s
	}
	var o element
	_ = json.Unmarshal(e.Text, &o)
	if o.Tag == "lark_md" {
		return markdown(o.Content)
	}
	return o.Content
}

type postBody struct {
	Title   string      `json:"title"`
	Content [][]element `json:"content"`
}

type card struct {
	Config struct {
		Shared bool `json:"update_multi"`
	} `json:"config"`
	Header *struct {
		Title element `json:"title"`
	} `json:"header"`
	Elements []element `json:"elements"`
}

// check says what is wrong with a content; empty if nothing is. It is called
// under the lock.
func (s *Server) check(kind, content string) string {
	var fields map[string]any
	if json.Unmarshal([]byte(content), &fields) != nil {
		return "content is not a string in json format"
	}
	text := func(key string) string { v, _ := fields[key].(string); return v }
	switch kind {
	case "text":
		if text("text") == "" {
			return "text can't be empty"
		}
	case "post":
		for locale, p := range posts(content) {
			if locale != "zh_cn" && locale != "en_us" && locale != "ja_jp" {
				return "invalid locale"
			}
			if len(p.Content) == 0 {
				return "post content can't be empty"
			}
			for _, line := range p.Content {
				for _, e := range line {
					switch e.Tag {
					case "text", "a", "at", "emotion", "hr", "code_block", "md":
					case "img":
						if _, ok := s.files[e.ImageKey]; !ok {
							return "invalid image_key"
						}
					default:
						return "unknown tag " + e.Tag
					}
					if e.Tag == "a" && e.Href == "" {
						return "a link without href"
					}
				}
			}
			return ""
		}
		return "post without content"
	case "interactive":
		var c card
		if err := json.Unmarshal([]byte(content), &c); err != nil || len(c.Elements) == 0 {
			return "card content is invalid"
		}
		for _, b := range buttons(c.Elements) {
			for _, b := range b {
				if b.Label == "" || b.URL == "" && b.Value == nil {
					return "a button without text or action"
				}
			}
		}
	case "image", "file", "media", "audio":
		key := text("file_key")
		if kind == "image" {
			key = text("image_key")
		}
		if _, ok := s.files[key]; !ok {
			return "invalid " + kind + " key"
		}
	default:
		return "invalid msg_type"
	}
	return ""
}

func posts(content string) map[string]postBody {
	var p map[string]postBody
	if json.Unmarshal([]byte(content), &p) != nil {
		return nil
	}
	return p
}

func shared(content string) bool {
	var c card
	return json.Unmarshal([]byte(content), &c) == nil && c.Config.Shared
}

// reader is a content as a reader sees it.
func (s *Server) reader(p *post) (words string, rows [][]Button, keys []string) {
	var fields map[string]any
	_ = json.Unmarshal([]byte(p.content), &fields)
	text := func(key string) string { v, _ := fields[key].(string); return v }
	switch p.kind {
	case "text":
		return s.styled(text("text")), nil, nil
	case "post":
		for _, locale := range []string{"zh_cn", "en_us", "ja_jp"} {
			if b, ok := posts(p.content)[locale]; ok {
				words, keys = s.postText(b)
				return words, nil, keys
			}
		}
	case "interactive":
		var c card
		_ = json.Unmarshal([]byte(p.content), &c)
		return cardText(p.content), buttons(c.Elements), nil
	case "image":
		return "", nil, []string{text("image_key")}
	default:
		return "", nil, []string{text("file_key")}
	}
	return "", nil, nil
}

func (s *Server) postText(b postBody) (words string, keys []string) {
	var lines []string
	if b.Title != "" {
		lines = append(lines, b.Title)
	}
	for _, line := range b.Content {
		var w strings.Builder
		for _, e := range line {
			switch e.Tag {
			case "text", "a":
				t := e.words()
				if e.Unescape {
					t = html.UnescapeString(t)
				}
				w.WriteString(t)
				if e.Tag == "a" && e.Href != t {
					fmt.Fprintf(&w, " (%s)", e.Href)
				}
			case "at":
				w.WriteString("@" + s.name(e.UserID))
			case "code_block":
				w.WriteString(e.words())
			case "md":
				w.WriteString(markdown(e.words()))
			case "emotion":
				w.WriteString("[" + e.Emoji + "]")
			case "img":
				keys = append(keys, e.ImageKey)
			case "hr":
				w.WriteString("---")
			}
		}
		lines = append(lines, w.String())
	}
	return strings.Join(lines, "\n"), keys
}

// name is how an at shows. It is called under the lock.
func (s *Server) name(openID string) string {
	if u, ok := s.users[openID]; ok {
		return u.Name
	}
	return openID
}

// Read is what a reader sees of a message's content, where nobody is known by
// name.
func Read(kind, content string) string {
	words, _, _ := (&Server{}).reader(&post{kind: kind, content: content})
	return words
}

var (
	atTag    = regexp.MustCompile(`<at (?:user_id|id|email)="?([^">]*)"?>[^<]*</at>`)
	styleTag = regexp.MustCompile(`</?(?:b|i|u|s)>`)
	link     = regexp.MustCompile(`\[([^\]\n]*)\]\(([^)\s]*)\)`)
	bold     = regexp.MustCompile(`\*\*([^*\n]+)\*\*`)
	italic   = regexp.MustCompile(`\*([^*\n]+)\*`)
	strike   = regexp.MustCompile(`~~([^~\n]+)~~`)
	code     = regexp.MustCompile("`([^`\n]+)`")
	font     = regexp.MustCompile(`</?(?:font|text_tag|number_tag|link|a|br|hr|record|local_datetime)[^>]*>`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} `)
)

// styled reads a text message's own marks.
func (s *Server) styled(t string) string {
	t = atTag.ReplaceAllStringFunc(t, func(m string) string { return "@" + s.name(atTag.FindStringSubmatch(m)[1]) })
	t = styleTag.ReplaceAllString(t, "")
	t = bold.ReplaceAllString(t, "$1")
	return link.ReplaceAllString(t, "$1 ($2)")
}

// markdown reads the marks of a card's Markdown, and resolves entities last, as
// they are for writing what would be a mark.
func markdown(t string) string {
	var out []string
	for i, part := range strings.Split(t, "```") {
		if i%2 == 1 {
			_, body, ok := strings.Cut(part, "\n")
			if !ok {
				body = part
			}
			out = append(out, strings.TrimSuffix(body, "\n"))
			continue
		}
		part = atTag.ReplaceAllString(part, "@$1")
		part = heading.ReplaceAllString(part, "")
		part = link.ReplaceAllStringFunc(part, func(m string) string {
			words, to := link.FindStringSubmatch(m)[1], link.FindStringSubmatch(m)[2]
			if html.UnescapeString(words) == to {
				return words
			}
			return words + " (" + to + ")"
		})
		for _, re := range []*regexp.Regexp{bold, strike, italic, code} {
			part = re.ReplaceAllString(part, "$1")
		}
		out = append(out, font.ReplaceAllString(part, ""))
	}
	return html.UnescapeString(strings.Join(out, ""))
}

func cardText(content string) string {
	var c card
	_ = json.Unmarshal([]byte(content), &c)
	var parts []string
	if c.Header != nil && c.Header.Title.Content != "" {
		parts = append(parts, c.Header.Title.Content)
	}
	for _, e := range c.Elements {
		switch e.Tag {
		case "div":
			parts = append(parts, e.words())
		case "markdown":
			parts = append(parts, markdown(e.Content))
		case "note":
			for _, n := range e.Elements {
				parts = append(parts, n.Content)
			}
		}
	}
	return strings.Join(parts, "\n")
}

// buttons is a card's buttons, a row for each action element.
func buttons(elements []element) (rows [][]Button) {
	for _, e := range elements {
		if e.Tag != "action" {
			continue
		}
		var row []Button
		for _, a := range e.Actions {
			if a.Tag == "button" {
				row = append(row, Button{Label: a.words(), URL: a.URL, Value: a.Value})
			}
		}
		rows = append(rows, row)
	}
	return rows
}
