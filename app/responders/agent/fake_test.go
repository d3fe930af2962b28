package agent

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

// fakeTurn is the app's end of a turn.
type fakeTurn struct {
	t     *testing.T
	ask   func(ctx context.Context, p app.Permission) (string, error)
	shown chan string // the latest update; older ones are dropped
	over  chan struct{}

	mu      sync.Mutex
	updates int
	answers []platforms.Message
	err     error
	done    int
}

func turnOf(t *testing.T) *fakeTurn {
	return &fakeTurn{t: t, shown: make(chan string, 1), over: make(chan struct{})}
}

func (f *fakeTurn) Update(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done > 0 {
		f.t.Error("an update came after the end")
	}
	f.updates++
	select {
	case <-f.shown:
	default:
	}
	f.shown <- text
}

func (f *fakeTurn) Ask(ctx context.Context, p app.Permission) (string, error) {
	f.mu.Lock()
	if f.done > 0 {
		f.t.Error("a question came after the end")
	}
	f.mu.Unlock()
	if f.ask == nil {
		f.t.Errorf("asked: %+v", p)
		return "", app.ErrUndecided
	}
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.done > 0 {
			f.t.Error("the turn ended while a question was put")
		}
	}()
	return f.ask(ctx, p)
}

func (f *fakeTurn) Done(answers []platforms.Message, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers, f.err = answers, err
	if f.done++; f.done > 1 {
		f.t.Error("the turn was ended twice")
		return
	}
	close(f.over)
}

// text is the answer of a turn that has to end well.
func (f *fakeTurn) text() string {
	f.t.Helper()
	<-f.over
	if f.err != nil || len(f.answers) != 1 {
		f.t.Fatalf("%d answers, error %v", len(f.answers), f.err)
	}
	return f.answers[0].Text
}

// fault is what a turn that has to fail says.
func (f *fakeTurn) fault() string {
	f.t.Helper()
	<-f.over
	var e *platforms.Error
	if !errors.As(f.err, &e) || e.Kind != platforms.Rejected {
		f.t.Fatalf("answers %+v, error %v", f.answers, f.err)
	}
	return e.Text
}

// shows waits until something is shown that holds s.
func (f *fakeTurn) shows(s string) {
	f.t.Helper()
	for {
		select {
		case got := <-f.shown:
			if strings.Contains(got, s) {
				return
			}
		case <-f.over:
			select {
			case got := <-f.shown:
				if strings.Contains(got, s) {
					return
				}
			default:
			}
			f.t.Fatalf("it ended with %+v, %v, and %q was not shown", f.answers, f.err, s)
		}
	}
}

// notes is a Memory.
type notes struct {
	mu     sync.Mutex
	values map[string][]byte
	broken error
}

func memory() *notes { return &notes{values: map[string][]byte{}} }

func (n *notes) Get(key string, into any) (bool, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken != nil {
		return false, n.broken
	}
	b, ok := n.values[key]
	if !ok {
		return false, nil
	}
	return true, json.Unmarshal(b, into)
}

func (n *notes) Put(_ context.Context, key string, v any) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.broken != nil {
		return n.broken
	}
	if v == nil {
		delete(n.values, key)
		return nil
	}
	b, err := json.Marshal(v)
	n.values[key] = b
	return err
}

// conf is a configuration that runs this binary.
func conf(t *testing.T, name string, args ...string) Config {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Config{Program: self, Args: append([]string{"role:" + name}, args...), Folder: t.TempDir()}
}

// friendly is the sample agent, without pauses.
func friendly(t *testing.T) Config { return conf(t, "sample", "0") }

// pausing is the sample agent that takes its time, so that it can be stopped.
func pausing(t *testing.T) Config { return conf(t, "sample", "20ms") }

func build(t *testing.T, c Config, m app.Memory) *Responder {
	t.Helper()
	r, err := New(c, m, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func said(text string) app.Delivery { return in("c1", text) }

func in(conversation platforms.ConversationID, text string) app.Delivery {
	return app.Delivery{Seq: 7, Account: "a1", Role: access.Member, Event: platforms.Event{
		ID: "e1", Kind: platforms.MessageReceived, Message: "m1", Text: text, Time: time.Unix(1, 0),
		Conversation: platforms.Conversation{ID: conversation, Title: "Kitchen"}, From: platforms.User{ID: "u1", Name: "Ada"}}}
}

// begin hands a message over.
func begin(t *testing.T, r *Responder, d app.Delivery) *fakeTurn {
	t.Helper()
	f := turnOf(t)
	r.Begin(t.Context(), d, f)
	return f
}

// ask hands a message over and waits for the answer.
func ask1(t *testing.T, r *Responder, text string) string {
	t.Helper()
	return begin(t, r, said(text)).text()
}

func has(t *testing.T, got string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(got, w) {
			t.Errorf("%q is not in %q", w, got)
		}
	}
}
