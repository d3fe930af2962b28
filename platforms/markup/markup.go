// Package markup reads the small subset of Markdown in which programs and
// agents write answers, so that each connector can write it in its platform's
// own form. What is not in the subset is text: a connector escapes every Text it
// gets here and nothing can inject.
package markup

import (
	"strings"

	"github.com/postern/postern/platforms"
)

// Block is one piece of a document, below another.
type Block struct {
	Kind  Kind
	Level int    // Heading: 1 to 6; Item: how deep it stands, from 0
	Label string // Item: "•" or "1."
	Lang  string // Code: the language, if the author gave one; letters, digits and +-#. only
	Spans []Span // all but Code
	Code  string // Code: the text, without a final line break
}

// Kind is what a Block is.
type Kind int

// The kinds of blocks.
const (
	Paragraph Kind = iota
	Heading
	Item
	Quote
	Code
)

// Span is a stretch of text in one style. Its Text may hold line breaks.
type Span struct {
	Text                       string
	Bold, Italic, Strike, Code bool

	// Link is where the text leads: an http, https or mailto address; or empty.
	Link string
	// Mention is whom the text addresses: [Ada](mention:U123). Text is the name
	// to show where a platform can't mention.
	Mention platforms.UserID
}

// Escape is s as Markdown that shows every character of it.
func Escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("\\`*_~[]()<>#+-.!|&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Plain is the document as plain text, for platforms without markup: links show
// their address, items their label.
func Plain(blocks []Block) string {
	var b strings.Builder
	for i, block := range blocks {
		if i > 0 {
			b.WriteString("\n")
			if block.Kind != Item || blocks[i-1].Kind != Item {
				b.WriteString("\n")
			}
		}
		switch block.Kind {
		case Code:
			b.WriteString(block.Code)
			continue
		case Item:
			b.WriteString(strings.Repeat("  ", block.Level) + block.Label + " ")
		case Quote:
			b.WriteString("> ")
		}
		for _, s := range block.Spans {
			text := s.Text
			if block.Kind == Quote {
				text = strings.ReplaceAll(text, "\n", "\n> ")
			}
			b.WriteString(text)
			if s.Link != "" && s.Link != s.Text {
				b.WriteString(" (" + s.Link + ")")
			}
		}
	}
	return b.String()
}
