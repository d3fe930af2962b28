package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

const (
	settingAccess = "access"
	pairingKey    = "pairing-key" // in the vault
)

// people is who may talk.
type people struct {
	changing sync.Mutex // held while a change is saved; before mu

	// moving is held while a conversation and the rules for it get another id.
	moving sync.RWMutex

	mu       sync.RWMutex
	policy   access.Policy
	pairings *access.Pairings
	// places is where a claim's code was sent, by its number.
	places map[uint64]platforms.ConversationID
}

// openPeople reads who may talk.
func (a *App) openPeople(ctx context.Context) error {
	key, _, err := a.vault.Key(ctx, pairingKey)
	if err != nil {
		return fmt.Errorf("the key for pairing can't be had: %w", err)
	}
	if a.people.pairings, err = access.NewPairings(key[:]); err != nil {
		return err
	}
	a.people.places = map[uint64]platforms.ConversationID{}
	var p access.Policy
	if err := a.recallOr(settingAccess, &p, "The list of people who may talk to your bots can't be trusted: it was changed by something other than Postern. Nobody is let in. Look at the page People, and allow again whom you want."); err != nil {
		return fmt.Errorf("who may talk can't be read: %w", err)
	}
	a.people.policy = p
	return nil
}

func (p *people) get() access.Policy {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.policy
}

// formsOf is a platform's ids, ready to be compared; nil for one that has only
// machines. What a platform got wrong lets nobody in.
func formsOf(p platforms.Platform) *access.Forms {
	if p.IDs.Machines {
		return nil
	}
	f := &access.Forms{UserHelp: p.IDs.UserHelp, ConversationHelp: p.IDs.ConversationHelp, Nobody: p.IDs.Nobody}
	f.User, _ = regexp.Compile(cmp.Or(p.IDs.User, `^[^\x00-\x{10FFFF}]$`))
	if p.IDs.Conversation != "" {
		f.Conversation, _ = regexp.Compile(p.IDs.Conversation)
	}
	return f
}

// machineDecision is that about an event of a platform that has only machines.
func machineDecision(ev platforms.Event) access.Decision {
	if ev.Kind == platforms.MembershipChanged {
		return access.Decision{Verdict: access.Unsaid, Trace: []access.Step{{
			Check: access.CheckSaid, Outcome: access.Stopped, Words: "Nothing was said. It tells of a conversation.",
		}}}
	}
	return access.Decision{Verdict: access.Allowed, Role: access.Member, Trace: []access.Step{{
		Check: access.CheckWho, Outcome: access.Passed,
		Words: "A service sent it, and proved by this account's own secret that it did. There is nobody in particular to ask about.",
	}}}
}

// messagePlace is a message of an account: on some platforms its id is one in
// its conversation only.
type messagePlace struct {
	conversation platforms.ConversationID
	message      platforms.MessageID
}

// judge decides about an event. earlier is the decisions about messages that
// came together with it and are not stored yet.
func (c *account) judge(ev platforms.Event, needs access.Role, earlier map[messagePlace]access.Original) access.Decision {
	if c.platform.IDs.Machines {
		return machineDecision(ev)
	}
	a := c.app
	c.mu.Lock()
	bot := c.rec.Identity.ID
	c.mu.Unlock()
	ctx := access.Context{Account: c.id, Now: a.now(), Bot: bot, Forms: c.forms, Needs: needs}
	switch ev.Kind {
	case platforms.ButtonClicked:
		ctx.Direct = ev.Conversation.Kind != platforms.Direct && a.isDirect(lane{c.id, ev.Conversation.ID})
	case platforms.MessageEdited:
		// What is stored counts before what came now: that may be a repetition.
		ctx.Original = a.original(c.id, ev)
		if o, ok := earlier[messagePlace{ev.Conversation.ID, ev.Message}]; ok && ctx.Original == nil {
			ctx.Original = &o
		}
	}
	return access.Decide(a.people.get(), ev, ctx)
}

