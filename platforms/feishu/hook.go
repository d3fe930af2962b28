package feishu

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postern/postern/platforms"
)

// The platform's HTTP mode, where it calls a public address, is described at
// https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/encrypt-key-encryption-configuration-case
// for events and at
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/event-subscription-guide/callback-subscription/receive-and-handle-callbacks
// for clicks. Without an Encrypt Key it signs and encrypts nothing: then nothing
// is opened.

// Headers of a request, as net/http writes them.
const (
	headerSignature = "X-Lark-Signature"
	headerTime      = "X-Lark-Request-Timestamp"
	headerNonce     = "X-Lark-Request-Nonce"
)

// Bounds of a request. A message has 150 KB at most, which JSON within JSON and
// base64 make more of. The challenge is a few words.
const (
	bodyMost      = 2 << 20
	challengeMost = 4 << 10
	nonceMost     = 128
	cryptLeast    = 12
)

// hook is how the platform's requests reach one account.
type hook struct {
	app     string
	path    string
	ingress platforms.Ingress
	keys    func(now time.Time) []platforms.Secret // Encrypt Keys that count
	tokens  func(now time.Time) []platforms.Secret // Verification Tokens that count
	heard   atomic.Bool                            // the platform has reached us
}

// newHook is nil where the account dials out.
func newHook(c platforms.Config, app string) (*hook, error) {
	switch c.Settings[keyMode] {
	case "", modeSocket:
		return nil, nil
	case modeHTTP:
	default:
		return nil, rejected("It is not known how events come. Choose to dial out, or HTTP events.")
	}
	for _, f := range []struct {
		key, label string
		parse      func(string) (string, error)
	}{{keyCrypt, "Encrypt Key", parseCrypt}, {keyToken, "Verification Token", parseToken}} {
		switch s, err := f.parse(c.Secrets[f.key].Reveal()); {
		case err != nil:
			return nil, rejected("The %s can't be used: %s.", f.label, err)
		case s == "":
			return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "HTTP events need the " + f.label +
				", without which anybody could send some. Enter the one from Events & Callbacks, Encryption strategy in the developer console, or choose to dial out."}
		}
	}
	if c.Key.IsZero() {
		return nil, rejected("This account has no key of its own, from which its address is made. Remove the account and add it again.")
	}
	live := func(field string) func(time.Time) []platforms.Secret {
		return func(now time.Time) []platforms.Secret { return c.Live(field, now) }
	}
	return &hook{app: app, path: "/feishu/" + where(c.Key), ingress: c.Ingress, keys: live(keyCrypt), tokens: live(keyToken)}, nil
}

// where is the last part of the path. It can't be guessed, and stays the same:
// the developer console has it.
func where(key platforms.Secret) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte("feishu events path"))
	return hex.EncodeToString(mac.Sum(nil))[:32]
}

func parseCrypt(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), "\"'")
	switch {
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", errors.New("an Encrypt Key has no spaces and no accents; copy it from the developer console")
	case s != "" && len(s) < cryptLeast:
		return "", fmt.Errorf("an Encrypt Key of less than %d characters can be guessed; set a longer one in the developer console", cryptLeast)
	}
	return s, nil
}

func parseToken(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), "\"'")
	switch {
	case strings.ContainsFunc(s, notWord):
		return "", errors.New("a Verification Token has letters and digits only; copy it from the developer console")
	case s != "" && len(s) < cryptLeast:
		return "", errors.New("a Verification Token is longer; copy the whole of it from the developer console")
	}
	return s, nil
}

// verify is platforms.Route's. A request is signed with its time, and encrypted;
// what it holds bears the Verification Token besides. The nonce is not kept:
// within platforms.ReplayWindow the same event can come again, under the id by
// which the journal knows it.
//
// The request that checks the address, which the console sends when a person
// saves it, is not signed, says the documentation. It is known by being
// encrypted, and by its token; answering it gives away nothing but its own words.
func (h *hook) verify(r *http.Request, body []byte, now time.Time) error {
	key, err := h.signer(r.Header, body, now)
	if err != nil {
		if len(body) <= challengeMost {
			if got, err := h.open(body, now); err == nil && got.challenges() {
				return nil
			}
		}
		return err
	}
	got, err := unseal(body, key)
	if err != nil {
		return err
	}
	return h.authentic(got, now)
}

