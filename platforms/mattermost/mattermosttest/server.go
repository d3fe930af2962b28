// Package mattermosttest is a Mattermost server as far as a bot sees it: the
// WebSocket and the part of the REST interface that bots use, over loopback. It
// is written from https://developers.mattermost.com/api-documentation/, and knows
// nothing of any connector.
package mattermosttest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The people and places that every Server knows.
const (
	Bot    = "bot00000000000000000000001"
	Person = "ada00000000000000000000001"
	Team   = "team0000000000000000000001"
	Direct = "dm000000000000000000000001" // between Person and the bot
	Town   = "town0000000000000000000001" // a channel
	Thread = "root0000000000000000000001" // a post in Town that is answered in a thread
)

// User is a person or a bot.
type User struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	First    string `json:"first_name"`
	Last     string `json:"last_name"`
	Nickname string `json:"nickname"`
	Bot      bool   `json:"is_bot,omitempty"`
	Roles    string `json:"roles"`
	Email    string `json:"email"`
	CreateAt int64  `json:"create_at"`
	UpdateAt int64  `json:"update_at"`
	DeleteAt int64  `json:"delete_at"`
}

// Channel is where posts are.
type Channel struct {
	ID          string `json:"id"`
	TeamID      string `json:"team_id"`
	Type        string `json:"type"`
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	LastPostAt  int64  `json:"last_post_at"`
	CreateAt    int64  `json:"create_at"`
	DeleteAt    int64  `json:"delete_at"`
}

// FileInfo is a file as the server tells of it.
type FileInfo struct {
	ID        string `json:"id"`
	UserID    string `json:"user_id"`
	Name      string `json:"name"`
	Extension string `json:"extension"`
	MediaType string `json:"mime_type"`
	Size      int64  `json:"size"`

	data []byte
}

// Reaction is one person's under a post.
type Reaction struct {
	UserID   string `json:"user_id"`
	PostID   string `json:"post_id"`
	Emoji    string `json:"emoji_name"`
	CreateAt int64  `json:"create_at"`
}

// Post is a message.
type Post struct {
	ID        string         `json:"id"`
	CreateAt  int64          `json:"create_at"`
	UpdateAt  int64          `json:"update_at"`
	EditAt    int64          `json:"edit_at"`
	DeleteAt  int64          `json:"delete_at"`
	UserID    string         `json:"user_id"`
	ChannelID string         `json:"channel_id"`
	RootID    string         `json:"root_id"`
	Message   string         `json:"message"`
	Type      string         `json:"type"`
	Props     map[string]any `json:"props"`
	FileIDs   []string       `json:"file_ids,omitempty"`
	PendingID string         `json:"pending_post_id"`
	Metadata  struct {
		Files     []FileInfo `json:"files,omitempty"`
		Reactions []Reaction `json:"reactions,omitempty"`
	} `json:"metadata"`
}

type team struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Server is the emulator. Make it with New.
type Server struct {
	http     *http.Server
	listener net.Listener
	wg       sync.WaitGroup

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change
	token    string
	users    map[string]User
	channels map[string]*Channel
	posts    map[string]*Post
	order    []string // of posts, oldest first
	files    map[string]*FileInfo
	pending  map[string]string // pending_post_id → post
	conns    []*conn
	open     map[net.Conn]struct{}
	faults   map[string][]Fault
	typed    []string
	answers  []string
	teams    []team
	commands []*Command
	rights   CommandRights
	absent   map[string]bool // channel/user
	calls    map[string]int
	clock    time.Duration // ahead of the real one
	last     int64         // time of the newest thing, so that each has its own
	beats    int
	pings    time.Duration
	held     int
	down     bool
	revoked  bool
	closed   bool
	ended    chan struct{}
}

// New starts a server with one bot, whose token this is.
func New(token string) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		listener: l, changed: make(chan struct{}), token: token, ended: make(chan struct{}), pings: time.Minute,
		users: map[string]User{}, channels: map[string]*Channel{}, posts: map[string]*Post{}, files: map[string]*FileInfo{},
		pending: map[string]string{}, open: map[net.Conn]struct{}{}, faults: map[string][]Fault{}, calls: map[string]int{},
		teams: []team{{Team, "analytical"}}, absent: map[string]bool{},
	}
	s.AddUser(User{ID: Bot, Username: "postern", First: "Postern", Bot: true, Roles: "system_user"})
	s.AddUser(User{ID: Person, Username: "ada", First: "Ada", Last: "Lovelace", Roles: "system_user"})
	s.AddChannel(Channel{ID: Direct, Type: "D", Name: Bot + "__" + Person})
	s.AddChannel(Channel{ID: Town, TeamID: Team, Type: "O", Name: "engine-room", DisplayName: "Engine room"})
	s.mu.Lock()
	root := &Post{ID: Thread, UserID: Person, ChannelID: Town, Message: "A thread begins here.", CreateAt: s.now() - 3_600_000}
	s.posts[root.ID] = root
	s.order = append(s.order, root.ID)
	s.channels[Town].LastPostAt = root.CreateAt
	s.mu.Unlock()
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second, ConnState: s.state}
	s.wg.Go(func() { _ = s.http.Serve(gate{l, s}) })
	return s, nil
}

// URL is the server's address.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Close stops the server and waits for its goroutines.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.ended)
	s.mu.Unlock()
	s.cut(true)
	_ = s.http.Close()
	s.wg.Wait()
}

// AddUser makes a person known.
func (s *Server) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.ID] = u
}

// AddChannel makes a channel known, with the bot in it.
func (s *Server) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.channels[c.ID] = &c
}

