package mattermost

import (
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// Mattermost reads Markdown in every post, and mentions, channel links and
// emoji in what is left. A plain text is escaped so that all of it is shown as it
// is: a backslash before what Markdown reads, and an invisible character (U+200B)
// where a word would otherwise call somebody or become a picture.
// https://docs.mattermost.com/collaborate/format-messages.html

const invisible = "\u200b"

const special = "\\`*_{}[]()#+-.!|<>~&="

// escape is s as Markdown that shows every character of it.
func escape(s string) string {
	var b strings.Builder
	start := true // of a line
	for i, r := range s {
		next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(max(r, 0)):])
		switch {
		case start && (r == ' ' || r == '\t') && indented(s[i:]):
			b.WriteString(invisible) // or it would be code
			b.WriteRune(r)
		case r < utf8.RuneSelf && strings.ContainsRune(special, r):
			b.WriteByte('\\')
			b.WriteRune(r)
			if r == '~' && word(next) {
				b.WriteString(invisible)
			}
		case (r == '@' || r == ':') && (word(next) || next == '-' || next == '+'):
			b.WriteRune(r)
			b.WriteString(invisible)
		default:
			b.WriteRune(r)
		}
		start = r == '\n'
	}
	return b.String()
}

func indented(s string) bool { return strings.HasPrefix(s, "    ") || strings.HasPrefix(s, "\t") }

func word(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// format is a text as Mattermost takes it. name is what follows the @ of a user,
// empty if it is not known.
func format(s string, f platforms.Format, name func(platforms.UserID) string) string {
	if f != platforms.Markdown {
		return escape(strings.ToValidUTF8(s, "\uFFFD"))
	}
	var b strings.Builder
	blocks := markup.Parse(s)
	for i, block := range blocks {
		if i > 0 {
			b.WriteString("\n")
			if block.Kind != markup.Item || blocks[i-1].Kind != markup.Item {
				b.WriteString("\n")
			}
		}
		write(&b, block, name)
	}
	return b.String()
}

// length is how many runes of Limits.Text a text takes.
func length(s string, f platforms.Format) int {
	// A mention becomes a user name: at most 64 characters and the @.
	long := func(platforms.UserID) string { return strings.Repeat("x", 64) }
	return utf8.RuneCountInString(format(s, f, long))
}

func write(b *strings.Builder, block markup.Block, name func(platforms.UserID) string) {
	switch block.Kind {
	case markup.Code:
		fence := longest(block.Code)
		b.WriteString(fence + block.Lang + "\n" + block.Code + "\n" + fence)
		return
	case markup.Heading:
		b.WriteString(strings.Repeat("#", min(max(block.Level, 1), 6)) + " ")
	case markup.Item:
		b.WriteString(strings.Repeat("    ", block.Level))
		switch block.Label {
		case "":
			b.WriteString("  ")
		case "•":
			b.WriteString("- ")
		default:
			b.WriteString(block.Label + " ")
		}
	}
	var body strings.Builder
	for _, s := range block.Spans {
		body.WriteString(span(s, name))
	}
	text := body.String()
	switch block.Kind {
	case markup.Quote:
		text = "> " + strings.ReplaceAll(text, "\n", "\n> ")
	case markup.Heading:
		text = strings.ReplaceAll(text, "\n", " ")
	case markup.Item:
		text = strings.ReplaceAll(text, "\n", "\n"+strings.Repeat("    ", block.Level)+"  ")
	}
	b.WriteString(text)
}

// longest is a fence that s does not hold.
func longest(s string) string {
	run, most := 0, 2
	for _, r := range s {
		if r == '`' {
			run++
			most = max(most, run)
		} else {
			run = 0
		}
	}
	return strings.Repeat("`", most+1)
}

func span(s markup.Span, name func(platforms.UserID) string) string {
	if s.Mention != "" {
		if n := name(s.Mention); n != "" {
			return "@" + n
		}
		return escape(s.Text)
	}
	if s.Code {
		return code(s.Text)
	}
	lead := s.Text[:len(s.Text)-len(strings.TrimLeft(s.Text, " \n\t"))]
	core := strings.Trim(s.Text, " \n\t")
	tail := strings.TrimPrefix(s.Text[len(lead):], core)
	if core == "" {
		return s.Text
	}
	out := escape(core)
	if s.Strike {
		out = "~~" + out + "~~"
	}
	if s.Italic {
		out = "*" + out + "*"
	}
	if s.Bold {
		out = "**" + out + "**"
	}
	if s.Link != "" {
		out = "[" + out + "](" + destination(s.Link) + ")"
	}
	return lead + out + tail
}

// code is a code span: what is in it needs no escapes, and can have none.
func code(s string) string {
	fence := strings.TrimPrefix(longest(s), "``")
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

func destination(u string) string {
	return strings.NewReplacer("(", "%28", ")", "%29", " ", "%20", "<", "%3C", ">", "%3E", "\\", "%5C").Replace(u)
}

// link is an address as a text that leads there.
func link(u string) string {
	if strings.ContainsAny(u, " \n\t") {
		return escape(u)
	}
	return "[" + escape(u) + "](" + destination(u) + ")"
}
