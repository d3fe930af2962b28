package client

import (
	"context"
	"net/http"

	"github.com/postern/postern/app/control/api"
)

// Routes is which responders get what.
func (c *Client) Routes(ctx context.Context) (rs api.Routes, err error) {
	err = c.call(ctx, http.MethodGet, "routes", nil, nil, &rs)
	return rs, err
}

// SetRoutes replaces the whole list. Only a person can.
func (c *Client) SetRoutes(ctx context.Context, rs []api.Route) (out api.Routes, err error) {
	err = c.call(ctx, http.MethodPut, "routes", nil, rs, &out)
	return out, err
}

// RouteNames is the names that expressions may use.
func (c *Client) RouteNames(ctx context.Context) (ns []api.RouteName, err error) {
	err = c.call(ctx, http.MethodGet, "routes/names", nil, nil, &ns)
	return ns, err
}

// CheckRoute says what is wrong with an expression.
func (c *Client) CheckRoute(ctx context.Context, when string) (out api.RouteChecked, err error) {
	err = c.call(ctx, http.MethodPost, "routes/check", nil, api.RouteCheck{When: when}, &out)
	return out, err
}

// WriteRoute is the expression of a condition that was picked from lists.
func (c *Client) WriteRoute(ctx context.Context, cond api.Cond) (when string, err error) {
	var out api.RouteCheck
	err = c.call(ctx, http.MethodPost, "routes/write", nil, cond, &out)
	return out.When, err
}

// TryRoutes says what would become of the last events, newest first.
func (c *Client) TryRoutes(ctx context.Context, rs []api.Route) (out []api.RouteTried, err error) {
	err = c.call(ctx, http.MethodPost, "routes/try", nil, rs, &out)
	return out, err
}

// ResponderKinds is what can be set up.
func (c *Client) ResponderKinds(ctx context.Context) (ks []api.ResponderKind, err error) {
	err = c.call(ctx, http.MethodGet, "responders/kinds", nil, nil, &ks)
	return ks, err
}

// Responders is what is set up or built in.
func (c *Client) Responders(ctx context.Context) (rs []api.Responder, err error) {
	err = c.call(ctx, http.MethodGet, "responders", nil, nil, &rs)
	return rs, err
}

// AddResponder sets one up. Only a person can.
func (c *Client) AddResponder(ctx context.Context, d api.ResponderDraft) (r api.Responder, err error) {
	err = c.call(ctx, http.MethodPost, "responders", nil, d, &r)
	return r, err
}

// ChangeResponder changes one. Only a person can.
func (c *Client) ChangeResponder(ctx context.Context, id string, d api.ResponderDraft) (r api.Responder, err error) {
	err = c.call(ctx, http.MethodPatch, "responders/"+escape(id), nil, d, &r)
	return r, err
}

// RemoveResponder takes one away, with its secrets.
func (c *Client) RemoveResponder(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "responders/"+escape(id), nil, nil, nil)
}
