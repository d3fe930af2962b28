package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/postern/postern/platforms"
)

const (
	helloTime = 20 * time.Second
	writeTime = 5 * time.Second
	// frameMost bounds one event: a post and what belongs to it are far below it.
	frameMost = 8 << 20
	// waiting is how many events are read before the first of them is stored,
	// and fullMost how long reading pauses when none is.
	waiting  = 512
	fullMost = 45 * time.Second
)

// session is one socket.
type session struct {
	c      *connector
	ws     *websocket.Conn
	seq    int64 // of the next event
	once   sync.Once
	closed chan struct{}
}

// connect opens the socket and waits for hello.
func (c *connector) connect(ctx context.Context) (*session, error) {
	limited, cancel := context.WithTimeout(ctx, helloTime)
	defer cancel()
	address := "ws" + strings.TrimPrefix(c.api.server, "http") + "/api/v4/websocket"
	// The library hears of a cancelled context only while it dials.
	dial, cancelled := c.dial, func() bool { return true }
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	dialer := websocket.Dialer{Proxy: c.proxy, HandshakeTimeout: helloTime, NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			cancelled = context.AfterFunc(limited, func() { _ = conn.Close() })
		}
		return conn, err
	}}
	defer func() { cancelled() }()
	ws, resp, err := dialer.DialContext(limited, address, http.Header{"Authorization": {"Bearer " + c.api.token.Reveal()}})
	if err != nil {
		if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
			return nil, c.handshake(resp)
		}
		return nil, c.api.unreachable(ctx, err)
	}
	s := &session{c: c, ws: ws, closed: make(chan struct{})}
	ws.SetReadLimit(frameMost)
	stop := context.AfterFunc(limited, s.close)
	err = s.greeted()
	if !stop() || err != nil {
		s.close()
		if err == nil {
			err = limited.Err()
		}
		return nil, c.api.unreachable(ctx, err)
	}
	return s, nil
}

func (c *connector) handshake(resp *http.Response) error {
	body := make([]byte, 1024) // as much as the library keeps of it
	n, _ := resp.Body.Read(body)
	err := c.api.refused(resp, body[:n])
	if platforms.KindOf(err) == platforms.Rejected {
		return &platforms.Error{Kind: platforms.Temporary, Text: "The server did not open a connection. The next try follows by itself.", Err: err}
	}
	return err
}

// greeted waits for hello, with which the events' numbers begin.
func (s *session) greeted() error {
	_ = s.ws.SetReadDeadline(time.Now().Add(helloTime))
	for range 8 {
		_, b, err := s.ws.ReadMessage()
		if err != nil {
			return err
		}
		var f frame
		if json.Unmarshal(b, &f) == nil && f.Event == "hello" {
			s.seq = f.Seq + 1
			return nil
		}
	}
	return misunderstood(http.StatusOK)
}

func (s *session) close() {
	s.once.Do(func() {
		close(s.closed)
		_ = s.ws.Close()
	})
}

// read hands out events until the socket ends or one is missing.
func (s *session) read(frames chan<- frame, alive func()) error {
	heard := func() error {
		alive()
		return s.ws.SetReadDeadline(time.Now().Add(s.c.silence))
	}
	s.ws.SetPingHandler(func(data string) error {
		err := s.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTime))
		var timeout net.Error
		if err != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
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
		var f frame
		if json.Unmarshal(b, &f) != nil || f.Event == "" {
			continue // an answer, or what the next number shows to be missing
		}
		if f.Seq != s.seq {
			return &platforms.Error{Kind: platforms.Temporary, Text: "An event did not arrive. The next try follows by itself, and reads what was missed.",
				Err: fmt.Errorf("event %d instead of %d", f.Seq, s.seq)}
		}
		s.seq++
		select {
		case frames <- f:
			continue
		default:
		}
		// A flood: what is not read yet waits in the network, for a while.
		full := time.NewTimer(fullMost)
		select {
		case frames <- f:
			full.Stop()
		case <-full.C:
			return &platforms.Error{Kind: platforms.Temporary, Text: "More events came than could be stored. The next try follows by itself, and catches up."}
		case <-s.closed:
			full.Stop()
			return net.ErrClosed
		}
	}
}
