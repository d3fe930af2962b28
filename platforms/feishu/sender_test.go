package feishu

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// The sender's side is written out here, by the documentation, so that a mistake
// in the connector is not made on both sides.

const (
	testKey   = "Hq2mZ8vKx4TfLr7WbNc9Yd3PsJg6EuAo"
	testToken = "v7XkQw2LmZr9TbHc4NfPs8YdJg3EuAoK"
	oldKey    = "Xx4TfLr7WbNc9Yd3PsJg6EuAoHq2mZ8v"
	oldToken  = "TbHc4NfPs8YdJg3EuAoKv7XkQw2LmZr9"
	otherKey  = "ThisIsTheKeyOfSomebodyElse000001"
)

var testNow = time.Unix(1_700_000_000, 0)

// seal encrypts blocks that are padded already.
func seal(key string, iv, padded []byte) string {
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		panic(err)
	}
	out := append(bytes.Clone(iv), padded...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out[aes.BlockSize:], out[aes.BlockSize:])
	return base64.StdEncoding.EncodeToString(out)
}

func padTo(plain string, n int) []byte {
	return append([]byte(plain), bytes.Repeat([]byte{byte(n)}, n)...)
}

func padded(plain string) []byte { return padTo(plain, aes.BlockSize-len(plain)%aes.BlockSize) }

var testIV = []byte("an IV of 16 byte")

func encrypted(key, plain string) string {
	return `{"encrypt":"` + seal(key, testIV, padded(plain)) + `"}`
}

func signature(key string, at int64, nonce, body string) string {
	sum := sha256.Sum256([]byte(strconv.FormatInt(at, 10) + nonce + key + body))
	return hex.EncodeToString(sum[:])
}

// knock is a request.
type knock struct {
	header http.Header
	body   string
}

// signed is a request as the platform makes it.
func signed(key, body string, at time.Time) knock {
	const nonce = "533226633"
	return knock{http.Header{
		headerTime: {strconv.FormatInt(at.Unix(), 10)}, headerNonce: {nonce},
		headerSignature: {signature(key, at.Unix(), nonce, body)},
	}, body}
}

func (k knock) with(header string, values ...string) knock {
	h := k.header.Clone()
	if h[header] = values; values == nil {
		delete(h, header)
	}
	return knock{h, k.body}
}

func (k knock) at(h *hook, now time.Time) error {
	r, err := http.NewRequest(http.MethodPost, "https://bot.example"+h.path, nil)
	if err != nil {
		return err
	}
	r.Header = k.header
	return h.verify(r, []byte(k.body), now)
}

func testHook(t testing.TB) *hook {
	t.Helper()
	h, err := newHook(platforms.Config{
		Settings: map[string]string{keyMode: modeHTTP},
		Secrets:  map[string]platforms.Secret{keyCrypt: platforms.NewSecret(testKey), keyToken: platforms.NewSecret(testToken)},
		Former: map[string]platforms.Former{
			keyCrypt: {Secret: platforms.NewSecret(oldKey), Until: testNow.Add(time.Hour)},
			keyToken: {Secret: platforms.NewSecret(oldToken), Until: testNow.Add(time.Hour)},
		},
		Key: platforms.NewSecret("a key that is random for every account"),
	}, "cli_a1")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func event(token string) string {
	return `{"schema":"2.0","header":{"event_id":"e1","event_type":"im.message.receive_v1","token":"` + token + `","app_id":"cli_a1"},"event":{}}`
}

func challenge(token string) string {
	return `{"challenge":"ajls384kdjx98XX","token":"` + token + `","type":"url_verification"}`
}

// extend is what an attacker makes of a known signature: SHA-256 can be gone on
// with from where it stopped, without knowing what came before, but its length.
func extend(t *testing.T, known, before, more string) (body, forged string) {
	t.Helper()
	glue := []byte{0x80}
	for (len(before)+len(glue))%64 != 56 {
		glue = append(glue, 0)
	}
	glue = binary.BigEndian.AppendUint64(glue, uint64(len(before))*8)
	state := append([]byte("sha\x03"), mustHex(t, known)...)
	state = append(state, make([]byte, 64)...)
	state = binary.BigEndian.AppendUint64(state, uint64(len(before)+len(glue)))
	h := sha256.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	h.Write([]byte(more))
	forged = hex.EncodeToString(h.Sum(nil))
	all := before + string(glue) + more
	if want := hexSum(all); want != forged {
		t.Fatalf("the attack does not work: %s, %s", forged, want)
	}
	return all[strings.Index(all, "{"):], forged
}

func signedAt(key, body string, at int64) knock {
	const nonce = "533226633"
	return knock{http.Header{headerTime: {strconv.FormatInt(at, 10)}, headerNonce: {nonce}, headerSignature: {signature(key, at, nonce, body)}}, body}
}

func hexSum(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func mustHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustDecode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// upTo fills plain with spaces, so that n more bytes end a block.
func upTo(plain string, n int) string {
	for (len(plain)+n)%aes.BlockSize != 0 {
		plain += " "
	}
	return plain
}

// uneven is padded to a block by 4 bytes, of which one is wrong.
func uneven(plain string) []byte {
	b := padTo(upTo(plain, 4), 4)
	b[len(b)-3] = ' '
	return b
}

// zeroPadded ends with a block of zeros.
func zeroPadded(plain string) []byte { return append([]byte(upTo(plain, 16)), make([]byte, 16)...) }
