package webhookrelay_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/webhookrelay"
	"github.com/postern/postern/platforms"
)

func TestPingsAreAnsweredDuringASlowTake(t *testing.T) {
	w := start(t, nil)
	free := make(chan struct{})
	began := make(chan struct{}, 1)
	w.sink.take = func(context.Context, relay.Request) (relay.Response, error) {
		began <- struct{}{}
		<-free
		return relay.Response{}, nil
	}
	w.run()
	w.server.Publish(event("slow"))
	<-began
	for range 3 {
		w.server.Ping()
	}
	if !w.server.Pongs(3, patience) {
		t.Error("a slow take made it deaf")
	}
	close(free)
	w.sink.next(t)
}

func TestTakeIsTooLateForAnAnswer(t *testing.T) {
	w := start(t, func(o *webhookrelay.Options) {
		o.Report, o.Limits = true, webhookrelay.Usual()
		o.Limits.Answer = time.Millisecond
	})
	w.sink.take = func(ctx context.Context, _ relay.Request) (relay.Response, error) {
		<-ctx.Done()
		return relay.Response{}, nil // stored all the same
	}
	end := w.run()
	w.server.Publish(event("late"))
	w.sink.next(t)
	if err := end(); !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
}

func TestCancelEndsAnythingThatWaits(t *testing.T) {
	w := start(t, nil)
	began := make(chan struct{}, 1)
	w.sink.take = func(ctx context.Context, _ relay.Request) (relay.Response, error) {
		began <- struct{}{}
		<-ctx.Done()
		return relay.Response{}, ctx.Err()
	}
	end := w.run()
	w.server.Publish(event("slow"))
	<-began
	if err := end(); !errors.Is(err, context.Canceled) {
		t.Errorf("in a take: %v", err)
	}
	if !w.server.Gone(patience) {
		t.Error("the connection stays")
	}
	w.server.Mute()
	stop, result := w.begin() // waits for an answer to its sign-in
	stop()
	if err := wait(t, result); !errors.Is(err, context.Canceled) {
		t.Errorf("in a sign-in: %v", err)
	}
}

func TestSilenceEndsTheRun(t *testing.T) {
	w := start(t, func(o *webhookrelay.Options) {
		o.Limits = webhookrelay.Usual()
		o.Limits.Silence = 50 * time.Millisecond
	})
	_, result := w.begin()
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary || !strings.Contains(platforms.Explain(err), "in time") {
		t.Errorf("%v", err)
	}
}

func TestMuteServerEndsTheSignIn(t *testing.T) {
	w := start(t, func(o *webhookrelay.Options) {
		o.Limits = webhookrelay.Usual()
		o.Limits.Greet = 50 * time.Millisecond
	})
	w.server.Mute()
	_, result := w.begin()
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("%v", err)
	}
}

func TestOversizeFrameIsAGap(t *testing.T) {
	w := start(t, func(o *webhookrelay.Options) {
		o.Limits = webhookrelay.Usual()
		o.Limits.Frame, o.Limits.Skip = 100<<10, 1<<20
	})
	_, result := w.begin()
	w.server.Subscribed(1, patience)
	w.sink.gap(t)
	big := event("big")
	big.Body = strings.Repeat("x", 300<<10)
	w.server.Publish(big)
	if g := w.sink.gap(t); !g.Certain {
		t.Errorf("%+v", g)
	}
	w.server.Publish(event("small"))
	if q := w.sink.next(t); q.ID != "small" {
		t.Errorf("%s came", q.ID)
	}
	big.Body = strings.Repeat("x", 2<<20)
	w.server.Publish(big)
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("without end: %v", err)
	}
}

func TestGarbage(t *testing.T) {
	w := start(t, nil)
	_, result := w.begin()
	w.server.Subscribed(1, patience)
	w.sink.gap(t)
	for _, frame := range []string{"", "{", "null", "[]", `{"type":7}`, `{"type":"new"}`, `{"type":"status"}`,
		`{"type":"webhook","meta":{"id":"f","bucket_name":"others","bucked_id":"b-9"},"body":"x"}`} {
		w.server.Raw([]byte(frame))
	}
	w.server.Raw([]byte(`{"type":"webhook","meta":{"id":"q","bucket_name":"orders"},"query":{"a":1},"body":"x"}`))
	if g := w.sink.gap(t); !g.Certain {
		t.Errorf("%+v", g)
	}
	w.server.Publish(event("good"))
	if q := w.sink.next(t); q.ID != "good" {
		t.Errorf("%q came", q.ID)
	}
	for range webhookrelay.Usual().Garbage + 1 {
		w.server.Raw([]byte("{"))
	}
	if err := wait(t, result); platforms.KindOf(err) != platforms.Temporary {
		t.Errorf("%v", err)
	}
}

func TestLongAbsenceIsAGap(t *testing.T) {
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	w := start(t, func(o *webhookrelay.Options) {
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	end := w.run()
	w.sink.gap(t)
	_ = end()
	mu.Lock()
	left := now
	now = now.Add(11 * time.Minute)
	mu.Unlock()
	w.run()
	if g := w.sink.gap(t); g.Certain || !g.Since.Equal(left) {
		t.Errorf("%+v", g)
	}
}

func TestNewRefuses(t *testing.T) {
	good := start(t, nil).o
	for name, change := range map[string]func(*webhookrelay.Options){
		"plain http":     func(o *webhookrelay.Options) { o.Server = "http://relay.example.com" },
		"user":           func(o *webhookrelay.Options) { o.Server = "https://a:b@relay.example.com" },
		"no secret":      func(o *webhookrelay.Options) { o.Secret = platforms.Secret{} },
		"no key":         func(o *webhookrelay.Options) { o.Key = "" },
		"blank":          func(o *webhookrelay.Options) { o.Secret = platforms.NewSecret("a b c d e f") },
		"no bucket":      func(o *webhookrelay.Options) { o.Buckets = nil },
		"empty bucket":   func(o *webhookrelay.Options) { o.Buckets = []string{""} },
		"bucket twice":   func(o *webhookrelay.Options) { o.Buckets = []string{"a", "a"} },
		"nothing to use": func(o *webhookrelay.Options) { o.Dial = nil },
	} {
		o := good
		change(&o)
		if _, err := webhookrelay.New(o); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), "a b c d") {
			t.Errorf("%s tells the secret", name)
		}
	}
}
