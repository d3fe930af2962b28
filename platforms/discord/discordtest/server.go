// Package discordtest is a Discord server for tests and demonstrations: the
// gateway with its sessions, and the part of the REST interface that a chat bot
// uses. It is written from https://discord.com/developers/docs and knows nothing
// of the connector. People's side of the conversation is scripted by the
// Server's methods.
package discordtest

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Server is one Discord that knows one application with a bot. All methods are
// safe for several goroutines and take effect before they return.
type Server struct {
	listener net.Listener
	http     *http.Server
	ended    chan struct{}  // closed by Close
	serving  sync.WaitGroup // the accept loop, every request and every socket
	token    string

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change
	closed   bool
	down     bool
	revoked  bool
	skew     time.Duration // of the server's clock
	interval int           // heartbeat_interval, in milliseconds
	outage   bool          // guilds are out of order
	refuse   int           // close code for the next Identify or Resume; 0: none
	starts   int           // session_start_limit.remaining
	window   time.Duration // how long a session without a connection is kept
	flags    int           // the application's
	endpoint string        // its interactions_endpoint_url
	conns    map[*conn]struct{}
	sockets  map[*socket]struct{}
	sessions map[string]*session
	next     uint64 // number of the next id

	users    map[string]User
	guilds   []*Guild
	channels map[string]*Channel
	posts    map[string]*post
	order    []*post // as they were written
	nonces   map[string]once
	files    map[string]File
	commands []map[string]any
	tickets  map[string]*ticket

	typed  []string
	said   []string // what clickers were shown
	beats  int
	faults []fault
	held   int
	calls  []Call
}

// User is a person or a bot.
type User struct {
	ID, Name, Display string
	Bot               bool
}

// Guild is a server of people, as they call it.
type Guild struct{ ID, Name string }

// Channel is a place to write in. Guild is empty for a direct conversation, whose
// other side is Person; Parent is set for a thread.
type Channel struct {
	ID, Name, Guild, Parent, Person string
	Type                            int

	last string // id of the last message
}

// once is what was sent under a nonce.
type once struct {
	id string
	at time.Time
}

// What every Server begins with: a guild with a channel and a thread in it, and
// a direct conversation with a person.
const (
	Bot     = "1090000000000000001"
	App     = "1090000000000000001"
	Person  = "1080000000000000002"
	HomeID  = "1070000000000000003"
	Group   = "1070000000000000004"
	Thread  = "1070000000000000005"
	Direct  = "1070000000000000006"
	BotRole = "1070000000000000007"
	Nowhere = "1070000000000000999"
)

// Kinds of channels.
const (
	guildText    = 0
	direct       = 1
	publicThread = 11
)

// contentFlags is the flags of an application that may read messages, in full
// or in few servers.
const contentFlags = 1<<18 | 1<<19

// New starts a server on a free port of the loopback address, for the bot with
// this token.
func New(token string) (*Server, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("discordtest: %w", err)
	}
	s := &Server{
		listener: l, ended: make(chan struct{}), changed: make(chan struct{}), token: token,
		interval: 41250, starts: 1000, window: 2 * time.Minute, flags: 1 << 19,
		conns: map[*conn]struct{}{}, sockets: map[*socket]struct{}{}, sessions: map[string]*session{},
		users: map[string]User{}, channels: map[string]*Channel{}, posts: map[string]*post{}, nonces: map[string]once{},
		files: map[string]File{}, tickets: map[string]*ticket{},
	}
	s.AddUser(User{ID: Bot, Name: "postern", Display: "Postern", Bot: true})
	s.AddUser(User{ID: Person, Name: "ada", Display: "Ada Lovelace"})
	s.AddGuild(Guild{ID: HomeID, Name: "Analytical Society"})
	s.AddChannel(Channel{ID: Group, Name: "engine-room", Guild: HomeID})
	s.AddChannel(Channel{ID: Thread, Name: "note G", Guild: HomeID, Parent: Group, Type: publicThread})
	s.AddChannel(Channel{ID: Direct, Person: Person, Type: direct})
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	s.serving.Add(1)
	go func() {
		defer s.serving.Done()
		_ = s.http.Serve(gate{l, s})
	}()
	return s, nil
}

// URL is the address of the REST interface, below which stands its version.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() + "/api" }

// AddUser makes a person known.
func (s *Server) AddUser(u User) { s.do(func() { s.users[u.ID] = u }) }

// AddGuild makes the bot a member of a server of people.
func (s *Server) AddGuild(g Guild) { s.do(func() { s.guilds = append(s.guilds, &g) }) }

// RemoveGuilds takes the bot out of all.
func (s *Server) RemoveGuilds() { s.do(func() { s.guilds = nil }) }

// AddChannel makes a channel known, which the bot may read.
func (s *Server) AddChannel(c Channel) { s.do(func() { s.channels[c.ID] = &c }) }

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
	close(s.changed)
	s.changed = make(chan struct{})
}

// now is the server's clock. It is called under the lock.
func (s *Server) now() time.Time { return time.Now().Add(s.skew) }

// epoch is the first millisecond of an id.
const epoch = 1420070400000

// id is a new snowflake. It is called under the lock.
func (s *Server) id() string {
	s.next++
	return strconv.FormatUint(uint64(s.now().UnixMilli()-epoch)<<22|s.next&0x3FFFFF, 10)
}

// ServeHTTP is the whole platform's interface.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.serving.Add(1)
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	s.mu.Unlock()
	defer s.serving.Done()
	switch {
	case r.URL.Path == "/gateway" || r.URL.Path == "/gateway/":
		s.serveSocket(w, r)
	case len(r.URL.Path) > len(filesPath) && r.URL.Path[:len(filesPath)] == filesPath:
		s.serveFile(w, r)
	default:
		s.serveCall(w, r)
	}
}