// original is what was decided about the message that an edit changes.
func (a *App) original(id platforms.AccountID, ev platforms.Event) *access.Original {
	e, ok, err := a.store.Original(id, ev.Conversation.ID, ev.Message)
	if err != nil || !ok || e.Event == nil {
		return nil
	}
	d, ok := decisionOf(e.Decision)
	if !ok {
		return nil
	}
	o := access.OriginalOf(*e.Event, d)
	return &o
}

// decisionOf reads what was decided when an event came.
func decisionOf(b json.RawMessage) (d access.Decision, ok bool) {
	return d, len(b) > 0 && json.Unmarshal(b, &d) == nil
}

// onList reports whether a rule names who did it, let in or not.
func onList(d access.Decision) bool {
	switch d.Verdict {
	case access.Allowed, access.NeedsMention, access.Listens, access.Insufficient, access.Elsewhere:
		return true
	}
	return false
}

// People is who may talk, and who waits to.
func (a *App) People() api.People {
	p := a.people.get()
	out := api.People{Rules: slices.Clone(p.Rules), Ignored: slices.Clone(p.Ignored), Open: slices.Clone(p.Open),
		Claims: a.people.pairings.Waiting(a.now()), Pairing: a.people.pairings.Open(a.now())}
	if out.Rules == nil {
		out.Rules = []access.Rule{}
	}
	return out
}

// changePeople saves another policy.
func (a *App) changePeople(ctx context.Context, id platforms.AccountID, what string, change func(access.Policy) (access.Policy, error)) (api.People, error) {
	a.people.changing.Lock()
	defer a.people.changing.Unlock()
	next, err := change(a.people.get())
	if err != nil {
		return api.People{}, &api.Error{Kind: platforms.Rejected, Text: text.Sentence(err.Error())}
	}
	if err := a.keep(ctx, settingAccess, next); err != nil {
		return api.People{}, wireError(err)
	}
	a.people.mu.Lock()
	a.people.policy = next
	a.people.mu.Unlock()
	// What is done for somebody who is not let in any more ends now.
	a.turns.cancel(errLetOut, func(t *turn) bool {
		return !t.isOver() && a.present(t.acc, t.job).Verdict != access.Allowed
	})
	a.audit(ctx, string(api.Changed), "", id, what)
	a.keepSafe()
	a.changed()
	return a.People(), nil
}

var errLetOut = errors.New("whoever asked may not talk to the bot any more")

// Allow lets somebody in.
func (a *App) Allow(ctx context.Context, d api.RuleDraft) (api.People, error) {
	r, err := a.rule(d)
	if err != nil {
		return api.People{}, err
	}
	where := "in direct conversations"
	if r.Conversation != "" {
		where = "in the conversation " + string(r.Conversation)
	}
	out, err := a.changePeople(ctx, r.Account, fmt.Sprintf("The user %s may talk to the bot %s, as %s.", r.User, where, r.Role),
		func(p access.Policy) (access.Policy, error) { return p.With(r) })
	if err == nil {
		if err := a.store.Known(ctx, r.Account, r.User); err != nil {
			a.log.Warn("who was let in is a stranger in the inbox still", "err", err)
		}
	}
	return out, err
}

// rule reads a draft.
func (a *App) rule(d api.RuleDraft) (access.Rule, error) {
	r := access.Rule{Account: d.Account, Role: d.Role, Bot: d.Bot, Until: d.Until, Name: d.Name, Place: d.Place}
	if !d.Until.IsZero() && !d.Until.After(a.now()) {
		return r, &api.Error{Kind: platforms.Rejected, Text: "The end is over already. Choose a later one.", Fields: map[string]string{"until": "Choose a later time."}}
	}
	if d.Entry != 0 {
		return a.ruleOf(r, d)
	}
	c, err := a.account(d.Account)
	if err != nil {
		return r, err
	}
	if c.forms == nil {
		return r, &api.Error{Kind: platforms.Unsupported, Text: "Nobody in particular writes through " + c.platform.Title + ": whoever has its secret does. There is nobody to let in."}
	}
	wrong := map[string]string{}
	if r.User, err = access.ParseUser(d.User, *c.forms); err != nil {
		wrong["user"] = text.Sentence(err.Error())
	}
	if d.Conversation != "" {
		if r.Conversation, err = access.ParseConversation(d.Conversation, *c.forms); err != nil {
			wrong["conversation"] = text.Sentence(err.Error())
		}
	}
	for _, field := range []string{"user", "conversation"} {
		if text := wrong[field]; text != "" {
			return r, &api.Error{Kind: platforms.Rejected, Text: text, Fields: wrong}
		}
	}
	return r, nil
}

