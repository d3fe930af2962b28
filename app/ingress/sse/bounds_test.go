package sse_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/sse"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/platforms"
)

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
