package app

import (
	"context"
	"slices"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// plan is what is to become of one event.
type plan struct {
	to       []answerer
	delivery Delivery
	end      *store.Outcome // it ends here, without anybody being asked
}

// delivery is an event as responders get it, from somebody of this role.
func (a *App) delivery(acc *account, job store.Job, role access.Role) Delivery {
	acc.mu.Lock()
	label := acc.rec.Name
	acc.mu.Unlock()
	return Delivery{Seq: job.Seq, Account: job.Account, Label: label, Event: job.Event,
		Stored: job.Stored, Away: job.Away, Stranger: job.Stranger, Role: role}
}

// present is what was decided about an event when it came, held to what the
// rules say now: whoever was removed while it waited is not let in, and whoever
// may do less does. What was not let in then is not now either.
func (a *App) present(acc *account, job store.Job) access.Decision {
	then, decided := decisionOf(job.Decision)
	if decided && then.Verdict != access.Allowed {
		return then
	}
	now := acc.judge(job.Event, "", nil)
	if now.Verdict != access.Allowed && decided {
		// It may be about to move: then its rules move, too.
		a.people.moving.RLock()
		e, err := a.store.Entry(job.Seq)
		a.people.moving.RUnlock()
		if err == nil {
			job.Event.Conversation.ID = e.Conversation
			now = acc.judge(job.Event, "", nil)
		}
	}
	if decided && now.Role.AtLeast(then.Role) {
		now.Role = then.Role
	}
	return now
}

// plan decides who gets an event. What nobody let in goes to those who only
// tell the person, if at all.
func (a *App) plan(acc *account, job store.Job) plan {
	d := a.present(acc, job)
	p := plan{delivery: a.delivery(acc, job, d.Role)}
	if d.Verdict == access.Allowed {
		if o, taken := a.answered(acc, job); taken {
			p.end = &o
			return p
		}
		to, _, held := a.route(acc, job.Event, d.Role)
		if held.Holder != "" && held.Since.IsZero() { // the first one has it from now on
			held.Since = a.now()
			a.leases.take(lane{acc.id, job.Event.Conversation.ID}, held)
		}
		p.to = to
		return p
	}
	if c, ok := a.claimed(job, d); ok {
		line := store.Activity{What: string(api.Routed), Account: job.Account, Conversation: job.Event.Conversation.ID,
			Who: c.User.Name, User: c.User.ID, Why: "sent your pairing code, and waits for your word", Entry: job.Seq}
		p.end = &store.Outcome{Status: store.Delivered, Activity: &line}
		return p
	}
	if !job.Released && a.worthTelling(job.Event, d) {
		for _, r := range a.answering.builtins() {
			if !r.Acts() {
				_, _ = a.respond(context.Background(), acc, r, p.delivery)
			}
		}
	}
	line := refusal(job, d)
	switch d.Verdict {
	case access.Unsaid:
		line.What, line.User, line.Why = string(api.Routed), "", "nothing was said, so nothing is to be answered"
	case access.NeedsMention:
		line.What, line.User = string(api.Ignored), ""
	}
	p.end = &store.Outcome{Status: store.Delivered, Why: d.Why(), Activity: &line}
	return p
}

// worthTelling reports whether the person hears of an event that was not let in:
// somebody they don't know wants something of the bot. What is said among others
// in a group is not meant for it.
func (a *App) worthTelling(ev platforms.Event, d access.Decision) bool {
	switch d.Verdict {
	case access.Stranger, access.Elsewhere, access.Robot, access.Faceless:
		return a.Settings().ShowStrangers && (ev.Mentioned || ev.Conversation.Kind == platforms.Direct)
	case access.Listens, access.Insufficient:
		return true
	}
	return false
}

// route picks the responders for an event that was let in, and says how. It
// changes nothing: a lease without a time is one that whoever has the event
// handed on takes.
func (a *App) route(acc *account, ev platforms.Event, role access.Role) (to []answerer, steps []api.RouteStep, held api.Lease) {
	ids, steps := a.answering.pick(acc, ev, role)
	ids, held = a.leases.apply(lane{acc.id, ev.Conversation.ID}, ids, a.answering.talks)
	for _, id := range ids {
		if r, ok := a.answering.find(id); ok && !slices.ContainsFunc(to, func(o answerer) bool { return o.Name() == id }) {
			to = append(to, r)
		}
	}
	return to, steps, held
}

// Why tells how an entry was decided.
func (a *App) Why(_ context.Context, seq uint64) (api.Why, error) {
	e, err := a.store.Entry(seq)
	if err != nil {
		return api.Why{}, wireError(err)
	}
	if e.Outgoing || e.Event == nil {
		return api.Why{}, &api.Error{Kind: platforms.Rejected, Text: "Nobody had to be let in for this: it was sent from here, or is not kept any more."}
	}
	acc, err := a.account(e.Account)
	if err != nil {
		return api.Why{}, err
	}
	w := a.why(acc, *e.Event)
	if d, ok := decisionOf(e.Decision); ok {
		w.Then = &d
	}
	return w, nil
}

// Simulate tells how an event would be decided.
func (a *App) Simulate(_ context.Context, s api.Simulation) (api.Why, error) {
	acc, err := a.account(s.Account)
	if err != nil {
		return api.Why{}, err
	}
	if acc.forms != nil {
		id, err := access.ParseUser(string(s.User), *acc.forms)
		if err != nil {
			return api.Why{}, &api.Error{Kind: platforms.Rejected, Text: text.Sentence(err.Error()), Fields: map[string]string{"user": text.Sentence(err.Error())}}
		}
		s.User = id
	}
	where := platforms.Conversation{ID: s.Conversation, Kind: s.Kind}
	if where.ID == "" {
		where = platforms.Conversation{ID: platforms.ConversationID(s.User), Kind: platforms.Direct}
	}
	return a.why(acc, platforms.Event{
		ID: "simulated", Kind: platforms.MessageReceived, Time: a.now(), Message: "simulated",
		Conversation: where, From: platforms.User{ID: s.User, Bot: s.Bot}, Text: s.Text,
		Mentioned: s.Mentioned || where.Kind == platforms.Direct,
	}), nil
}

// why is what would become of an event now.
func (a *App) why(acc *account, ev platforms.Event) api.Why {
	w := api.Why{Now: acc.judge(ev, "", nil)}
	if w.Now.Verdict != access.Allowed {
		return w
	}
	to, steps, held := a.route(acc, ev, w.Now.Role)
	w.Routes = steps
	for _, r := range to {
		w.To = append(w.To, r.label)
	}
	if !held.Since.IsZero() {
		if r, ok := a.answering.find(held.Holder); ok {
			w.Lease = r.label + " has this conversation."
		}
	}
	return w
}
