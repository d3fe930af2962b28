package ingress

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// TestUniform: whatever is wrong, and whether or not there is a route, the
// answer is the same to the byte, and the connection ends.
func TestUniform(t *testing.T) {
	t.Parallel()
	g := newRig(t, quick(), nil)
	denied := newRig(t, quick(), func(r *Rule) { r.Allow = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	stamp := func(by time.Duration) string {
		at := strconv.FormatInt(time.Now().Add(by).Unix(), 10)
		return "X-Time: " + at + "\r\nX-Signature: " + hexSign(secret, at, "{}") + "\r\n"
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	ok := signed("{}")
	big := strings.Repeat("x", 2<<20)
	for _, c := range []struct {
		name string
		g    *rig
		send func(g *rig, path string) string
	}{
		{"unsigned", g, func(g *rig, p string) string { return g.post(p, "", "{}") }},
		{"wrong method", g, func(g *rig, p string) string { return strings.Replace(g.post(p, ok, "{}"), "POST", "PUT", 1) }},
		{"bad signature", g, func(g *rig, p string) string { return g.post(p, ok, "[]") }},
		{"another secret", g, func(g *rig, p string) string {
			return g.post(p, "X-Time: "+now+"\r\nX-Signature: "+hexSign("another", now, "{}")+"\r\n", "{}")
		}},
		{"an empty secret", g, func(g *rig, p string) string {
			return g.post(p, "X-Time: "+now+"\r\nX-Signature: "+hexSign("", now, "{}")+"\r\n", "{}")
		}},
		{"a truncated signature", g, func(g *rig, p string) string {
			return g.post(p, strings.TrimSuffix(ok, "\r\n")[:len(ok)-20]+"\r\n", "{}")
		}},
		{"an empty signature", g, func(g *rig, p string) string { return g.post(p, "X-Time: "+now+"\r\nX-Signature:\r\n", "{}") }},
		{"a bad signature before the good one", g, func(g *rig, p string) string { return g.post(p, "X-Signature: 00\r\n"+ok, "{}") }},
		{"stale", g, func(g *rig, p string) string { return g.post(p, stamp(-10*time.Minute), "{}") }},
		{"future", g, func(g *rig, p string) string { return g.post(p, stamp(10*time.Minute), "{}") }},
		{"a time that is none", g, func(g *rig, p string) string {
			return g.post(p, "X-Time: now\r\nX-Signature: "+hexSign(secret, "now", "{}")+"\r\n", "{}")
		}},
		{"a time beyond any number", g, func(g *rig, p string) string {
			n := "9223372036854775807"
			return g.post(p, "X-Time: "+n+"\r\nX-Signature: "+hexSign(secret, n, "{}")+"\r\n", "{}")
		}},
		{"oversize, declared", g, func(g *rig, p string) string { return g.post(p, signed(big), big) }},
		{"oversize, chunked", g, func(g *rig, p string) string {
			return "POST " + p + " HTTP/1.1\r\nHost: " + g.addr + "\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + big + "\r\n0\r\n\r\n"
		}},
		{"other Host", g, func(g *rig, p string) string { return strings.Replace(g.post(p, ok, "{}"), g.addr, "evil.example", 1) }},
		{"Host rebound to this port", g, func(g *rig, p string) string {
			return strings.Replace(g.post(p, ok, "{}"), g.addr, "evil.example:"+strconv.Itoa(int(g.bind.Port())), 1)
		}},
		{"Origin", g, func(g *rig, p string) string { return g.post(p, ok+"Origin: https://evil.example\r\n", "{}") }},
		{"Origin null", g, func(g *rig, p string) string { return g.post(p, ok+"Origin: null\r\n", "{}") }},
		{"Origin empty", g, func(g *rig, p string) string { return g.post(p, ok+"Origin:\r\n", "{}") }},
		{"Sec-Fetch-Site", g, func(g *rig, p string) string { return g.post(p, ok+"Sec-Fetch-Site: cross-site\r\n", "{}") }},
		{"source not allowed", denied, func(g *rig, p string) string { return g.post(p, ok, "{}") }},
		{"source not allowed, forged", denied, func(g *rig, p string) string { return g.post(p, ok+"X-Forwarded-For: 192.0.2.1\r\n", "{}") }},
		{"malformed chunks", g, func(g *rig, p string) string {
			return "POST " + p + " HTTP/1.1\r\nHost: " + g.addr + "\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
		}},
		{"a body that ends too soon", g, func(g *rig, p string) string {
			return "POST " + p + " HTTP/1.1\r\nHost: " + g.addr + "\r\nContent-Length: 9\r\n" + ok + "\r\n{}"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{here, nowhere} {
				got, closed := c.g.raw(c.send(c.g, path))
				if len(got) != 1 || got[0].bytes != notFound || !closed {
					t.Errorf("%s: closed: %v, %+v", path, closed, got)
				}
			}
			if n := c.g.handled.Load(); n != 0 {
				t.Errorf("%d requests were handled", n)
			}
		})
	}
	g.alive()
	n := g.s.Counts("a")
	for _, why := range []Reason{UnknownPath, BadSignature, NotSigned, Stale, Malformed, WrongMethod, TooLarge, WrongHost, WebPage} {
		if n.Rejected[why] == 0 {
			t.Errorf("nothing counts as %q", why)
		}
	}
	if denied.s.Counts("a").Rejected[NotAllowed] == 0 {
		t.Error("nothing counts as not allowed")
	}
}

// TestHonestAnswers: who is verified is told what happens, so that its retries
// work.
func TestHonestAnswers(t *testing.T) {
	l := quick()
	l.Rate, l.Surge, l.Handlers = 0.001, 4, 1
	hold, held := make(chan struct{}), make(chan struct{}, 1)
	g := newRig(t, l, func(r *Rule) {
		r.Route.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.RawQuery {
			case "hold":
				held <- struct{}{}
				<-hold
			case "fail":
				w.WriteHeader(http.StatusInternalServerError)
			case "panic":
				w.WriteHeader(http.StatusOK)
				_, _ = w.Write([]byte("half an answer"))
				panic("in a handler")
			}
		})
	})
	ask := func(query string) answer {
		t.Helper()
		got, _ := g.raw(g.post(here+"?"+query, signed("{}")+"Connection: close\r\n", "{}"))
		if len(got) != 1 {
			t.Fatalf("%s: %+v", query, got)
		}
		return got[0]
	}
	done := make(chan answer)
	go func() { done <- ask("hold") }()
	<-held
	if a := ask(""); a.status != http.StatusServiceUnavailable || !strings.Contains(a.bytes, "\r\nRetry-After: ") {
		t.Errorf("no room: %+v", a)
	}
	close(hold)
	if a := <-done; a.status != http.StatusOK {
		t.Errorf("%+v", a)
	}
	for query, want := range map[string]int{"fail": 500, "panic": 500} {
		if a := ask(query); a.status != want || strings.Contains(a.bytes, "half") {
			t.Errorf("%s: %+v", query, a)
		}
	}
	if a := ask(""); a.status != http.StatusTooManyRequests || !strings.Contains(a.bytes, "\r\nRetry-After: ") {
		t.Errorf("too fast: %+v", a)
	}
	odd := newRig(t, quick(), func(r *Rule) {
		r.Route.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(1000) })
	})
	if got, _ := odd.raw(odd.post(here, signed("{}")+"Connection: close\r\n", "{}")); len(got) != 1 || got[0].status != 500 {
		t.Errorf("a status that is none: %+v", got)
	}
	unsure := newRig(t, quick(), func(r *Rule) {
		r.Route.Verify = func(*http.Request, []byte, time.Time) error { panic("in a verification") }
	})
	if got, _ := unsure.raw(unsure.post(here, signed("{}"), "{}")); len(got) != 1 || got[0].bytes != notFound {
		t.Errorf("a verification that panics: %+v", got)
	}
}

