// Package chathooktest is the receiving end of incoming webhooks, as Chatalot,
// Slack, Discord, Mattermost and Microsoft Teams document theirs. It is strict:
// what a documentation does not name is refused, so that a misspelt key is seen.
package chathooktest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Form is whose webhook it is.
type Form string

// The forms.
const (
	Chatalot   Form = "chatalot"
	Slack      Form = "slack"
	Discord    Form = "discord"
	Mattermost Form = "mattermost"
	Teams      Form = "teams"
)

// Forms is all of them.
func Forms() []Form { return []Form{Chatalot, Slack, Discord, Mattermost, Teams} }

// Message is one that was posted.
type Message struct {
	ID     string // what the answer named it by
	Text   string // as a reader sees it
	Name   string // under which it appears; empty: the webhook's own
	Avatar string
	Pings  []string // who is told of it, by what follows the @
	Body   string   // as it came
}

// Fault is how the server fails once.
type Fault struct {
	Kind       FaultKind
	RetryAfter time.Duration // of Limited, in whole seconds; 0: it does not say
	Code       int           // of Status
	Word       string        // of Status, instead of the form's usual one
}

// FaultKind is a way to fail.
type FaultKind int

// The ways to fail.
const (
	ServerError FaultKind = iota
	Malformed
	Limited
	Hang
	Lost
	Status
)

// tokens are long, as the services' are.
const (
	tokenChatalot   = "aZ3kQ9mT7xW1rB5nC8vY2dF6gH4jK0pLaZ3kQ9mT7xW1rB5nC8vY2dF6gH4jK0pL"
	tokenSlack      = "XXXXXXXXXXXXXXXXXXXXXXXX"
	tokenDiscord    = "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789-aBcDeFgHiJkLmNoPqRsTuVwXyZ012345"
	tokenMattermost = "xq3k9mt7xw1rb5nc8vy2df6gh4"
	tokenTeams      = "kP3mT7xW1rB5nC8vY2dF6gH4jK0pLaZ3kQ9mT7xW1rB"
	hookDiscord     = "1127391823749120001"
)

// Name is what Discord tells of its webhook.
const Name = "Build bot"

// Server is one webhook of one chat.
type Server struct {
	form    Form
	address string
	ending  chan struct{}
	work    sync.WaitGroup

	mu       sync.Mutex
	http     *http.Server
	sent     []Message
	gone     string // the word for it
	faults   []Fault
	held     int
	requests int
	left     int // of the current window; negative: there is no limit
	window   time.Duration
	closed   bool
}

// New starts one on 127.0.0.1.
func New(form Form) (*Server, error) {
	s := &Server{form: form, ending: make(chan struct{}), left: -1}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.address = l.Addr().String()
	s.serve(l)
	return s, nil
}

func (s *Server) serve(l net.Listener) {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	s.mu.Lock()
	s.http = srv
	s.mu.Unlock()
	s.work.Go(func() { _ = srv.Serve(l) })
}

// URL is the webhook's address.
func (s *Server) URL() string { return "http://" + s.address + s.path() }

// Token is the part of the address that must not be told.
func (s *Server) Token() string {
	switch s.form {
	case Slack:
		return tokenSlack
	case Discord:
		return tokenDiscord
	case Mattermost:
		return tokenMattermost
	case Teams:
		return tokenTeams
	}
	return tokenChatalot
}

func (s *Server) path() string {
	switch s.form {
	case Slack:
		return "/services/T00000000/B00000000/" + tokenSlack
	case Discord:
		return "/api/webhooks/" + hookDiscord + "/" + tokenDiscord
	case Mattermost:
		return "/hooks/" + tokenMattermost
	case Teams:
		return "/workflows/0c2d7f/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=" + tokenTeams
	}
	return "/api/webhooks/execute/" + tokenChatalot
}

// Sent is what was posted, oldest first.
func (s *Server) Sent() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

// Requests is how many came, whatever became of them.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Revoke deletes the webhook.
func (s *Server) Revoke() { s.Gone("deleted") }

// Gone ends the webhook by the form's own word for why; empty: it is back.
func (s *Server) Gone(word string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = word
}

// Fail breaks the next request.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// Limit accepts n more posts, and tells with the last one that the next may come
// after window.
func (s *Server) Limit(n int, window time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left, s.window = n, window
}

// Held is how many requests are hanging.
func (s *Server) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// Down cuts every connection and refuses new ones until Up.
func (s *Server) Down() {
	s.mu.Lock()
	srv := s.http
	s.mu.Unlock()
	_ = srv.Close()
}

