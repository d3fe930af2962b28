// Package feishutest is a Feishu server for tests and demonstrations: the
// handshake and frames of the long connection, and the part of the open
// platform's REST interface that a chat bot uses. It is written from
// https://open.feishu.cn/document and knows nothing of the connector. People's
// side of the conversation is scripted by the Server's methods.
package feishutest

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is one open platform that knows one app with a bot. All methods are
// safe for several goroutines and take effect before they return.
type Server struct {
	listener net.Listener
	http     *http.Server
	ended    chan struct{}  // closed by Close
	serving  sync.WaitGroup // the accept loop, every request and every socket

	appID, secret string

	mu        sync.Mutex
	changed   chan struct{} // closed and replaced at every change
	closed    bool
	down      bool
	revoked   bool
	skew      time.Duration // of the server's clock
	ping      int           // ClientConfig.PingInterval, in seconds
	parts     int           // into how many frames an event is cut
	elsewhere string        // the address given out for long connections, if not ours
	bot       Bot
	lacks     map[string]bool // scopes that the app has not been given
	tokens    map[string]time.Time
	tickets   map[string]bool // of sockets that may be opened once
	conns     map[*conn]struct{}
	sockets   map[*socket]struct{}
	next      int // number of the next id

	users  map[string]User
	chats  map[string]*chat
	posts  map[string]*post
	order  []*post // as they were written
	uuids  map[string]sentAs
	files  map[string]File
	events []*event // not acknowledged, oldest first
	last   *event
	acked  []string // ids of messages

	toasts []string
	typed  []Typed
	beats  int
	odd    int // acknowledgements with another code than 200
	faults []fault
	hook   *hooked // nil: events go over long connections
	round  int     // how often all that waits was made due
	verify string  // the Verification Token
	held   int
	calls  []Call
}

// Bot is the app's bot.
type Bot struct {
	OpenID string
	Name   string
	Status int // activate_status; 2: in use
}

// User is a person.
type User struct{ OpenID, Name string }

// Chat is a conversation with the bot in it.
type Chat struct {
	ID     string
	Name   string
	Direct string // of a p2p chat: the person's open_id
}

type chat struct {
	Chat
}

// sentAs is what a message was sent as under one uuid.
type sentAs struct {
	id string
	at time.Time
}

// The people and chats that every Server begins with. Root is the first message
// of a topic in Group.
const (
	Person  = "ou_7d8a6e6df7621556ce0d21922b676706"
	Direct  = "oc_5ad11d72b830411d72b836c20d8f4a10"
	Group   = "oc_a0553eda9014c201e6969b478895c230"
	Nowhere = "oc_00000000000000000000000000000000"
	Root    = "om_dc13264520392913993dd051dba21dcf"
	Topic   = "omt_d4be107c616aed9c1da8ed8068570a9f"
)

// New starts a server on a free port of the loopback address, for the app with
// this id and secret.
func New(appID, secret string) (*Server, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("feishutest: %w", err)
	}
	s := &Server{
		listener: l, ended: make(chan struct{}), changed: make(chan struct{}), appID: appID, secret: secret,
		ping: 120, parts: 1, verify: verify,
		bot:   Bot{OpenID: "ou_e6e14f667cfe239d7b129b521dce0569", Name: "Postern", Status: 2},
		lacks: map[string]bool{}, tokens: map[string]time.Time{}, tickets: map[string]bool{},
		conns: map[*conn]struct{}{}, sockets: map[*socket]struct{}{},
		users: map[string]User{}, chats: map[string]*chat{}, posts: map[string]*post{},
		uuids: map[string]sentAs{}, files: map[string]File{},
	}
	s.AddUser(User{OpenID: Person, Name: "Ada Lovelace"})
	s.AddChat(Chat{ID: Direct, Direct: Person})
	s.AddChat(Chat{ID: Group, Name: "Engine room"})
	s.addRoot()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	s.serving.Add(1)
	go func() {
		defer s.serving.Done()
		_ = s.http.Serve(gate{l, s})
	}()
	return s, nil
}

