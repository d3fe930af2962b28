// Package webhookrelaytest is an emulator of Webhook Relay's WebSocket server and
// of its log's interface, on 127.0.0.1, written from its documentation:
// https://docs.webhookrelay.com/products/webhooks/websocket-server.
package webhookrelaytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// The credentials that a Server takes.
const (
	Key    = "0f5d0c7a-key"
	Secret = "0f5d0c7a-secret"
	APIKey = "sk-0f5d0c7a-api"
)

// Event is a webhook that somebody sent to an input.
type Event struct {
	ID, BucketID, BucketName, InputID, Method, Query, Body string
	Headers                                                map[string][]string
	BucketSpelling                                         bool // bucket_id, instead of bucked_id as the server spells it
}

// Report is what a client said of an event.
type Report struct {
	ID            string
	Authorization string
	Body          map[string]any
	Raw           []byte
}

// Server is the emulator. Its methods may be called from several goroutines.
type Server struct {
	http    *httptest.Server
	sending sync.Mutex // held while events are sent, so that they keep their order; before mu

	mu      sync.Mutex
	changed chan struct{} // closed at each change
	conns   []*conn
	log     []Event // kept until the server forgets
	reports []Report
	refuse  string // status for the next sign-ins, empty: as the credentials say
	status  int    // of HTTP, for the next handshakes
	header  http.Header
	mute    bool // says nothing after the handshake
	moved   string
	strays  []string
	resend  int             // of what was reported, the latest that are sent again all the same
	done    map[string]bool // ids that were reported
	joins   int
	pongs   int
	sent    int // to inputs
	wg      sync.WaitGroup
}

type conn struct {
	ws      *websocket.Conn
	write   sync.Mutex
	buckets []string // nil until it subscribed
}

// New starts a Server.
func New() *Server {
	s := &Server{changed: make(chan struct{}), resend: 1 << 30, done: map[string]bool{}}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	return s
}

// URL is the server's address.
func (s *Server) URL() string { return s.http.URL }

// Close ends all connections and the server.
func (s *Server) Close() {
	s.Drop()
	s.http.Close()
	s.wg.Wait()
}

func (s *Server) signal() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait waits until ok, which is called under the server's lock, or until the
// time is over; it reports which.
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

// Subscribed waits until so many connections, since the beginning, subscribed.
func (s *Server) Subscribed(n int, limit time.Duration) bool {
	return s.wait(limit, func() bool { return s.joins >= n })
}

// Gone waits until there is no connection.
func (s *Server) Gone(limit time.Duration) bool {
	return s.wait(limit, func() bool { return len(s.conns) == 0 })
}

// Pongs waits until so many pongs came.
func (s *Server) Pongs(n int, limit time.Duration) bool {
	return s.wait(limit, func() bool { return s.pongs >= n })
}

// Reports waits for so many reports and returns all.
func (s *Server) Reports(n int, limit time.Duration) ([]Report, bool) {
	ok := s.wait(limit, func() bool { return len(s.reports) >= n })
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reports), ok
}

// Refuse answers sign-ins by a status, "unauthorized" for one; empty ends that.
func (s *Server) Refuse(status string) { s.set(func() { s.refuse = status }) }

// Answer answers handshakes by an HTTP status; 0 ends that.
func (s *Server) Answer(status int, h http.Header) { s.set(func() { s.status, s.header = status, h }) }

// Mute says nothing any more, pings neither.
func (s *Server) Mute() { s.set(func() { s.mute = true }) }

// Moved redirects reports to an address.
func (s *Server) Moved(address string) { s.set(func() { s.moved = address }) }

func (s *Server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Publish takes an event, hands it to who is subscribed, and keeps it for those
// who come later.
func (s *Server) Publish(e Event) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.mu.Lock()
	s.log = append(s.log, e)
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		s.deliver(c, e)
	}
}

// Resend sends again, after a reconnect, what was not reported and of the rest
// the latest n only.
func (s *Server) Resend(n int) { s.set(func() { s.resend = n }) }

// missedLocked is what is sent again after a reconnect.
func (s *Server) missedLocked() (out []Event) {
	for i, e := range s.log {
		if !s.done[e.ID] || i >= len(s.log)-s.resend {
			out = append(out, e)
		}
	}
	return out
}

// Forget drops what is kept, as the relay does after ten minutes.
func (s *Server) Forget() { s.set(func() { s.log = nil }) }

// Raw sends a frame as it is to every subscriber.
func (s *Server) Raw(frame []byte) {
	s.mu.Lock()
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		c.send(websocket.TextMessage, frame)
	}
}

// Ping sends the protocol's ping.
func (s *Server) Ping() { s.Raw([]byte(`{"type":"status","status":"ping"}`)) }

// Drop cuts every connection.
func (s *Server) Drop() {
	s.mu.Lock()
	conns := slices.Clone(s.conns)
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.ws.NetConn().Close()
	}
}

func (c *conn) send(kind int, b []byte) {
	c.write.Lock()
	defer c.write.Unlock()
	_ = c.ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_ = c.ws.WriteMessage(kind, b)
}

func (c *conn) say(v any) {
	if b, err := json.Marshal(v); err == nil {
		c.send(websocket.TextMessage, b)
	}
}

