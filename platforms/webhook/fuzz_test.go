package webhook_test

import (
	"net/http"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// FuzzVerify has a stranger, who has every secret but the right one, send
// whatever they like. Nothing of it may be taken; and what the sender signs must
// be, whatever the body.
func FuzzVerify(f *testing.F) {
	const wrong = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
	names := []string{"X-Hub-Signature-256", "X-Gitlab-Token", "Stripe-Signature", "X-Slack-Signature", "X-Slack-Request-Timestamp", "X-Spark-Signature",
		"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature", "X-Signature", "X-Sum", "X-When"}
	conns := make([]platforms.Connector, 0, len(services)+1)
	for _, s := range services {
		conns = append(conns, connect(f, account(s, secretOf(s), nil)))
	}
	timed := account(pl, secret, nil)
	timed.Settings = timedSettings()
	conns = append(conns, connect(f, timed))
	for i, s := range append(services, pl) {
		form := webhooktest.Form{}
		if i == len(services) {
			form = timedForm()
		}
		h := webhooktest.Headers(s, form, webhooktest.Push{ID: "msg_1", Body: []byte(body0)}, clock(), wrong)
		var signature, stamp string
		for _, name := range names {
			switch v := h.Get(name); {
			case v == "" || name == "Webhook-Id":
			case name == "Webhook-Timestamp" || name == "X-Slack-Request-Timestamp" || name == "X-When":
				stamp = v
			default:
				signature = v
			}
		}
		f.Add(uint8(i), signature, stamp, "msg_1", []byte(body0), uint8(0))
	}
	f.Fuzz(func(t *testing.T, which uint8, signature, stamp, id string, body []byte, copies uint8) {
		n := int(which) % len(conns)
		h := http.Header{}
		for _, name := range names {
			v := signature
			switch name {
			case "Webhook-Id":
				v = id
			case "Webhook-Timestamp", "X-Slack-Request-Timestamp", "X-When":
				v = stamp
			}
			for range int(copies)%3 + 1 {
				h[name] = append(h[name], v)
			}
		}
		if err := webhook.Verify(conns[n], h, body, clock()); err == nil {
			t.Fatalf("taken: %q", h)
		}
		s, form := pl, timedForm()
		if n < len(services) {
			s, form = services[n], webhooktest.Form{}
		}
		good := webhooktest.Headers(s, form, webhooktest.Push{ID: "msg_1", Body: body}, clock(), secretOf(s))
		if err := webhook.Verify(conns[n], good, body, clock()); err != nil {
			t.Fatalf("what the sender signed is refused: %v", err)
		}
		if s == gl { // signs nothing
			return
		}
		if err := webhook.Verify(conns[n], good, append(body[:len(body):len(body)], 'x'), clock()); err == nil {
			t.Fatal("a changed body is taken")
		}
	})
}

// FuzzConvert has a sender whose secret is right send whatever it likes.
func FuzzConvert(f *testing.F) {
	conns := make([]platforms.Connector, 0, len(services)+1)
	for _, s := range services {
		conns = append(conns, connect(f, account(s, secretOf(s), nil)))
	}
	pointed := account(pl, secret, nil)
	pointed.Settings["event"] = "/data/0/id"
	conns = append(conns, connect(f, pointed))
	for _, row := range conversions() {
		for i, s := range services {
			if s == row.service {
				f.Add(uint8(i), row.event, []byte(row.body))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, event string, body []byte) {
		h := http.Header{"X-Github-Event": {event}, "Webhook-Id": {"msg_1"}, "Idempotency-Key": {event}, "X-Gitlab-Event-Uuid": {event}}
		conn := conns[int(which)%len(conns)]
		ev := webhook.Convert(conn, h, body, clock())
		plausible(t, ev)
		if again := webhook.Convert(conn, h, body, clock()); again.ID != ev.ID || again.Text != ev.Text {
			t.Errorf("%+v, then %+v", ev, again)
		}
	})
}
