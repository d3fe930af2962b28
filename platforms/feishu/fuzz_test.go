package feishu

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
)

// FuzzVerify: nothing that was not signed with a key passes, but a challenge,
// and what passes can be opened by the handler.
func FuzzVerify(f *testing.F) {
	good := signed(testKey, encrypted(testKey, event(testToken)), testNow)
	for _, k := range []knock{
		good, good.with(headerTime), good.with(headerSignature, "00"), {http.Header{}, encrypted(testKey, challenge(testToken))},
		signed(oldKey, encrypted(oldKey, event(oldToken)), testNow), signed(testKey, event(testToken), testNow),
		signed(testKey, encrypted(testKey, "{"), testNow), {http.Header{}, challenge(testToken)},
	} {
		f.Add(k.header.Get(headerTime), k.header.Get(headerNonce), k.header.Get(headerSignature), []byte(k.body))
	}
	h := testHook(f)
	f.Fuzz(func(t *testing.T, stamp, nonce, given string, body []byte) {
		k := knock{http.Header{headerTime: {stamp}, headerNonce: {nonce}, headerSignature: {given}}, string(body)}
		before := bytes.Clone(body)
		err := k.at(h, testNow)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			for _, secret := range []string{testKey, testToken, oldKey, oldToken} {
				if strings.Contains(err.Error(), secret) {
					t.Fatal("the error holds a secret")
				}
			}
			return
		}
		got, err := h.open(body, testNow)
		if err != nil {
			t.Fatalf("verified, and can't be opened: %v", err)
		}
		right := false
		for _, key := range []string{testKey, oldKey} {
			right = right || given == hexSum(stamp+nonce+key+string(body))
		}
		if !right && !got.challenges() {
			t.Fatalf("it is not signed: %s", got.plain)
		}
	})
}

// FuzzDecrypt: bytes of any kind are read or refused, in one word; and what was
// encrypted comes back.
func FuzzDecrypt(f *testing.F) {
	f.Add([]byte(""), []byte("{}"))
	f.Add(testIV, []byte(event(testToken)))
	f.Add(append(bytes.Clone(testIV), make([]byte, 16)...), []byte(`{"header":{"token":[]}}`))
	raw, err := base64.StdEncoding.DecodeString(seal(testKey, testIV, uneven(event(testToken))))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, []byte(`{"header":null,"token":"x"}`))
	f.Add(raw[:40], []byte("\x00\xff"))
	key := platforms.NewSecret(testKey)
	f.Fuzz(func(t *testing.T, raw, plain []byte) {
		outer, err := json.Marshal(map[string]string{"encrypt": base64.StdEncoding.EncodeToString(raw)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unseal(outer, key); err != nil && err != errSealed {
			t.Fatal(err)
		}
		if _, err := unseal(raw, key); err != nil && err != errSealed {
			t.Fatal(err)
		}
		var into sealed
		readable := json.Unmarshal(plain, &into) == nil
		got, err := unseal([]byte(encrypted(testKey, string(plain))), key)
		if (err == nil) != readable || err == nil && !bytes.Equal(got.plain, plain) {
			t.Fatalf("%q became %q, %v", plain, got.plain, err)
		}
	})
}