// ruleOf is a rule for who wrote an entry, where they wrote it.
func (a *App) ruleOf(r access.Rule, d api.RuleDraft) (access.Rule, error) {
	e, err := a.store.Entry(d.Entry)
	if err != nil {
		return r, wireError(err)
	}
	if e.Outgoing || e.Event == nil || e.Event.From.ID == "" {
		return r, &api.Error{Kind: platforms.Rejected, Text: "This message does not tell who wrote it. Add the person by their id."}
	}
	ev := e.Event
	r.Account, r.User, r.Bot = e.Account, ev.From.ID, ev.From.Bot
	r.Name = cmp.Or(r.Name, ev.From.Name, ev.From.Handle)
	if ev.Conversation.Kind != platforms.Direct && !a.isDirect(lane{e.Account, e.Conversation}) && d.Conversation != "direct" {
		r.Conversation, r.Place = e.Conversation, cmp.Or(r.Place, ev.Conversation.Title)
	}
	if c, err := a.account(e.Account); err != nil {
		return r, err
	} else if c.forms == nil {
		return r, &api.Error{Kind: platforms.Unsupported, Text: "A service sent this, no person. There is nobody to let in."}
	} else if _, err := access.ParseUser(string(r.User), *c.forms); err != nil {
		return r, &api.Error{Kind: platforms.Rejected, Text: text.Sentence(err.Error())}
	}
	return r, nil
}

// Disallow takes a rule away.
func (a *App) Disallow(ctx context.Context, k api.RuleKey) (api.People, error) {
	return a.changePeople(ctx, k.Account, fmt.Sprintf("The rule for the user %s was taken away.", k.User),
		func(p access.Policy) (access.Policy, error) {
			next := p.Without(k.Account, k.User, k.Conversation)
			if len(next.Rules) == len(p.Rules) {
				return p, fmt.Errorf("there is no such rule")
			}
			return next, nil
		})
}

// Ignore keeps somebody out for good: nothing of theirs is stored any more.
func (a *App) Ignore(ctx context.Context, d api.IgnoreDraft) (api.People, error) {
	g := access.Ignore{Account: d.Account, User: d.User, Conversation: d.Conversation, Name: d.Name}
	if d.Entry != 0 {
		e, err := a.store.Entry(d.Entry)
		if err != nil {
			return api.People{}, wireError(err)
		}
		if e.Outgoing || e.Event == nil || e.Event.From.ID == "" {
			return api.People{}, &api.Error{Kind: platforms.Rejected, Text: "This message does not tell who wrote it."}
		}
		g.Account, g.User, g.Name = e.Account, e.Event.From.ID, cmp.Or(d.Name, e.Event.From.Name)
	}
	if _, err := a.account(g.Account); err != nil {
		return api.People{}, err
	}
	return a.changePeople(ctx, g.Account, fmt.Sprintf("The user %s is ignored for good.", g.User),
		func(p access.Policy) (access.Policy, error) { return p.Ignoring(g) })
}

