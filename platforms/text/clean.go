package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// marks is how many combining marks a character may carry: more than any
// language's spelling needs, too few to paint over the lines around.
const marks = 6

// Clean makes a name or title from outside fit to be shown in one line: Line
// without a bound.
func Clean(s string) string { return Line(s, 0) }

// Line makes text from outside fit to be shown in one line of at most maxRunes
// code points, the last of which is an ellipsis if something was cut off; zero
// or less means no bound. No grapheme cluster is cut.
//
// Invalid UTF-8 becomes U+FFFD; white space and control characters become one
// space; what is invisible or changes the direction of other text is taken
// out. Letters of right-to-left scripts and joined emoji stay as they are. It
// may return an empty string.
func Line(s string, maxRunes int) string {
	var b strings.Builder
	n, space := 0, false
	c := cleaner{s: s}
	for {
		r, ok := c.next()
		if !ok {
			break
		}
		if isSpace(r) || unicode.IsSpace(r) || unicode.IsControl(r) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		if n++; maxRunes > 0 && n > maxRunes+longestCluster {
			break
		}
	}
	out := b.String()
	if maxRunes <= 0 || utf8.RuneCountInString(out) <= maxRunes {
		return out
	}
	return shorten(out, maxRunes)
}

// longestCluster is how many runes beyond a bound are looked at, for telling
// where the last cluster inside it ends.
const longestCluster = 64

// Block makes text from outside fit to be shown in several lines. It does what
// Line does, but keeps line breaks, tabs and runs of spaces.
func Block(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	c := cleaner{s: s}
	for {
		r, ok := c.next()
		if !ok {
			return b.String()
		}
		switch {
		case r == '\r':
			if strings.HasPrefix(c.s[c.at:], "\n") {
				continue
			}
			r = '\n'
		case r == 0x85 || r == 0x2028 || r == 0x2029:
			r = '\n'
		case r != '\n' && r != '\t' && unicode.IsControl(r):
			r = ' '
		}
		b.WriteRune(r)
	}
}

// shorten cuts s, which has more than most runes, and puts an ellipsis.
func shorten(s string, most int) string {
	end := 0
	for range most - 1 {
		_, n := utf8.DecodeRuneInString(s[end:])
		end += n
	}
	at, state, rest := 0, -1, s
	for rest != "" {
		var c string
		c, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if at+len(c) > end {
			break
		}
		at += len(c)
	}
	return strings.TrimRight(s[:at], " ") + "…"
}

// cleaner gives the runes of s that may be shown.
type cleaner struct {
	s       string
	at      int
	last    rune // the last one given
	base    rune // the last one given that is no mark
	marks   int  // since then
	tagging bool // in the name of a flag: U+1F3F4 and tag characters
}

func (c *cleaner) next() (rune, bool) {
	for c.at < len(c.s) {
		r, n := utf8.DecodeRuneInString(c.s[c.at:])
		c.at += n
		if !c.keep(r) {
			continue
		}
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			c.marks++
		} else if r != 0x200C && r != 0x200D {
			c.marks, c.base = 0, r
		}
		c.tagging = r == 0x1F3F4 || c.tagging && tag(r)
		c.last = r
		return r, true
	}
	return 0, false
}

func (c *cleaner) keep(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return true
	case tag(r):
		return c.tagging // a flag's name; elsewhere it hides text
	case r == 0x200C || r == 0x200D:
		// Joiners shape emoji, Arabic, Persian and Indic scripts. Beside a Latin
		// letter they only make two names look like one.
		after, _ := utf8.DecodeRuneInString(c.s[c.at:])
		return joins(c.last) && joins(after)
	case r >= 0xFE00 && r <= 0xFE0F: // variation selectors: text or emoji form
		return c.base >= utf8.RuneSelf || c.base >= '0' && c.base <= '9' || c.base == '#' || c.base == '*'
	case r >= 0xE0100 && r <= 0xE01EF:
		return unicode.Is(unicode.Han, c.last)
	case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
		return c.marks < marks && r != 0x034F
	case r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0 || r == 0x2800 || r == 0x17B4 || r == 0x17B5:
		return false // letters without a shape
	case r == 0x2028 || r == 0x2029 || r == 0x85:
		return true
	case unicode.Is(unicode.Cf, r):
		// Direction marks, overrides and isolates, zero-width spaces, soft
		// hyphens. Arabic number signs and the like are visible, so they stay.
		return unicode.Is(unicode.Prepended_Concatenation_Mark, r)
	case unicode.Is(unicode.Co, r), unicode.Is(unicode.Noncharacter_Code_Point, r):
		return false // private use has no agreed shape
	case unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return false
	}
	return true
}

func tag(r rune) bool { return r >= 0xE0020 && r <= 0xE007F }

// joins reports whether a joiner beside r has a purpose.
func joins(r rune) bool {
	return r >= 0x300 && r != utf8.RuneError && !unicode.IsSpace(r) &&
		!unicode.In(r, unicode.Cf, unicode.Cc, unicode.Latin, unicode.Cyrillic, unicode.Greek)
}
