package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sentence gives an error's words a capital and, unless they end with a mark of
// their own, a full stop.
func Sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	if r != utf8.RuneError {
		s = string(unicode.ToUpper(r)) + s[n:]
	}
	if !strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "?") {
		s += "."
	}
	return s
}
