package feishu

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/postern/postern/platforms"
)

// errSealed is the one answer to whatever can't be decrypted. Why is not told:
// it would help who tries out bytes.
var errSealed = fmt.Errorf("%w: it can't be read with the Encrypt Key", platforms.ErrMalformed)

const typeChallenge = "url_verification"

// sealed is what a request's encrypted body holds, as far as it decides what
// becomes of it.
type sealed struct {
	Type      string `json:"type"`
	Token     string `json:"token"` // of all but schema 2.0
	Challenge string `json:"challenge"`
	Header    *struct {
		Token string `json:"token"`
		App   string `json:"app_id"`
		Type  string `json:"event_type"`
	} `json:"header"`

	plain []byte
}

// challenges reports whether this checks the address, and nothing else.
func (s sealed) challenges() bool {
	return s.Type == typeChallenge && s.Header == nil && s.Challenge != ""
}

func (s sealed) token() string {
	if s.Header != nil {
		return s.Header.Token
	}
	return s.Token
}

// unseal reads {"encrypt": base64(IV of 16 bytes, AES-256-CBC)}, whose key is the
// SHA-256 of the Encrypt Key.
//
// Padding and contents are judged together, in the end: CBC would tell the plain
// text, byte for byte, to whoever could learn about the padding alone.
func unseal(body []byte, key platforms.Secret) (sealed, error) {
	var outer struct {
		Encrypt string `json:"encrypt"`
	}
	if json.Unmarshal(body, &outer) != nil {
		return sealed{}, errSealed
	}
	raw, err := base64.StdEncoding.DecodeString(outer.Encrypt)
	if err != nil || len(raw) < 2*aes.BlockSize || len(raw)%aes.BlockSize != 0 {
		return sealed{}, errSealed
	}
	plain, padded := decrypt(raw, key)
	got := sealed{plain: plain}
	if json.Unmarshal(plain, &got) != nil || padded != 1 {
		return sealed{}, errSealed
	}
	return got, nil
}

// decrypt decrypts raw, an IV and whole blocks, in its place. padded is 1 where
// the padding was right.
func decrypt(raw []byte, key platforms.Secret) (plain []byte, padded int) {
	sum := sha256.Sum256([]byte(key.Reveal()))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, 0 // not with 32 bytes
	}
	plain = raw[aes.BlockSize:]
	cipher.NewCBCDecrypter(block, raw[:aes.BlockSize]).CryptBlocks(plain, plain)
	n, padded := unpad(plain)
	return plain[:n], padded
}

// unpad is how much of b, whole blocks, is before its PKCS#7 padding, and 1; or
// all of it, and 0. It takes as long for one as for the other.
func unpad(b []byte) (n, ok int) {
	last := b[len(b)-1]
	ok = subtle.ConstantTimeLessOrEq(1, int(last)) & subtle.ConstantTimeLessOrEq(int(last), aes.BlockSize)
	for i := 1; i <= aes.BlockSize; i++ {
		within := subtle.ConstantTimeLessOrEq(i, int(last))
		same := subtle.ConstantTimeByteEq(b[len(b)-i], last)
		ok &= same | (within ^ 1)
	}
	return subtle.ConstantTimeSelect(ok, len(b)-int(last), len(b)), ok
}
