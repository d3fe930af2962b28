package app

import (
	"cmp"
	"context"
	"fmt"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Pair makes a pairing code, and says to which bots it can be sent.
func (a *App) Pair(ctx context.Context) (api.Pairing, error) {
	out := api.Pairing{Bots: []api.PairingBot{}}
	for _, c := range a.list() {
		c.mu.Lock()
		paused, name, who := c.rec.Paused, c.rec.Name, c.rec.Identity
		c.mu.Unlock()
		if c.forms == nil || paused {
			continue
		}
		out.Bots = append(out.Bots, api.PairingBot{Account: c.id, Name: name, Title: c.platform.Title, Handle: who.Handle, Chat: who.Link})
	}
	if len(out.Bots) == 0 {
		return out, &api.Error{Kind: platforms.Rejected, Text: "There is no bot that a person could write to. Add an account first, or resume one."}
	}
	code, until, err := a.people.pairings.Offer(a.now())
	if err != nil {
		return out, &api.Error{Kind: platforms.Rejected, Text: text.Sentence(err.Error())}
	}
	out.Code, out.Until = code, until
	for i, b := range out.Bots {
		c, err := a.account(b.Account)
		if err != nil || c.platform.Greet == nil {
			continue
		}
		c.mu.Lock()
		who := c.rec.Identity
		c.mu.Unlock()
		out.Bots[i].Link = c.platform.Greet(who, code)
	}
	a.audit(ctx, string(api.Changed), "", "", "A pairing code was made; it counts until "+until.Local().Format("15:04:05")+".")
	a.changed()
	return out, nil
}

// CancelPairing ends all codes.
func (a *App) CancelPairing(context.Context) error {
	a.people.pairings.Cancel()
	a.changed()
	return nil
}

// claimed reports whether an event was a pairing code, of which the person at
// this computer is told.
func (a *App) claimed(job store.Job, d access.Decision) (access.Claim, bool) {
	if !access.MayPair(job.Event, d) {
		return access.Claim{}, false
	}
	c, ok := a.people.pairings.Claim(a.now(), job.Account, job.Event.From, job.Event.Text)
	if !ok {
		return c, false
	}
	a.people.mu.Lock()
	for n := range a.people.places {
		if n+access.CodesMost <= c.Number {
			delete(a.people.places, n)
		}
	}
	a.people.places[c.Number] = job.Event.Conversation.ID
	a.people.mu.Unlock()
	a.tell(api.Notice{ID: "claim", At: a.now(), Text: fmt.Sprintf("%s (id %s) sent your pairing code. Say whether that is whom you gave it to.",
		cmp.Or(c.User.Name, "Somebody"), c.User.ID)})
	return c, true
}

// tell lets the person hear of something at once.
func (a *App) tell(n api.Notice) {
	if a.o.Told != nil {
		a.o.Told(n)
	}
}

// AnswerClaim says whether who sent a code is let in.
func (a *App) AnswerClaim(ctx context.Context, answer api.ClaimAnswer) (api.People, error) {
	c := answer.Claim
	a.people.mu.RLock()
	where := a.people.places[c.Number]
	a.people.mu.RUnlock()
	if !answer.Accept {
		a.people.pairings.Refuse(c)
		a.audit(ctx, string(api.Changed), "", c.Account, fmt.Sprintf("The user %s sent a pairing code and was not let in.", c.User.ID))
		a.changed()
		return a.People(), nil
	}
	var rule access.Rule
	out, err := a.changePeople(ctx, c.Account, fmt.Sprintf("The user %s sent a pairing code and was let in.", c.User.ID),
		func(p access.Policy) (next access.Policy, err error) {
			next, rule, err = a.people.pairings.Accept(a.now(), c, p)
			return next, err
		})
	if err != nil {
		return out, err
	}
	if err := a.store.Known(ctx, rule.Account, rule.User); err != nil {
		a.log.Warn("who was let in is a stranger in the inbox still", "err", err)
	}
	a.welcome(ctx, rule, where, c.Number)
	return a.People(), nil
}

// welcome tells who was let in that they were.
func (a *App) welcome(ctx context.Context, r access.Rule, where platforms.ConversationID, number uint64) {
	acc, err := a.account(r.Account)
	if err != nil || where == "" {
		return
	}
	m := platforms.Message{Key: fmt.Sprintf("welcome/%d/%s/%d", a.started.UnixNano(), r.User, number), Conversation: where,
		Text: fmt.Sprintf("You can talk to this bot now, as %s.", r.Role)}
	if _, err := a.enqueue(ctx, acc, store.Outgoing{Account: r.Account, Message: m}); err != nil {
		acc.log.Warn("who was let in could not be told", "err", err)
	}
}
