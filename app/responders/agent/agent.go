// Package agent is the responder that hands messages to an agent of the person's
// own: any program that speaks the Agent Client Protocol (ACP) on its standard
// input and output. https://agentclientprotocol.com
//
// One process serves all conversations. It is started with the first message,
// started again after a crash, and ended after a quarter of an hour without work.
// Each conversation, and each thread in it, has a session of its own, whose id
// outlives Postern; whether the agent takes it up again depends on the agent.
//
// While the agent works, what it says is shown, and what it asks permission for
// is put to an owner. Three words are for Postern, as the first of a message:
//
//	/new     the next message begins a new session
//	/stop    ends what runs, and drops what waits
//	/status  tells who the agent is and what it does
//
// The agent is a program with all rights of the person. It gets no files and no
// commands through Postern, asks for permission where it chooses to, and works in
// the folder that the person gave it; nothing here holds it in there.
//
// A message is never given to the agent twice: what it began it may have done.
package agent

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

const (
	mostWaiting = 20   // messages of a conversation
	mostLanes   = 1000 // conversations with work
	mostSession = 1000 // conversations whose session is remembered
)

// pace is the times that tests shorten.
type pace struct {
	introduce time.Duration // until the agent has introduced itself
	obey      time.Duration // until it has stopped what it was told to stop
	idle      time.Duration // until it is ended for want of work
	retry     time.Duration // before it is started again after two failures, doubled with each
	patience  time.Duration // how long a message waits for that
}

// Responder hands messages to one agent. It is safe for concurrent use.
type Responder struct {
	c     Config
	log   *slog.Logger
	env   []string
	hide  veil
	book  *book
	pace  pace
	until context.Context // ends with Close
	close context.CancelFunc
	wg    sync.WaitGroup

	starting chan struct{} // held by who looks for the running agent

	mu       sync.Mutex
	closed   bool
	lanes    map[place]*lane
	host     *host // the last that was started; nil when it is known to have ended
	using    int   // turns that hold host
	idle     *time.Timer
	failures int // one after the other
	failed   time.Time
	excuse   string // what it said at the last one
}

var _ app.Talker = (*Responder)(nil)

// New makes a Responder from a configuration that passes Config.Check. Nothing is
// started. It looks at the environment once: what the agent gets of it stays the
// same. The sessions' ids are kept in m. log may be nil.
func New(c Config, m app.Memory, log *slog.Logger) (*Responder, error) {
	c = c.filled()
	if err := c.Check(); err != nil {
		return nil, err
	}
	if m == nil {
		return nil, errors.New("an agent needs a memory for its sessions")
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	r := &Responder{c: c, log: log, book: newBook(m), lanes: map[place]*lane{}, starting: make(chan struct{}, 1),
		pace: pace{introduce: 10 * time.Second, obey: 10 * time.Second, idle: 15 * time.Minute, retry: time.Second, patience: 5 * time.Second}}
	r.env, r.hide = c.environment(os.LookupEnv)
	r.until, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Name is Config.Name.
func (r *Responder) Name() string { return r.c.Name }

// Acts is true: an agent can do anything.
func (r *Responder) Acts() bool { return true }

// Respond is not called: Begin is.
func (r *Responder) Respond(context.Context, app.Delivery) ([]platforms.Message, error) {
	return nil, &platforms.Error{Kind: platforms.Unsupported, Text: "An agent answers by talking. Give it a conversation."}
}

// Close ends the agent and what it works on, and returns when both are gone.
func (r *Responder) Close() error {
	r.mu.Lock()
	r.closed = true
	if r.idle != nil {
		r.idle.Stop()
	}
	r.mu.Unlock()
	r.close()
	r.wg.Wait()
	return nil
}
