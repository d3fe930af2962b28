package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	acp "github.com/coder/acp-go-sdk"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

// errDeaf ends an agent.
var errDeaf = errors.New("it did not stop when it was told to")

// turn is a prompt that the agent works on.
type turn struct {
	to     app.Turn
	show   *show
	ctx    context.Context // ends when no question may be put any more
	asking chan struct{}   // held while a question is put
	asked  int
}

// do has the agent answer one message, and ends its turn.
func (r *Responder) do(p place, j *job) {
	defer j.cancel(nil)
	defer context.AfterFunc(r.until, func() { j.cancel(context.Canceled) })()
	ctx, stop := context.WithTimeoutCause(j.ctx, r.c.Turn, errTime)
	defer stop()
	text, err := r.try(ctx, p, j)
	r.done(j, text, err)
}

// done ends a turn, once.
func (r *Responder) done(j *job, text string, err error) {
	if j.ended {
		return
	}
	j.ended = true
	r.mu.Lock()
	j.lane.running = nil // nobody can stop it any more
	r.mu.Unlock()
	if err != nil {
		r.log.Debug("an agent's turn failed", "responder", r.c.Name, "seq", j.d.Seq, "error", err)
	}
	var answers []platforms.Message // of what failed, what was said until then
	if text != "" {
		answers = []platforms.Message{{Text: text, Format: platforms.Markdown, ReplyTo: j.d.Event.Message}}
	}
	j.to.Done(answers, err)
}

// try is the agent's answer to a message.
func (r *Responder) try(ctx context.Context, p place, j *job) (string, error) {
	h, err := r.acquire(ctx)
	if err != nil {
		return r.early(ctx, err)
	}
	defer r.release()
	s, news, err := r.session(ctx, h, p)
	if err != nil {
		return r.early(ctx, err)
	}
	t := &turn{to: j.to, show: &show{to: j.to, hide: h.hide, quiet: r.c.Quiet}, asking: make(chan struct{}, 1)}
	if news.note != "" {
		t.show.intro = news.note
	}
	var silence context.CancelFunc
	t.ctx, silence = context.WithCancel(ctx)
	defer silence()
	h.mu.Lock()
	h.turns[s] = t
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		delete(h.turns, s)
		h.mu.Unlock()
	}()
	type result struct {
		reason acp.StopReason
		err    error
	}
	ended := make(chan result, 1)
	r.wg.Go(func() {
		// Its context never ends: the protocol wants an answer to a prompt that
		// was cancelled, too.
		res, err := acp.SendRequest[acp.PromptResponse](h.conn, context.Background(), acp.AgentMethodSessionPrompt, acp.PromptRequest{
			SessionId: s, Prompt: []acp.ContentBlock{acp.TextBlock(prompt(j.d, news.first, boundary))}})
		ended <- result{res.StopReason, err}
	})
	var res result
	deaf := false
	select {
	case res = <-ended:
	case <-ctx.Done():
		if mine(ctx) == nil { // Postern stops: the turn ends now, the agent when it will
			t.end(silence)
			r.done(j, "", stopped(ctx))
		}
		r.wg.Go(func() {
			_ = h.conn.SendNotification(context.Background(), acp.AgentMethodSessionCancel, acp.CancelNotification{SessionId: s})
		})
		patience := time.NewTimer(r.pace.obey)
		defer patience.Stop()
		select {
		case res = <-ended:
		case <-patience.C:
			deaf = true
			h.end(errDeaf)
			res = <-ended
		}
	}
	text := t.end(silence)
	if why := mine(ctx); why != nil {
		return add(text, r.farewell(why, deaf)), nil
	}
	switch {
	case ctx.Err() != nil:
		return "", stopped(ctx)
	case res.err != nil:
		return text, h.failure(res.err, "in the middle of its work")
	}
	r.worked()
	return add(text, remark(res.reason, text == "" || text == news.note)), nil
}

// end is the whole answer. Nothing is shown or asked any more.
func (t *turn) end(silence context.CancelFunc) string {
	silence()
	t.asking <- struct{}{} // the question that is put has been taken back
	defer func() { <-t.asking }()
	return t.show.end()
}

// mine is why this package stopped a turn: somebody asked, or its time was over.
// It is nil for one that wasn't, or that Postern stops.
func mine(ctx context.Context) error {
	if why := context.Cause(ctx); errors.Is(why, errAsked) || errors.Is(why, errTime) {
		return why
	}
	return nil
}

func stopped(ctx context.Context) error {
	return fmt.Errorf("the agent's work was interrupted: %w", context.Cause(ctx))
}

