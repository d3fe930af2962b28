package webhook

import (
	"crypto/ed25519"
	"crypto/sha1" // #nosec G505 -- what Webex and some others sign with; as an HMAC it stands
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

// Keys of the settings. Those after keySecret are read with senderPlain only.
const (
	keySender    = "sender"
	keySecret    = "secret"
	keyHeader    = "header"
	keyAlgorithm = "algorithm"
	keyEncoding  = "encoding"
	keyPrefix    = "prefix"
	keySigned    = "signed"
	keyTimestamp = "timestamp"
	keyEvent     = "event"
)

// Who sends.
const (
	senderGitHub   = "github"
	senderGitLab   = "gitlab"
	senderStripe   = "stripe"
	senderSlack    = "slack"
	senderWebex    = "webex"
	senderStandard = "standard"
	senderPlain    = "plain"
)

// What the values of the other settings are.
const (
	encodingHex    = "hex"
	encodingBase64 = "base64"
	signedBody     = "body"
	signedTime     = "ts.body"
)

func senders() []platforms.Option {
	return []platforms.Option{
		{Value: senderGitHub, Label: "GitHub"}, {Value: senderGitLab, Label: "GitLab"}, {Value: senderStripe, Label: "Stripe"},
		{Value: senderSlack, Label: "Slack, over HTTP"}, {Value: senderWebex, Label: "Webex"},
		{Value: senderStandard, Label: "Standard Webhooks"}, {Value: senderPlain, Label: "Another sender: HMAC by configuration"},
	}
}

func algorithms() []platforms.Option {
	return []platforms.Option{{Value: "sha256", Label: "HMAC-SHA256"}, {Value: "sha512", Label: "HMAC-SHA512"}, {Value: "sha1", Label: "HMAC-SHA1, only where there is no other"}}
}

func encodings() []platforms.Option {
	return []platforms.Option{{Value: encodingHex, Label: "Hexadecimal"}, {Value: encodingBase64, Label: "Base64"}}
}

func contents() []platforms.Option {
	return []platforms.Option{{Value: signedBody, Label: "The body"}, {Value: signedTime, Label: "The time, a full stop and the body"}}
}

func fields() []platforms.Field {
	only := "For another sender only. "
	return []platforms.Field{
		{Key: keySender, Label: "Sender", Options: senders(), Parse: oneOf(senders()),
			Help: "Whose signatures are checked. One account takes one sender's requests."},
		{Key: keySecret, Label: "Secret", Secret: true, Required: true, Rotates: true, Parse: parseSecret, Make: freshSecret,
			Help: "Proves that a request is the sender's. For GitHub, GitLab and Webex have one made and paste it there too; the others show theirs. With Standard Webhooks a public key, whpk_…, will do."},
		{Key: keyHeader, Label: "Signature header", Advanced: true, Placeholder: "X-Signature", Parse: parseHeader,
			Help: only + "Which header bears the signature."},
		{Key: keyAlgorithm, Label: "Algorithm", Advanced: true, Options: algorithms(), Parse: oneOf(algorithms()), Help: only + "What it is signed with."},
		{Key: keyEncoding, Label: "Encoding", Advanced: true, Options: encodings(), Parse: oneOf(encodings()), Help: only + "How the signature is written."},
		{Key: keyPrefix, Label: "Prefix", Advanced: true, Placeholder: "sha256=", Parse: parsePrefix,
			Help: only + "What stands before the signature in its header; nothing if nothing does."},
		{Key: keySigned, Label: "What is signed", Advanced: true, Options: contents(), Parse: oneOf(contents()),
			Help: only + "With a time, a request that somebody recorded is worthless after five minutes."},
		{Key: keyTimestamp, Label: "Time header", Advanced: true, Placeholder: "X-Timestamp", Parse: parseHeader,
			Help: only + "Which header bears the time in whole seconds, if the time is signed."},
		{Key: keyEvent, Label: "Event id", Advanced: true, Placeholder: "/id", Parse: parseEvent,
			Help: only + "Where an id stands that is the same when an event comes again: a JSON pointer into the body, such as /data/id, or a header's name. A header is not signed: who recorded a request could send it again under another id. With nothing here, equal requests count once."},
	}
}

func oneOf(options []platforms.Option) func(string) (string, error) {
	return func(s string) (string, error) {
		s = strings.TrimSpace(s)
		if s == "" || slices.ContainsFunc(options, func(o platforms.Option) bool { return o.Value == s }) {
			return s, nil
		}
		return "", sentence("There is no such choice. Choose one of the list.")
	}
}

// sentence is an error for the person.
type sentence string

func (s sentence) Error() string { return string(s) }

const (
	secretLeast, secretMost = 16, 1024 // bytes
	headerMost, pointerMost = 64, 256
)

func parseSecret(s string) (string, error) {
	s = strings.TrimSpace(s)
	switch {
	case len(s) < secretLeast:
		return "", sentence("This secret is too short to keep strangers out. Take one of at least 16 characters, or have one made.")
	case len(s) > secretMost || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return "", sentence("This is no secret: it is too long, or has line breaks or other control characters in it. Copy it again.")
	case strings.HasPrefix(s, private):
		return "", sentence("This is the sender's private key, which nobody else should have. Enter the public one, which begins with whpk_, and have the sender make new keys.")
	}
	return s, nil
}

func parseHeader(s string) (string, error) {
	s = strings.TrimSuffix(strings.TrimSpace(s), ":")
	if s == "" {
		return "", nil
	}
	if len(s) > headerMost || strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) {
		return "", sentence("A header's name has letters, digits and hyphens only. Copy it from the service's documentation.")
	}
	s = http.CanonicalHeaderKey(s)
	switch s { // set by whatever carries the request, or not among its headers here
	case "Host", "Connection", "Content-Length", "Transfer-Encoding", "Trailer", "Te", "Upgrade", "Keep-Alive":
		return "", sentence("The header " + s + " can't bear this. Look it up in the service's documentation.")
	}
	return s, nil
}

