package webhookrelay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/postern/postern/platforms"
)

const writeTime = 10 * time.Second

// conn is one WebSocket. After connect only the goroutine that reads writes.
type conn struct {
	ws    *websocket.Conn
	close func()
}

// action is what we say.
type action struct {
	Action  string   `json:"action"`
	Key     string   `json:"key,omitempty"`
	Secret  string   `json:"secret,omitempty"`
	Buckets []string `json:"buckets,omitempty"`
}

func (c *conn) say(a action) error {
	_ = c.ws.SetWriteDeadline(time.Now().Add(writeTime))
	return c.ws.WriteJSON(a)
}

// connect dials, signs in and subscribes.
func (s *Source) connect(ctx context.Context) (*conn, error) {
	limited, cancel := context.WithTimeout(ctx, s.o.Limits.Greet)
	defer cancel()
	// The library hears of a cancelled context only while it dials.
	cancelled := func() bool { return true }
	dialer := websocket.Dialer{Proxy: s.o.Proxy, HandshakeTimeout: s.o.Limits.Greet, NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := s.o.Dial(ctx, network, address)
		if err == nil {
			cancelled = context.AfterFunc(limited, func() { _ = nc.Close() })
		}
		return nc, err
	}}
	defer func() { cancelled() }()
	ws, resp, err := dialer.DialContext(limited, s.socket, nil)
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, refused(resp, s.o.Now())
		}
		return nil, err
	}
	c := &conn{ws: ws, close: sync.OnceFunc(func() { _ = ws.Close() })}
	if err := s.greet(c); err != nil {
		c.close()
		if limited.Err() != nil && platforms.KindOf(err) != platforms.Unauthorized {
			err = limited.Err()
		}
		return nil, err
	}
	if !cancelled() {
		c.close()
		return nil, limited.Err()
	}
	return c, nil
}

// refused is why the server did not switch protocols. No credential was sent
// yet, so that no status here is about it.
func refused(resp *http.Response, now time.Time) error {
	e := &platforms.Error{Kind: platforms.Temporary, Text: "Webhook Relay did not open a connection. Check the server's address. The next try follows by itself.",
		Err: fmt.Errorf("status %d", resp.StatusCode)}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		e.Kind, e.Text = platforms.RateLimited, "Webhook Relay asks for a pause. The next try follows by itself."
		e.RetryAfter = platforms.RetryAfter(resp.Header.Get("Retry-After"), now, time.Hour)
	}
	return e
}

// greet signs in and subscribes.
func (s *Source) greet(c *conn) error {
	if err := c.say(action{Action: "auth", Key: s.o.Key, Secret: s.o.Secret.Reveal()}); err != nil {
		return err
	}
	if err := s.await(c, "authenticated"); err != nil {
		return err
	}
	if err := c.say(action{Action: "subscribe", Buckets: s.o.Buckets}); err != nil {
		return err
	}
	return s.await(c, "subscribed")
}

// await reads until the relay says status. Requests come after that only.
func (s *Source) await(c *conn, status string) error {
	for range 16 {
		b, _, err := c.frame(s.o.Limits)
		if err != nil {
			return err
		}
		f, err := parse(b)
		if err != nil || f.Type != "status" {
			continue
		}
		if f.Status == status {
			return nil
		}
		if err := s.status(c, f); err != nil {
			return err
		}
	}
	return misunderstood("no " + status)
}

// status acts on a status.
func (s *Source) status(c *conn, f frame) error {
	switch f.Status {
	case "ping":
		return c.say(action{Action: "pong"})
	case "unauthorized", "forbidden":
		return &platforms.Error{Kind: platforms.Unauthorized, Text: "Webhook Relay refused the key and secret. Make new ones in its settings and enter them here.",
			Err: errors.New(f.Status)}
	}
	s.o.Log.Debug("webhook relay says", "status", platforms.Redact(clip(f.Status), s.o.Secret))
	return nil
}

func clip(s string) string { return strconv.QuoteToASCII(s[:min(len(s), 64)]) }

func misunderstood(what string) error {
	return &platforms.Error{Kind: platforms.Temporary, Text: "Webhook Relay said what makes no sense. Check that the address is that of such a server. The next try follows by itself.",
		Err: errors.New(what)}
}

// frame is the next text frame. Of one that is too large nothing is kept.
func (c *conn) frame(l Limits) (b []byte, large bool, err error) {
	_ = c.ws.SetReadDeadline(time.Now().Add(l.Silence))
	_, r, err := c.ws.NextReader()
	if err != nil {
		return nil, false, err
	}
	var buf bytes.Buffer
	for total := int64(0); ; {
		n, err := io.CopyN(&buf, r, 64<<10)
		total += n
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false, err
		}
		if total > l.Frame {
			large = true
			buf.Reset()
		}
		if total > l.Skip {
			return nil, false, misunderstood("a frame without end")
		}
		_ = c.ws.SetReadDeadline(time.Now().Add(l.Silence)) // it is large, but comes
	}
	if large || int64(buf.Len()) > l.Frame {
		return nil, true, nil
	}
	return buf.Bytes(), false, nil
}

// read hands out what comes until the connection ends.
func (s *Source) read(ctx context.Context, c *conn, give func(arrival, int) error) error {
	c.ws.SetPingHandler(func(data string) error { // of the protocol below; the relay has its own, too
		_ = c.ws.SetReadDeadline(time.Now().Add(s.o.Limits.Silence))
		err := c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTime))
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil
		}
		return err
	})
	garbage := 0
	for ctx.Err() == nil {
		b, large, err := c.frame(s.o.Limits)
		if err != nil {
			return err
		}
		now := s.o.Now()
		if large {
			if err := give(arrival{received: now, gap: "A request was too large and was left out. It stays in the log of Webhook Relay."}, 0); err != nil {
				return err
			}
			continue
		}
		f, err := parse(b)
		var a arrival
		if err == nil {
			switch f.Type {
			case "status":
				if err := s.status(c, f); err != nil {
					return err
				}
				garbage = 0
				continue
			case "webhook":
				a, err = f.arrival(s.o.Buckets, now)
			default:
				continue // of a later version of the protocol
			}
		}
		if err != nil {
			if garbage++; garbage > s.o.Limits.Garbage {
				return misunderstood(err.Error())
			}
			s.o.Log.Warn("webhook relay sent what makes no sense", "why", err.Error())
			if f.Type != "webhook" || errors.Is(err, errForeign) {
				continue
			}
			a = arrival{received: now, gap: "A request that makes no sense came through Webhook Relay and was left out. It stays in the relay's log."}
		} else {
			garbage = 0
		}
		if err := give(a, len(b)); err != nil {
			return err
		}
	}
	return ctx.Err()
}
