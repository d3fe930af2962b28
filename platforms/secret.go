package platforms

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Secret is a credential that can't be printed by accident: formatting,
// logging and encoding it give a mask. Reveal is called at the wire only.
//
// The value sits behind a pointer so that %#v and reflection-based printers
// show an address at most.
type Secret struct{ value *string }

const mask = "[secret]"

// NewSecret wraps s.
func NewSecret(s string) Secret { return Secret{value: &s} }

// Reveal is the secret itself, empty for the zero Secret.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no secret, or an empty one.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String is a mask.
func (s Secret) String() string { return mask }

// Format prints a mask for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue is a mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText is a mask, for JSON and every encoding built on text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// GobEncode refuses: a mask that comes back as a secret would be worse.
func (s Secret) GobEncode() ([]byte, error) {
	return nil, errors.New("a secret is not encoded")
}

// Hint is the last four characters of a long secret, for telling two apart.
func (s Secret) Hint() string {
	v := s.Reveal()
	if len(v) < 16 {
		return "…"
	}
	return "…" + v[len(v)-4:]
}

// Redact replaces each of secrets in text by a mask, also where it stands
// percent-encoded. Secrets shorter than six bytes are left: masking them would
// garble ordinary words.
func Redact(text string, secrets ...Secret) string {
	for _, s := range secrets {
		v := s.Reveal()
		if len(v) < 6 {
			continue
		}
		text = strings.ReplaceAll(text, v, mask)
		if e := strings.ReplaceAll(v, ":", "%3A"); e != v {
			text = strings.ReplaceAll(text, e, mask)
		}
	}
	return text
}

// RedactError is err with each of secrets masked in its text. Its chain stays
// readable for errors.Is and errors.As.
func RedactError(err error, secrets ...Secret) error {
	if err == nil {
		return nil
	}
	return redacted{err, Redact(err.Error(), secrets...)}
}

type redacted struct {
	error
	text string
}

func (r redacted) Error() string { return r.text }
func (r redacted) Unwrap() error { return r.error }
