package ingress

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// This package attacks a real listener on the loopback address, with bytes
// where net/http's client would not send them. `make attack` runs all of it,
// `go test` a part of the floods and samples.

// full reports whether all of it was asked for, as make attack does.
func full() bool { return os.Getenv("POSTERN_ATTACK") == "full" }

// some is how often something is done: often in full, less otherwise.
func some(often, less int) int {
	if full() {
		return often
	}
	return less
}

const (
	here    = "/hook/8c1f0e8a6d5b4c3a2f1e0d9c8b7a6f5e"
	nowhere = "/hook/0c1f0e8a6d5b4c3a2f1e0d9c8b7a6f5e"
	secret  = "the secret of these tests"
	cap1    = 64 << 10 // the route's body, in bytes
)

// rig is a Server at a real socket, with one route that wants a body signed as
// most platforms have it: HMAC-SHA256 over time and body.
type rig struct {
	t    testing.TB
	s    *Server
	bind netip.AddrPort
	addr string

	verified atomic.Int64 // calls of Verify
	hashed   atomic.Int64 // bytes that it hashed
	handled  atomic.Int64
	refusal  atomic.Int64 // what the handler answers, if not 0

	mu   sync.Mutex
	last []byte // the last body that was handled
}

// quick is bounds that a test can meet.
func quick() Limits {
	l := Usual()
	l.Header, l.Read, l.Write, l.Idle, l.Handle = 500*time.Millisecond, time.Second, 5*time.Second, 2*time.Second, 2*time.Second
	return l
}

func newRig(t testing.TB, l Limits, change func(*Rule)) *rig {
	t.Helper()
	return rigOf(t, Options{Limits: l}, change)
}

func rigOf(t testing.TB, o Options, change func(*Rule)) *rig {
	t.Helper()
	g := &rig{t: t}
	g.s = New(o)
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.bind = ln.Addr().(*net.TCPAddr).AddrPort()
	g.addr = g.bind.String()
	r := Rule{Account: "a", Route: g.route(here), Hosts: []string{g.addr, "bot.example"}}
	if change != nil {
		change(&r)
	}
	release := g.s.Handle(context.Background(), g.bind, r)
	done := make(chan struct{})
	go func() { defer close(done); g.s.Serve(g.bind, ln) }()
	t.Cleanup(func() { release(); _ = ln.Close(); <-done })
	return g
}

func (g *rig) route(path string) platforms.Route {
	return platforms.Route{Path: path, Body: cap1, Verify: g.verify, Handler: http.HandlerFunc(g.handle)}
}

func (g *rig) verify(r *http.Request, body []byte, now time.Time) error {
	g.verified.Add(1)
	g.hashed.Add(int64(len(body)))
	stamp := r.Header.Get("X-Time")
	want := sign(secret, stamp, body)
	got, bad := hex.DecodeString(r.Header.Get("X-Signature"))
	switch at, err := strconv.ParseInt(stamp, 10, 64); {
	case len(r.Header["X-Signature"]) == 0:
		return platforms.ErrUnsigned
	case bad != nil || !hmac.Equal(got, want):
		return platforms.ErrSignature
	case err != nil || now.Sub(time.Unix(at, 0)).Abs() > platforms.ReplayWindow:
		return platforms.ErrStale
	}
	return nil
}

func sign(secret, stamp string, body []byte) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(stamp + "."))
	m.Write(body)
	return m.Sum(nil)
}

func (g *rig) handle(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	g.last = body
	g.mu.Unlock()
	g.handled.Add(1)
	if n := int(g.refusal.Load()); n != 0 {
		w.WriteHeader(n)
	}
}

// signed is the head lines that a genuine request bears.
func signed(body string) string {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	return "X-Time: " + stamp + "\r\nX-Signature: " + hex.EncodeToString(sign(secret, stamp, []byte(body))) + "\r\n"
}

// post is a request's bytes; lines are more head lines, each with its end.
func (g *rig) post(path, lines, body string) string {
	return "POST " + path + " HTTP/1.1\r\nHost: " + g.addr + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n" + lines + "\r\n" + body
}

// genuine is a request's bytes that must be taken.
func (g *rig) genuine(body string) string { return g.post(here, signed(body), body) }

// dial opens a connection that a test can't wait for longer than ten seconds.
func (g *rig) dial() net.Conn {
	g.t.Helper()
	c := g.open()
	g.t.Cleanup(func() { _ = c.Close() })
	return c
}

