package ingress

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// loud keeps what is logged of panics.
type loud struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *loud) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() < 1<<20 && bytes.Contains(p, []byte("panic")) {
		l.b.Write(p)
	}
	return len(p), nil
}

func (l *loud) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// FuzzRequest sends whatever bytes to the listener: it must answer or close,
// must not panic, and must take nothing that is not signed.
func FuzzRequest(f *testing.F) {
	l := quick()
	l.Header, l.Read = 50*time.Millisecond, 100*time.Millisecond
	var log loud
	g := rigOf(f, Options{Limits: l, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, through)
	head := "POST " + here + " HTTP/1.1\r\nHost: bot.example\r\n"
	for _, s := range []string{
		head + "Content-Length: 2\r\n\r\n{}",
		head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n",
		head + "X-Time: 1\r\nX-Signature: 00\r\nX-Forwarded-For: 1.2.3.4, ::1\r\nContent-Length: 0\r\n\r\n" + head,
		head + "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST http://bot.example" + here + " HTTP/1.1\r\nHost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\x16\x03\x01\r\n\r\n",
		strings.Replace(head, "\r\n", "\n", -1) + "Connection: upgrade\nUpgrade: h2c\n\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		c, err := net.Dial("tcp4", g.addr)
		if err != nil {
			t.Skip(err) // no port is free
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		go func() {
			_, _ = c.Write(request)
			_ = c.(*net.TCPConn).CloseWrite()
		}()
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatal("neither an answer nor an end")
		}
		_ = c.(*net.TCPConn).SetLinger(0)
		if text := log.String(); text != "" {
			t.Fatal(text)
		}
		if g.handled.Load() != 0 {
			t.Fatal("something unsigned was taken")
		}
	})
}
