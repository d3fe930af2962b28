package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

// Causes for which a job ends before its time.
var (
	errAsked = errors.New("somebody stopped it")
	errTime  = errors.New("time limit")
)

// lane is the work of one place, in order. It exists while there is any.
type lane struct {
	queue   []*job
	running *job // nil as soon as its turn has ended
}

// job is one message for the agent.
type job struct {
	d      app.Delivery
	to     app.Turn
	ctx    context.Context
	cancel context.CancelCauseFunc
	began  time.Time // when it was its turn
	lane   *lane     // from then on
	ended  bool      // its turn is
}

// Begin takes a message over. Commands are answered at once, all else in order.
func (r *Responder) Begin(ctx context.Context, d app.Delivery, to app.Turn) {
	ev := d.Event
	if ev.Kind != platforms.MessageReceived || d.Stranger || strings.TrimSpace(ev.Text) == "" && len(ev.Attachments) == 0 && ev.Note == "" {
		to.Done(nil, nil)
		return
	}
	p := place{d.Account, ev.Conversation.ID, ev.Thread}
	switch command(ev.Text) {
	case "/stop":
		r.stop(p, d, to)
		return
	case "/new":
		r.renew(ctx, p, d, to)
		return
	case "/status":
		r.status(p, d, to)
		return
	}
	if d.Again {
		tell(to, d, "That was interrupted when Postern or the agent stopped. Send it again if it is still wanted.")
		return
	}
	j := &job{d: d, to: to}
	j.ctx, j.cancel = context.WithCancelCause(ctx)
	switch err := r.enqueue(p, j); {
	case errors.Is(err, errBusy):
		j.cancel(nil)
		tell(to, d, fmt.Sprintf("Busy: %d messages wait already. Wait for an answer, or write /stop to drop them.", mostWaiting))
	case err != nil:
		j.cancel(nil)
		to.Done(nil, err)
	}
}

// command is the first word of a message, without the name that some platforms
// write behind a command: "/stop@bot".
func command(text string) string {
	words := strings.Fields(text)
	if len(words) == 0 || words[0][0] != '/' {
		return ""
	}
	word, _, _ := strings.Cut(words[0], "@")
	return word
}

// tell ends a turn with words of Postern's.
func tell(to app.Turn, d app.Delivery, text string) {
	to.Done([]platforms.Message{{Text: text, ReplyTo: d.Event.Message}}, nil)
}

var errBusy = errors.New("too much waits")

func (r *Responder) enqueue(p place, j *job) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fmt.Errorf("the agent is not at work any more: %w", context.Canceled)
	}
	l := r.lanes[p]
	switch {
	case l == nil && len(r.lanes) >= mostLanes, l != nil && len(l.queue) >= mostWaiting:
		return errBusy
	case l == nil:
		l = &lane{}
		r.lanes[p] = l
		r.wg.Go(func() { r.work(p, l) })
	}
	l.queue = append(l.queue, j)
	return nil
}

// work does the jobs of a place until there is none.
func (r *Responder) work(p place, l *lane) {
	for {
		r.mu.Lock()
		if len(l.queue) == 0 {
			delete(r.lanes, p)
			r.mu.Unlock()
			return
		}
		j := l.queue[0]
		l.queue = l.queue[1:]
		l.running, j.began, j.lane = j, time.Now(), l
		r.mu.Unlock()
		r.do(p, j)
	}
}

// halt stops what runs in a place and takes out what waits, whose turns it ends.
func (r *Responder) halt(p place) (ran bool, dropped int) {
	r.mu.Lock()
	l := r.lanes[p]
	if l == nil {
		r.mu.Unlock()
		return false, 0
	}
	j, waiting := l.running, l.queue
	l.queue = nil
	r.mu.Unlock()
	if j != nil {
		j.cancel(errAsked)
	}
	for _, w := range waiting {
		w.cancel(errAsked)
		w.to.Done(nil, nil) // whoever stopped it is told how many there were
	}
	return j != nil, len(waiting)
}

func (r *Responder) stop(p place, d app.Delivery, to app.Turn) {
	ran, dropped := r.halt(p)
	if !ran && dropped == 0 {
		tell(to, d, "Nothing is running.")
		return
	}
	tell(to, d, "Stopping."+count(dropped))
}

func count(dropped int) string {
	switch dropped {
	case 0:
		return ""
	case 1:
		return " One message that waited is dropped."
	}
	return fmt.Sprintf(" %d messages that waited are dropped.", dropped)
}

// renew forgets the session of a place. What runs in it is stopped first: its
// answer would belong to nothing any more.
func (r *Responder) renew(ctx context.Context, p place, d app.Delivery, to app.Turn) {
	ran, dropped := r.halt(p)
	if _, err := r.book.forget(ctx, p); err != nil {
		to.Done(nil, rejected(err, "The session could not be forgotten. Try /new again; Postern's log says more."))
		return
	}
	s := "Your next message begins a new session."
	if ran {
		s += " What was running is being stopped."
	}
	tell(to, d, s+count(dropped))
}

// status tells of the folder no more than its name: the way to it tells the
// name of the person and what else they have.
func (r *Responder) status(p place, d app.Delivery, to app.Turn) {
	s, err := r.book.find(p)
	if err != nil {
		r.log.Warn("a session could not be looked up", "responder", r.c.Name, "error", err)
	}
	r.mu.Lock()
	var waiting int
	var since time.Time
	if l := r.lanes[p]; l != nil {
		waiting = len(l.queue)
		if l.running != nil {
			since = l.running.began
		}
	}
	who := r.hide.line(r.c.base(), longName) + " (not started)"
	if h := r.host; h != nil && !h.gone() {
		who = h.who
	}
	r.mu.Unlock()
	rows := []string{"Agent: " + who, "Folder: " + r.hide.line(r.c.folder(), longName)}
	switch {
	case s.ID == "":
		rows = append(rows, "Session: none yet")
	default:
		rows = append(rows, "Session: since "+ago(s.Began))
	}
	if since.IsZero() {
		rows = append(rows, "Running: nothing")
	} else {
		rows = append(rows, "Running: since "+ago(since))
	}
	rows = append(rows, fmt.Sprintf("Waiting: %d", waiting))
	tell(to, d, strings.Join(rows, "\n"))
}

// ago is how long ago something was, in words.
func ago(t time.Time) string {
	d := max(0, time.Since(t))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}
