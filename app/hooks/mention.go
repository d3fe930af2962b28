package hooks

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostMentions is how many members one post addresses.
const mostMentions = 50

var mention = regexp.MustCompile(`@[A-Za-z0-9_]+`)

// place is where a mention stands, its @ included.
type place struct{ from, to int }

// mentions finds each @username that has a left boundary: bob@alice.com
// mentions nobody.
func mentions(s string) []place {
	var out []place
	for _, m := range mention.FindAllStringIndex(s, -1) {
		before, _ := utf8.DecodeLastRuneInString(s[:m[0]])
		if m[0] > 0 && (unicode.IsLetter(before) || unicode.IsDigit(before) || before == '_' || before == '@') || everybody(s[m[0]+1:m[1]]) {
			continue
		}
		out = append(out, place{m[0], m[1]})
	}
	return out
}

// everybody reports whether a name addresses all who are there.
func everybody(name string) bool {
	switch strings.ToLower(name) {
	case "everyone", "here", "channel", "all":
		return true
	}
	return false
}

// names is who a text mentions, each once.
func names(s string) []string {
	var out []string
	seen := map[string]bool{}
	for _, m := range mentions(s) {
		if name := s[m.from+1 : m.to]; !seen[name] {
			seen[name] = true
			out = append(out, name)
		}
	}
	return out
}
