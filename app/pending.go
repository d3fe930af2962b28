package app

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

var errNotYet = &api.Error{Kind: platforms.Unsupported, Text: "This is not built yet."}

func (a *App) People() api.People { return api.People{} }
func (a *App) Allow(context.Context, api.RuleDraft) (api.People, error) {
	return api.People{}, errNotYet
}
func (a *App) Disallow(context.Context, api.RuleKey) (api.People, error) {
	return api.People{}, errNotYet
}
func (a *App) Ignore(context.Context, api.IgnoreDraft) (api.People, error) {
	return api.People{}, errNotYet
}
func (a *App) Unignore(context.Context, api.RuleKey) (api.People, error) {
	return api.People{}, errNotYet
}
func (a *App) SetOpen(context.Context, api.RuleKey, bool) (api.People, error) {
	return api.People{}, errNotYet
}
func (a *App) Pair(context.Context) (api.Pairing, error) { return api.Pairing{}, errNotYet }
func (a *App) CancelPairing(context.Context) error       { return errNotYet }
func (a *App) AnswerClaim(context.Context, api.ClaimAnswer) (api.People, error) {
	return api.People{}, errNotYet
}
func (a *App) Why(context.Context, uint64) (api.Why, error)              { return api.Why{}, errNotYet }
func (a *App) Simulate(context.Context, api.Simulation) (api.Why, error) { return api.Why{}, errNotYet }
func (a *App) Routes() api.Routes                                        { return api.Routes{} }
func (a *App) SetRoutes(context.Context, []api.Route) (api.Routes, error) {
	return api.Routes{}, errNotYet
}
func (a *App) RouteNames() []api.RouteName         { return nil }
func (a *App) CheckRoute(string) api.RouteChecked  { return api.RouteChecked{} }
func (a *App) WriteRoute(api.Cond) (string, error) { return "", errNotYet }
func (a *App) ResponderKinds() []api.ResponderKind { return nil }
func (a *App) Responders() []api.Responder         { return nil }
func (a *App) TryRoutes(context.Context, []api.Route) ([]api.RouteTried, error) {
	return nil, errNotYet
}
func (a *App) AddResponder(context.Context, api.ResponderDraft) (api.Responder, error) {
	return api.Responder{}, errNotYet
}
func (a *App) ChangeResponder(context.Context, string, api.ResponderDraft) (api.Responder, error) {
	return api.Responder{}, errNotYet
}
func (a *App) RemoveResponder(context.Context, string) error           { return errNotYet }
func (a *App) Leases() []api.Lease                                     { return nil }
func (a *App) SetLease(context.Context, api.Lease) error               { return errNotYet }
func (a *App) Asks() []api.Ask                                         { return nil }
func (a *App) AnswerAsk(context.Context, string, string, string) error { return errNotYet }
