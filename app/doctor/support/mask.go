// Package support makes the texts of a bundle that a person can hand to whoever
// helps them. What could tell who they are, or open anything, is taken out of
// every text before anybody sees it: each secret by its value, in every form
// that it could have taken, and what merely looks like one.
package support

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/redact"
	"github.com/postern/postern/platforms"
)

// Private is what must not be in a bundle.
type Private struct {
	Secrets []platforms.Secret
	Homes   []string // folders whose paths name the person; they become "~"
	Data    string   // the data folder; it becomes "[data]"
	Persons []string // the user's and the computer's names
	Names   []Name   // of accounts, conversations and their servers

	// Key makes pseudonyms: under one key the same thing always has the same.
	Key []byte
}

// Name is something that gets a pseudonym.
type Name struct {
	Kind string // "account", "conversation", "host"
	Text string // as it may stand in a text
	Of   string // whose pseudonym it gets; empty: its own
}

// secretMark is what stands where a secret was, as redact writes it.
const secretMark = "[secret]"

// Shortest texts, in bytes, that are taken out by their value. A secret of
// fewer is no secret, and masking it would spell it by its absence.
const (
	shortestSecret = 4
	shortestName   = 3
)

// Mask takes out what is private. It is not safe for concurrent use.
type Mask struct {
	masker *redact.Masker
	forms  []string // of every secret: more of them than masker knows
	parts  []string // what a longer text that became base64 shows of a secret
	words  []replacement
	key    []byte
	counts map[string]int
}

type replacement struct{ what, from, to string }

// New prepares for taking p out.
func New(p Private) *Mask {
	m := &Mask{
		masker: redact.New(func() []platforms.Secret { return p.Secrets }),
		key:    p.Key, counts: map[string]int{},
	}
	for _, s := range p.Secrets {
		m.forms = append(m.forms, forms(s.Reveal())...)
		m.parts = append(m.parts, within(s.Reveal())...)
	}
	slices.Sort(m.forms)
	m.forms = slices.Compact(m.forms)

	add := func(what, from, to string) {
		for _, v := range written(from) {
			m.words = append(m.words, replacement{what, v, to})
		}
	}
	if len(p.Data) > 1 {
		add("paths of yours", p.Data, "[data]")
	}
	for _, h := range p.Homes {
		if len(strings.Trim(h, `/\`)) > 1 {
			add("paths of yours", strings.TrimRight(h, `/\`), "~")
		}
	}
	for _, n := range p.Names {
		if len(n.Text) >= shortestName && !isOurs(n.Text) {
			add("names and ids", n.Text, n.Kind+"-"+m.pseudonym(n.Kind, cmp.Or(n.Of, n.Text)))
		}
	}
	for _, n := range p.Persons {
		if len(n) >= shortestName && !isOurs(n) {
			add("names of the user and the computer", n, "[you]")
		}
	}
	// A longer text first: a name may be a part of another.
	slices.SortStableFunc(m.words, func(a, b replacement) int { return longestFirst(a.from, b.from) })
	return m
}

// isOurs reports whether a name is this program's own, which tells nothing.
func isOurs(name string) bool { return strings.EqualFold(name, "postern") }

func longestFirst(a, b string) int {
	return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
}

// Pseudonym is what stands for something of a kind: "account-1f3a90".
func (m *Mask) Pseudonym(kind, of string) string { return kind + "-" + m.pseudonym(kind, of) }

func (m *Mask) pseudonym(kind, of string) string {
	h := hmac.New(sha256.New, m.key)
	h.Write([]byte(kind + "\x00" + of))
	return hex.EncodeToString(h.Sum(nil))[:6]
}

// Counts is how often something was taken out, by kind.
func (m *Mask) Counts() []api.Masked {
	out := make([]api.Masked, 0, len(m.counts))
	for what, n := range m.counts {
		out = append(out, api.Masked{What: what, Count: n})
	}
	slices.SortFunc(out, func(a, b api.Masked) int { return strings.Compare(a.What, b.What) })
	return out
}

// Text is s without anything private.
func (m *Mask) Text(s string) string { return m.text(s, false) }

// Log is Text for what other programs' words and numbers may stand in: long
// numbers become pseudonyms too.
func (m *Mask) Log(s string) string { return m.text(s, true) }

func (m *Mask) text(s string, log bool) string {
	s = m.secrets(strings.ToValidUTF8(s, "\uFFFD"))
	s = m.looks(s)
	for _, r := range m.words {
		s = m.word(s, r)
	}
	s = m.addresses(s)
	if log {
		s = m.numbers(s)
	}
	return m.secrets(s) // what was put in must not have made one
}

// secrets takes every secret out, in all of its forms. redact has the last word:
// it knows some forms of its own, and takes out what could steer a terminal.
func (m *Mask) secrets(s string) string {
	before := strings.Count(s, secretMark)
	s = m.masker.Lines(m.hide(s))
	if n := strings.Count(s, secretMark) - before; n > 0 {
		m.counts["secrets"] += n
	}
	return s
}

// hide marks every stretch that some form of a secret covers. Stretches that
// overlap become one, so that no end of a secret is left.
func (m *Mask) hide(s string) string {
	type span struct{ from, to int }
	var spans []span
	find := func(text string, widen bool) {
		for from := 0; ; {
			i := strings.Index(s[from:], text)
			if i < 0 {
				return
			}
			at := span{from + i, from + i + len(text)}
			if widen {
				for at.from > 0 && isBase64(s[at.from-1]) {
					at.from--
				}
				for at.to < len(s) && isBase64(s[at.to]) {
					at.to++
				}
			}
			spans = append(spans, at)
			from += i + 1
		}
	}
	for _, f := range m.forms {
		find(f, false)
	}
	for _, p := range m.parts {
		find(p, true) // the rest of it holds the secret's ends
	}
	if len(spans) == 0 {
		return s
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var b strings.Builder
	end := 0
	for i, sp := range spans {
		if i == 0 || sp.from >= end {
			b.WriteString(s[end:sp.from])
			b.WriteString(secretMark)
		}
		end = max(end, sp.to)
	}
	b.WriteString(s[end:])
	return b.String()
}

func isBase64(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("+/-_=", c) >= 0
}

// looksSecret is what has the shape of a secret that nobody told us of.
var looksSecret = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\b(?:bearer|basic|bot|digest)[ +:=]+([A-Za-z0-9._~+/:=-]{8,})`),
	regexp.MustCompile(`(?i)\b(?:api[_-]?key|access[_-]?token|token|secret|password|passwd|passphrase|signature|sig|cookie|authorization)["']?(?:=|:|%3[Dd])[ "']*([^\s"'&,;}\]]{4,})`),
	regexp.MustCompile(`://([^/\s"@]+)@`),
	regexp.MustCompile(`\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?)`),
	regexp.MustCompile(`(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----)`),
	regexp.MustCompile(`([A-Za-z0-9_-]*[A-Za-z0-9+/_-]{32,}=*)`),
}

// looks takes out what looks like a secret.
func (m *Mask) looks(s string) string {
	for i, e := range looksSecret {
		last := i == len(looksSecret)-1
		s = group(e, s, func(found string) string {
			if strings.Contains(found, secretMark) || found == "[secret" || last && !random(found) {
				return found
			}
			m.counts["what looks like a secret"]++
			return "[masked]"
		})
	}
	return s
}

// random reports whether a long word can hardly be one that somebody chose.
func random(s string) bool {
	digits := strings.IndexFunc(s, unicode.IsDigit) >= 0
	letters := strings.IndexFunc(s, unicode.IsLetter) >= 0
	return digits && letters && strings.Count(s, "/") < 3
}

// group replaces the first group of each match of e.
func group(e *regexp.Regexp, s string, by func(string) string) string {
	var b strings.Builder
	end := 0
	for _, at := range e.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(s[end:at[2]])
		b.WriteString(by(s[at[2]:at[3]]))
		end = at[3]
	}
	b.WriteString(s[end:])
	return b.String()
}

// word replaces r.from where it stands as a word of its own.
func (m *Mask) word(s string, r replacement) string {
	if !strings.Contains(s, r.from) { // there may be thousands of names
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, r.from)
		if i < 0 {
			break
		}
		after := s[i+len(r.from):]
		if joins(last(s[:i]), firstRune(r.from)) || joins(last(r.from), firstRune(after)) {
			_, n := utf8.DecodeRuneInString(s[i:])
			b.WriteString(s[:i+n])
			s = s[i+n:]
			continue
		}
		b.WriteString(s[:i])
		b.WriteString(r.to)
		m.counts[r.what]++
		s = after
	}
	b.WriteString(s)
	return b.String()
}

