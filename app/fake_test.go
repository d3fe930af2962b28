package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// fake is a platform's server in memory: a queue of events that are kept until
// they are acknowledged, and a list of what was sent. It outlives connectors,
// as a real server does, so that a test can restart the App against it.
type fake struct {
	mu      sync.Mutex
	queue   []platforms.Event // not yet acknowledged
	n       int
	sent    []platforms.Message
	wake    chan struct{}
	run     func(ctx context.Context, s platforms.Sink) error // replaces Run
	send    func(m platforms.Message) error                   // may refuse a Send
	sending chan struct{}                                     // if set, Send waits for it
	checks  int
	sends   int              // that were begun
	bot     platforms.UserID // who a Check says it is
	edited  func()           // is called by an Edit
	cut     error            // why a Send that waited ended
	pace    platforms.Pace
	ids     platforms.IDs
	edits   []edit
	refuse  error // of edits
}

func newFake() *fake {
	return &fake{wake: make(chan struct{}, 1), bot: "bot", ids: platforms.IDs{Machines: true}}
}

func (f *fake) platform() platforms.Platform {
	return platforms.Platform{
		Name: "fake", Title: "Fake", Glyph: "F", IDs: f.ids,
		Fields: []platforms.Field{
			{Key: "token", Label: "Token", Secret: true, Required: true, Parse: func(s string) (string, error) {
				if !strings.HasPrefix(s, "tok-") {
					return "", errors.New("This is not a token. Paste the whole of it.")
				}
				return s, nil
			}},
			{Key: "server", Label: "Server"},
		},
		Limits:  platforms.Limits{Text: 20, Unit: platforms.Runes, Buttons: 4, Upload: 1 << 20, Caption: 10, Pace: f.pace},
		Inbound: platforms.Dials,
		New:     func(c platforms.Config) (platforms.Connector, error) { return &fakeConnector{f, c}, nil },
	}
}

// say queues a message from outside.
func (f *fake) say(conversation, text string, at time.Time) {
	f.mu.Lock()
	f.n++
	f.queue = append(f.queue, platforms.Event{
		ID: platforms.EventID("e" + strconv.Itoa(f.n)), Kind: platforms.MessageReceived,
		Cursor: platforms.Cursor(strconv.Itoa(f.n)), Time: at,
		Conversation: platforms.Conversation{ID: platforms.ConversationID(conversation), Kind: platforms.Direct, Title: "T" + conversation},
		Message:      platforms.MessageID("m" + strconv.Itoa(f.n)),
		From:         platforms.User{ID: platforms.UserID("u" + conversation), Name: "Ann"},
		Text:         text,
	})
	f.mu.Unlock()
	f.poke()
}

func (f *fake) poke() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *fake) waiting() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.queue)
}

func (f *fake) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for _, m := range f.sent {
		out = append(out, m.Text)
	}
	return out
}

type fakeConnector struct {
	f *fake
	c platforms.Config
}

func (c *fakeConnector) Check(context.Context) (platforms.Identity, error) {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.checks++
	if c.c.Secrets["token"].Reveal() == "tok-revoked" {
		return platforms.Identity{}, &platforms.Error{Kind: platforms.Unauthorized, Text: "The token is refused. Paste the current one."}
	}
	return platforms.Identity{ID: c.f.bot, Name: "Bot", Handle: "@bot"}, nil
}

func (c *fakeConnector) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	c.f.mu.Lock()
	run := c.f.run
	c.f.mu.Unlock()
	if run != nil {
		return run(ctx, sink)
	}
	sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	for {
		c.f.mu.Lock()
		evs := slices.Clone(c.f.queue[:min(len(c.f.queue), 100)])
		c.f.mu.Unlock()
		if len(evs) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-c.f.wake:
			}
			continue
		}
		if err := platforms.Deliver(ctx, sink, evs); err != nil {
			return err
		}
		c.f.mu.Lock()
		c.f.queue = c.f.queue[len(evs):]
		c.f.mu.Unlock()
	}
}

func (c *fakeConnector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	c.f.mu.Lock()
	gate, refuse := c.f.sending, c.f.send
	c.f.sends++
	c.f.mu.Unlock()
	if gate != nil {
		select {
		case <-ctx.Done():
			c.f.mu.Lock()
			c.f.cut = ctx.Err()
			c.f.mu.Unlock()
			return "", ctx.Err()
		case <-gate:
		}
	}
	if refuse != nil {
		if err := refuse(m); err != nil {
			return "", err
		}
	}
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.sent = append(c.f.sent, m)
	return platforms.MessageID(fmt.Sprintf("s%d", len(c.f.sent))), nil
}

