package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// through is what Raw holds of a request that service sends over real HTTP, with
// more headers beside its own.
func through(t *testing.T, service webhooktest.Service, body []byte, more http.Header) *platforms.Raw {
	t.Helper()
	in, err := ingresstest.NewLoopback()
	must(t, err)
	t.Cleanup(in.Close)
	b := start(t, service, in, &platformtest.Recorder{})
	h := webhooktest.Headers(service, webhooktest.Form{}, webhooktest.Push{ID: "msg_1", Event: "push", Body: body}, time.Now(), secretOf(service))
	for name, values := range more {
		h[name] = values
	}
	if status := b.sender.Post(h, body); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	ev := b.rec.Wait(t, 1)[0]
	if ev.Raw == nil || ev.Raw.Method != http.MethodPost {
		t.Fatalf("%+v", ev.Raw)
	}
	return ev.Raw
}

func TestRawIsByteExact(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for name, body := range map[string][]byte{
		"JSON with odd spaces": []byte("{\"id\" :\t\"evt_1\",\r\n \"b\": 1.0, \"b\":2, \"c\":\"\\u00e9<>&\"}\n"),
		"every byte":           all,
		"nothing":              {},
		"the largest":          bytes.Repeat([]byte("x\n"), platforms.DefaultBody/2),
	} {
		t.Run(name, func(t *testing.T) {
			if got := through(t, gh, body, nil); !bytes.Equal(got.Body, body) {
				t.Errorf("%d bytes came as %d", len(body), len(got.Body))
			}
		})
	}
}

// signatures is the headers with which each service proves a request, which stay.
func signatures() map[webhooktest.Service][]string {
	return map[webhooktest.Service][]string{
		gh: {"X-Hub-Signature-256", "X-Github-Event", "X-Github-Delivery"}, gl: {"X-Gitlab-Event", "Idempotency-Key"}, st: {"Stripe-Signature"},
		sl: {"X-Slack-Signature", "X-Slack-Request-Timestamp"}, wx: {"X-Spark-Signature"},
		std: {"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}, pl: {"X-Signature"},
	}
}

func TestRawTellsNoSecret(t *testing.T) {
	const theirs = "a-stranger's-credential"
	more := func(secret string) http.Header {
		return http.Header{
			"Authorization": {"Bearer " + theirs}, "Proxy-Authorization": {"Basic " + theirs}, "Cookie": {"id=" + theirs}, "X-Api-Key": {theirs},
			"X-Auth": {theirs}, "X_auth_token": {theirs}, "Cf-Access-Jwt-Assertion": {theirs}, "X-Odd": {"Bearer " + theirs, "harmless"},
			"X-Unlikely": {"key=" + secret + ";"}, "X-Author": {"Ada"}, "X-Token-Signature": {"sha256=00"}, "X-Two": {"one", "two"},
		}
	}
	for _, s := range services {
		t.Run(string(s), func(t *testing.T) {
			got := through(t, s, []byte(`{"id":"evt_1","event_id":"Ev1"}`), more(secretOf(s)))
			told, err := json.Marshal(got.Header)
			must(t, err)
			for _, secret := range []string{theirs, secretOf(s)} {
				if strings.Contains(string(told), secret) {
					t.Errorf("%q is in %s", secret, told)
				}
			}
			for _, name := range append(signatures()[s], "Content-Type", "X-Author", "X-Token-Signature") {
				if len(got.Header[name]) != 1 || got.Header[name][0] == "" {
					t.Errorf("%s: %q", name, got.Header[name])
				}
			}
			for name, want := range map[string][]string{"X-Two": {"one", "two"}, "X-Odd": {"harmless"}} {
				if !slices.Equal(got.Header[name], want) {
					t.Errorf("%s: %q", name, got.Header[name])
				}
			}
		})
	}
}

func TestRawBoundsHeaders(t *testing.T) {
	large := http.Header{"X-Large": {strings.Repeat("l", 20_000)}}
	if got := through(t, gh, []byte(`{}`), large); got.Header["X-Large"] != nil || len(got.Header["X-Hub-Signature-256"]) != 1 {
		t.Errorf("%v", got.Header)
	}
	many := http.Header{}
	for i := range 200 {
		many[fmt.Sprintf("X-%d", i)] = []string{strings.Repeat("m", 100)}
	}
	got := through(t, gh, []byte(`{}`), many)
	size, count := 0, 0
	for name, values := range got.Header {
		for _, v := range values {
			size, count = size+len(name)+len(v), count+1
		}
	}
	if size > 16<<10 || count > 64 || count < 60 || got.Header["X-Hub-Signature-256"] == nil {
		t.Errorf("%d bytes in %d headers", size, count)
	}
}