// joins reports whether a and b, side by side, are within one word.
func joins(a, b rune) bool {
	in := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
	return in(a) && in(b)
}

func last(s string) rune      { r, _ := utf8.DecodeLastRuneInString(s); return r }
func firstRune(s string) rune { r, _ := utf8.DecodeRuneInString(s); return r }

var (
	ipv4   = regexp.MustCompile(`(?:^|[^0-9.])((?:[0-9]{1,3}\.){3}[0-9]{1,3})\b`)
	ipv6   = regexp.MustCompile(`(?:^|[^0-9A-Za-z:.])([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})`)
	number = regexp.MustCompile(`(?:^|[^0-9.])([0-9]{9,})`)
)

// addresses takes out those of the internet: a caller's, or this computer's own.
func (m *Mask) addresses(s string) string {
	for _, e := range []*regexp.Regexp{ipv4, ipv6} {
		s = group(e, s, func(found string) string {
			a, err := netip.ParseAddr(found)
			if err != nil || a.IsLoopback() || a.IsPrivate() || a.IsUnspecified() || a.IsLinkLocalUnicast() {
				return found
			}
			m.counts["addresses on the internet"]++
			return m.Pseudonym("ip", a.String())
		})
	}
	return s
}

// numbers takes out those that are long enough for somebody's id.
func (m *Mask) numbers(s string) string {
	return group(number, s, func(found string) string {
		m.counts["names and ids"]++
		return m.Pseudonym("id", found)
	})
}

var errLeak = errors.New("a secret could not be taken out of the bundle. Nothing was made; please report this")

// Prove fails if some form of a secret is in s still.
func (m *Mask) Prove(s string) error {
	s = strings.ReplaceAll(s, secretMark, "\x00") // a secret may be a part of that
	for _, f := range slices.Concat(m.forms, m.parts) {
		if strings.Contains(s, f) {
			return errLeak
		}
	}
	return nil
}
