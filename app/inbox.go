package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// sink takes what one attempt of an account's connector receives.
type sink struct {
	account *account
	conn    platforms.Connector
	ctx     context.Context // the attempt's
	tasks   *sync.WaitGroup // of the attempt
	looked  bool            // again at what a check had found
	resumed bool            // the attempt began at a cursor: older events were kept for us
}

var _ platforms.Batcher = (*sink)(nil)

// Event stores ev and hands it to its lane. The connector acknowledges to the
// platform when it returns nil, so it returns nil only for what is on disk.
func (s *sink) Event(ctx context.Context, ev platforms.Event) error {
	return s.Events(ctx, []platforms.Event{ev})
}

// Events does the same for several, in one transaction.
func (s *sink) Events(ctx context.Context, evs []platforms.Event) error {
	c := s.account
	a := c.app
	if !c.platform.Limits.Deaf {
		c.prove(&c.hears)
	}
	evs, odd := a.transform(c, evs)
	allowed := make([]bool, len(evs))
	c.mu.Lock()
	ephemeral := c.rec.Ephemeral
	c.accepted += uint64(len(evs))
	c.mu.Unlock()
	ins := make([]store.Incoming, len(evs))
	earlier := map[messagePlace]access.Original{}
	for i, ev := range evs {
		ins[i] = store.Incoming{
			Account:   c.id,
			Event:     ev,
			Away:      s.resumed && ev.Time.Before(a.started.Add(-time.Second)),
			Ephemeral: ephemeral,
		}
		if ev.Kind == "" || ev.Own {
			continue
		}
		d := c.judge(ev, "", earlier)
		if d.Verdict == access.Ignored { // nothing of it is kept
			ins[i].Event = platforms.Event{Cursor: ev.Cursor}
			continue
		}
		if ev.Kind == platforms.MessageReceived && ev.Message != "" {
			earlier[messagePlace{ev.Conversation.ID, ev.Message}] = access.OriginalOf(ev, d)
		}
		ins[i].Known = onList(d)
		ins[i].Decision, _ = json.Marshal(d)
		allowed[i] = d.Verdict == access.Allowed
	}
	if slices.ContainsFunc(evs, func(ev platforms.Event) bool { return ev.Kind == platforms.ConversationMoved }) {
		a.people.moving.Lock()
		defer a.people.moving.Unlock()
	}
	accepted, err := a.store.AcceptAll(ctx, ins)
	if err != nil {
		c.log.Error("events could not be stored; they stay with the platform", "count", len(evs), "err", err)
		return err
	}
	for i, got := range accepted {
		ev := evs[i]
		if ev.Request != "" && got.Seq != 0 {
			a.recorder.bring(ev, got, odd[i], a.inputs.wantsEvents(c.id))
		}
		switch {
		case got.Duplicate:
			if why := c.toldAgain(a.now()); why != "" {
				a.record(ctx, store.Activity{What: string(api.ToldAgain), Account: c.id, Conversation: ev.Conversation.ID,
					Who: ev.From.Name, Why: why, Entry: got.Seq})
			}
		case got.Seq != 0:
			s.stored(ev, ephemeral, allowed[i])
		}
	}
	a.registers.heard(ctx, c.id)
	a.changed()
	return nil
}

// againEvery is how often it is noted that an account's events came again: who
// recorded one request can send it without end.
const againEvery = time.Minute

// toldAgain is what to note of an event that came again; empty: it is counted,
// for the next line.
func (c *account) toldAgain(now time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed := now.Sub(c.againAt); !c.againAt.IsZero() && passed >= 0 && passed < againEvery {
		c.again++
		return ""
	}
	why := "the platform delivered it again; it was not handed on twice"
	if c.again > 0 {
		why += fmt.Sprintf(", and neither were %d others since the last such line", c.again)
	}
	c.againAt, c.again = now, 0
	return why
}

// stored sets to work what is now in the journal.
func (s *sink) stored(ev platforms.Event, ephemeral, allowed bool) {
	c := s.account
	c.mu.Lock()
	if ev.Kind == platforms.MessageReceived && !ephemeral {
		c.last = &api.LastEvent{Conversation: ev.Conversation.ID, Title: ev.Conversation.Title,
			From: ev.From.Name, Text: preview(ev), At: ev.Time}
	}
	c.mu.Unlock()
	if ev.Kind == platforms.ConversationMoved {
		c.app.movedAll(s.ctx, lane{c.id, ev.Conversation.Moved}, lane{c.id, ev.Conversation.ID})
	}
	if ev.Click != nil && ev.Click.Token != "" && allowed { // strangers get no answer at all

		s.clicked(ev.Click.Token)
	}
	s.lookAgain()
	c.app.inbound.signal(lane{c.id, ev.Conversation.ID})
}

