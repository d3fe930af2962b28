// Package text measures and splits outgoing text as platforms count it, and
// makes text from outside fit to be shown.
package text

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"

	"github.com/postern/postern/platforms"
)

// smallest is the least limit that Split works with: what one character may
// take, in bytes.
const smallest = 4

// Len is how long s is in u. Invalid UTF-8 counts as the replacement character,
// which is what every encoder makes of it. A unit that this package does not
// know counts as Bytes, the strictest.
func Len(s string, u platforms.Unit) int {
	if u == platforms.Runes {
		return utf8.RuneCountInString(s)
	}
	n := 0
	for _, r := range s {
		n += width(r, u)
	}
	return n
}

func width(r rune, u platforms.Unit) int {
	switch u {
	case platforms.Runes:
		return 1
	case platforms.UTF16:
		if r > 0xFFFF {
			return 2
		}
		return 1
	}
	return utf8.RuneLen(r)
}

// Split cuts s into pieces of at most max units each, for sending one after
// the other.
//
// A text that fits is its own only piece. Otherwise a cut is made between
// paragraphs where that leaves a piece at least half full, else between lines,
// sentences or words, else between characters as a reader sees them (grapheme
// clusters). Only a cluster that is longer than max by itself is cut inside,
// between code points.
//
// Put together, the pieces are s, but for this: white space at a cut is
// dropped, though not the indentation of the line that follows; so is white
// space at the end of a text that had to be cut, and blank lines at its start.
// A fenced code block (``` or ~~~) that is cut gets its fence closed there and
// opened again in the next piece, with its info string, unless that would take
// more than half of max; inside it a cut drops one line break or nothing.
//
// Invalid UTF-8 becomes U+FFFD. A blank text has no pieces. A max of zero or
// less means no limit; a lower one than 4 counts as 4, since one character may
// take as much. Equal input gives equal output, in time linear in its length.
func Split(s string, max int, u platforms.Unit) []string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.TrimSpace(s) == "" {
		return nil
	}
	if max <= 0 || len(s) <= max || Len(s, u) <= max {
		return []string{s} // no unit counts more than bytes
	}
	segments := cut(s, max, u)
	pieces := make([]string, len(segments))
	for i, g := range segments {
		pieces[i] = g.prefix + s[g.start:g.end] + g.suffix
	}
	return pieces
}

// isSpace is white space at which a line may be broken: not the no-break kinds.
func isSpace(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\v', '\f', '\r', 0x85, 0x1680, 0x2028, 0x2029, 0x205F, 0x3000:
		return true
	case 0x2007:
		return false
	}
	return r >= 0x2000 && r <= 0x200A
}

// spaces is where the white space that starts at p ends, and where the last
// line in it starts (-1: it has no line break), and how many breaks it has. A
// space that carries a combining mark is no white space.
func spaces(s string, p int) (end, line, breaks int) {
	line = -1
	for p < len(s) {
		r, n := utf8.DecodeRuneInString(s[p:])
		if !isSpace(r) || p+n < len(s) && s[p+n] >= utf8.RuneSelf && !boundary(s, p+n) {
			break
		}
		p += n
		if r == '\n' {
			line = p
			breaks++
		}
	}
	return p, line, breaks
}

// boundary reports whether s may be cut at p without tearing a cluster, for a
// p that has white space or the end of a sentence on one side: then the two
// code points around it decide.
func boundary(s string, p int) bool {
	if p <= 0 || p >= len(s) || s[p-1] < utf8.RuneSelf && s[p] < utf8.RuneSelf {
		return true
	}
	_, before := utf8.DecodeLastRuneInString(s[:p])
	_, after := utf8.DecodeRuneInString(s[p:])
	first, _, _, _ := uniseg.FirstGraphemeClusterInString(s[p-before:p+after], -1)
	return len(first) == before
}

// lastCluster is the last cluster boundary in s[start:most], where start is a
// boundary; or most, if the first cluster reaches beyond it.
func lastCluster(s string, start, most int) int {
	if most >= len(s) {
		return len(s)
	}
	// Between two ASCII characters there always is a boundary, save in a CR LF:
	// begin at the last such place instead of the start.
	from := start
	for p := most; p > start; p-- {
		if s[p-1] < utf8.RuneSelf && s[p] < utf8.RuneSelf && (s[p-1] != '\r' || s[p] != '\n') {
			from = p
			break
		}
	}
	if from == most {
		return most
	}
	_, n := utf8.DecodeRuneInString(s[most:])
	rest, state, at := s[from:most+n], -1, from
	for {
		var c string
		c, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if at+len(c) > most {
			break
		}
		at += len(c)
	}
	if at == start {
		return most
	}
	return at
}
