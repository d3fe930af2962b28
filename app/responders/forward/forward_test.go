package forward

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func delivery(text string) app.Delivery {
	return app.Delivery{Seq: 7, Account: "a1", Label: "Bot", Event: platforms.Event{
		ID: "e1", Kind: platforms.MessageReceived, Message: "m1", Text: text,
		Conversation: platforms.Conversation{ID: "c1"}, From: platforms.User{ID: "u1"}}}
}

// serve is a real HTTP server over loopback.
func serve(t testing.TB, h http.HandlerFunc) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return "http://" + l.Addr().String() + "/hook/path-token-8472"
}

// build is a responder for a configuration that is complete but for its URL.
func build(t testing.TB, url string, o Options, change ...func(*Config)) *Responder {
	t.Helper()
	c := Config{URL: url, Secret: platforms.NewSecret(secret), Mode: Wait}
	for _, f := range change {
		f(&c)
	}
	r, err := New(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// wantKind fails unless err is a platforms.Error of that kind with a sentence
// that leaks neither the secret nor the URL's path.
func wantKind(t *testing.T, err error, want platforms.Kind) *platforms.Error {
	t.Helper()
	var e *platforms.Error
	if !errors.As(err, &e) || e.Kind != want {
		t.Fatalf("the error is %v, want kind %q", err, want)
	}
	if e.Text == "" || strings.Contains(err.Error(), "path-token") || strings.Contains(err.Error(), "MfKQ9") {
		t.Fatalf("the error says %q", err)
	}
	return e
}

func only(t *testing.T, ms []platforms.Message, err error) string {
	t.Helper()
	if err != nil || len(ms) != 1 {
		t.Fatalf("got %d answers, error %v", len(ms), err)
	}
	return ms[0].Text
}

func TestCheckVectorOfStandardWebhooks(t *testing.T) {
	key, err := signingKey(platforms.NewSecret(secret))
	if err != nil {
		t.Fatal(err)
	}
	at, got := sign([][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want || at != "1614265330" {
		t.Errorf("signature %s at %s, want %s", got, at, want)
	}
}

func TestRequestIsSignedAndRepeatable(t *testing.T) {
	type request struct {
		head http.Header
		body []byte
		path string
	}
	var mu sync.Mutex
	var got []request
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		got = append(got, request{r.Header, b, r.Method + " " + r.URL.Path})
	})
	former := MakeSecret()
	now := time.Unix(1700000000, 0)
	r := build(t, url, Options{Now: func() time.Time { return now }}, func(c *Config) {
		c.Former = former
		c.Headers = []Header{{"Authorization", platforms.NewSecret("Bearer 1234567")}}
	})
	for range 2 {
		if ms, err := r.Respond(context.Background(), delivery("hé <b>")); err != nil || ms != nil {
			t.Fatalf("an empty answer gave %v, %v", ms, err)
		}
		now = now.Add(time.Minute)
	}
	if got[0].path != "POST /hook/path-token-8472" || got[0].head.Get("Authorization") != "Bearer 1234567" || got[0].head.Get("Content-Type") != "application/json" {
		t.Errorf("the request was %s with %v", got[0].path, got[0].head)
	}
	if a, b := got[0].head.Get("Webhook-Id"), got[1].head.Get("Webhook-Id"); a != b || a == "" || strings.Contains(a, ".") {
		t.Errorf("two tries have the ids %q and %q", a, b)
	}
	if a, b := got[0].head.Get("Webhook-Timestamp"), got[1].head.Get("Webhook-Timestamp"); a != "1700000000" || b != "1700000060" {
		t.Errorf("the tries were at %q and %q", a, b)
	}
	for _, q := range got {
		signatures := strings.Split(q.head.Get("Webhook-Signature"), " ")
		for i, s := range []platforms.Secret{platforms.NewSecret(secret), former} {
			key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
			m := hmac.New(sha256.New, key)
			fmt.Fprintf(m, "%s.%s.%s", q.head.Get("Webhook-Id"), q.head.Get("Webhook-Timestamp"), q.body)
			if want := "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)); len(signatures) != 2 || signatures[i] != want {
				t.Errorf("signatures %q, want %q at %d", signatures, want, i)
			}
		}
		var ev wire.Event
		if err := json.Unmarshal(q.body, &ev); err != nil || ev.Text != "hé <b>" || ev.ID != q.head.Get("Webhook-Id") {
			t.Errorf("the body is %s (%v)", q.body, err)
		}
	}
}

func TestModes(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "from the server") })
	answer := func(f func(*Config)) ([]platforms.Message, error) {
		return build(t, url, Options{}, f).Respond(context.Background(), delivery("x"))
	}
	if ms, err := answer(func(c *Config) { c.Mode = "" }); ms != nil || err != nil {
		t.Errorf("one-way answers %v, %v", ms, err)
	}
	ms, err := answer(func(c *Config) { c.Mode, c.Reply, c.Markdown = Static, "taken", true })
	if only(t, ms, err) != "taken" || ms[0].Format != platforms.Markdown || ms[0].ReplyTo != "m1" {
		t.Errorf("static answers %+v", ms)
	}
	ms, err = answer(func(c *Config) { c.Mode = Wait })
	if only(t, ms, err) != "from the server" || ms[0].Format != platforms.Plain {
		t.Errorf("waiting answers %+v", ms)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, kind, body string
		want             string // "" for none
		bad              bool
	}{
		{name: "plain", kind: "text/plain; charset=utf-8", body: "hi\x1b[31m\x00\xff\n", want: "hi �"},
		{name: "no kind", kind: "-", body: "hi", want: "hi"},
		{name: "JSON", kind: "application/json", body: `{"text":"hi","buttons":[[{"label":"Go","url":"javascript:1"}]]}`,
			want: "hi\n(The button \"Go\" was left out: its address is not one of http or https.)"},
		{name: "files by path are never read", kind: "application/json", body: `{"text":"hi","files":[{"path":"/etc/passwd"}]}`,
			want: "hi\n(The file \"passwd\" was left out: no folder was chosen from which files may be sent.)"},
		{name: "problem JSON", kind: "application/problem+json", body: `{"title":"x"}`},
		{name: "blank", kind: "text/html", body: " \n"},
		{name: "secret is masked", kind: "text/plain", body: "key " + secret, want: "key [secret]"},
		{name: "a page", kind: "text/html", body: "<html>", bad: true},
		{name: "a picture", kind: "image/png", body: "\x89PNG", bad: true},
		{name: "no JSON", kind: "application/json", body: "oops", bad: true},
		{name: "a list", kind: "application/json", body: "[1]", bad: true},
		{name: "nonsense", kind: ";;;", body: "x", bad: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := build(t, serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				if c.kind == "-" {
					w.Header()["Content-Type"] = nil
				}
				_, _ = io.WriteString(w, c.body)
			}), Options{})
			ms, err := r.Respond(context.Background(), delivery("x"))
			switch {
			case c.bad:
				wantKind(t, err, platforms.Rejected)
			case c.want == "":
				if ms != nil || err != nil {
					t.Errorf("got %v, %v", ms, err)
				}
			default:
				if got := only(t, ms, err); got != c.want || len(ms[0].Buttons)+len(ms[0].Files) > 0 {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}
		})
	}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		code  int
		after string
		kind  platforms.Kind
		rest  time.Duration
	}{
		{408, "", platforms.Temporary, 0},
		{425, "", platforms.Temporary, 0},
		{429, "17", platforms.Temporary, 17 * time.Second},
		{500, "-3", platforms.Temporary, 0},
		{502, "99999999999999999999999", platforms.Temporary, longestRest},
		{503, "Tue, 14 Nov 2023 22:14:20 GMT", platforms.Temporary, time.Minute},
		{503, "Tue, 14 Nov 2000 22:14:20 GMT", platforms.Temporary, 0},
		{599, "x", platforms.Temporary, 0},
		{301, "", platforms.Rejected, 0},
		{304, "", platforms.Rejected, 0},
		{400, "5", platforms.Rejected, 0},
		{401, "", platforms.Rejected, 0},
		{404, "", platforms.Rejected, 0},
		{410, "", platforms.Rejected, 0},
	} {
		t.Run(fmt.Sprint(c.code, c.after), func(t *testing.T) {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", c.after)
				w.WriteHeader(c.code)
			})
			// One way too: what was refused was not delivered.
			for _, mode := range []Mode{OneWay, Wait} {
				r := build(t, url, Options{Now: func() time.Time { return time.Unix(1700000000, 0) }}, func(k *Config) { k.Mode = mode })
				_, err := r.Respond(context.Background(), delivery("x"))
				if e := wantKind(t, err, c.kind); e.RetryAfter != c.rest {
					t.Errorf("rest %v, want %v", e.RetryAfter, c.rest)
				}
			}
		})
	}
}

func TestOtherKindsOfEventsStay(t *testing.T) {
	r := build(t, serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was called") }), Options{})
	d := delivery("x")
	d.Event.Kind = platforms.MessageEdited
	if ms, err := r.Respond(context.Background(), d); ms != nil || err != nil {
		t.Errorf("got %v, %v", ms, err)
	}
}
