package app

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// answered reports whether an event is the answer to a question, or pretends to
// be, and then what became of it. Nothing else sees such an event.
func (a *App) answered(acc *account, job store.Job) (store.Outcome, bool) {
	ev := job.Event
	l := lane{job.Account, ev.Conversation.ID}
	line := func(what api.What, why string) (store.Outcome, bool) {
		r := store.Activity{At: a.now(), What: string(what), Account: job.Account, Conversation: l.conversation, Who: ev.From.Name, Why: why, Entry: job.Seq}
		if what == api.Rejected {
			acc.log.Warn("an answer to a permission was refused", "seq", job.Seq, "why", why)
		}
		return store.Outcome{Status: store.Delivered, Why: why, Activity: &r}, true
	}
	var q *inquiry
	choice := -1
	switch {
	case ev.Kind == platforms.ButtonClicked && ev.Click != nil && strings.HasPrefix(ev.Click.Data, askMark):
		id, n, _ := strings.Cut(strings.TrimPrefix(ev.Click.Data, askMark), ":")
		i, err := strconv.Atoi(n)
		if q = a.asks.find(id); q == nil || err != nil {
			return line(api.Rejected, "pressed a button of a permission that is not asked for any more")
		}
		choice = i
	case ev.Kind == platforms.MessageReceived:
		if q = a.asks.in(l); q == nil || !q.numbers || q.thread != ev.Thread || !a.afterQuestion(job, q) {
			return store.Outcome{}, false
		}
		n, err := strconv.Atoi(strings.TrimSpace(ev.Text))
		if err != nil || n < 1 || n > len(q.Choices) {
			return store.Outcome{}, false
		}
		choice = n - 1
	default:
		return store.Outcome{}, false
	}
	switch why := a.mayDecide(acc, ev, q, choice); {
	case why != "":
		return line(api.Rejected, why)
	default:
		by := cmp.Or(text.Line(ev.From.Name, 60), "user "+string(ev.From.ID))
		if err := a.decide(context.WithoutCancel(a.work), q, q.Choices[choice], by, fmt.Sprintf("user %s in the chat", ev.From.ID)); err != nil {
			return line(api.Rejected, platforms.Explain(err))
		}
		return line(api.Routed, "decided about a permission: "+q.Choices[choice].Label)
	}
}

// clocks is how far a platform's clock may be from this computer's.
const clocks = 2 * time.Minute

// afterQuestion reports whether an event's sender could have seen a question:
// it came after that was sent. What was under way before means something else.
func (a *App) afterQuestion(job store.Job, q *inquiry) bool {
	a.asks.mu.Lock()
	entry := q.entry
	a.asks.mu.Unlock()
	if entry == 0 || job.Seq < entry {
		return false
	}
	e, err := a.store.Entry(entry)
	return err == nil && len(e.IDs) > 0 && job.Event.Time.After(e.Stored.Add(-clocks))
}

// mayDecide is why somebody may not decide about a question; empty: they may.
func (a *App) mayDecide(acc *account, ev platforms.Event, q *inquiry, choice int) string {
	switch {
	case q.Account != acc.id || q.Conversation != ev.Conversation.ID:
		return "tried to decide about a permission that was asked for elsewhere"
	case choice < 0 || choice >= len(q.Choices):
		return "pressed a button that the permission does not have"
	case !a.now().Before(q.Until):
		return "decided about a permission after its time"
	}
	// What is allowed is looked up now, not when it came.
	if d := acc.judge(ev, access.Owner, nil); d.Verdict != access.Allowed || !d.Role.AtLeast(access.Owner) {
		return "may not decide about permissions: " + d.Why()
	}
	if ev.Kind == platforms.ButtonClicked && ev.Message != "" {
		a.asks.mu.Lock()
		entry := q.entry
		a.asks.mu.Unlock()
		if e, err := a.store.Entry(entry); err == nil && len(e.IDs) > 0 && !slices.Contains(e.IDs, ev.Message) {
			return "pressed a button that is not under the permission's own message"
		}
	}
	return ""
}

// decide takes a decision: the first one counts. It is written down before
// anybody hears of it.
func (a *App) decide(ctx context.Context, q *inquiry, c api.AskChoice, by, who string) error {
	q.deciding.Lock()
	defer q.deciding.Unlock()
	a.asks.mu.Lock()
	late := q.decided != "" || !slices.Contains(a.asks.open, q)
	a.asks.mu.Unlock()
	if late || !a.now().Before(q.Until) {
		return &api.Error{Kind: platforms.Rejected, Text: "This was decided already, or its time is over."}
	}
	word := "refused"
	if c.Grants {
		word = "given"
	}
	if err := a.mustAudit(ctx, string(api.Permission), who, q.Account, fmt.Sprintf("A permission that %q asked for was %s: %s (%s).", q.Responder, word, q.Title, c.Label)); err != nil {
		return wireError(err)
	}
	a.asks.mu.Lock()
	q.decided, q.by = c.ID, by
	close(q.done) // it is open: whoever ends it holds q.deciding
	a.asks.mu.Unlock()
	a.changed()
	return nil
}

// AnswerAsk decides at this computer.
func (a *App) AnswerAsk(ctx context.Context, id, choice, who string) error {
	q := a.asks.find(id)
	if q == nil {
		return &api.Error{Kind: platforms.Rejected, Text: "This permission is not asked for any more: it was decided, or its time is over."}
	}
	i := slices.IndexFunc(q.Choices, func(c api.AskChoice) bool { return c.ID == choice })
	if i < 0 {
		return &api.Error{Kind: platforms.Rejected, Text: "The permission has no such choice. The list of permissions shows them."}
	}
	return a.decide(ctx, q, q.Choices[i], "at the computer", cmp.Or(who, "person"))
}
