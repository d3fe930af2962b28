package platformtest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/postern/postern/platforms"
)

// httpProxy is a proxy as companies have one: HTTP requests pass, and CONNECT
// opens a tunnel.
type httpProxy struct {
	server *httptest.Server
	passed atomic.Int64 // requests and tunnels so far
	open   atomic.Int64 // at this moment

	mu      sync.Mutex
	tunnels []net.Conn
	wg      sync.WaitGroup
}

func newHTTPProxy(t *testing.T) *httpProxy {
	p := &httpProxy{}
	transport := &http.Transport{}
	forward := &httputil.ReverseProxy{Rewrite: func(*httputil.ProxyRequest) {}, Transport: transport, FlushInterval: -1}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.passed.Add(1)
		p.open.Add(1)
		defer p.open.Add(-1)
		if r.Method != http.MethodConnect {
			forward.ServeHTTP(w, r)
			return
		}
		p.tunnel(w, r)
	}))
	t.Cleanup(func() {
		p.mu.Lock()
		for _, c := range p.tunnels {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
		p.server.CloseClientConnections()
		p.server.Close()
		transport.CloseIdleConnections()
	})
	return p
}

func (p *httpProxy) tunnel(w http.ResponseWriter, r *http.Request) {
	up, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, "no way", http.StatusBadGateway)
		return
	}
	down, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = up.Close()
		return
	}
	p.mu.Lock()
	p.tunnels = append(p.tunnels, up, down)
	p.mu.Unlock()
	_, _ = io.WriteString(down, "HTTP/1.1 200 Connection established\r\n\r\n")
	p.wg.Go(func() { _, _ = io.Copy(up, down); _ = up.Close() })
	_, _ = io.Copy(down, up)
	_ = down.Close()
}

var errDirect = errors.New("dialled past the proxy")

// through makes a Config's connections go through p, and any other fail.
func (p *httpProxy) through(t *testing.T, c *platforms.Config) {
	u, err := url.Parse(p.server.URL)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != u.Host {
			return nil, errDirect
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(u), DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	c.HTTP, c.Dial, c.Proxy = &http.Client{Transport: transport}, dial, http.ProxyURL(u)
}

// proxied proves that all that a connector dials goes through the person's
// proxy: its calls, and what its events come by.
func (s *suite) proxied(t *testing.T) {
	w := s.h.New(t)
	t.Cleanup(w.Close)
	if w.Config.HTTP == nil {
		t.Skip("nothing is dialled")
	}
	p := newHTTPProxy(t)
	p.through(t, &w.Config)
	d := s.connect(t, &desk{World: w, t: t, s: s, most: max(s.h.Patience, patience)})
	if _, err := d.conn.Check(d.context()); err != nil {
		t.Fatalf("Check: %v", err)
	}
	if _, err := d.conn.Send(d.context(), platforms.Message{Key: "k", Conversation: d.Direct, Text: "by proxy"}); err != nil {
		t.Fatalf("Send: %v", err)
	}
	if p.passed.Load() == 0 {
		t.Error("calls go past the proxy")
	}
	if s.h.OnlySpeaks {
		return
	}
	r := d.start(nil, d.begin())
	r.rec.WaitPhase(t, platforms.Connected)
	d.say("heard by proxy")
	r.rec.Wait(t, 1)
	if s.h.Platform.Inbound != platforms.Webhook {
		d.until("the event stream is in the proxy", func() bool { return p.open.Load() > 0 })
	}
	r.stop()
	d.until("the proxy is left", func() bool { return p.open.Load() == 0 || s.h.Platform.Inbound == platforms.Webhook })
}