// Unignore ends that.
func (a *App) Unignore(ctx context.Context, k api.RuleKey) (api.People, error) {
	return a.changePeople(ctx, k.Account, fmt.Sprintf("The user %s is not ignored any more.", k.User),
		func(p access.Policy) (access.Policy, error) {
			n := len(p.Ignored)
			p.Ignored = slices.DeleteFunc(slices.Clone(p.Ignored), func(g access.Ignore) bool {
				return g.Account == k.Account && g.User == k.User && g.Conversation == k.Conversation
			})
			if len(p.Ignored) == n {
				return p, fmt.Errorf("nobody like that is ignored")
			}
			return p, nil
		})
}

// SetOpen says whether a bot need not be mentioned in a conversation.
func (a *App) SetOpen(ctx context.Context, k api.RuleKey, open bool) (api.People, error) {
	what := fmt.Sprintf("In the conversation %s the bot must be addressed again.", k.Conversation)
	if open {
		what = fmt.Sprintf("In the conversation %s the bot need not be addressed.", k.Conversation)
	}
	return a.changePeople(ctx, k.Account, what, func(p access.Policy) (access.Policy, error) {
		p.Open = slices.DeleteFunc(slices.Clone(p.Open), func(o access.Place) bool {
			return o.Account == k.Account && o.Conversation == k.Conversation
		})
		if open {
			p.Open = append(p.Open, access.Place{Account: k.Account, Conversation: k.Conversation, Name: cut(a.Title(k.Account, k.Conversation), 60)})
		}
		return p, p.Validate()
	})
}

// forgetPeople takes away all that is about a removed account.
func (a *App) forgetPeople(ctx context.Context, id platforms.AccountID) error {
	p := a.people.get()
	if !slices.ContainsFunc(p.Rules, func(r access.Rule) bool { return r.Account == id }) &&
		!slices.ContainsFunc(p.Ignored, func(g access.Ignore) bool { return g.Account == id }) &&
		!slices.ContainsFunc(p.Open, func(o access.Place) bool { return o.Account == id }) {
		return nil
	}
	_, err := a.changePeople(ctx, id, "The rules of a removed account were taken away.", func(p access.Policy) (access.Policy, error) {
		return access.Policy{
			Rules:   slices.DeleteFunc(slices.Clone(p.Rules), func(r access.Rule) bool { return r.Account == id }),
			Ignored: slices.DeleteFunc(slices.Clone(p.Ignored), func(g access.Ignore) bool { return g.Account == id }),
			Open:    slices.DeleteFunc(slices.Clone(p.Open), func(o access.Place) bool { return o.Account == id }),
		}, nil
	})
	return err
}

// movedPeople lets what was for a conversation's former id count for its new one.
func (a *App) movedPeople(ctx context.Context, id platforms.AccountID, from, to platforms.ConversationID) {
	p := a.people.get()
	about := func(o platforms.AccountID, c platforms.ConversationID) bool {
		return o == id && c == from && from != ""
	}
	if !slices.ContainsFunc(p.Rules, func(r access.Rule) bool { return about(r.Account, r.Conversation) }) &&
		!slices.ContainsFunc(p.Ignored, func(g access.Ignore) bool { return about(g.Account, g.Conversation) }) &&
		!slices.ContainsFunc(p.Open, func(o access.Place) bool { return about(o.Account, o.Conversation) }) {
		return
	}
	_, err := a.changePeople(ctx, id, fmt.Sprintf("The platform moved the conversation %s to %s, and what was for it.", from, to),
		func(p access.Policy) (access.Policy, error) { return p.Moved(id, from, to), nil })
	if err != nil {
		a.log.Error("the rules of a conversation that moved were not moved", "err", err)
	}
}

// isDirect reports whether a conversation is known to be one person's with the bot.
func (a *App) isDirect(l lane) bool {
	direct, err := a.store.Direct(l.account, l.conversation)
	return err == nil && direct
}

// refusal is the line of activity for an event that was not let in.
func refusal(job store.Job, d access.Decision) store.Activity {
	return store.Activity{What: string(api.Rejected), Account: job.Account, Conversation: job.Event.Conversation.ID,
		Who: job.Event.From.Name, User: job.Event.From.ID, Why: d.Why(), Entry: job.Seq}
}