func parsePrefix(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) > 32 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", sentence("A prefix is a few letters and signs, such as sha256=. Copy it from the service's documentation.")
	}
	return s, nil
}

// parseEvent takes a JSON pointer, which begins with a slash, or a header's name.
// https://www.rfc-editor.org/rfc/rfc6901
func parseEvent(s string) (string, error) {
	s = strings.TrimSpace(s)
	if !strings.HasPrefix(s, "/") {
		return parseHeader(s)
	}
	if _, ok := pointer(s); !ok || len(s) > pointerMost {
		return "", sentence("This is no JSON pointer. Write it like /data/id; a ~ in a name is ~0 and a slash ~1.")
	}
	return s, nil
}

// scheme is how one sender signs.
type scheme struct {
	sender string
	// The following are senderPlain's.
	header string
	hash   func() hash.Hash
	base64 bool
	prefix string
	timed  bool
	stamp  string
	event  string
}

// newScheme reads settings as the form left them, or as somebody wrote them into
// a file.
func newScheme(settings map[string]string) (scheme, error) {
	v := map[string]string{}
	for _, f := range fields() {
		if f.Secret {
			continue
		}
		value, err := f.Parse(settings[f.Key])
		if err != nil {
			return scheme{}, err
		}
		if value == "" && len(f.Options) > 0 {
			value = f.Options[0].Value
		}
		v[f.Key] = value
	}
	s := scheme{sender: v[keySender]}
	if s.sender != senderPlain {
		return s, nil
	}
	s.header, s.base64, s.prefix = v[keyHeader], v[keyEncoding] == encodingBase64, v[keyPrefix]
	s.timed, s.stamp, s.event = v[keySigned] == signedTime, v[keyTimestamp], v[keyEvent]
	s.hash = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New, "sha1": sha1.New}[v[keyAlgorithm]]
	switch {
	case s.header == "":
		return scheme{}, sentence("It is not known which header bears the signature. Enter its name under Advanced.")
	case s.timed && s.stamp == "":
		return scheme{}, sentence("It is not known which header bears the time that is signed. Enter its name under Advanced.")
	case s.timed && s.stamp == s.header, s.event == s.header:
		return scheme{}, sentence("One header is named twice under Advanced. The signature has one of its own.")
	}
	return s, nil
}

// How Standard Webhooks writes keys down, so that one is never taken for another.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	symmetric = "whsec_"
	private   = "whsk_"
	public    = "whpk_"
)

// key is one of the two.
type key struct {
	shared []byte
	public ed25519.PublicKey
}

// key reads a secret as the sender means it. A public key is never one to sign
// with: everybody may have it.
func (s scheme) key(secret string) (key, error) {
	secret, err := parseSecret(secret)
	if err != nil {
		return key{}, err
	}
	if text, ok := strings.CutPrefix(secret, public); ok {
		b, err := base64.StdEncoding.DecodeString(text)
		if s.sender != senderStandard {
			return key{}, sentence("A public key, whpk_…, is for Standard Webhooks only. Choose that as sender, or enter the secret.")
		}
		if err != nil || len(b) != ed25519.PublicKeySize {
			return key{}, sentence("This public key is not complete. Copy the whole of it, from whpk_ on.")
		}
		return key{public: b}, nil
	}
	if s.sender != senderStandard {
		return key{shared: []byte(secret)}, nil
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, symmetric))
	if err != nil || len(b) < 24 || len(b) > 64 { // the specification's bounds
		return key{}, sentence("This is no secret of Standard Webhooks: whsec_ and then at least 32 letters, digits and signs. Copy the whole of it.")
	}
	return key{shared: b}, nil
}
