package hooks

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/platforms/text"
)

// mostSearch is how far the end of a mark is looked for, in bytes.
const mostSearch = 1000

// entities is what mrkdwn writes for its three characters of control.
var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// fromMrkdwn is mrkdwn as our Markdown
// (https://docs.slack.dev/messaging/formatting-message-text/). Whom it mentions
// is shown by name and not called.
func fromMrkdwn(s string) string {
	s = text.Block(beginning(s))
	var b strings.Builder
	for s != "" {
		before, rest, found := strings.Cut(s, "```")
		code, after, closed := strings.Cut(rest, "```")
		if !found || !closed || strings.TrimSpace(code) == "" {
			b.WriteString(mrkdwnLines(s))
			break
		}
		b.WriteString(strings.TrimRight(mrkdwnLines(before), " \n"))
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(fence(entities.Replace(unlinked(code)), ""))
		if s = strings.TrimLeft(after, " \n"); s != "" {
			b.WriteString("\n\n")
		}
	}
	return b.String()
}

// mrkdwnLines is text without blocks of code.
func mrkdwnLines(s string) string {
	var b strings.Builder
	quoting, all := false, false
	for i, l := range strings.Split(s, "\n") {
		q, quoted := strings.CutPrefix(l, "&gt;")
		if !quoted {
			q, quoted = strings.CutPrefix(l, ">")
		}
		if quoted && (strings.HasPrefix(q, "&gt;&gt;") || strings.HasPrefix(q, ">>")) { // the rest of the text
			all, q = true, strings.TrimPrefix(strings.TrimPrefix(q, "&gt;&gt;"), ">>")
		}
		if all && !quoted {
			q, quoted = l, true
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		switch {
		case quoted:
			if i > 0 && !quoting {
				b.WriteByte('\n')
			}
			b.WriteString("> " + mrkdwnInline(strings.TrimLeft(q, " "), ""))
		default:
			if quoting && strings.TrimSpace(l) != "" {
				b.WriteByte('\n')
			}
			b.WriteString(mrkdwnInline(l, ""))
		}
		quoting = quoted
	}
	return b.String()
}

// markOf is one of mrkdwn's marks in Markdown.
func markOf(c byte) string {
	switch c {
	case '*':
		return "**"
	case '_':
		return "*"
	case '~':
		return "~~"
	}
	return ""
}

// mrkdwnInline is a stretch of one line; inside is the marks that are open.
func mrkdwnInline(s, inside string) string {
	var b strings.Builder
	from := 0
	literal := func(to int) { b.WriteString(escaped(entities.Replace(s[from:to]))) }
	for i := 0; i < len(s); i++ {
		near := s[i+1 : min(len(s), i+1+mostSearch)]
		switch c := s[i]; c {
		case '`':
			if n := strings.IndexByte(near, '`'); n > 0 {
				literal(i)
				b.WriteString(span(entities.Replace(unlinked(near[:n]))))
				i += n + 1
				from = i + 1
			}
		case '<':
			if n := strings.IndexByte(near, '>'); n > 0 {
				literal(i)
				b.WriteString(special(near[:n], true))
				i += n + 1
				from = i + 1
			}
		case '*', '_', '~':
			if strings.IndexByte(inside, c) >= 0 || i > 0 && s[i-1] == c || !boundaryBefore(s[:i]) {
				continue
			}
			if n := closing(near, c); n > 0 {
				literal(i)
				m := markOf(c)
				b.WriteString(m + mrkdwnInline(near[:n], inside+string(c)) + m)
				i += n + 1
				from = i + 1
			}
		}
	}
	literal(len(s))
	return b.String()
}

func boundaryBefore(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n == 0 || !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// closing is where the mark c ends what follows it, or -1. White space stands
// neither after the first mark nor before the last.
func closing(s string, c byte) int {
	if s == "" || s[0] == ' ' || s[0] == '\t' || s[0] == c {
		return -1
	}
	for i := 1; i < len(s); i++ {
		if s[i] != c || s[i-1] == ' ' || s[i-1] == '\t' {
			continue
		}
		if r, n := utf8.DecodeRuneInString(s[i+1:]); n == 0 || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
	}
	return -1
}

// special is what stands between < and >: a link, or a mention by name, which
// mentions nobody. marked: as Markdown.
func special(s string, marked bool) string {
	what, label, _ := strings.Cut(s, "|")
	what, label = entities.Replace(what), entities.Replace(label)
	show := label
	switch {
	case strings.HasPrefix(what, "@"), strings.HasPrefix(what, "#"):
		if show == "" {
			show = what[1:]
		}
		show = what[:1] + strings.TrimLeft(show, "@#")
	case strings.HasPrefix(what, "!"):
		if show == "" {
			name, _, _ := strings.Cut(what[1:], "^")
			show = "@" + name
		}
	case webAddress(what) && marked:
		return linked(label, what)
	case show == "":
		show = strings.TrimPrefix(what, "mailto:")
	}
	if !marked {
		return show
	}
	return escaped(show)
}

// unlinked is code, in which links stand as what they show.
func unlinked(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "<")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		in, after, ok := strings.Cut(rest, ">")
		if !ok || in == "" || strings.ContainsAny(in, "\n<") {
			b.WriteByte('<')
			s = rest
			continue
		}
		b.WriteString(special(in, false))
		s = after
	}
}