// Up ends Down.
func (s *Server) Up() error {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.serve(l)
	return nil
}

// Close stops the server and waits for its goroutines.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()
	close(s.ending)
	s.Down()
	s.work.Wait()
}

var version = regexp.MustCompile(`^/api/v\d+/`)

// ServeHTTP is http.Handler's.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests++
	gone := s.gone
	var f *Fault
	if len(s.faults) > 0 {
		f = &s.faults[0]
		s.faults = s.faults[1:]
	}
	s.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	if f != nil && s.fail(w, r, *f, body) {
		return
	}
	asked := r.Method == http.MethodGet && s.form == Discord
	path := strings.TrimSuffix(r.URL.Path, "/")
	if s.form == Discord { // with a version, or the latest
		path = version.ReplaceAllString(path, "/api/")
	}
	switch {
	case path != strings.Split(s.path(), "?")[0] || s.form == Teams && r.URL.Query().Get("sig") != tokenTeams:
		s.refuse(w, 404, "")
	case gone != "" && gone != "deleted":
		s.refuse(w, statusOf(gone), gone)
	case gone != "":
		s.refuse(w, 404, "")
	case asked:
		write(w, 200, map[string]any{"id": hookDiscord, "type": 1, "name": Name, "channel_id": "1127391823749120002", "guild_id": "1127391823749120003", "token": tokenDiscord, "avatar": nil, "application_id": nil})
	case r.Method != http.MethodPost:
		s.refuse(w, 405, "")
	default:
		s.accept(w, r, body)
	}
}

// accept takes a message that is in the form.
func (s *Server) accept(w http.ResponseWriter, r *http.Request, body []byte) {
	m, bad := s.read(r, body)
	if bad != nil {
		s.refuse(w, bad.status, bad.word)
		return
	}
	s.mu.Lock()
	if s.left == 0 {
		window := s.window
		s.mu.Unlock()
		s.limited(w, window)
		return
	}
	n := len(s.sent) + 1
	m.ID = s.id(n)
	s.sent = append(s.sent, m)
	if s.left > 0 {
		s.left--
	}
	left, window := s.left, s.window
	s.mu.Unlock()
	if s.form == Discord && left >= 0 {
		w.Header().Set("X-RateLimit-Limit", "5")
		w.Header().Set("X-RateLimit-Remaining", fmt.Sprint(left))
		w.Header().Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", window.Seconds()))
	}
	s.accepted(w, r, m, n)
}

// id is what the answer names message n by.
func (s *Server) id(n int) string {
	switch s.form {
	case Discord:
		return fmt.Sprint(1127391823749200000 + n)
	case Slack:
		return fmt.Sprintf("2c6d2bd6cd4c%020d", n)
	case Mattermost:
		return fmt.Sprintf("hoan6o9ws7rp5xj7wu%08d", n)
	case Teams:
		return fmt.Sprintf("085849%026dCU%02d", n, n%100)
	}
	return fmt.Sprintf("7f3b2c1e-0000-4000-8000-%012d", n)
}

// accepted answers as each service does.
func (s *Server) accepted(w http.ResponseWriter, r *http.Request, m Message, n int) {
	switch s.form {
	case Chatalot:
		write(w, 201, map[string]any{"message_id": m.ID, "channel_id": "c1", "created_at": "2026-11-20T10:00:00Z", "status": "ok"})
	case Discord:
		if r.URL.Query().Get("wait") != "true" {
			w.WriteHeader(204)
			return
		}
		write(w, 200, map[string]any{"id": m.ID, "type": 0, "channel_id": "1127391823749120002", "webhook_id": hookDiscord, "content": m.Text,
			"author":    map[string]any{"id": hookDiscord, "username": Name, "bot": true, "discriminator": "0000", "avatar": nil},
			"timestamp": "2026-11-20T10:00:00.000000+00:00", "edited_timestamp": nil, "tts": false, "mention_everyone": false,
			"mentions": []any{}, "mention_roles": []any{}, "attachments": []any{}, "embeds": []any{}, "pinned": false, "components": []any{}, "flags": 0})
	case Teams:
		w.Header().Set("X-Ms-Workflow-Run-Id", m.ID)
		w.WriteHeader(202)
	case Slack, Mattermost:
		header := map[Form]string{Slack: "X-Slack-Req-Id", Mattermost: "X-Request-Id"}
		w.Header().Set(header[s.form], m.ID)
		w.Header().Set("Content-Type", map[Form]string{Slack: "text/html", Mattermost: "text/plain"}[s.form])
		_, _ = io.WriteString(w, "ok")
	}
}
