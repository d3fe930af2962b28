package app

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/time/rate"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/hook"
)

const (
	benchConns  = 64
	benchBody   = 6 << 10
	benchBad    = 20_000 // bad requests a second beside the genuine ones
	benchSecret = "tok-secret-value-1"
)

// TestBenchWebhooks prints how many webhooks a second are verified, recognised,
// sealed and on disk, through the guard, the ingress, a connector, the inbox and
// the store, beside what bare net/http and bbolt give in the same run; and the
// same while strangers knock. It asserts nothing, so it runs only when asked:
// POSTERN_BENCH=1.
func TestBenchWebhooks(t *testing.T) {
	if os.Getenv("POSTERN_BENCH") == "" {
		t.Skip("set POSTERN_BENCH=1 to measure")
	}
	const span, rounds = 1500 * time.Millisecond, 8
	kinds := []struct{ name, addr string }{
		{"net/http that only verifies", bareHandler(t, nil)},
		{"net/http and DB.Batch", bareHandler(t, boltBatch(t, 0))},
		{"net/http and DB.Batch that waits 0.1 ms", bareHandler(t, boltBatch(t, 100*time.Microsecond))},
		{"Postern", hooked(t)},
		{"Postern with strangers", ""},
		{"Postern that notes no requests", unnoted(t)},
	}
	kinds[4].addr = kinds[3].addr
	rates, tails := make([][]float64, len(kinds)), make([][]time.Duration, len(kinds))
	var bad []float64
	for range rounds { // in turn: other work on the machine comes and goes
		for i, k := range kinds {
			reached := func() float64 { return 0 }
			if i == 4 {
				reached = strangers(t, k.addr)
			}
			rate, p99 := webhooks(t, k.addr, "/in", span)
			if n := reached(); n > 0 {
				bad = append(bad, n)
			}
			rates[i], tails[i] = append(rates[i], rate), append(tails[i], p99)
		}
	}
	t.Logf("%d connections, %d bytes, medians of %d rounds of %v", benchConns, benchBody, rounds, span)
	for i, k := range kinds {
		of := make([]float64, rounds)
		for r := range of {
			of[r] = 100 * rates[i][r] / rates[1][r]
		}
		t.Logf("%-40s %6.0f/s, %4.0f %% of net/http and DB.Batch (%.0f to %.0f %%), p99 %v", k.name, median(rates[i]), median(of), slices.Min(of), slices.Max(of), median(tails[i]))
	}
	t.Logf("the strangers sent %.0f bad requests/s (%d wanted)", median(bad), benchBad)
}

func median[T float64 | time.Duration](list []T) T {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

// hooked is the address of an App with an open door; what comes in there is
// stored.
func hooked(t *testing.T) string {
	t.Helper()
	_, bind := hookedWorld(t)
	return bind
}

// unnoted is hooked, but none of the requests is noted: they all come too fast.
func unnoted(t *testing.T) string {
	t.Helper()
	w, bind := hookedWorld(t)
	r := w.app.recorder
	r.mu.Lock()
	r.paces["fake"] = &pair{rate.NewLimiter(0, 0), rate.NewLimiter(0, 0)}
	r.mu.Unlock()
	return bind
}

func hookedWorld(t *testing.T) (*world, string) {
	t.Helper()
	w := newWorld(t)
	w.log = slog.DiscardHandler
	w.change = func(p *platforms.Platform) {
		p.Inbound = platforms.Webhook
		p.New = func(c platforms.Config) (platforms.Connector, error) {
			return &hooking{fakeConnector{w.fake, c}}, nil
		}
	}
	return openedIn(t, w)
}

// hooking is a connector that gets everything by webhook.
type hooking struct{ fakeConnector }

func (c *hooking) Run(ctx context.Context, _ platforms.Cursor, sink platforms.Sink) error {
	q := hook.New(2 * benchConns)
	_, release, err := c.c.Ingress.Serve(platforms.Route{Path: "/in", Verify: func(r *http.Request, body []byte, now time.Time) error {
		for _, s := range c.c.Live("token", now) {
			if genuine(r, body, s.Reveal()) {
				return nil
			}
		}
		return platforms.ErrSignature
	}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			hook.Later(w)
			return
		}
		id := r.Header.Get("X-Delivery")
		_ = q.Answer(w, r, []platforms.Event{{ID: platforms.EventID(id), Kind: platforms.MessageReceived, Time: time.Now(),
			Conversation: platforms.Conversation{ID: "c" + platforms.ConversationID(id[len(id)-1:]), Kind: platforms.Direct, Title: "C"},
			Message:      platforms.MessageID(id), From: platforms.User{ID: "u", Name: "U"}, Text: string(body)}}, 8*time.Second)
	})})
	if err != nil {
		return err
	}
	defer func() {
		q.Refuse()
		release()
		q.End()
	}()
	sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	return q.Run(ctx, sink, func() { sink.State(platforms.State{Phase: platforms.Connected, Hears: true}) })
}

