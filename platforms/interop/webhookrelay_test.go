//go:build interop

package interop

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/webhookrelay"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
)

// frames is the webhooks that a transcript of webhookrelay.mjs shows.
func frames(t *testing.T, out *output) (all []webhookrelaytest.Event) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		text, ok := strings.CutPrefix(line, "webhook ")
		if !ok {
			continue
		}
		var f struct {
			Meta struct {
				ID       string
				BuckedID string `json:"bucked_id"`
				InputID  string `json:"input_id"`
			}
			Headers             map[string][]string
			Query, Body, Method string
		}
		must(t, json.Unmarshal([]byte(text), &f))
		all = append(all, webhookrelaytest.Event{ID: f.Meta.ID, BucketID: f.Meta.BuckedID, InputID: f.Meta.InputID, Headers: f.Headers, Query: f.Query, Body: f.Body, Method: f.Method})
	}
	return all
}

// TestWebhookRelayClients has a client on the official example's library, and
// ours, listen to the same bucket of our stand-in. The service's own packages
// are not to be had where this runs.
func TestWebhookRelayClients(t *testing.T) {
	for name, login := range map[string][2]string{
		"key and secret": {webhookrelaytest.Key, webhookrelaytest.Secret},
		"API key":        {"whr", webhookrelaytest.APIKey},
	} {
		t.Run(name, func(t *testing.T) {
			server := webhookrelaytest.New()
			defer server.Close()
			out := talk(t, []string{"SERVER=" + server.URL(), "KEY=" + login[0], "SECRET=" + login[1], "BUCKETS=orders,others"}, "webhookrelay.mjs")
			defer out.kill()
			o := webhookrelay.Options{Server: server.URL(), Key: login[0], Secret: platforms.NewSecret(login[1]), Buckets: []string{"orders", "others"},
				Dial: (&net.Dialer{}).DialContext, Client: client(t), Report: true, Answers: true}
			if login[0] == "whr" {
				o.Key = ""
			}
			source, err := webhookrelay.New(o)
			must(t, err)
			ours := &answering{recorder{got: make(chan relay.Request, 100)}}
			ctx, stop := context.WithCancel(soon(t))
			ended := make(chan error, 1)
			go func() { ended <- source.Run(ctx, "", ours) }()
			if !server.Subscribed(2, patience) {
				t.Fatalf("not both subscribed: %s", out)
			}
			server.Ping()
			if !server.Pongs(2, patience) {
				t.Error("not both answer a ping")
			}
			body := "{\n \"text\": \"é😀 \\u2028 <b>\", \"n\": 1.0 }\n"
			resp, err := client(t).Post(server.Input("orders")+"?room=7&name=a%20b", "application/json", strings.NewReader(body))
			must(t, err)
			must(t, resp.Body.Close())
			got := next(t, ours.got)
			reports, ok := server.Reports(2, patience)
			if !ok {
				t.Fatalf("%d reports", len(reports))
			}
			out.shows(t, "reported "+got.ID)
			theirs := frames(t, out)
			if len(theirs) != 1 || theirs[0].ID != got.ID || theirs[0].Body != body || string(got.Body) != body || theirs[0].Query != got.Query || theirs[0].Method != got.Method || got.Query != "room=7&name=a%20b" || !got.Exact {
				t.Fatalf("we have %+v, they %+v", got, theirs)
			}
			if x, y := plain(got.Header), plain(theirs[0].Headers); x["Content-Type"] != "application/json" || len(x) != len(y) {
				t.Errorf("we have the headers %q, they %q", x, y)
			}
			a, b := reports[0], reports[1]
			if a.ID != got.ID || b.ID != got.ID || a.Authorization != b.Authorization {
				t.Errorf("the reports are of %s and %s, and differ in who they are", a.ID, b.ID)
			}
			for _, key := range []string{"id", "bucket_id", "status_code", "status", "retries", "response_body", "response_headers"} {
				x, _ := json.Marshal(a.Body[key])
				y, _ := json.Marshal(b.Body[key])
				if string(x) != string(y) {
					t.Errorf("the reports have %s as %s and %s", key, x, y)
				}
			}

			// Both come back, and what was missed comes after all: to them twice where
			// they had it, to us once.
			server.Drop()
			if err := <-ended; platforms.KindOf(err) != platforms.Temporary {
				t.Errorf("cut: %v", err)
			}
			server.Publish(webhookrelaytest.Event{ID: "e-missed", BucketID: "b-orders", BucketName: "orders", InputID: "in", Method: "PUT", Body: "missed"})
			go func() { ended <- source.Run(ctx, "", ours) }()
			if missed := next(t, ours.got); missed.ID != "e-missed" || missed.Method != "PUT" {
				t.Errorf("after the cut we have %+v", missed)
			}
			out.shows(t, "reported e-missed")
			if n := len(frames(t, out)); n < 3 {
				t.Errorf("they were sent %d, want the first again and the missed one", n)
			}
			stop()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("our client ended with %v", err)
			}
			if len(ours.got) != 0 {
				t.Error("something came to us twice")
			}
			if s := server.Strays(); len(s) != 0 {
				t.Errorf("requests to addresses that there are not: %q", s)
			}
		})
	}
}

// TestWebhookRelayRefuses has both be refused: neither comes again.
func TestWebhookRelayRefuses(t *testing.T) {
	server := webhookrelaytest.New()
	defer server.Close()
	out := talk(t, []string{"SERVER=" + server.URL(), "KEY=" + webhookrelaytest.Key, "SECRET=wrong", "BUCKETS=orders"}, "webhookrelay.mjs")
	out.wait() // it has nothing left to do
	if s := out.String(); s != "status unauthorized\n" {
		t.Errorf("they were told %q", s)
	}
	source, err := webhookrelay.New(webhookrelay.Options{Server: server.URL(), Key: webhookrelaytest.Key, Secret: platforms.NewSecret("wrong"), Buckets: []string{"orders"},
		Dial: (&net.Dialer{}).DialContext, Client: client(t)})
	must(t, err)
	if err := source.Run(soon(t), "", &recorder{}); platforms.KindOf(err) != platforms.Unauthorized {
		t.Errorf("we were told %v", err)
	}
}

// answering is a recorder that answers as webhookrelay.mjs does.
type answering struct{ recorder }

func (r *answering) Take(_ context.Context, q relay.Request) (relay.Response, error) {
	r.got <- q
	return relay.Response{Status: 201, Header: map[string][]string{"X-Answer": {"yes"}}, Body: []byte("thanks")}, nil
}

// shows waits until a program has printed a text.
func (o *output) shows(t *testing.T, text string) {
	t.Helper()
	ctx := soon(t)
	for !strings.Contains(o.String(), text) {
		select {
		case <-ctx.Done():
			t.Fatalf("it never prints %q: %s", text, o)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
