package slack

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// This file writes texts as rich text, whose parts are literal: nothing in them
// is read as markup, and nobody is mentioned but by a part of its own.
// https://docs.slack.dev/reference/block-kit/blocks/rich-text-block

// actionData stands before the number of a button that comes back, actionLink
// before that of one that opens an address.
const (
	actionData = "postern:data:"
	actionLink = "postern:link:"
)

// rich is a text as a block; nil for an empty one.
func rich(s string, f platforms.Format) slack.Block {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var elements []slack.RichTextElement
	if f == platforms.Markdown {
		elements = richBlocks(markup.Parse(s))
	}
	if len(elements) == 0 {
		elements = []slack.RichTextElement{slack.NewRichTextSection(slack.NewRichTextSectionTextElement(s, nil))}
	}
	return slack.NewRichTextBlock("", elements...)
}

// richBlocks joins paragraphs into sections and items into lists.
func richBlocks(blocks []markup.Block) (out []slack.RichTextElement) {
	var section []slack.RichTextSectionElement
	flush := func() {
		if len(section) > 0 {
			out = append(out, slack.NewRichTextSection(section...))
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
			out = append(out, &slack.RichTextPreformatted{Type: slack.RTEPreformatted,
				Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(code, nil)}})
		case markup.Quote:
			flush()
			if spans := richSpans(b); len(spans) > 0 {
				out = append(out, &slack.RichTextQuote{Type: slack.RTEQuote, Elements: spans})
			}
		case markup.Item:
			flush()
			list, n := richList(blocks[i:])
			out = append(out, list)
			i += n - 1
		default:
			spans := richSpans(b)
			if len(section) > 0 && len(spans) > 0 {
				section = append(section, slack.NewRichTextSectionTextElement("\n\n", nil))
			}
			section = append(section, spans...)
		}
	}
	flush()
	return out
}

// richList is the items at the beginning of blocks that make one list, and how
// many they are.
func richList(blocks []markup.Block) (*slack.RichTextList, int) {
	first := blocks[0]
	style, offset := slack.RTEListBullet, 0
	if n, ok := number(first.Label); ok {
		style, offset = slack.RTEListOrdered, max(0, n-1)
	}
	var items []slack.RichTextElement
	n := 0
	for _, b := range blocks {
		_, ordered := number(b.Label)
		if b.Kind != markup.Item || b.Level != first.Level || n > 0 && (b.Label == "" || ordered != (style == slack.RTEListOrdered)) {
			break
		}
		spans := richSpans(b)
		if len(spans) == 0 {
			spans = []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement(" ", nil)}
		}
		items = append(items, slack.NewRichTextSection(spans...))
		n++
	}
	list := slack.NewRichTextList(style, max(0, min(first.Level, 6)), items...)
	list.Offset = offset
	return list, n
}

func number(label string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSuffix(label, "."))
	return n, err == nil && strings.HasSuffix(label, ".")
}

// personID is an id that can be mentioned. Groups and channels are not: nobody
// is to call all of them through a bot.
var personID = regexp.MustCompile(`^[UW][A-Z0-9]{2,30}$`)

func richSpans(b markup.Block) (out []slack.RichTextSectionElement) {
	for _, s := range b.Spans {
		if s.Text == "" {
			continue
		}
		var style *slack.RichTextSectionTextStyle
		if bold := s.Bold || b.Kind == markup.Heading; bold || s.Italic || s.Strike || s.Code {
			style = &slack.RichTextSectionTextStyle{Bold: bold, Italic: s.Italic, Strike: s.Strike, Code: s.Code}
		}
		switch {
		case s.Mention != "" && personID.MatchString(string(s.Mention)):
			out = append(out, slack.NewRichTextSectionUserElement(string(s.Mention), nil))
		case s.Link != "":
			out = append(out, slack.NewRichTextSectionLinkElement(s.Link, s.Text, style))
		default:
			out = append(out, slack.NewRichTextSectionTextElement(s.Text, style))
		}
	}
	return out
}

// fallback is a text for notifications, where no blocks are shown.
func fallback(s string, f platforms.Format, rows [][]platforms.Button) string {
	if f == platforms.Markdown {
		s = markup.Plain(markup.Parse(s))
	}
	if strings.TrimSpace(s) == "" {
		var labels []string
		for _, row := range rows {
			for _, b := range row {
				labels = append(labels, b.Label)
			}
		}
		s = strings.Join(labels, " · ")
	}
	// A hidden character would do against *marks*, but who copies the text would
	// copy it too; where this is shown at all, marks do no harm.
	return escape(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD"))
}

// blocks is a message's content as blocks.
func blocks(m platforms.Message) []slack.Block {
	out := []slack.Block{}
	if b := rich(m.Text, m.Format); b != nil {
		out = append(out, b)
	}
	n := 0
	for i, row := range m.Buttons {
		var elements []slack.BlockElement
		for _, b := range row {
			id := actionData + strconv.Itoa(n)
			if b.URL != "" {
				id = actionLink + strconv.Itoa(n)
			}
			n++
			e := slack.NewButtonBlockElement(id, b.Data, slack.NewTextBlockObject(slack.PlainTextType, b.Label, false, false))
			e.URL = b.URL
			if b.URL != "" {
				e.Value = ""
			}
			elements = append(elements, e)
		}
		if len(elements) > 0 {
			out = append(out, slack.NewActionBlock("postern:row:"+strconv.Itoa(i), elements...))
		}
	}
	return out
}
