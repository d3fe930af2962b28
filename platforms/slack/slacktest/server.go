// Package slacktest is a stand-in for Slack: its Web API, Socket Mode, response
// URLs and files over loopback, with one app installed in one workspace. It is
// written from https://docs.slack.dev, knows nothing of any client, and takes
// no testing.TB, so that a demo can use it too.
package slacktest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// What every Server has from the beginning.
const (
	Team   = "T0POSTERN1"
	AppID  = "A0POSTERN1"
	Bot    = "U0POSTERN1" // the bot as a user
	BotID  = "B0POSTERN1" // the bot as a bot
	Person = "U0ADAAAAA1"

	Direct  = "D0ADAAAAA1"        // Person with the bot
	Group   = "C0GENERAL1"        // a channel with both
	Nowhere = "C0NOWHERE1"        // no such channel
	Root    = "1700000000.000100" // Person's message in Group that has replies
)

// scopes is what the app was granted.
var scopes = []string{
	"app_mentions:read", "channels:history", "channels:read", "chat:write", "commands", "files:read", "files:write",
	"groups:history", "groups:read", "im:history", "im:read", "im:write", "mpim:history", "mpim:read", "users:read",
}

// User is somebody in the workspace.
type User struct {
	ID, Name, RealName string
	Bot                bool
}

// Channel is a conversation. With is the other person of a direct one.
type Channel struct {
	ID, Name, With string
	Private, MPIM  bool
}

// Server is the stand-in. Make it with New.
type Server struct {
	bot, app string
	listener *listener
	http     *http.Server
	done     chan struct{}
	wg       sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed at the next change
	offset   time.Duration // of the clock
	lastTS   int64         // microseconds
	ping     time.Duration
	revoked  bool
	closed   bool
	scopes   []string
	users    map[string]User
	channels map[string]*channel
	order    []string // of channels
	files    map[string]*file
	uploads  map[string]*file
	tickets  map[string]bool
	faults   map[string][]Fault
	held     int
	calls    map[string]int
	conns    []*conn
	hellos   int
	gaps     int
	open     int // what hello adds to num_connections
	queue    []*envelope
	last     *envelope
	acked    []string
	acks     int
	beats    int
	ephemera []string
	urls     map[string]*responseURL
	sent     []*message
	number   int
}

type channel struct {
	Channel
	messages []*message
}

// New starts a server for an app with these tokens.
func New(botToken, appToken string) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		bot: botToken, app: appToken, listener: &listener{Listener: l, conns: map[net.Conn]bool{}}, done: make(chan struct{}),
		ping: 5 * time.Second, scopes: slices.Clone(scopes),
		users: map[string]User{}, channels: map[string]*channel{}, files: map[string]*file{}, uploads: map[string]*file{},
		tickets: map[string]bool{}, faults: map[string][]Fault{}, calls: map[string]int{}, urls: map[string]*responseURL{},
	}
	s.AddUser(User{ID: Bot, Name: "postern", RealName: "Postern", Bot: true})
	s.AddUser(User{ID: Person, Name: "ada", RealName: "Ada Lovelace"})
	s.AddChannel(Channel{ID: Direct, With: Person})
	s.AddChannel(Channel{ID: Group, Name: "general"})
	s.channels[Group].messages = append(s.channels[Group].messages, &message{ts: Root, channel: Group, user: Person, text: "the beginning"})
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	s.wg.Go(func() { _ = s.http.Serve(s.listener) })
	return s, nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.call)
	mux.HandleFunc("POST /upload/v1/{id}", s.upload)
	mux.HandleFunc("GET /files-pri/{id}/{name}", s.download)
	mux.HandleFunc("POST /response/{id}", s.respond)
	mux.HandleFunc("GET /link/", s.link)
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, "<!DOCTYPE html><title>Sign in</title>")
	})
	return mux
}

// URL is the server's address; the Web API is below /api/.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close ends everything and waits for it.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.done)
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		c.close()
	}
	_ = s.http.Close()
	s.listener.cut()
	s.wg.Wait()
}

// AddUser adds or replaces somebody.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.ID] = u
}

// AddChannel adds a conversation that the bot is in.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[c.ID] == nil {
		s.order = append(s.order, c.ID)
	}
	s.channels[c.ID] = &channel{Channel: c}
}

// SetScopes replaces what the app was granted.
func (s *Server) SetScopes(scopes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scopes = scopes
}

// Scopes is what the app was granted.
func (s *Server) Scopes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.scopes)
}

// signal wakes who waits for a change. The lock is held.
func (s *Server) signal() {
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// Wait waits until ok, which is called with the lock held, or ctx ends.
func (s *Server) wait(ctx context.Context, ok func() bool) error {
	for {
		s.mu.Lock()
		if ok() {
			s.mu.Unlock()
			return nil
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-s.done:
			return errors.New("slacktest: the server was closed")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// now is the server's time. The lock is held.
func (s *Server) now() time.Time { return time.Now().Add(s.offset) }

// ts is the next message's. The lock is held.
func (s *Server) ts() string {
	s.lastTS = max(s.lastTS+1, s.now().UnixMicro())
	return fmt.Sprintf("%d.%06d", s.lastTS/1e6, s.lastTS%1e6)
}

// id is a new one with a prefix. The lock is held.
func (s *Server) id(prefix string) string {
	s.number++
	return fmt.Sprintf("%s0%08X", prefix, s.number)
}

// token is something that can't be guessed.
func token() string { return rand.Text() }

// listener can refuse what comes, and cut what came.
type listener struct {
	net.Listener

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		if !l.down {
			l.conns[c] = true
			l.mu.Unlock()
			return &tracked{Conn: c, l: l}, nil
		}
		l.mu.Unlock()
		_ = c.Close()
	}
}

// cut closes every connection.
func (l *listener) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		_ = c.Close()
	}
	clear(l.conns)
}

func (l *listener) set(down bool) {
	l.mu.Lock()
	l.down = down
	l.mu.Unlock()
	if down {
		l.cut()
	}
}

type tracked struct {
	net.Conn
	l *listener
}

func (t *tracked) Close() error {
	t.l.mu.Lock()
	delete(t.l.conns, t.Conn)
	t.l.mu.Unlock()
	return t.Conn.Close()
}
