package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	acp "github.com/coder/acp-go-sdk"

	"github.com/postern/postern/app/responders/internal/process"
	"github.com/postern/postern/platforms/text"
)

const (
	// grace is how long an agent may take to end after it was asked to.
	grace     = 2 * time.Second
	tailBytes = 4 << 10 // of standard error that are kept
)

// errStopped ends an agent that did nothing wrong.
var errStopped = errors.New("stopped")

// host is one running agent and the connection to it.
type host struct {
	name string // of the program, for sentences
	hide veil
	conn *acp.Connection
	tail *process.Tail
	life context.Context         // ends when it has ended, or has to
	kill context.CancelCauseFunc // asks it to end, and kills it after grace
	dead chan struct{}           // closed when no process of it is left
	why  error                   // why it was ended; set before dead is closed
	how  string                  // how it ended, in words; likewise

	who  string // its name and version, as it says
	caps acp.AgentCapabilities

	mu     sync.Mutex
	turns  map[acp.SessionId]*turn // at work
	opened map[acp.SessionId]bool  // sessions that this process knows
}

// start runs the agent and waits until it has introduced itself. Its process
// ends with until at the latest; wg is done then. Its errors are for the person.
func start(ctx, until context.Context, c Config, env []string, hide veil, wait time.Duration, wg *sync.WaitGroup) (*host, error) {
	if err := c.here(); err != nil {
		return nil, err
	}
	h := &host{
		name: text.Line(c.base(), 60), hide: hide, tail: process.NewTail(tailBytes), dead: make(chan struct{}),
		turns: map[acp.SessionId]*turn{}, opened: map[acp.SessionId]bool{},
	}
	h.life, h.kill = context.WithCancelCause(until)
	if err := h.run(c, env, wg); err != nil {
		h.kill(nil)
		return nil, rejected(err, "The agent %s could not be started: %s. Check it in the settings.", h.name, process.Cause(err))
	}
	ctx, stop := context.WithTimeout(ctx, wait)
	defer stop()
	res, err := acp.SendRequest[acp.InitializeResponse](h.conn, ctx, acp.AgentMethodInitialize, acp.InitializeRequest{
		ProtocolVersion: acp.ProtocolVersionNumber,
		ClientInfo:      &acp.Implementation{Name: "postern", Version: "1"},
	})
	switch {
	case err == nil && res.ProtocolVersion != acp.ProtocolVersionNumber:
		err = rejected(nil, "The agent %s speaks version %d of the Agent Client Protocol, and Postern version %d. Bring the older one up to date.",
			h.name, res.ProtocolVersion, acp.ProtocolVersionNumber)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = rejected(nil, "The agent %s did not introduce itself within %v. Check that it speaks the Agent Client Protocol, and needs an argument for that.%s",
			h.name, wait, h.said())
	case err != nil && ctx.Err() != nil:
		err = fmt.Errorf("starting the agent: %w", context.Cause(ctx))
	case err != nil:
		err = h.failure(err, "as it was started")
	}
	if err != nil {
		h.end(errStopped)
		return nil, err
	}
	h.caps = res.AgentCapabilities
	h.who = h.name
	if i := res.AgentInfo; i != nil && i.Name != "" {
		h.who = text.Line(i.Name+" "+i.Version, 80)
	}
	return h, nil
}

