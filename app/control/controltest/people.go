package controltest

import (
	"context"
	"slices"

	"github.com/postern/postern/app/control/api"
)

// Answering is what a Backend says of people, routes and responders. What
// changes it is noted, and changes nothing.
type Answering struct {
	People     api.People
	Pairing    api.Pairing
	Why        api.Why
	Routes     api.Routes
	Names      []api.RouteName
	Checked    api.RouteChecked
	Tried      []api.RouteTried
	Kinds      []api.ResponderKind
	Responders []api.Responder
	Leases     []api.Lease
	Asks       []api.Ask
}

// SetAnswering sets all of it.
func (b *Backend) SetAnswering(a Answering) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answering = a
}

func (b *Backend) said() Answering {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answering
}

// People is Answering's.
func (b *Backend) People() api.People { return b.said().People }

// Allow is noted.
func (b *Backend) Allow(ctx context.Context, d api.RuleDraft) (api.People, error) {
	return b.said().People, b.call(ctx, "Allow", d.Entry, d.Account, d.User, d.Conversation, d.Role)
}

// Disallow is noted.
func (b *Backend) Disallow(ctx context.Context, k api.RuleKey) (api.People, error) {
	return b.said().People, b.call(ctx, "Disallow", k.Account, k.User, k.Conversation)
}

// Ignore is noted.
func (b *Backend) Ignore(ctx context.Context, d api.IgnoreDraft) (api.People, error) {
	return b.said().People, b.call(ctx, "Ignore", d.Entry, d.Account, d.User, d.Conversation)
}

// Unignore is noted.
func (b *Backend) Unignore(ctx context.Context, k api.RuleKey) (api.People, error) {
	return b.said().People, b.call(ctx, "Unignore", k.Account, k.User, k.Conversation)
}

// SetOpen is noted.
func (b *Backend) SetOpen(ctx context.Context, k api.RuleKey, open bool) (api.People, error) {
	return b.said().People, b.call(ctx, "SetOpen", k.Account, k.Conversation, open)
}

// Pair is noted.
func (b *Backend) Pair(ctx context.Context) (api.Pairing, error) {
	return b.said().Pairing, b.call(ctx, "Pair")
}

// CancelPairing is noted.
func (b *Backend) CancelPairing(ctx context.Context) error { return b.call(ctx, "CancelPairing") }

// AnswerClaim is noted.
func (b *Backend) AnswerClaim(ctx context.Context, a api.ClaimAnswer) (api.People, error) {
	return b.said().People, b.call(ctx, "AnswerClaim", a.Claim.Number, a.Accept)
}

// Why is Answering's.
func (b *Backend) Why(ctx context.Context, entry uint64) (api.Why, error) {
	return b.said().Why, b.call(ctx, "Why", entry)
}

// Simulate is Answering's Why.
func (b *Backend) Simulate(ctx context.Context, s api.Simulation) (api.Why, error) {
	return b.said().Why, b.call(ctx, "Simulate", s.Account, s.User, s.Conversation, s.Text)
}

// Routes is Answering's.
func (b *Backend) Routes() api.Routes { return b.said().Routes }

// SetRoutes is noted, and kept.
func (b *Backend) SetRoutes(ctx context.Context, rs []api.Route) (api.Routes, error) {
	if err := b.call(ctx, "SetRoutes", len(rs)); err != nil {
		return api.Routes{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answering.Routes.Routes = slices.Clone(rs)
	return b.answering.Routes, nil
}

// RouteNames is Answering's.
func (b *Backend) RouteNames() []api.RouteName { return b.said().Names }

// CheckRoute is Answering's.
func (b *Backend) CheckRoute(string) api.RouteChecked { return b.said().Checked }

// WriteRoute writes badly, but something.
func (b *Backend) WriteRoute(c api.Cond) (string, error) { return c.Field + " " + c.Op, nil }

// TryRoutes is Answering's.
func (b *Backend) TryRoutes(ctx context.Context, rs []api.Route) ([]api.RouteTried, error) {
	return b.said().Tried, b.call(ctx, "TryRoutes", len(rs))
}

// ResponderKinds is Answering's.
func (b *Backend) ResponderKinds() []api.ResponderKind { return b.said().Kinds }

// Responders is Answering's.
func (b *Backend) Responders() []api.Responder { return b.said().Responders }

// AddResponder is noted.
func (b *Backend) AddResponder(ctx context.Context, d api.ResponderDraft) (api.Responder, error) {
	if b.Added != nil {
		b.Added(d)
	}
	return api.Responder{ID: d.Kind + "-1", Kind: d.Kind, Label: d.Label}, b.call(ctx, "AddResponder", d.Kind, d.Label)
}

// ChangeResponder is noted.
func (b *Backend) ChangeResponder(ctx context.Context, id string, d api.ResponderDraft) (api.Responder, error) {
	return api.Responder{ID: id, Kind: d.Kind, Label: d.Label}, b.call(ctx, "ChangeResponder", id, d.Label)
}

// RemoveResponder is noted.
func (b *Backend) RemoveResponder(ctx context.Context, id string) error {
	return b.call(ctx, "RemoveResponder", id)
}

// Leases is Answering's.
func (b *Backend) Leases() []api.Lease { return b.said().Leases }

// SetLease is noted.
func (b *Backend) SetLease(ctx context.Context, l api.Lease) error {
	return b.call(ctx, "SetLease", l.Account, l.Conversation, l.Holder)
}

// Asks is Answering's.
func (b *Backend) Asks() []api.Ask { return b.said().Asks }

// AnswerAsk is noted.
func (b *Backend) AnswerAsk(ctx context.Context, id, choice, who string) error {
	return b.call(ctx, "AnswerAsk", id, choice, who)
}
