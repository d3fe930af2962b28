package hooks

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/postern/postern/platforms"
)

// TokenLength is how many characters a token has, all of [A-Za-z0-9]: 381 bits.
const TokenLength = 64

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// newToken makes a token. It is shown once; what is kept is its Hash.
func newToken() (platforms.Secret, error) {
	token := make([]byte, 0, TokenLength)
	buf := make([]byte, 2*TokenLength)
	for {
		if _, err := rand.Read(buf); err != nil {
			return platforms.Secret{}, fmt.Errorf("make a token: %w", err)
		}
		for _, b := range buf {
			if b >= 4*byte(len(alphabet)) { // what is left of 256 would favour some letters
				continue
			}
			if token = append(token, alphabet[int(b)%len(alphabet)]); len(token) == TokenLength {
				return platforms.NewSecret(string(token)), nil
			}
		}
	}
}

// newID names a hook; it is no secret.
func newID() (string, error) {
	b := make([]byte, 10)
	if _, err := rand.Read(b); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return "hook_" + hex.EncodeToString(b), nil
}

// Hash is a token's SHA-256. A token holds more than the hash does, so that
// nothing slower is needed.
type Hash [sha256.Size]byte

// hashOf takes time that depends on no secret: what is no token in length is
// hashed as one that nobody has.
func hashOf(token string) (Hash, bool) {
	if len(token) != TokenLength {
		var none [TokenLength]byte
		return sha256.Sum256(none[:]), false
	}
	return sha256.Sum256([]byte(token)), true
}

// IsZero is for encoding/json.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText writes lower-case hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

// UnmarshalText reads it.
func (h *Hash) UnmarshalText(b []byte) error {
	if len(b) != 2*len(h) {
		return errors.New("a token's hash has 64 hexadecimal digits")
	}
	if _, err := hex.Decode(h[:], b); err != nil {
		return errors.New("a token's hash is hexadecimal")
	}
	return nil
}
