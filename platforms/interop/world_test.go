//go:build interop

package interop

import (
	"context"
	"crypto/sha256"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/line"
	"github.com/postern/postern/platforms/telegram"
	"github.com/postern/postern/platforms/webhook"
)

// world is an App with the real connectors, in a folder of its own, and a
// responder that keeps count.
type world struct {
	t    *testing.T
	app  *app.App
	seen *counter
}

// counter is a responder that counts what it is handed.
type counter struct {
	mu     sync.Mutex
	bodies map[[sha256.Size]byte]int
	events map[string]int // by the name that the sender gave
	texts  []string
	more   chan struct{}
}

func (*counter) Name() string { return "counter" }
func (*counter) Acts() bool   { return false }

func (c *counter) Respond(_ context.Context, d app.Delivery) ([]platforms.Message, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := d.Event.Raw; r != nil {
		c.bodies[sha256.Sum256(r.Body)]++
		c.events[strings.Join(r.Header["X-Github-Event"], ",")]++
	}
	c.texts = append(c.texts, d.Event.Text)
	select {
	case c.more <- struct{}{}:
	default:
	}
	return nil, nil
}

func (c *counter) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.texts)
}

// newWorld starts one.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, seen: &counter{bodies: map[[sha256.Size]byte]int{}, events: map[string]int{}, more: make(chan struct{}, 1)}}
	var err error
	w.app, err = app.New(t.Context(), app.Options{Dir: t.TempDir(), Platforms: []platforms.Platform{webhook.Platform(), line.Platform(), telegram.Platform()},
		Responders: []app.Responder{w.seen}, Demo: true})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.app.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

// until waits for ok, looking again at every change.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	ctx := soon(w.t)
	changes := w.app.Watch(ctx)
	for !ok() {
		select {
		case <-ctx.Done():
			w.t.Fatalf("never happened: %s; %d handed on, %+v", what, w.seen.count(), w.app.Snapshot().Accounts)
		case <-changes:
		case <-w.seen.more:
		}
	}
}

// add sets an account up.
func (w *world) add(platform string, values map[string]string) platforms.AccountID {
	w.t.Helper()
	a, err := w.app.AddAccount(w.t.Context(), api.AccountDraft{Platform: platform, Name: platform, Values: values})
	must(w.t, err)
	return a.ID
}

// freeBind is an address at which nothing listens.
func freeBind(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// open opens an account's public door, as a person at the window does, and gives
// the address that the sender must be told.
func (w *world) open(id platforms.AccountID) string {
	w.t.Helper()
	bind := freeBind(w.t)
	_, err := w.app.SetListener(w.t.Context(), id, api.Listener{Bind: bind, Public: "http://" + bind}, "window")
	must(w.t, err)
	door := func() (d api.Door) {
		for _, d := range w.app.Exposure().Doors {
			if d.Account == id {
				return d
			}
		}
		return api.Door{}
	}
	w.until("it says where it is to be called", func() bool { return len(door().Paths) == 1 })
	q, err := w.app.Ask(w.t.Context(), id)
	must(w.t, err)
	yes := api.Answer{Nonce: q.Nonce, Typed: q.Type, Days: 1, Items: map[string]bool{}}
	for _, it := range q.Items {
		yes.Items[it.Key] = false
	}
	_, err = w.app.Acknowledge(w.t.Context(), id, yes, "window")
	must(w.t, err)
	w.until("it is open", func() bool { return door().Open })
	return door().Address
}
