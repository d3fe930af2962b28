package sse_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/sse"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/platforms"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a sink that keeps all it gets, and the cursor.
type recorder struct {
	got  chan relay.Request
	gaps chan relay.Gap
	take func(ctx context.Context, r relay.Request) (relay.Response, error)

	mu     sync.Mutex
	cursor relay.Cursor
}

func (r *recorder) Ready(context.Context, relay.Cursor) error { return nil }

func (r *recorder) Take(ctx context.Context, q relay.Request) (relay.Response, error) {
	if r.take != nil {
		if a, err := r.take(ctx, q); err != nil {
			return a, err
		}
	}
	r.keep(q.Cursor)
	r.got <- q
	return relay.Response{}, nil
}

func (r *recorder) Gap(_ context.Context, g relay.Gap) error {
	r.keep(g.Cursor)
	r.gaps <- g
	return nil
}

func (r *recorder) keep(c relay.Cursor) {
	if c != "" {
		r.mu.Lock()
		r.cursor = c
		r.mu.Unlock()
	}
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

type world struct {
	t      *testing.T
	server *ssetest.Server
	source *sse.Source
	sink   *recorder
	o      sse.Options
	joined int
}

func start(t *testing.T, kind ssetest.Kind, change func(*sse.Options)) *world {
	t.Helper()
	w := &world{t: t, server: ssetest.New(kind), sink: &recorder{got: make(chan relay.Request, 1000), gaps: make(chan relay.Gap, 1000)}}
	t.Cleanup(w.server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	w.o = sse.Options{Kind: sse.Gosmee, Server: w.server.URL(), Channel: platforms.NewSecret(ssetest.Channel), Name: "orders", Client: &http.Client{Transport: transport}}
	if kind == ssetest.Smee {
		w.o.Kind = sse.Smee
	}
	if change != nil {
		change(&w.o)
	}
	var err error
	if w.source, err = sse.New(w.o); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) begin() (stop context.CancelFunc, result chan error) {
	ctx, stop := context.WithCancel(context.Background())
	result = make(chan error, 1)
	w.sink.mu.Lock()
	from := w.sink.cursor
	w.sink.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { result <- w.source.Run(ctx, from, w.sink) })
	w.t.Cleanup(func() {
		stop()
		wg.Wait()
	})
	return stop, result
}

func (w *world) run() (stop context.CancelFunc, result chan error) {
	w.t.Helper()
	stop, result = w.begin()
	w.joined++
	if !w.server.Subscribed(w.joined, patience) {
		w.t.Fatal("nobody subscribed")
	}
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

// post is what a sender does, with a signature over its body.
func (w *world) post(contentType, query, body string) {
	w.t.Helper()
	req, err := http.NewRequest(http.MethodPost, w.server.Hook()+query, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Signature", sign([]byte(body)))
	req.Header.Set("Bodyb", "ZXZpbA==") // a sender's header is not the relay's word
	req.Header.Set("Timestamp", "7")
	resp, err := w.o.Client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		w.t.Fatalf("the relay answers %d", resp.StatusCode)
	}
}

func sign(body []byte) string {
	m := hmac.New(sha256.New, []byte("key"))
	m.Write(body)
	return fmt.Sprintf("%x", m.Sum(nil))
}

const spaced = "{ \"b\": 1,\r\n \"a\": \"\\u00fc<>&\" }"

func TestGosmeeIsExact(t *testing.T) {
	w := start(t, ssetest.Gosmee, nil)
	stop, result := w.run()
	if g := w.sink.gap(t); g.Certain {
		t.Errorf("%+v", g)
	}
	w.post("application/json", "", spaced)
	q := w.sink.next(t)
	if string(q.Body) != spaced || !q.Exact || q.Method != "POST" || q.Channel != "orders" || q.ID != "" || q.Cursor != "" || q.Sent.IsZero() || q.Received.IsZero() {
		t.Errorf("%+v %q", q, q.Body)
	}
	if q.Header.Get("X-Signature") != sign(q.Body) || q.Header.Get("Content-Type") != "application/json" || q.Header.Get("Host") != "" {
		t.Errorf("%v", q.Header)
	}
	stop()
	if err := wait(t, result); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func TestSmeeIsNotExact(t *testing.T) {
	w := start(t, ssetest.Smee, nil)
	w.run()
	w.post("application/json", "?x=1&y=a%20b", spaced)
	q := w.sink.next(t)
	if q.Exact || q.Query != "x=1&y=a+b" || q.Header.Get("X-Signature") == sign(q.Body) {
		t.Errorf("%+v %q", q, q.Body)
	}
	if q.Sent.Year() < 2020 {
		t.Errorf("sent %v: a sender's header is taken for the relay's word", q.Sent)
	}
	w.post("application/x-www-form-urlencoded", "", "b=2&a=1+1&a=%26")
	if q := w.sink.next(t); string(q.Body) != "a=1+1&a=%26&b=2" || q.Exact {
		t.Errorf("form %q", q.Body)
	}
	w.server.Publish(`{"content-type":"text/plain","body":"plain","query":{},"timestamp":1}`)
	if q := w.sink.next(t); string(q.Body) != "plain" {
		t.Errorf("text %q", q.Body)
	}
	w.server.Publish(`{"content-type":"application/json","body":"x","query":{},"timestamp":1}`)
	if q := w.sink.next(t); string(q.Body) != `"x"` {
		t.Errorf("JSON text %q", q.Body)
	}
}

func TestSmeesIDsAreNoPlaces(t *testing.T) {
	w := start(t, ssetest.Smee, nil)
	w.run()
	for range 2 {
		w.server.Raw("id: 1-1\ndata: {\"body\":{}}\n\n")
		if q := w.sink.next(t); q.ID != "" || q.Cursor != "" {
			t.Errorf("%+v", q)
		}
	}
}

func TestStreamsResumeAndDropWhatCameAgain(t *testing.T) {
	w := start(t, ssetest.Streams, nil)
	_, result := w.run()
	w.sink.gap(t)
	for i := range 3 {
		w.post("application/json", "", fmt.Sprint(i))
	}
	for i := range 3 {
		if q := w.sink.next(t); string(q.Body) != fmt.Sprint(i) || q.ID == "" || string(q.Cursor) != q.ID {
			t.Fatalf("%d: %+v", i, q)
		}
	}
	w.server.Drop()
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary {
		t.Fatalf("cut: %v", err)
	}
	w.post("application/json", "", "3") // missed
	// A crash between storing and keeping: two come again.
	w.sink.mu.Lock()
	w.sink.cursor = "1700000000001-0"
	w.sink.mu.Unlock()
	w.run()
	if q := w.sink.next(t); string(q.Body) != "3" {
		t.Errorf("%s came", q.Body)
	}
	if len(w.sink.gaps) != 0 {
		t.Error("a gap is told where there is none")
	}
	if ids := w.server.LastIDs(); !slices.Equal(ids, []string{"", "1700000000001-0"}) {
		t.Errorf("Last-Event-ID %q", ids)
	}
}

func TestTrimmedStreamIsAGap(t *testing.T) {
	w := start(t, ssetest.Streams, nil)
	stop, result := w.run()
	w.sink.gap(t)
	w.post("application/json", "", "0")
	w.sink.next(t)
	stop()
	_ = wait(t, result)
	for i := 1; i < 6; i++ {
		w.post("application/json", "", fmt.Sprint(i))
	}
	w.server.Trim(2)
	w.run()
	if g := w.sink.gap(t); !g.Certain || g.Since.IsZero() {
		t.Errorf("%+v", g)
	}
	for i := 4; i < 6; i++ {
		if q := w.sink.next(t); string(q.Body) != fmt.Sprint(i) {
			t.Errorf("%s instead of %d", q.Body, i)
		}
	}
}

func TestForgottenCursorIsAGap(t *testing.T) {
	for _, cursor := range []relay.Cursor{"x\r\nEvil: 1", "9-9"} { // none of ours; one that the server refuses
		w := start(t, ssetest.Streams, nil)
		w.sink.cursor = cursor
		w.run()
		if g := w.sink.gap(t); !g.Certain {
			t.Errorf("%q: %+v", cursor, g)
		}
		w.post("application/json", "", "1")
		w.sink.next(t)
	}
}

func TestFailedTakeEndsTheRunAndComesAgain(t *testing.T) {
	w := start(t, ssetest.Streams, nil)
	broken := errors.New("disk full")
	w.sink.take = func(_ context.Context, q relay.Request) (relay.Response, error) {
		if string(q.Body) == "1" {
			return relay.Response{}, broken
		}
		return relay.Response{}, nil
	}
	_, result := w.run()
	for i := range 3 {
		w.post("application/json", "", fmt.Sprint(i))
	}
	if err := wait(t, result); !errors.Is(err, broken) {
		t.Fatalf("Run: %v", err)
	}
	w.sink.take = nil
	w.run()
	for i := range 3 {
		if q := w.sink.next(t); string(q.Body) != fmt.Sprint(i) {
			t.Errorf("%s instead of %d", q.Body, i)
		}
	}
}

func TestSilenceEndsTheRun(t *testing.T) {
	w := start(t, ssetest.Gosmee, func(o *sse.Options) {
		o.Limits = sse.Usual()
		o.Limits.Silence = 50 * time.Millisecond
	})
	_, result := w.begin()
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary || !strings.Contains(platforms.Explain(err), "in time") {
		t.Errorf("%v", err)
	}
}

func TestSlowTakeHoldsReadingBack(t *testing.T) {
	w := start(t, ssetest.Gosmee, func(o *sse.Options) {
		o.Limits = sse.Usual()
		o.Limits.Waiting = relay.Bounds{Items: 1, Bytes: 1}
	})
	began, free := make(chan struct{}, 10), make(chan struct{})
	w.sink.take = func(context.Context, relay.Request) (relay.Response, error) {
		began <- struct{}{}
		<-free
		return relay.Response{}, nil
	}
	w.run()
	for i := range 4 {
		w.post("application/json", "", fmt.Sprint(i))
	}
	<-began
	close(free)
	for i := range 4 {
		if q := w.sink.next(t); string(q.Body) != fmt.Sprint(i) {
			t.Errorf("%s instead of %d", q.Body, i)
		}
	}
}

func TestCancelEndsAnythingThatWaits(t *testing.T) {
	w := start(t, ssetest.Gosmee, nil)
	began := make(chan struct{}, 1)
	w.sink.take = func(ctx context.Context, _ relay.Request) (relay.Response, error) {
		began <- struct{}{}
		<-ctx.Done()
		return relay.Response{}, ctx.Err()
	}
	stop, result := w.run()
	w.post("application/json", "", "1")
	<-began
	stop()
	if err := wait(t, result); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if !w.server.Gone(patience) {
		t.Error("the connection stays")
	}
}

func TestOversizeIsAGap(t *testing.T) {
	w := start(t, ssetest.Streams, func(o *sse.Options) {
		o.Limits = sse.Usual()
		o.Limits.Line, o.Limits.Event = 10<<10, 15<<10
	})
	_, result := w.run()
	w.sink.gap(t)
	w.post("application/json", "", `"`+strings.Repeat("x", 20<<10)+`"`)
	if g := w.sink.gap(t); !g.Certain || g.Cursor == "" {
		t.Errorf("a line: %+v", g)
	}
	w.server.Raw(strings.Repeat("data: "+strings.Repeat("y", 5<<10)+"\n", 4) + "\n")
	if g := w.sink.gap(t); !g.Certain {
		t.Errorf("an event: %+v", g)
	}
	w.post("application/json", "", "1")
	if q := w.sink.next(t); string(q.Body) != "1" {
		t.Errorf("%s came", q.Body)
	}
	w.server.Raw(strings.Repeat("z", 100<<10))
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("without end: %v", err)
	}
}

func TestGarbage(t *testing.T) {
	w := start(t, ssetest.Gosmee, nil)
	_, result := w.run()
	w.sink.gap(t)
	for _, data := range []string{"{", "7", "[]", "null", `{"bodyB":7}`, `{"bodyB":"%"}`, `{"x-a":"b"}`} {
		w.server.Publish(data)
	}
	w.server.Raw("event: new\ndata: {\"bodyB\":\"MQ==\"}\n\nnonsense\n\n:\n\nid: 5-5\n\n")
	w.post("application/json", "", "1")
	if q := w.sink.next(t); string(q.Body) != "1" || q.ID != "" {
		t.Errorf("%+v", q)
	}
	w.server.Raw("id: 5-6\ndata: {\n\n")
	if g := w.sink.gap(t); !g.Certain || g.Cursor != "5-6" {
		t.Errorf("%+v", g)
	}
	for range sse.Usual().Garbage + 1 {
		w.server.Publish("{")
	}
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("%v", err)
	}
}

func TestStatuses(t *testing.T) {
	elsewhere := ssetest.New(ssetest.Gosmee)
	defer elsewhere.Close()
	for status, kind := range map[int]platforms.Kind{200: platforms.Temporary, 204: platforms.Temporary, 302: platforms.Temporary, 400: platforms.Temporary,
		401: platforms.Unauthorized, 403: platforms.Unauthorized, 404: platforms.Temporary, 500: platforms.Temporary, 503: platforms.RateLimited, 429: platforms.RateLimited} {
		w := start(t, ssetest.Gosmee, nil)
		w.server.Answer(status, http.Header{"Retry-After": {"7"}, "Location": {elsewhere.URL() + "/events/" + ssetest.Channel}})
		_, result := w.begin()
		err := wait(t, result)
		var e *platforms.Error
		if !errors.As(err, &e) || e.Kind != kind || kind == platforms.RateLimited && e.RetryAfter != 7*time.Second || strings.Contains(err.Error(), ssetest.Channel) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if len(elsewhere.LastIDs()) != 0 {
		t.Error("it went where the relay sent it")
	}
}

func TestErrorsHideTheChannel(t *testing.T) {
	w := start(t, ssetest.Gosmee, nil)
	w.server.Close()
	_, result := w.begin()
	if err := wait(t, result); strings.Contains(err.Error(), ssetest.Channel) || platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("%v", err)
	}
}

func TestRetryIsTheServersWish(t *testing.T) {
	w := start(t, ssetest.Gosmee, nil)
	_, result := w.run()
	w.server.Raw("retry: 7000\n\n")
	w.post("application/json", "", "1")
	w.sink.next(t)
	w.server.Drop()
	var e *platforms.Error
	if err := wait(t, result); !errors.As(err, &e) || e.RetryAfter != 7*time.Second {
		t.Errorf("%v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	good := start(t, ssetest.Smee, nil).o
	for name, change := range map[string]func(*sse.Options){
		"plain http": func(o *sse.Options) { o.Server = "http://smee.example.com" },
		"query":      func(o *sse.Options) { o.Server = "https://smee.example.com?a" },
		"no channel": func(o *sse.Options) { o.Channel = platforms.Secret{} },
		"dots":       func(o *sse.Options) { o.Channel = platforms.NewSecret("../new") },
		"slash":      func(o *sse.Options) { o.Channel = platforms.NewSecret("a/b") },
		"no name":    func(o *sse.Options) { o.Name = "" },
		"told name":  func(o *sse.Options) { o.Name = ssetest.Channel },
		"no kind":    func(o *sse.Options) { o.Kind = "" },
		"no client":  func(o *sse.Options) { o.Client = nil },
		"timeout":    func(o *sse.Options) { o.Client = &http.Client{Timeout: time.Second} },
	} {
		o := good
		change(&o)
		if _, err := sse.New(o); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
