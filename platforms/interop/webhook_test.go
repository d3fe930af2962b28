//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// TestWebhookLibraries has GitHub's, Stripe's, Slack's and Standard Webhooks' own
// libraries check what our stand-in signs, and our connector take what they sign.
func TestWebhookLibraries(t *testing.T) {
	const body = `{"id":"evt_1","type":"thing.done","text":"é😀 \u2028 <b>"}`
	now := time.Now()
	secrets, headers := map[webhooktest.Service]string{
		webhooktest.GitHub: "It's a Secret to Everybody", webhooktest.Stripe: "whsec_0123456789abcdefghijklmnopqrstuv",
		webhooktest.Slack: "8f742231b10e8888abcd99yyyzzz85a5", webhooktest.Standard: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	}, map[webhooktest.Service]map[string]string{}
	for s, secret := range secrets {
		headers[s] = map[string]string{}
		for name, v := range webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "msg_ours", Event: "ping", Body: []byte(body)}, now, secret) {
			headers[s][name] = v[0]
		}
	}
	task, err := json.Marshal(map[string]any{"body": body, "secrets": secrets, "headers": headers, "now": now.Unix()})
	must(t, err)
	raw, err := node(t, []string{"TASK=" + string(task)}, "webhook.mjs").Output()
	must(t, err)
	var got struct {
		Good, Changed map[webhooktest.Service]bool
		Signed        map[webhooktest.Service]map[string]string
	}
	must(t, json.Unmarshal(raw, &got))
	for s := range secrets {
		if !got.Good[s] || got.Changed[s] {
			t.Errorf("%s's library: ours is taken %v, a changed body %v", s, got.Good[s], got.Changed[s])
		}
	}
	if len(got.Signed) != 3 {
		t.Errorf("%d signed", len(got.Signed))
	}
	for s, theirs := range got.Signed {
		h := http.Header{}
		for name, v := range theirs {
			h.Set(name, v)
		}
		if good, changed := post(t, s, secrets[s], h, body), post(t, s, secrets[s], h, body+" "); good != http.StatusOK || changed != http.StatusNotFound {
			t.Errorf("%s: what its library signed is answered with %d, a changed body with %d", s, good, changed)
		}
	}
}

// post sends one request to a connector's route and gives the answer's status.
func post(t *testing.T, s webhooktest.Service, secret string, h http.Header, body string) int {
	t.Helper()
	in := ingresstest.New()
	var address string
	in.On(func(public string) { address = public }, nil)
	conn, err := webhook.Platform().New(platforms.Config{Settings: map[string]string{"sender": string(s)},
		Secrets: map[string]platforms.Secret{"secret": platforms.NewSecret(secret)}, Key: platforms.NewSecret("a key of this account"), Ingress: in})
	must(t, err)
	ctx, cancel := context.WithCancel(soon(t))
	ended := make(chan error, 1)
	rec := &platformtest.Recorder{}
	rec.Begin()
	go func() { ended <- conn.Run(ctx, "", rec) }()
	defer func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}()
	rec.WaitPhase(t, platforms.Connected)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	must(t, err)
	r.Header = h
	resp, err := in.RoundTrip(r)
	must(t, err)
	return resp.StatusCode
}
