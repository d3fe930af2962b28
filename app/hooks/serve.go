package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Path is where hooks are served: a token follows, and a dialect's path if the
// sender's is not the hook's own.
const Path = "/api/webhooks/execute/"

// mostBodies is how many bodies are read and turned into posts at once.
const mostBodies = 32

// Keeper has the book and stores posts. Its methods may be called from several
// goroutines.
type Keeper interface {
	// Find is Book.Find, Held Book.Held, both at this moment.
	Find(token string) (Hook, bool)
	Held(token string) (Hook, bool)
	// Post stores what in says, durably. key is the sender's Idempotency-Key: what
	// was posted under it before gives the Receipt of then. It fails with a *Fault.
	Post(ctx context.Context, in Admitted, key string, body []byte) (Receipt, error)
	Change(ctx context.Context, id string, c Change) (Hook, error)
	Remove(ctx context.Context, id string) error
}

// Server answers requests to hooks. Make one with NewServer; it listens nowhere.
// Whoever serves it bounds connections, heads and time.
type Server struct {
	gate   Gate
	keeper Keeper
	hosts  func(host string) bool
	proved func(context.Context)
	forms  map[string]Dialect
	bodies chan struct{}
	busy   sync.WaitGroup
}

// NewServer makes a Server. hosts reports what callers may say in the Host header;
// proved, if not nil, is told the context of each request that a token opened.
func NewServer(gate Gate, keeper Keeper, hosts func(string) bool, proved func(context.Context)) *Server {
	if proved == nil {
		proved = func(context.Context) {}
	}
	return &Server{gate: gate, keeper: keeper, hosts: hosts, proved: proved, forms: suffixes(), bodies: make(chan struct{}, mostBodies)}
}

// Wait waits for the requests in flight. None may begin meanwhile.
func (s *Server) Wait() { s.busy.Wait() }

// ServeHTTP is http.Handler's. What opens no hook gets one answer, byte for byte,
// whatever is wrong with it, before anything of its body is read.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.busy.Add(1)
	defer s.busy.Done()
	a := s.answer(w, r)
	if len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close") // as RFC 9112, section 6.1, has it where lengths may disagree
	}
	_ = a.Write(w) // who is gone is not answered
}

// answer is what a request gets. A panic's words stay unsaid: they could quote
// the address.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) (a Answer) {
	defer func() {
		if recover() != nil {
			a = Refused(Native, &Fault{Kind: Failed, Text: "Something went wrong here. Try again later."})
		}
	}()
	token, dialect, given := s.target(r)
	from := peer(r.RemoteAddr)
	if r.Method == http.MethodPatch || r.Method == http.MethodDelete {
		return s.manage(w, r, token, from)
	}
	h, refused, ok := s.gate.Open(s.keeper.Find, from, token)
	if !ok {
		return refused
	}
	s.proved(r.Context())
	if given {
		h.Dialect = dialect
	}
	body, refused, ok := s.body(w, r, h.Dialect)
	if !ok {
		return refused
	}
	defer func() { <-s.bodies }()
	in, refused, ok := s.gate.Take(h, Request{From: from, Token: token, Header: r.Header, Query: r.URL.Query(), Body: body})
	if !ok {
		return refused
	}
	done := false
	defer func() {
		if !done {
			in.Failed(&Fault{Kind: Failed})
		}
	}()
	receipt, err := s.keeper.Post(r.Context(), in, r.Header.Get("Idempotency-Key"), body)
	done = true
	if err != nil {
		return in.Failed(faultOf(err))
	}
	return in.Stored(receipt)
}

// target is the token that a request names, empty for one that is not to be
// answered, and the dialect that its address ends in. An empty token costs what
// any other does.
func (s *Server) target(r *http.Request) (token string, d Dialect, given bool) {
	rest, ok := strings.CutPrefix(unversioned(r.URL.Path), Path)
	token, suffix, given := strings.Cut(rest, "/")
	if given {
		if d, given = s.forms[suffix]; !given {
			ok = false
		}
	}
	switch {
	case !ok, r.URL.RawPath != "", !s.hosts(r.Host),
		len(r.Header["Origin"]) > 0, len(r.Header["Sec-Fetch-Site"]) > 0, // a web page: its browser says so
		r.Method != http.MethodPost && (given || r.Method != http.MethodPatch && r.Method != http.MethodDelete):
		return "", Native, false
	}
	return token, d, given
}

