package webhook_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// attack changes a request that is good. What comes out must be refused.
type attack struct {
	name    string
	service webhooktest.Service
	change  func(h http.Header, body *[]byte)
	want    error
	timed   bool // of the Plain sender that signs a time
}

func set(name, value string) func(http.Header, *[]byte) {
	return func(h http.Header, _ *[]byte) { h[name] = []string{value} }
}

func del(name string) func(http.Header, *[]byte) {
	return func(h http.Header, _ *[]byte) { delete(h, name) }
}

func edit(name string, f func(string) string) func(http.Header, *[]byte) {
	return func(h http.Header, _ *[]byte) { h[name] = []string{f(h.Get(name))} }
}

func twice(name string) func(http.Header, *[]byte) {
	return func(h http.Header, _ *[]byte) { h[name] = append(h[name], h[name][0]) }
}

func cut(s string) string { return s[:len(s)-2] }

func mac(key string, parts ...string) string {
	m := hmac.New(sha256.New, []byte(key))
	for _, p := range parts {
		m.Write([]byte(p))
	}
	return hex.EncodeToString(m.Sum(nil))
}

const (
	gh, gl, st, sl, wx, std, pl = webhooktest.GitHub, webhooktest.GitLab, webhooktest.Stripe, webhooktest.Slack, webhooktest.Webex, webhooktest.Standard, webhooktest.Plain
	body0                       = `{"id":"evt_1","type":"thing.done","data":{"a":1}}`
)

