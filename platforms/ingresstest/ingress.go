// Package ingresstest serves connectors' routes as Postern's own listener does,
// for emulators, tests and the demo: within the process, where nothing listens,
// or on a port of the loopback address.
package ingresstest

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// Ingress is a platforms.Ingress. Its methods may be called from several
// goroutines.
type Ingress struct {
	server   *http.Server // nil: within this process
	listener net.Listener
	serving  sync.WaitGroup

	mu       sync.Mutex
	base     string
	refusal  error
	routes   map[string]*route
	now      func() time.Time
	rejected []error
	told     func(public string)
	served   func()
}

type route struct {
	platforms.Route
	busy sync.WaitGroup
}

// New makes one that needs no listener.
func New() *Ingress {
	return &Ingress{base: "https://bot.example", routes: map[string]*route{}, now: time.Now}
}

// NewLoopback makes one that listens on the loopback address.
func NewLoopback() (*Ingress, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("ingresstest: %w", err)
	}
	in := New()
	in.base, in.listener = "http://"+l.Addr().String(), l
	in.server = &http.Server{Handler: http.HandlerFunc(in.serve), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	in.serving.Go(func() { _ = in.server.Serve(l) })
	return in, nil
}

// Close ends what NewLoopback began.
func (in *Ingress) Close() {
	if in.server != nil {
		_ = in.server.Close()
	}
	in.serving.Wait()
}

// Loopback reports whether there is a real listener.
func (in *Ingress) Loopback() bool { return in.server != nil }

// Refuse makes Serve and Address fail with err; nil ends that.
func (in *Ingress) Refuse(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.refusal = err
}

// SetNow sets the clock that Verify gets.
func (in *Ingress) SetNow(now func() time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.now = now
}

// On has told called with each address that is handed out, and served whenever
// a route was opened. Either may be nil.
func (in *Ingress) On(told func(public string), served func()) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.told, in.served = told, served
}

// Rejected is why requests were turned away, oldest first; at most 1000 are kept.
func (in *Ingress) Rejected() []error {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]error(nil), in.rejected...)
}

// Serve is platforms.Ingress's.
func (in *Ingress) Serve(r platforms.Route) (string, func(), error) {
	if r.Verify == nil || r.Handler == nil {
		return "", nil, fmt.Errorf("ingresstest: a route without Verify or Handler")
	}
	public, err := in.Address(r.Path)
	if err != nil {
		return "", nil, err
	}
	it := &route{Route: r}
	in.mu.Lock()
	if in.routes[r.Path] != nil {
		in.mu.Unlock()
		return "", nil, fmt.Errorf("ingresstest: %s is served already", r.Path)
	}
	in.routes[r.Path] = it
	served := in.served
	in.mu.Unlock()
	if served != nil {
		served()
	}
	return public, sync.OnceFunc(func() {
		in.mu.Lock()
		delete(in.routes, r.Path)
		in.mu.Unlock()
		it.busy.Wait()
	}), nil
}

// Address is platforms.Ingress's.
func (in *Ingress) Address(path string) (string, error) {
	in.mu.Lock()
	told, err, public := in.told, in.refusal, in.base+path
	in.mu.Unlock()
	if err != nil {
		return "", err
	}
	if told != nil {
		told(public)
	}
	return public, nil
}

// Open is how many routes are served.
func (in *Ingress) Open() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.routes)
}

func (in *Ingress) serve(w http.ResponseWriter, r *http.Request) {
	in.mu.Lock()
	it, now := in.routes[r.URL.Path], in.now()
	in.mu.Unlock()
	if it == nil {
		http.NotFound(w, r)
		return
	}
	most := it.Body
	if most == 0 {
		most = platforms.DefaultBody
	}
	method := it.Method
	if method == "" {
		method = http.MethodPost
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	switch {
	case err != nil || int64(len(body)) > most || r.Method != method:
		err = platforms.ErrMalformed
	default:
		err = it.Verify(r, body, now)
	}
	if err != nil {
		in.mu.Lock()
		if len(in.rejected) < 1000 {
			in.rejected = append(in.rejected, err)
		}
		in.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	in.mu.Lock()
	if in.routes[r.URL.Path] != it {
		in.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	it.busy.Add(1)
	in.mu.Unlock()
	defer it.busy.Done()
	r.Body = io.NopCloser(bytes.NewReader(body))
	it.Handler.ServeHTTP(w, r)
}

// RoundTrip is http.RoundTripper's: it calls the handler.
func (in *Ingress) RoundTrip(r *http.Request) (*http.Response, error) {
	if base, err := url.Parse(in.base); err != nil || r.URL.Host != base.Host {
		return nil, fmt.Errorf("ingresstest: nothing is at %s", r.URL.Host)
	}
	got := r.Clone(r.Context())
	got.RequestURI, got.RemoteAddr = r.URL.RequestURI(), "192.0.2.1:443"
	if got.Body == nil {
		got.Body = http.NoBody
	}
	w := &response{header: http.Header{}, status: http.StatusOK}
	in.serve(w, got)
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return &http.Response{Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(&w.body), ContentLength: int64(w.body.Len()), Request: r}, nil
}

// response keeps what a handler answers.
type response struct {
	header http.Header
	wrote  bool
	status int
	body   bytes.Buffer
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if !w.wrote {
		w.wrote, w.status = true, status
	}
}

func (w *response) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
