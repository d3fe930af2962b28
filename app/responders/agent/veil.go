package agent

import (
	"fmt"
	"strings"

	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// veil cleans and bounds what an agent says, and masks the secrets that it was
// given. They are masked before anything is cut off: half a secret would not be
// found.
type veil []platforms.Secret

// text is s, whole.
func (v veil) text(s string) string { return platforms.Redact(wire.Text([]byte(s)), v...) }

// line is s in one line.
func (v veil) line(s string, runes int) string {
	s, _ = bounded(s, 64*runes)
	return text.Line(v.text(s), runes)
}

// long is s; of what has more than most bytes, both ends, because what matters
// may stand behind a long and harmless beginning.
func (v veil) long(s string, most int) string {
	dropped := 0
	if len(s) > 32*most {
		dropped = len(s) - 32*most
		s = s[:16*most] + s[len(s)-16*most:]
	}
	s = strings.TrimSpace(v.text(s))
	if len(s) <= most {
		return s
	}
	head, _ := bounded(s, most*2/3)
	tail := strings.ToValidUTF8(s[len(s)-most/3:], "")
	dropped += len(s) - len(head) - len(tail)
	return fmt.Sprintf("%s\n[… %d bytes that are not shown …]\n%s", head, dropped, tail)
}

// bounded is s, or as many whole characters of it as fit.
func bounded(s string, most int) (string, bool) {
	if len(s) <= most {
		return s, false
	}
	return strings.ToValidUTF8(s[:max(most, 0)], ""), true
}

// withhold is s without an end that could be the beginning of a secret, whose
// rest is still to come, or was cut off.
func (v veil) withhold(s string) string {
	for _, secret := range v {
		w := secret.Reveal()
		for n := min(len(w)-1, len(s)); n > 0; n-- {
			if strings.HasSuffix(s, w[:n]) {
				s = s[:len(s)-n]
				break
			}
		}
	}
	return s
}
