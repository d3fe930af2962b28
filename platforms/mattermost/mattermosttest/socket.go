package mattermosttest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// This file is the WebSocket:
// https://developers.mattermost.com/api-documentation/#/operations/ConnectWebSocket.

// conn is one connection. Its numbers and flags are under the server's lock.
type conn struct {
	ws     *websocket.Conn
	out    chan []byte
	gone   chan struct{}
	once   sync.Once
	seq    int64
	authed bool
	silent bool
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.gone)
		_ = c.ws.NetConn().Close()
	})
}

// cutFrame, in conn.out, breaks off in the middle of a frame.
var cutFrame = []byte{}

func (s *Server) socket(w http.ResponseWriter, r *http.Request, allowed bool) {
	if !allowed && r.Header.Get("Authorization") != "" {
		answer(w, nil, refuse(401, "api.web_socket.connect.session_expired.app_error", "Invalid or expired session, please login again."))
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &conn{ws: ws, out: make(chan []byte, 32_768), gone: make(chan struct{})}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		c.close()
		return
	}
	s.conns = append(s.conns, c)
	if allowed {
		s.hello(c)
	}
	every := s.pings
	s.wg.Go(func() { s.write(c, every) })
	s.signal()
	s.mu.Unlock()
	s.read(c)
	c.close()
	s.mu.Lock()
	s.conns = slices.DeleteFunc(s.conns, func(o *conn) bool { return o == c })
	s.signal()
	s.mu.Unlock()
}

// hello begins the events. The lock is held.
func (s *Server) hello(c *conn) {
	c.authed = true
	s.send(c, "hello", map[string]any{"server_version": "11.0.0", "connection_id": id()}, "")
}

// send sends one event. The lock is held.
func (s *Server) send(c *conn, event string, data any, channel string) {
	b, err := json.Marshal(map[string]any{
		"event": event, "data": data, "seq": c.seq,
		"broadcast": map[string]any{"omit_users": nil, "user_id": "", "channel_id": channel, "team_id": ""},
	})
	if err != nil {
		panic(err) // an event of ours
	}
	c.seq++
	select {
	case c.out <- b:
	default:
		c.close() // it does not read
	}
}

// broadcast sends an event to every connection. The lock is held.
func (s *Server) broadcast(event string, data any, channel string) {
	for _, c := range s.conns {
		if c.authed {
			s.send(c, event, data, channel)
		}
	}
	s.signal()
}

func (s *Server) write(c *conn, every time.Duration) {
	ping := time.NewTicker(every)
	defer ping.Stop()
	quiet := func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return c.silent
	}
	for {
		select {
		case <-c.gone:
			return
		case <-ping.C:
			if !quiet() {
				_ = c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
			}
		case b := <-c.out:
			if quiet() {
				continue
			}
			if len(b) == 0 { // a text frame of 256 bytes, begun
				_, _ = c.ws.NetConn().Write(append([]byte{0x81, 126, 1, 0}, `{"event":"posted","data":{`...))
				c.close()
				return
			}
			_ = c.ws.SetWriteDeadline(time.Now().Add(20 * time.Second))
			if c.ws.WriteMessage(websocket.TextMessage, b) != nil {
				c.close()
				return
			}
		}
	}
}

func (s *Server) read(c *conn) {
	c.ws.SetPongHandler(func(string) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !c.silent {
			s.beats++
		}
		return nil
	})
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var a struct {
			Seq    int64          `json:"seq"`
			Action string         `json:"action"`
			Data   map[string]any `json:"data"`
		}
		if json.Unmarshal(b, &a) != nil {
			continue
		}
		s.mu.Lock()
		reply := map[string]any{"status": "OK", "seq_reply": a.Seq}
		switch a.Action {
		case "authentication_challenge":
			if a.Data["token"] != s.token || s.revoked {
				s.mu.Unlock()
				return
			}
			if !c.authed {
				s.hello(c)
			}
		case "ping":
			reply["data"] = map[string]any{"text": "pong", "version": "11.0.0"}
		case "user_typing":
			where, _ := a.Data["channel_id"].(string)
			s.typed = append(s.typed, where)
		default:
			reply = map[string]any{"status": "FAIL", "seq_reply": a.Seq, "error": refuse(400, "api.web_socket_router.bad_action.app_error", "Unknown WebSocket action.")}
		}
		out, _ := json.Marshal(reply)
		select {
		case c.out <- out:
		default:
		}
		s.signal()
		s.mu.Unlock()
	}
}
