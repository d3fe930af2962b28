package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack/socketmode"

	"github.com/postern/postern/platforms"
)

const (
	methodOpen = "apps.connections.open"
	helloTime  = 20 * time.Second
	writeTime  = 5 * time.Second

	// frameMost bounds one event. Slack's own are far below it.
	frameMost = 8 << 20
	// waiting is how many events are taken from the sockets before the first of
	// them is stored.
	waiting = 1024
	// fullMost is how long reading pauses while none of them is stored.
	fullMost = 15 * time.Second
)

// session is one socket.
type session struct {
	c      *connector
	ws     *websocket.Conn
	app    string // whose it is
	others int    // sockets of the app, this one included
	once   sync.Once
	closed chan struct{}
}

// packet is one message of a socket.
type packet struct {
	s   *session
	req socketmode.Request
}

// connect opens a socket and waits until Slack greets.
func (c *connector) connect(ctx context.Context) (*session, error) {
	var got struct {
		URL string `json:"url"`
	}
	if _, err := c.api.call(ctx, callTime, c.api.app, methodOpen, nil, &got); err != nil {
		return nil, err
	}
	u, err := url.Parse(got.URL)
	if err != nil || u.Host == "" || u.Scheme != "wss" && (u.Scheme != "ws" || !strings.HasPrefix(c.api.server, "http://")) {
		return nil, misunderstood(http.StatusOK)
	}
	ctx, cancel := limited(ctx, helloTime)
	defer cancel()
	dialer := websocket.Dialer{
		Proxy: c.proxy, NetDialContext: c.dial, HandshakeTimeout: helloTime,
		WriteBufferSize: 32 << 10, // an acknowledgement must fit one frame
	}
	ws, resp, err := dialer.DialContext(ctx, u.String(), nil)
	if err != nil {
		// The ticket in the address is not repeated.
		if resp != nil {
			return nil, c.handshake(resp)
		}
		return nil, c.api.unreachable(ctx, platforms.RedactError(err, platforms.NewSecret(u.Query().Get("ticket")), platforms.NewSecret(u.RawQuery)))
	}
	s := &session{c: c, ws: ws, closed: make(chan struct{})}
	ws.SetReadLimit(frameMost)
	stop := context.AfterFunc(ctx, s.close)
	err = s.greeted()
	if !stop() || err != nil {
		s.close()
		if err == nil {
			err = ctx.Err()
		}
		return nil, c.api.unreachable(ctx, err)
	}
	return s, nil
}

func (c *connector) handshake(resp *http.Response) error {
	cause := fmt.Errorf("the socket's handshake: status %d", resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: after(resp.Header), Text: slower, Err: cause}
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return platforms.Network(errors.New(http.StatusText(resp.StatusCode)), title)
	case resp.StatusCode >= 500:
		return &platforms.Error{Kind: platforms.Temporary, Text: faulty, Err: cause}
	}
	// A used ticket, or something in between; a refused token shows elsewhere.
	return &platforms.Error{Kind: platforms.Temporary, Text: "Slack did not open a connection. The next try follows by itself.", Err: cause}
}

// greeted waits for hello.
func (s *session) greeted() error {
	_ = s.ws.SetReadDeadline(time.Now().Add(helloTime))
	for range 8 {
		_, b, err := s.ws.ReadMessage()
		if err != nil {
			return err
		}
		var req socketmode.Request
		if json.Unmarshal(b, &req) != nil {
			continue
		}
		switch req.Type {
		case socketmode.RequestTypeHello:
			s.app, s.others = req.ConnectionInfo.AppID, req.NumConnections
			return nil
		case socketmode.RequestTypeDisconnect:
			return disconnected(req.Reason)
		}
	}
	return misunderstood(http.StatusOK)
}

// disconnected explains why Slack ends a socket.
func disconnected(reason string) error {
	if reason == "link_disabled" {
		return &platforms.Error{Kind: platforms.Unauthorized, Text: "Socket Mode was switched off for this app. Switch it on under “Socket Mode” in the app's settings."}
	}
	return platforms.Network(io.ErrUnexpectedEOF, title)
}

// close ends the socket. Nothing is said to Slack, which needs no farewell.
func (s *session) close() {
	s.once.Do(func() {
		close(s.closed)
		_ = s.ws.Close()
	})
}

// read hands out what comes until the socket ends. Pings are answered by the
// way, so that a slow sink stops no heart.
func (s *session) read(packets chan<- packet, alive func()) error {
	heard := func() error {
		alive()
		return s.ws.SetReadDeadline(time.Now().Add(s.c.wait.silent))
	}
	s.ws.SetPongHandler(func(string) error { return heard() })
	s.ws.SetPingHandler(func(data string) error {
		err := s.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTime))
		var timeout net.Error
		if err != nil && !errors.Is(err, websocket.ErrCloseSent) && !(errors.As(err, &timeout) && timeout.Timeout()) {
			return err
		}
		return heard()
	})
	for {
		if err := heard(); err != nil {
			return err
		}
		_, b, err := s.ws.ReadMessage()
		if err != nil {
			return err
		}
		var req socketmode.Request
		if json.Unmarshal(b, &req) != nil {
			continue // history has what it may have been
		}
		select {
		case packets <- packet{s, req}:
			continue
		default:
		}
		// A flood: what is not read yet waits in the network. Not for long, or
		// Slack's pings wait too.
		full := time.NewTimer(fullMost)
		select {
		case packets <- packet{s, req}:
			full.Stop()
		case <-full.C:
			return &platforms.Error{Kind: platforms.Temporary, Text: "More events came than could be stored. The next try follows by itself, and catches up."}
		case <-s.closed:
			full.Stop()
			return net.ErrClosed
		}
	}
}

// keep pings until the socket or ctx ends, so that a network that went away
// without a word is noticed.
func (s *session) keep(ctx context.Context) {
	t := time.NewTicker(s.c.wait.ping)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTime)) != nil {
				return
			}
		}
	}
}

// acknowledge tells Slack not to send an envelope again.
func (s *session) acknowledge(id string) error {
	if id == "" {
		return nil
	}
	_ = s.ws.SetWriteDeadline(time.Now().Add(writeTime))
	return s.ws.WriteJSON(socketmode.Response{EnvelopeID: id})
}
