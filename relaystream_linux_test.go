package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/sse/ssetest"
	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/app/responders/forward"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/all"
)

// tally is a service that a responder posts to. It writes down what it did
// before it answers, and does nothing twice that has the same Webhook-Id.
type tally struct {
	*httptest.Server

	mu    sync.Mutex
	file  *os.File
	known map[string]int // Webhook-Id → number
	order []int          // numbers, as they came first
	again int            // requests with an id that was known
	wrong []string
}

var numbered = regexp.MustCompile(`stream number (\d+)`)

func newTally(t *testing.T) *tally {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "done"))
	if err != nil {
		t.Fatal(err)
	}
	y := &tally{file: f, known: map[string]int{}}
	y.Server = httptest.NewServer(y)
	t.Cleanup(func() { y.Close(); _ = f.Close() })
	return y
}

// ServeHTTP takes one event.
func (y *tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	id := r.Header.Get("Webhook-Id")
	y.mu.Lock()
	defer y.mu.Unlock()
	m := numbered.FindSubmatch(body)
	if m == nil || id == "" {
		y.wrong = append(y.wrong, string(body))
		return
	}
	n, _ := strconv.Atoi(string(m[1]))
	if before, ok := y.known[id]; ok {
		y.again++
		if before != n {
			y.wrong = append(y.wrong, fmt.Sprintf("the id of %d came for %d", before, n))
		}
		return
	}
	if _, err := fmt.Fprintln(y.file, id, n); err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	y.known[id] = n
	y.order = append(y.order, n)
}

func (y *tally) count() int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return len(y.order)
}

// streamAhead is how many webhooks are sent before they are done, at most: the
// servers keep no more for one who does not read.
const streamAhead = 3000

const streamSecret = "0123456789abcdef0123456789abcdef"

