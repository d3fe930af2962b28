package feishutest

import (
	"maps"
	"net"
	"slices"
	"sync/atomic"
	"time"
)

// gate turns new connections away while the server is down.
type gate struct {
	net.Listener
	s *Server
}

func (g gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g.s.mu.Lock()
		down := g.s.down
		own := &conn{Conn: c, s: g.s}
		if !down {
			g.s.conns[own] = struct{}{}
		}
		g.s.mu.Unlock()
		if !down {
			return own, nil
		}
		_ = c.Close()
	}
}

// conn is a connection that can fall silent.
type conn struct {
	net.Conn
	s      *Server
	silent atomic.Bool
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.silent.Load() {
			return n, err
		}
	}
}

func (c *conn) Write(p []byte) (int, error) {
	if c.silent.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *conn) Close() error {
	c.s.mu.Lock()
	delete(c.s.conns, c)
	c.s.mu.Unlock()
	return c.Conn.Close()
}

// Down cuts every connection and accepts no new one, until Up.
func (s *Server) Down() {
	s.do(func() { s.down = true })
	s.Disconnect()
}

// Up undoes Down.
func (s *Server) Up() { s.do(func() { s.down = false }) }

// Disconnect cuts every connection that is open.
func (s *Server) Disconnect() {
	s.mu.Lock()
	open := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	s.forget()
}

// forget drops the sockets, so that nothing is pushed where nobody can read.
func (s *Server) forget() { s.do(func() { clear(s.sockets) }) }

// Silence keeps every connection open and lets nothing more through, in either
// direction. New connections work.
func (s *Server) Silence() {
	s.mu.Lock()
	for c := range s.conns {
		c.silent.Store(true)
	}
	s.mu.Unlock()
	s.forget()
}

// Cut breaks every long connection within a frame, and every other connection.
func (s *Server) Cut() {
	for _, c := range s.open() {
		c.mu.Lock()
		// A binary frame of 1000 bytes, of which 100 come.
		half := make([]byte, 104)
		copy(half, []byte{0x82, 126, 0x03, 0xE8, 0x08, 0x01, 0x10, 0x01})
		_, _ = c.ws.NetConn().Write(half)
		c.mu.Unlock()
	}
	s.Disconnect()
}

// Garbage sends, where an event should be, a frame whose payload is no JSON,
// and one that is no frame at all; or requests like that.
func (s *Server) Garbage() {
	s.mu.Lock()
	hook := s.hook
	var copied hooked
	if hook != nil {
		copied = *hook
	}
	s.mu.Unlock()
	if hook != nil {
		s.garbage(copied)
		return
	}
	for _, c := range s.open() {
		s.mu.Lock()
		id := s.id("")
		s.mu.Unlock()
		c.write(frame{seq: 1, log: 1, service: serviceID, method: data, payload: []byte("{\"schema\":\"2.0\",\x00\xff"),
			headers: [][2]string{{"type", "event"}, {"message_id", id}, {"sum", "1"}, {"seq", "0"}, {"trace_id", id}}})
		c.mu.Lock()
		_ = c.ws.WriteMessage(2, []byte{0x08, 0x01, 0x2a, 0xff, 0xff, 0x01, 'x'})
		c.mu.Unlock()
	}
}

// Revoke makes the app's secret and its tokens invalid, as a reset in the
// developer console does. Connections that are open stay.
func (s *Server) Revoke() { s.do(func() { s.revoked = true; clear(s.tokens) }) }

// Grant undoes Revoke.
func (s *Server) Grant() { s.do(func() { s.revoked = false }) }

// Skew sets the server's clock this far ahead of the real one.
func (s *Server) Skew(d time.Duration) { s.do(func() { s.skew = d }) }

// Advance lets time pass for the server: tokens and uuids expire, and pushes
// that are due are made again.
func (s *Server) Advance(d time.Duration) {
	for _, step := range append([]time.Duration{0}, ladder...) { // each rung on its own
		if step = min(step, d); step > 0 {
			d -= step
			s.do(func() { s.skew += step })
		}
		s.retry()
	}
	s.do(func() { s.skew += d })
	s.retry()
}

// SetPing sets the interval, in seconds, at which clients shall ping.
func (s *Server) SetPing(seconds int) { s.do(func() { s.ping = seconds }) }

// SetSocket makes the server give out this address for long connections; empty
// undoes it.
func (s *Server) SetSocket(address string) { s.do(func() { s.elsewhere = address }) }

// SetParts makes each event come in this many frames.
func (s *Server) SetParts(n int) { s.do(func() { s.parts = n }) }

// SetBotStatus sets activate_status; 2 is in use.
func (s *Server) SetBotStatus(n int) { s.do(func() { s.bot.Status = n }) }

// Deny takes scopes from the app, as if they had not been given.
func (s *Server) Deny(scopes ...string) {
	s.do(func() {
		for _, scope := range scopes {
			s.lacks[scope] = true
		}
	})
}
