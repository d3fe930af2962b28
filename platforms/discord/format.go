package discord

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// This file writes texts in the platform's Markdown. A backslash before any
// character that is neither a letter, a digit nor white space shows it as it is.
// https://support.discord.com/hc/en-us/articles/210298617

// write is s in the platform's form, and whom it mentions.
func write(s string, f platforms.Format) (content string, users []string) {
	if f != platforms.Markdown {
		return escape(s), nil
	}
	var w writer
	w.blocks(markup.Parse(s))
	return w.out.String(), w.users
}

// length is Platform.Length.
func length(s string, f platforms.Format) int {
	content, _ := write(s, f)
	return utf8.RuneCountInString(content)
}

// address is a web address that Discord makes a link of, as a whole: nothing in
// it is read as a mark. It stands at the start or behind white space, and before
// white space or the end, and holds no character at which the link could end.
var webAddress = regexp.MustCompile(`^https?://[A-Za-z0-9][A-Za-z0-9\-._~/?#@!$&*+,;=%:]*[A-Za-z0-9/_=&#~\-]$`)

// escape writes s so that every character shows as it is.
func escape(s string) string {
	var b strings.Builder
	for i, l := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		escapeLine(&b, l, true)
	}
	return b.String()
}

// escapeLine writes a stretch of one line. start says that it begins the line.
func escapeLine(b *strings.Builder, l string, start bool) {
	if start {
		blank := len(l) - len(strings.TrimLeft(l, " \t"))
		b.WriteString(l[:blank])
		l = l[blank:]
		l = escapeStart(b, l)
	}
	for l != "" {
		// Word by word, for the sake of addresses.
		n := strings.IndexAny(l, " \t")
		word := l
		if n >= 0 {
			word = l[:n]
		}
		if start && webAddress.MatchString(word) {
			b.WriteString(word)
		} else {
			escapeWord(b, word)
		}
		start = true // behind white space
		if n < 0 {
			return
		}
		b.WriteByte(l[n])
		l = l[n+1:]
	}
}