// stage sets up, in a house where nothing runs, an account for webhooks, a relay
// that leads to it, and a service that gets what comes.
func (h *house) stage(y *tally, d api.RelayDraft) {
	t := h.t
	a, err := app.New(t.Context(), app.Options{Dir: h.dir, Platforms: all.All(), Kinds: []app.Kind{forward.Kind()},
		Passphrase: func(context.Context) (platforms.Secret, error) { return platforms.NewSecret(testPassphrase), nil }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	acc, err := a.AddAccount(ctx, api.AccountDraft{Platform: "webhook", Values: map[string]string{"sender": "github", "secret": streamSecret}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.AddRelay(ctx, withAccount(d, acc.ID)); err != nil {
		t.Fatal(err)
	}
	r, err := a.AddResponder(ctx, api.ResponderDraft{Kind: "forward", Values: map[string]string{"url": y.URL, "secret": "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetRoutes(ctx, []api.Route{{When: "true", To: []string{r.ID}}}); err != nil {
		t.Fatal(err)
	}
}

func withAccount(d api.RelayDraft, id platforms.AccountID) api.RelayDraft {
	for i := range d.Channels {
		d.Channels[i].Account = id
	}
	return d
}

// streamed is the n-th webhook of a stream, and its signature.
func streamed(n int) (body, signature string) {
	body = fmt.Sprintf(`{"zen":"stream number %d","hook_id":7,"repository":{"full_name":"ada/engine"},"sender":{"login":"ada","id":1}}`, n)
	m := hmac.New(sha256.New, []byte(streamSecret))
	m.Write([]byte(body))
	return body, "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// cutRelay is a relay's server that can be cut.
type cutRelay interface {
	Drop()
	Close()
}

// TestRelayedStream kills the desktop and cuts the relay in turn while webhooks
// stream: none is lost that the relay still offers, none is done twice, their
// order is kept, and what the relay dropped is told. POSTERN_ATTACK=full streams
// 20,000 by each relay.
func TestRelayedStream(t *testing.T) {
	total, rounds := 400, 4
	if os.Getenv("POSTERN_ATTACK") == "full" {
		total, rounds = 20_000, 20
	}
	t.Run("Webhook Relay", func(t *testing.T) {
		s := webhookrelaytest.New()
		defer s.Close()
		s.Resend(50) // and what was not reported
		stream(t, s, total, rounds, 0, api.RelayDraft{Kind: "webhookrelay", Channels: []api.RelayChannel{{Channel: "stream"}}, Values: map[string]string{"server": s.URL(),
			"key": webhookrelaytest.Key, "secret": webhookrelaytest.Secret, "report": "on"}}, func(n int) {
			body, signature := streamed(n)
			s.Publish(webhookrelaytest.Event{ID: fmt.Sprint("e-", n), BucketName: "stream", BucketID: "1", Method: "POST", Body: body,
				Headers: map[string][]string{"X-Hub-Signature-256": {signature}, "X-Github-Event": {"ping"}, "Content-Type": {"application/json"}}})
		}, nil)
	})
	t.Run("gosmee with streams", func(t *testing.T) {
		s := ssetest.New(ssetest.Streams)
		defer s.Close()
		const dropped = 30
		publish := func(n int) {
			body, signature := streamed(n)
			s.Publish(fmt.Sprintf(`{"x-hub-signature-256":%q,"x-github-event":"ping","content-type":"application/json","timestamp":"%d","bodyB":%q}`,
				signature, time.Now().UnixMilli(), base64.StdEncoding.EncodeToString([]byte(body))))
		}
		stream(t, s, total, rounds, dropped, api.RelayDraft{Kind: "gosmee", Channels: []api.RelayChannel{{}}, Values: map[string]string{"server": s.URL(), "channel": ssetest.Channel}},
			publish, func(from int) { // while the computer is off, more comes than the relay keeps
				for n := range dropped + 1 {
					publish(from + n)
				}
				s.Trim(1)
			})
	})
}

func stream(t *testing.T, s cutRelay, total, rounds, dropped int, d api.RelayDraft, publish func(n int), drop func(from int)) {
	y := newTally(t)
	h := newHouse(t)
	h.stage(y, d)
	c := h.start()
	eventually(t, "the relay is connected", func() bool { // one without a cursor begins now
		rs, err := c.Relays(t.Context())
		return err == nil && len(rs) == 1 && rs[0].Status == api.Connected
	})
	began := time.Now()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		ahead := time.NewTicker(time.Millisecond)
		defer ahead.Stop()
		for n := range total {
			for n-y.count() > streamAhead && t.Context().Err() == nil {
				<-ahead.C
			}
			publish(n)
		}
	}()
	kills := 0
	for i := range rounds {
		patiently(t, 5*time.Minute, "the stream goes on", func() bool { return y.count() >= (i+1)*total/(rounds+2) })
		if i%2 == 0 {
			s.Drop()
			continue
		}
		kills++
		h.kill()
		c = h.start()
	}
	<-sent
	patiently(t, 10*time.Minute, "all that was offered is done", func() bool { return y.count() >= total })
	took := time.Since(began)
	if drop != nil {
		h.stop()
		drop(total)
		c = h.start()
		eventually(t, "what the relay dropped is told", func() bool {
			rs, err := c.Relays(t.Context())
			return err == nil && len(rs) == 1 && rs[0].Status == api.Connected && len(rs[0].Gaps) > 0 && rs[0].Gaps[0].Certain
		})
		eventually(t, "it goes on behind the gap", func() bool { return y.count() > total })
	}
	rs, err := c.Relays(t.Context())
	if err != nil || len(rs) != 1 {
		t.Fatalf("%v %+v", err, rs)
	}
	h.stop()
	y.mu.Lock()
	defer y.mu.Unlock()
	for i, n := range y.order {
		if n != i && (drop == nil || n != total+dropped) {
			t.Fatalf("number %d is where %d belongs", n, i)
		}
	}
	if len(y.wrong) > 0 {
		t.Errorf("%d that make no sense, one is %.200s", len(y.wrong), y.wrong[0])
	}
	// A service whose answer was on its way when the computer was killed is asked
	// again, by the same id: it did nothing twice.
	if y.again > kills {
		t.Errorf("%d were handed over again, after %d kills", y.again, kills)
	}
	t.Logf("%d webhooks in %v, %d kills, %d cuts: 0 lost, 0 done twice, %d asked again by the same id; the relay told of %d gaps", total, took.Round(time.Millisecond), kills, rounds-kills, y.again, len(rs[0].Gaps))
}
