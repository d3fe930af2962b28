package client

import (
	"context"
	"net/http"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// As has the client held to what the named client may do, though this program
// could do everything.
func As(name string) Option { return func(c *Client) { c.name = name } }

// WithToken has the client prove with its token that it is a named client, and
// no more than that.
func WithToken(token platforms.Secret) Option { return func(c *Client) { c.proof = &token } }

// Clients are the programs that the person named.
func (c *Client) Clients(ctx context.Context) (out []api.Client, err error) {
	err = c.call(ctx, http.MethodGet, "clients", nil, nil, &out)
	return out, err
}

// AddClient names a program. Its token is told this once.
func (c *Client) AddClient(ctx context.Context, d api.ClientDraft) (made api.ClientMade, err error) {
	err = c.call(ctx, http.MethodPost, "clients", nil, d, &made)
	return made, err
}

// ChangeClient gives the client id what d says; its token stays.
func (c *Client) ChangeClient(ctx context.Context, id string, d api.ClientDraft) (out api.Client, err error) {
	err = c.call(ctx, http.MethodPut, "clients/"+escape(id), nil, d, &out)
	return out, err
}

// RevokeClient ends the client id at once.
func (c *Client) RevokeClient(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "clients/"+escape(id), nil, nil, nil)
}

// RotateClient makes another token for the client id; the former ends at once.
func (c *Client) RotateClient(ctx context.Context, id string) (made api.ClientMade, err error) {
	err = c.call(ctx, http.MethodPost, "clients/"+escape(id)+"/rotate", nil, nil, &made)
	return made, err
}
