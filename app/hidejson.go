package app

import "strings"

// nameMost is how long a field's name is that is looked at, in bytes.
const nameMost = 40

// fields is JSON without the values of fields that are named like secrets, also
// of JSON that is a text in it. It is read once, from colon to colon: a body may
// be large, and what comes waits to be noted. A value without an end is one that
// was cut.
func (h hider) fields(s string) (string, int) {
	var b strings.Builder
	end, n := 0, 0
	for at := 0; ; {
		i := strings.IndexByte(s[at:], ':')
		if i < 0 {
			break
		}
		colon := at + i
		at = colon + 1
		name, deep, ok := nameBefore(s[end:colon])
		if !ok || !mayAct(name) || !h.name.MatchString(name) {
			continue
		}
		from, to, ok := textAfter(s, at, deep)
		if !ok || from == to {
			continue
		}
		b.WriteString(s[end:from])
		b.WriteString(masked)
		end, at, n = to, to, n+1
	}
	if n == 0 {
		return s, 0
	}
	b.WriteString(s[end:])
	return b.String(), n
}

// mayAct sorts out most names: all that let somebody act end in one of these.
func mayAct(name string) bool {
	for _, last := range []string{"token", "secret", "key", "url", "word", "wd", "phrase", "ation", "mac"} {
		if len(name) >= len(last) && strings.EqualFold(name[len(name)-len(last):], last) {
			return true
		}
	}
	return false
}

// nameBefore is the quoted name that s ends with, and how many backslashes stand
// before each of its quotes.
func nameBefore(s string) (name string, deep int, ok bool) {
	s = strings.TrimRight(s, " \t\r\n")
	if !strings.HasSuffix(s, `"`) {
		return "", 0, false
	}
	s = s[:len(s)-1]
	whole := len(s)
	s = strings.TrimRight(s, `\`)
	deep = whole - len(s)
	from := strings.LastIndexByte(s[max(0, len(s)-nameMost-1):], '"')
	if from < 0 {
		return "", 0, false
	}
	return s[max(0, len(s)-nameMost-1)+from+1:], deep, true
}

// textAfter is where in s, from at on, a text stands whose quotes have so many
// backslashes before them.
func textAfter(s string, at, deep int) (from, to int, ok bool) {
	for at < len(s) && strings.IndexByte(" \t\r\n", s[at]) >= 0 {
		at++
	}
	first := at
	for at < len(s) && s[at] == '\\' {
		at++
	}
	if at >= len(s) || s[at] != '"' || at-first != deep { // or it ends what the name stands in
		return 0, 0, false
	}
	from = at + 1
	for at = from; ; at++ {
		i := strings.IndexByte(s[at:], '"')
		if i < 0 {
			return from, len(s), true
		}
		at += i
		slashes := 0
		for at-slashes > from && s[at-slashes-1] == '\\' {
			slashes++
		}
		// Of JSON that is a text, each quote has a backslash more, and each backslash
		// is two: an even number of them is left where a text ends, the outermost first.
		for own := 0; own <= deep; own, slashes = 2*own+1, slashes/2 {
			if slashes%2 == 0 {
				return from, at - own, true
			}
		}
	}
}
