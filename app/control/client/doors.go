package client

import (
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

type terminalKey struct{}

// AtTerminal marks requests as made by a person who is typing at this process's
// terminal. Postern looks whether there is one.
func AtTerminal(ctx context.Context) context.Context {
	return context.WithValue(ctx, terminalKey{}, true)
}

// Exposure is what can be reached from outside.
func (c *Client) Exposure(ctx context.Context) (v api.View, err error) {
	err = c.call(ctx, http.MethodGet, "exposure", nil, nil, &v)
	return v, err
}

// SetListener checks and keeps where an account is reached.
func (c *Client) SetListener(ctx context.Context, id platforms.AccountID, l api.Listener) (d api.Door, err error) {
	err = c.call(ctx, http.MethodPut, "doors/"+escape(string(id)), nil, l, &d)
	return d, err
}

// RemoveListener closes an account's door and forgets it.
func (c *Client) RemoveListener(ctx context.Context, id platforms.AccountID) error {
	return c.call(ctx, http.MethodDelete, "doors/"+escape(string(id)), nil, nil, nil)
}

// CloseDoor closes an account's door until a person opens it again, or every
// public one if id is empty.
func (c *Client) CloseDoor(ctx context.Context, id platforms.AccountID) error {
	path := "doors/close"
	if id != "" {
		path = "doors/" + escape(string(id)) + "/close"
	}
	return c.call(ctx, http.MethodPost, path, nil, nil, nil)
}

// OpenDoor opens a closed door that needs no acknowledgement. Only a person can.
func (c *Client) OpenDoor(ctx context.Context, id platforms.AccountID) (d api.Door, err error) {
	err = c.call(ctx, http.MethodPost, "doors/"+escape(string(id))+"/open", nil, nil, &d)
	return d, err
}

// Ask is what a person must answer before an account's door opens.
func (c *Client) Ask(ctx context.Context, id platforms.AccountID) (q api.Question, err error) {
	err = c.call(ctx, http.MethodPost, "doors/"+escape(string(id))+"/question", nil, nil, &q)
	return q, err
}

// Acknowledge is the person's answer; it opens the door.
func (c *Client) Acknowledge(ctx context.Context, id platforms.AccountID, a api.Answer) (d api.Door, err error) {
	err = c.call(ctx, http.MethodPost, "doors/"+escape(string(id))+"/acknowledge", nil, a, &d)
	return d, err
}

// Audit is lines of the audit record before seq before (0: the newest), newest
// first, and how the record stands; limit 0 is the usual number.
func (c *Client) Audit(ctx context.Context, before uint64, limit int) (p api.AuditPage, err error) {
	err = c.call(ctx, http.MethodGet, "audit", url.Values{"before": {number(before)}, "limit": {number(limit)}}, nil, &p)
	return p, err
}

// ExportAudit streams the whole audit record as JSON lines, oldest first; the
// caller closes it. One that is cut off ends with an error, never with io.EOF.
func (c *Client) ExportAudit(ctx context.Context) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, "audit/export", nil, nil, "")
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Make makes a value for a platform's field.
func (c *Client) Make(ctx context.Context, platform, field string) (m api.Made, err error) {
	err = c.call(ctx, http.MethodPost, "platforms/"+escape(platform)+"/fields/"+escape(field)+"/make", nil, nil, &m)
	return m, err
}
