package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
)

// stopwatch is a responder that notes when it was begun for what.
type stopwatch struct {
	mu    sync.Mutex
	begun map[string]time.Time
	took  []time.Duration
	room  chan struct{} // one for each that is under way
}

func (s *stopwatch) responder() Responder {
	return responder{f: func(_ context.Context, d Delivery) ([]platforms.Message, error) {
		now := time.Now()
		s.mu.Lock()
		defer s.mu.Unlock()
		if at, ok := s.begun[d.Event.Text]; ok {
			s.took = append(s.took, now.Sub(at))
			delete(s.begun, d.Event.Text)
			<-s.room
		}
		return nil, nil
	}}
}

// TestBenchRelays prints how many webhooks a second come from a sender's HTTP
// request to the first byte of a responder, how long one takes, and the memory,
// by a listener and by each relay. The relays' stand-ins and the senders are in
// the same process. It asserts nothing, so it runs only when asked:
// POSTERN_BENCH=1.
func TestBenchRelays(t *testing.T) {
	if os.Getenv("POSTERN_BENCH") == "" {
		t.Skip("set POSTERN_BENCH=1 to measure")
	}
	const span = 5 * time.Second
	relayed := func(d func() api.RelayDraft) func(w *world) {
		return func(w *world) {
			w.start()
			w.add()
			addRelay(t, w, d())
			w.until("connected", func() bool { return w.relay().Status == api.Connected })
		}
	}
	hub := webhookrelaytest.New()
	defer hub.Close()
	hub.Resend(0)
	smee, gosmee, streams := ssetest.New(ssetest.Smee), ssetest.New(ssetest.Gosmee), ssetest.New(ssetest.Streams)
	channel := func(kind string, s *ssetest.Server) func() api.RelayDraft {
		return func() api.RelayDraft {
			return api.RelayDraft{Kind: kind, Channels: []api.RelayChannel{{Account: "fake"}}, Values: map[string]string{"server": s.URL(), "channel": ssetest.Channel}}
		}
	}
	for _, s := range []*ssetest.Server{smee, gosmee, streams} {
		defer s.Close()
	}
	listener := ""
	for _, road := range []struct {
		name  string
		start func(w *world)
		to    func() string
	}{
		{"a listener", func(w *world) { _, listener = openedIn(t, w) }, func() string { return "http://" + listener + "/in" }},
		{"Webhook Relay", relayed(func() api.RelayDraft {
			hub.Forget()
			return hosted(hub, api.RelayChannel{Channel: "main", Account: "fake"})
		}), func() string { return hub.Input("main") }},
		{"smee", relayed(channel("smee", smee)), smee.Hook},
		{"gosmee", relayed(channel("gosmee", gosmee)), gosmee.Hook},
		{"gosmee with streams", relayed(channel("gosmee", streams)), streams.Hook},
	} {
		for _, window := range []int{1, 32} {
			s := &stopwatch{begun: map[string]time.Time{}, room: make(chan struct{}, window)}
			w, _ := relayWorld(t)
			w.responders, w.log = []Responder{s.responder()}, slog.DiscardHandler
			road.start(w)
			heap := sampled(t, func() { senders(t, s, road.to(), span) })
			s.mu.Lock()
			took := slices.Sorted(slices.Values(s.took))
			s.mu.Unlock()
			if len(took) == 0 {
				t.Fatalf("%s: nothing came", road.name)
			}
			t.Logf("%-20s %2d at once: %6.0f/s, half within %v, 99 of 100 within %v, heap at most %d MB", road.name, window, float64(len(took))/span.Seconds(),
				took[len(took)/2].Round(10*time.Microsecond), took[len(took)*99/100].Round(10*time.Microsecond), heap>>20)
			w.stop()
		}
	}
}

// sampled is the most heap in use while f runs, in bytes.
func sampled(t *testing.T, f func()) (most uint64) {
	t.Helper()
	runtime.GC()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-tick.C:
			case <-done:
				return
			}
		}
	})
	f()
	close(done)
	wg.Wait()
	return most
}

// senders posts webhooks of 2 kB to an address, as many at a time as s has room
// for, until the responder has begun with each.
func senders(t *testing.T, s *stopwatch, to string, span time.Duration) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: cap(s.room)}}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	for end := time.Now().Add(span); time.Now().Before(end); {
		s.room <- struct{}{}
		wg.Go(func() {
			id := fmt.Sprintf("%012d", deliveries.Add(1))
			text := fmt.Sprintf(`{"n":"%s%s"}`, id, strings.Repeat("x", 2000))
			s.mu.Lock()
			s.begun[text] = time.Now()
			s.mu.Unlock()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(text))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Hub-Signature-256", signed(text, "tok-secret-value-1"))
			req.Header.Set("X-Delivery", id)
			if strings.HasSuffix(to, "/in") {
				req.Host = "bot.example.org"
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
		})
	}
	wg.Wait()
	for range cap(s.room) { // the last ones
		select {
		case s.room <- struct{}{}:
		case <-time.After(10 * time.Second):
			t.Error("some never came")
			return
		}
	}
}