// now is the server's time in milliseconds, never the same twice. The lock is
// held.
func (s *Server) now() int64 {
	t := max(time.Now().Add(s.clock).UnixMilli(), 1)
	if t <= s.last && s.last-t < 3_600_000 {
		t = s.last + 1
	}
	s.last = t
	return t
}

// id is a new one, 26 letters and digits.
func id() string { return strings.ToLower(rand.Text()) }

// signal wakes whoever waits. The lock is held.
func (s *Server) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// refusal is Mattermost's error object.
type refusal struct {
	ID        string `json:"id"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
	Status    int    `json:"status_code"`
}

func refuse(status int, id, message string) *refusal {
	return &refusal{ID: id, Message: message, RequestID: "request", Status: status}
}

func answer(w http.ResponseWriter, v any, r *refusal) {
	w.Header().Set("Content-Type", "application/json")
	if r != nil {
		w.WriteHeader(r.Status)
		v = r
	}
	_ = json.NewEncoder(w).Encode(v)
}

// serve is the whole interface, below /api/v4/.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v4/")
	if !ok {
		s.mu.Lock()
		s.calls[r.Method+" "+r.URL.Path]++
		s.mu.Unlock()
		answer(w, nil, refuse(404, "api.context.404.app_error", "Sorry, we could not find the page."))
		return
	}
	kind := "call"
	if path == "websocket" {
		kind = "socket"
	}
	s.mu.Lock()
	s.calls[r.Method+" "+path]++
	s.signal()
	f, failing := s.fault(kind)
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	allowed := strings.EqualFold(scheme, "Bearer") && given == s.token && !s.revoked
	s.mu.Unlock()
	if failing && f.Kind != Lost {
		s.fail(w, r, f)
		return
	}
	if path == "websocket" {
		if failing {
			panic(http.ErrAbortHandler)
		}
		s.socket(w, r, allowed)
		return
	}
	if path == "system/ping" {
		answer(w, map[string]string{"status": "OK"}, nil)
		return
	}
	if !allowed {
		answer(w, nil, refuse(401, "api.context.session_expired.app_error", "Invalid or expired session, please login again."))
		return
	}
	if r.Method == http.MethodGet && strings.HasPrefix(path, "files/") && !strings.HasSuffix(path, "/info") {
		s.download(w, strings.TrimPrefix(path, "files/"))
		return
	}
	v, refused := s.route(r, path)
	if failing {
		s.fail(w, r, f)
		return
	}
	if refused == nil && r.Method == http.MethodPost && (path == "posts" || path == "files" || path == "reactions" || path == "commands") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
	}
	answer(w, v, refused)
}

// hidden reports whether the bot may not see a channel. The lock is held.
func (s *Server) hidden(c *Channel) bool { return c.Type != "O" && s.absent[c.ID+"/"+Bot] }

func missing(what string) *refusal {
	return refuse(404, "app."+what+".get.app_error", fmt.Sprintf("Unable to find the existing %s.", what))
}

func (s *Server) route(r *http.Request, path string) (any, *refusal) {
	parts := strings.Split(path, "/")
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	user := at(1)
	if user == "me" {
		user = Bot
	}
	switch {
	case r.Method == "POST" && path == "files":
		return s.upload(r)
	case r.Method == "POST" && path == "posts":
		return s.create(r)
	case r.Method == "POST" && path == "reactions":
		return s.react(r)
	case r.Method == "PUT" && at(0) == "posts" && at(2) == "patch":
		return s.patch(r, at(1))
	case r.Method == "POST" && at(0) == "users" && at(2) == "typing":
		return s.typing(r)
	case r.Method == "POST" && path == "users/ids":
		return s.usersByID(r)
	case at(0) == "commands":
		return s.commandCall(r, parts)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.Method != "GET":
	case at(0) == "users" && len(parts) == 2:
		if u, ok := s.users[user]; ok {
			return u, nil
		}
		return nil, missing("user")
	case at(0) == "users" && at(2) == "teams" && len(parts) == 3:
		return s.teams, nil
	case at(0) == "users" && at(len(parts)-1) == "channels":
		var all []Channel
		for _, c := range s.channels {
			all = append(all, *c)
		}
		slices.SortFunc(all, func(a, b Channel) int { return strings.Compare(a.ID, b.ID) })
		return all, nil
	case at(0) == "channels" && len(parts) == 2:
		c, ok := s.channels[at(1)]
		if !ok {
			return nil, missing("channel")
		}
		if s.hidden(c) {
			return nil, refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
		}
		return *c, nil
	case at(0) == "channels" && at(2) == "posts":
		return s.page(r, at(1))
	case at(0) == "channels" && at(2) == "members" && len(parts) == 4:
		who, in := at(3), s.channels[at(1)]
		if who == "me" {
			who = Bot
		}
		if in != nil && s.hidden(in) {
			return nil, refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
		}
		if _, ok := s.users[who]; ok && in != nil && !s.absent[in.ID+"/"+who] {
			return map[string]any{"channel_id": in.ID, "user_id": who, "roles": "channel_user"}, nil
		}
		return nil, missing("channel_member")
	case at(0) == "posts" && len(parts) == 2:
		if p, ok := s.posts[at(1)]; ok && p.DeleteAt == 0 {
			return s.shown(p), nil
		}
		return nil, missing("post")
	case path == "config/client":
		return map[string]string{"Version": "11.0.0", "MaxPostSize": "16383"}, nil
	}
	return nil, refuse(404, "api.context.404.app_error", "Sorry, we could not find the page.")
}
