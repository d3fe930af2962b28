package chathooktest

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// This file shows Markdown as a reader sees it, in plain text: as Discord's
// clients do, https://support.discord.com/hc/en-us/articles/210298617, or as
// Mattermost's, https://docs.mattermost.com/collaborate/format-messages.html.
// What would be a mention, an emoji or HTML stands between ⟦ and ⟧.

var (
	fence    = regexp.MustCompile("(?s)^```(?:[A-Za-z0-9_+\\-.#]*\n)?(.*?)\n?```")
	heading  = regexp.MustCompile(`^ {0,3}#{1,6}[ \t]+(\S.*)$`)
	quote    = regexp.MustCompile(`^ {0,3}> ?(.*)$`)
	listItem = regexp.MustCompile(`^( *)([-*+]|\d{1,9}[.)])[ \t]+(\S.*)$`)
	webLink  = regexp.MustCompile(`^https?://[^\s<\\]+[^<.,:;"'\]\s\\]`)
	masked   = regexp.MustCompile(`^\[((?:\\.|\[[^\]]*\]|[^\[\]\\])*)\]\(\s*<?([^\s()<>]*)>?\s*\)`)
	tag      = regexp.MustCompile(`^<(?:@[!&]?\d+|#\d+|a?:\w+:\d+|/?[A-Za-z!][^>]*)>`)
	emoji    = regexp.MustCompile(`^:[A-Za-z0-9_+\-]+:`)
	called   = regexp.MustCompile(`^@[A-Za-z0-9][A-Za-z0-9_.\-]*`)
	channel  = regexp.MustCompile(`^~[a-z0-9][a-z0-9_.\-]*`)
)

// viewer is one chat's clients.
type viewer struct {
	mattermost bool
}

func render(s string, mattermost bool) string {
	v := viewer{mattermost}
	var out strings.Builder
	fresh := true
	for s != "" {
		if fresh {
			if m := fence.FindStringSubmatch(s); m != nil {
				out.WriteString(m[1])
				s, fresh = s[len(m[0]):], false
				continue
			}
		}
		line, rest, more := strings.Cut(s, "\n")
		if fresh {
			out.WriteString(v.line(line))
		} else {
			out.WriteString(v.inline(line))
		}
		if more {
			out.WriteByte('\n')
		}
		s, fresh = rest, true
	}
	return out.String()
}

func (v viewer) line(s string) string {
	if v.mattermost && (strings.HasPrefix(s, "    ") || strings.HasPrefix(s, "\t")) && !listItem.MatchString(s) {
		return "⟦code⟧" + s
	}
	if m := quote.FindStringSubmatch(s); m != nil {
		return "▎" + v.line(m[1])
	}
	if m := heading.FindStringSubmatch(s); m != nil {
		return v.inline(m[1])
	}
	if m := listItem.FindStringSubmatch(s); m != nil {
		if len(m[2]) == 1 {
			m[2] = "•"
		}
		return m[1] + m[2] + " " + v.inline(m[3])
	}
	return v.inline(s)
}

// inline shows a stretch of one line.
func (v viewer) inline(s string) string {
	var out strings.Builder
	var last rune
	for s != "" {
		n, text := v.token(s, last)
		last, _ = utf8.DecodeLastRuneInString(s[:n])
		out.WriteString(text)
		s = s[n:]
	}
	return out.String()
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// token reads what s begins with, behind last: how long it is, and what is shown.
func (v viewer) token(s string, last rune) (int, string) {
	r, size := utf8.DecodeRuneInString(s)
	around := func(text string) string { return "⟦" + text + "⟧" }
	switch r {
	case '\\':
		if next, n := utf8.DecodeRuneInString(s[1:]); n == 1 && next > ' ' && !alphanumeric(next) {
			// A mention is found by its sign alone, escaped or not.
			if m := called.FindString(s[1:]); v.mattermost && m != "" {
				return 1 + len(m), around(m)
			}
			return 1 + n, s[1 : 1+n]
		}
	case '`':
		ticks := len(s) - len(strings.TrimLeft(s, "`"))
		if i := strings.Index(s[ticks:], s[:ticks]); i >= 0 {
			return 2*ticks + i, strings.TrimSpace(s[ticks : ticks+i])
		}
	case 'h':
		if m := webLink.FindString(s); m != "" && !alphanumeric(last) {
			for strings.HasSuffix(m, ")") && strings.Count(m, ")") > strings.Count(m, "(") {
				m = m[:len(m)-1]
			}
			return len(m), m
		}
	case '[':
		if m := masked.FindStringSubmatch(s); m != nil {
			return len(m[0]), v.inline(m[1])
		}
	case '<':
		if m := tag.FindString(s); m != "" {
			return len(m), around(m[1 : len(m)-1])
		}
	case ':':
		if m := emoji.FindString(s); m != "" {
			return len(m), around(m)
		}
	case '@':
		if m := called.FindString(s); m != "" && (v.mattermost || m == "@everyone" || m == "@here") {
			return len(m), around(m)
		}
	case '*', '_', '~', '|':
		if m := channel.FindString(s); v.mattermost && m != "" && !strings.Contains(m, "~~") && !strings.HasPrefix(s, "~~") {
			return len(m), around(m)
		}
		if n, width := styled(s, last); n > 0 {
			return n, v.inline(s[width : n-width])
		}
	}
	return size, s[:size]
}

// styled reads what stands between two marks: **, __, ~~, ||, * or _.
func styled(s string, last rune) (n, width int) {
	for _, mark := range []string{"**", "__", "~~", "||", "*", "_"} {
		if !strings.HasPrefix(s, mark) || len(s) <= len(mark) || strings.ContainsRune(" \t", rune(s[len(mark)])) || mark == "_" && alphanumeric(last) {
			continue
		}
		for i := len(mark); i < len(s); i++ {
			if s[i] == '\\' {
				i++
				continue
			}
			if i == len(mark) || !strings.HasPrefix(s[i:], mark) || s[i-1] == ' ' {
				continue
			}
			end := i + len(mark)
			if len(mark) == 1 && end < len(s) && s[end] == mark[0] { // a pair within
				i++
				continue
			}
			for len(mark) == 2 && end < len(s) && s[end] == mark[0] {
				end++
			}
			if mark == "_" && end < len(s) && alphanumeric(rune(s[end])) {
				continue
			}
			return end, len(mark)
		}
	}
	return 0, 0
}
