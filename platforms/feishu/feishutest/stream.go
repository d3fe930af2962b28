package feishutest

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	socketPath = "/ws/v2"
	serviceID  = 33554678
	// socketsMost is how many long connections an app may have.
	socketsMost = 50
)

// ladder is after which times an event that was not acknowledged is pushed
// again: 15 seconds, 5 minutes, 1 hour and 6 hours after one another. See
// https://open.feishu.cn/document/ukTMukTMukTM/uUTNz4SN1MjL1UzM.
var ladder = []time.Duration{15 * time.Second, 5 * time.Minute, time.Hour, 6 * time.Hour}

// event is what the platform pushes until it is acknowledged.
type event struct {
	id       string
	kind     string // the header "type" of its frame: event or card
	callback bool   // not pushed again: whoever clicked does not wait
	message  string // of a message that somebody wrote: its id
	payload  []byte
	pushed   int // how often; 0: nobody was connected
	at       time.Time
	frames   map[string]bool // the header message_id of each push
	due      int             // not 0: to be delivered by a request; the round that said so
}

// socket is one long connection.
type socket struct {
	ws   *websocket.Conn
	conn *conn
	mu   sync.Mutex // for writing
}

// endpoint is POST /callback/ws/endpoint: it gives out a socket's address.
func (s *Server) endpoint(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.text("AppID") != s.appID {
		return nil, refuse(200, 10003, "invalid param")
	}
	if q.text("AppSecret") != s.secret || s.revoked {
		return nil, refuse(200, 10014, "app secret invalid")
	}
	if len(s.sockets) >= socketsMost {
		return nil, refuse(200, 1000040350, "the number of connections exceeded the limit")
	}
	ticket := s.id("")
	s.tickets[ticket] = true
	address := "ws://" + s.listener.Addr().String() + socketPath + "?device_id=7435" + strconv.Itoa(s.next) +
		"&service_id=" + strconv.Itoa(serviceID) + "&access_key=" + ticket[:16] + "&ticket=" + ticket
	if s.elsewhere != "" {
		address = s.elsewhere
	}
	return map[string]any{"URL": address, "ClientConfig": s.clientConfig()}, nil
}