// early is the end of a turn that the agent never got.
func (r *Responder) early(ctx context.Context, err error) (string, error) {
	switch {
	case mine(ctx) != nil:
		return r.farewell(mine(ctx), false), nil
	case ctx.Err() != nil:
		return "", stopped(ctx)
	}
	return "", err
}

func (r *Responder) farewell(why error, deaf bool) string {
	s := "Stopped."
	if errors.Is(why, errTime) {
		s = fmt.Sprintf("Stopped: the time limit of %v is over.", r.c.Turn)
	}
	if deaf {
		s += fmt.Sprintf(" The agent did not stop by itself within %v, so it was ended.", r.pace.obey)
	}
	return "(" + s + ")"
}

func add(text, note string) string {
	return strings.Trim(text+"\n\n"+note, "\n")
}

// remark is what to say of how the agent ended its turn.
// https://agentclientprotocol.com/protocol/prompt-turn#stop-reasons
func remark(reason acp.StopReason, empty bool) string {
	switch reason {
	case acp.StopReasonMaxTokens:
		return "(The agent came to the end of what it can say at once.)"
	case acp.StopReasonMaxTurnRequests:
		return "(The agent took as many steps as it may at once. Tell it to go on if it should.)"
	case acp.StopReasonRefusal:
		return "(The agent refused to go on.)"
	case acp.StopReasonCancelled:
		return "(The agent stopped by itself.)"
	}
	if empty {
		return "(The agent ended without a word.)"
	}
	return ""
}

// news is what is new about a session.
type news struct {
	first bool   // nothing was said in it before
	note  string // for the person
}

// session finds or makes the session of a place in the agent.
func (r *Responder) session(ctx context.Context, h *host, p place) (acp.SessionId, news, error) {
	s, err := r.book.find(p)
	if err != nil {
		return "", news{}, rejected(err, "The agent's session could not be looked up. Send it again; Postern's log says more.")
	}
	id := acp.SessionId(s.ID)
	if id != "" {
		known, err := h.resume(ctx, id, r.c.Folder)
		if known || err != nil {
			return id, news{}, err
		}
	}
	res, err := acp.SendRequest[acp.NewSessionResponse](h.conn, ctx, acp.AgentMethodSessionNew,
		acp.NewSessionRequest{Cwd: r.c.Folder, McpServers: []acp.McpServer{}})
	if err != nil {
		if ctx.Err() != nil {
			return "", news{}, stopped(ctx)
		}
		return "", news{}, h.failure(err, "as a session was begun")
	}
	n := news{first: true}
	if id != "" {
		n.note = "(The agent does not remember what was said before: this is a new session.)"
	}
	id = res.SessionId
	h.mu.Lock()
	twice := h.opened[id]
	h.opened[id] = true
	h.mu.Unlock()
	if twice || id == "" || len(id) > longID {
		return "", news{}, rejected(nil, "The agent %s gave no session of its own to this conversation, so nothing was said to it. Look for a newer version of it.", h.name)
	}
	if err := r.book.keep(ctx, p, session{ID: string(id), Began: time.Now()}); err != nil {
		return "", news{}, rejected(err, "The agent's session could not be remembered. Send it again; Postern's log says more.")
	}
	return id, n, nil
}

// resume has the agent take a former session up, and reports whether it did.
// What it tells of it meanwhile, all that was said, is shown nowhere: no turn
// is at work.
func (h *host) resume(ctx context.Context, id acp.SessionId, folder string) (bool, error) {
	h.mu.Lock()
	known := h.opened[id]
	h.mu.Unlock()
	if known {
		return true, nil
	}
	var err error
	switch {
	case h.caps.SessionCapabilities.Resume != nil:
		_, err = acp.SendRequest[acp.ResumeSessionResponse](h.conn, ctx, acp.AgentMethodSessionResume,
			acp.ResumeSessionRequest{SessionId: id, Cwd: folder, McpServers: []acp.McpServer{}})
	case h.caps.LoadSession:
		_, err = acp.SendRequest[acp.LoadSessionResponse](h.conn, ctx, acp.AgentMethodSessionLoad,
			acp.LoadSessionRequest{SessionId: id, Cwd: folder, McpServers: []acp.McpServer{}})
	default:
		return false, nil
	}
	switch {
	case err == nil:
		h.mu.Lock()
		h.opened[id] = true
		h.mu.Unlock()
		return true, nil
	case ctx.Err() != nil:
		return false, stopped(ctx)
	case h.gone():
		return false, h.failure(err, "as it took up a former session")
	}
	return false, nil
}
