package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// The times of a change stream: a server gives a sign of life every 30 seconds.
const (
	silence   = 75 * time.Second
	firstWait = 200 * time.Millisecond
	lastWait  = 5 * time.Second
)

// Watch is the change stream: the state, then whatever changes. It ends after
// an event with Quit, with ctx, or with an error, which comes as the last pair.
// Reconnecting is the caller's; Follow does it.
func (c *Client) Watch(ctx context.Context) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		// A stream whose other end is stuck must not look alive for ever.
		var silent atomic.Bool
		alarm := time.AfterFunc(silence, func() { silent.Store(true); cancel() })
		defer alarm.Stop()

		q := url.Values{}
		if c.window {
			q.Set("window", "1")
		}
		resp, err := c.do(ctx, http.MethodGet, "watch", q, nil, "")
		if err == nil {
			defer resp.Body.Close()
			for dec := json.NewDecoder(resp.Body); ; {
				var ev api.Event
				if err = dec.Decode(&ev); err != nil {
					if errors.Is(err, io.EOF) {
						err = io.ErrUnexpectedEOF // it said no Quit
					}
					err = c.broken(ctx, err)
					break
				}
				alarm.Stop() // the caller's time is not silence
				if ev != (api.Event{}) && (!yield(ev, nil) || ev.Quit) {
					return
				}
				alarm.Reset(silence)
			}
		}
		if silent.Load() {
			err = &api.Error{Kind: platforms.Temporary, Text: "Postern has stopped answering. Quit it and start it again."}
		}
		yield(api.Event{}, err)
	}
}

// Follow calls event for whatever the change stream brings, and connected when
// the stream comes up or ends; it reconnects by itself, after 0.2 seconds at
// first and 5 at most. It calls both from this goroutine and returns when ctx
// ends. connected may be nil.
func (c *Client) Follow(ctx context.Context, event func(api.Event), connected func(bool)) {
	if connected == nil {
		connected = func(bool) {}
	}
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		up := false
		for ev, err := range c.Watch(ctx) {
			if err != nil {
				break
			}
			if !up {
				up, wait = true, firstWait
				connected(true)
			}
			event(ev)
		}
		if up {
			connected(false)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