func attacks() []attack {
	const (
		hub, gitlab, stripe, slack, slackAt, spark = "X-Hub-Signature-256", "X-Gitlab-Token", "Stripe-Signature", "X-Slack-Signature", "X-Slack-Request-Timestamp", "X-Spark-Signature"
		id, at, signature                          = "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"
	)
	unsigned, bad, stale, malformed := platforms.ErrUnsigned, platforms.ErrSignature, platforms.ErrStale, platforms.ErrMalformed
	now := fmt.Sprint(clock().Unix())
	sha1Of := func(key, body string) string {
		m := hmac.New(sha1.New, []byte(key))
		m.Write([]byte(body))
		return hex.EncodeToString(m.Sum(nil))
	}
	plainSum := sha256.Sum256([]byte(secret + body0))
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, old, new) }
	}
	return []attack{
		{"no signature", gh, del(hub), unsigned, false},
		{"an empty signature", gh, set(hub, ""), unsigned, false},
		{"the prefix only", gh, set(hub, "sha256="), bad, false},
		{"two equal signatures", gh, twice(hub), malformed, false},
		{"a second signature", gh, func(h http.Header, _ *[]byte) { h[hub] = []string{"sha256=" + strings.Repeat("0", 64), h[hub][0]} }, malformed, false},
		{"SHA-1 where SHA-256 belongs", gh, set(hub, "sha1="+sha1Of(secret, body0)), bad, false},
		{"SHA-1 called SHA-256", gh, set(hub, "sha256="+sha1Of(secret, body0)), bad, false},
		{"the old header only", gh, del(hub), unsigned, false},
		{"truncated", gh, edit(hub, cut), bad, false},
		{"half a byte cut off", gh, edit(hub, func(s string) string { return s[:len(s)-1] }), bad, false},
		{"longer", gh, edit(hub, func(s string) string { return s + "00" }), bad, false},
		{"no hex", gh, set(hub, "sha256="+strings.Repeat("zz", 32)), bad, false},
		{"without the prefix", gh, edit(hub, replace("sha256=", "")), bad, false},
		{"the prefix in capitals", gh, edit(hub, replace("sha256=", "SHA256=")), bad, false},
		{"the prefix twice", gh, edit(hub, func(s string) string { return "sha256=" + s }), bad, false},
		{"all zero", gh, set(hub, "sha256="+strings.Repeat("0", 64)), bad, false},
		{"signed with nothing", gh, set(hub, "sha256="+mac("", body0)), bad, false},
		{"signed with the secret's hash", gh, set(hub, "sha256="+mac(fmt.Sprintf("%x", sha256.Sum256([]byte(secret))), body0)), bad, false},
		{"hashed without HMAC", gh, set(hub, "sha256="+hex.EncodeToString(plainSum[:])), bad, false},
		{"the secret itself", gh, set(hub, "sha256="+secret), bad, false},
		{"another body", gh, func(_ http.Header, b *[]byte) { *b = []byte(`{"id":"evt_2"}`) }, bad, false},
		{"a body with a space more", gh, func(_ http.Header, b *[]byte) { *b = append(*b, ' ') }, bad, false},
		{"no body", gh, func(_ http.Header, b *[]byte) { *b = nil }, bad, false},
		{"bytes that are no text in the signature", gh, set(hub, "sha256=\xff\xfe"), malformed, false},
		{"a line break in the signature", gh, edit(hub, func(s string) string { return s + "\n" }), malformed, false},
		{"a very long signature", gh, set(hub, "sha256="+strings.Repeat("0", 100_000)), malformed, false},
		{"two in one header", gh, edit(hub, func(s string) string { return s + "," + s }), bad, false},
		{"in base64", gh, set(hub, "sha256="+base64.StdEncoding.EncodeToString(plainSum[:])), bad, false},

		{"no token", gl, del(gitlab), unsigned, false},
		{"an empty token", gl, set(gitlab, ""), unsigned, false},
		{"two tokens", gl, twice(gitlab), malformed, false},
		{"a longer token", gl, edit(gitlab, func(s string) string { return s + "x" }), bad, false},
		{"a shorter token", gl, edit(gitlab, cut), bad, false},
		{"the token in capitals", gl, edit(gitlab, strings.ToUpper), bad, false},
		{"the token's hash", gl, set(gitlab, fmt.Sprintf("%x", sha256.Sum256([]byte(secret)))), bad, false},
		{"a token with a NUL", gl, edit(gitlab, func(s string) string { return s + "\x00" }), malformed, false},

		{"no signature", st, del(stripe), unsigned, false},
		{"two headers", st, twice(stripe), malformed, false},
		{"no time", st, edit(stripe, replace("t="+now+",", "")), malformed, false},
		{"an empty time", st, edit(stripe, replace("t="+now, "t=")), malformed, false},
		{"two times", st, edit(stripe, func(s string) string { return "t=1," + s }), malformed, false},
		{"another time", st, edit(stripe, replace("t="+now, "t="+fmt.Sprint(clock().Unix()+1))), bad, false},
		{"a huge time", st, edit(stripe, replace("t="+now, "t=99999999999999999999999")), malformed, false},
		{"a negative time", st, edit(stripe, replace("t="+now, "t=-"+now)), malformed, false},
		{"a time with a plus", st, edit(stripe, replace("t="+now, "t=+"+now)), malformed, false},
		{"a time with a fraction", st, edit(stripe, replace("t="+now, "t="+now+".0")), malformed, false},
		{"a time in hex", st, edit(stripe, replace("t="+now, "t=0x6ab1c080")), malformed, false},
		{"v1 called v0", st, edit(stripe, replace("v1=", "v0=")), bad, false},
		{"v1 called v2", st, edit(stripe, replace("v1=", "v2=")), bad, false},
		{"the body alone signed", st, set(stripe, "t="+now+",v1="+mac(secret, body0)), bad, false},
		{"truncated", st, set(stripe, "t="+now+",v1="+mac(secret, now, ".", body0)[:62]), bad, false},
		{"an item without a value", st, edit(stripe, func(s string) string { return s + ",v1" }), malformed, false},
		{"too many signatures", st, edit(stripe, func(s string) string { return strings.Repeat("v1=00,", 17) + s }), malformed, false},
		{"the secret decoded as Standard Webhooks do", st, set(stripe, "t="+now+",v1="+mac("0123456789abcdef0123456789abcdef", now, ".", body0)), bad, false},

		{"no time", sl, del(slackAt), unsigned, false},
		{"two times", sl, twice(slackAt), malformed, false},
		{"another time", sl, set(slackAt, fmt.Sprint(clock().Unix()-1)), bad, false},
		{"a time that is no text", sl, set(slackAt, "\xff\xff"), malformed, false},
		{"a time in other digits", sl, set(slackAt, "١٧٩٠٠٠٠٠٠٠"), malformed, false},
		{"a huge time", sl, set(slackAt, strings.Repeat("9", 40)), malformed, false},
		{"a time with spaces", sl, set(slackAt, " "+now), malformed, false},
		{"no signature", sl, del(slack), unsigned, false},
		{"two signatures", sl, twice(slack), malformed, false},
		{"v0 called v1", sl, edit(slack, replace("v0=", "v1=")), bad, false},
		{"v1 signed", sl, set(slack, "v1="+mac(secret, "v1:", now, ":", body0)), bad, false},
		{"v1 signed, called v0", sl, set(slack, "v0="+mac(secret, "v1:", now, ":", body0)), bad, false},
		{"the body alone signed", sl, set(slack, "v0="+mac(secret, body0)), bad, false},
		{"the time moved into the body", sl, func(h http.Header, b *[]byte) { *b = append([]byte(now+":"), *b...) }, bad, false},

		{"no signature", wx, del(spark), unsigned, false},
		{"two signatures", wx, twice(spark), malformed, false},
		{"truncated to 128 bits", wx, edit(spark, func(s string) string { return s[:32] }), bad, false},
		{"filled up to SHA-256's length", wx, edit(spark, func(s string) string { return s + strings.Repeat("0", 24) }), bad, false},
		{"with a prefix", wx, edit(spark, func(s string) string { return "sha1=" + s }), bad, false},
		{"SHA-256 of another secret", wx, set(spark, mac("another secret of good length", body0)), bad, false},

		{"no id", std, del(id), unsigned, false},
		{"another id", std, set(id, "msg_2"), bad, false},
		{"two ids", std, func(h http.Header, _ *[]byte) { h[id] = append(h[id], "msg_2") }, malformed, false},
		{"an id with a full stop", std, set(id, "msg.1"), malformed, false},
		{"a very long id", std, set(id, strings.Repeat("m", 257)), malformed, false},
		{"no time", std, del(at), unsigned, false},
		{"another time", std, set(at, fmt.Sprint(clock().Unix()+1)), bad, false},
		{"two times", std, twice(at), malformed, false},
		{"a time in milliseconds", std, set(at, now+"000"), malformed, false},
		{"no signature", std, del(signature), unsigned, false},
		{"two headers", std, twice(signature), malformed, false},
		{"no version", std, edit(signature, replace("v1,", "")), bad, false},
		{"v1 called v1a", std, edit(signature, replace("v1,", "v1a,")), bad, false},
		{"v1 called v2", std, edit(signature, replace("v1,", "v2,")), bad, false},
		{"truncated", std, edit(signature, func(s string) string { return s[:len(s)-4] }), bad, false},
		{"in hex", std, set(signature, "v1,"+mac("0123456789abcdef0123456789abcdef", "msg_1.", now, ".", body0)), bad, false},
		{"signed with the secret as it is written", std, set(signature, "v1,"+base64.StdEncoding.EncodeToString(rawMAC(standardSecret, "msg_1."+now+"."+body0))), bad, false},
		{"separated by commas", std, edit(signature, func(s string) string { return "v1,AAAA," + s }), bad, false},
		{"too many signatures", std, edit(signature, func(s string) string { return strings.Repeat("v1,AA== ", 16) + s }), malformed, false},
		{"the time moved into the id", std, func(h http.Header, b *[]byte) {
			h[id], h[at] = []string{"msg_1." + now}, []string{now}
			*b = []byte(strings.TrimPrefix(string(*b), now+"."))
		}, malformed, false},

		{"no signature", pl, del("X-Signature"), unsigned, false},
		{"two signatures", pl, twice("X-Signature"), malformed, false},
		{"with a prefix", pl, edit("X-Signature", func(s string) string { return "sha256=" + s }), bad, false},
		{"no time", pl, del("X-When"), unsigned, true},
		{"another time", pl, set("X-When", "1"), bad, true},
		{"without the prefix", pl, edit("X-Sum", replace("h1=", "")), bad, true},
		{"in hex", pl, set("X-Sum", "h1="+strings.Repeat("00", 64)), bad, true},

		{"five minutes and a second ago", st, set(stripe, old(st, -301)), stale, false},
		{"in five minutes and a second", st, set(stripe, old(st, 301)), stale, false},
	}
}

