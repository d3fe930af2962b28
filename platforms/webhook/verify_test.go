package webhook_test

import (
	"crypto/ed25519"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// standardSecret is 32 bytes in the form of Standard Webhooks.
const standardSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

var services = []webhooktest.Service{webhooktest.GitHub, webhooktest.GitLab, webhooktest.Stripe, webhooktest.Slack, webhooktest.Webex, webhooktest.Standard, webhooktest.Plain}

// secretOf is one that service takes.
func secretOf(service webhooktest.Service) string {
	if service == webhooktest.Standard {
		return standardSecret
	}
	return secret
}

func connect(t testing.TB, c platforms.Config) platforms.Connector {
	t.Helper()
	conn, err := webhook.Platform().New(c)
	must(t, err)
	return conn
}

// clock is when the tests' requests are signed.
func clock() time.Time { return time.Unix(1_790_000_000, 0) }

// timedForm is a Plain sender that signs a time.
func timedForm() webhooktest.Form {
	return webhooktest.Form{Header: "X-Sum", Algorithm: "sha512", Base64: true, Prefix: "h1=", Time: "X-When"}
}

func timedSettings() map[string]string {
	return map[string]string{"sender": "plain", "header": "x-sum", "algorithm": "sha512", "encoding": "base64", "prefix": "h1=", "signed": "ts.body", "timestamp": "x-when"}
}

func TestVectors(t *testing.T) {
	t.Run("GitHub's", func(t *testing.T) {
		// https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
		c := connect(t, account(webhooktest.GitHub, "It's a Secret to Everybody", nil))
		h := http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}
		must(t, webhook.Verify(c, h, []byte("Hello, World!"), clock()))
	})
	t.Run("Standard Webhooks'", func(t *testing.T) {
		c := connect(t, account(webhooktest.Standard, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", nil))
		h := http.Header{"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"},
			"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}
		must(t, webhook.Verify(c, h, []byte(`{"test": 2432232314}`), time.Unix(1614265330, 0)))
	})
}

// TestEachOnlyItself has every service's requests held against every other's
// rules, under one secret.
func TestEachOnlyItself(t *testing.T) {
	for _, rules := range services {
		c := connect(t, account(rules, standardSecret, nil))
		for _, s := range services {
			h := webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "msg_1", Body: []byte(body0)}, clock(), standardSecret)
			if err := webhook.Verify(c, h, []byte(body0), clock()); (err == nil) != (s == rules) {
				t.Errorf("%s takes what %s signed: %v", rules, s, err)
			}
		}
	}
}

// TestWindow is about the replay window's edges.
func TestWindow(t *testing.T) {
	for _, s := range []webhooktest.Service{st, sl, std, pl} {
		config, form := account(s, secretOf(s), nil), webhooktest.Form{}
		if s == pl {
			config.Settings, form = timedSettings(), timedForm()
		}
		c := connect(t, config)
		h := webhooktest.Headers(s, form, webhooktest.Push{ID: "msg_1", Body: []byte(body0)}, clock(), secretOf(s))
		for by, good := range map[time.Duration]bool{0: true, 300 * time.Second: true, -300 * time.Second: true, 301 * time.Second: false, -301 * time.Second: false, 24 * time.Hour: false} {
			err := webhook.Verify(c, h, []byte(body0), clock().Add(by))
			if good && err != nil || !good && !errors.Is(err, platforms.ErrStale) {
				t.Errorf("%s, %v later: %v", s, by, err)
			}
			h2 := h.Clone()
			h2.Set("User-Agent", "another") // nothing but what is signed counts
			if err := webhook.Verify(c, h2, []byte(body0+" "), clock().Add(by)); !errors.Is(err, platforms.ErrSignature) {
				t.Errorf("%s: what is not signed is called %v", s, err)
			}
		}
	}
	for _, s := range []webhooktest.Service{gh, gl, wx} { // nothing is signed with a time
		h := webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{Body: []byte(body0)}, clock(), secret)
		must(t, webhook.Verify(connect(t, account(s, secret, nil)), h, []byte(body0), clock().Add(1000*time.Hour)))
	}
}

