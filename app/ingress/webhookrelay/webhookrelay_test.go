package webhookrelay_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/webhookrelay"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a sink that keeps all it gets.
type recorder struct {
	got  chan relay.Request
	gaps chan relay.Gap
	take func(ctx context.Context, r relay.Request) (relay.Response, error)
}

func newRecorder() *recorder {
	return &recorder{got: make(chan relay.Request, 1000), gaps: make(chan relay.Gap, 1000)}
}

func (r *recorder) Ready(context.Context, relay.Cursor) error { return nil }

func (r *recorder) Take(ctx context.Context, q relay.Request) (relay.Response, error) {
	if r.take != nil {
		if a, err := r.take(ctx, q); err != nil {
			return a, err
		}
	}
	r.got <- q
	return relay.Response{Status: 202, Header: http.Header{"X-Answer": {"yes"}}, Body: []byte("thanks")}, nil
}

func (r *recorder) Gap(_ context.Context, g relay.Gap) error {
	r.gaps <- g
	return nil
}

func (r *recorder) next(t *testing.T) relay.Request {
	t.Helper()
	select {
	case q := <-r.got:
		return q
	case <-time.After(patience):
		t.Fatal("no request came")
	}
	return relay.Request{}
}

func (r *recorder) gap(t *testing.T) relay.Gap {
	t.Helper()
	select {
	case g := <-r.gaps:
		return g
	case <-time.After(patience):
		t.Fatal("no gap was told")
	}
	return relay.Gap{}
}

// world is a server, a source and its runs.
type world struct {
	t      *testing.T
	server *webhookrelaytest.Server
	source *webhookrelay.Source
	sink   *recorder
	o      webhookrelay.Options
	joined int
}