// escapeStart writes what would make a heading, a list, a quotation or small
// print of a line, and returns the rest.
func escapeStart(b *strings.Builder, l string) string {
	digits := len(l) - len(strings.TrimLeft(l, "0123456789"))
	switch {
	case l == "":
	case strings.ContainsRune("#>-+", rune(l[0])):
		b.WriteByte('\\')
		b.WriteByte(l[0])
		return l[1:]
	case digits > 0 && digits < len(l) && (l[digits] == '.' || l[digits] == ')'):
		b.WriteString(l[:digits] + `\` + l[digits:digits+1])
		return l[digits+1:]
	}
	return l
}

// emoji is a name between colons, of which Discord may make a picture.
var emoji = regexp.MustCompile(`^:[^\s:]+:`)

func escapeWord(b *strings.Builder, word string) {
	for i, r := range word {
		switch {
		case strings.ContainsRune("\\*_~`|<>[]", r),
			r == '@' && (strings.HasPrefix(word[i:], "@everyone") || strings.HasPrefix(word[i:], "@here")),
			r == ':' && (strings.HasPrefix(word[i:], "://") || emoji.MatchString(word[i:])):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
}

// writer writes blocks.
type writer struct {
	out   strings.Builder
	users []string
}

// usersMost is how many people one message may mention.
const usersMost = 100

func (w *writer) blocks(blocks []markup.Block) {
	for i, b := range blocks {
		if i > 0 {
			w.out.WriteByte('\n')
			if b.Kind != markup.Item || blocks[i-1].Kind != markup.Item {
				w.out.WriteByte('\n')
			}
		}
		if b.Kind == markup.Code {
			// Nothing is escaped in there: what would end it is text instead.
			if strings.Contains(b.Code, "``") || strings.HasSuffix(b.Code, "`") || strings.TrimSpace(b.Code) == "" {
				w.out.WriteString(escape(b.Code))
			} else {
				w.out.WriteString("```" + b.Lang + "\n" + b.Code + "\n```")
			}
			continue
		}
		prefix, bold := start(b)
		w.out.WriteString(prefix)
		w.spans(b, prefix, bold)
	}
}

// start is what stands before a block, and whether its text is bold for want of
// something better: there are three levels of headings.
func start(b markup.Block) (prefix string, bold bool) {
	switch b.Kind {
	case markup.Heading:
		if b.Level <= 3 {
			return strings.Repeat("#", max(1, b.Level)) + " ", false
		}
		return "", true
	case markup.Item:
		indent := strings.Repeat("  ", max(0, min(b.Level, 8)))
		if label := strings.TrimSuffix(b.Label, "."); label != b.Label && label != "" && strings.Trim(label, "0123456789") == "" {
			return indent + b.Label + " ", false
		}
		return indent + "- ", false
	case markup.Quote:
		return "> ", false
	}
	return "", false
}

func (w *writer) spans(b markup.Block, prefix string, bold bool) {
	fresh := true // at the start of a line's text
	for i, s := range b.Spans {
		if s.Mention != "" && snowflake(string(s.Mention)) != 0 && len(w.users) < usersMost {
			id := snowflake(string(s.Mention)).String()
			w.out.WriteString("<@" + id + ">")
			w.users = append(w.users, id)
			fresh = false
			continue
		}
		next := ""
		if i+1 < len(b.Spans) {
			next = b.Spans[i+1].Text
		}
		s.Bold = s.Bold || bold
		lines := strings.Split(s.Text, "\n") // a mark does not reach over a line's end
		for j, l := range lines {
			if j > 0 {
				w.out.WriteByte('\n')
				if b.Kind == markup.Quote {
					w.out.WriteString(prefix)
				} else if b.Kind == markup.Item {
					w.out.WriteString(strings.Repeat("  ", max(0, min(b.Level, 8))+1))
				}
				fresh = true
			}
			if l == "" {
				continue
			}
			after := ""
			if j == len(lines)-1 {
				after = next
			}
			w.span(l, s, fresh, after)
			fresh = false
		}
	}
}

// span writes a stretch of one line. Where a mark would run into its
// neighbours, it is left out: text that lacks a style beats text with stars in
// it.
func (w *writer) span(l string, s markup.Span, fresh bool, next string) {
	core := strings.TrimSpace(l)
	if core == "" {
		w.out.WriteString(l)
		return
	}
	before := l[:strings.Index(l, core)]
	after := l[len(before)+len(core):]
	w.out.WriteString(before)
	var inner strings.Builder
	styled := s.Bold || s.Italic || s.Strike || s.Code || s.Link != ""
	behindSpace := before != "" || fresh || endsInSpace(w.out.String())
	switch {
	case s.Code && !strings.Contains(core, "`"):
		inner.WriteString("`" + core + "`")
	case s.Link != "" && maskable(core, s.Link):
		inner.WriteByte('[')
		escapeWords(&inner, core)
		inner.WriteString("](" + s.Link + ")")
	default:
		escapeLine(&inner, core, behindSpace && !styled && !fresh)
		if fresh && !styled {
			inner.Reset()
			escapeLine(&inner, core, true)
		}
		if s.Link != "" && s.Link != core {
			inner.WriteString(" (")
			escapeWord(&inner, s.Link)
			inner.WriteString(")")
		}
	}
	text := inner.String()
	if styled {
		text = w.style(text, s, next, after)
	}
	w.out.WriteString(text)
	w.out.WriteString(after)
}

// escapeWords is escapeLine where no address and no start of a line is.
func escapeWords(b *strings.Builder, s string) { escapeWord(b, s) }

func endsInSpace(s string) bool {
	return s == "" || strings.HasSuffix(s, " ") || strings.HasSuffix(s, "\n") || strings.HasSuffix(s, "\t")
}

func (w *writer) style(text string, s markup.Span, next, after string) string {
	written := w.out.String()
	tail := strings.TrimRight(written, "*_~`")
	free := len(tail) == len(written) || strings.HasSuffix(tail, `\`)
	if !free {
		return text // right behind another mark
	}
	if s.Code && strings.HasPrefix(text, "`") && after == "" && strings.HasPrefix(next, "`") {
		return text
	}
	if s.Italic {
		r, _ := utf8.DecodeRuneInString(next)
		if after == "" && next != "" && (r == '_' || r >= utf8.RuneSelf || !notWord(r)) {
			text = "*" + text + "*"
			if s.Bold || s.Strike {
				text = "_" + text[1:len(text)-1] + "_" // its neighbour is another mark
			}
		} else {
			text = "_" + text + "_"
		}
	}
	if s.Bold {
		text = "**" + text + "**"
	}
	if s.Strike {
		text = "~~" + text + "~~"
	}
	return text
}

// maskable reports whether a text can be made a link to an address: Discord
// makes none where the text is an address itself, or where either holds what
// ends it.
func maskable(s, link string) bool {
	return (strings.HasPrefix(link, "http://") || strings.HasPrefix(link, "https://")) &&
		!strings.ContainsAny(link, "()<>[]\\\"' \t\n`") && !strings.Contains(s, "://") && !strings.ContainsAny(s, "[]`\\")
}
