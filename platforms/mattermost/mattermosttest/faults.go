package mattermosttest

import (
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is how the server fails once.
type Fault struct {
	Kind       FaultKind
	Code       int // HTTP status of a Refuse; 0: 500
	RetryAfter int // seconds, with status 429; 0: it does not say
}

// FaultKind is a way to fail.
type FaultKind int

// The ways to fail.
const (
	Refuse    FaultKind = iota // an answer with Code, in the server's form
	Malformed                  // an answer that looks successful, and is not what was asked for
	Hang                       // no answer
	Lost                       // carried out, but the connection breaks before the answer
)

// FailCall makes the next REST call fail, FailSocket the next handshake.
func (s *Server) FailCall(f Fault)   { s.addFault("call", f) }
func (s *Server) FailSocket(f Fault) { s.addFault("socket", f) }

func (s *Server) addFault(kind string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[kind] = append(s.faults[kind], f)
}

// fault takes the next one. The lock is held.
func (s *Server) fault(kind string) (Fault, bool) {
	all := s.faults[kind]
	if len(all) == 0 {
		return Fault{}, false
	}
	s.faults[kind] = all[1:]
	return all[0], true
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, f Fault) {
	switch f.Kind {
	case Malformed:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`[1,2,{"surprise":true}]`))
	case Hang:
		s.mu.Lock()
		s.held++
		s.signal()
		s.mu.Unlock()
		select {
		case <-r.Context().Done():
		case <-s.ended:
		}
		s.mu.Lock()
		s.held--
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	case Lost:
		panic(http.ErrAbortHandler)
	default:
		code := f.Code
		if code == 0 {
			code = http.StatusInternalServerError
		}
		if f.RetryAfter > 0 {
			w.Header().Set("X-Ratelimit-Reset", strconv.Itoa(f.RetryAfter))
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		answer(w, nil, refuse(code, "api.fault."+strconv.Itoa(code)+".app_error", http.StatusText(code)))
	}
}

// Held is how many calls hang.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// Ping sets how often new sockets are pinged; at first it is every minute, as a
// real server does.
func (s *Server) Ping(every time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pings = every
}

// Beats is how many pings were answered.
func (s *Server) Beats() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beats
}

// cut closes sockets, and with all every other connection too.
func (s *Server) cut(all bool) {
	s.mu.Lock()
	conns := slices.Clone(s.conns)
	open := slices.Collect(maps.Keys(s.open))
	s.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
	if all {
		for _, c := range open {
			_ = c.Close()
		}
	}
}

// Disconnect cuts every connection.
func (s *Server) Disconnect() { s.cut(true) }

// Down cuts every connection and accepts no new one, until Up.
func (s *Server) Down() {
	s.mu.Lock()
	s.down = true
	s.mu.Unlock()
	s.cut(true)
}

// Up undoes Down.
func (s *Server) Up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

// Revoke makes the token invalid.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = true
}

// Cut breaks every socket in the middle of a frame.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		select {
		case c.out <- cutFrame:
		default:
			c.close()
		}
	}
}

// Silence lets nothing more through the sockets that are open.
func (s *Server) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.silent = true
	}
}

// Garbage sends what is no JSON, in the place of an event.
func (s *Server) Garbage() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.seq++ // the number was meant for it
		select {
		case c.out <- []byte(`{"event":"posted","data":{"post":"{\"id\":`):
		default:
		}
	}
}

// Skew sets the server's clock this far ahead of the real one.
func (s *Server) Skew(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock, s.last = by, 0
	for _, c := range s.channels { // what was before was before by this clock too
		c.LastPostAt = min(c.LastPostAt, time.Now().Add(by).UnixMilli()-1000)
	}
	for _, p := range s.posts {
		p.CreateAt = min(p.CreateAt, time.Now().Add(by).UnixMilli()-1000)
	}
}

// Advance sets the server's clock forward. Posts stay as long as people let
// them.
func (s *Server) Advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock += by
}

// gate refuses connections while the server is down.
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
		if !down {
			g.s.open[c] = struct{}{}
		}
		g.s.mu.Unlock()
		if !down {
			return c, nil
		}
		_ = c.Close()
	}
}

func (s *Server) state(c net.Conn, to http.ConnState) {
	if to == http.StateClosed {
		s.mu.Lock()
		delete(s.open, c)
		s.mu.Unlock()
	}
}
