package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/app/control/socket"
	"github.com/postern/postern/platforms"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("CONTROL_TEST_ASK"); dir != "" {
		os.Exit(askAsChild(dir))
	}
	goleak.VerifyTestMain(m)
}

// start serves b until the test ends.
func start(t *testing.T, b control.Backend, o control.Options, prepare ...func(*control.Server)) (string, *control.Server) {
	t.Helper()
	dir, s, stop, err := controltest.StartWith(b, o, func(s *control.Server) {
		for _, p := range prepare {
			p(s)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return dir, s
}

func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "postern-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func dial(t *testing.T, dir string) *client.Client {
	t.Helper()
	c := client.New(dir)
	t.Cleanup(c.Close)
	return c
}

// raw is an HTTP client that does as it is told.
func raw(t *testing.T, dir string) *http.Client {
	t.Helper()
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return socket.Dial(ctx, dir) }}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func request(t *testing.T, method, path, body string, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://postern"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// refused makes a request that must fail with status and the uniform body.
func refused(t *testing.T, dir string, req *http.Request, status int) api.Error {
	t.Helper()
	resp, err := raw(t, dir).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var e api.Error
	if err := json.Unmarshal(body, &e); err != nil || e.Text == "" || e.Kind == "" {
		t.Errorf("the body of a refusal is %q (%v)", body, err)
	}
	if resp.StatusCode != status {
		t.Errorf("status %d (%s), want %d", resp.StatusCode, e.Text, status)
	}
	return e
}

func TestEveryRoute(t *testing.T) {
	b := controltest.New()
	dir, _ := start(t, b, control.Options{OpenWindow: func(api.Request) error { return nil }})
	c, ctx := dial(t, dir), t.Context()
	odd := platforms.AccountID("a/b?c#d e%2F")

	for name, call := range map[string]func() error{
		"AddAccount pigeon Homer": func() error {
			_, err := c.AddAccount(ctx, api.AccountDraft{Platform: "pigeon", Name: "Homer"})
			return err
		},
		"ChangeAccount " + string(odd):   func() error { _, err := c.ChangeAccount(ctx, odd, api.AccountDraft{}); return err },
		"RemoveAccount " + string(odd):   func() error { return c.RemoveAccount(ctx, odd) },
		"CheckDraft " + string(odd):      func() error { _, err := c.CheckDraft(ctx, odd, api.AccountDraft{}); return err },
		"CheckAccount " + string(odd):    func() error { _, err := c.CheckAccount(ctx, odd); return err },
		"Fix " + string(odd) + " code":   func() error { _, err := c.Fix(ctx, odd, "code"); return err },
		"Pause " + string(odd):           func() error { return c.Pause(ctx, odd) },
		"Resume " + string(odd):          func() error { return c.Resume(ctx, odd) },
		"Pause":                          func() error { return c.Pause(ctx, "") },
		"Resume":                         func() error { return c.Resume(ctx, "") },
		"Conversations 7":                func() error { _, err := c.Conversations(ctx, 7); return err },
		"Timeline pigeon c1&limit=5 9 3": func() error { _, err := c.Timeline(ctx, "pigeon", "c1&limit=5", 9, 3); return err },
		"Entries 3 9 pigeon c1&limit=5 true 2": func() error {
			_, err := c.Entries(ctx, api.EntryQuery{After: 3, Before: 9, Account: "pigeon", Conversation: "c1&limit=5", Newest: true, Limit: 2})
			return err
		},
		"Search a&b 0":                func() error { _, err := c.Search(ctx, "a&b", 0); return err },
		"Entry 1":                     func() error { _, err := c.Entry(ctx, 1); return err },
		"MarkRead pigeon c1 2":        func() error { return c.MarkRead(ctx, "pigeon", "c1", 2) },
		"Resend 18446744073709551615": func() error { return c.Resend(ctx, 1<<64-1) },
		"Discard 4":                   func() error { return c.Discard(ctx, 4) },
		"Dismiss 6":                   func() error { return c.Dismiss(ctx, 6) },
		"Activity 8 9 pigeon [sent dead] x": func() error {
			_, err := c.Activity(ctx, client.ActivityQuery{Before: 8, Limit: 9, Account: "pigeon", What: []api.What{api.SentOut, api.DiedOut}, Text: "x"})
			return err
		},
		"DismissNotice n/1": func() error { return c.DismissNotice(ctx, "n/1") },
		"Quit":              func() error { return c.Quit(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := call(); err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(b.Calls(), name) {
				t.Errorf("the backend was called with %q", b.Calls())
			}
		})
	}

	t.Run("snapshot and platforms", func(t *testing.T) {
		s, err := c.Snapshot(ctx)
		if err != nil || s.Program.PID != 4711 || len(s.Accounts) == 0 {
			t.Errorf("%+v, %v", s, err)
		}
		p, err := c.Platforms(ctx)
		if err != nil || len(p) != 1 || p[0].Name != "pigeon" {
			t.Errorf("%+v, %v", p, err)
		}
	})
	t.Run("settings", func(t *testing.T) {
		s, err := c.Settings(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.HideText = true
		if s, err = c.SetSettings(ctx, s); err != nil || !s.HideText {
			t.Errorf("%+v, %v", s, err)
		}
	})
	t.Run("no lists are null", func(t *testing.T) {
		resp, err := raw(t, dir).Do(request(t, "GET", "/v1/timeline?account=x&conversation=y", ""))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); strings.TrimSpace(string(body)) != "[]" {
			t.Errorf("%q", body)
		}
	})
}

func TestStrictness(t *testing.T) {
	dir, _ := start(t, controltest.New(), control.Options{})
	const secret = "123456:very-secret"
	for name, c := range map[string]struct {
		req    *http.Request
		status int
	}{
		"another host":     {request(t, "GET", "/v1/snapshot", "", "Host", "localhost"), 403},
		"an origin":        {request(t, "GET", "/v1/snapshot", "", "Origin", "http://postern"), 403},
		"a browser":        {request(t, "GET", "/v1/snapshot", "", "Sec-Fetch-Site", "none"), 403},
		"no such route":    {request(t, "GET", "/v1/nothing", ""), 404},
		"another method":   {request(t, "DELETE", "/v1/snapshot", ""), 405},
		"unknown field":    {request(t, "POST", "/v1/accounts", `{"platform":"pigeon","tokn":"`+secret+`"}`), 400},
		"two values":       {request(t, "POST", "/v1/accounts", `{} {}`), 400},
		"wrong type":       {request(t, "POST", "/v1/accounts", `{"values":{"token":123456}}`), 400},
		"no JSON":          {request(t, "POST", "/v1/accounts", secret), 400},
		"no body":          {request(t, "POST", "/v1/accounts", ""), 400},
		"another type":     {request(t, "POST", "/v1/accounts", `{}`, "Content-Type", "text/plain"), 415},
		"a body too large": {request(t, "POST", "/v1/accounts", `{"name":"`+strings.Repeat("x", control.MaxJSON)+`"}`), 413},
		"no number":        {request(t, "GET", "/v1/entries/x", ""), 400},
		"a bad limit":      {request(t, "GET", "/v1/conversations?limit=-1", ""), 400},
		"no window":        {request(t, "POST", "/v1/show", `{}`), 501},
		"bad capability":   {request(t, "POST", "/v1/session", `{"capability":"x"}`), 401},
		"not a person":     {request(t, "GET", "/v1/session", ""), 403},
	} {
		t.Run(name, func(t *testing.T) {
			if e := refused(t, dir, c.req, c.status); strings.Contains(e.Text, "123456") || strings.Contains(e.Text, "very-secret") {
				t.Errorf("the refusal repeats a value: %s", e.Text)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	b := controltest.New()
	var reason error
	b.Err = func(string) error { return reason }
	var log bytes.Buffer
	dir, _ := start(t, b, control.Options{Log: slog.New(slog.NewTextHandler(&syncWriter{w: &log}, nil))})
	for kind, status := range map[platforms.Kind]int{
		platforms.Temporary: 503, platforms.RateLimited: 429, platforms.Unauthorized: 424, platforms.Conflict: 409,
		platforms.Rejected: 422, platforms.Unsupported: 501, platforms.NotAcknowledged: 403,
	} {
		t.Run(string(kind), func(t *testing.T) {
			reason = fmt.Errorf("wrapped: %w", &api.Error{Kind: kind, Text: "What happened.", Fields: map[string]string{"token": "wrong"}})
			if e := refused(t, dir, request(t, "POST", "/v1/pause", ""), status); e.Text != "What happened." || e.Kind != kind || e.Fields["token"] != "wrong" {
				t.Errorf("%+v", e)
			}
			var wire *api.Error
			if err := dial(t, dir).Pause(t.Context(), ""); !errors.As(err, &wire) || wire.Kind != kind || wire.Fields["token"] != "wrong" {
				t.Errorf("the client says %v", err)
			}
		})
	}
	t.Run("any other error is logged, not told", func(t *testing.T) {
		reason = errors.New("bolt: page 7")
		if e := refused(t, dir, request(t, "POST", "/v1/pause", ""), 500); strings.Contains(e.Text, "bolt") {
			t.Errorf("%+v", e)
		}
	})
	t.Run("a panic is survived", func(t *testing.T) {
		b.Err = func(string) error { panic("oh") }
		refused(t, dir, request(t, "POST", "/v1/pause", ""), 500)
		b.Err = nil
		if err := dial(t, dir).Pause(t.Context(), ""); err != nil {
			t.Error(err)
		}
	})
}

type syncWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *syncWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

func TestLogHoldsNoContent(t *testing.T) {
	var log bytes.Buffer
	dir, _, stop, err := controltest.Start(controltest.New(), control.Options{
		Log: slog.New(slog.NewTextHandler(&syncWriter{w: &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	c := client.New(dir)
	_, _ = c.AddAccount(t.Context(), api.AccountDraft{Name: "hushname", Values: map[string]string{"token": "hushtoken"}})
	_, _ = c.Search(t.Context(), "hushquery", 0)
	_, _ = c.Send(t.Context(), api.Draft{Conversation: "hushconv", Text: "hushtext"})
	_ = c.RemoveAccount(t.Context(), "hushid")
	c.Close()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "hush") {
		t.Errorf("the log repeats what was asked:\n%s", log.String())
	}
	for _, want := range []string{`route="GET /v1/search"`, `status=200`, `route="POST /v1/messages"`, "method=POST"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}

func TestConcurrency(t *testing.T) {
	b := controltest.New()
	dir, _ := start(t, b, control.Options{})
	c := dial(t, dir)
	var wg sync.WaitGroup
	for i := range 24 {
		wg.Go(func() {
			for range 10 {
				if _, err := c.Send(t.Context(), api.Draft{Account: "pigeon", Conversation: "c1", Text: fmt.Sprint(i)}); err != nil {
					t.Error(err)
					return
				}
				if _, err := c.Timeline(t.Context(), "pigeon", "c1", 0, 3); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if list, err := c.Timeline(t.Context(), "pigeon", "c1", 0, 0); err != nil || len(list) != 2+240 {
		t.Errorf("%d messages, %v", len(list), err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	dir, _ := start(t, controltest.New(), control.Options{})
	var conns []net.Conn
	for range 256 {
		c, err := socket.Dial(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	extra, err := socket.Dial(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	_ = extra.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := extra.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one too many was kept: %v", err)
	}
	last := conns[len(conns)-1]
	fmt.Fprint(last, "GET /v1/settings HTTP/1.1\r\nHost: postern\r\n\r\n")
	if n, err := last.Read(make([]byte, 12)); n == 0 {
		t.Errorf("it was the others that had to go: %v", err)
	}
	// A place that was left can be taken again.
	for _, c := range conns {
		c.Close()
	}
	for {
		if _, err := dial(t, dir).Snapshot(t.Context()); err == nil {
			break
		}
		runtime.Gosched()
	}
}

func TestShutdown(t *testing.T) {
	t.Run("a request in flight is finished", func(t *testing.T) {
		b := controltest.New()
		entered, leave := make(chan struct{}), make(chan struct{})
		b.Wait = func(context.Context, string) { close(entered); <-leave }
		dir, _, stop, err := controltest.Start(b, control.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := dial(t, dir)
		answered := make(chan error, 1)
		go func() { answered <- c.Pause(context.Background(), "") }()
		<-entered
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		for !errors.Is(ask(dir), client.ErrNotRunning) { // no new ones any more
			runtime.Gosched()
		}
		close(leave)
		if err := <-answered; err != nil {
			t.Errorf("the request in flight: %v", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Run("one that overstays is cut off", func(t *testing.T) {
		b := controltest.New()
		entered := make(chan struct{})
		b.Wait = func(ctx context.Context, _ string) { close(entered); <-ctx.Done() }
		dir, _, stop, err := controltest.Start(b, control.Options{})
		if err != nil {
			t.Fatal(err)
		}
		c := dial(t, dir)
		answered := make(chan error, 1)
		go func() { answered <- c.Pause(context.Background(), "") }()
		<-entered
		if err := stop(); err != nil {
			t.Error(err)
		}
		if err := <-answered; err == nil {
			t.Error("a request that never ended was answered")
		}
	})
	t.Run("the socket is gone", func(t *testing.T) {
		dir, err := os.MkdirTemp("", "postern-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		stop, _, err := controltest.StartIn(dir, controltest.New(), control.Options{}, func(*control.Server) {})
		if err != nil {
			t.Fatal(err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// ask makes one request over a new connection.
func ask(dir string) error {
	c := client.New(dir)
	defer c.Close()
	_, err := c.Snapshot(context.Background())
	return err
}