func (g *rig) open() net.Conn {
	g.t.Helper()
	c, err := net.Dial("tcp4", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

// raw sends bytes and reads until the server closes or falls silent: what it
// answered, and whether it closed.
func (g *rig) raw(request string) (answers []answer, closed bool) {
	g.t.Helper()
	c := g.open()
	defer c.Close()
	go func() { _, _ = io.WriteString(c, request) }()
	return g.answers(c)
}

// answer is what came back, in bytes; the Date is left out.
type answer struct {
	status int
	bytes  string
}

func (g *rig) answers(c net.Conn) (all []answer, closed bool) {
	g.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	br := bufio.NewReader(c)
	for {
		var b strings.Builder
		line, err := br.ReadString('\n')
		if err != nil {
			return all, !os.IsTimeout(err)
		}
		b.WriteString(line)
		var a answer
		if _, err := fmt.Sscanf(line[min(len(line), len("HTTP/1.1")):], " %d ", &a.status); err != nil {
			g.t.Fatalf("no answer: %q", line)
		}
		length := -1
		for {
			if line, err = br.ReadString('\n'); err != nil {
				return all, !os.IsTimeout(err)
			}
			if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
				length, _ = strconv.Atoi(strings.TrimSpace(v))
			}
			if !strings.HasPrefix(line, "Date: ") {
				b.WriteString(line)
			}
			if line == "\r\n" {
				break
			}
		}
		if length >= 0 {
			_, _ = io.CopyN(&b, br, int64(length))
		} else if a.status != http.StatusContinue {
			_, _ = io.Copy(&b, br)
		}
		a.bytes = b.String()
		all = append(all, a)
	}
}

// notFound is the answer to whatever is not the platform's, whole.
const notFound = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 10\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nnot found\n"

// alive fails the test unless a genuine request is taken now.
func (g *rig) alive() {
	g.t.Helper()
	before := g.handled.Load()
	got, _ := g.raw(strings.Replace(g.genuine("{}"), "\r\n", "\r\nConnection: close\r\n", 1))
	if len(got) != 1 || got[0].status != http.StatusOK || g.handled.Load() != before+1 {
		g.t.Fatalf("a genuine request was not taken: %+v", got)
	}
}

// row is one attack and what must come of it.
type row struct {
	name    string
	request string
	// want is the statuses that answer it, in order; 0 stands for notFound, byte
	// for byte, and none for a connection that is closed without a word.
	want    []int
	handled int64 // requests that reach the handler
}

// try sends every row and holds the server to it.
func (g *rig) try(t *testing.T, rows []row) {
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			before := g.handled.Load()
			got, closed := g.raw(r.request)
			if !closed {
				t.Error("the connection stayed open")
			}
			if len(got) != len(r.want) {
				t.Fatalf("%d answers, want %d: %+v", len(got), len(r.want), got)
			}
			for i, want := range r.want {
				switch {
				case want == 0 && strings.Replace(got[i].bytes, "HTTP/1.0", "HTTP/1.1", 1) != notFound:
					t.Errorf("answer %d is not the uniform one:\n%q", i, got[i].bytes)
				case want != 0 && got[i].status != want:
					t.Errorf("answer %d is %d, want %d", i, got[i].status, want)
				}
			}
			if n := g.handled.Load() - before; n != r.handled {
				t.Errorf("%d requests were handled, want %d", n, r.handled)
			}
		})
	}
	g.alive()
}