// signer is the key under which a request is signed: hex of SHA-256 over time,
// nonce, key and body. Nothing separates time and nonce, so a time of ten digits
// is the only form taken: what is shifted from one to the other makes it tenfold
// or a tenth.
func (h *hook) signer(header http.Header, body []byte, now time.Time) (platforms.Secret, error) {
	given, stamp, nonce := header[headerSignature], header[headerTime], header[headerNonce]
	if len(given) == 0 {
		return platforms.Secret{}, platforms.ErrUnsigned
	}
	if len(given) != 1 || len(stamp) != 1 || len(nonce) != 1 {
		return platforms.Secret{}, fmt.Errorf("%w: not one of each header", platforms.ErrMalformed)
	}
	if len(stamp[0]) != 10 || strings.Trim(stamp[0], "0123456789") != "" || len(nonce[0]) == 0 || len(nonce[0]) > nonceMost {
		return platforms.Secret{}, fmt.Errorf("%w: the time or the nonce", platforms.ErrMalformed)
	}
	var signer platforms.Secret
	for _, key := range h.keys(now) {
		sum := sha256.New()
		sum.Write([]byte(stamp[0] + nonce[0] + key.Reveal()))
		sum.Write(body)
		if hmac.Equal([]byte(hex.EncodeToString(sum.Sum(nil))), []byte(given[0])) {
			signer = key
		}
	}
	if signer.IsZero() {
		return signer, platforms.ErrSignature
	}
	seconds, _ := strconv.ParseInt(stamp[0], 10, 64) // ten digits
	if now.Sub(time.Unix(seconds, 0)).Abs() > platforms.ReplayWindow {
		return platforms.Secret{}, platforms.ErrStale
	}
	return signer, nil
}

// open is what a body holds, under any key that counts, from the platform.
func (h *hook) open(body []byte, now time.Time) (sealed, error) {
	err := errSealed
	for _, key := range h.keys(now) {
		got, failed := unseal(body, key)
		if failed == nil {
			failed = h.authentic(got, now)
		}
		if failed == nil {
			return got, nil
		}
		err = failed
	}
	return sealed{}, err
}

// authentic checks the Verification Token, whose digests are compared: then
// lengths don't show.
func (h *hook) authentic(got sealed, now time.Time) error {
	given := sha256.Sum256([]byte(got.token()))
	good := false
	for _, token := range h.tokens(now) {
		want := sha256.Sum256([]byte(token.Reveal()))
		good = hmac.Equal(given[:], want[:]) || good
	}
	if !good || got.token() == "" {
		return fmt.Errorf("%w: another Verification Token", platforms.ErrSignature)
	}
	return nil
}

// serve opens the address. release ends the requests in flight.
func (h *hook) serve(r *requests) (public string, release func(), err error) {
	if h.ingress == nil {
		return "", nil, h.closed(errors.New("no ingress"))
	}
	public, stop, err := h.ingress.Serve(platforms.Route{Path: h.path, Body: bodyMost, Verify: h.verify, Handler: r})
	if err != nil {
		return "", nil, h.closed(err)
	}
	return public, func() { close(r.ended); stop() }, nil
}

// closed is err from the Ingress as the contract has it.
func (h *hook) closed(err error) error {
	var own *platforms.Error
	if errors.As(err, &own) {
		return err
	}
	return &platforms.Error{Kind: platforms.NotAcknowledged, Err: err,
		Text: "Feishu can't reach this computer: it has no public address for this account. Allow one under Exposure, or choose to dial out."}
}

// problems is what Check finds. The platform has no call that tells which
// address it was given.
func (h *hook) problems() []platforms.Problem {
	if h.heard.Load() {
		return nil
	}
	err := error(nil)
	var public string
	if h.ingress == nil {
		err = h.closed(errors.New("no ingress"))
	} else if public, err = h.ingress.Address(h.path); err != nil {
		err = h.closed(err)
	}
	if err != nil {
		return []platforms.Problem{{Code: problemAddress, Text: platforms.Explain(err), Bad: true}}
	}
	return []platforms.Problem{{Code: problemUnheard, Text: "Feishu has not called since this program started. If it was not done yet: in the developer console under Events & Callbacks choose “Send notifications to developer's server” and paste: " + public +
		" On the tab Callback configuration do the same. The console accepts the address only while this account is connected."}}
}
