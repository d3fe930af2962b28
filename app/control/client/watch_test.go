package client

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app/control/api"
)

// stuck is a client of a server that answers one stream with lines and then
// neither speaks nor hangs up.
func stuck(t *testing.T, gap time.Duration, lines ...string) *Client {
	c := New(t.TempDir())
	ours, theirs := net.Pipe()
	c.http.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}
	go func() {
		_, _ = http.ReadRequest(bufio.NewReader(theirs))
		fmt.Fprint(theirs, "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n")
		for _, line := range lines {
			fmt.Fprintln(theirs, line)
			time.Sleep(gap)
		}
		_, _ = theirs.Read(make([]byte, 1)) // until the client hangs up
		theirs.Close()
	}()
	return c
}

func TestWatchNoticesSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := stuck(t, time.Minute, `{"snapshot":{}}`, `{}`, `{}`)
		var events int
		for ev, err := range c.Watch(t.Context()) {
			if err != nil {
				if !strings.Contains(err.Error(), "stopped answering") {
					t.Error(err)
				}
				continue
			}
			if events++; ev.Snapshot == nil {
				t.Errorf("%+v", ev)
			}
		}
		if events != 1 || time.Since(began) != 2*time.Minute+silence {
			t.Errorf("%d events in %v", events, time.Since(began))
		}
	})
}

func TestWatchLeavesTheCallerTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := stuck(t, 0, `{"snapshot":{}}`, `{"snapshot":{}}`, `{"quit":true}`)
		var events []api.Event
		for ev, err := range c.Watch(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			events = append(events, ev)
			time.Sleep(2 * silence)
		}
		if len(events) != 3 || !events[2].Quit {
			t.Errorf("%+v", events)
		}
	})
}

func TestFollowWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(t.TempDir()) // nothing there
		var tries []time.Duration
		began := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		c.http.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			if tries = append(tries, time.Since(began)); len(tries) == 8 {
				cancel()
			}
			return nil, net.ErrClosed
		}}
		c.Follow(ctx, func(api.Event) {}, nil)
		if got := fmt.Sprint(tries); got != "[0s 200ms 600ms 1.4s 3s 6.2s 11.2s 16.2s]" {
			t.Error(got)
		}
	})
}
