package guard

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"sync"
)

// socket is one listening socket and the passes that it is open for.
type socket struct {
	bind   netip.AddrPort
	tls    *tls.Config
	ln     net.Listener
	passes []*Pass

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
}

// listen is the one place of Postern that lets others reach it over a network.
// The address is exact: no name is looked up, and tcp4 and tcp6 are kept apart,
// so that nothing is bound beside what was asked for.
func listen(bind netip.AddrPort, c *tls.Config) (*socket, error) {
	network := "tcp6"
	if bind.Addr().Is4() {
		network = "tcp4"
	}
	ln, err := net.Listen(network, bind.String())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", bind, err)
	}
	return &socket{bind: bind, tls: c, ln: ln, conns: map[*conn]struct{}{}}, nil
}

// Free reports whether an address could be listened on: nothing else has it. It
// opens nothing beyond loopback.
func (g *Guard) Free(bind netip.AddrPort) bool {
	if !bind.Addr().IsLoopback() {
		return true
	}
	g.mu.Lock()
	_, ours := g.sockets[bind]
	g.mu.Unlock()
	if ours {
		return false
	}
	s, err := listen(bind, nil)
	if err == nil {
		_ = s.Close()
	}
	return err == nil
}

// Accept is net.Listener's.
func (s *socket) Accept() (net.Conn, error) {
	for {
		c, err := s.ln.Accept()
		if err != nil {
			return nil, err
		}
		own := &conn{Conn: c, s: s}
		s.mu.Lock()
		closed := s.closed
		if !closed {
			s.conns[own] = struct{}{}
		}
		s.mu.Unlock()
		if !closed {
			return own, nil
		}
		_ = c.Close()
	}
}

// Addr is net.Listener's.
func (s *socket) Addr() net.Addr { return s.ln.Addr() }

// Close closes the socket and everything that was accepted from it. Connections
// are reset: a peer that does not take its data must not keep them.
func (s *socket) Close() error {
	s.mu.Lock()
	s.closed = true
	open := s.conns
	s.conns = nil
	s.mu.Unlock()
	err := s.ln.Close()
	for c := range open {
		if t, ok := c.Conn.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = c.Conn.Close()
	}
	return err
}

// conn is an accepted connection.
type conn struct {
	net.Conn
	s *socket
}

// Close is net.Conn's.
func (c *conn) Close() error {
	c.s.mu.Lock()
	delete(c.s.conns, c)
	c.s.mu.Unlock()
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer before the connection.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
