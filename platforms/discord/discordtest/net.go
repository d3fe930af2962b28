package discordtest

import (
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
		own := &conn{Conn: c, s: g.s}
		g.s.mu.Lock()
		down := g.s.down
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
	var open []*conn
	for c := range s.conns {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
	s.forget()
}

// forget takes the sessions from their sockets, so that nothing is pushed where
// nobody can read.
func (s *Server) forget() {
	s.do(func() {
		for c := range s.sockets {
			s.leave(c)
		}
	})
}

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

// Cut breaks every connection to the gateway within a frame, and every other
// connection.
func (s *Server) Cut() {
	for _, c := range s.open() {
		c.mu.Lock()
		// A text frame of 1000 bytes, of which a few come.
		_, _ = c.ws.NetConn().Write(append([]byte{0x81, 126, 0x03, 0xE8}, `{"op":0,"s":9,"t":"MESSAGE_CREATE","d":{"con`...))
		c.mu.Unlock()
	}
	s.Disconnect()
}

// Garbage sends, where an event should be, a frame that is no JSON.
func (s *Server) Garbage() {
	for _, c := range s.open() {
		c.mu.Lock()
		_ = c.ws.WriteMessage(1, []byte("{\"op\":0,\"d\":{\"id\":\x00"))
		c.mu.Unlock()
	}
}

// Revoke makes the token invalid, as a reset in the developer portal does.
// Connections that are open stay.
func (s *Server) Revoke() { s.do(func() { s.revoked = true }) }

// Grant undoes Revoke.
func (s *Server) Grant() { s.do(func() { s.revoked = false }) }

// Skew sets the server's clock this far ahead of the real one.
func (s *Server) Skew(d time.Duration) { s.do(func() { s.skew = d }) }

// Advance lets time pass for the server: sessions without a connection, nonces
// and interactions expire.
func (s *Server) Advance(d time.Duration) {
	s.do(func() {
		s.skew += d
		for id, v := range s.sessions {
			if v.socket == nil {
				if v.left += d; v.left > s.window {
					delete(s.sessions, id)
				}
			}
		}
	})
}

// SetHeartbeat sets the interval of heartbeats, in milliseconds.
func (s *Server) SetHeartbeat(ms int) { s.do(func() { s.interval = ms }) }

// SetClose makes the next Identify or Resume be answered by closing with this
// code.
func (s *Server) SetClose(code int) { s.do(func() { s.refuse = code }) }

// SetStarts sets how many sessions may still be begun today.
func (s *Server) SetStarts(n int) { s.do(func() { s.starts = n }) }

// SetContent switches the Message Content intent.
func (s *Server) SetContent(on bool) {
	s.do(func() {
		if s.flags &^= contentFlags; on {
			s.flags |= 1 << 19
		}
	})
}

// SetEndpoint sets the application's interactions_endpoint_url.
func (s *Server) SetEndpoint(u string) { s.do(func() { s.endpoint = u }) }

// SetOutage takes all guilds out of order, or brings them back.
func (s *Server) SetOutage(on bool) {
	s.do(func() {
		s.outage = on
		for _, g := range s.guilds {
			if on {
				s.dispatch(0, "GUILD_DELETE", func(*session) any { return map[string]any{"id": g.ID, "unavailable": true} })
			} else {
				s.dispatch(0, "GUILD_CREATE", func(*session) any { return s.guild(g) })
			}
		}
	})
}

// EndSessions makes Discord forget all sessions.
func (s *Server) EndSessions() { s.do(func() { clear(s.sessions) }) }

// Flags is the application's flags.
func (s *Server) Flags() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flags
}

// Commands is the names of the commands that are registered.
func (s *Server) Commands() (names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commands {
		name, _ := c["name"].(string)
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
