package discordtest

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// This file shows a message as Discord's clients do, in plain text. The rules are
// those of https://support.discord.com/hc/en-us/articles/210298617 and of the
// parser that the clients are built on, https://github.com/discord/simple-markdown.

var (
	fence    = regexp.MustCompile("^```(?:([A-Za-z0-9_+\\-.#]+?)\n)?\n*([^\n](?s:.*?))\n*```")
	heading  = regexp.MustCompile(`^ *(?:#{1,3}|-#)[ \t]+(\S.*)$`)
	quote    = regexp.MustCompile(`^ *>(?:>>)? (.*)$`)
	listItem = regexp.MustCompile(`^( *)([-*]|\d{1,9}\.)[ \t]+(\S.*)$`)
	webLink  = regexp.MustCompile(`^https?://[^\s<]+[^<.,:;"'\]\s]`)
	masked   = regexp.MustCompile(`^\[((?:\[[^\]]*\]|[^\[\]])*)\]\(\s*<?((?:\([^)\s]*\)|[^\s\\()<>])*)>?(?:\s+['"][^'"]*['"])?\s*\)`)
	person   = regexp.MustCompile(`^<@!?(\d+)>`)
	marker   = regexp.MustCompile(`^<(?:@&\d+|#\d+|a?:\w+:\d+|t:-?\d+(?::\w)?|/[^:>]+:\d+|id:\w+)>`)
	hidden   = regexp.MustCompile(`^<(https?://[^\s<>]+)>`)
	picture  = regexp.MustCompile(`^:([A-Za-z][^\s:]*):`)
)

// render shows content to a reader; shown gives a mention's text.
func render(content string, shown func(string) (string, bool)) string {
	v := viewer{shown}
	var out strings.Builder
	fresh := true
	for content != "" {
		if m := fence.FindStringSubmatch(content); m != nil {
			out.WriteString(m[2])
			content, fresh = content[len(m[0]):], false
			continue
		}
		// Up to the next fence that is not escaped, line by line.
		n := nextFence(content)
		piece := content[:n]
		content = content[n:]
		for i, line := range strings.Split(piece, "\n") {
			if i > 0 {
				out.WriteByte('\n')
				fresh = true
			}
			if fresh {
				out.WriteString(v.line(line))
			} else {
				out.WriteString(v.inline(line))
			}
			fresh = false
		}
	}
	return out.String()
}

// nextFence is where the next fenced block begins in s, behind its first byte.
func nextFence(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
			continue
		}
		if i > 0 && strings.HasPrefix(s[i:], "```") && fence.MatchString(s[i:]) {
			return i
		}
	}
	return len(s)
}

type viewer struct {
	shown func(string) (string, bool)
}

func (v viewer) line(s string) string {
	if m := quote.FindStringSubmatch(s); m != nil {
		return "▎" + v.line(m[1])
	}
	if m := heading.FindStringSubmatch(s); m != nil {
		return v.inline(m[1])
	}
	if m := listItem.FindStringSubmatch(s); m != nil {
		if m[2] == "-" || m[2] == "*" {
			m[2] = "•"
		}
		return m[1] + m[2] + " " + v.inline(m[3])
	}
	return v.inline(s)
}

// inline shows a stretch of one line.
func (v viewer) inline(s string) string {
	var out strings.Builder
	for s != "" {
		n, text := v.token(s)
		out.WriteString(text)
		s = s[n:]
	}
	return out.String()
}

