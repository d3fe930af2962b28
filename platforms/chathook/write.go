package chathook

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// This file writes texts in the Markdown of a chat. A plain text, and every text
// within Markdown, is escaped so that all of it is shown as it is and calls
// nobody.

// invisible (U+200B) parts a mark from the word that it would act upon, where no
// escape does.
const invisible = "\u200b"

// quiet is a text for a chat that reads no Markdown, and mentions at an @.
func quiet(s string, f platforms.Format) string {
	if f == platforms.Markdown {
		s = markup.Plain(markup.Parse(s))
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = webAddress.ReplaceAllStringFunc(s, unsigned)
	var b strings.Builder
	for i, r := range s {
		b.WriteRune(r)
		if next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):]); r == '@' && word(next) {
			b.WriteString(invisible)
		}
	}
	return b.String()
}

// webAddress is an address within a text.
var webAddress = regexp.MustCompile(`https?://[^\s<>()]+`)

// unsigned is an address without the sign of a mention, leading to the same place.
func unsigned(address string) string { return strings.ReplaceAll(address, "@", "%40") }

func word(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// dialect is how a chat reads Markdown.
type dialect struct {
	special  string                                    // what a backslash stands before, anywhere
	quiet    func(r, next rune) (before, after string) // what keeps a character from acting, beside that
	indented bool                                      // four spaces at a line's start make code
	levels   int                                       // of headings; lower ones are bold
	mask     func(label, link string) bool             // whether [label](link) becomes a link
}

// writeDiscord writes as https://support.discord.com/hc/en-us/articles/210298617
// says: a backslash before any character that is neither a letter, a digit nor
// white space shows it as it is.
func writeDiscord(s string, f platforms.Format) string {
	return dialect{
		special: "\\*_~`|<>[]", levels: 3,
		quiet: func(r, next rune) (string, string) {
			if r == '@' && word(next) || r == ':' && (word(next) || next == '/') {
				return `\`, ""
			}
			return "", ""
		},
		// None is made where the label is an address itself.
		mask: func(label, link string) bool {
			return !strings.HasPrefix(link, "mailto:") && !strings.Contains(label, "://") && !strings.ContainsAny(label, "[]`\\")
		},
	}.write(s, f)
}

// writeMattermost writes as https://docs.mattermost.com/collaborate/format-messages.html
// says. A mention and an emoji are told by their sign alone, which no backslash
// takes away.
func writeMattermost(s string, f platforms.Format) string {
	return dialect{
		special: "\\`*_{}[]()#+-.!|<>~&=", levels: 6, indented: true,
		quiet: func(r, next rune) (string, string) {
			if (r == '@' || r == ':') && (word(next) || next == '-' || next == '+') || r == '~' && word(next) {
				return "", invisible
			}
			return "", ""
		},
		mask: func(string, string) bool { return true },
	}.write(s, f)
}

func (d dialect) write(s string, f platforms.Format) string {
	w := writer{d: d}
	s = strings.ToValidUTF8(s, "\uFFFD")
	if f != platforms.Markdown {
		for i, l := range strings.Split(s, "\n") {
			if i > 0 {
				w.out.WriteByte('\n')
			}
			w.out.WriteString(d.line(l, true))
		}
		return w.out.String()
	}
	blocks := markup.Parse(s)
	for i, b := range blocks {
		if i > 0 {
			w.out.WriteByte('\n')
			if b.Kind != markup.Item || blocks[i-1].Kind != markup.Item {
				w.out.WriteByte('\n')
			}
		}
		w.block(b)
	}
	return w.out.String()
}

// plainAddress is a web address that is made a link as a whole: it holds nothing
// at which the link could end, and no mark.
var plainAddress = regexp.MustCompile(`^https?://[A-Za-z0-9][A-Za-z0-9\-._/?#&,;=%+@]*[A-Za-z0-9/=\-]$`)

// line is a stretch of one line so that every character shows. start says that
// it begins the line.
func (d dialect) line(s string, start bool) string {
	var b strings.Builder
	if start {
		blank := s[:len(s)-len(strings.TrimLeft(s, " \t"))]
		if d.indented && (strings.HasPrefix(blank, "\t") || strings.HasPrefix(blank, "    ")) {
			b.WriteString(invisible)
		}
		b.WriteString(blank)
		s = s[len(blank):]
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		switch {
		case s == "":
		case strings.ContainsRune("#>-+", rune(s[0])) && !strings.ContainsRune(d.special, rune(s[0])):
			b.WriteString(`\` + s[:1])
			s = s[1:]
		case digits > 0 && digits < len(s) && (s[digits] == '.' || s[digits] == ')'):
			b.WriteString(s[:digits] + `\` + s[digits:digits+1])
			s = s[digits+1:]
		}
	}
	for i, part := range strings.SplitAfter(s, " ") {
		core := strings.TrimSuffix(part, " ")
		if (i > 0 || start) && plainAddress.MatchString(core) {
			b.WriteString(unsigned(part))
			continue
		}
		for j, r := range part {
			next, _ := utf8.DecodeRuneInString(part[j+utf8.RuneLen(r):])
			if strings.ContainsRune(d.special, r) {
				b.WriteByte('\\')
			}
			before, after := d.quiet(r, next)
			b.WriteString(before)
			b.WriteRune(r)
			b.WriteString(after)
		}
	}
	return b.String()
}

// writer writes blocks.
type writer struct {
	d   dialect
	out strings.Builder
}

func (w *writer) block(b markup.Block) {
	prefix, bold := "", false
	switch b.Kind {
	case markup.Code:
		w.code(b)
		return
	case markup.Heading:
		if bold = b.Level > w.d.levels; !bold {
			w.out.WriteString(strings.Repeat("#", max(1, b.Level)) + " ")
		}
	case markup.Item:
		indent := strings.Repeat("  ", max(0, min(b.Level, 8)))
		if w.d.indented {
			indent += indent
		}
		label := "- "
		if n := strings.TrimSuffix(b.Label, "."); n != b.Label && n != "" && strings.Trim(n, "0123456789") == "" {
			label = b.Label + " "
		}
		w.out.WriteString(indent + label)
		prefix = indent + "  "
	case markup.Quote:
		prefix = "> "
		w.out.WriteString(prefix)
	}
	fresh := b.Kind == markup.Paragraph || b.Kind == markup.Quote
	free := true // the character before is no mark of a style
	for _, s := range b.Spans {
		s.Bold = s.Bold || bold
		for i, l := range strings.Split(s.Text, "\n") {
			if i > 0 {
				w.out.WriteByte('\n')
				w.out.WriteString(prefix)
				fresh, free = true, true
			}
			if l != "" {
				free = w.span(l, s, fresh, free)
				fresh = false
			}
		}
	}
}

// code writes a block of code, in which nothing is escaped: what would end it is
// text instead.
func (w *writer) code(b markup.Block) {
	if strings.Contains(b.Code, "``") || strings.HasSuffix(b.Code, "`") || strings.TrimSpace(b.Code) == "" {
		for i, l := range strings.Split(b.Code, "\n") {
			if i > 0 {
				w.out.WriteByte('\n')
			}
			w.out.WriteString(w.d.line(l, true))
		}
		return
	}
	w.out.WriteString("```" + b.Lang + "\n" + b.Code + "\n```")
}

// span writes a stretch of one line, and reports whether a style may follow at
// once. Right behind another style's mark it is written without: text that lacks
// a style beats text with stars in it.
func (w *writer) span(l string, s markup.Span, fresh, free bool) bool {
	core := strings.TrimSpace(l)
	if core == "" {
		w.out.WriteString(l)
		return true
	}
	before := l[:strings.Index(l, core)]
	after := l[len(before)+len(core):]
	free = free || before != ""
	styled := (s.Bold || s.Italic || s.Strike || s.Code) && free
	link := s.Link != "" && w.d.mask(core, s.Link) && !strings.ContainsAny(s.Link, "()<>[]\\\"' \t\n`")
	w.out.WriteString(before)
	var text string
	switch {
	case s.Code && styled && !strings.Contains(core, "`"):
		text = "`" + core + "`"
		s.Bold, s.Italic, s.Strike = false, false, false
	default:
		text = w.d.line(core, fresh && !styled && !link)
	}
	if styled {
		if s.Italic {
			text = "*" + text + "*"
		}
		if s.Bold {
			text = "**" + text + "**"
		}
		if s.Strike {
			text = "~~" + text + "~~"
		}
	}
	switch {
	case link && s.Link != core:
		text = "[" + text + "](" + unsigned(s.Link) + ")"
	case s.Link != "" && s.Link != core:
		text += " (" + w.d.line(s.Link, false) + ")"
	}
	w.out.WriteString(text + after)
	return after != "" || !styled
}
