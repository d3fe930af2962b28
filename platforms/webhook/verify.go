package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1" // #nosec G505 -- Webex's
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
)

// Headers, in the form that net/http gives them.
const (
	headerGitHub      = "X-Hub-Signature-256"
	headerGitLab      = "X-Gitlab-Token"
	headerStripe      = "Stripe-Signature"
	headerSlack       = "X-Slack-Signature"
	headerSlackTime   = "X-Slack-Request-Timestamp"
	headerWebex       = "X-Spark-Signature"
	headerStandard    = "Webhook-Signature"
	headerStandardID  = "Webhook-Id"
	headerStandardNow = "Webhook-Timestamp"
)

const (
	valueMost     = 4096 // bytes of a header that is read here
	signatureMost = 16   // in one header
	idMost        = 256  // bytes of an id
)

// verify is platforms.Route's.
func (c *connector) verify(r *http.Request, body []byte, now time.Time) error {
	var keys []key
	for _, s := range c.secrets(now) {
		if k, err := c.scheme.key(s.Reveal()); err == nil {
			keys = append(keys, k)
		}
	}
	return c.scheme.verify(r.Header, body, now, keys)
}

// verify reports whether a request is the sender's. Every signature that fits in
// form is held against every key, in constant time.
func (s scheme) verify(h http.Header, body []byte, now time.Time, keys []key) error {
	switch s.sender {
	case senderGitHub:
		// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
		return signed(h, headerGitHub, "sha256=", sha256.New, hex.DecodeString, keys, body)
	case senderGitLab:
		return token(h, keys)
	case senderStripe:
		return stripe(h, body, now, keys)
	case senderSlack:
		// https://docs.slack.dev/authentication/verifying-requests-from-slack
		stamp, at, err := timestamp(h, headerSlackTime)
		if err == nil {
			err = signed(h, headerSlack, "v0=", sha256.New, hex.DecodeString, keys, []byte("v0:"+stamp+":"), body)
		}
		return fresh(err, at, now)
	case senderWebex:
		return webex(h, body, keys)
	case senderStandard:
		return standard(h, body, now, keys)
	case senderPlain:
		decode := hex.DecodeString
		if s.base64 {
			decode = base64.StdEncoding.DecodeString
		}
		if !s.timed {
			return signed(h, s.header, s.prefix, s.hash, decode, keys, body)
		}
		stamp, at, err := timestamp(h, s.stamp)
		if err == nil {
			err = signed(h, s.header, s.prefix, s.hash, decode, keys, []byte(stamp+"."), body)
		}
		return fresh(err, at, now)
	}
	return fmt.Errorf("%w: nothing is known of the sender", platforms.ErrUnsigned)
}

// one is a header that must be there once: of two, somebody else might read the
// other.
func one(h http.Header, name string) (string, error) {
	v := h[name]
	switch {
	case len(v) == 0 || len(v) == 1 && v[0] == "":
		return "", fmt.Errorf("%w: there is no %s", platforms.ErrUnsigned, name)
	case len(v) > 1:
		return "", fmt.Errorf("%w: there is more than one %s", platforms.ErrMalformed, name)
	case len(v[0]) > valueMost || strings.ContainsFunc(v[0], func(r rune) bool { return r < ' ' || r > '~' }):
		return "", fmt.Errorf("%w: the %s is not what one looks like", platforms.ErrMalformed, name)
	}
	return v[0], nil
}

// bad is a signature that is not right, for whatever reason.
func bad(name string) error {
	return fmt.Errorf("%w: the %s does not fit the secret and the body", platforms.ErrSignature, name)
}

// timestamp is a header's time in whole seconds, as it is written, and the time.
func timestamp(h http.Header, name string) (string, time.Time, error) {
	v, err := one(h, name)
	if err != nil {
		return "", time.Time{}, err
	}
	at, err := seconds(v)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%w: the %s is no time in seconds", platforms.ErrMalformed, name)
	}
	return v, at, nil
}

// seconds reads digits only: no sign, no space, nothing that grows beyond an
// int64.
func seconds(s string) (time.Time, error) {
	if len(s) > 12 || strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' }) {
		return time.Time{}, strconv.ErrSyntax
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(n, 0), err
}

// fresh is err, or that a signed time is too far off. What is not signed is not
// called old.
func fresh(err error, at, now time.Time) error {
	if err == nil && now.Sub(at).Abs() > platforms.ReplayWindow {
		return fmt.Errorf("%w: it was signed %v from now; the clocks may differ", platforms.ErrStale, now.Sub(at).Round(time.Second))
	}
	return err
}

// matches reports whether signature is content's under one of keys.
func matches(signature []byte, algorithm func() hash.Hash, keys []key, content ...[]byte) bool {
	for _, k := range keys {
		if len(k.shared) == 0 {
			continue
		}
		mac := hmac.New(algorithm, k.shared)
		for _, part := range content {
			mac.Write(part)
		}
		if hmac.Equal(signature, mac.Sum(nil)) {
			return true
		}
	}
	return false
}

