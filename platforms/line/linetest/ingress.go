package linetest

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
)

// Ingress serves a bot's handler: within this process as a RoundTripper, where
// nothing listens, or on a port of the loopback address. It has the methods of
// platforms.Ingress.
type Ingress struct {
	server   *http.Server // nil: within this process
	listener net.Listener
	serving  sync.WaitGroup

	mu       sync.Mutex
	base     string
	refusal  error
	handlers map[string]http.Handler
	told     func(public string) // about an address that was handed out
	handled  func()
}

// NewIngress makes one that needs no listener.
func NewIngress() *Ingress {
	return &Ingress{base: "https://bot.example", handlers: map[string]http.Handler{}}
}

// NewLoopback makes one that listens on the loopback address.
func NewLoopback() (*Ingress, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("linetest: %w", err)
	}
	in := &Ingress{base: "http://" + l.Addr().String(), listener: l, handlers: map[string]http.Handler{}}
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

// Refuse makes Handle and Address fail with err; nil ends that.
func (in *Ingress) Refuse(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.refusal = err
}

// Handle is platforms.Ingress's.
func (in *Ingress) Handle(path string, h http.Handler) (string, func(), error) {
	public, err := in.Address(path)
	if err != nil {
		return "", nil, err
	}
	in.mu.Lock()
	in.handlers[path] = h
	handled := in.handled
	in.mu.Unlock()
	if handled != nil {
		handled()
	}
	var once sync.Once
	return public, func() {
		once.Do(func() {
			in.mu.Lock()
			defer in.mu.Unlock()
			delete(in.handlers, path)
		})
	}, nil
}

// Address is platforms.Ingress's.
func (in *Ingress) Address(path string) (string, error) {
	in.mu.Lock()
	told, err := in.told, in.refusal
	in.mu.Unlock()
	if err != nil {
		return "", err
	}
	public := in.base + path
	if told != nil {
		told(public)
	}
	return public, nil
}

// Open is how many handlers are served.
func (in *Ingress) Open() int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return len(in.handlers)
}

func (in *Ingress) serve(w http.ResponseWriter, r *http.Request) {
	in.mu.Lock()
	h := in.handlers[r.URL.Path]
	in.mu.Unlock()
	if h == nil {
		http.NotFound(w, r)
		return
	}
	h.ServeHTTP(w, r)
}

// RoundTrip is http.RoundTripper's: it calls the handler.
func (in *Ingress) RoundTrip(r *http.Request) (*http.Response, error) {
	if base, err := url.Parse(in.base); err != nil || r.URL.Host != base.Host {
		return nil, fmt.Errorf("linetest: nothing is at %s", r.URL.Host)
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

// Through makes webhooks go through in. If set is true, then whatever address in
// hands out is set at the platform too, as if the person had done it.
func (s *Server) Through(in *Ingress, set bool) {
	in.mu.Lock()
	in.handled = func() { s.update(func() {}) }
	if in.told = nil; set {
		in.told = func(public string) { s.SetEndpoint(public, true) }
	}
	in.mu.Unlock()
	s.update(func() {
		if s.transport = in; in.server != nil {
			s.transport = &http.Transport{}
		}
	})
}