// clientConfig is how the client shall behave. It is called under the lock.
func (s *Server) clientConfig() map[string]int {
	return map[string]int{"ReconnectCount": -1, "ReconnectInterval": 120, "ReconnectNonce": 30, "PingInterval": s.ping}
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	ticket := r.URL.Query().Get("ticket")
	s.mu.Lock()
	ok := s.tickets[ticket] && !s.revoked
	delete(s.tickets, ticket)
	s.mu.Unlock()
	if !ok {
		w.Header().Set("Handshake-Status", "514")
		w.Header().Set("Handshake-Msg", "auth failed")
		w.Header().Set("Handshake-Autherrcode", "0")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &socket{ws: ws}
	c.conn, _ = ws.NetConn().(*conn)
	defer func() {
		_ = ws.Close()
		s.do(func() { delete(s.sockets, c) })
	}()
	s.welcome(c)
	for {
		kind, b, err := ws.ReadMessage()
		if err != nil {
			return
		}
		f, err := parseFrame(b)
		if kind != websocket.BinaryMessage || err != nil {
			s.do(func() { s.odd++ })
			return
		}
		s.receive(c, f)
	}
}

// welcome pushes what nobody took, or acknowledged. Newer events wait for it.
func (s *Server) welcome(c *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var waiting []*event
	s.do(func() {
		s.sockets[c] = struct{}{}
		waiting = slices.Clone(s.events)
	})
	for _, e := range waiting {
		s.pushNow(c, e)
	}
}

// receive takes a frame from the client.
func (s *Server) receive(c *socket, f frame) {
	if f.method == control {
		if f.header("type") != "ping" {
			return
		}
		s.mu.Lock()
		conf, _ := json.Marshal(s.clientConfig())
		s.mu.Unlock()
		c.write(frame{service: f.service, method: control, headers: [][2]string{{"type", "pong"}}, payload: conf})
		s.do(func() { s.beats++ })
		return
	}
	var resp struct {
		Code int    `json:"code"`
		Data string `json:"data"`
	}
	bad := json.Unmarshal(f.payload, &resp) != nil || resp.Code != http.StatusOK
	body, _ := base64.StdEncoding.DecodeString(resp.Data)
	var answer struct {
		Toast *struct {
			Type    string `json:"type"`
			Content string `json:"content"`
		} `json:"toast"`
	}
	_ = json.Unmarshal(body, &answer)
	s.do(func() {
		if bad {
			s.odd++
			return
		}
		i := slices.IndexFunc(s.events, func(e *event) bool { return e.frames[f.header("message_id")] })
		if i < 0 {
			return
		}
		e := s.events[i]
		s.events = slices.Delete(s.events, i, i+1)
		if e.message != "" {
			s.acked = append(s.acked, e.message)
		}
		if e.callback && answer.Toast != nil {
			s.toasts = append(s.toasts, answer.Toast.Content)
		}
	})
}

// offer queues an event and pushes it to one of the sockets. The caller holds
// no lock.
func (s *Server) offer(e *event) {
	var to *socket
	s.do(func() {
		e.frames = map[string]bool{}
		e.at = s.now()
		s.events = append(s.events, e)
		s.last = e
		if s.hook != nil {
			s.round++
			e.due = s.round
			return
		}
		for c := range s.sockets { // a random one: clients share the events
			to = c
			break
		}
	})
	if to != nil {
		s.push(to, e)
	}
}

// push sends an event over a socket, after those before it.
func (s *Server) push(c *socket, e *event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.pushNow(c, e)
}

// pushNow sends an event in as many frames as is set. It is called under c's
// lock.
func (s *Server) pushNow(c *socket, e *event) {
	s.mu.Lock()
	if !slices.Contains(s.events, e) { // acknowledged meanwhile
		s.mu.Unlock()
		return
	}
	e.pushed++
	e.at = s.now()
	id := s.id("")
	e.frames[id] = true
	parts := max(1, min(s.parts, len(e.payload)))
	stamp := strconv.FormatInt(s.now().UnixMilli(), 10)
	s.mu.Unlock()
	for i := range parts {
		from, to := i*len(e.payload)/parts, (i+1)*len(e.payload)/parts
		c.send(frame{
			seq: 1, log: 1, service: serviceID, method: data, payload: e.payload[from:to],
			headers: [][2]string{{"type", e.kind}, {"message_id", id}, {"sum", strconv.Itoa(parts)},
				{"seq", strconv.Itoa(i)}, {"trace_id", e.id}, {"timestamp", stamp}},
		})
	}
}

func (c *socket) write(f frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.send(f)
}

// send is called under c's lock.
func (c *socket) send(f frame) {
	_ = c.ws.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_ = c.ws.WriteMessage(websocket.BinaryMessage, f.marshal())
}

// retry pushes again what is due, and forgets what was pushed often enough.
func (s *Server) retry() {
	type due struct {
		c *socket
		e *event
	}
	var again []due
	s.do(func() {
		kept := s.events[:0]
		for _, e := range s.events {
			n := max(e.pushed, 1)
			switch {
			case s.now().Sub(e.at) <= 3*time.Second: // it may yet be acknowledged
			case e.callback, n > len(ladder):
				continue
			case s.now().Sub(e.at) >= ladder[n-1]:
				sent := s.hook != nil && s.hook.URL != "" && !s.down
				if sent {
					s.round++
					e.due, e.at = s.round, s.now()
				}
				for c := range s.sockets {
					again = append(again, due{c, e})
					sent = true
					break
				}
				if !sent { // nobody took it
					e.pushed, e.at = n+1, e.at.Add(ladder[n-1])
				}
			}
			kept = append(kept, e)
		}
		s.events = kept
	})
	for _, d := range again {
		s.push(d.c, d.e)
	}
}

// Sockets is how many long connections are open.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// open is the sockets that are open.
func (s *Server) open() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.sockets))
}
