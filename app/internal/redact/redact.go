// Package redact keeps secrets, and characters that could fake or garble a
// line, out of logs and reports.
package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

const (
	mask = "[secret]" // as platforms.Redact writes it

	// minSecret is the shortest secret that is masked, in bytes, as in
	// platforms.Redact: a shorter one stands in too many ordinary words.
	minSecret = 6
)

// Masker masks secrets in text. It is safe for concurrent use.
type Masker struct {
	secrets func() []platforms.Secret
	cached  atomic.Pointer[forms]
}

// forms is what a list of secrets can look like in text.
type forms struct {
	of    []platforms.Secret
	texts []string
}

// New is a Masker of what secrets returns whenever something is masked. It must
// be cheap and safe for concurrent use.
func New(secrets func() []platforms.Secret) *Masker { return &Masker{secrets: secrets} }

// Text is s on one line: every secret is masked, and control characters, line
// separators, direction marks and invalid UTF-8 are escaped as in Go source.
// A secret is also found where it stands percent-encoded, as base64 (by
// itself, not within a longer text that was encoded), as hex, as a list of byte
// values, or escaped as in JSON or Go.
func (m *Masker) Text(s string) string { return escape(m.hide(s), false) }

// Lines is Text, but newlines and tabs stay.
func (m *Masker) Lines(s string) string { return escape(m.hide(s), true) }

// Replace is s with every secret, in any of those forms, replaced by with, and how
// often that was done. Nothing else is changed.
func (m *Masker) Replace(s, with string) (string, int) { return m.replace(s, with) }

// Begun is where the last bytes of s begin a secret, in any of those forms, that
// was cut off; len(s) if they begin none. Fewer than six tell nothing.
func (m *Masker) Begun(s string) int {
	at := len(s)
	for _, text := range m.texts() {
		for n := min(len(text)-1, len(s)); n >= minSecret && n > len(s)-at; n-- {
			if strings.HasSuffix(s, text[:n]) {
				at = len(s) - n
			}
		}
	}
	return at
}

func (m *Masker) hide(s string) string {
	s, _ = m.replace(s, mask)
	return s
}

// replace masks every stretch of s that some form of a secret covers. Stretches
// that overlap are masked as one, so that no end of a secret is left.
func (m *Masker) replace(s, with string) (out string, n int) {
	texts := m.texts()
	if len(texts) == 0 || len(s) < minSecret {
		return s, 0
	}
	type span struct{ from, to int }
	var spans []span
	for _, text := range texts {
		for from := 0; ; {
			i := strings.Index(s[from:], text)
			if i < 0 {
				break
			}
			spans = append(spans, span{from + i, from + i + len(text)})
			from += i + 1
		}
	}
	if len(spans) == 0 {
		return s, 0
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i, sp := range spans {
		if i == 0 || sp.from >= end {
			b.WriteString(s[end:sp.from])
			b.WriteString(with)
			n++
		}
		end = max(end, sp.to)
	}
	b.WriteString(s[end:])
	return b.String(), n
}

// texts is every form of every secret, made again only when the list changed.
func (m *Masker) texts() []string {
	now := m.secrets()
	if len(now) == 0 {
		return nil
	}
	if c := m.cached.Load(); c != nil && slices.Equal(c.of, now) {
		return c.texts
	}
	c := &forms{of: slices.Clone(now)}
	for _, s := range now {
		if v := s.Reveal(); len(v) >= minSecret {
			c.texts = append(c.texts, shapes(v)...)
		}
	}
	slices.Sort(c.texts)
	c.texts = slices.Compact(c.texts)
	m.cached.Store(c)
	return c.texts
}

// shapes is v and what libraries make of it on its way into a text.
func shapes(v string) []string {
	query, path, colon := url.QueryEscape(v), url.PathEscape(v), strings.ReplaceAll(v, ":", "%3A")
	numbers := fmt.Sprint([]byte(v)) // %v of bytes within a struct
	quoted := strconv.Quote(v)
	ascii := strconv.QuoteToASCII(v)
	list := []string{
		v,
		query, path,
		colon,
		lowerPercent(query), lowerPercent(path), lowerPercent(colon),
		(&url.URL{Path: v}).EscapedPath(),
		(&url.URL{Path: v}).RequestURI(),
		quoted[1 : len(quoted)-1], ascii[1 : len(ascii)-1],
		numbers[1 : len(numbers)-1],
		hex.EncodeToString([]byte(v)), strings.ToUpper(hex.EncodeToString([]byte(v))),
		base64.StdEncoding.EncodeToString([]byte(v)), base64.RawStdEncoding.EncodeToString([]byte(v)),
		base64.URLEncoding.EncodeToString([]byte(v)), base64.RawURLEncoding.EncodeToString([]byte(v)),
	}
	if j, err := json.Marshal(v); err == nil {
		list = append(list, string(j[1:len(j)-1]))
	}
	return slices.DeleteFunc(list, func(s string) bool { return len(s) < minSecret })
}

// lowerPercent is s with its percent-escapes in lower case.
func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(s[i+1:i+3]))
			i += 2
		}
	}
	return string(b)
}

// escape writes what a terminal or a log's reader could take for something else
// as Go writes it in a string.
func escape(s string, lines bool) string {
	first := unsafeAt(s, lines)
	if first < 0 {
		return s
	}
	var b strings.Builder
	b.WriteString(s[:first])
	for rest := s[first:]; rest != ""; {
		r, n := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + hex.EncodeToString([]byte{rest[0]}))
		case isUnsafe(r, lines):
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteString(rest[:n])
		}
		rest = rest[n:]
	}
	return b.String()
}

// unsafeAt is where the first character to escape is, or -1.
func unsafeAt(s string, lines bool) int {
	ascii := 0
	for ascii < len(s) && ' ' <= s[ascii] && s[ascii] < 0x7f {
		ascii++
	}
	if ascii == len(s) {
		return -1
	}
	for i, r := range s {
		if isUnsafe(r, lines) {
			return i
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

func isUnsafe(r rune, lines bool) bool {
	switch {
	case r == '\n' || r == '\t':
		return !lines
	case r < 0x20, 0x7f <= r && r <= 0x9f: // C0, DEL, C1
		return true
	case r < 0x61c:
		return r == 0xad // soft hyphen: it hides
	case r == 0x61c, 0x200b <= r && r <= 0x200f, 0x2028 <= r && r <= 0x202e, 0x2060 <= r && r <= 0x206f, r == 0xfeff:
		return r != 0x200c && r != 0x200d // joiners, which emoji and some scripts need
	case 0xe0000 <= r && r <= 0xe007f: // tags
		return true
	}
	return false
}
