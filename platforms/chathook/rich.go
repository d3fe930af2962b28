package chathook

import (
	"strconv"
	"strings"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// This file writes Slack's rich text, whose parts are literal: nothing in them is
// read as markup, and nobody is mentioned but by a part of its own, of which
// there is none here. https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

type (
	richMessage struct {
		Text   string      `json:"text"`
		Mrkdwn bool        `json:"mrkdwn"`
		Blocks []richBlock `json:"blocks"`
	}
	richBlock struct {
		Type     string        `json:"type"`
		Elements []richElement `json:"elements"`
	}
	// richElement is a section, a quotation, code or a list; and what is in them.
	richElement struct {
		Type     string        `json:"type"`
		Elements []richElement `json:"elements,omitempty"`
		Style    any           `json:"style,omitempty"` // of a list its sort, of a text its richStyle
		Indent   int           `json:"indent,omitempty"`
		Offset   int           `json:"offset,omitempty"`
		Text     string        `json:"text,omitempty"`
		URL      string        `json:"url,omitempty"`
	}
	richStyle struct {
		Bold   bool `json:"bold,omitempty"`
		Italic bool `json:"italic,omitempty"`
		Strike bool `json:"strike,omitempty"`
		Code   bool `json:"code,omitempty"`
	}
)

// rich is a message's text in Slack's form. Its text stands in for the blocks in
// notifications, and in chats that only take after Slack.
func rich(s string, f platforms.Format) richMessage {
	var elements []richElement
	if f == platforms.Markdown {
		blocks := markup.Parse(s)
		elements = richElements(blocks)
		s = markup.Plain(blocks)
	}
	if len(elements) == 0 {
		elements = []richElement{{Type: "rich_text_section", Elements: []richElement{{Type: "text", Text: s}}}}
	}
	escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	return richMessage{Text: escaped, Blocks: []richBlock{{Type: "rich_text", Elements: elements}}}
}

func richElements(blocks []markup.Block) (out []richElement) {
	var section []richElement
	flush := func() {
		if len(section) > 0 {
			out = append(out, richElement{Type: "rich_text_section", Elements: section})
			section = nil
		}
	}
	for i := 0; i < len(blocks); i++ {
		b := blocks[i]
		switch b.Kind {
		case markup.Code:
			flush()
			code := b.Code
			if code == "" {
				code = " "
			}
			out = append(out, richElement{Type: "rich_text_preformatted", Elements: []richElement{{Type: "text", Text: code}}})
		case markup.Quote:
			flush()
			if spans := richSpans(b); len(spans) > 0 {
				out = append(out, richElement{Type: "rich_text_quote", Elements: spans})
			}
		case markup.Item:
			flush()
			list, n := richList(blocks[i:])
			out = append(out, list)
			i += n - 1
		default:
			spans := richSpans(b)
			if len(section) > 0 && len(spans) > 0 {
				section = append(section, richElement{Type: "text", Text: "\n\n"})
			}
			section = append(section, spans...)
		}
	}
	flush()
	return out
}

// richList is the items at the beginning of blocks that make one list, and how
// many they are.
func richList(blocks []markup.Block) (richElement, int) {
	first := blocks[0]
	start, ordered := number(first.Label)
	list := richElement{Type: "rich_text_list", Style: "bullet", Indent: max(0, min(first.Level, 6))}
	if ordered {
		list.Style, list.Offset = "ordered", max(0, start-1)
	}
	n := 0
	for _, b := range blocks {
		_, numbered := number(b.Label)
		if b.Kind != markup.Item || b.Level != first.Level || n > 0 && (b.Label == "" || numbered != ordered) {
			break
		}
		spans := richSpans(b)
		if len(spans) == 0 {
			spans = []richElement{{Type: "text", Text: " "}}
		}
		list.Elements = append(list.Elements, richElement{Type: "rich_text_section", Elements: spans})
		n++
	}
	return list, n
}

func number(label string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSuffix(label, "."))
	return n, err == nil && strings.HasSuffix(label, ".")
}

func richSpans(b markup.Block) (out []richElement) {
	for _, s := range b.Spans {
		if s.Text == "" {
			continue
		}
		e := richElement{Type: "text", Text: s.Text}
		if s.Link != "" {
			e.Type, e.URL = "link", s.Link
		}
		if style := (richStyle{s.Bold || b.Kind == markup.Heading, s.Italic, s.Strike, s.Code}); style != (richStyle{}) {
			e.Style = style
		}
		out = append(out, e)
	}
	return out
}
