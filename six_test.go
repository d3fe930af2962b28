package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/all"
	"github.com/postern/postern/platforms/demo"
)

// counter is a responder that notes when each numbered message was handled.
type counter struct {
	mu    sync.Mutex
	seen  map[string]time.Time
	twice int
	more  chan struct{}
}

func (*counter) Name() string { return "counter" }
func (*counter) Acts() bool   { return false }

func (c *counter) Respond(_ context.Context, d app.Delivery) ([]platforms.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, again := c.seen[d.Event.Text]; again {
		c.twice++
	}
	c.seen[d.Event.Text] = time.Now()
	select {
	case c.more <- struct{}{}:
	default:
	}
	return nil, nil
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

// all six: every platform's connector in one App, against the demo's stand-ins
// in the same process, without their scripts.
type six struct {
	app     *app.App
	stage   *demo.Stage
	counter *counter
	dir     string
}

func newSix(t *testing.T) *six {
	t.Helper()
	stage, err := demo.New()
	if err != nil {
		t.Fatal(err)
	}
	s := &six{stage: stage, counter: &counter{seen: map[string]time.Time{}, more: make(chan struct{}, 1)}, dir: t.TempDir()}
	s.app, err = app.New(t.Context(), app.Options{
		Dir: s.dir, Platforms: all.All(), Demo: true, Responders: []app.Responder{s.counter},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := stage.Close(); err != nil {
			t.Errorf("stage: %v", err)
		}
	})
	for _, a := range stage.Accounts() {
		if _, err := s.app.AddAccount(ctx, api.AccountDraft{Platform: a.Platform, Name: a.Name, Values: a.Values}); err != nil {
			t.Fatalf("%s: %v", a.Platform, err)
		}
	}
	r := stage.Relay()
	d := api.RelayDraft{Kind: r.Kind, Name: "Demo's relay", Values: r.Values}
	for _, c := range r.Channels {
		d.Channels = append(d.Channels, api.RelayChannel{Channel: c.Name, Public: c.Public, Account: s.app.Snapshot().Accounts[c.Account].ID})
	}
	if _, err := s.app.AddRelay(ctx, d); err != nil {
		t.Fatal(err)
	}
	s.until(t, "all are connected", func() bool {
		for _, a := range s.app.Snapshot().Accounts {
			if a.Status != api.Connected {
				return false
			}
		}
		return true
	})
	return s
}

func (s *six) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	changes := s.app.Watch(ctx)
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("never happened: %s; accounts: %+v", what, s.app.Snapshot().Accounts)
		case <-changes:
		case <-s.counter.more:
		}
	}
}

// TestBenchSixIdle measures what all connectors cost together while nothing
// happens. The stand-ins are in the same process: their goroutines are left
// out, their memory and their half of the bytes are not.
func TestBenchSixIdle(t *testing.T) {
	benching(t)
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	s := newSix(t)
	time.Sleep(10 * time.Second)
	runtime.GC()
	pid := os.Getpid()
	ticks, switches, _ := usage(t, pid)
	bytes := throughput(t, pid)
	time.Sleep(time.Minute)
	ticks2, switches2, rss := usage(t, pid)
	t.Logf("%d accounts | resident %.1f MB with the stand-ins | %d goroutines | CPU %d ms a minute | voluntary switches %.1f/s | %d bytes read and written a minute, both ends and files",
		len(s.app.Snapshot().Accounts), float64(rss)/1024, ours(), (ticks2-ticks)*10, float64(switches2-switches)/60, throughput(t, pid)-bytes)
}

// throughput is how many bytes a process has read and written, files and
// sockets alike.
func throughput(t *testing.T, pid int) (n int) {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		t.Fatal(err)
	}
	var r, w int
	if _, err := fmt.Sscanf(string(data), "rchar: %d\nwchar: %d", &r, &w); err != nil {
		t.Fatal(err)
	}
	return r + w
}

// ours is how many goroutines are neither a stand-in's nor the test's.
func ours() (n int) {
	buf := make([]byte, 4<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		foreign := strings.Contains(stack, "testing.") || strings.Contains(stack, "net/http.(*conn)") || strings.Contains(stack, "net/http.(*Server)") ||
			strings.Contains(stack, "test.(*")
		if !foreign {
			n++
		}
	}
	return n
}

// TestBenchSixEvents sends 10,000 messages through each connector into the
// journal and to a responder.
func TestBenchSixEvents(t *testing.T) {
	benching(t)
	s := newSix(t)
	const n = 10_000
	for _, a := range s.stage.Accounts() {
		s.counter.mu.Lock()
		clear(s.counter.seen)
		s.counter.twice = 0
		s.counter.mu.Unlock()
		said := make([]time.Time, n)
		begin := time.Now()
		for i := range n {
			said[i] = time.Now()
			s.stage.Say(a.Platform, fmt.Sprint("b", i))
		}
		s.until(t, a.Platform+" delivers", func() bool { return s.counter.count() >= n })
		took := time.Since(begin)
		waited := make([]time.Duration, n)
		for i := range n {
			waited[i] = s.counter.seen[fmt.Sprint("b", i)].Sub(said[i])
		}
		t.Logf("%-12s %6.0f events/s | from said to handled, with all said at once: p50 %v, p99 %v | %d lost, %d twice",
			a.Platform, n/took.Seconds(), quantile(waited, .5).Round(time.Millisecond), quantile(waited, .99).Round(time.Millisecond), n-s.counter.count(), s.counter.twice)
	}
}

// TestSixLeaveNothing runs all connectors together, has each hear a message,
// and looks for what only the vault may hold.
func TestSixLeaveNothing(t *testing.T) {
	s := newSix(t)
	for _, a := range s.stage.Accounts() {
		s.stage.Say(a.Platform, "hello from "+a.Platform)
	}
	s.until(t, "each hears", func() bool { return s.counter.count() >= len(s.stage.Accounts()) })
	var secrets []string
	for _, a := range s.stage.Accounts() {
		for _, p := range all.All() {
			for _, f := range p.Fields {
				if p.Name == a.Platform && f.Secret && a.Values[f.Key] != "" {
					secrets = append(secrets, a.Values[f.Key])
				}
			}
		}
	}
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(string(data), secret) {
				t.Errorf("a secret is in %s", d.Name())
			}
		}
		return err
	})
	if err != nil || len(secrets) == 0 {
		t.Errorf("%v, %d secrets", err, len(secrets))
	}
}
