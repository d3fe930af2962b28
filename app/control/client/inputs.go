package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Inputs is where requests from outside arrive.
func (c *Client) Inputs(ctx context.Context) (in []api.Input, err error) {
	err = c.call(ctx, http.MethodGet, "inputs", nil, nil, &in)
	return in, err
}

// SetInput says how an input answers and what it keeps. Only a person can.
func (c *Client) SetInput(ctx context.Context, id platforms.AccountID, s api.InputSettings) (in api.Input, err error) {
	err = c.call(ctx, http.MethodPut, "inputs/"+escape(string(id)), nil, s, &in)
	return in, err
}

// Requests is what came, newest first, without bodies.
func (c *Client) Requests(ctx context.Context, q api.InputQuery) (rs []api.InputRequest, err error) {
	v := url.Values{}
	for key, text := range map[string]string{"account": string(q.Account), "text": q.Text, "only": q.Only} {
		if text != "" {
			v.Set(key, text)
		}
	}
	if q.Before > 0 {
		v.Set("before", strconv.FormatUint(q.Before, 10))
	}
	if q.Limit > 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	err = c.call(ctx, http.MethodGet, "requests", v, nil, &rs)
	return rs, err
}

// Request is one, with what is kept of its body.
func (c *Client) Request(ctx context.Context, id uint64) (r api.InputRequest, err error) {
	err = c.call(ctx, http.MethodGet, fmt.Sprintf("requests/%d", id), nil, nil, &r)
	return r, err
}

// ForgetRequests drops an account's, or everything if id is empty.
func (c *Client) ForgetRequests(ctx context.Context, id platforms.AccountID) error {
	q := url.Values{}
	if id != "" {
		q.Set("account", string(id))
	}
	return c.call(ctx, http.MethodDelete, "requests", q, nil, nil)
}

// TryInput has an expression make a text of a request that is kept.
func (c *Client) TryInput(ctx context.Context, t api.InputTrial) (out api.InputTried, err error) {
	err = c.call(ctx, http.MethodPost, "inputs/try", nil, t, &out)
	return out, err
}

// Replay hands something to responders once more and waits for them. Only a
// person can.
func (c *Client) Replay(ctx context.Context, r api.Replay) (out api.Replayed, err error) {
	err = c.call(ctx, http.MethodPost, "replay", nil, r, &out)
	return out, err
}

// RegisterForm is what an input's service wants to know for a registration.
func (c *Client) RegisterForm(ctx context.Context, id platforms.AccountID) (f api.RegistrationForm, err error) {
	err = c.call(ctx, http.MethodGet, "inputs/"+escape(string(id))+"/registration", nil, nil, &f)
	return f, err
}

// Register tells an input's service its address. Only a person can.
func (c *Client) Register(ctx context.Context, id platforms.AccountID, d api.RegistrationDraft) (r api.Registration, err error) {
	err = c.call(ctx, http.MethodPut, "inputs/"+escape(string(id))+"/registration", nil, d, &r)
	return r, err
}

// Unregister takes that back.
func (c *Client) Unregister(ctx context.Context, id platforms.AccountID) error {
	return c.call(ctx, http.MethodDelete, "inputs/"+escape(string(id))+"/registration", nil, nil, nil)
}