// signed checks a header that has a prefix and one signature.
func signed(h http.Header, name, prefix string, algorithm func() hash.Hash, decode func(string) ([]byte, error), keys []key, content ...[]byte) error {
	v, err := one(h, name)
	if err != nil {
		return err
	}
	v, ok := strings.CutPrefix(v, prefix)
	signature, err := decode(v)
	if !ok || err != nil || !matches(signature, algorithm, keys, content...) {
		return bad(name)
	}
	return nil
}

// token checks GitLab's secret token. Both sides are hashed, so that not even the
// length shows. https://docs.gitlab.com/user/project/integrations/webhooks/
func token(h http.Header, keys []key) error {
	v, err := one(h, headerGitLab)
	if err != nil {
		return err
	}
	given := sha256.Sum256([]byte(v))
	for _, k := range keys {
		want := sha256.Sum256(k.shared)
		if len(k.shared) > 0 && subtle.ConstantTimeCompare(given[:], want[:]) == 1 {
			return nil
		}
	}
	return fmt.Errorf("%w: the %s is not the secret", platforms.ErrSignature, headerGitLab)
}

// stripe checks t=…,v1=…, with several v1 while a secret is being replaced there.
// Other schemes, such as v0 in test mode, count for nothing.
// https://docs.stripe.com/webhooks#verify-manually
func stripe(h http.Header, body []byte, now time.Time, keys []key) error {
	v, err := one(h, headerStripe)
	if err != nil {
		return err
	}
	var stamp string
	var signatures []string
	for item := range strings.SplitSeq(v, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(item), "=")
		switch {
		case !ok || name == "t" && stamp != "":
			return fmt.Errorf("%w: the %s is not t=…,v1=…", platforms.ErrMalformed, headerStripe)
		case name == "t":
			stamp = value
		case name == "v1":
			signatures = append(signatures, value)
		}
	}
	at, err := seconds(stamp)
	if err != nil || len(signatures) > signatureMost {
		return fmt.Errorf("%w: the %s is not t=…,v1=…", platforms.ErrMalformed, headerStripe)
	}
	for _, text := range signatures {
		signature, err := hex.DecodeString(text)
		if err == nil && matches(signature, sha256.New, keys, []byte(stamp+"."), body) {
			return fresh(nil, at, now)
		}
	}
	return bad(headerStripe)
}

// webex checks what is SHA-1 by default, and SHA-256 or SHA-512 where somebody
// set that: the length tells. https://developer.webex.com/docs/webhooks
func webex(h http.Header, body []byte, keys []key) error {
	v, err := one(h, headerWebex)
	if err != nil {
		return err
	}
	algorithm := map[int]func() hash.Hash{2 * sha1.Size: sha1.New, 2 * sha256.Size: sha256.New, 2 * sha512.Size: sha512.New}[len(v)]
	if algorithm == nil {
		return bad(headerWebex)
	}
	return signed(h, headerWebex, "", algorithm, hex.DecodeString, keys, body)
}

// standard checks Standard Webhooks: v1 with shared keys and v1a with public
// ones, never one with the other's.
//
// A full stop in the id would let the parts of what is signed be shifted, so that
// one signature fits two requests.
func standard(h http.Header, body []byte, now time.Time, keys []key) error {
	id, err := one(h, headerStandardID)
	if err != nil {
		return err
	}
	if len(id) > idMost || strings.ContainsAny(id, ". ") {
		return fmt.Errorf("%w: the %s is not what one looks like", platforms.ErrMalformed, headerStandardID)
	}
	stamp, at, err := timestamp(h, headerStandardNow)
	if err != nil {
		return err
	}
	v, err := one(h, headerStandard)
	if err != nil {
		return err
	}
	if strings.Count(v, " ") >= signatureMost {
		return fmt.Errorf("%w: the %s has too many signatures", platforms.ErrMalformed, headerStandard)
	}
	head := []byte(id + "." + stamp + ".")
	for item := range strings.SplitSeq(v, " ") {
		version, text, _ := strings.Cut(item, ",")
		signature, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			continue
		}
		if version == "v1" && matches(signature, sha256.New, keys, head, body) ||
			version == "v1a" && attested(signature, keys, head, body) {
			return fresh(nil, at, now)
		}
	}
	return bad(headerStandard)
}

// attested reports whether signature is content's under one of the public keys.
func attested(signature []byte, keys []key, head, body []byte) bool {
	if len(signature) != ed25519.SignatureSize {
		return false
	}
	content := append(append(make([]byte, 0, len(head)+len(body)), head...), body...)
	for _, k := range keys {
		if len(k.public) == ed25519.PublicKeySize && ed25519.Verify(k.public, content, signature) {
			return true
		}
	}
	return false
}
