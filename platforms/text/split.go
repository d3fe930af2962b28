package text

import (
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

// segment is s[start:end], with what reopens and closes a fence around it.
type segment struct {
	start, end     int
	prefix, suffix string
}

// class is how good a place for a cut is, best first.
type class int

const (
	paragraph class = iota
	line
	sentence
	word
	classes
)

// place is where a cut may be made.
type place struct {
	end, next int // the piece ends, the next one starts
	units     int // of the piece's own text
	fence     fence
	atLine    bool // next is the start of a line
}

// fence is a code block that is open; the zero fence is none.
type fence struct {
	marker string // the characters that opened it; empty: not in a code block
	prefix string // what reopens it, with line break; empty where that is too long
	suffix string // what closes it, with line break
	units  int    // of suffix
}

// splitter walks once over a text.
type splitter struct {
	s   string
	max int
	u   platforms.Unit

	// of the current piece
	start  int
	budget int // units for its own text, and a suffix if it needs one
	best   [classes]place
	has    [classes]bool
}

// cut splits a valid, not blank s that is longer than max.
func cut(s string, max int, u platforms.Unit) []segment {
	if max < smallest {
		max = smallest
	}
	c := &splitter{s: trimRight(s), max: max, u: u}
	var segments []segment
	at := place{atLine: true}
	if end, ls, _ := spaces(c.s, 0); end > 0 {
		at.next = c.indented(ls, end)
	}
	for {
		prefix := at.fence.prefix
		p, fits := c.piece(at)
		if fits {
			return append(segments, segment{at.next, len(c.s), prefix, ""})
		}
		segments = append(segments, segment{at.next, p.end, prefix, p.fence.suffix})
		if p.next >= len(c.s) {
			return segments
		}
		at = p
	}
}

// trimRight takes white space off the end, save what forms a cluster with the
// character before it.
func trimRight(s string) string {
	end := len(strings.TrimRightFunc(s, isSpace))
	if !boundary(s, end) {
		_, n := utf8.DecodeRuneInString(s[end:])
		end += n
	}
	return s[:end]
}

// indented is where a piece starts after white space that ends at end and whose
// last line starts at ls: with the indentation, if there is one of sensible size.
func (c *splitter) indented(ls, end int) int {
	if ls < 0 || Len(c.s[ls:end], c.u) > c.max/4 {
		return end
	}
	return ls
}

// piece finds where the piece that starts at from ends; fits means at the end
// of the text.
func (c *splitter) piece(from place) (place, bool) {
	s, f := c.s, from.fence
	c.start = from.next
	c.budget = c.max - Len(f.prefix, c.u)
	c.has = [classes]bool{}
	units, fresh := 0, false // fresh: nothing of the code block was seen yet
	p, atLine := c.start, from.atLine
	for p < len(s) {
		if atLine && f.marker == "" {
			if open, e := c.opening(p); e > 0 {
				units += Len(s[p:e], c.u)
				p, f, fresh, atLine = e, open, true, false
				if units > c.budget {
					break
				}
				continue
			}
		} else if atLine {
			if e := closing(s, p, f.marker); e > 0 {
				if units += Len(s[p:e], c.u); units > c.budget {
					return c.choose(f, p), false
				}
				p, f, atLine = e, fence{}, false
				if end, ls, _ := spaces(s, p); end > p {
					c.offer(paragraph, place{end: p, next: c.indented(ls, end), units: units, atLine: ls >= 0})
				}
				continue
			}
		}
		atLine = false
		r, n := utf8.DecodeRuneInString(s[p:])
		blank := p // where white space that starts here ends
		if f.marker == "" && isSpace(r) {
			blank, _, _ = spaces(s, p)
		}
		switch {
		case f.marker != "" && r == '\n':
			atLine = true
			if !fresh && closing(s, p+1, f.marker) == 0 {
				end := p
				if end > c.start && s[end-1] == '\r' {
					end--
				}
				c.offer(line, place{end: end, next: p + 1, units: units, fence: f, atLine: true})
			}
			fresh = false
		case blank > p:
			end, ls, breaks := spaces(s, p)
			k := word
			switch {
			case breaks > 1:
				k = paragraph
			case breaks == 1:
				k = line
				if open, _ := c.opening(ls); open.marker != "" {
					k = paragraph
				}
			case endsSentence(s[c.start:p]):
				k = sentence
			}
			next := end
			if ls >= 0 {
				next = c.indented(ls, end)
			}
			if ls >= 0 || !fenceLike(s[end:]) {
				c.offer(k, place{end: p, next: next, units: units, atLine: ls >= 0})
			}
			if units += Len(s[p:end], c.u); units > c.budget {
				return c.choose(f, len(s)), false
			}
			if ls >= 0 {
				// The indentation may belong to a fence.
				p, atLine = ls, true
				units -= Len(s[ls:end], c.u)
				if open, _ := c.opening(ls); open.marker == "" {
					p, atLine = end, false
					units += Len(s[ls:end], c.u)
				}
				continue
			}
			p = end
			continue
		}
		if units += width(r, c.u); units > c.budget {
			break
		}
		p += n
		if r > 0x2FFF && f.marker == "" && ends(r) && p < len(s) && !fenceLike(s[p:]) {
			if next, _ := utf8.DecodeRuneInString(s[p:]); !closes(next) && !ends(next) && !isSpace(next) {
				c.offer(sentence, place{end: p, next: p, units: units})
			}
		}
	}
	if p >= len(s) && units <= c.budget {
		return place{}, true
	}
	return c.choose(f, len(s)), false
}

// offer remembers p as the last place of its class, if a piece may end there.
func (c *splitter) offer(k class, p place) {
	if p.end <= c.start || p.units+p.fence.units > c.budget {
		return
	}
	if !boundary(c.s, p.end) || !boundary(c.s, p.next) {
		return
	}
	c.best[k], c.has[k] = p, true
}

// choose picks the best place that was offered. f is the code block that is
// open where the piece ran out of room; a cut between characters is made at
// most at limit.
func (c *splitter) choose(f fence, limit int) place {
	latest, found := place{}, false
	for k := range classes {
		if !c.has[k] {
			continue
		}
		if c.best[k].units*2 >= c.budget {
			return c.best[k]
		}
		if !found || c.best[k].end > latest.end {
			latest, found = c.best[k], true
		}
	}
	if found {
		return latest
	}
	end := c.between(c.budget - f.units)
	if limit > c.start {
		end = min(end, limit)
	}
	for range 8 { // a cut must not make a line begin with what was no fence
		if f.marker != "" || !fenceLike(c.s[end:]) {
			break
		}
		_, n := utf8.DecodeLastRuneInString(c.s[:end])
		if end-n <= c.start {
			break
		}
		if end = lastCluster(c.s, c.start, end-n); end <= c.start {
			break
		}
	}
	return place{end: end, next: end, fence: f, atLine: c.s[end-1] == '\n'}
}

// between is the last boundary between clusters within so many units.
func (c *splitter) between(units int) int {
	p := c.start
	for p < len(c.s) {
		r, n := utf8.DecodeRuneInString(c.s[p:])
		if units -= width(r, c.u); units < 0 {
			break
		}
		p += n
	}
	return lastCluster(c.s, c.start, p)
}

// endsSentence reports whether a sentence ends at the end of s.
func endsSentence(s string) bool {
	for range 3 {
		r, n := utf8.DecodeLastRuneInString(s)
		if ends(r) {
			return true
		}
		if !closes(r) {
			return false
		}
		s = s[:len(s)-n]
	}
	return false
}

func ends(r rune) bool { return strings.ContainsRune(".!?…。！？؟।", r) }

func closes(r rune) bool { return strings.ContainsRune(`"')]”’»」』）`, r) }
