//go:build interop

package interop

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
)

const patience = 30 * time.Second

func client(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// road is a relay that a service sends to, and what a person sets up for it.
type road struct {
	hook  string // what the service is told
	draft api.RelayDraft
}

func webhookRelayRoad(t *testing.T) road {
	t.Helper()
	s := webhookrelaytest.New()
	t.Cleanup(s.Close)
	return road{s.Input("orders"), api.RelayDraft{Kind: "webhookrelay", Name: "Mine", Values: map[string]string{"server": s.URL(), "secret": webhookrelaytest.APIKey, "report": "on"},
		Channels: []api.RelayChannel{{Channel: "orders", Public: "https://orders.hooks.example"}}}}
}

func sseRoad(t *testing.T, kind ssetest.Kind) road {
	t.Helper()
	s := ssetest.New(kind)
	t.Cleanup(s.Close)
	name := "gosmee"
	if kind == ssetest.Smee {
		name = "smee"
	}
	return road{s.Hook(), api.RelayDraft{Kind: name, Name: "Mine", Values: map[string]string{"server": s.URL(), "channel": ssetest.Channel}, Channels: []api.RelayChannel{{}}}}
}

// travel has a service send all it has by a road, and gives the App where that
// came, and what was sent. Nothing listens there.
func (r road) travel(t *testing.T, s sender, shape string) (w *world, id platforms.AccountID, all []sent) {
	t.Helper()
	w = newWorld(t)
	values, platform := w.account(s)
	id = w.add(platform, values)
	r.draft.Channels[0].Account = id
	_, err := w.app.AddRelay(t.Context(), r.draft)
	must(t, err)
	w.until("the relay is dialled", func() bool { return w.relay().Status == api.Connected })
	all = s.send(t, r.hook, shape)
	w.until("all has come", func() bool { v := w.relay(); return v.Taken+v.Refused >= uint64(len(all)) })
	if d := w.app.Exposure().Doors; len(d) != 1 || d[0].Open {
		t.Errorf("a door is open: %+v", d)
	}
	return w, id, all
}

func (w *world) relay() api.Relay {
	list := w.app.Relays()
	if len(list) != 1 {
		w.t.Fatalf("%d relays", len(list))
	}
	return list[0]
}

// TestSendersByExactRelays has what the services' own libraries signed come by
// relays that pass bodies on as they are: it is all as at our own door, with
// nothing open.
func TestSendersByExactRelays(t *testing.T) {
	for name, open := range map[string]func(*testing.T) road{
		"Webhook Relay": webhookRelayRoad,
		"gosmee":        func(t *testing.T) road { return sseRoad(t, ssetest.Streams) },
	} {
		for _, s := range senders {
			t.Run(name+", "+s.name, func(t *testing.T) {
				w, _, all := open(t).travel(t, s, s.shape)
				if v := w.relay(); v.Taken != uint64(len(all)) || v.Refused != 0 || len(v.Gaps) != 0 || v.Warning != "" || v.Channels[0].Problem != "" {
					t.Fatalf("of %d requests: %+v", len(all), v)
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
// does. What does not is counted, shown and warned of, not lost in silence.
func TestSendersBySmee(t *testing.T) {
	for _, s := range senders {
		for _, shape := range []string{"compact", s.shape} {
			t.Run(s.name+" "+shape, func(t *testing.T) {
				w, id, all := sseRoad(t, ssetest.Smee).travel(t, s, shape)
				var fit []sent
				for _, one := range all {
					if one.Same {
						fit = append(fit, one)
					}
				}
				if shape == "compact" && len(fit) == 0 || shape != "compact" && len(fit) != 0 {
					t.Errorf("%s: %d of %d are as JavaScript writes them", shape, len(fit), len(all))
				}
				refused := len(all) - len(fit)
				v := w.relay()
				if v.Taken != uint64(len(fit)) || v.Refused != uint64(refused) || len(v.Gaps) != 0 {
					t.Fatalf("of %d requests, %d as JavaScript writes them: %+v", len(all), len(fit), v)
				}
				if !strings.Contains(v.Warning, "bytes the relay had changed") {
					t.Errorf("it warns %q", v.Warning)
				}
				once, events := distinct(t, fit)
				w.got(s, once, events)
				w.showsRefused(id, all, refused)
				t.Logf("%d requests: %d verify, %d do not", len(all), v.Taken, v.Refused)
			})
		}
	}
}

// showsRefused checks that what was refused is among the requests of the input,
// with the reason and with what it was, and that all of it is counted.
func (w *world) showsRefused(id platforms.AccountID, all []sent, refused int) {
	w.t.Helper()
	for _, in := range w.app.Inputs() {
		if in.Account == id && (in.Rejected != uint64(refused) || in.Accepted != uint64(len(all)-refused)) {
			w.t.Errorf("the input counts %d and %d refused", in.Accepted, in.Rejected)
		}
	}
	list, err := w.app.Requests(w.t.Context(), api.InputQuery{Account: id, Only: "refused", Limit: 1000})
	must(w.t, err)
	if (len(list) == 0) != (refused == 0) {
		w.t.Errorf("of %d refused %d are shown", refused, len(list))
	}
	for _, q := range list {
		if q.Exact || q.Verified || q.Via != "Mine" || q.Status != http.StatusNotFound || q.Why != "bad signature, and the relay had changed the body" {
			w.t.Fatalf("%+v", q)
		}
	}
	if len(list) == 0 {
		return
	}
	one, err := w.app.Request(w.t.Context(), list[0].ID)
	must(w.t, err)
	if !bytes.HasPrefix(one.Body, []byte("{")) || int64(len(one.Body)) != one.Size && !one.Cut && one.Masked == 0 {
		w.t.Errorf("%+v", one)
	}
}
