package ingress

import (
	"container/list"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// source is who sent a request: the peer, or, where that is a proxy the person
// named, the rightmost address of X-Forwarded-For that is none. A header that a
// stranger sent is to the left of what the proxy added.
func source(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer := addressOf(r.RemoteAddr)
	if !within(proxies, peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0 && i >= len(hops)-16; i-- {
		hop := addressOf(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			return peer // the proxy does not do what it is trusted to do
		}
		if !within(proxies, hop) {
			return hop
		}
	}
	return peer
}

func within(list []netip.Prefix, a netip.Addr) (ok bool) {
	for _, p := range list {
		ok = ok || p.Contains(a)
	}
	return ok
}

// addressOf reads an address, with or without a port.
func addressOf(s string) netip.Addr {
	if len(s) > 64 {
		return netip.Addr{}
	}
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// sources remembers who was turned away how often, and who proved themselves.
// At most as many are remembered as Limits says; the one that was quiet longest
// makes room.
type sources struct {
	burst float64
	every time.Duration
	most  int

	mu    sync.Mutex
	known map[netip.Prefix]*list.Element
	order *list.List // of *visitor, the latest first
}

type visitor struct {
	net    netip.Prefix
	spent  float64 // of the burst
	at     time.Time
	proved time.Time
}

// goodName is how long a source that proved itself is listened to, whatever
// else comes from there: several may share an address.
const goodName = 10 * time.Minute

func newSources(l Limits) *sources {
	return &sources{burst: float64(l.Burst), every: l.Every, most: l.Sources, known: map[netip.Prefix]*list.Element{}, order: list.New()}
}

// network is what is counted as one source: an IPv4 address, or the /64 that one
// IPv6 subscriber has.
func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// visit finds or makes the visitor; s.mu is held.
func (s *sources) visit(a netip.Addr, now time.Time) *visitor {
	n := network(a)
	if e := s.known[n]; e != nil {
		s.order.MoveToFront(e)
		v := e.Value.(*visitor)
		if passed := now.Sub(v.at); passed > 0 {
			v.spent = max(0, v.spent-float64(passed)/float64(s.every))
			v.at = now
		}
		return v
	}
	if s.order.Len() >= s.most {
		last := s.order.Back()
		delete(s.known, last.Value.(*visitor).net)
		s.order.Remove(last)
	}
	v := &visitor{net: n, at: now}
	s.known[n] = s.order.PushFront(v)
	return v
}

// shunned reports whether a source has used up its patience. Loopback never
// has: a tunnel on this computer brings everybody from there.
func (s *sources) shunned(a netip.Addr, now time.Time) bool {
	if !a.IsValid() || a.IsLoopback() {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.known[network(a)]
	if e == nil {
		return false
	}
	v := e.Value.(*visitor)
	left := max(0, v.spent-float64(max(0, now.Sub(v.at)))/float64(s.every))
	return left >= s.burst && (v.proved.IsZero() || now.Sub(v.proved) > goodName)
}

func (s *sources) turnedAway(a netip.Addr, now time.Time) {
	if !a.IsValid() || a.IsLoopback() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.visit(a, now)
	v.spent = min(v.spent+1, s.burst+1)
}

func (s *sources) proved(a netip.Addr, now time.Time) {
	if !a.IsValid() || a.IsLoopback() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visit(a, now).proved = now
}

// len is how many are remembered.
func (s *sources) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.order.Len()
}

// room is memory that is lent out.
type room struct {
	mu   sync.Mutex
	free int64
}

func (r *room) take(n int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.free < n {
		return false
	}
	r.free -= n
	return true
}

func (r *room) give(n int64) {
	r.mu.Lock()
	r.free += n
	r.mu.Unlock()
}

// chunk is how much of a body is read before room is taken for it. Connections
// are bounded, so this is too; and who sends little, as platforms mostly do, is
// heard while strangers fill the room.
const chunk = 16 << 10

// read reads a body of at most the bound. What its sender says of its length is
// believed only where it says too much: room is taken for what has come, so that
// a slow or lying sender holds none.
func (s *Server) read(r *http.Request, most int64) (body []byte, release func(), why Reason) {
	var held int64
	release = func() { s.bodies.give(held) }
	if r.ContentLength > most {
		return nil, release, TooLarge
	}
	first := int64(chunk)
	if r.ContentLength >= 0 {
		first = min(first, r.ContentLength+1)
	}
	body = make([]byte, 0, first)
	for {
		if len(body) == cap(body) {
			more := int64(cap(body)) // double it
			if !s.bodies.take(more) {
				return nil, release, Full
			}
			held += more
			body = append(make([]byte, 0, 2*more), body...) // slices.Grow would take more than was asked for
		}
		n, err := r.Body.Read(body[len(body):min(int64(cap(body)), most+1)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > most:
			return body[:most], release, TooLarge
		case err == io.EOF: //nolint:errorlint // as io.ReadAll compares it
			return body, release, ""
		case err != nil:
			return body, release, Malformed
		}
	}
}
