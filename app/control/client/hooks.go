package client

import (
	"context"
	"net/http"

	"github.com/postern/postern/app/control/api"
)

// Hooks is addresses at which programs post into conversations.
func (c *Client) Hooks(ctx context.Context) (h api.Hooks, err error) {
	err = c.call(ctx, http.MethodGet, "hooks", nil, nil, &h)
	return h, err
}

// AddHook makes one, whose address is told this once. Only a person can, or a
// client with the scope for it.
func (c *Client) AddHook(ctx context.Context, d api.HookDraft) (m api.HookMade, err error) {
	err = c.call(ctx, http.MethodPost, "hooks", nil, d, &m)
	return m, err
}

// ChangeHook changes one.
func (c *Client) ChangeHook(ctx context.Context, id string, change api.HookChange) (h api.Hook, err error) {
	err = c.call(ctx, http.MethodPatch, "hooks/"+escape(id), nil, change, &h)
	return h, err
}

// RotateHook gives one a new token.
func (c *Client) RotateHook(ctx context.Context, id string, r api.HookRotation) (m api.HookMade, err error) {
	err = c.call(ctx, http.MethodPost, "hooks/"+escape(id)+"/rotate", nil, r, &m)
	return m, err
}

// RemoveHook ends one at once.
func (c *Client) RemoveHook(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "hooks/"+escape(id), nil, nil, nil)
}

// TryHook says what a post would look like.
func (c *Client) TryHook(ctx context.Context, t api.HookTry) (out api.HookTried, err error) {
	err = c.call(ctx, http.MethodPost, "hooks/try", nil, t, &out)
	return out, err
}

// SetHookListener says where hooks are served. Only a person can.
func (c *Client) SetHookListener(ctx context.Context, l api.HookListener) (h api.Hooks, err error) {
	err = c.call(ctx, http.MethodPut, "hooks/listener", nil, l, &h)
	return h, err
}