// TestDrain: while a route is released, its platform is told to come again, and
// a listener that stays serves the next route.
func TestDrain(t *testing.T) {
	s := New(Options{Limits: quick()})
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &rig{t: t, s: s, bind: ln.Addr().(*net.TCPAddr).AddrPort(), addr: ln.Addr().String()}
	held, hold := make(chan struct{}), make(chan struct{})
	first := g.route(here)
	first.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(held); <-hold })
	release := s.Handle(context.Background(), g.bind, Rule{Account: "a", Route: first})
	served := make(chan struct{})
	go func() { defer close(served); s.Serve(g.bind, ln) }()
	t.Cleanup(func() { _ = ln.Close(); <-served })
	closing := "Connection: close\r\n"
	done := make(chan []answer)
	go func() { got, _ := g.raw(g.post(here, signed("{}")+closing, "{}")); done <- got }()
	<-held
	released := make(chan struct{})
	s.mu.Lock()
	it := s.doors[g.bind].routes.Load().rules[0]
	s.mu.Unlock()
	go func() { release(); close(released) }()
	<-it.ctx.Done()
	if got, _ := g.raw(g.post(here, signed("{}")+closing, "{}")); len(got) != 1 || got[0].status != http.StatusServiceUnavailable {
		t.Errorf("while it is released: %+v", got)
	}
	close(hold)
	<-released
	if got := <-done; len(got) != 1 || got[0].status != http.StatusOK {
		t.Errorf("what was in flight: %+v", got)
	}
	if got, _ := g.raw(g.post(here, signed("{}")+closing, "{}")); len(got) != 1 || got[0].bytes != notFound {
		t.Errorf("afterwards: %+v", got)
	}
	defer s.Handle(context.Background(), g.bind, Rule{Account: "b", Route: platforms.Route{Path: nowhere, Verify: g.verify, Handler: http.HandlerFunc(g.handle)}})()
	if got, _ := g.raw(g.post(nowhere, signed("{}")+closing, "{}")); len(got) != 1 || got[0].status != http.StatusOK {
		t.Errorf("the next route at the same listener: %+v", got)
	}
}