func genuine(r *http.Request, body []byte, secret string) bool {
	got, err := hex.DecodeString(strings.TrimPrefix(r.Header.Get("X-Hub-Signature-256"), "sha256="))
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	return err == nil && hmac.Equal(got, m.Sum(nil))
}

// bareHandler is a server of net/http that verifies, and has keep called with
// what is genuine, if that is not nil.
func bareHandler(t *testing.T, keep func(id string, body []byte) error) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !genuine(r, body, benchSecret) {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if keep != nil && keep(r.Header.Get("X-Delivery"), body) != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

// boltBatch keeps bodies under their ids with DB.Batch. wait is how long it may
// hold a batch back; 0 is what bbolt has by itself.
func boltBatch(t *testing.T, wait time.Duration) func(string, []byte) error {
	t.Helper()
	db, err := bolt.Open(filepath.Join(t.TempDir(), "bare.db"), 0o600, nil)
	if err == nil {
		err = db.Update(func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket([]byte("b"))
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if wait > 0 {
		db.MaxBatchDelay = wait
	}
	return func(id string, body []byte) error {
		return db.Batch(func(tx *bolt.Tx) error { return tx.Bucket([]byte("b")).Put([]byte(id), body) })
	}
}

var deliveries atomic.Int64

// webhooks sends genuine webhooks on connections that are kept, and gives their
// rate and 99th percentile.
func webhooks(t *testing.T, addr, path string, span time.Duration) (float64, time.Duration) {
	t.Helper()
	var wg sync.WaitGroup
	took := make([][]time.Duration, benchConns)
	begin := time.Now()
	for n := range benchConns {
		wg.Go(func() {
			c, err := net.Dial("tcp4", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			br := bufio.NewReader(c)
			body := []byte(strings.Repeat("The engine weaves algebraical patterns. ", benchBody/40+1)[:benchBody])
			for time.Since(begin) < span {
				at := time.Now()
				id := fmt.Sprintf("%012d", deliveries.Add(1))
				copy(body, id)
				m := hmac.New(sha256.New, []byte(benchSecret))
				m.Write(body)
				req := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nX-Delivery: %s\r\nX-Hub-Signature-256: sha256=%x\r\nContent-Length: %d\r\n\r\n",
					path, addr, id, m.Sum(nil), len(body))
				if _, err := c.Write(append(req, body...)); err != nil {
					t.Error(err)
					return
				}
				resp, err := http.ReadResponse(br, nil)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("%v %+v", err, resp)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				took[n] = append(took[n], time.Since(at))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	all := slices.Concat(took...)
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return float64(len(all)) / elapsed.Seconds(), all[len(all)*99/100].Round(10 * time.Microsecond)
}

// strangers send bad requests until the returned function is called, which tells
// how many a second got an answer. Each takes a connection of its own: a bad one
// is closed.
func strangers(t *testing.T, addr string) (reached func() float64) {
	ctx, cancel := context.WithCancel(t.Context())
	request := []byte("POST /in HTTP/1.1\r\nHost: " + addr + "\r\nX-Hub-Signature-256: sha256=00\r\nContent-Length: 300\r\n\r\n" + strings.Repeat("x", 300))
	var sent, answered atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range 64 {
		wg.Go(func() {
			buf := make([]byte, 1024)
			for ctx.Err() == nil {
				due := time.Duration(sent.Add(1)) * time.Second / benchBad
				if wait := due - time.Since(begin); wait > 0 {
					time.Sleep(wait)
				}
				c, err := net.Dial("tcp4", addr)
				if err != nil {
					continue
				}
				if _, err := c.Write(request); err == nil {
					if n, _ := c.Read(buf); n > 0 {
						answered.Add(1)
					}
				}
				_ = c.(*net.TCPConn).SetLinger(0) // leaves no TIME_WAIT behind
				_ = c.Close()
			}
		})
	}
	return func() float64 {
		cancel()
		wg.Wait()
		return float64(answered.Load()) / time.Since(begin).Seconds()
	}
}

// TestReplays: who recorded a genuine request and sends it again within the time
// in which it is good has nothing done twice.
func TestReplays(t *testing.T) {
	w, bind := hookedWorld(t)
	body := []byte("once")
	m := hmac.New(sha256.New, []byte(benchSecret))
	m.Write(body)
	for range 20 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+bind+"/in", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Delivery", "delivery-1")
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(m.Sum(nil)))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	if got := w.timeline("c1"); len(got) != 1 {
		t.Errorf("%d entries of one event", len(got))
	}
}
