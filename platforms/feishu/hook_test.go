package feishu

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	larkevent "github.com/larksuite/oapi-sdk-go/v3/event"

	"github.com/postern/postern/platforms"
)

// TestDocumentedVector is the one of the documentation's examples.
func TestDocumentedVector(t *testing.T) {
	const doc = "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="
	raw, err := base64.StdEncoding.DecodeString(doc)
	if err != nil {
		t.Fatal(err)
	}
	plain, ok := decrypt(raw, platforms.NewSecret("test key"))
	if string(plain) != "hello world" || ok != 1 {
		t.Errorf("%q, %d", plain, ok)
	}
}

// TestAsTheOwnLibrary: the platform's own library computes the same.
func TestAsTheOwnLibrary(t *testing.T) {
	b := encrypted(testKey, event(testToken))
	if got := larkevent.Signature("1700000000", "533226633", testKey, b); got != signature(testKey, 1_700_000_000, "533226633", b) {
		t.Errorf("the signature is %s there", got)
	}
	var outer struct{ Encrypt string }
	if err := json.Unmarshal([]byte(b), &outer); err != nil {
		t.Fatal(err)
	}
	if got, err := larkevent.EventDecrypt(outer.Encrypt, testKey); err != nil || string(got) != event(testToken) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestVerifyAccepts(t *testing.T) {
	h := testHook(t)
	good := encrypted(testKey, event(testToken))
	v1 := `{"uuid":"1","token":"` + testToken + `","ts":"1700000000.1","type":"event_callback","event":{"type":"message"}}`
	for name, k := range map[string]knock{
		"an event":                         signed(testKey, good, testNow),
		"4 minutes old":                    signed(testKey, good, testNow.Add(-4*time.Minute)),
		"4 minutes ahead":                  signed(testKey, good, testNow.Add(4*time.Minute)),
		"exactly as old as may be":         signed(testKey, good, testNow.Add(-platforms.ReplayWindow)),
		"the former key":                   signed(oldKey, encrypted(oldKey, event(testToken)), testNow),
		"the former token":                 signed(testKey, encrypted(testKey, event(oldToken)), testNow),
		"both former":                      signed(oldKey, encrypted(oldKey, event(oldToken)), testNow),
		"a challenge, not signed":          {http.Header{}, encrypted(testKey, challenge(testToken))},
		"a challenge, signed":              signed(testKey, encrypted(testKey, challenge(testToken)), testNow),
		"a challenge under the former key": {http.Header{}, encrypted(oldKey, challenge(oldToken))},
		"an event of the older form":       signed(testKey, encrypted(testKey, v1), testNow),
		"members that are new":             signed(testKey, strings.Replace(good, "{", `{"new":{"a":[1]},`, 1), testNow),
		"a full block of padding":          signed(testKey, encrypted(testKey, event(testToken)+strings.Repeat(" ", 16-len(event(testToken))%16)), testNow),
	} {
		if err := k.at(h, testNow); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	later := testNow.Add(2 * time.Hour)
	for name, k := range map[string]knock{
		"the former key, later":   signed(oldKey, encrypted(oldKey, event(testToken)), later),
		"the former token, later": signed(testKey, encrypted(testKey, event(oldToken)), later),
		"a challenge, later":      {http.Header{}, encrypted(oldKey, challenge(testToken))},
	} {
		if err := k.at(h, later); err == nil {
			t.Errorf("%s: it counts still", name)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	h := testHook(t)
	good := encrypted(testKey, event(testToken))
	valid := signed(testKey, good, testNow)
	sealedOf := func(padded []byte) string { return `{"encrypt":"` + seal(testKey, testIV, padded) + `"}` }
	raw := func(b string) string { return `{"encrypt":"` + b + `"}` }
	sign := func(body string) knock { return signed(testKey, body, testNow) }
	b64 := seal(testKey, testIV, padded(event(testToken)))
	bare := func(b string) knock { return knock{http.Header{}, b} }
	legacy := sha1.Sum([]byte("1700000000" + "533226633" + testToken + good))
	mac := hmac.New(sha256.New, []byte(testKey))
	mac.Write([]byte("1700000000" + "533226633" + good))
	sig := valid.header[headerSignature][0]
	extended, forged := extend(t, sig, "1700000000"+"533226633"+testKey+good, `{"encrypt":"x"}`)
	flipped := bytes.Clone(mustDecode(t, b64))
	flipped[0] ^= 1
	for name, c := range map[string]struct {
		k    knock
		want error
	}{
		// Headers.
		"nothing signed":                  {bare(good), platforms.ErrUnsigned},
		"no signature, a time":            {valid.with(headerSignature), platforms.ErrUnsigned},
		"no time":                         {valid.with(headerTime), platforms.ErrMalformed},
		"no nonce":                        {valid.with(headerNonce), platforms.ErrMalformed},
		"two signatures":                  {valid.with(headerSignature, sig, sig), platforms.ErrMalformed},
		"two signatures, the second good": {valid.with(headerSignature, "0", sig), platforms.ErrMalformed},
		"two times":                       {valid.with(headerTime, "1700000000", "1700000000"), platforms.ErrMalformed},
		"two nonces":                      {valid.with(headerNonce, "533226633", "533226633"), platforms.ErrMalformed},
		"an empty signature":              {valid.with(headerSignature, ""), platforms.ErrSignature},
		"an empty time":                   {valid.with(headerTime, ""), platforms.ErrMalformed},
		"an empty nonce":                  {valid.with(headerNonce, ""), platforms.ErrMalformed},
		"half a signature":                {valid.with(headerSignature, sig[:32]), platforms.ErrSignature},
		"a signature and more":            {valid.with(headerSignature, sig+"00"), platforms.ErrSignature},
		"a signature in capitals":         {valid.with(headerSignature, strings.ToUpper(sig)), platforms.ErrSignature},
		"a signature in base64":           {valid.with(headerSignature, base64.StdEncoding.EncodeToString(mustHex(t, sig))), platforms.ErrSignature},
		"with a prefix":                   {valid.with(headerSignature, "sha256="+sig), platforms.ErrSignature},
		"zeros":                           {valid.with(headerSignature, strings.Repeat("0", 64)), platforms.ErrSignature},
		"another nonce":                   {valid.with(headerNonce, "533226634"), platforms.ErrSignature},
		"another time":                    {valid.with(headerTime, "1700000001"), platforms.ErrSignature},
		"a digit moved to the time":       {valid.with(headerTime, "17000000005").with(headerNonce, "33226633"), platforms.ErrMalformed},
		"a digit moved to the nonce":      {valid.with(headerTime, "170000000").with(headerNonce, "0533226633"), platforms.ErrMalformed},
		"a time with a sign":              {valid.with(headerTime, "+170000000"), platforms.ErrMalformed},
		"a time with a space":             {valid.with(headerTime, " 170000000"), platforms.ErrMalformed},
		"a time in hexadecimal":           {valid.with(headerTime, "0x6553F100"), platforms.ErrMalformed},
		"a time in other digits":          {valid.with(headerTime, "１"+"1234567"), platforms.ErrMalformed},
		"a time in milliseconds":          {signedAt(testKey, good, testNow.UnixMilli()), platforms.ErrMalformed},
		"an endless nonce":                {valid.with(headerNonce, strings.Repeat("5", 1<<16)), platforms.ErrMalformed},
		// Time.
		"stale":              {signed(testKey, good, testNow.Add(-platforms.ReplayWindow-time.Second)), platforms.ErrStale},
		"future":             {signed(testKey, good, testNow.Add(platforms.ReplayWindow+time.Second)), platforms.ErrStale},
		"of the year 2001":   {signedAt(testKey, good, 1_000_000_000), platforms.ErrStale},
		"of the year 2286":   {signedAt(testKey, good, 9_999_999_999), platforms.ErrStale},
		"stale, for another": {signed(otherKey, good, testNow.Add(-time.Hour)), platforms.ErrSignature},
		// Signatures of something else.
		"the signature of another body":       {knock{sign(encrypted(testKey, event(testToken)+" ")).header, good}, platforms.ErrSignature},
		"the signature of an empty body":      {knock{sign("").header, good}, platforms.ErrSignature},
		"the legacy signature, SHA-1":         {valid.with(headerSignature, hex.EncodeToString(legacy[:])), platforms.ErrSignature},
		"an HMAC":                             {valid.with(headerSignature, hex.EncodeToString(mac.Sum(nil))), platforms.ErrSignature},
		"signed with another key":             {signed(otherKey, good, testNow), platforms.ErrSignature},
		"signed with the Verification Token":  {signed(testToken, good, testNow), platforms.ErrSignature},
		"signed with no key":                  {signed("", good, testNow), platforms.ErrSignature},
		"signed with the digest of the key":   {signed(string(mustHex(t, hexSum(testKey))), good, testNow), platforms.ErrSignature},
		"lengthened, as plain SHA-256 allows": {knock{valid.with(headerSignature, forged).header, extended}, platforms.ErrMalformed},
		"a byte of the body changed":          {knock{valid.header, raw(base64.StdEncoding.EncodeToString(flipped))}, platforms.ErrSignature},
		"a space after the body":              {knock{valid.header, good + " "}, platforms.ErrSignature},
		// Bodies, signed as they should be.
		"not encrypted":                    {sign(event(testToken)), platforms.ErrMalformed},
		"encrypted, and the same in clear": {sign(`{"encrypt":"",` + event(testToken)[1:]), platforms.ErrMalformed},
		"a challenge in clear":             {sign(challenge(testToken)), platforms.ErrMalformed},
		"empty":                            {sign(""), platforms.ErrMalformed},
		"null":                             {sign("null"), platforms.ErrMalformed},
		"a list":                           {sign("[" + good + "]"), platforms.ErrMalformed},
		"two bodies":                       {sign(good + good), platforms.ErrMalformed},
		"encrypt is null":                  {sign(`{"encrypt":null}`), platforms.ErrMalformed},
		"encrypt is a number":              {sign(`{"encrypt":1}`), platforms.ErrMalformed},
		"encrypt is an object":             {sign(`{"encrypt":` + good + `}`), platforms.ErrMalformed},
		"nested deeply":                    {sign(strings.Repeat(`{"encrypt":`, 20_000)), platforms.ErrMalformed},
		"base64, truncated":                {sign(raw(b64[:len(b64)-3])), platforms.ErrMalformed},
		"base64 for addresses":             {sign(raw(strings.NewReplacer("+", "-", "/", "_").Replace(seal(testKey, bytes.Repeat([]byte{0xff}, 16), padded(event(testToken)))))), platforms.ErrMalformed},
		"no base64":                        {sign(raw("!!!!")), platforms.ErrMalformed},
		"an IV only":                       {sign(raw(base64.StdEncoding.EncodeToString(testIV))), platforms.ErrMalformed},
		"less than an IV":                  {sign(raw(base64.StdEncoding.EncodeToString(testIV[:15]))), platforms.ErrMalformed},
		"half a block":                     {sign(raw(base64.StdEncoding.EncodeToString(mustDecode(t, b64)[:40]))), platforms.ErrMalformed},
		"the last block is missing":        {sign(raw(base64.StdEncoding.EncodeToString(mustDecode(t, b64)[:len(mustDecode(t, b64))-16]))), platforms.ErrMalformed},
		"the first block is missing":       {sign(raw(base64.StdEncoding.EncodeToString(mustDecode(t, b64)[16:]))), platforms.ErrMalformed},
		"another IV":                       {sign(raw(base64.StdEncoding.EncodeToString(flipped))), platforms.ErrMalformed},
		"padding of 0":                     {sign(sealedOf(zeroPadded(event(testToken)))), platforms.ErrMalformed},
		"padding of 17":                    {sign(sealedOf(padTo(upTo(event(testToken), 17), 17))), platforms.ErrMalformed},
		"padding of 255":                   {sign(sealedOf(padTo(upTo(event(testToken), 255), 255))), platforms.ErrMalformed},
		"uneven padding":                   {sign(sealedOf(uneven(event(testToken)))), platforms.ErrMalformed},
		"padding that JSON passes over":    {sign(sealedOf([]byte(upTo(event(testToken), 4) + "\n\n\n\n"))), platforms.ErrMalformed},
		"nothing but padding":              {sign(sealedOf(padTo("", 16))), platforms.ErrMalformed},
		"encrypted with another key":       {sign(encrypted(otherKey, event(testToken))), platforms.ErrMalformed},
		"encrypted with the former key, signed with this": {sign(encrypted(oldKey, event(testToken))), platforms.ErrMalformed},
		"encrypted twice":              {sign(encrypted(testKey, good)), platforms.ErrSignature},
		"what is encrypted is no JSON": {sign(encrypted(testKey, "hello world")), platforms.ErrMalformed},
		"what is encrypted is a list":  {sign(encrypted(testKey, "["+event(testToken)+"]")), platforms.ErrMalformed},
		"two events in one":            {sign(encrypted(testKey, event(testToken)+event(testToken))), platforms.ErrMalformed},
		// Tokens.
		"another token":                         {sign(encrypted(testKey, event(oldToken+"x"))), platforms.ErrSignature},
		"no token":                              {sign(encrypted(testKey, `{"schema":"2.0","header":{"event_id":"e1"},"event":{}}`)), platforms.ErrSignature},
		"an empty token":                        {sign(encrypted(testKey, event(""))), platforms.ErrSignature},
		"half the token":                        {sign(encrypted(testKey, event(testToken[:16]))), platforms.ErrSignature},
		"the token in capitals":                 {sign(encrypted(testKey, event(strings.ToUpper(testToken)))), platforms.ErrSignature},
		"the token is a list":                   {sign(encrypted(testKey, `{"header":{"token":["`+testToken+`"]}}`)), platforms.ErrMalformed},
		"the key as the token":                  {sign(encrypted(testKey, event(testKey))), platforms.ErrSignature},
		"the token beside a header without one": {sign(encrypted(testKey, `{"token":"`+testToken+`","header":{"event_type":"im.message.receive_v1"}}`)), platforms.ErrSignature},
		"the token within the event":            {sign(encrypted(testKey, `{"event":{"token":"`+testToken+`"}}`)), platforms.ErrSignature},
		// What is not signed.
		"an event, not signed":                        {bare(good), platforms.ErrUnsigned},
		"an event that says it is a challenge":        {bare(encrypted(testKey, `{"type":"url_verification","challenge":"x",`+event(testToken)[1:])), platforms.ErrUnsigned},
		"an event of the older form, not signed":      {bare(encrypted(testKey, `{"type":"event_callback","token":"`+testToken+`","event":{}}`)), platforms.ErrUnsigned},
		"a challenge in clear, not signed":            {bare(challenge(testToken)), platforms.ErrUnsigned},
		"a challenge without a token":                 {bare(encrypted(testKey, `{"challenge":"x","type":"url_verification"}`)), platforms.ErrUnsigned},
		"a challenge with another token":              {bare(encrypted(testKey, challenge("x"))), platforms.ErrUnsigned},
		"a challenge without one":                     {bare(encrypted(testKey, `{"token":"`+testToken+`","type":"url_verification"}`)), platforms.ErrUnsigned},
		"a challenge under another key":               {bare(encrypted(otherKey, challenge(testToken))), platforms.ErrUnsigned},
		"a challenge of more than a few words":        {bare(encrypted(testKey, challenge(testToken)+strings.Repeat(" ", challengeMost))), platforms.ErrUnsigned},
		"a challenge with wrong padding, not signed":  {bare(sealedOf(uneven(challenge(testToken)))), platforms.ErrUnsigned},
		"a challenge with another token, signed":      {sign(encrypted(testKey, challenge("x"))), platforms.ErrSignature},
		"an event with a broken signature, as before": {knock{valid.with(headerSignature, "00").header, good}, platforms.ErrSignature},
	} {
		err := c.k.at(h, testNow)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
			continue
		}
		for _, secret := range []string{testKey, testToken, oldKey, oldToken} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error holds a secret", name)
			}
		}
	}
}

// TestOneWordForWhatCantBeRead: nothing tells wrong padding from wrong contents.
func TestOneWordForWhatCantBeRead(t *testing.T) {
	for name, padded := range map[string][]byte{
		"padding": uneven(event(testToken)), "contents": padded("hello world"), "both": uneven("hello world"), "nothing": padTo("", 16),
	} {
		if _, err := unseal([]byte(`{"encrypt":"`+seal(testKey, testIV, padded)+`"}`), platforms.NewSecret(testKey)); err != errSealed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUnpad(t *testing.T) {
	for n := range 256 {
		for _, length := range []int{16, 32} {
			b := bytes.Repeat([]byte{byte(n)}, length)
			want, good := length, 0
			if n >= 1 && n <= 16 {
				want, good = length-n, 1
			}
			if got, ok := unpad(b); got != want || ok != good {
				t.Errorf("%d bytes of %d: %d, %d", length, n, got, ok)
			}
			for at := length - min(n, 16); good == 1 && at < length-1; at++ {
				b[at] ^= 0x40
				if got, ok := unpad(b); got != length || ok != 0 {
					t.Errorf("%d bytes of %d, another at %d: %d, %d", length, n, at, got, ok)
				}
				b[at] ^= 0x40
			}
		}
	}
}

func TestFailsClosed(t *testing.T) {
	good := func() platforms.Config {
		return platforms.Config{
			Settings: map[string]string{keyApp: "cli_a1", keyMode: modeHTTP},
			Secrets: map[string]platforms.Secret{keySecret: platforms.NewSecret("secret"),
				keyCrypt: platforms.NewSecret(testKey), keyToken: platforms.NewSecret(testToken)},
			Key: platforms.NewSecret("a key that is random for every account"),
		}
	}
	if _, err := newConnector(good()); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		spoil func(*platforms.Config)
		want  string
	}{
		"no Encrypt Key":        {func(c *platforms.Config) { delete(c.Secrets, keyCrypt) }, "need the Encrypt Key"},
		"no Verification Token": {func(c *platforms.Config) { delete(c.Secrets, keyToken) }, "need the Verification Token"},
		"blanks":                {func(c *platforms.Config) { c.Secrets[keyCrypt] = platforms.NewSecret("  ") }, "need the Encrypt Key"},
		"only the former one": {func(c *platforms.Config) {
			c.Former = map[string]platforms.Former{keyCrypt: {Secret: c.Secrets[keyCrypt], Until: time.Now().Add(time.Hour)}}
			delete(c.Secrets, keyCrypt)
		}, "need the Encrypt Key"},
		"a short key":     {func(c *platforms.Config) { c.Secrets[keyCrypt] = platforms.NewSecret("test key") }, "can't be used"},
		"a short token":   {func(c *platforms.Config) { c.Secrets[keyToken] = platforms.NewSecret("abc") }, "can't be used"},
		"no own key":      {func(c *platforms.Config) { c.Key = platforms.Secret{} }, "no key of its own"},
		"an unknown mode": {func(c *platforms.Config) { c.Settings[keyMode] = "both" }, "not known how events come"},
	} {
		bad := good()
		c.spoil(&bad)
		if _, err := newConnector(bad); err == nil || !strings.Contains(platforms.Explain(err), c.want) || strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, mode := range []string{"", modeSocket, modeHTTP} {
		want := platforms.Dials
		if mode == modeHTTP {
			want = platforms.Webhook
		}
		if got := Platform().Reach(map[string]string{keyMode: mode}); got != want {
			t.Errorf("%q: %v", mode, got)
		}
	}
}

func TestThePathCantBeGuessed(t *testing.T) {
	one, other := where(platforms.NewSecret("one")), where(platforms.NewSecret("other"))
	if len(one) != 32 || one == other || one != where(platforms.NewSecret("one")) {
		t.Errorf("%s, %s", one, other)
	}
}

// TestOnlySoManyAtOnce: what is over the bound is told to come again.
func TestOnlySoManyAtOnce(t *testing.T) {
	q := newRequests(&connector{hook: testHook(t)})
	for range atOnce {
		q.slots <- struct{}{}
	}
	q.c.hook.app = "cli_a1"
	got := httptest.NewRecorder()
	q.ServeHTTP(got, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(encrypted(testKey, event(testToken)))))
	if got.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", got.Code)
	}
	got = httptest.NewRecorder()
	q.ServeHTTP(got, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(encrypted(testKey, challenge(testToken)))))
	if got.Code != http.StatusOK || got.Body.String() != `{"challenge":"ajls384kdjx98XX"}` {
		t.Errorf("a challenge: status %d, %s", got.Code, got.Body)
	}
}

// TestAClickThatWasStoredLate is answered at once, before its request gives up.
func TestAClickThatWasStoredLate(t *testing.T) {
	for ago, now := range map[time.Duration]bool{0: false, answerIn - answerGrace: true} {
		s := newRequests(nil).s
		answer := make(chan []byte, 1)
		p := packet{came: time.Now().Add(-ago), answer: answer}
		s.expect("c-1", p)
		if err := s.hold("c-1", p); err != nil {
			t.Fatal(err)
		}
		next, err := s.release(p.came.Add(max(ago, toastTime/2)))
		if err != nil || next.IsZero() != now || len(answer) == 1 != now {
			t.Errorf("%v: next %v, %v, %d answers", ago, next, err, len(answer))
		}
	}
}
