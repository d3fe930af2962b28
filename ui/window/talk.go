package window

import (
	"context"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// talk is what the window asks of a running Postern about who may talk, and
// about what responders ask a person.
type talk interface {
	People(ctx context.Context) (api.People, error)
	Allow(ctx context.Context, d api.RuleDraft) (api.People, error)
	Disallow(ctx context.Context, k api.RuleKey) (api.People, error)
	Ignore(ctx context.Context, d api.IgnoreDraft) (api.People, error)
	Unignore(ctx context.Context, k api.RuleKey) (api.People, error)
	SetOpen(ctx context.Context, k api.RuleKey, open bool) (api.People, error)
	Pair(ctx context.Context) (api.Pairing, error)
	CancelPairing(ctx context.Context) error
	AnswerClaim(ctx context.Context, a api.ClaimAnswer) (api.People, error)
	Why(ctx context.Context, entry uint64) (api.Why, error)
	Simulate(ctx context.Context, s api.Simulation) (api.Why, error)
	Asks(ctx context.Context) ([]api.Ask, error)
	AnswerAsk(ctx context.Context, id, choice string) error
}

// Names in rules and messages come from outside, so they are cleaned, and stand
// beside the id, which is what counts.

// personName is a name for showing; without one it is the id's.
func personName(name string, id platforms.UserID) string {
	if n := clean.Line(name, 60); n != "" {
		return n
	}
	return shownID(string(id))
}

func shownID(id string) string { return clean.Line(id, 128) }

// accountLabel names an account that may be gone.
func (w *Window) accountLabel(id platforms.AccountID) string {
	if a, ok := w.account(id); ok {
		return shortName(a)
	}
	return clean.Line(string(id), 40)
}

// placeWords is where a rule counts.
func placeWords(c platforms.ConversationID, name string) string {
	if c == "" {
		return "direct chats"
	}
	if n := clean.Line(name, 60); n != "" {
		return n
	}
	return "shared conversation"
}

// keyOf names a rule.
func keyOf(r access.Rule) api.RuleKey {
	return api.RuleKey{Account: r.Account, User: r.User, Conversation: r.Conversation}
}

// draftOf is a rule as a draft that keeps it as it is.
func draftOf(r access.Rule) api.RuleDraft {
	return api.RuleDraft{Account: r.Account, User: string(r.User), Conversation: string(r.Conversation),
		Role: r.Role, Bot: r.Bot, Until: r.Until, Name: r.Name, Place: r.Place}
}
