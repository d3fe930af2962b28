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
