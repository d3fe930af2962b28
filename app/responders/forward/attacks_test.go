package forward

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// raw is a server that answers each connection with bytes of its own making,
// after the request's head came.
func raw(t *testing.T, answer func(net.Conn)) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				b := make([]byte, 4096)
				if _, err := c.Read(b); err == nil {
					answer(c)
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "http://" + l.Addr().String() + "/path-token-8472"
}

// rest of the connection: returns when the other side has closed it.
func drain(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// patience is the time limit with servers that use it up: enough for the head
// of an answer on a busy computer.
const patience = time.Second

func TestBadServers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		kind   platforms.Kind // waiting for an answer
		oneWay platforms.Kind // "" for delivered
	}{
		{"never answers", drain, platforms.Temporary, platforms.Temporary},
		{"closes at once", func(net.Conn) {}, platforms.Temporary, platforms.Temporary},
		{"closes in the head", func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-") }, platforms.Temporary, platforms.Temporary},
		{"no HTTP", func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.example ESMTP\r\n\r\n") }, platforms.Temporary, platforms.Temporary},
		{"closes early", func(c net.Conn) { _, _ = io.WriteString(c, head+"Content-Length: 100\r\n\r\nhalf") }, platforms.Temporary, ""},
		{"promises more", func(c net.Conn) { _, _ = io.WriteString(c, head+"Content-Length: 100\r\n\r\nhalf"); drain(c) }, platforms.Temporary, ""},
		{"drips for ever", func(c net.Conn) {
			_, _ = io.WriteString(c, head+"Transfer-Encoding: chunked\r\n\r\n")
			for {
				if _, err := io.WriteString(c, "1\r\nx\r\n"); err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
		}, platforms.Temporary, ""},
		{"answers 100 MB", func(c net.Conn) {
			_, _ = io.WriteString(c, head+"\r\n")
			_, _ = io.CopyN(c, zeros{}, 100<<20)
		}, platforms.Rejected, ""},
		{"says 100 MB", func(c net.Conn) {
			_, _ = io.WriteString(c, head+"Content-Length: 104857600\r\n\r\n")
			_, _ = io.CopyN(c, zeros{}, 100<<20)
		}, platforms.Rejected, ""},
		{"endless head", func(c net.Conn) {
			_, _ = io.WriteString(c, head)
			_, _ = io.CopyN(c, zeros{}, 100<<20)
		}, platforms.Temporary, platforms.Temporary},
		{"endless interim answers", func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"); err != nil {
					return
				}
			}
		}, platforms.Temporary, platforms.Temporary},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := raw(t, c.answer)
			t.Parallel()
			_, err := build(t, url, Options{}, func(k *Config) { k.Timeout = patience }).Respond(context.Background(), delivery("x"))
			wantKind(t, err, c.kind)
			_, err = build(t, url, Options{}, func(k *Config) { k.Mode, k.Timeout = OneWay, patience }).Respond(context.Background(), delivery("x"))
			if c.oneWay != "" {
				wantKind(t, err, c.oneWay)
			} else if err != nil {
				t.Errorf("a delivered event gave %v", err)
			}
		})
	}
}

// TestOnlyALittleIsRead has servers that count what they got rid of. Both
// systems' buffers take some of it.
func TestOnlyALittleIsRead(t *testing.T) {
	const much, little = 200 << 20, 64 << 20
	for name, head := range map[string]string{
		"head":        "HTTP/1.1 200 OK\r\nX-Long: ",
		"body":        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
		"length said": "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 209715200\r\n\r\n",
		"refusal":     "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 209715200\r\n\r\n",
	} {
		for _, mode := range []Mode{OneWay, Wait} {
			t.Run(name+" "+string(mode), func(t *testing.T) {
				wrote := make(chan int64, 1)
				url := raw(t, func(c net.Conn) {
					_, _ = io.WriteString(c, head)
					n, _ := io.CopyN(c, zeros{}, much)
					wrote <- n
				})
				_, _ = build(t, url, Options{}, func(c *Config) { c.Mode = mode }).Respond(context.Background(), delivery("x"))
				if n := <-wrote; n > little {
					t.Errorf("%d MiB were taken", n>>20)
				}
			})
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestShorterAnswerThanPromisedLengthIsCutThere(t *testing.T) {
	url := raw(t, func(c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabcdef")
	})
	ms, err := build(t, url, Options{}).Respond(context.Background(), delivery("x"))
	if got := only(t, ms, err); got != "abc" {
		t.Errorf("got %q", got)
	}
}

func TestAnswerAtTheLimitPasses(t *testing.T) {
	n := 64 << 10
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("a", n)) })
	r := build(t, url, Options{})
	ms, err := r.Respond(context.Background(), delivery("x"))
	if got := only(t, ms, err); len(got) != n {
		t.Errorf("got %d bytes", len(got))
	}
	n++
	_, err = r.Respond(context.Background(), delivery("x"))
	wantKind(t, err, platforms.Rejected)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var other atomic.Int32
	second := serve(t, func(http.ResponseWriter, *http.Request) { other.Add(1) })
	for _, to := range []string{"http://169.254.169.254/latest/meta-data", second, "file:///etc/passwd"} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(code)
			})
			r := build(t, url, Options{}, func(c *Config) { c.Reach = exposure.Anyone })
			_, err := r.Respond(context.Background(), delivery("x"))
			if e := wantKind(t, err, platforms.Rejected); !strings.Contains(e.Text, "another address") {
				t.Errorf("%d: %s", code, e.Text)
			}
		}
	}
	if other.Load() > 0 {
		t.Error("a redirect was followed")
	}
}

func TestNothingListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String() + "/path-token-8472"
	l.Close()
	_, err = build(t, url, Options{}).Respond(context.Background(), delivery("x"))
	wantKind(t, err, platforms.Temporary)
}
