// Package webhooktest stands in for the services that send webhooks. It signs as
// their documentation says, and delivers in order, trying again until a delivery
// is answered with a status from 200 to 299.
package webhooktest

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"strings"
	"time"
)

// Service is whose signature a Sender makes.
type Service string

// The services.
const (
	GitHub   Service = "github"
	GitLab   Service = "gitlab"
	Stripe   Service = "stripe"
	Slack    Service = "slack"
	Webex    Service = "webex"
	Standard Service = "standard"
	// Plain signs as Form says.
	Plain Service = "plain"
)

// Form is how Plain signs. The zero Form writes hexadecimal HMAC-SHA256 of the
// body into X-Signature.
type Form struct {
	Header    string
	Algorithm string // sha256, sha512, sha1
	Base64    bool
	Prefix    string
	Time      string // the header of a signed time, in seconds; empty: only the body is signed
}

// Push is one event.
type Push struct {
	ID    string // the delivery's
	Event string // its name, where the service has one outside the body
	Body  []byte
}

// PublicKey is what verifies the signatures made with a private key, in the form
// in which services show it.
func PublicKey(private ed25519.PrivateKey) string {
	return "whpk_" + base64.StdEncoding.EncodeToString(private.Public().(ed25519.PublicKey))
}

func sum(algorithm func() hash.Hash, key []byte, parts ...string) []byte {
	m := hmac.New(algorithm, key)
	for _, p := range parts {
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

// Headers is what the service sends beside p's body, signed at a time with
// every one of secrets where the service can do that, else with the first.
func Headers(s Service, f Form, p Push, at time.Time, secrets ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	now, body, first := fmt.Sprint(at.Unix()), string(p.Body), []byte(secrets[0])
	switch s {
	case GitHub:
		// https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers
		h.Set("User-Agent", "GitHub-Hookshot/044aadd")
		h.Set("X-GitHub-Event", p.Event)
		h.Set("X-GitHub-Delivery", p.ID)
		h.Set("X-Hub-Signature", "sha1="+hex.EncodeToString(sum(sha1.New, first, body)))
		h.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(sum(sha256.New, first, body)))
	case GitLab:
		// https://docs.gitlab.com/user/project/integrations/webhooks/#delivery-headers
		h.Set("User-Agent", "GitLab/18.0.0")
		h.Set("X-Gitlab-Event", p.Event)
		h.Set("X-Gitlab-Token", secrets[0])
		h.Set("X-Gitlab-Event-UUID", p.ID)
		h.Set("Idempotency-Key", "key-"+p.ID)
	case Stripe:
		// https://docs.stripe.com/webhooks#verify-manually
		list := []string{"t=" + now}
		for _, secret := range secrets {
			list = append(list, "v1="+hex.EncodeToString(sum(sha256.New, []byte(secret), now, ".", body)))
		}
		h.Set("Stripe-Signature", strings.Join(append(list, "v0="+strings.Repeat("6f", 32)), ","))
	case Slack:
		// https://docs.slack.dev/authentication/verifying-requests-from-slack
		h.Set("X-Slack-Request-Timestamp", now)
		h.Set("X-Slack-Signature", "v0="+hex.EncodeToString(sum(sha256.New, first, "v0:", now, ":", body)))
	case Webex:
		// https://developer.webex.com/docs/webhooks
		h.Set("X-Spark-Signature", hex.EncodeToString(sum(sha1.New, first, body)))
	case Standard:
		// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
		h.Set("webhook-id", p.ID)
		h.Set("webhook-timestamp", now)
		var list []string
		for _, secret := range secrets {
			key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
			list = append(list, "v1,"+base64.StdEncoding.EncodeToString(sum(sha256.New, key, p.ID, ".", now, ".", body)))
		}
		h.Set("webhook-signature", strings.Join(list, " "))
	case Plain:
		plain(h, f, now, body, first)
	}
	return h
}

// Attested is Headers of Standard, signed with a private key.
func Attested(p Push, at time.Time, private ed25519.PrivateKey) http.Header {
	now := fmt.Sprint(at.Unix())
	signature := ed25519.Sign(private, []byte(p.ID+"."+now+"."+string(p.Body)))
	return http.Header{"Content-Type": {"application/json"}, "Webhook-Id": {p.ID}, "Webhook-Timestamp": {now},
		"Webhook-Signature": {"v1a," + base64.StdEncoding.EncodeToString(signature)}}
}

func plain(h http.Header, f Form, now, body string, key []byte) {
	algorithm := map[string]func() hash.Hash{"": sha256.New, "sha256": sha256.New, "sha512": sha512.New, "sha1": sha1.New}[f.Algorithm]
	parts := []string{body}
	if f.Time != "" {
		h.Set(f.Time, now)
		parts = []string{now, ".", body}
	}
	signature := sum(algorithm, key, parts...)
	text := hex.EncodeToString(signature)
	if f.Base64 {
		text = base64.StdEncoding.EncodeToString(signature)
	}
	header := f.Header
	if header == "" {
		header = "X-Signature"
	}
	h.Set(header, f.Prefix+text)
}