// token reads what s begins with: how long it is, and what is shown.
func (v viewer) token(s string) (int, string) {
	r, size := utf8.DecodeRuneInString(s)
	switch r {
	case '\\':
		if next, n := utf8.DecodeRuneInString(s[1:]); n > 0 && !alphanumeric(next) && next != ' ' && next != '\t' {
			return 1 + n, s[1 : 1+n]
		}
	case '`':
		if n, text, ok := code(s); ok {
			return n, text
		}
	case '<':
		if m := person.FindStringSubmatch(s); m != nil {
			if name, ok := v.shown(m[1]); ok {
				return len(m[0]), name
			}
			return len(m[0]), "@unknown-user"
		}
		if m := hidden.FindStringSubmatch(s); m != nil {
			return len(m[0]), m[1]
		}
		if m := marker.FindString(s); m != "" {
			return len(m), "⟦" + m[1:len(m)-1] + "⟧"
		}
	case 'h':
		if m := webLink.FindString(s); m != "" {
			for strings.HasSuffix(m, ")") && strings.Count(m, ")") > strings.Count(m, "(") {
				m = m[:len(m)-1]
			}
			return len(m), m
		}
	case '[':
		if m := masked.FindStringSubmatch(s); m != nil && strings.HasPrefix(m[2], "http") {
			return len(m[0]), v.inline(m[1])
		}
	case ':':
		if m := picture.FindStringSubmatch(s); m != nil {
			return len(m[0]), "⟦" + m[1] + "⟧"
		}
	case '@':
		for _, all := range []string{"@everyone", "@here"} {
			if strings.HasPrefix(s, all) {
				return len(all), "⟦" + all[1:] + "⟧"
			}
		}
	case '*', '_', '~', '|':
		for _, mark := range []string{"**", "__", "~~", "||"} {
			if n, ok := double(s, mark); ok {
				return n, v.inline(s[2 : n-2])
			}
		}
		if n, ok := single(s); ok {
			return n, v.inline(s[1 : n-1])
		}
	}
	return size, s[:size]
}

func alphanumeric(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// code reads `code`, with any number of backticks around it.
func code(s string) (n int, text string, ok bool) {
	ticks := len(s) - len(strings.TrimLeft(s, "`"))
	for at := ticks; at < len(s); {
		i := strings.IndexByte(s[at:], '`')
		if i < 0 {
			return 0, "", false
		}
		at += i
		run := len(s[at:]) - len(strings.TrimLeft(s[at:], "`"))
		if run == ticks && at > ticks {
			return at + run, strings.TrimSpace(s[ticks:at]), true
		}
		at += run
	}
	return 0, "", false
}

// skip is behind the escape, code or address at s[i:], or i+1.
func skip(s string, i int) int {
	switch {
	case s[i] == '\\' && i+1 < len(s):
		_, n := utf8.DecodeRuneInString(s[i+1:])
		return i + 1 + n
	case s[i] == '`':
		if n, _, ok := code(s[i:]); ok {
			return i + n
		}
	}
	return i + 1
}

// double reads what stands between two pairs of marks.
func double(s, mark string) (int, bool) {
	if !strings.HasPrefix(s, mark) {
		return 0, false
	}
	for i := 2; i < len(s); i = skip(s, i) {
		if i > 2 && strings.HasPrefix(s[i:], mark) {
			end := i + 2
			for strings.HasPrefix(s[end:], mark[:1]) && mark != "||" { // the last of many
				end++
			}
			if mark == "~~" && strings.HasPrefix(s[end:], "_") {
				continue
			}
			return end, true
		}
	}
	return 0, false
}

// single reads *what* or _what_.
func single(s string) (int, bool) {
	mark := s[0]
	if mark != '*' && mark != '_' || len(s) < 3 || s[1] == mark || mark == '*' && (s[1] == ' ' || s[1] == '\t') {
		return 0, false
	}
	for i := 1; i < len(s); {
		if s[i] == mark && i+1 < len(s) && s[i+1] == mark { // a pair within
			i += 2
			continue
		}
		if s[i] == mark && i > 1 {
			word := i+1 < len(s) && (alphanumeric(rune(s[i+1])) || s[i+1] == '_')
			if mark == '_' && word || mark == '*' && (s[i-1] == ' ' || s[i-1] == '\t') {
				i++
				continue
			}
			return i + 1, true
		}
		i = skip(s, i)
	}
	return 0, false
}
