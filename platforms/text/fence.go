package text

import "strings"

// longestFence bounds the line that opens or closes a code block, in bytes:
// what is longer is text, and looking for the line's end stays cheap.
const longestFence = 200

// fenceLine is the line at p without its indentation and trailing space, if it
// begins with a fence: its marker, what follows, and where the line ends. The
// marker is empty if it doesn't.
func fenceLine(s string, p int) (marker, info string, end int) {
	most := min(len(s), p+longestFence)
	if most > p && strings.IndexByte(" `~", s[p]) < 0 {
		return "", "", 0
	}
	e := strings.IndexByte(s[p:most], '\n')
	switch {
	case e >= 0:
		end = p + e
	case most == len(s):
		end = most
	default:
		return "", "", 0
	}
	l := s[p:end]
	t := strings.TrimLeft(l, " ")
	if len(l)-len(t) > 3 || !fenceLike(t) {
		return "", "", 0
	}
	n := len(t) - len(strings.TrimLeft(t, t[:1]))
	return t[:n], strings.TrimSpace(t[n:]), end
}

// opening is the code block that the line at p opens, and where that line ends.
func (c *splitter) opening(p int) (fence, int) {
	marker, info, end := fenceLine(c.s, p)
	if marker == "" || marker[0] == '`' && strings.Contains(info, "`") {
		return fence{}, 0
	}
	f := fence{marker: marker}
	for _, head := range []string{marker + info, marker} {
		if Len(head, c.u)+2+Len(marker, c.u) <= c.max/2 && Len(c.s[p:end], c.u)+1+Len(marker, c.u)+smallest <= c.max {
			f.prefix, f.suffix = head+"\n", "\n"+marker
			f.units = Len(f.suffix, c.u)
			break
		}
	}
	return f, end
}

// closing is the end of the marker in the line at p, if that closes a block
// opened by marker, else 0.
func closing(s string, p int, marker string) int {
	m, info, end := fenceLine(s, p)
	if m == "" || info != "" || m[0] != marker[0] || len(m) < len(marker) {
		return 0
	}
	return p + len(strings.TrimRight(s[p:end], " \t\r"))
}

// fenceLike reports whether a line that starts like s would start a fence.
func fenceLike(s string) bool {
	t := strings.TrimLeft(s[:min(len(s), 8)], " ")
	return strings.HasPrefix(t, "```") || strings.HasPrefix(t, "~~~")
}
