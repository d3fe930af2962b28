package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// BodyView is one way to show a body.
type BodyView string

// The ways.
const (
	AsJSON BodyView = "JSON"
	AsForm BodyView = "Form"
	AsRaw  BodyView = "Raw"
	AsHex  BodyView = "Hex"
)

// BodyViews are the ways in which a body can be shown, the clearest first.
// mediaType is what its sender says that it is, which is not believed: a body
// that is not JSON is not shown as JSON.
func BodyViews(mediaType string, body []byte) []BodyView {
	kind, _, _ := strings.Cut(strings.ToLower(mediaType), ";")
	switch kind = strings.TrimSpace(kind); {
	case len(body) == 0:
		return nil
	case !utf8.Valid(trimRune(body)) || bytes.IndexByte(body, 0) >= 0:
		return []BodyView{AsHex, AsRaw}
	case nice(body):
		return []BodyView{AsJSON, AsRaw, AsHex}
	case kind == "application/x-www-form-urlencoded":
		return []BodyView{AsForm, AsRaw, AsHex}
	}
	return []BodyView{AsRaw, AsHex}
}

func nice(body []byte) bool {
	_, ok := indented(body)
	return ok
}

// trimRune takes away the beginning of a letter at the end, where a body was cut
// inside one.
func trimRune(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if utf8.RuneStart(b[len(b)-n]) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// BodyText is a body in one of the ways, of which at most so many bytes are
// shown, and whether there is more. What can't be seen or changes what stands
// beside it is written as symbols: see Visible.
func BodyText(v BodyView, body []byte, most int) (s string, more bool) {
	switch v {
	case AsHex:
		if more = len(body) > most; more {
			body = body[:most]
		}
		return hexText(body), more
	case AsJSON:
		if b, ok := indented(body); ok {
			body = b
		}
	case AsForm:
		body = formText(body)
	}
	if more = len(body) > most; more {
		body = trimRune(body[:most])
	}
	return Visible(string(body)), more
}

// deepest is how deep JSON may nest to be indented. Indenting makes deeper values
// larger than anybody looks at: what 20 kB of brackets become has 200 MB.
const deepest = 64

// indented is JSON as a person reads it; not ok if it is no object or list, or
// nests too deep.
func indented(b []byte) (out []byte, ok bool) {
	b = bytes.TrimSpace(b)
	if len(b) < 2 || b[0] != '{' && b[0] != '[' || !json.Valid(b) {
		return nil, false
	}
	depth, most, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			most = max(most, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	if most > deepest {
		return nil, false
	}
	var o bytes.Buffer
	err := json.Indent(&o, b, "", "  ")
	return o.Bytes(), err == nil
}

// hexWidth is how many bytes stand in a row: few enough for half a window.
const hexWidth = 8

// hexText is bytes by their place, as numbers, and as letters where they are.
func hexText(body []byte) string {
	var b strings.Builder
	for at := 0; at < len(body); at += hexWidth {
		row := body[at:min(at+hexWidth, len(body))]
		fmt.Fprintf(&b, "%06x  % -*x  ", at, 3*hexWidth-1, row)
		for _, c := range row {
			if c < 0x20 || c > 0x7E {
				c = '.'
			}
			b.WriteByte(c)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// formText is a form with one field a line, in its own order. A field that
// holds JSON is indented.
func formText(body []byte) []byte {
	var out bytes.Buffer
	for pair := range strings.SplitSeq(string(body), "&") {
		k, v, _ := strings.Cut(pair, "=")
		k, v = unescaped(k), unescaped(v)
		out.WriteString(k + " = ")
		if b, ok := indented([]byte(v)); ok {
			out.Write(b)
		} else {
			out.WriteString(v)
		}
		out.WriteByte('\n')
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func unescaped(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// Visible is text from outside in which what can't be seen is: control
// characters, what is invisible and what changes the direction of text stand
// there as their numbers, bytes that are no text as U+FFFD. (Control characters
// have pictures, but few fonts do.) Line breaks stay, and so do tabs.
func Visible(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) || r >= 0xFE00 && r <= 0xFE0F:
			b.WriteString("⟨U+" + strings.ToUpper(codeOf(r)) + "⟩")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func codeOf(r rune) string {
	const digits = "0123456789abcdef"
	var out []byte
	for ; r > 0 || len(out) < 4; r >>= 4 {
		out = append([]byte{digits[r&15]}, out...)
	}
	return string(out)
}

// TextRows breaks text into rows of at most columns characters, so that each can be
// drawn without being measured. Tabs become spaces; what follows a break is
// indented a little.
func TextRows(s string, columns int) (rows []string) {
	columns = max(columns, 8)
	for line := range strings.SplitSeq(s, "\n") {
		rest := []rune(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "    "))
		from, indent := 0, 0
		for len(rest)-from > columns-indent {
			rows = append(rows, strings.Repeat(" ", indent)+string(rest[from:from+columns-indent]))
			from += columns - indent
			indent = 2
		}
		rows = append(rows, strings.Repeat(" ", indent)+string(rest[from:]))
	}
	return rows
}
