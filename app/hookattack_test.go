package app

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/platforms"
)

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// guesses sends n random tokens down one connection and gives the one answer to
// all of them, without its date.
func guesses(t *testing.T, bind string, n int, seed uint64) string {
	conn, err := net.Dial("tcp", bind)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	r, in, token := rand.New(rand.NewPCG(seed, 1)), bufio.NewReader(conn), make([]byte, hooks.TokenLength)
	first := ""
	const body = `{"content":"x"}`
	for range n {
		for i := range token {
			token[i] = letters[r.IntN(len(letters))]
		}
		if _, err := fmt.Fprintf(conn, "POST %s%s HTTP/1.1\r\nHost: %s\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n%s", hooks.Path, token, bind, token, len(body), body); err != nil {
			t.Error(err)
			return ""
		}
		var answer strings.Builder
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Error(err)
				return ""
			}
			if !strings.HasPrefix(line, "Date: ") {
				answer.WriteString(line)
			}
			if line == "\r\n" {
				break
			}
		}
		var length int
		if _, err := fmt.Sscanf(answer.String()[strings.Index(answer.String(), "Content-Length: "):], "Content-Length: %d", &length); err != nil {
			t.Error(err)
			return ""
		}
		rest := make([]byte, length)
		if _, err := io.ReadFull(in, rest); err != nil {
			t.Error(err)
			return ""
		}
		answer.Write(rest)
		if first == "" {
			first = answer.String()
		}
		if answer.String() != first {
			t.Errorf("%q, and before it %q", answer.String(), first)
			return ""
		}
	}
	return first
}

// TestRandomTokens guesses tokens, 1,000,000 of them in make attack: memory is
// flat, the answer is one, and no hook's budget is used.
func TestRandomTokens(t *testing.T) {
	n := 10_000
	if os.Getenv("POSTERN_ATTACK") == "full" {
		n = 1_000_000
	}
	const conns = 8
	w := hookWorld(t)
	const burst = 20
	made := w.hook(api.HookDraft{Limit: platforms.Rate{N: 1, Per: 24 * 3600e9, Burst: burst}})
	off := w.hook(api.HookDraft{Name: "off", Conversation: "2"})
	no := false
	if _, err := w.app.ChangeHook(w.person(), off.Hook.ID, api.HookChange{On: &no}); err != nil {
		t.Fatal(err)
	}
	bind := w.app.Hooks().Bind
	guess := func(n int, seed uint64) (answer string) {
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range conns {
			all.Go(func() {
				a := guesses(t, bind, n/conns, seed+uint64(i))
				mu.Lock()
				defer mu.Unlock()
				if answer == "" {
					answer = a
				}
				if a != answer {
					t.Errorf("%q and %q", a, answer)
				}
			})
		}
		all.Wait()
		return answer
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	answer := guess(n/10, 1)
	before := heap()
	if again := guess(n-n/10, 100); again != answer {
		t.Errorf("%q, then %q", answer, again)
	}
	after := heap()
	if after > before+4<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
	sources, known := w.app.hooking.gate.Limiter.Len()
	if sources > 1 || known != 0 || w.app.hooking.gate.Keys.Len() != 0 {
		t.Errorf("%d sources, %d hooks and %d keys are remembered", sources, known, w.app.hooking.gate.Keys.Len())
	}
	t.Logf("%d guesses; the heap had %d bytes before and %d after", n, before, after)
	a := ask(t, "POST", off.URL, `{"content":"x"}`)
	if a.status != 404 || !strings.HasSuffix(answer, a.body) || !strings.HasPrefix(answer, "HTTP/1.1 404 ") {
		t.Errorf("switched off: %+v; unknown: %q", a, answer)
	}
	for i := range burst {
		if a := ask(t, "POST", made.URL, `{"content":"x"}`); a.status != http.StatusCreated {
			t.Fatalf("post %d after the guesses: %+v", i, a)
		}
	}
	if a := ask(t, "POST", made.URL, `{"content":"x"}`); a.status != http.StatusTooManyRequests {
		t.Errorf("the budget has no end: %+v", a)
	}
}

// TestHookTokenIsKeptNowhere: neither logs nor the journal nor what anybody is told
// has a token, whatever happens to its requests.
func TestHookTokenIsKeptNowhere(t *testing.T) {
	var mu sync.Mutex
	var logged bytes.Buffer
	w := newWorld(t)
	w.log = slog.NewTextHandler(writer(func(b []byte) (int, error) { mu.Lock(); defer mu.Unlock(); return logged.Write(b) }), &slog.HandlerOptions{Level: slog.LevelDebug})
	w.change = func(p *platforms.Platform) { p.Limits.Text = 4000 }
	w.start()
	w.add()
	w.serveHooks()
	made := w.hook(api.HookDraft{})
	again, err := w.app.RotateHook(w.person(), made.Hook.ID, api.HookRotation{Overlap: 3600e9})
	if err != nil {
		t.Fatal(err)
	}
	var tokens []string
	for _, url := range []string{made.URL, again.URL} {
		tokens = append(tokens, url[len(url)-hooks.TokenLength:])
		for _, c := range []struct{ method, suffix, body string }{
			{"POST", "", `{"content":"x"}`}, {"POST", "/slack", `{}`}, {"POST", "/nothing", `{}`}, {"POST", "", `{`}, {"GET", "", ""}, {"PATCH", "", `{"name":7}`},
			{"PATCH", "", `{"name":"Other"}`}, {"POST", "?a=b;c", `{"content":"x"}`}, {"POST", "", `{"content":"` + strings.Repeat("x", hooks.MostBody) + `"}`},
		} {
			ask(t, c.method, url+c.suffix, c.body)
		}
		raw, err := net.Dial("tcp", w.app.Hooks().Bind) // what net/http itself complains about
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(raw, "POST %s HTTP/1.1\r\nHost: a b\r\nContent-Length: x\r\n\r\n", strings.TrimPrefix(url, w.app.Hooks().Address))
		answer, _ := io.ReadAll(raw)
		raw.Close()
		for _, token := range tokens {
			if bytes.Contains(answer, []byte(token)) {
				t.Errorf("%q", answer)
			}
		}
	}
	// A keeper that panics quotes nothing.
	broken := hooks.NewServer(w.app.hooking.gate, panics{hookKeeper{w.app.hooking}}, func(string) bool { return true }, nil)
	srv := &http.Server{Handler: broken, ReadHeaderTimeout: 5e9}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.Serve(l) }()
	if a := ask(t, "POST", "http://"+l.Addr().String()+hooks.Path+tokens[1], `{"content":"x"}`); a.status != 500 || strings.Contains(a.body, tokens[1]) {
		t.Errorf("%+v", a)
	}
	srv.Close()

	lines, err := w.app.Activity(t.Context(), control.ActivityQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	page, err := w.app.Audit(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	seen := fmt.Sprintf("%+v %+v %+v %+v", lines, page, w.app.Snapshot(), w.app.Hooks())
	w.stop()
	mu.Lock()
	seen += logged.String()
	mu.Unlock()
	err = filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		seen += string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, token := range tokens {
		if strings.Contains(seen, token) || strings.Contains(seen, token[:20]) {
			t.Errorf("token %d is somewhere", i)
		}
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

type panics struct{ hookKeeper }

func (panics) Post(context.Context, hooks.Admitted, string, []byte) (hooks.Receipt, error) {
	panic("broken")
}
