package inspect

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/app/control/api"
)

// Line is one line of a comparison.
type Line struct {
	// Mark is "-" for what only the first has, "+" for what only the second has,
	// " " for what both have, and empty for a heading.
	Mark string `json:"mark"`
	Text string `json:"text"`
}

// cellsMost bounds a comparison: the lines of one that are not in common at
// either end, times those of the other.
const cellsMost = 4_000_000

// lineMost is the longest line that is shown, in bytes. A difference beyond it
// is told, not shown.
const lineMost = 2000

// Diff is in what two requests differ: what they ask for, their headers, and
// their bodies, those of JSON with their keys in order.
func Diff(a, b api.InputRequest) (out []Line) {
	part := func(name string, a, b []string) {
		out = append(out, Line{Text: name})
		out = append(out, Lines(a, b)...)
	}
	part("Request", []string{URL(a, a.Method)}, []string{URL(b, b.Method)})
	part("Headers", headerLines(a), headerLines(b))
	part("Body", bodyLines(a), bodyLines(b))
	return out
}

func headerLines(r api.InputRequest) (out []string) {
	for _, h := range headers(r) {
		out = append(out, h[0]+": "+h[1])
	}
	return out
}

func bodyLines(r api.InputRequest) []string {
	switch {
	case r.Erased:
		return []string{"(not kept)"}
	case len(r.Body) == 0:
		return nil
	case !utf8.Valid(r.Body):
		var out []string
		for i := 0; i < len(r.Body); i += 16 {
			out = append(out, fmt.Sprintf("% x", r.Body[i:min(i+16, len(r.Body))]))
		}
		return out
	}
	return strings.Split(string(Pretty(r.Body)), "\n")
}

// Lines compares line by line. Where that would be too much work, what differs
// is told as a whole.
func Lines(a, b []string) (out []Line) {
	both := func(s string) { out = append(out, Line{" ", short(s)}) }
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		both(a[0])
		a, b = a[1:], b[1:]
	}
	end := 0
	for end < len(a) && end < len(b) && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	tail := a[len(a)-end:]
	a, b = a[:len(a)-end], b[:len(b)-end]
	if len(a)*len(b) > cellsMost {
		for _, s := range a {
			out = append(out, Line{"-", short(s)})
		}
		for _, s := range b {
			out = append(out, Line{"+", short(s)})
		}
	} else {
		out = append(out, longest(a, b)...)
	}
	for _, s := range tail {
		both(s)
	}
	return out
}

// longest compares by the longest sequence of lines that both have.
func longest(a, b []string) (out []Line) {
	width := len(b) + 1
	common := make([]int32, (len(a)+1)*width) // from line i of a and j of b on
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i*width+j] = common[(i+1)*width+j+1] + 1
			} else {
				common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
			}
		}
	}
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, Line{" ", short(a[i])})
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[(i+1)*width+j] >= common[i*width+j+1]:
			out = append(out, Line{"-", short(a[i])})
			i++
		default:
			out = append(out, Line{"+", short(b[j])})
			j++
		}
	}
	return out
}

func short(s string) string {
	if len(s) <= lineMost {
		return s
	}
	end := lineMost
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return fmt.Sprintf("%s… (%d more bytes)", s[:end], len(s)-end)
}
