// Package telegramtest is a Bot API server for tests and demonstrations. It is
// written from https://core.telegram.org/bots/api and knows nothing of the
// connector. People's side of the conversation is scripted by the Server's
// methods.
package telegramtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is one Bot API server that knows one bot. All methods are safe for
// several goroutines and take effect before they return.
type Server struct {
	listener net.Listener
	http     *http.Server
	ended    chan struct{}  // closed by Close
	serving  sync.WaitGroup // the accept loop and every request

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change
	token    string
	bot      Bot
	revoked  bool
	down     bool
	closed   bool
	rival    bool
	privacy  bool
	conns    map[net.Conn]struct{}
	users    map[int64]User
	chats    map[int64]*chat
	files    map[string]*stored
	clicks   map[string]*string // answers by query id; nil: not answered
	answers  []string
	typed    []Typed
	sent     []*post
	calls    []Call
	webhook  webhookInfo
	faults   []fault
	held     int
	sequence int64 // of files and queries

	updates   []update // not confirmed, oldest first
	last      *update
	again     *update      // to be delivered once more, whatever the offset
	broken    *Fault       // of the poll that waits
	silent    int          // polls up to this one get no answer
	clock     atomic.Int64 // seconds ahead of the real one
	nextID    int64
	acked     int64
	confirmed []Confirmed
	poll      int // number of the newest getUpdates
	polling   int // how many wait
	allowed   []string
}

// chat is a chat with what was written there.
type chat struct {
	Chat
	next     int // number of the next message
	messages map[int]*post
	topics   map[int]string
	moved    int64  // the supergroup that this group became
	refusal  string // why the bot can't write here
}

// post is a message and what the server knows beside it.
type post struct {
	message
	own    bool // the bot's
	method string
	file   *File
	edited bool
}

// The chats and people that every Server begins with. Group is a supergroup
// with topics, of which Topic exists.
const (
	Person  int64 = 700_000_001
	Direct  int64 = Person // a private chat has the number of its person
	Group   int64 = -1_001_234_567_890
	Topic   int   = 4_000_017
	Basic   int64 = -400_000_001 // a group that can become a supergroup
	Channel int64 = -1_009_876_543_210
)

// New starts a server on a free port of the loopback address, for the bot with
// this token: a number, a colon, and anything.
func New(token string) (*Server, error) {
	number, _, ok := strings.Cut(token, ":")
	id, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil {
		return nil, errors.New("telegramtest: a token is a number, a colon and a secret")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("telegramtest: %w", err)
	}
	s := &Server{
		listener: l, ended: make(chan struct{}), changed: make(chan struct{}), token: token,
		bot: Bot{
			User:          User{ID: id, IsBot: true, FirstName: "Postern", Username: "postern_test_bot"},
			CanJoinGroups: true, CanReadAllGroupMessages: true,
		},
		conns: map[net.Conn]struct{}{}, users: map[int64]User{}, chats: map[int64]*chat{},
		files: map[string]*stored{}, clicks: map[string]*string{}, nextID: 860_000_001,
	}
	s.AddUser(User{ID: Person, FirstName: "Ada", LastName: "Lovelace", Username: "ada"})
	s.AddChat(Chat{ID: Group, Type: "supergroup", Title: "Engine room", IsForum: true})
	s.AddTopic(Group, Topic, "Deployments")
	s.AddChat(Chat{ID: Basic, Type: "group", Title: "Tea"})
	s.AddChat(Chat{ID: Channel, Type: "channel", Title: "News", Username: "news_channel"})
	s.http = &http.Server{Handler: s, ConnState: s.connState, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	s.serving.Add(1)
	go func() {
		defer s.serving.Done()
		_ = s.http.Serve(gate{l, s})
	}()
	return s, nil
}

// URL is the server's address, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close ends every call and waits for the server's goroutines.
func (s *Server) Close() {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		close(s.ended)
		_ = s.http.Close()
	}
	s.serving.Wait()
}

