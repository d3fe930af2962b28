package discordtest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// session is what the gateway keeps of a client, whether or not it is connected.
type session struct {
	id      string
	intents int
	seq     int64
	buffer  []payload // for a resume, oldest first
	socket  *socket
	left    time.Duration // time without a socket
}

// bufferMost is how many dispatches are kept for a resume.
const bufferMost = 5000

// payload is a dispatch, as it is written.
type payload struct {
	seq int64
	raw []byte
}

// socket is one connection to the gateway.
type socket struct {
	ws      *websocket.Conn
	mu      sync.Mutex // for writing
	session *session
}

func (c *socket) send(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		return
	}
	c.raw(b)
}

func (c *socket) raw(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.ws.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_ = c.ws.WriteMessage(websocket.TextMessage, b)
}

func (c *socket) close(code int, why string) {
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(time.Second))
	_ = c.ws.Close()
}

// open is the connections to the gateway that have a session.
func (s *Server) open() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Keys(s.sockets)), func(c *socket) bool { return c.session == nil })
}

// leave takes a socket from its session. It is called under the lock.
func (s *Server) leave(c *socket) {
	delete(s.sockets, c)
	if c.session != nil && c.session.socket == c {
		c.session.socket = nil
	}
	c.session = nil
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	c := &socket{ws: ws}
	s.do(func() { s.sockets[c] = struct{}{} })
	defer s.do(func() { s.leave(c) })
	s.mu.Lock()
	interval := s.interval
	s.mu.Unlock()
	c.send(map[string]any{"op": 10, "s": nil, "t": nil, "d": map[string]any{"heartbeat_interval": interval, "_trace": []string{}}})
	for {
		_, b, err := ws.ReadMessage()
		if err != nil {
			if ce, ok := err.(*websocket.CloseError); ok && (ce.Code == 1000 || ce.Code == 1001) {
				// The client is done with its session.
				s.do(func() {
					if c.session != nil {
						delete(s.sessions, c.session.id)
					}
				})
			}
			return
		}
		var f struct {
			Op   *int            `json:"op"`
			Data json.RawMessage `json:"d"`
		}
		if json.Unmarshal(b, &f) != nil || f.Op == nil {
			c.close(4002, "Error while decoding payload.")
			return
		}
		switch *f.Op {
		case 1:
			s.do(func() { s.beats++ })
			c.send(map[string]any{"op": 11, "d": nil, "s": nil, "t": nil})
		case 2:
			if code, why := s.identify(c, f.Data); code != 0 {
				c.close(code, why)
				return
			}
		case 3, 4, 8, 31: // presence, voice, members, sounds: nothing comes of them here
		case 6:
			if code, why := s.resume(c, f.Data); code != 0 {
				c.close(code, why)
				return
			}
		default:
			c.close(4001, "Unknown opcode.")
			return
		}
	}
}

// admit checks a token, and what SetClose said. It is called under the lock.
func (s *Server) admit(token string) (int, string) {
	if code := s.refuse; code != 0 {
		s.refuse = 0
		return code, "refused"
	}
	if s.revoked || strings.TrimPrefix(token, "Bot ") != s.token {
		return 4004, "Authentication failed."
	}
	return 0, ""
}

