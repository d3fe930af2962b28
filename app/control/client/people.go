package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/postern/postern/app/control/api"
)

// People is who may talk to the bots.
func (c *Client) People(ctx context.Context) (p api.People, err error) {
	err = c.call(ctx, http.MethodGet, "people", nil, nil, &p)
	return p, err
}

// Allow lets somebody in. Only a person can.
func (c *Client) Allow(ctx context.Context, d api.RuleDraft) (p api.People, err error) {
	err = c.call(ctx, http.MethodPut, "people/rules", nil, d, &p)
	return p, err
}

// Disallow takes a rule away.
func (c *Client) Disallow(ctx context.Context, k api.RuleKey) (p api.People, err error) {
	err = c.call(ctx, http.MethodPost, "people/rules/remove", nil, k, &p)
	return p, err
}

// Ignore keeps somebody out for good.
func (c *Client) Ignore(ctx context.Context, d api.IgnoreDraft) (p api.People, err error) {
	err = c.call(ctx, http.MethodPut, "people/ignored", nil, d, &p)
	return p, err
}

// Unignore ends that. Only a person can.
func (c *Client) Unignore(ctx context.Context, k api.RuleKey) (p api.People, err error) {
	err = c.call(ctx, http.MethodPost, "people/ignored/remove", nil, k, &p)
	return p, err
}

// SetOpen says whether a bot need not be mentioned in a conversation. Only a
// person can open one.
func (c *Client) SetOpen(ctx context.Context, k api.RuleKey, open bool) (p api.People, err error) {
	method, path := http.MethodPut, "people/open"
	if !open {
		method, path = http.MethodPost, "people/open/remove"
	}
	err = c.call(ctx, method, path, nil, k, &p)
	return p, err
}

// Pair makes a pairing code. Only a person can.
func (c *Client) Pair(ctx context.Context) (p api.Pairing, err error) {
	err = c.call(ctx, http.MethodPost, "pairing", nil, nil, &p)
	return p, err
}

// CancelPairing ends all codes.
func (c *Client) CancelPairing(ctx context.Context) error {
	return c.call(ctx, http.MethodDelete, "pairing", nil, nil, nil)
}

// AnswerClaim says whether who sent a code is let in. Only a person can.
func (c *Client) AnswerClaim(ctx context.Context, a api.ClaimAnswer) (p api.People, err error) {
	err = c.call(ctx, http.MethodPost, "pairing/answer", nil, a, &p)
	return p, err
}

// Why tells how an entry was decided.
func (c *Client) Why(ctx context.Context, entry uint64) (w api.Why, err error) {
	err = c.call(ctx, http.MethodGet, fmt.Sprintf("entries/%d/why", entry), nil, nil, &w)
	return w, err
}

// Simulate tells how an event would be decided.
func (c *Client) Simulate(ctx context.Context, s api.Simulation) (w api.Why, err error) {
	err = c.call(ctx, http.MethodPost, "simulate", nil, s, &w)
	return w, err
}

// Asks is what responders ask permission for, oldest first.
func (c *Client) Asks(ctx context.Context) (as []api.Ask, err error) {
	err = c.call(ctx, http.MethodGet, "asks", nil, nil, &as)
	return as, err
}

// AnswerAsk decides. Only a person can.
func (c *Client) AnswerAsk(ctx context.Context, id, choice string) error {
	return c.call(ctx, http.MethodPost, "asks/"+escape(id), nil, api.AskAnswer{Choice: choice}, nil)
}

// Leases is which responders have which conversations.
func (c *Client) Leases(ctx context.Context) (ls []api.Lease, err error) {
	err = c.call(ctx, http.MethodGet, "leases", nil, nil, &ls)
	return ls, err
}

// SetLease hands a conversation to a responder, or to nobody. Only a person can.
func (c *Client) SetLease(ctx context.Context, l api.Lease) error {
	return c.call(ctx, http.MethodPut, "leases", nil, l, nil)
}