func (s *Server) deliver(c *conn, e Event) {
	s.mu.Lock()
	wants := slices.Contains(c.buckets, e.BucketID) || slices.Contains(c.buckets, e.BucketName)
	s.mu.Unlock()
	if wants {
		c.say(Frame(e))
	}
}

// Frame is an event as it goes over the wire.
func Frame(e Event) map[string]any {
	meta := map[string]any{"id": e.ID, "bucket_name": e.BucketName, "input_id": e.InputID, "input_name": "Default public endpoint",
		"output_name": "out", "output_destination": "http://192.168.0.1/admin"}
	if e.BucketSpelling {
		meta["bucket_id"] = e.BucketID
	} else {
		meta["bucked_id"] = e.BucketID
	}
	return map[string]any{"type": "webhook", "meta": meta, "headers": e.Headers, "query": e.Query, "body": e.Body, "method": e.Method}
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	status, header := s.status, s.header
	s.mu.Unlock()
	switch {
	case r.URL.Path == "/v1/socket" && status != 0:
		for k, v := range header {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
	case r.URL.Path == "/v1/socket":
		s.socket(w, r)
	case strings.HasPrefix(r.URL.Path, "/v1/logs/") && r.Method == http.MethodPut:
		s.report(w, r)
	case strings.HasPrefix(r.URL.Path, inputs):
		s.input(w, r)
	default:
		s.set(func() { s.strays = append(s.strays, r.Method+" "+r.URL.Path) })
		http.NotFound(w, r)
	}
}

// Strays is the requests to addresses that there are not.
func (s *Server) Strays() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.strays)
}

// inputs is where the addresses begin that senders are told.
const inputs = "/v1/webhooks/"

// Input is the address of a bucket's public input. What is sent there becomes an
// event; the sender is answered at once, as the relay does unless an input is set
// to wait.
func (s *Server) Input(bucket string) string { return s.http.URL + inputs + bucket }

func (s *Server) input(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	bucket := strings.TrimPrefix(r.URL.Path, inputs)
	h := r.Header.Clone()
	h.Set("Host", r.Host)
	s.mu.Lock()
	s.sent++
	id := fmt.Sprintf("e0000000-0000-4000-8000-%012d", s.sent)
	s.mu.Unlock()
	s.Publish(Event{ID: id, BucketID: "b-" + bucket, BucketName: bucket, InputID: "in-" + bucket, Method: r.Method, Query: r.URL.RawQuery, Body: string(body), Headers: h})
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}")
}

// signedIn reports whether a request bears one of the credentials.
func signedIn(r *http.Request) bool {
	key, secret, ok := r.BasicAuth()
	return ok && key == Key && secret == Secret || r.Header.Get("Authorization") == "Bearer "+APIKey
}

func (s *Server) report(w http.ResponseWriter, r *http.Request) {
	if !signedIn(r) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	raw, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	it := Report{ID: strings.TrimPrefix(r.URL.Path, "/v1/logs/"), Authorization: r.Header.Get("Authorization"), Raw: raw}
	_ = json.Unmarshal(raw, &it.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = append(s.reports, it)
	s.done[it.ID] = true
	s.signal()
	if s.moved != "" {
		w.Header().Set("Location", s.moved)
		w.WriteHeader(http.StatusTemporaryRedirect)
		return
	}
	w.Header().Set("Content-Type", "application/json") // the log as it is now
	_ = json.NewEncoder(w).Encode(it.Body)
}

func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	ws, err := (&websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	c := &conn{ws: ws}
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.wg.Add(1)
	s.signal()
	s.mu.Unlock()
	defer s.wg.Done()
	s.converse(c)
	_ = ws.Close()
	s.mu.Lock()
	s.conns = slices.DeleteFunc(s.conns, func(o *conn) bool { return o == c })
	s.signal()
	s.mu.Unlock()
}

// converse is a client's side of a connection, until it ends.
func (s *Server) converse(c *conn) {
	authed := false
	for {
		var in struct {
			Action, Key, Secret string
			Buckets             []string
		}
		if c.ws.ReadJSON(&in) != nil {
			return
		}
		s.mu.Lock()
		mute, refuse := s.mute, s.refuse
		s.mu.Unlock()
		switch {
		case mute:
		case in.Action == "auth":
			authed = in.Key == Key && in.Secret == Secret || in.Key == "whr" && in.Secret == APIKey
			switch {
			case refuse != "":
				c.say(map[string]string{"type": "status", "status": refuse, "message": "for " + in.Secret})
			case !authed:
				c.say(map[string]string{"type": "status", "status": "unauthorized", "message": "authentication failed"})
			default:
				c.say(map[string]string{"type": "status", "status": "authenticated", "message": "connected successfully, subscribe to buckets"})
			}
		case in.Action == "subscribe" && authed:
			s.sending.Lock()
			c.say(map[string]string{"type": "status", "status": "subscribed", "message": "subscribed to buckets: " + strings.Join(in.Buckets, ", ")})
			s.mu.Lock()
			c.buckets = append([]string{}, in.Buckets...)
			missed := s.missedLocked()
			s.joins++
			s.signal()
			s.mu.Unlock()
			for _, e := range missed {
				s.deliver(c, e)
			}
			s.sending.Unlock()
		case in.Action == "pong":
			s.mu.Lock()
			s.pongs++
			s.signal()
			s.mu.Unlock()
		}
	}
}
