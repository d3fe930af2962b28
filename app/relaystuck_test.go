package app

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

// TestOneRequestDoesNotHoldUpAllForEver: one that its account refuses for now
// each time stays with the relay for some minutes, and is given up then.
func TestOneRequestDoesNotHoldUpAllForEver(t *testing.T) {
	w, _ := relayWorld(t)
	var passed atomic.Int64
	w.now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	w.start()
	defer w.app.doors.server.HandleRelayed(t.Context(), ingress.Rule{Account: "x", Route: platforms.Route{Path: "/in",
		Verify: func(*http.Request, []byte, time.Time) error { return nil },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Bad") != "" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})}})()
	r := newRelayed(w.app, relaySetup{ID: "r", Kind: "gosmee", Name: "R", Channels: []relayLead{{Account: "x"}}})
	take := func(q relay.Request) (relay.Response, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		return (&relaySink{r}).Take(ctx, q)
	}
	bad := relay.Request{ID: "1", Method: "POST", Header: http.Header{"X-Bad": {"1"}}, Cursor: "1-1", Channel: onlyChannel}
	for range 10 { // many tries within no time are no reason
		if _, err := take(bad); !errors.Is(err, errNotNow) {
			t.Fatalf("%v", err)
		}
	}
	if r.kept.Cursor != "" {
		t.Error("it goes on behind what was not taken")
	}
	passed.Store(int64(stuckFor))
	if resp, err := take(bad); err != nil || resp.Status != http.StatusServiceUnavailable || r.kept.Cursor != "1-1" {
		t.Fatalf("%v %d, cursor %q", err, resp.Status, r.kept.Cursor)
	}
	if v := r.view(); len(v.Gaps) != 1 || !v.Gaps[0].Certain || v.Refused != 1 {
		t.Errorf("%+v", v)
	}
}

// TestTheFirstPlaceIsKeptAtOnce: whoever is killed a moment after the first
// request asks for what came since, and doesn't begin at what comes next.
func TestTheFirstPlaceIsKeptAtOnce(t *testing.T) {
	w := newWorld(t)
	w.start()
	defer w.app.doors.server.HandleRelayed(t.Context(), ingress.Rule{Account: "x", Route: platforms.Route{Path: "/in",
		Verify:  func(*http.Request, []byte, time.Time) error { return nil },
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}})()
	r := newRelayed(w.app, relaySetup{ID: "r", Kind: "gosmee", Name: "R", Channels: []relayLead{{Account: "x"}}})
	sink := &relaySink{r}
	if err := sink.Ready(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Take(t.Context(), relay.Request{ID: "1", Method: "POST", Cursor: "1-1", Channel: onlyChannel}); err != nil {
		t.Fatal(err)
	}
	var kept relayMemory
	if found, err := w.app.store.Setting(r.set.memoryName(), &kept); err != nil || !found || kept.Cursor != "1-1" {
		t.Errorf("kept: %v %+v %v", found, kept, err)
	}
}
