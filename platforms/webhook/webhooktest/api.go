package webhooktest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Token is the one that the services know.
const Token = "token-of-the-service-1234567890"

// Hook is what somebody registered.
type Hook struct {
	ID       string
	Where    string // "owner/repository", "group/project"; empty at Webex
	URL      string
	Secret   string
	Events   []string // at Webex: resource, event and filter
	Insecure bool     // its certificate isn't checked
	JSON     bool     // GitHub: content_type
	Off      bool
}

// Failure is what the next requests are answered with.
type Failure struct {
	Method string // of those only; empty: all
	Status int
	Header http.Header
	Body   string
	Times  int // how many; 0: all from now on
}

// Deliver sends a request to url and gives the status of the answer, 0 for none.
type Deliver func(url string, h http.Header, body []byte) int

// API is that by which GitHub, GitLab or Webex is told where to deliver, as its
// documentation describes it. It delivers their pings and tests. Its methods may
// be called from several goroutines.
//
// https://docs.github.com/en/rest/repos/webhooks
// https://docs.gitlab.com/api/project_webhooks/
// https://developer.webex.com/docs/api/v1/webhooks
type API struct {
	server   *http.Server
	listener net.Listener
	serving  sync.WaitGroup
	deliver  Deliver

	mu       sync.Mutex
	service  Service
	places   []string // that there are, and the token may administer
	hooks    []Hook
	next     int
	failures []Failure
	asked    []string
	statuses []int
	quiet    bool // no ping or test is delivered
	page     int  // hooks on a page, at most; 0: as asked
}

// NewAPI starts a service at the loopback address. places are its repositories,
// organizations or projects; Webex has none. Where deliver is nil, it posts.
func NewAPI(service Service, deliver Deliver, places ...string) (*API, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("webhooktest: %w", err)
	}
	if deliver == nil {
		deliver = Post
	}
	s := &API{listener: l, deliver: deliver, service: service, places: places, next: 4711}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	s.serving.Go(func() { _ = s.server.Serve(l) })
	return s, nil
}

// Post is a Deliver that makes a request of it.
func Post(url string, h http.Header, body []byte) int {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header = h.Clone()
	t := &http.Transport{DisableKeepAlives: true}
	resp, err := t.RoundTrip(r)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	_ = resp.Body.Close()
	return resp.StatusCode
}

// Close stops it and waits for deliveries.
func (s *API) Close() {
	_ = s.server.Close()
	s.serving.Wait()
}

// URL is the address of the API, as a person enters it.
func (s *API) URL() string {
	base := "http://" + s.listener.Addr().String()
	switch s.service {
	case GitHub:
		return base + "/api/v3"
	case Webex:
		return base + "/v1"
	}
	return base
}

// Hooks is what is registered, oldest first.
func (s *API) Hooks() []Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.hooks)
}

// Add registers a hook as if somebody had done it by hand, and gives its id.
func (s *API) Add(h Hook) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addLocked(h)
}

func (s *API) addLocked(h Hook) string {
	h.ID = strconv.Itoa(s.next)
	if s.service == Webex {
		h.ID = "Y2lzY29zcGFyazovL3VzL1dFQkhPT0sv" + h.ID
	}
	s.next++
	s.hooks = append(s.hooks, h)
	return h.ID
}

// Fail has requests fail, in the order in which it is told.
func (s *API) Fail(f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, f)
}

// Heal ends Fail.
func (s *API) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = nil
}

// Quiet has no ping or test delivered.
func (s *API) Quiet(quiet bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = quiet
}

// Page has lists come in pages of n hooks at most.
func (s *API) Page(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.page = n
}

// SwitchOff has every hook switched off, as services do after failures.
func (s *API) SwitchOff() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.hooks {
		s.hooks[i].Off = true
	}
}

// Asked is the requests that came, as "METHOD /path", oldest first.
func (s *API) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Statuses is what deliveries were answered with, oldest first.
func (s *API) Statuses() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.statuses)
}

// Event delivers an event to the hook with that id and gives the status of the
// answer, 0 for none.
func (s *API) Event(id, event string, body []byte) int {
	s.mu.Lock()
	var to Hook
	if i := s.index(id); i >= 0 {
		to = s.hooks[i]
	}
	n := len(s.statuses)
	s.mu.Unlock()
	if to.URL == "" {
		return 0
	}
	status := s.deliver(to.URL, Headers(s.service, Form{}, Push{ID: fmt.Sprintf("delivery-%s-%d", id, n), Event: event, Body: body}, time.Now(), to.Secret), body)
	s.mu.Lock()
	s.statuses = append(s.statuses, status)
	s.mu.Unlock()
	return status
}

// later delivers as a service does, after it has answered.
func (s *API) later(id, event string, body any) {
	s.mu.Lock()
	quiet := s.quiet
	s.mu.Unlock()
	b, err := json.Marshal(body)
	if quiet || err != nil {
		return
	}
	s.serving.Go(func() { s.Event(id, event, b) })
}

// index is where a hook is; s.mu is held.
func (s *API) index(id string) int {
	return slices.IndexFunc(s.hooks, func(h Hook) bool { return h.ID == id })
}

func (s *API) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.EscapedPath())
	i := slices.IndexFunc(s.failures, func(f Failure) bool { return f.Method == "" || f.Method == r.Method })
	var fail Failure
	if i >= 0 {
		fail = s.failures[i]
		if s.failures[i].Times--; s.failures[i].Times == 0 {
			s.failures = slices.Delete(s.failures, i, i+1)
		}
	}
	s.mu.Unlock()
	if i >= 0 {
		for name, v := range fail.Header {
			w.Header()[name] = v
		}
		w.WriteHeader(fail.Status)
		_, _ = io.WriteString(w, fail.Body)
		return
	}
	path := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	switch s.service {
	case GitHub:
		s.gitHub(w, r, path, body)
	case GitLab:
		s.gitLab(w, r, path, body)
	case Webex:
		s.webex(w, r, path, body)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// list is the hooks of a place on the page that r asks for. It sets Link where
// there is another.
func (s *API) list(w http.ResponseWriter, r *http.Request, where, size string) []Hook {
	s.mu.Lock()
	defer s.mu.Unlock()
	var of []Hook
	for _, h := range s.hooks {
		if h.Where == where {
			of = append(of, h)
		}
	}
	q := r.URL.Query()
	n, err := strconv.Atoi(q.Get(size))
	if err != nil || n < 1 {
		n = 30
	}
	if s.page > 0 {
		n = s.page
	}
	page, err := strconv.Atoi(q.Get("page"))
	if err != nil || page < 1 {
		page = 1
	}
	from := min((page-1)*n, len(of))
	to := min(from+n, len(of))
	if to < len(of) {
		q.Set("page", strconv.Itoa(page+1))
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?%s>; rel="next", <http://%s%s?page=99>; rel="last"`, r.Host, r.URL.EscapedPath(), q.Encode(), r.Host, r.URL.EscapedPath()))
	}
	return of[from:to]
}
