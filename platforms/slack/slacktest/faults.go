package slacktest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Fault is how the server fails once.
type Fault struct {
	Kind       FaultKind
	Code       int    // HTTP status; 0: 200 where there is an Error, else 500
	Error      string // Slack's own word
	RetryAfter int    // seconds, with status 429; 0: it does not say
}

// FaultKind is a way to fail.
type FaultKind int

// The ways to fail.
const (
	Refuse    FaultKind = iota // an answer with Code and Error
	Malformed                  // an answer that looks successful, and is not what was asked for
	Hang                       // no answer
	Lost                       // carried out, but the connection breaks before the answer
)

// AnyCall is, for SetFault, the next call of the Web API that does not belong to
// the event stream. Other names are those of methods, and "link" is the
// handshake of the socket.
const AnyCall = "*"

// SetFault makes the next call of a method fail.
func (s *Server) SetFault(method string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[method] = append(s.faults[method], f)
}

// fault takes the next one for a method. The lock is held.
func (s *Server) fault(method string) (Fault, bool) {
	for _, name := range []string{method, AnyCall} {
		if name == AnyCall && (method == "apps.connections.open" || method == "link") {
			continue
		}
		if all := s.faults[name]; len(all) > 0 {
			s.faults[name] = all[1:]
			return all[0], true
		}
	}
	return Fault{}, false
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, f Fault) {
	switch f.Kind {
	case Malformed:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(`{"ok":true,"unexpected":[1,2,3]}`))
		return
	case Hang:
		s.hold(r)
		return
	case Lost:
		drop(w)
		return
	}
	if f.Code == http.StatusTooManyRequests {
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		f.Error = "ratelimited"
	}
	if f.Code == 0 {
		f.Code = http.StatusInternalServerError
		if f.Error != "" {
			f.Code = http.StatusOK
		}
	}
	if f.Error == "" {
		http.Error(w, "<html>"+http.StatusText(f.Code)+"</html>", f.Code)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(f.Code)
	_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": f.Error})
}

// hold does not answer until the caller gives up.
func (s *Server) hold(r *http.Request) {
	s.mu.Lock()
	s.held++
	s.signal()
	s.mu.Unlock()
	select {
	case <-r.Context().Done():
	case <-s.done:
	}
	s.mu.Lock()
	s.held--
	s.mu.Unlock()
}

// drop breaks the connection without an answer.
func drop(w http.ResponseWriter) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

// Held is how many calls hang.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// Down cuts every connection and refuses new ones.
func (s *Server) Down() {
	s.listener.set(true)
	s.Disconnect()
}

// Up undoes Down.
func (s *Server) Up() { s.listener.set(false) }

// Disconnect cuts every socket.
func (s *Server) Disconnect() {
	s.each(func(c *conn) { c.close() })
}

// Cut breaks every socket in the middle of a frame.
func (s *Server) Cut() {
	s.each(func(c *conn) { c.out <- cutFrame })
}

// Silence lets nothing more through on the sockets that are open.
func (s *Server) Silence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.silent = true
	}
}

// Garbage sends what is no JSON.
func (s *Server) Garbage() {
	s.each(func(c *conn) { c.out <- []byte(`{"envelope_id": "x", "payload": {]`) })
}

// Refresh tells the app that its sockets will end: reason is "warning",
// "refresh_requested" or "link_disabled". They do when another one is open, or
// at once where the reason is the last.
func (s *Server) Refresh(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, _ := json.Marshal(map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]string{"host": "applink-1"}})
	for _, c := range s.conns {
		c.out <- b
		c.ending = true
	}
}

func (s *Server) each(f func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		f(c)
	}
}

// Revoke makes the server refuse both tokens.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked = true
}

// Skew sets the clock ahead of the real one, or behind it.
func (s *Server) Skew(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = by
}

// Advance lets time pass: events that were tried for too long are given up.
func (s *Server) Advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += by
	kept := s.queue[:0]
	for _, e := range s.queue {
		if s.now().Sub(e.at) < redelivery {
			kept = append(kept, e)
		}
	}
	clear(s.queue[len(kept):])
	s.queue = kept
}

// SetPing sets how often the server pings sockets that are opened from now on.
func (s *Server) SetPing(every time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ping = every
}

// SetRivals makes hello count this many connections of other programs.
func (s *Server) SetRivals(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = n
}
