package ingress

import (
	"container/list"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
)

// crowd is a listener that lets in so many at once, and so many from one source.
type crowd struct {
	net.Listener
	most, each int
	proxy      func(netip.Addr) bool

	mu      sync.Mutex
	all     int
	from    map[netip.Prefix]int
	unknown *list.List // of *visit: who brought nothing genuine yet, the oldest first
}

func newCrowd(l net.Listener, lim Limits, proxy func(netip.Addr) bool) *crowd {
	return &crowd{Listener: l, most: lim.Conns, each: lim.ConnsPerSource, proxy: proxy, from: map[netip.Prefix]int{}, unknown: list.New()}
}

// Accept is net.Listener's. Whoever is too many is closed without a word.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if own := c.enter(conn); own != nil {
			return own, nil
		}
		_ = conn.Close()
	}
}

// enter lets conn in, or gives nil. When all places are taken, who has been here
// longest without bringing anything genuine makes room: silent connections that
// come through a tunnel must not keep the platform's out.
func (c *crowd) enter(conn net.Conn) net.Conn {
	peer := addressOf(conn.RemoteAddr().String())
	n, each := network(peer), c.each
	if peer.IsLoopback() || c.proxy(peer) {
		each = c.most
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from[n] >= each && each < c.most {
		return nil
	}
	if c.all >= c.most {
		oldest := c.unknown.Front()
		if oldest == nil {
			return nil
		}
		v := oldest.Value.(*visit)
		c.leaveLocked(v)
		v.cut()
	}
	v := &visit{Conn: conn, c: c, net: n}
	v.place = c.unknown.PushBack(v)
	c.all++
	c.from[n]++
	return v
}

// leaveLocked gives v's place back, once; c.mu is held.
func (c *crowd) leaveLocked(v *visit) {
	if v.left {
		return
	}
	v.left = true
	if v.place != nil {
		c.unknown.Remove(v.place)
	}
	c.all--
	if c.from[v.net]--; c.from[v.net] == 0 {
		delete(c.from, v.net)
	}
}

func (d *door) proxy(a netip.Addr) bool {
	for _, r := range d.routes.Load().rules {
		if within(r.Proxies, a) {
			return true
		}
	}
	return false
}

// visit is a connection that was let in.
type visit struct {
	net.Conn
	c   *crowd
	net netip.Prefix

	place *list.Element // in c.unknown, or nil; under c.mu
	left  bool          // under c.mu
}

// cut ends the connection without a word: TLS's own Close would wait for who is
// slow. net/http sees it and closes the rest.
func (v *visit) cut() {
	under := v.Conn
	if t, ok := under.(*tls.Conn); ok {
		under = t.NetConn()
	}
	_ = under.Close()
}

// proved keeps the connection's place: something genuine came by it.
func (v *visit) proved() {
	v.c.mu.Lock()
	defer v.c.mu.Unlock()
	if v.place != nil && !v.left {
		v.c.unknown.Remove(v.place)
		v.place = nil
	}
}

// Close is net.Conn's.
func (v *visit) Close() error {
	v.c.mu.Lock()
	v.c.leaveLocked(v)
	v.c.mu.Unlock()
	return v.Conn.Close()
}

// CloseWrite lets net/http end an answer before the connection.
func (v *visit) CloseWrite() error {
	if half, ok := v.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
