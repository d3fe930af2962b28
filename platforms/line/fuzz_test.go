package line

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// FuzzVerify holds Verify to accepting exactly what the channel secret signed,
// whatever the header and the body are.
func FuzzVerify(f *testing.F) {
	const secret = "0123456789abcdef0123456789abcdef"
	sign := func(body []byte) []byte {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		return mac.Sum(nil)
	}
	f.Add(base64.StdEncoding.EncodeToString(sign([]byte("{}"))), []byte("{}"), false)
	f.Add("", []byte(""), false)
	f.Add("AAAA", []byte("\xff\x00"), true)
	f.Add(base64.RawStdEncoding.EncodeToString(sign(nil)), []byte(""), false)
	c := &connector{secrets: func(time.Time) []platforms.Secret { return []platforms.Secret{platforms.NewSecret(secret)} }}
	f.Fuzz(func(t *testing.T, header string, body []byte, twice bool) {
		r := &http.Request{Header: http.Header{signatureIn: {header}}}
		if twice {
			r.Header.Add(signatureIn, header)
		}
		got, err := base64.StdEncoding.DecodeString(header)
		want := err == nil && hmac.Equal(got, sign(body)) && !twice
		if ok := c.verify(r, body, time.Now()) == nil; ok != want {
			t.Fatalf("%q, twice %v: accepted %v", header, twice, ok)
		}
	})
}