// unversioned is a path without the version of an API, which libraries of senders
// put in between and do not let go of: /api/v10/webhooks/…
// (https://docs.discord.com/developers/reference#api-versioning).
func unversioned(path string) string {
	rest, ok := strings.CutPrefix(path, "/api/v")
	version, tail, _ := strings.Cut(rest, "/")
	if _, err := strconv.ParseUint(version, 10, 8); !ok || err != nil {
		return path
	}
	return "/api/" + tail
}

// body reads a request's body, and takes a place of s.bodies if it could.
func (s *Server) body(w http.ResponseWriter, r *http.Request, d Dialect) ([]byte, Answer, bool) {
	if r.ContentLength > MostBody {
		drain(r)
		return nil, Refused(d, tooLong()), false
	}
	select {
	case s.bodies <- struct{}{}:
	case <-r.Context().Done():
		return nil, Refused(d, &Fault{Kind: Busy, Text: "Too many posts are being taken at once. Try again in a moment.", Retry: time.Second}), false
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MostBody))
	if err == nil {
		return b, Answer{}, true
	}
	<-s.bodies
	f := malformed("", "The body could not be read to its end. Send it again.")
	if most := (*http.MaxBytesError)(nil); errors.As(err, &most) {
		drain(r)
		f = tooLong()
	}
	return nil, Refused(d, f), false
}

// drain reads on, within a bound: many a sender looks for the answer only after it
// has sent everything, and finds the connection gone.
func drain(r *http.Request) { _, _ = io.CopyN(io.Discard, r.Body, 4*MostBody) }

func tooLong() *Fault {
	return &Fault{Kind: TooLong, Text: "The body is larger than 1 MiB. Send less."}
}

// manage changes or ends the hook of which token is the current one.
func (s *Server) manage(w http.ResponseWriter, r *http.Request, token string, from netip.Addr) Answer {
	h, refused, ok := s.gate.Open(s.keeper.Held, from, token)
	if !ok {
		return refused
	}
	s.proved(r.Context())
	if wait := s.gate.Limiter.Manage(h); wait > 0 {
		return Refused(Native, &Fault{Kind: Limited, Text: "This webhook is changed too often. Try again later.", Retry: wait})
	}
	if r.Method == http.MethodDelete {
		if err := s.keeper.Remove(r.Context(), h.ID); err != nil {
			return Refused(Native, managed(err))
		}
		return Answer{Status: http.StatusNoContent, Header: http.Header{}}
	}
	body, refused, ok := s.body(w, r, Native)
	if !ok {
		return refused
	}
	<-s.bodies
	c, err := readPatch(body)
	if err == nil {
		h, err = s.keeper.Change(r.Context(), h.ID, c)
	}
	if err != nil {
		return Refused(Native, managed(err))
	}
	return jsonAnswer(http.StatusOK, struct {
		ID      string    `json:"id"`
		Channel string    `json:"channel_id"`
		Name    string    `json:"name"`
		Avatar  *string   `json:"avatar_url"`
		Active  bool      `json:"active"`
		Created time.Time `json:"created_at"`
	}{h.ID, string(h.Conversation), h.Name, orNull(h.Avatar), h.On, h.Created})
}

// managed is an error of Keeper.Change or Remove for the sender.
func managed(err error) *Fault {
	var bad Invalid
	switch {
	case errors.Is(err, ErrUnknown): // it ended this moment
		return &Fault{Kind: Unknown, Text: "There is no such webhook."}
	case errors.As(err, &bad):
		return malformed(strings.ToLower(bad.Field), bad.Text)
	}
	return faultOf(err)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// peer is an address without its port; invalid where there is none.
func peer(s string) netip.Addr {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// Origin is what is kept with a message of where it came from.
type Origin struct {
	Hook   string `json:"hook"` // its id
	Name   string `json:"name"` // which it had then
	Poster string `json:"poster,omitempty"`
	Avatar string `json:"avatar,omitempty"`
	Post   string `json:"post"` // differs for each post that was taken
	Sum    []byte `json:"sum"`  // of the body, where the sender gave a key
}

// ReadOrigin reads what Origin.JSON wrote.
func ReadOrigin(b []byte) (o Origin, ok bool) {
	if len(b) == 0 || json.Unmarshal(b, &o) != nil {
		return Origin{}, false
	}
	return o, o.Hook != ""
}
