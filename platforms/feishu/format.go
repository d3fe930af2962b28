package feishu

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// This file writes texts in the platform's form: a post, whose parts are literal,
// or, beside buttons, a card. Plain text messages are not used, because the
// platform reads tags in them.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/im-v1/message/create_json

// part is a part of a line of a post.
type part struct {
	Tag      string   `json:"tag"`
	Text     *string  `json:"text,omitempty"`
	Href     string   `json:"href,omitempty"`
	UserID   string   `json:"user_id,omitempty"`
	Language string   `json:"language,omitempty"`
	Style    []string `json:"style,omitempty"`
}

func textPart(s string, style ...string) part { return part{Tag: "text", Text: &s, Style: style} }

// post is the content of a post.
func post(s string, f platforms.Format) any {
	var lines [][]part
	if f == platforms.Markdown {
		lines = postLines(markup.Parse(s))
	} else {
		for _, line := range strings.Split(s, "\n") {
			lines = append(lines, []part{textPart(line)})
		}
	}
	if len(lines) == 0 {
		lines = [][]part{{textPart("")}}
	}
	return map[string]any{"zh_cn": map[string]any{"title": "", "content": lines}}
}

// personID is an id that can be addressed. "all" is not: nobody is to call a
// whole group through a bot.
var personID = regexp.MustCompile(`^ou_[0-9A-Za-z]{1,64}$`)

func postLines(blocks []markup.Block) (lines [][]part) {
	for i, b := range blocks {
		if i > 0 && (b.Kind != markup.Item || blocks[i-1].Kind != markup.Item) {
			lines = append(lines, []part{textPart("")})
		}
		if b.Kind == markup.Code {
			code := b.Code
			lines = append(lines, []part{{Tag: "code_block", Language: strings.ToUpper(b.Lang), Text: &code}})
			continue
		}
		line := []part{}
		if p := prefix(b); p != "" {
			line = append(line, textPart(p))
		}
		for _, s := range b.Spans {
			words := strings.Split(s.Text, "\n")
			for j, w := range words {
				if j > 0 {
					lines = append(lines, line)
					line = []part{}
					if b.Kind == markup.Quote {
						line = append(line, textPart(prefix(b)))
					}
				}
				if w != "" {
					line = append(line, spanPart(w, s, b))
				}
			}
		}
		if len(line) == 0 {
			line = append(line, textPart(""))
		}
		lines = append(lines, line)
	}
	return lines
}

// prefix is what stands before a block's text.
func prefix(b markup.Block) string {
	switch b.Kind {
	case markup.Item:
		return strings.Repeat("  ", max(0, min(b.Level, 8))) + b.Label + " "
	case markup.Quote:
		return "> "
	}
	return ""
}

func spanPart(words string, s markup.Span, b markup.Block) part {
	if s.Mention != "" && personID.MatchString(string(s.Mention)) {
		return part{Tag: "at", UserID: string(s.Mention)}
	}
	p := textPart(words)
	for _, style := range []struct {
		on   bool
		name string
	}{{s.Bold || b.Kind == markup.Heading, "bold"}, {s.Italic, "italic"}, {s.Strike, "lineThrough"}} {
		if style.on {
			p.Style = append(p.Style, style.name)
		}
	}
	if s.Link != "" {
		p.Tag, p.Href = "a", s.Link
	}
	return p
}

// choice is a button that comes back.
type choice struct{ label, data string }

// chosenMark stands before the label of a button that was pressed.
const chosenMark = "✓ "