func (s *Server) identify(c *socket, raw json.RawMessage) (code int, why string) {
	var d struct {
		Token      string            `json:"token"`
		Intents    *int              `json:"intents"`
		Properties map[string]string `json:"properties"`
		Shard      []int             `json:"shard"`
	}
	if json.Unmarshal(raw, &d) != nil || d.Intents == nil || d.Properties == nil {
		return 4002, "Error while decoding payload."
	}
	s.do(func() {
		if code, why = s.admit(d.Token); code != 0 {
			return
		}
		switch {
		case c.session != nil:
			code, why = 4005, "Already authenticated."
			return
		case *d.Intents&(1<<15) != 0 && s.flags&contentFlags == 0:
			code, why = 4014, "Disallowed intent(s)."
			return
		case *d.Intents < 0 || *d.Intents >= 1<<26:
			code, why = 4013, "Invalid intent(s)."
			return
		}
		s.starts--
		v := &session{id: s.hex(), intents: *d.Intents, socket: c}
		s.sessions[v.id] = v
		c.session = v
		guilds := []any{}
		for _, g := range s.guilds {
			guilds = append(guilds, map[string]any{"id": g.ID, "unavailable": true})
		}
		ready := map[string]any{
			"v": 10, "user": s.user(Bot), "guilds": guilds, "session_id": v.id, "session_type": "normal", "private_channels": []any{},
			"resume_gateway_url": "ws://" + s.listener.Addr().String() + "/gateway",
			"application":        map[string]any{"id": App, "flags": s.flags}, "presences": []any{}, "relationships": []any{},
		}
		if len(d.Shard) == 2 {
			ready["shard"] = d.Shard
		}
		s.push(v, "READY", ready)
		for _, g := range s.guilds {
			if s.outage {
				s.push(v, "GUILD_CREATE", map[string]any{"id": g.ID, "unavailable": true})
				continue
			}
			s.push(v, "GUILD_CREATE", s.guild(g))
		}
	})
	return code, why
}

func (s *Server) resume(c *socket, raw json.RawMessage) (code int, why string) {
	var d struct {
		Token   string `json:"token"`
		Session string `json:"session_id"`
		Seq     int64  `json:"seq"`
	}
	if json.Unmarshal(raw, &d) != nil {
		return 4002, "Error while decoding payload."
	}
	s.do(func() {
		if code, why = s.admit(d.Token); code != 0 {
			return
		}
		v := s.sessions[d.Session]
		if v == nil || len(v.buffer) > 0 && v.buffer[0].seq > d.Seq+1 {
			c.send(map[string]any{"op": 9, "d": false, "s": nil, "t": nil})
			return
		}
		if d.Seq > v.seq {
			code, why = 4007, "Invalid seq."
			return
		}
		if v.socket != nil {
			v.socket.session = nil
		}
		v.socket, v.left, c.session = c, 0, v
		for _, p := range v.buffer {
			if p.seq > d.Seq {
				c.raw(p.raw)
			}
		}
		s.push(v, "RESUMED", map[string]any{"_trace": []string{}})
	})
	return code, why
}

// push dispatches an event to a session, now or when it is resumed. It is called
// under the lock.
func (s *Server) push(v *session, kind string, d any) {
	v.seq++
	b, err := json.Marshal(map[string]any{"op": 0, "s": v.seq, "t": kind, "d": d})
	if err != nil {
		return
	}
	if len(v.buffer) >= bufferMost {
		v.buffer = slices.Delete(v.buffer, 0, bufferMost/2)
	}
	v.buffer = append(v.buffer, payload{v.seq, b})
	if v.socket != nil {
		v.socket.raw(b)
	}
}

// dispatch pushes an event to every session that has the intent for it; 0 means
// that none is needed. It is called under the lock.
func (s *Server) dispatch(intent int, kind string, d func(*session) any) {
	for _, v := range s.sessions {
		if intent == 0 || v.intents&intent != 0 {
			s.push(v, kind, d(v))
		}
	}
}

// Deliver pushes an event of any kind to every session.
func (s *Server) Deliver(kind string, d any) {
	s.do(func() { s.dispatch(0, kind, func(*session) any { return d }) })
}

// Send sends a frame that is no dispatch to every connection: op 1, 7 or 9.
func (s *Server) Send(op int, d any) {
	for _, c := range s.open() {
		c.send(map[string]any{"op": op, "d": d, "s": nil, "t": nil})
	}
}

// CloseSockets closes every connection to the gateway with a code.
func (s *Server) CloseSockets(code int) {
	for _, c := range s.open() {
		c.close(code, "")
	}
}
