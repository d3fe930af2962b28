package model

import (
	"strings"
	"unicode"
)

// line makes text from outside safe to stand inside our own: one line, no
// control or invisible formatting characters, at most max runes.
func line(s string, max int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			continue
		}
		need := 1
		if space && n > 0 {
			need = 2
		}
		if n+need > max {
			out := []rune(b.String())
			if len(out) >= max && max > 0 {
				out = out[:max-1]
			}
			return string(out) + "…"
		}
		if space && n > 0 {
			b.WriteByte(' ')
			n++
		}
		b.WriteRune(r)
		n++
		space = false
	}
	return b.String()
}