// run starts the process and the connection.
func (h *host) run(c Config, env []string, wg *sync.WaitGroup) error {
	cmd := exec.CommandContext(h.life, c.Program, c.Args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = c.Folder, env, grace
	// Not StdoutPipe, which is closed when the process ends: what it said last
	// is still to be read then.
	said, says, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = says, h.tail
	in, err := cmd.StdinPipe()
	if err != nil {
		return errors.Join(err, said.Close(), says.Close())
	}
	g, err := process.Prepare(cmd)
	if err == nil {
		err = g.Start()
	}
	_ = says.Close() // the process has its own
	if err != nil {
		return errors.Join(err, in.Close(), said.Close())
	}
	gone := make(chan struct{}) // nobody waits for slots any more
	slots, ready := newSlots(), make(chan struct{})
	r := &wireReader{in: bufio.NewReaderSize(said, 64<<10), ready: ready, dead: gone, slots: slots, noise: h.tail, fault: h.kill}
	w := &wireWriter{out: in, slots: slots, fault: h.kill}
	h.conn = acp.NewConnection(func(ctx context.Context, method string, params json.RawMessage) (res any, fault *acp.RequestError) {
		defer func() { // what one agent says must not end Postern
			if p := recover(); p != nil {
				h.kill(errors.New("what it said made no sense"))
				res, fault = nil, acp.NewInternalError(nil)
			}
		}()
		if method == acp.ClientMethodSessionUpdate {
			defer slots.noted(params)
		}
		return h.handle(ctx, method, params)
	}, w, r)
	h.conn.SetLogger(slog.New(slog.DiscardHandler)) // it logs what was said
	close(ready)
	wg.Go(func() {
		_ = cmd.Wait()
		g.Kill() // whatever it left behind
		h.how = cmd.ProcessState.String()
		h.why = context.Cause(h.life)
		_ = in.Close()
		// Something that left the group may hold its output open.
		late := time.AfterFunc(grace, func() {
			close(gone)
			_ = said.Close()
		})
		<-h.conn.Done()
		if late.Stop() {
			_ = said.Close()
		}
		h.kill(nil)
		close(h.dead)
	})
	wg.Go(func() { // an agent that closed its output is of no use
		<-h.conn.Done()
		h.kill(errStopped)
	})
	return nil
}

// end stops the agent and waits until it has.
func (h *host) end(why error) {
	h.kill(why)
	<-h.dead
}

// gone reports whether the agent has ended, or is about to.
func (h *host) gone() bool {
	select {
	case <-h.conn.Done():
		return true
	default:
		return h.life.Err() != nil
	}
}

// said is what the agent complained of last, for the end of a sentence.
func (h *host) said() string {
	s := h.tail.Said(h.hide...)
	if s == "" {
		return " It said nothing on its standard error; run it by hand to see more."
	}
	return " It said: " + s
}

// failure is what to tell when a request to the agent failed. when says what it
// was doing: "in the middle of it".
func (h *host) failure(err error, when string) error {
	var refused *acp.RequestError
	if !h.gone() && errors.As(err, &refused) {
		if refused.Code == authRequired {
			return rejected(nil, "The agent %s wants you to log in first. Run it by hand once, on the computer where Postern runs, and log in.", h.name)
		}
		return rejected(nil, "The agent %s failed: %s. Try again, or look at its own log.", h.name, h.hide.line(refused.Message+details(refused.Data), 300))
	}
	h.end(errStopped)
	switch {
	case h.why == nil || errors.Is(h.why, errStopped):
		return rejected(nil, "The agent %s ended by itself, %s (%s). It is started again with the next message.%s", h.name, when, h.how, h.said())
	case errors.Is(h.why, context.Canceled):
		return fmt.Errorf("the agent was stopped: %w", h.why)
	}
	return rejected(nil, "The agent %s was ended, %s: %s. It is started again with the next message.%s", h.name, when, h.why.Error(), h.said())
}

// authRequired is the protocol's code for it.
// https://agentclientprotocol.com/protocol/initialization
const authRequired = -32000

// details are the words in the data of an error, if there are any.
func details(data any) string {
	m, ok := data.(map[string]any)
	if !ok {
		return ""
	}
	for _, k := range []string{"details", "error", "message"} {
		if s, ok := m[k].(string); ok && s != "" {
			return ": " + s
		}
	}
	return ""
}

// handle is called by the SDK for all that the agent asks and tells; for what
// it tells, in order. What it tells is looked at quickly.
func (h *host) handle(ctx context.Context, method string, params json.RawMessage) (any, *acp.RequestError) {
	switch method {
	case acp.ClientMethodSessionUpdate:
		var n acp.SessionNotification
		if err := json.Unmarshal(params, &n); err != nil {
			return nil, acp.NewInvalidParams(nil)
		}
		if t := h.turn(n.SessionId); t != nil {
			t.show.take(n.Update)
		}
		return nil, nil
	case acp.ClientMethodSessionRequestPermission:
		var p acp.RequestPermissionRequest
		if err := json.Unmarshal(params, &p); err != nil {
			return nil, acp.NewInvalidParams(nil)
		}
		outcome := acp.NewRequestPermissionOutcomeCancelled()
		if t := h.turn(p.SessionId); t != nil {
			outcome = t.permit(ctx, p)
		}
		return acp.RequestPermissionResponse{Outcome: outcome}, nil
	}
	// The agent works on files and runs commands by itself: Postern lends it
	// neither its eyes nor its hands.
	return nil, acp.NewMethodNotFound(method)
}

func (h *host) turn(id acp.SessionId) *turn {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.turns[id]
}