// URL is the server's address, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Bot is the app's bot.
func (s *Server) Bot() Bot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bot
}

// AddUser makes a person known.
func (s *Server) AddUser(u User) { s.do(func() { s.users[u.OpenID] = u }) }

// AddChat makes a chat known, with the bot in it.
func (s *Server) AddChat(c Chat) { s.do(func() { s.chats[c.ID] = &chat{c} }) }

// Close ends every call and waits for the server's goroutines.
func (s *Server) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		close(s.ended)
		_ = s.http.Close()
		s.Disconnect()
	}
	s.serving.Wait()
}

// do runs f under the lock and tells whoever waits that something changed.
func (s *Server) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	s.signal()
}

// signal is called under the lock.
func (s *Server) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// now is the server's clock. It is called under the lock.
func (s *Server) now() time.Time { return time.Now().Add(s.skew) }

// id is a new id, as the platform's are: a prefix and 32 hexadecimal digits. It
// is called under the lock.
func (s *Server) id(prefix string) string {
	s.next++
	return fmt.Sprintf("%s%08x%024x", prefix, 0x5ad11d72+s.next, s.next)
}

// refusal is an answer with another code than 0.
type refusal struct {
	status int
	code   int
	msg    string
	more   any // the member "error"
}

func refuse(status, code int, msg string) *refusal {
	return &refusal{status: status, code: code, msg: msg}
}

// ServeHTTP is the open platform's whole interface.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.serving.Add(1)
	s.mu.Unlock()
	defer s.serving.Done()

	if r.URL.Path == socketPath {
		s.serveSocket(w, r)
		return
	}
	rt, args, ok := find(r.Method, r.URL.Path)
	if !ok {
		http.NotFound(w, r) // as the platform: no JSON
		return
	}
	q, bad := read(w, r)
	q.args = args
	f, failing := s.enter(rt, q)
	if failing && !f.carriedOut() {
		s.fail(w, r, f)
		return
	}
	if bad == nil && !rt.open {
		bad = s.authorise(r, rt.scopes)
	}
	var result any
	if bad == nil {
		result, bad = rt.call(s, q)
	}
	if failing {
		s.fail(w, r, f)
		return
	}
	if c, isFile := result.(download); isFile && bad == nil {
		c.serve(w)
		return
	}
	answer(w, result, bad)
}

// answer writes an answer. A result is put into "data", unless it is raw, which
// the older parts of the interface are.
func answer(w http.ResponseWriter, result any, r *refusal) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r != nil {
		body := map[string]any{"code": r.code, "msg": r.msg}
		if r.more != nil {
			body["error"] = r.more
		}
		w.WriteHeader(r.status)
		_ = json.NewEncoder(w).Encode(body)
		return
	}
	body := map[string]any{"code": 0, "msg": "success"}
	if m, ok := result.(raw); ok {
		for k, v := range m {
			body[k] = v
		}
	} else {
		body["data"] = result
	}
	_ = json.NewEncoder(w).Encode(body)
}

// raw is an answer whose members stand beside "code".
type raw map[string]any

// authorise checks the token, and that the app has one of scopes.
func (s *Server) authorise(r *http.Request, scopes []string) *refusal {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if !ok {
		return refuse(400, 99991661, "Missing access token for authorization. Please make a request with token attached.")
	}
	end, known := s.tokens[token]
	if !known || s.revoked || !s.now().Before(end) {
		return refuse(400, 99991663, "Invalid access token for authorization. Please make a request with token attached.")
	}
	for _, scope := range scopes {
		if !s.lacks[scope] {
			return nil
		}
	}
	if len(scopes) == 0 {
		return nil
	}
	var violations []map[string]string
	for _, scope := range scopes {
		violations = append(violations, map[string]string{"type": "action_privilege_required", "subject": scope})
	}
	return &refusal{status: 400, code: 99991672,
		msg:  "Access denied. One of the following scopes is required: [" + strings.Join(scopes, ", ") + "].",
		more: map[string]any{"permission_violations": violations}}
}
