// Package ssetest is an emulator of smee and gosmee servers on 127.0.0.1, written
// from what they document and do:
// https://github.com/probot/smee.io and https://github.com/chmouel/gosmee.
package ssetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kind is which server a Server plays.
type Kind string

// The kinds.
const (
	Smee    Kind = "smee"
	Gosmee  Kind = "gosmee"
	Streams Kind = "gosmee with Redis streams"
)

// Channel is the one that there is.
const Channel = "aB3dEf6hIj9kLmN"

// Server is the emulator. Its methods may be called from several goroutines.
type Server struct {
	http *httptest.Server
	kind Kind

	mu      sync.Mutex
	changed chan struct{} // closed at each change
	conns   []*conn
	joins   int
	count   int     // of events
	log     []entry // of Streams
	status  int
	header  http.Header
	lastIDs []string // that clients sent
}

type entry struct {
	id   string
	n    int
	text string
}

type conn struct {
	said int // by smee, which counts anew for each connection
	out  chan string
	gone chan struct{}
	once sync.Once
}

func (c *conn) close() { c.once.Do(func() { close(c.gone) }) }

// New starts a Server.
func New(kind Kind) *Server {
	s := &Server{kind: kind, changed: make(chan struct{})}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// URL is the server's address.
func (s *Server) URL() string { return s.http.URL }

// Hook is the address that a sender posts to.
func (s *Server) Hook() string { return s.http.URL + "/" + Channel }

// Close ends all connections and the server.
func (s *Server) Close() {
	s.Drop()
	s.http.Close()
}

func (s *Server) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) wait(limit time.Duration, ok func() bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		s.mu.Lock()
		done, changed := ok(), s.changed
		s.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		}
	}
}

// Subscribed waits until so many connections, since the beginning, were opened.
func (s *Server) Subscribed(n int, limit time.Duration) bool {
	return s.wait(limit, func() bool { return s.joins >= n })
}

// Gone waits until there is no connection.
func (s *Server) Gone(limit time.Duration) bool {
	return s.wait(limit, func() bool { return len(s.conns) == 0 })
}

// LastIDs is the Last-Event-ID of every connection, empty where there was none.
func (s *Server) LastIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lastIDs)
}

// Answer answers subscribers by an HTTP status; 0 ends that.
func (s *Server) Answer(status int, h http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.header = status, h
}

// Trim forgets all but the last n events.
func (s *Server) Trim(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = slices.Clone(s.log[max(0, len(s.log)-n):])
}

// Raw sends text as it is to every subscriber.
func (s *Server) Raw(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		s.sendLocked(c, text)
	}
}

func (s *Server) sendLocked(c *conn, text string) {
	select {
	case c.out <- text:
	default:
		c.close() // it does not read
	}
}

// numberedLocked sends an event as this kind of server numbers it.
func (s *Server) numberedLocked(c *conn, text string) {
	if s.kind == Smee {
		text = fmt.Sprintf("id: %d\n%s", c.said, text)
		c.said++
	}
	s.sendLocked(c, text)
}

// KeepAlive says what the server says every 30 seconds.
func (s *Server) KeepAlive() {
	text := ": keep-alive\n\n"
	if s.kind == Smee {
		text = "event: ping\ndata: {}\n\n"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		s.numberedLocked(c, text)
	}
}

// Drop cuts every connection.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.close()
	}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	stream := "/events/" + Channel
	if s.kind == Smee {
		stream = "/" + Channel
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Path == stream && s.kind == Smee && r.Header.Get("Accept") != "text/event-stream":
		// A browser's: it gets a page on which requests are shown.
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html><title>smee</title>")
	case r.Method == http.MethodGet && r.URL.Path == stream:
		s.stream(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/"+Channel:
		s.post(w, r)
	default:
		http.NotFound(w, r)
	}
}

// post takes a webhook.
func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	o := map[string]any{}
	for k, v := range r.Header {
		o[strings.ToLower(k)] = v[0]
	}
	o["host"] = r.Host
	if s.kind == Smee {
		var read any = map[string]any{}
		if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			_ = r.ParseForm()
			read = flat(r.PostForm)
		} else if written, err := again(body); err != nil || written[0] != '{' { // objects only
			w.WriteHeader(http.StatusBadRequest)
			return
		} else {
			read = written
		}
		o["body"], o["query"], o["timestamp"] = read, flat(r.URL.Query()), time.Now().UnixMilli()
	} else {
		if !json.Valid(body) || !strings.Contains(r.Header.Get("Content-Type"), "application/json") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		o["bodyB"], o["timestamp"] = base64.StdEncoding.EncodeToString(body), strconv.FormatInt(time.Now().UnixMilli(), 10)
	}
	var data strings.Builder
	e := json.NewEncoder(&data)
	e.SetEscapeHTML(false) // JavaScript writes them as they are
	if err := e.Encode(o); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	s.Publish(strings.TrimSpace(data.String()))
	if s.kind != Smee {
		w.WriteHeader(http.StatusAccepted)
	}
}

func flat(v map[string][]string) map[string]any {
	o := map[string]any{}
	for k, list := range v {
		if len(list) == 1 {
			o[k] = list[0]
		} else {
			o[k] = list
		}
	}
	return o
}

// Publish sends data as an event of this kind of server, and keeps it if this
// kind does.
func (s *Server) Publish(data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	text := "data: " + data + "\n\n"
	if s.kind == Streams {
		e := entry{id: fmt.Sprintf("1700000000%03d-0", s.count), n: s.count}
		e.text = "id: " + e.id + "\n" + text
		text = e.text
		s.log = append(s.log, e)
	}
	for _, c := range s.conns {
		s.numberedLocked(c, text)
	}
}

// number is an entry's, of an id that Publish made.
func number(id string) (int, bool) {
	var n, seq int
	_, err := fmt.Sscanf(id, "1700000000%d-%d", &n, &seq)
	return n, err == nil
}

func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	last := r.Header.Get("Last-Event-ID")
	s.mu.Lock()
	s.lastIDs = append(s.lastIDs, last)
	status, header := s.status, s.header
	after, known := number(last)
	if status == 0 && s.kind == Streams && last != "" && !known {
		status = http.StatusBadRequest
	}
	if status != 0 {
		s.mu.Unlock()
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		return
	}
	c := &conn{out: make(chan string, 10_000), gone: make(chan struct{})}
	if s.kind == Smee {
		s.numberedLocked(c, "event: ready\ndata: {}\n\n")
	} else {
		c.out <- "data: {\"message\":\"connected\"}\n\n"
		c.out <- "data: {\"message\":\"ready\"}\n\n"
	}
	if s.kind == Streams && last != "" {
		if len(s.log) > 0 && s.log[0].n > after+1 {
			c.out <- "event: gosmee-gap\ndata: {\"oldest_id\":\"" + s.log[0].id + "\"}\n\n"
		}
		for _, e := range s.log {
			if e.n > after {
				s.sendLocked(c, e.text)
			}
		}
	}
	s.conns = append(s.conns, c)
	s.joins++
	s.signal()
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	s.write(w, r, c)
	s.mu.Lock()
	s.conns = slices.DeleteFunc(s.conns, func(o *conn) bool { return o == c })
	s.signal()
	s.mu.Unlock()
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, c *conn) {
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	for {
		select {
		case text := <-c.out:
			if _, err := io.WriteString(w, text); err != nil || flush.Flush() != nil {
				return
			}
		case <-c.gone:
			return
		case <-r.Context().Done():
			return
		}
	}
}