// edit is one change of a sent message.
type edit struct {
	id platforms.MessageID
	m  platforms.Message
}

func (c *fakeConnector) Edit(_ context.Context, id platforms.MessageID, m platforms.Message) error {
	c.f.mu.Lock()
	edited := c.f.edited
	c.f.mu.Unlock()
	if edited != nil {
		edited()
	}
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	if c.f.refuse != nil {
		return c.f.refuse
	}
	c.f.edits = append(c.f.edits, edit{id, m})
	return nil
}

// put queues any events from outside; they arrive together.
func (f *fake) put(evs ...platforms.Event) {
	f.mu.Lock()
	for _, ev := range evs {
		f.n++
		if ev.ID == "" {
			ev.ID = platforms.EventID("e" + strconv.Itoa(f.n))
		}
		ev.Cursor = platforms.Cursor(strconv.Itoa(f.n))
		if ev.Time.IsZero() {
			ev.Time = time.Now()
		}
		f.queue = append(f.queue, ev)
	}
	f.mu.Unlock()
	f.poke()
}

// shown is what stands in the chat: what was sent, as it was changed last.
func (f *fake) shown() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []string
	for i, m := range f.sent {
		text := m.Text
		for _, e := range f.edits {
			if e.id == platforms.MessageID(fmt.Sprintf("s%d", i+1)) {
				text = e.m.Text
			}
		}
		out = append(out, text)
	}
	return out
}

// responder is a Responder made of a function.
type responder struct {
	acts bool
	f    func(context.Context, Delivery) ([]platforms.Message, error)
}

func (r responder) Name() string { return "test" }
func (r responder) Acts() bool   { return r.acts }
func (r responder) Respond(ctx context.Context, d Delivery) ([]platforms.Message, error) {
	return r.f(ctx, d)
}

// world is an App under test, with its folder and vault kept over restarts.
type world struct {
	t     *testing.T
	dir   string
	vault *vault.Vault
	fake  *fake
	now   func() time.Time

	responders []Responder
	kinds      []Kind
	relays     []RelayKind
	change     func(*platforms.Platform) // of the fake's Platform
	log        slog.Handler
	app        *App
	stop       func()
	tunnels    func(context.Context) ([]guard.Tunnel, error)
}

func newWorld(t *testing.T, responders ...Responder) *world {
	return &world{t: t, dir: t.TempDir(), vault: vault.Memory(), fake: newFake(), responders: responders}
}

// start runs the App; stop or the test's end stops it.
func (w *world) start() *App {
	w.t.Helper()
	p := w.fake.platform()
	if w.change != nil {
		w.change(&p)
	}
	a, err := New(w.t.Context(), Options{Dir: w.dir, Vault: w.vault, Platforms: []platforms.Platform{p},
		Responders: w.responders, Kinds: w.kinds, Relays: w.relays, Version: "test", Now: w.now, Demo: true, Log: w.log, Tunnels: w.tunnels})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	<-a.running
	w.app = a
	var once sync.Once
	w.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				w.t.Errorf("Run: %v", err)
			}
		})
	}
	w.t.Cleanup(w.stop)
	return a
}

// add adds an account with a working token.
func (w *world) add() api.Account {
	w.t.Helper()
	acc, err := w.app.AddAccount(w.t.Context(), api.AccountDraft{Platform: "fake", Name: "Mine", Values: map[string]string{"token": "tok-secret-value-1"}})
	if err != nil {
		w.t.Fatal(err)
	}
	return acc
}

// until waits for ok, looking again at every change of the state.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	changes := w.app.Watch(ctx)
	for !ok() {
		select {
		case <-ctx.Done():
			w.t.Fatalf("never happened: %s; state: %+v", what, w.app.Snapshot())
		case <-changes:
		case <-time.After(20 * time.Millisecond): // the fake's own state has no signal
		}
	}
}

func (w *world) account() api.Account {
	w.t.Helper()
	s := w.app.Snapshot()
	if len(s.Accounts) != 1 {
		w.t.Fatalf("accounts: %+v", s.Accounts)
	}
	return s.Accounts[0]
}

func (w *world) timeline(c string) []api.Entry {
	w.t.Helper()
	list, err := w.app.Timeline(w.t.Context(), "fake", platforms.ConversationID(c), 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}
