// Package linetest is LINE's Messaging API for tests and demonstrations: the
// calls that a chat bot makes, and a platform that delivers signed webhooks and
// delivers them again. It is written from
// https://developers.line.biz/en/reference/messaging-api/ and knows nothing of
// the connector. People's side of the conversation is scripted by the Server's
// methods.
package linetest

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is one Messaging API that knows one channel with a bot. All methods
// are safe for several goroutines and take effect before they return.
type Server struct {
	listener net.Listener
	http     *http.Server
	ended    chan struct{}  // closed by Close
	serving  sync.WaitGroup // the accept loop, every request, and deliveries

	token, secret string

	mu         sync.Mutex
	changed    chan struct{} // closed and replaced at every change
	wake       chan struct{} // has room for one: try to deliver now
	transport  http.RoundTripper
	endpoint   string
	active     bool
	redelivery bool
	revoked    bool
	down       bool
	closed     bool
	ahead      time.Duration // of the real clock
	next       int64

	people  map[string]string          // names by user
	groups  map[string]map[string]bool // members by group or room
	titles  map[string]string          // of groups
	replies map[string]*reply          // by token
	quotes  map[string]string          // message by quote token
	keys    map[string]accepted        // by retry key
	files   map[string]*file           // by message
	typed   []Typed
	sent    []Sent
	calls   []Call
	fault   *Fault
	held    int
	limit   int64 // messages a month; 0: no limit
	used    int64

	queue  []*delivery
	last   *delivery
	acked  []string
	failed int
}

// The bot, and the people and chats that every Server begins with.
const (
	Bot     = "U5f2c5c4d1e6f7a8b9c0d1e2f3a4b5c6d"
	Person  = "U0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	Direct  = Person // a direct chat has its person's id
	Grace   = "U1a1b2c3d4e5f60718293a4b5c6d7e8f9"
	Group   = "C2a1b2c3d4e5f60718293a4b5c6d7e8f9"
	Room    = "R3a1b2c3d4e5f60718293a4b5c6d7e8f9"
	Nowhere = "U9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f9f"
	BotName = "Postern"
)

// Call is one request that the server got.
type Call struct {
	Method, Path string
	RetryKey     string
	Body         json.RawMessage // nil: none
	Status       int             // that was answered, 0 if none was
	Answer       json.RawMessage
}

// New starts a server on a free port of the loopback address.
func New(token, secret string) (*Server, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("linetest: %w", err)
	}
	s := &Server{
		listener: l, token: token, secret: secret, ended: make(chan struct{}), changed: make(chan struct{}), wake: make(chan struct{}, 1),
		transport: &http.Transport{}, active: true, redelivery: true, next: 100_000,
		people: map[string]string{Person: "Ada Lovelace", Grace: "Grace Hopper"},
		groups: map[string]map[string]bool{Group: {Person: true, Grace: true}, Room: {Person: true}},
		titles: map[string]string{Group: "Engine room"}, replies: map[string]*reply{}, quotes: map[string]string{},
		keys: map[string]accepted{}, files: map[string]*file{},
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	s.serving.Add(2)
	go func() {
		defer s.serving.Done()
		_ = s.http.Serve(l)
	}()
	go func() {
		defer s.serving.Done()
		s.deliverAll()
	}()
	return s, nil
}

// URL is the server's address, of all its calls.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close ends every call and waits for the server's goroutines.
func (s *Server) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	t := s.transport
	s.mu.Unlock()
	if first {
		close(s.ended)
		_ = s.http.Close()
	}
	s.serving.Wait()
	if t, ok := t.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// update runs f under the lock, tells who waits, and has deliveries tried.
func (s *Server) update(f func()) {
	s.mu.Lock()
	f()
	s.signal()
	s.mu.Unlock()
}

// signal is called under the lock.
func (s *Server) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// id is a new number for a message, a token or an event. Called under the lock.
func (s *Server) id() string {
	s.next++
	return fmt.Sprintf("5%017d", s.next)
}

func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// ServeHTTP is one call of the Messaging API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	down := s.down || s.closed
	f := s.fault
	if !down {
		s.fault = nil
	}
	s.mu.Unlock()
	if down {
		drop(w)
		return
	}
	out := answer{header: http.Header{}}
	if f != nil && f.Kind != Lost {
		if f.Kind == Hang {
			s.hang(r)
			return
		}
		out = f.answer()
	} else {
		out = s.answer(r, body)
	}
	c := Call{Method: r.Method, Path: r.URL.Path, RetryKey: r.Header.Get("X-Line-Retry-Key"), Status: out.status}
	if json.Valid(body) {
		c.Body = body
	}
	if json.Valid(out.body) {
		c.Answer = out.body
	}
	var request string
	s.update(func() {
		s.calls = append(s.calls, c)
		s.next++
		request = fmt.Sprintf("%032x", s.next)
	})
	if f != nil && f.Kind == Lost {
		drop(w)
		return
	}
	for k, v := range out.header {
		w.Header()[k] = v
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.Header().Set("X-Line-Request-Id", request)
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body)
}

// drop breaks the connection without an answer.
func drop(w http.ResponseWriter) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = c.Close()
	}
}

func (s *Server) hang(r *http.Request) {
	s.update(func() { s.held++ })
	select {
	case <-r.Context().Done():
	case <-s.ended:
	}
	s.update(func() { s.held-- })
}
