package slacktest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// This file is Socket Mode.
// https://docs.slack.dev/apis/events-api/using-socket-mode

// redelivery is how long an event that nobody acknowledged is tried again: at
// once, after one minute and after five.
// https://docs.slack.dev/apis/events-api/#retries
const redelivery = 5*time.Minute + 30*time.Second

// envelope is an event on its way.
type envelope struct {
	id, kind string
	payload  json.RawMessage
	response bool // accepts_response_payload
	message  string
	at       time.Time
	tries    int
	on       *conn // where it was sent; nil: it waits
}

// conn is a connection of the app.
type conn struct {
	s      *Server
	ws     *websocket.Conn
	out    chan []byte
	gone   chan struct{}
	once   sync.Once
	silent bool // these are under the server's lock
	ending bool
	ready  bool
}

func (c *conn) close() {
	c.once.Do(func() {
		close(c.gone)
		_ = c.ws.NetConn().Close()
	})
}

// cutFrame, in conn.out, breaks off in the middle of a frame.
var cutFrame = []byte{}

func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	ok := s.tickets[ticket] && !s.revoked && !s.closed
	delete(s.tickets, ticket)
	fault, failing := s.fault("link")
	s.mu.Unlock()
	if failing {
		s.fail(w, r, fault)
		return
	}
	if !ok {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &conn{s: s, ws: ws, out: make(chan []byte, 4096), gone: make(chan struct{})}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		c.close()
		return
	}
	s.conns = append(s.conns, c)
	c.ready = true
	s.hellos++
	hello, _ := json.Marshal(map[string]any{
		"type": "hello", "num_connections": len(s.conns) + s.open,
		"connection_info": map[string]string{"app_id": AppID},
		"debug_info":      map[string]any{"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
	})
	c.out <- hello
	for _, old := range s.conns {
		if old.ending && old != c {
			old.close()
		}
	}
	s.flush()
	every := s.ping
	s.signal()
	s.wg.Go(func() { c.write(every) })
	s.mu.Unlock()
	c.read()
	s.left(c)
}

// left forgets a connection; what it did not acknowledge goes elsewhere.
func (s *Server) left(c *conn) {
	c.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.conns, c); i >= 0 {
		s.conns = slices.Delete(s.conns, i, i+1)
	}
	if len(s.conns) == 0 {
		s.gaps++
	}
	for _, e := range s.queue {
		if e.on == c {
			e.on = nil
		}
	}
	s.flush()
	s.signal()
}

func (c *conn) write(every time.Duration) {
	ping := time.NewTicker(every)
	defer ping.Stop()
	for {
		select {
		case <-c.gone:
			return
		case <-ping.C:
			if !c.quiet() {
				_ = c.ws.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(time.Second))
			}
		case b := <-c.out:
			if c.quiet() {
				continue
			}
			if len(b) == 0 { // a text frame of 126 and more bytes, begun
				_, _ = c.ws.NetConn().Write(append([]byte{0x81, 126, 1, 0}, `{"envelope_id":"`...))
				c.close()
				return
			}
			_ = c.ws.SetWriteDeadline(time.Now().Add(5 * time.Second))
			if c.ws.WriteMessage(websocket.TextMessage, b) != nil {
				c.close()
				return
			}
		}
	}
}

func (c *conn) quiet() bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.silent
}

func (c *conn) read() {
	beat := func() bool {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if !c.silent {
			c.s.beats++
		}
		return !c.silent
	}
	c.ws.SetPongHandler(func(string) error { beat(); return nil })
	c.ws.SetPingHandler(func(data string) error {
		if beat() {
			_ = c.ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		}
		return nil
	})
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var ack struct {
			ID string `json:"envelope_id"`
		}
		if json.Unmarshal(b, &ack) == nil && ack.ID != "" {
			c.s.ack(c, ack.ID)
		}
	}
}

func (s *Server) ack(c *conn, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.silent {
		return
	}
	s.acks++
	for i, e := range s.queue {
		if e.id == id {
			if e.message != "" {
				s.acked = append(s.acked, e.message)
			}
			s.queue = slices.Delete(s.queue, i, i+1)
			s.flush()
			break
		}
	}
	s.signal()
}

// enqueue sends an event, now or when somebody connects. The lock is held.
func (s *Server) enqueue(kind string, payload any, response bool, message string) {
	raw, err := json.Marshal(payload)
	if err != nil {
		panic(err) // a payload of ours
	}
	e := &envelope{id: token(), kind: kind, payload: raw, response: response, message: message, at: s.now()}
	s.queue = append(s.queue, e)
	s.last = e
	s.flush()
}

// flush sends what waits. The lock is held.
func (s *Server) flush() {
	var to *conn
	for _, c := range s.conns { // silent ones count: the server does not know
		if c.ready && !c.ending {
			to = c
		}
	}
	if to == nil {
		return
	}
	for _, e := range s.queue {
		if e.on == nil && len(to.out) >= cap(to.out)-room {
			return // an acknowledgement makes room
		}
		if e.on == nil {
			s.send(to, e)
		}
	}
}

// room is what a connection keeps free for what is not an event.
const room = 64

func (s *Server) send(to *conn, e *envelope) {
	frame := map[string]any{"type": e.kind, "envelope_id": e.id, "payload": e.payload, "accepts_response_payload": e.response}
	if e.kind == "events_api" {
		frame["retry_attempt"], frame["retry_reason"] = e.tries, ""
		if e.tries > 0 {
			frame["retry_reason"] = "timeout"
		}
	}
	b, _ := json.Marshal(frame)
	e.on = to
	e.tries++
	select {
	case to.out <- b:
	default:
		to.close() // it does not read
	}
}