func start(t *testing.T, change func(*webhookrelay.Options)) *world {
	t.Helper()
	w := &world{t: t, server: webhookrelaytest.New(), sink: newRecorder()}
	t.Cleanup(w.server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	w.o = webhookrelay.Options{Server: w.server.URL(), Key: webhookrelaytest.Key, Secret: platforms.NewSecret(webhookrelaytest.Secret),
		Buckets: []string{"orders", "b-2"}, Dial: (&net.Dialer{}).DialContext, Client: &http.Client{Transport: transport}}
	if change != nil {
		change(&w.o)
	}
	var err error
	if w.source, err = webhookrelay.New(w.o); err != nil {
		t.Fatal(err)
	}
	return w
}

// run begins a Run and waits until it is subscribed.
func (w *world) run() (end func() error) {
	w.t.Helper()
	stop, result := w.begin()
	w.joined++
	if !w.server.Subscribed(w.joined, patience) {
		w.t.Fatal("nobody subscribed")
	}
	return func() error {
		stop()
		return <-result
	}
}

func (w *world) begin() (stop context.CancelFunc, result chan error) {
	ctx, stop := context.WithCancel(context.Background())
	result = make(chan error, 1)
	var wg sync.WaitGroup
	wg.Go(func() { result <- w.source.Run(ctx, "", w.sink) })
	w.t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return stop, result
}

func wait(t *testing.T, result chan error) error {
	t.Helper()
	select {
	case err := <-result:
		return err
	case <-time.After(patience):
		t.Fatal("Run did not return")
	}
	return nil
}

func event(id string) webhookrelaytest.Event {
	return webhookrelaytest.Event{ID: id, BucketID: "b-1", BucketName: "orders", InputID: "in-1", Method: "POST", Query: "a=1&b=%20", Body: "{\"n\":\"" + id + "\"}",
		Headers: map[string][]string{"x-signature": {"s1", "s2"}, "Host": {"evil"}, "Connection": {"x"}, "bad name": {"v"}, "Content-Length": {"1"}}}
}

func TestRequestComesAsItWasSent(t *testing.T) {
	w := start(t, nil)
	end := w.run()
	if g := w.sink.gap(t); g.Certain || !g.Since.IsZero() {
		t.Errorf("a first run tells %+v", g)
	}
	e := event("e-1")
	e.Body = "{\n \"ü<>&\": \"\\u00fc\"}\r\n\x00 \u2028"
	w.server.Publish(e)
	q := w.sink.next(t)
	if q.ID != "e-1" || q.Channel != "orders" || q.Input != "in-1" || q.Method != "POST" || q.Query != "a=1&b=%20" || string(q.Body) != e.Body || !q.Exact || q.Received.IsZero() {
		t.Errorf("%+v", q)
	}
	if len(q.Header) != 1 || !slices.Equal(q.Header["X-Signature"], []string{"s1", "s2"}) {
		t.Errorf("headers %v", q.Header)
	}
	e = event("e-2")
	e.BucketID, e.BucketName, e.BucketSpelling, e.Body = "b-2", "invoices", true, "a\ufffdb"
	w.server.Publish(e)
	if q := w.sink.next(t); q.Channel != "b-2" || q.Exact {
		t.Errorf("by id: channel %q, exact %v", q.Channel, q.Exact)
	}
	if err := end(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func TestReconnectResendsOnce(t *testing.T) {
	w := start(t, func(o *webhookrelay.Options) { o.Report = true })
	w.sink.take = nil
	stop, result := w.begin()
	defer stop()
	w.joined++
	w.server.Subscribed(1, patience)
	for i := range 5 {
		w.server.Publish(event(fmt.Sprint("a-", i)))
	}
	for i := range 5 {
		if q := w.sink.next(t); q.ID != fmt.Sprint("a-", i) {
			t.Fatalf("%d: %s", i, q.ID)
		}
	}
	w.server.Reports(5, patience)
	w.server.Drop()
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary {
		t.Fatalf("cut: %v", err)
	}
	w.server.Publish(event("b-0")) // missed
	w.run()
	if q := w.sink.next(t); q.ID != "b-0" {
		t.Errorf("%s came again", q.ID)
	}
	if got, _ := w.server.Reports(11, patience); len(got) != 11 {
		t.Errorf("%d reports: what came again is reported again", len(got))
	}
}

func TestFailedTakeEndsTheRunAndComesAgain(t *testing.T) {
	w := start(t, func(o *webhookrelay.Options) { o.Report = true })
	broken := errors.New("disk full")
	w.sink.take = func(context.Context, relay.Request) (relay.Response, error) { return relay.Response{}, broken }
	_, result := w.begin()
	w.joined++
	w.server.Subscribed(1, patience)
	w.sink.gap(t)
	w.server.Publish(event("a"))
	w.server.Publish(event("b"))
	if err := wait(t, result); !errors.Is(err, broken) {
		t.Fatalf("Run: %v", err)
	}
	got, ok := w.server.Reports(1, patience)
	if !ok || got[0].Body["status"] != "failed" || got[0].Body["status_code"] != 503.0 {
		t.Errorf("reports %+v", got)
	}
	if len(w.sink.got) != 0 {
		t.Error("what follows a failure was handed on")
	}
	w.sink.take = nil
	w.run()
	if g := w.sink.gap(t); g.Since.IsZero() {
		t.Errorf("gap %+v", g)
	}
	for _, id := range []string{"a", "b"} {
		if q := w.sink.next(t); q.ID != id {
			t.Errorf("%s instead of %s", q.ID, id)
		}
	}
}

func TestReports(t *testing.T) {
	for _, c := range []struct {
		name, key, secret, auth string
		answers                 bool
	}{
		{"pair, one way", webhookrelaytest.Key, webhookrelaytest.Secret,
			"Basic " + base64.StdEncoding.EncodeToString([]byte(webhookrelaytest.Key+":"+webhookrelaytest.Secret)), false},
		{"API key, answers", "", webhookrelaytest.APIKey, "Bearer " + webhookrelaytest.APIKey, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := start(t, func(o *webhookrelay.Options) {
				o.Key, o.Secret, o.Report, o.Answers = c.key, platforms.NewSecret(c.secret), true, c.answers
				o.Limits = webhookrelay.Usual()
				o.Limits.Reports = 1 // one after the other
			})
			w.run()
			w.server.Publish(event("../../tokens")) // would lead elsewhere
			w.server.Publish(event("e-1"))
			got, ok := w.server.Reports(1, patience)
			if !ok || len(got) != 1 {
				t.Fatalf("%d reports", len(got))
			}
			if s := w.server.Strays(); len(s) != 0 {
				t.Errorf("an id led to %q", s)
			}
			b := got[0].Body
			if got[0].ID != "e-1" || got[0].Authorization != c.auth || b["id"] != "e-1" || b["bucket_id"] != "b-1" || b["status_code"] != 202.0 || b["status"] != "sent" || b["retries"] != 0.0 {
				t.Errorf("%+v", got[0])
			}
			body, _ := b["response_body"].(string)
			plain, _ := base64.StdEncoding.DecodeString(body)
			if (string(plain) == "thanks") != c.answers || (b["response_headers"] != nil) != c.answers {
				t.Errorf("answer %q, headers %v", plain, b["response_headers"])
			}
		})
	}
}

func TestReportsFollowNobody(t *testing.T) {
	other := webhookrelaytest.New()
	defer other.Close()
	w := start(t, func(o *webhookrelay.Options) {
		o.Report, o.Limits = true, webhookrelay.Usual()
		o.Limits.Reports = 1
	})
	w.server.Moved(other.URL() + "/v1/logs/stolen")
	w.run()
	w.server.Publish(event("e-1"))
	w.server.Publish(event("e-2"))
	if _, ok := w.server.Reports(2, patience); !ok { // the second begins when the first has ended
		t.Fatal("no reports")
	}
	if got, _ := other.Reports(0, patience); len(got) != 0 {
		t.Errorf("the credential went to %+v", got)
	}
}

func TestRefusedIsFinalAndTellsNoSecret(t *testing.T) {
	for _, status := range []string{"unauthorized", "forbidden"} {
		w := start(t, nil)
		w.server.Refuse(status)
		_, result := w.begin()
		err := wait(t, result)
		if platforms.KindOf(err) != platforms.Unauthorized || strings.Contains(err.Error(), webhookrelaytest.Secret) {
			t.Errorf("%s: %v", status, err)
		}
	}
	w := start(t, nil)
	_, result := w.begin()
	w.server.Subscribed(1, patience)
	w.server.Raw([]byte(`{"type":"status","status":"forbidden"}`)) // while it goes on
	if err := wait(t, result); platforms.KindOf(err) != platforms.Unauthorized {
		t.Errorf("later: %v", err)
	}
}

func TestHandshakeIsNoVerdict(t *testing.T) {
	for status, kind := range map[int]platforms.Kind{401: platforms.Temporary, 403: platforms.Temporary, 302: platforms.Temporary, 500: platforms.Temporary, 429: platforms.RateLimited} {
		w := start(t, nil)
		w.server.Answer(status, http.Header{"Retry-After": {"7"}, "Location": {"http://127.0.0.1:1/"}})
		_, result := w.begin()
		err := wait(t, result)
		var e *platforms.Error
		if !errors.As(err, &e) || e.Kind != kind || kind == platforms.RateLimited && e.RetryAfter != 7*time.Second {
			t.Errorf("%d: %v", status, err)
		}
	}
}
