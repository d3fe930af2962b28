//go:build interop

package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/sse"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/app/ingress/webhookrelay"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
)

// road is a relay that a service sends to, and our client of it.
type road struct {
	hook   string // what the service is told
	source relay.Source
	exact  bool
	// subscribed waits until our client has subscribed.
	subscribed func() bool
}

const patience = 30 * time.Second

func client(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func webhookRelayRoad(t *testing.T) (*road, *webhookrelaytest.Server) {
	t.Helper()
	s := webhookrelaytest.New()
	t.Cleanup(s.Close)
	source, err := webhookrelay.New(webhookrelay.Options{Server: s.URL(), Secret: platforms.NewSecret(webhookrelaytest.APIKey), Buckets: []string{"orders"},
		Dial: (&net.Dialer{}).DialContext, Client: client(t), Report: true})
	must(t, err)
	return &road{hook: s.Input("orders"), source: source, exact: true, subscribed: func() bool { return s.Subscribed(1, patience) }}, s
}

func sseRoad(t *testing.T, kind ssetest.Kind) *road {
	t.Helper()
	s := ssetest.New(kind)
	t.Cleanup(s.Close)
	o := sse.Options{Kind: sse.Gosmee, Server: s.URL(), Channel: platforms.NewSecret(ssetest.Channel), Name: "orders", Client: client(t)}
	if kind == ssetest.Smee {
		o.Kind = sse.Smee
	}
	source, err := sse.New(o)
	must(t, err)
	return &road{hook: s.Hook(), source: source, exact: kind != ssetest.Smee, subscribed: func() bool { return s.Subscribed(1, patience) }}
}

// door takes what a source brings to an account's route.
type door struct {
	in      *ingresstest.Ingress
	address string
	mu      sync.Mutex
	changed chan struct{}
	taken   int
	refused int
	inexact int // of them
	gaps    []string
}

func (d *door) Ready(context.Context, relay.Cursor) error { return nil }

func (d *door) Gap(_ context.Context, g relay.Gap) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if g.Certain {
		d.gaps = append(d.gaps, g.Text)
	}
	return nil
}

func (d *door) Take(ctx context.Context, q relay.Request) (relay.Response, error) {
	r, err := http.NewRequestWithContext(ctx, q.Method, d.address+"?"+q.Query, bytes.NewReader(q.Body))
	if err != nil {
		return relay.Response{}, err
	}
	r.Header = q.Header
	resp, err := d.in.RoundTrip(r)
	if err != nil {
		return relay.Response{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case resp.StatusCode == http.StatusOK:
		d.taken++
	case resp.StatusCode/100 == 4:
		d.refused++
		if !q.Exact {
			d.inexact++
		}
	default:
		return relay.Response{}, fmt.Errorf("status %d", resp.StatusCode)
	}
	select {
	case d.changed <- struct{}{}:
	default:
	}
	return relay.Response{Status: resp.StatusCode, Body: body}, err
}

// travel has a service send all it has by a road, and gives what it sent and how
// much of that was taken and refused.
func (r *road) travel(t *testing.T, s sender, shape string) (w *world, all []sent, d *door) {
	t.Helper()
	d = &door{in: ingresstest.New(), changed: make(chan struct{}, 1)}
	told := make(chan string, 16)
	d.in.On(func(public string) {
		select {
		case told <- public:
		default:
		}
	}, nil)
	w = newWorld(t, func(string, platforms.AccountID) platforms.Ingress { return d.in })
	values, platform := w.account(s)
	w.add(platform, values)
	select {
	case d.address = <-told:
	case <-time.After(patience):
		t.Fatal("the account opens no route")
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.source.Run(ctx, "", d) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the client ended with %v", err)
		}
	})
	if !r.subscribed() {
		t.Fatal("our client does not subscribe")
	}
	all = s.send(t, r.hook, shape)
	limit := soon(t)
	for {
		d.mu.Lock()
		n := d.taken + d.refused
		d.mu.Unlock()
		if n >= len(all) {
			return w, all, d
		}
		select {
		case <-d.changed:
		case <-limit.Done():
			t.Fatalf("of %d requests %d came", len(all), n)
		}
	}
}

// TestSendersByExactRelays has what the services' own libraries signed come by
// relays that pass bodies on as they are: it is all as at our own door.
func TestSendersByExactRelays(t *testing.T) {
	roads := map[string]func(*testing.T) *road{
		"Webhook Relay": func(t *testing.T) *road { r, _ := webhookRelayRoad(t); return r },
		"gosmee":        func(t *testing.T) *road { return sseRoad(t, ssetest.Streams) },
	}
	for name, open := range roads {
		for _, s := range senders {
			t.Run(name+", "+s.name, func(t *testing.T) {
				w, all, d := open(t).travel(t, s, s.shape)
				d.mu.Lock()
				defer d.mu.Unlock()
				if d.taken != len(all) || d.refused != 0 || len(d.gaps) != 0 {
					t.Fatalf("of %d requests %d were taken and %d refused; gaps %q", len(all), d.taken, d.refused, d.gaps)
				}
				once, events := distinct(t, all)
				w.got(s, once, events)
				t.Logf("%d requests, %d bodies, %d names of events", len(all), len(once), len(events))
			})
		}
	}
}

// TestSendersBySmee has the same come by smee, which reads JSON and writes it
// again: what was written as JavaScript writes it verifies, and nothing else
// does. What does not is refused and counted, not lost.
func TestSendersBySmee(t *testing.T) {
	for _, s := range senders {
		for _, shape := range []string{"compact", s.shape} {
			t.Run(s.name+" "+shape, func(t *testing.T) {
				w, all, d := sseRoad(t, ssetest.Smee).travel(t, s, shape)
				var fit []sent
				for _, one := range all {
					if one.Same {
						fit = append(fit, one)
					}
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				if d.taken != len(fit) || d.refused != len(all)-len(fit) || d.inexact != d.refused || len(d.gaps) != 0 {
					t.Fatalf("of %d requests, %d as JavaScript writes them, %d were taken and %d refused, %d of these known to be inexact; gaps %q", len(all), len(fit), d.taken, d.refused, d.inexact, d.gaps)
				}
				if shape == "compact" && len(fit) == 0 || shape != "compact" && len(fit) != 0 {
					t.Errorf("%s: %d of %d are as JavaScript writes them", shape, len(fit), len(all))
				}
				once, events := distinct(t, fit)
				w.got(s, once, events)
				t.Logf("%d requests: %d verify, %d do not", len(all), d.taken, d.refused)
			})
		}
	}
}
