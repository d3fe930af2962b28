package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/postern/postern/app/control/api"
)

// RelayKinds is what can be set up.
func (c *Client) RelayKinds(ctx context.Context) (ks []api.RelayKind, err error) {
	err = c.call(ctx, http.MethodGet, "relays/kinds", nil, nil, &ks)
	return ks, err
}

// Relays is those that are set up.
func (c *Client) Relays(ctx context.Context) (rs []api.Relay, err error) {
	err = c.call(ctx, http.MethodGet, "relays", nil, nil, &rs)
	return rs, err
}

// AddRelay sets one up. Only a person can.
func (c *Client) AddRelay(ctx context.Context, d api.RelayDraft) (r api.Relay, err error) {
	err = c.call(ctx, http.MethodPost, "relays", nil, d, &r)
	return r, err
}

// ChangeRelay changes one. Values that d leaves out are kept. Only a person can.
func (c *Client) ChangeRelay(ctx context.Context, id string, d api.RelayDraft) (r api.Relay, err error) {
	err = c.call(ctx, http.MethodPatch, "relays/"+escape(id), nil, d, &r)
	return r, err
}

// RemoveRelay takes one away.
func (c *Client) RemoveRelay(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "relays/"+escape(id), nil, nil, nil)
}

// PauseRelay hangs up until ResumeRelay.
func (c *Client) PauseRelay(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, "relays/"+escape(id)+"/pause", nil, nil, nil)
}

// ResumeRelay dials again. Only a person can.
func (c *Client) ResumeRelay(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, "relays/"+escape(id)+"/resume", nil, nil, nil)
}

// CheckRelay connects once with a draft's values; id, if not empty, is the relay
// that lends those d leaves out. Only a person can.
func (c *Client) CheckRelay(ctx context.Context, id string, d api.RelayDraft) (out api.RelayCheck, err error) {
	q := url.Values{}
	if id != "" {
		q.Set("relay", id)
	}
	err = c.call(ctx, http.MethodPost, "relays/check", q, d, &out)
	return out, err
}