// movedAll lets what is kept for a conversation count under its new id. The
// journal has moved it already; a.people.moving is held.
func (a *App) movedAll(ctx context.Context, from, to lane) {
	a.movedPeople(ctx, from.account, from.conversation, to.conversation)
	a.leases.moved(from, to)
	a.waits.moved(from, to)
	a.hooking.moved(ctx, from, to)
	a.outbound.signal(to)
	a.waiting.signal(to)
}

// lookAgain checks once more when something has come: what a check found before
// that may be true no longer.
func (s *sink) lookAgain() {
	c := s.account
	c.mu.Lock()
	troubled := len(c.rec.Identity.Problems) > 0
	if troubled && !s.looked {
		c.checked = false
	}
	c.mu.Unlock()
	if !troubled || s.looked {
		return
	}
	s.looked = true
	s.tasks.Go(func() { c.identify(s.ctx, s.conn) })
}

// clicked tells the platform that a stored click has arrived, so that its
// button stops waiting. It does not hold up the events behind it; in a flood of
// clicks some go without.
func (s *sink) clicked(token platforms.ReplyToken) {
	c := s.account
	clicker, ok := s.conn.(platforms.Clicker)
	if !ok {
		return
	}
	select {
	case c.clicks <- struct{}{}:
	default:
		return
	}
	s.tasks.Go(func() {
		defer func() { <-c.clicks }()
		ctx, cancel := context.WithTimeout(s.ctx, checkTimeout)
		defer cancel()
		err := c.guard(func() error { return clicker.Clicked(ctx, token, "") })
		if err != nil && s.ctx.Err() == nil {
			c.log.Warn("a click could not be confirmed", "err", err)
		}
	})
}

// State takes what the connector says of its connection.
func (s *sink) State(st platforms.State) {
	c := s.account
	if st.Hears {
		c.prove(&c.hears)
	}
	if st.Speaks {
		c.prove(&c.speaks)
		if c.platform.Limits.Deaf { // nothing else would tell
			s.lookAgain()
		}
	}
	c.mu.Lock()
	was := c.status
	switch st.Phase {
	case platforms.Connected:
		c.setLocked(api.Connected, st.Note, time.Time{})
	case platforms.Degraded:
		c.setLocked(api.Degraded, st.Note, time.Time{})
	case platforms.Connecting:
		if was == api.Connected {
			c.setLocked(api.Connecting, st.Note, time.Time{})
		}
	}
	fresh := st.Phase == platforms.Connected && was != api.Connected
	c.mu.Unlock()
	if fresh {
		c.log.Info("connected")
		// What waits because of an outage can go now.
		c.app.gates.open(c.id)
		if err := c.app.resumeSends(c.id); err != nil {
			c.log.Error("the outbox could not be read", "err", err)
		}
	}
}

// prove marks one of the account's lights as proven now.
func (c *account) prove(l *api.Light) {
	now := c.app.now()
	c.mu.Lock()
	l.Proven, l.Note = now, ""
	c.mu.Unlock()
	c.app.changed()
}

// fail marks one of the account's lights as failed now.
func (c *account) fail(l *api.Light, why string) {
	now := c.app.now()
	c.mu.Lock()
	l.Failed, l.Note = now, why
	c.mu.Unlock()
	c.app.changed()
}

// preview is an event's text in one short line, as it came.
func preview(ev platforms.Event) string {
	switch {
	case ev.Text != "":
		return cut(ev.Text, 200)
	case ev.Click != nil:
		return "pressed a button"
	case len(ev.Attachments) > 0:
		return "sent " + ev.Attachments[0].Name
	}
	return ev.Note
}

// cut shortens s to at most n runes.
func cut(s string, n int) string {
	count := 0
	for i := range s {
		if count == n {
			return s[:i] + "…"
		}
		count++
	}
	return s
}

// record writes one line of activity; losing one is logged, not fatal.
func (a *App) record(ctx context.Context, r store.Activity) {
	r.At = a.now()
	if err := a.store.Record(context.WithoutCancel(ctx), r); err != nil {
		a.log.Error("an activity line was lost", "what", r.What, "err", err)
	}
}
