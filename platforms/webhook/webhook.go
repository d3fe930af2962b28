// Package webhook takes the signed requests of one service, such as GitHub or
// Stripe, and makes a message of each. The service delivers to a public address
// only, so the connector hands a handler to the Ingress, which decides how the
// requests get here. Nothing is sent: this platform only hears.
//
// The signatures are checked with the standard library. The official Go library
// of Standard Webhooks compares in constant time, but its clock can't be set, a
// released version of it knows no v1a, and a key of any length will do; Stripe's
// brings the whole of its API along. What each of them does is an HMAC and a
// comparison.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/postern/postern/platforms"
)

// Platform describes a source of webhooks.
func Platform() platforms.Platform {
	return platforms.Platform{
		Name: "webhook", Title: "Webhook", Glyph: "⚓",
		Summary: "Takes the signed webhooks of one service; it can't answer. Needs a public HTTPS address, by a tunnel or a relay. Choose it only if the service can't be polled or relayed.",
		Minutes: 10,
		Fields:  fields(),
		// GitHub lets a person deliver again what is up
		// to three days old, Stripe tries for three days, and the example schedule
		// of Standard Webhooks ends after three days and a bit.
		Limits:  platforms.Limits{Mute: true, Redelivery: 7 * 24 * time.Hour},
		IDs:     platforms.IDs{Machines: true},
		Away:    "While this computer is off, events are lost with services that deliver once, as GitHub does. Stripe, and most that follow Standard Webhooks, try again for days.",
		Inbound: platforms.Webhook,
		Answers: true,
		Setup:   guide(), Registers: registers,
		New: newConnector,
	}
}

func guide() platforms.Guide {
	return platforms.Guide{Steps: []platforms.Step{
		{Text: "The service must reach this computer at an address with https:// that a tunnel or a relay gives it. Whatever listens there hears from strangers too; each request is held against its signature before anything of it is read. If the service can be polled, or its events can be relayed, choose that instead."},
		{Text: "Choose who sends, and enter the secret. With GitHub, GitLab and Webex you choose it: take the one that is made for you. Stripe, Slack and most others show you theirs once the address is registered there: then come back and enter it. An account serves one sender."},
		{Text: "GitHub: in the repository or organization, Settings, Webhooks, Add webhook. Paste the address, choose application/json as content type, paste the secret, leave SSL verification on, and choose as few events as you need. GitHub delivers once; what was missed can be redelivered there by hand for three days.", URL: "https://docs.github.com/en/webhooks/using-webhooks/creating-webhooks"},
		{Text: "GitLab: in the project, Settings, Webhooks, Add new webhook. Paste the address and, as secret token, the secret. GitLab sends that token along and signs nothing: whoever sees one request can forge others, so only ever use an https:// address, and change the secret if the tunnel changes hands. If your GitLab offers a signing token, choose Standard Webhooks as sender instead and enter that.", URL: "https://docs.gitlab.com/user/project/integrations/webhooks/"},
		{Text: "Stripe: in the Dashboard under Developers, Webhooks, add an endpoint with the address and the events that you need. Reveal its signing secret, which begins with whsec_, and enter it here. Test mode and live mode have secrets of their own.", URL: "https://docs.stripe.com/webhooks"},
		{Text: "Standard Webhooks: many services follow it; their requests have the headers webhook-id, webhook-timestamp and webhook-signature. Enter the secret that begins with whsec_, or the public key that begins with whpk_.", URL: "https://www.standardwebhooks.com/"},
		{Text: "Another service: find in its documentation which header bears the signature, with which algorithm and over what, and say so under Advanced. If it signs nothing, this is not for it."},
	}}
}

// connector is one source.
type connector struct {
	scheme  scheme
	secrets func(time.Time) []platforms.Secret // under which a request may come in
	ingress platforms.Ingress
	path    string
	http    *http.Client // for the service's API; nil in tests that don't call it
	log     *slog.Logger
	now     func() time.Time
	heard   atomic.Bool // something has come
}

func newConnector(c platforms.Config) (platforms.Connector, error) {
	s, err := newScheme(c.Settings)
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: err.Error()}
	}
	// The route never opens with a secret that anybody could guess, or that is
	// public.
	if _, err := s.key(c.Secrets[keySecret].Reveal()); err != nil {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: err.Error()}
	}
	if c.Key.IsZero() {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "This account has no key of its own, so no address that strangers can't guess. Remove the account and add it again."}
	}
	conn := &connector{
		scheme:  s,
		secrets: func(now time.Time) []platforms.Secret { return c.Live(keySecret, now) },
		ingress: c.Ingress, path: "/hook/" + where(c), http: c.HTTP, log: c.Log, now: time.Now,
	}
	if conn.log == nil {
		conn.log = slog.New(slog.DiscardHandler)
	}
	return conn, nil
}

// where is the last part of the handler's path. It can't be guessed, and it
// stays the same, since the service has it and the person agreed to it.
func where(c platforms.Config) string {
	mac := hmac.New(sha256.New, []byte(c.Key.Reveal()))
	mac.Write([]byte("webhook path"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// freshSecret is 32 random bytes in the form of Standard Webhooks. To GitHub,
// GitLab and Webex it is a string like any other, so one form serves all that let
// the receiver choose.
func freshSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails, says its documentation
	return symmetric + base64.StdEncoding.EncodeToString(b)
}

// Send is platforms.Connector's.
func (c *connector) Send(ctx context.Context, _ platforms.Message) (platforms.MessageID, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return "", &platforms.Error{Kind: platforms.Unsupported, Text: "A webhook source only brings messages. Answer where it came from."}
}