// TestRotation has a former secret count until its end, and no longer.
func TestRotation(t *testing.T) {
	const former = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	for _, s := range services {
		config := account(s, secretOf(s), nil)
		config.Former = map[string]platforms.Former{"secret": {Secret: platforms.NewSecret(former), Until: clock().Add(time.Minute)}}
		c := connect(t, config)
		try := func(with string, at time.Time) error {
			return webhook.Verify(c, webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "msg_1", Body: []byte(body0)}, at, with), []byte(body0), at)
		}
		must(t, try(secretOf(s), clock()))
		must(t, try(former, clock()))
		must(t, try(secretOf(s), clock().Add(time.Hour)))
		if err := try(former, clock().Add(time.Minute)); !errors.Is(err, platforms.ErrSignature) {
			t.Errorf("%s: the former secret counts after its end: %v", s, err)
		}
		// A former secret that is none must let nobody in.
		config.Former["secret"] = platforms.Former{Secret: platforms.NewSecret("short"), Until: clock().Add(time.Hour)}
		if err := webhook.Verify(connect(t, config), webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "msg_1", Body: []byte(body0)}, clock(), "short"), []byte(body0), clock()); !errors.Is(err, platforms.ErrSignature) {
			t.Errorf("%s: a short secret counts: %v", s, err)
		}
	}
}

// TestSeveralSignatures is a sender that is replacing its secret.
func TestSeveralSignatures(t *testing.T) {
	const other = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	for _, s := range []webhooktest.Service{st, std} {
		c := connect(t, account(s, standardSecret, nil))
		for _, secrets := range [][]string{{standardSecret, other}, {other, standardSecret}} {
			must(t, webhook.Verify(c, webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "m", Body: []byte(body0)}, clock(), secrets...), []byte(body0), clock()))
		}
		if err := webhook.Verify(c, webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "m", Body: []byte(body0)}, clock(), other, other), []byte(body0), clock()); !errors.Is(err, platforms.ErrSignature) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestWebexLengths(t *testing.T) {
	c := connect(t, account(wx, secret, nil))
	for _, algorithm := range []string{"sha1", "sha256", "sha512"} {
		h := webhooktest.Headers(pl, webhooktest.Form{Header: "X-Spark-Signature", Algorithm: algorithm}, webhooktest.Push{Body: []byte(body0)}, clock(), secret)
		must(t, webhook.Verify(c, h, []byte(body0), clock()))
	}
}

func TestPublicKey(t *testing.T) {
	private := ed25519.NewKeyFromSeed([]byte("0123456789abcdef0123456789abcdef"))
	public := webhooktest.PublicKey(private)
	c := connect(t, account(std, public, nil))
	push := webhooktest.Push{ID: "msg_1", Body: []byte(body0)}
	h := webhooktest.Attested(push, clock(), private)
	must(t, webhook.Verify(c, h, push.Body, clock()))
	good := h.Get("Webhook-Signature")
	for name, v := range map[string]string{
		"called v1": "v1," + strings.TrimPrefix(good, "v1a,"), "truncated": good[:len(good)-4], "empty": "v1a,",
		// Everybody has the public key: it must never count as a shared secret.
		"the public key as a secret": webhooktest.Headers(std, webhooktest.Form{}, push, clock(), strings.TrimPrefix(public, "whpk_")).Get("Webhook-Signature"),
		"signed with nothing":        webhooktest.Headers(std, webhooktest.Form{}, push, clock(), "").Get("Webhook-Signature"),
		"another key":                webhooktest.Attested(push, clock(), ed25519.NewKeyFromSeed([]byte("another seed of exactly 32 bytes"))).Get("Webhook-Signature"),
		"another body":               webhooktest.Attested(webhooktest.Push{ID: "msg_1", Body: []byte("{}")}, clock(), private).Get("Webhook-Signature"),
	} {
		h.Set("Webhook-Signature", v)
		if err := webhook.Verify(c, h, push.Body, clock()); !errors.Is(err, platforms.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.Set("Webhook-Signature", "v1,AAAA v2,? "+good)
	must(t, webhook.Verify(c, h, push.Body, clock()))
	if err := webhook.Verify(c, h, push.Body, clock().Add(time.Hour)); !errors.Is(err, platforms.ErrStale) {
		t.Errorf("an hour later: %v", err)
	}
}