// gate turns new connections away while the server is down.
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
			g.s.conns[c] = struct{}{}
		}
		g.s.mu.Unlock()
		if !down {
			return c, nil
		}
		_ = c.Close()
	}
}

func (s *Server) connState(c net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}
}

// do runs f under the lock and tells whoever waits that something changed.
func (s *Server) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// refusal is an answer with ok false.
type refusal struct {
	code        int
	description string
	parameters  map[string]any
	fault       *Fault // instead: fail so
}

func refuse(code int, description string) *refusal {
	return &refusal{code: code, description: description}
}
func badRequest(description string) *refusal { return refuse(400, "Bad Request: "+description) }

// ServeHTTP is a Bot API server's whole interface: /bot<token>/<method> and
// /file/bot<token>/<path>.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.serving.Add(1)
	s.mu.Unlock()
	defer s.serving.Done()

	path, isFile := strings.CutPrefix(r.URL.Path, "/file")
	path, ok := strings.CutPrefix(path, "/bot")
	token, rest, _ := strings.Cut(path, "/")
	if !ok || rest == "" {
		answer(w, nil, refuse(404, "Not Found"))
		return
	}
	if isFile {
		s.serveFile(w, r, token, rest)
		return
	}
	req, err := parse(r)
	if err != nil {
		answer(w, nil, err)
		return
	}
	h := methods[strings.ToLower(rest)]
	if h.call == nil {
		answer(w, nil, refuse(404, "Not Found"))
		return
	}
	req.method = h.name
	f, failing := s.enter(req)
	if failing && !f.carriedOut() {
		s.fail(w, r, f)
		return
	}
	if !s.knows(token) {
		answer(w, nil, refuse(401, "Unauthorized"))
		return
	}
	result, refused := h.call(s, req)
	if refused != nil && refused.fault != nil {
		f, failing = fault{req.method, *refused.fault}, true
	}
	if failing {
		s.fail(w, r, f)
		return
	}
	answer(w, result, refused)
}

func (s *Server) knows(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return token == s.token && !s.revoked
}

// method is one method of the Bot API.
type method struct {
	name string
	call func(*Server, *request) (any, *refusal)
}

// methods has them by their names in lower case: names are not case-sensitive.
var methods = table(map[string]func(*Server, *request) (any, *refusal){
	"getMe":                  (*Server).getMe,
	"getUpdates":             (*Server).getUpdates,
	"setWebhook":             (*Server).setWebhook,
	"deleteWebhook":          (*Server).deleteWebhook,
	"getWebhookInfo":         (*Server).getWebhookInfo,
	"sendMessage":            (*Server).sendMessage,
	"sendPhoto":              (*Server).sendFile,
	"sendDocument":           (*Server).sendFile,
	"sendAudio":              (*Server).sendFile,
	"sendVoice":              (*Server).sendFile,
	"sendVideo":              (*Server).sendFile,
	"sendAnimation":          (*Server).sendFile,
	"editMessageText":        (*Server).editMessage,
	"editMessageCaption":     (*Server).editMessage,
	"editMessageReplyMarkup": (*Server).editMessage,
	"deleteMessage":          (*Server).deleteMessage,
	"getFile":                (*Server).getFile,
	"getChat":                (*Server).getChat,
	"answerCallbackQuery":    (*Server).answerCallbackQuery,
	"sendChatAction":         (*Server).sendChatAction,
})

func table(m map[string]func(*Server, *request) (any, *refusal)) map[string]method {
	t := map[string]method{}
	for name, call := range m {
		t[strings.ToLower(name)] = method{name, call}
	}
	return t
}

func answer(w http.ResponseWriter, result any, r *refusal) {
	w.Header().Set("Content-Type", "application/json")
	if r == nil {
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": result})
		return
	}
	body := map[string]any{"ok": false, "error_code": r.code, "description": r.description}
	if r.parameters != nil {
		body["parameters"] = r.parameters
	}
	w.WriteHeader(r.code)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *Server) getMe(*request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bot, nil
}
