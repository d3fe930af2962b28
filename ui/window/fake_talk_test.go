package window

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// fakeTalk is what a fake says of people and permissions.
type fakeTalk struct {
	people  api.People
	pairing api.Pairing
	why     api.Why
	asks    []api.Ask
	refuse  map[string]error // by the method's name
}

func (f *fake) talked(ctx context.Context, method string, what ...any) error {
	if err := f.enter(ctx, strings.TrimSpace(fmt.Sprintln(append([]any{method}, what...)...))); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.talk.refuse[method]
}

// changing runs change unless the call is refused, and tells what there is then.
func (f *fake) changing(err error, change func(*api.People)) (api.People, error) {
	if err != nil {
		return api.People{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &f.talk.people
	p.Rules, p.Ignored, p.Open, p.Claims = slices.Clone(p.Rules), slices.Clone(p.Ignored), slices.Clone(p.Open), slices.Clone(p.Claims)
	change(p)
	return *p, nil
}

func (f *fake) People(ctx context.Context) (api.People, error) {
	return f.changing(f.talked(ctx, "People"), func(*api.People) {})
}

func (f *fake) Allow(ctx context.Context, d api.RuleDraft) (api.People, error) {
	until := ""
	if !d.Until.IsZero() {
		until = d.Until.Format(time.DateTime)
	}
	return f.changing(f.talked(ctx, "Allow", d.Entry, d.Account, d.User, d.Conversation, d.Role, d.Bot, until), func(p *api.People) {
		r := access.Rule{Account: d.Account, User: platforms.UserID(d.User), Conversation: platforms.ConversationID(d.Conversation), Role: d.Role, Bot: d.Bot, Until: d.Until, Name: d.Name, Place: d.Place}
		for i, o := range p.Rules {
			if keyOf(o) == keyOf(r) {
				p.Rules[i] = r
				return
			}
		}
		p.Rules = append(p.Rules, r)
	})
}

func (f *fake) Disallow(ctx context.Context, k api.RuleKey) (api.People, error) {
	return f.changing(f.talked(ctx, "Disallow", k.Account, k.User, k.Conversation), func(p *api.People) {
		p.Rules = slices.DeleteFunc(p.Rules, func(r access.Rule) bool { return keyOf(r) == k })
	})
}

func (f *fake) Ignore(ctx context.Context, d api.IgnoreDraft) (api.People, error) {
	return f.changing(f.talked(ctx, "Ignore", d.Entry, d.Account, d.User, d.Conversation), func(p *api.People) {
		p.Ignored = append(p.Ignored, access.Ignore{Account: d.Account, User: d.User, Conversation: d.Conversation, Name: d.Name})
	})
}

func (f *fake) Unignore(ctx context.Context, k api.RuleKey) (api.People, error) {
	return f.changing(f.talked(ctx, "Unignore", k.Account, k.User, k.Conversation), func(p *api.People) {
		p.Ignored = slices.DeleteFunc(p.Ignored, func(g access.Ignore) bool {
			return g.Account == k.Account && g.User == k.User && g.Conversation == k.Conversation
		})
	})
}

func (f *fake) SetOpen(ctx context.Context, k api.RuleKey, open bool) (api.People, error) {
	return f.changing(f.talked(ctx, "SetOpen", k.Account, k.Conversation, open), func(p *api.People) {
		p.Open = slices.DeleteFunc(p.Open, func(o access.Place) bool { return o.Account == k.Account && o.Conversation == k.Conversation })
		if open {
			p.Open = append(p.Open, access.Place{Account: k.Account, Conversation: k.Conversation})
		}
	})
}

func (f *fake) Pair(ctx context.Context) (api.Pairing, error) {
	err := f.talked(ctx, "Pair")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.talk.people.Pairing = f.talk.pairing.Until
	return f.talk.pairing, err
}

func (f *fake) CancelPairing(ctx context.Context) error { return f.talked(ctx, "CancelPairing") }

func (f *fake) AnswerClaim(ctx context.Context, a api.ClaimAnswer) (api.People, error) {
	return f.changing(f.talked(ctx, "AnswerClaim", a.Claim.Number, a.Claim.User.ID, a.Accept), func(p *api.People) {
		p.Claims = slices.DeleteFunc(p.Claims, func(c access.Claim) bool { return c.Number == a.Claim.Number })
		if a.Accept {
			p.Rules = append(p.Rules, access.Rule{Account: a.Claim.Account, User: a.Claim.User.ID, Role: access.Owner, Name: a.Claim.User.Name})
		}
	})
}

func (f *fake) Why(ctx context.Context, entry uint64) (api.Why, error) {
	err := f.talked(ctx, "Why", entry)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.talk.why, err
}

func (f *fake) Simulate(ctx context.Context, s api.Simulation) (api.Why, error) {
	err := f.talked(ctx, "Simulate", s.Account, s.User, s.Bot, s.Conversation, s.Kind, s.Text, s.Mentioned)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.talk.why, err
}

func (f *fake) Asks(ctx context.Context) ([]api.Ask, error) {
	err := f.talked(ctx, "Asks")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.talk.asks), err
}

func (f *fake) AnswerAsk(ctx context.Context, id, choice string) error {
	if err := f.talked(ctx, "AnswerAsk", id, choice); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.talk.asks = slices.DeleteFunc(slices.Clone(f.talk.asks), func(a api.Ask) bool { return a.ID == id })
	return nil
}