func TestHeads(t *testing.T) {
	t.Parallel()
	g := newRig(t, quick(), nil)
	ok := "HTTP/1.1\r\nHost: " + g.addr + "\r\n"
	many := strings.Repeat("A: b\r\n", 2000)
	g.try(t, []row{
		{"one huge header", "POST " + here + " " + ok + "X: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", []int{431}, 0},
		{"many headers in the bound", "POST " + here + " " + ok + many + "Content-Length: 0\r\n\r\n", []int{0}, 0},
		{"many headers", "POST " + here + " " + ok + strings.Repeat(many, 5) + "\r\n", []int{431}, 0},
		{"a huge request line", "POST /" + strings.Repeat("a", 1<<20) + " " + ok + "\r\n", []int{431}, 0},
		{"a request line without end", strings.Repeat("A", 1<<20), []int{431}, 0},
		{"no Host", "POST " + here + " HTTP/1.1\r\nContent-Length: 0\r\n\r\n", []int{400}, 0},
		{"two Hosts", "POST " + here + " " + ok + "Host: bot.example\r\nContent-Length: 0\r\n\r\n", []int{400}, 0},
		{"a Host with a path", "POST " + here + " HTTP/1.1\r\nHost: bot.example/x\r\nContent-Length: 0\r\n\r\n", []int{400}, 0},
		{"HTTP/0.9", "GET /\r\n\r\n", []int{400}, 0},
		{"HTTP/1.0", "POST " + here + " HTTP/1.0\r\nContent-Length: 2\r\n" + signed("{}") + "\r\n{}", []int{0}, 0},
		{"HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{0}, 0},
		{"HTTP/3.0", "POST " + here + " HTTP/3.0\r\nHost: x\r\n\r\n", []int{505}, 0},
		{"a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 300) + "\r\n\r\n", []int{400}, 0},
		{"an upgrade", "GET " + here + " " + ok + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", []int{0}, 0},
		{"an upgrade to h2c", g.post(here, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", ""), []int{0}, 0},
		{"NUL in a header", "POST " + here + " " + ok + "X: a\x00b\r\n\r\n", []int{400}, 0},
		{"bad UTF-8 in a header", "POST " + here + " " + ok + "X: \xff\xfe\xc0\x80\r\nContent-Length: 0\r\n\r\n", []int{0}, 0},
		{"an unknown expectation", "POST " + here + " " + ok + "Expect: 200-ok\r\nContent-Length: 0\r\n\r\n", []int{417}, 0},
	})
}

func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	g := newRig(t, quick(), nil)
	end := " HTTP/1.1\r\nHost: " + g.addr + "\r\nContent-Length: 2\r\n" + signed("{}")
	var rows []row
	turned := func(name, line, lines string) {
		rows = append(rows, row{name, line + end + lines + "\r\n{}", []int{0}, 0})
	}
	for _, m := range []string{"GET", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "post", "PRI", "M-SEARCH"} {
		turned("method "+m, m+" "+here, "")
	}
	turned("X-HTTP-Method-Override", "GET "+here, "X-HTTP-Method-Override: POST\r\n")
	turned("asterisk", "OPTIONS *", "")
	turned("CONNECT", "CONNECT "+here, "")
	for name, p := range map[string]string{
		"an encoded slash": strings.Replace(here[1:], "/", "%2f", 1), "an encoded letter": "hook/%38" + here[7:], "dots": "x/.." + here,
		"a dot": "." + here, "encoded dots": "x/%2e%2e" + here, "two slashes": here, "a semicolon": here[1:] + ";a=b",
		"another case": "HOOK" + here[5:], "a trailing slash": here[1:] + "/", "an encoded NUL": here[1:] + "%00", "a trailing dot": here[1:] + ".",
		"a backslash": strings.Replace(here[1:], "/", "\\", 1), "a wide slash": strings.Replace(here[1:], "/", "%c0%af", 1), "the root": "",
	} {
		turned(name, "POST /"+p, "")
	}
	turned("absolute, of another host", "POST http://evil.example"+here, "")
	rows = append(rows,
		row{"absolute, of this host", "POST http://" + g.addr + here + end + "Connection: close\r\n\r\n{}", []int{200}, 1},
		row{"a query", "POST " + here + "?a=b" + end + "Connection: close\r\n\r\n{}", []int{200}, 1},
		row{"CONNECT to a host", "CONNECT evil.example:443" + end + "\r\n{}", []int{0}, 0},
		row{"a bad escape", "POST " + here + "%zz" + end + "\r\n", []int{400}, 0},
		row{"NUL in the path", "POST " + here + "\x00" + end + "\r\n", []int{400}, 0},
		row{"no method", " " + here + end + "\r\n", []int{400}, 0},
		row{"a method of symbols", "P@ST " + here + end + "\r\n", []int{400}, 0},
		row{"HEAD", "HEAD " + here + " HTTP/1.1\r\nHost: " + g.addr + "\r\n\r\n", []int{404}, 0})
	g.try(t, rows)
}

func TestBodies(t *testing.T) {
	t.Parallel()
	g := newRig(t, quick(), nil)
	head := "POST " + here + " HTTP/1.1\r\nHost: " + g.addr + "\r\n"
	big := strings.Repeat("x", cap1+1)
	bomb := bytes.Repeat([]byte{0xf4, 0x8f, 0xbf, 0xbf}, cap1/8)
	g.try(t, []row{
		{"declared too large", head + "Content-Length: 99999999999\r\n\r\n{}", []int{0}, 0},
		{"declared beyond any number", head + "Content-Length: 99999999999999999999\r\n\r\n{}", []int{400}, 0},
		{"declared negative", head + "Content-Length: -1\r\n\r\n{}", []int{400}, 0},
		{"declared with a plus", head + "Content-Length: +2\r\n\r\n{}", []int{400}, 0},
		{"declared in hexadecimal", head + "Content-Length: 0x2\r\n\r\n{}", []int{400}, 0},
		{"two lengths", head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", []int{400}, 0},
		{"two lengths in one", head + "Content-Length: 2, 3\r\n\r\n{}", []int{400}, 0},
		{"larger than the route's bound, signed", g.post(here, signed(big), big), []int{0}, 0},
		{"larger than comes", head + signed("{}") + "Content-Length: 500\r\n\r\n{}", []int{0}, 0},
		{"smaller than comes", head + signed("{}") + "Content-Length: 2\r\nConnection: close\r\n\r\n{}{}{}", []int{200}, 1},
		{"smaller than is signed", head + signed("{}{}") + "Content-Length: 2\r\n\r\n{}{}", []int{0}, 0},
		{"an expectation, too large", head + "Expect: 100-continue\r\nContent-Length: 99999999\r\n\r\n", []int{0}, 0},
		{"gzip is not inflated", g.post(here, "Content-Encoding: gzip\r\nConnection: close\r\n"+signed(gzipped()), gzipped()), []int{200}, 1},
		{"UTF-8 bomb", g.post(here, "Connection: close\r\n"+signed(string(bomb)), string(bomb)), []int{200}, 1},
	})
	got, _ := g.raw(strings.Replace(g.post(here, signed(gzipped()), gzipped()), "\r\n", "\r\nContent-Encoding: gzip\r\nConnection: close\r\n", 1))
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(got) != 1 || string(g.last) != gzipped() {
		t.Errorf("a handler got %d bytes of a body of %d: it was inflated", len(g.last), len(gzipped()))
	}
}