// card is the content of a card with a text and buttons. It is shared: everybody
// sees the same, and it can be changed.
// https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-json-structure
func card(s string, f platforms.Format, rows [][]platforms.Button) (any, []choice) {
	elements := []any{}
	if strings.TrimSpace(s) != "" {
		if f == platforms.Markdown {
			elements = append(elements, map[string]any{"tag": "markdown", "content": cardMarkdown(markup.Parse(s))})
		} else {
			elements = append(elements, map[string]any{"tag": "div", "text": plainText(s)})
		}
	}
	choices := []choice{} // not nil: this is a card
	for _, row := range rows {
		actions := []any{}
		for _, b := range row {
			button := map[string]any{"tag": "button", "text": plainText(b.Label), "type": "default"}
			if b.URL != "" {
				button["url"] = b.URL
			} else {
				button["value"] = map[string]string{valueData: b.Data, valuePlace: strconv.Itoa(len(choices))}
				choices = append(choices, choice{b.Label, b.Data})
			}
			actions = append(actions, button)
		}
		if len(actions) > 0 {
			elements = append(elements, map[string]any{"tag": "action", "actions": actions})
		}
	}
	return map[string]any{"config": map[string]bool{"update_multi": true, "wide_screen_mode": true}, "elements": elements}, choices
}

func plainText(s string) any { return map[string]string{"tag": "plain_text", "content": s} }

// cardMarkdown writes blocks in a card's Markdown.
// https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-components/content-components/rich-text
func cardMarkdown(blocks []markup.Block) string {
	var out strings.Builder
	for i, b := range blocks {
		if i > 0 {
			out.WriteString("\n")
			if b.Kind != markup.Item || blocks[i-1].Kind != markup.Item {
				out.WriteString("\n")
			}
		}
		if b.Kind == markup.Code {
			// Nothing is escaped in there: what would end it is text instead.
			if strings.Contains(b.Code, "```") {
				out.WriteString(literal(b.Code))
			} else {
				out.WriteString("```" + b.Lang + "\n" + b.Code + "\n```")
			}
			continue
		}
		out.WriteString(literal(prefix(b)))
		for _, s := range b.Spans {
			out.WriteString(cardSpan(s, b))
		}
	}
	return out.String()
}

func cardSpan(s markup.Span, b markup.Block) string {
	if s.Mention != "" && personID.MatchString(string(s.Mention)) {
		return "<at id=" + string(s.Mention) + "></at>"
	}
	lines := strings.Split(s.Text, "\n") // a mark does not reach over a line's end
	for i, w := range lines {
		before := w[:len(w)-len(strings.TrimLeft(w, " \t"))]
		after := w[len(strings.TrimRight(w, " \t")):]
		core := strings.TrimSpace(w)
		if core == "" {
			continue
		}
		core = literal(core)
		if s.Link != "" && !strings.ContainsAny(s.Link, "() \n\"<>\\`") {
			core = "[" + core + "](" + s.Link + ")"
		}
		if s.Strike {
			core = "~~" + core + "~~"
		}
		if s.Italic {
			core = "*" + core + "*"
		}
		if s.Bold || b.Kind == markup.Heading {
			core = "**" + core + "**"
		}
		lines[i] = before + core + after
	}
	sep := "\n"
	if b.Kind == markup.Quote {
		sep += literal(prefix(b))
	}
	return strings.Join(lines, sep)
}

// literal writes every character that could be a mark as an entity, as the
// platform documents it for a card's Markdown.
func literal(s string) string {
	var out strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_{}[]()#+-.!~<>&|:@$\"'=^", r) {
			out.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// length is Platform.Length: how many bytes of a request a text takes, as a post
// or as a card, whichever is more. A text that needs no escapes, on one line,
// takes as much as it is long.
func length(s string, f platforms.Format) int {
	asCard, _ := card(s, f, nil)
	empty, _ := card("-", f, nil)
	return max(1+inRequest(post(s, f))-inRequest(post("-", f)), 1+inRequest(asCard)-inRequest(empty), 0)
}

// inRequest is how many bytes a content takes, which is JSON in a string of JSON.
func inRequest(content any) int {
	b, err := encode(content)
	if err == nil {
		b, err = encode(string(b))
	}
	if err != nil {
		return requestMost + 1
	}
	return len(b)
}