// TestSameAnswers: what net/http answers in its own words, or leaves out, is the
// same where a route is and where none is.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	g := newRig(t, quick(), nil)
	end := " HTTP/1.1\r\nHost: " + g.addr + "\r\n"
	for name, send := range map[string]func(path string) string{
		"HEAD":     func(p string) string { return "HEAD " + p + end + "\r\n" },
		"OPTIONS":  func(p string) string { return "OPTIONS " + p + end + "\r\n" },
		"HTTP/1.0": func(p string) string { return "POST " + p + " HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}" },
		"an expectation": func(p string) string {
			return "POST " + p + end + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
		},
		"too large, expected": func(p string) string {
			return "POST " + p + end + "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
		},
		"another expectation": func(p string) string { return "POST " + p + end + "Expect: x\r\nContent-Length: 2\r\n\r\n{}" },
		"two lengths":         func(p string) string { return "POST " + p + end + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" },
		"a huge head":         func(p string) string { return "POST " + p + end + "X: " + strings.Repeat("a", 1<<16) + "\r\n\r\n" },
		"half a head":         func(p string) string { return "POST " + p + end },
		"a late body":         func(p string) string { return "POST " + p + end + "Content-Length: 2\r\n\r\n{" },
		"an upgrade":          func(p string) string { return "GET " + p + end + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" },
	} {
		t.Run(name, func(t *testing.T) {
			there, closed := g.raw(send(here))
			not, closedToo := g.raw(send(nowhere))
			if !slices.Equal(there, not) || closed != closedToo || !closed {
				t.Errorf("a route answers %+v (closes: %v), an unknown path %+v (closes: %v)", there, closed, not, closedToo)
			}
		})
	}
}

// TestLeaveTakenBack: when the leave to be reached ends, nothing is there at
// once, though the listener stays open for others and nobody released the route.
func TestLeaveTakenBack(t *testing.T) {
	g := newRig(t, quick(), nil)
	leave, takeBack := context.WithCancel(t.Context())
	defer g.s.Handle(leave, g.bind, Rule{Account: "b", Route: g.route(nowhere), Hosts: []string{g.addr}})()
	ask := func() []answer {
		got, _ := g.raw(g.post(nowhere, "Connection: close\r\n"+signed("{}"), "{}"))
		return got
	}
	if got := ask(); len(got) != 1 || got[0].status != http.StatusOK {
		t.Fatalf("%+v", got)
	}
	takeBack()
	if got := ask(); len(got) != 1 || got[0].bytes != notFound {
		t.Errorf("%+v", got)
	}
	g.alive()
}