func rawMAC(key, content string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(content))
	return m.Sum(nil)
}

// old is Stripe's signature of another time.
func old(s webhooktest.Service, seconds int64) string {
	h := webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "msg_1", Body: []byte(body0)}, clock().Add(time.Duration(seconds)*time.Second), secretOf(s))
	return h.Get("Stripe-Signature")
}

func TestAttacks(t *testing.T) {
	rows := attacks()
	if len(rows) < 60 {
		t.Errorf("%d rows", len(rows))
	}
	seen := map[string]bool{}
	for _, row := range rows {
		name := string(row.service) + "/" + row.name
		if row.timed {
			name = "timed " + name
		}
		if seen[name] {
			t.Errorf("%s is there twice", name)
		}
		seen[name] = true
		t.Run(name, func(t *testing.T) {
			config, form := account(row.service, secretOf(row.service), nil), webhooktest.Form{}
			if row.timed {
				config.Settings, form = timedSettings(), timedForm()
			}
			c := connect(t, config)
			body := []byte(body0)
			h := webhooktest.Headers(row.service, form, webhooktest.Push{ID: "msg_1", Event: "push", Body: body}, clock(), secretOf(row.service))
			if err := webhook.Verify(c, h, body, clock()); err != nil {
				t.Fatalf("it is refused as it is: %v", err)
			}
			row.change(h, &body)
			err := webhook.Verify(c, h, body, clock())
			if !errors.Is(err, row.want) {
				t.Errorf("%v, want %v", err, row.want)
			}
			if err != nil && (strings.Contains(err.Error(), secretOf(row.service)) || len(err.Error()) > 200) {
				t.Errorf("it tells too much: %v", err)
			}
		})
	}
}
