package client

import (
	"context"
	"crypto/rand"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Snapshot is everything at a glance.
func (c *Client) Snapshot(ctx context.Context) (s api.Snapshot, err error) {
	err = c.call(ctx, http.MethodGet, "snapshot", nil, nil, &s)
	return s, err
}

// Platforms is what can be set up.
func (c *Client) Platforms(ctx context.Context) (p []api.Platform, err error) {
	err = c.call(ctx, http.MethodGet, "platforms", nil, nil, &p)
	return p, err
}

// AddAccount saves a new account and connects it.
func (c *Client) AddAccount(ctx context.Context, d api.AccountDraft) (a api.Account, err error) {
	err = c.call(ctx, http.MethodPost, "accounts", nil, d, &a)
	return a, err
}

// ChangeAccount changes an account. Values that d leaves out are kept.
func (c *Client) ChangeAccount(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (a api.Account, err error) {
	err = c.call(ctx, http.MethodPatch, "accounts/"+escape(string(id)), nil, d, &a)
	return a, err
}

// RemoveAccount deletes an account with its messages and secrets.
func (c *Client) RemoveAccount(ctx context.Context, id platforms.AccountID) error {
	return c.call(ctx, http.MethodDelete, "accounts/"+escape(string(id)), nil, nil, nil)
}

// CheckDraft checks values that are not saved. id, if not empty, is the account
// that lends the values d leaves out.
func (c *Client) CheckDraft(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (out api.Check, err error) {
	q := url.Values{}
	if id != "" {
		q.Set("account", string(id))
	}
	err = c.call(ctx, http.MethodPost, "check", q, d, &out)
	return out, err
}

// CheckAccount checks an account's credentials.
func (c *Client) CheckAccount(ctx context.Context, id platforms.AccountID) (out api.Check, err error) {
	err = c.call(ctx, http.MethodPost, "accounts/"+escape(string(id))+"/check", nil, nil, &out)
	return out, err
}

// Fix mends a problem by its code and checks again.
func (c *Client) Fix(ctx context.Context, id platforms.AccountID, code string) (out api.Check, err error) {
	err = c.call(ctx, http.MethodPost, "accounts/"+escape(string(id))+"/fix", nil, api.Fix{Code: code}, &out)
	return out, err
}

// Pause disconnects an account, or all if id is empty.
func (c *Client) Pause(ctx context.Context, id platforms.AccountID) error {
	return c.call(ctx, http.MethodPost, of(id)+"pause", nil, nil, nil)
}

// Resume connects an account again, or all if id is empty.
func (c *Client) Resume(ctx context.Context, id platforms.AccountID) error {
	return c.call(ctx, http.MethodPost, of(id)+"resume", nil, nil, nil)
}

func of(id platforms.AccountID) string {
	if id == "" {
		return ""
	}
	return "accounts/" + escape(string(id)) + "/"
}

// Conversations is the inbox; limit 0 is the usual number.
func (c *Client) Conversations(ctx context.Context, limit int) (out []api.Conversation, err error) {
	err = c.call(ctx, http.MethodGet, "conversations", url.Values{"limit": {number(limit)}}, nil, &out)
	return out, err
}

// Timeline is the newest messages before seq before (0: the newest of all),
// oldest first; limit 0 is the usual number.
func (c *Client) Timeline(ctx context.Context, id platforms.AccountID, conv platforms.ConversationID, before uint64, limit int) (out []api.Entry, err error) {
	q := url.Values{"account": {string(id)}, "conversation": {string(conv)}, "before": {number(before)}, "limit": {number(limit)}}
	err = c.call(ctx, http.MethodGet, "timeline", q, nil, &out)
	return out, err
}

// Search finds text, names and titles, newest first; limit 0 is the usual
// number.
func (c *Client) Search(ctx context.Context, query string, limit int) (out []api.Entry, err error) {
	err = c.call(ctx, http.MethodGet, "search", url.Values{"q": {query}, "limit": {number(limit)}}, nil, &out)
	return out, err
}

// Entry is one message by its place in the journal.
func (c *Client) Entry(ctx context.Context, seq uint64) (e api.Entry, err error) {
	err = c.call(ctx, http.MethodGet, "entries/"+number(seq), nil, nil, &e)
	return e, err
}

// MarkRead takes the messages up to upTo from the unread ones.
func (c *Client) MarkRead(ctx context.Context, id platforms.AccountID, conv platforms.ConversationID, upTo uint64) error {
	return c.call(ctx, http.MethodPost, "read", nil, api.Read{Account: id, Conversation: conv, UpTo: upTo}, nil)
}

// Resend queues a message that could not be sent again.
func (c *Client) Resend(ctx context.Context, seq uint64) error { return c.act(ctx, seq, "resend") }

// Discard gives a message up that could not be sent.
func (c *Client) Discard(ctx context.Context, seq uint64) error { return c.act(ctx, seq, "discard") }

// Release lets a held message be acted upon.
func (c *Client) Release(ctx context.Context, seq uint64) error { return c.act(ctx, seq, "release") }

// Dismiss leaves a held message alone for good.
func (c *Client) Dismiss(ctx context.Context, seq uint64) error { return c.act(ctx, seq, "dismiss") }

func (c *Client) act(ctx context.Context, seq uint64, what string) error {
	return c.call(ctx, http.MethodPost, "entries/"+number(seq)+"/"+what, nil, nil, nil)
}

// Attachment streams one file of a message; the caller closes it. A file that
// is cut off ends with an error, never with io.EOF.
func (c *Client) Attachment(ctx context.Context, seq uint64, index int) (api.Attachment, io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, "entries/"+number(seq)+"/attachments/"+number(index), nil, nil, "")
	if err != nil {
		return api.Attachment{}, nil, err
	}
	a := api.Attachment{MediaType: resp.Header.Get("Content-Type")}
	if _, params, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition")); err == nil {
		a.Name = params["filename"]
	}
	a.Size, _ = strconv.ParseInt(resp.Header.Get(api.SizeHeader), 10, 64)
	return a, resp.Body, nil
}

// Send returns once the message is queued for good. Without a Key it gets one,
// so that it is queued once however often this is tried. Files are streamed
// from their Body, which Send reads but does not close.
func (c *Client) Send(ctx context.Context, d api.Draft, files ...File) (e api.Entry, err error) {
	if d.Key == "" {
		d.Key = "c/" + rand.Text()
	}
	if len(files) > 0 {
		return c.sendFiles(ctx, d, files)
	}
	err = c.call(ctx, http.MethodPost, "messages", nil, d, &e)
	return e, err
}

// ActivityQuery selects activity. Zero fields select everything.
type ActivityQuery struct {
	Before  uint64 // older than this seq
	Limit   int    // at most; 0: the usual number, for an export all
	Account platforms.AccountID
	What    []api.What
	Text    string // somewhere in who, why or the ids; case is ignored
}

func (a ActivityQuery) values() url.Values {
	q := url.Values{}
	if a.Before > 0 {
		q.Set("before", number(a.Before))
	}
	if a.Limit > 0 {
		q.Set("limit", number(a.Limit))
	}
	if a.Account != "" {
		q.Set("account", string(a.Account))
	}
	for _, w := range a.What {
		q.Add("what", string(w))
	}
	if a.Text != "" {
		q.Set("text", a.Text)
	}
	return q
}

// Activity is what happened and why, newest first.
func (c *Client) Activity(ctx context.Context, q ActivityQuery) (out []api.Activity, err error) {
	err = c.call(ctx, http.MethodGet, "activity", q.values(), nil, &out)
	return out, err
}

// Export streams all that q selects as JSON lines, newest first; the caller
// closes it. One that is cut off ends with an error, never with io.EOF.
func (c *Client) Export(ctx context.Context, q ActivityQuery) (io.ReadCloser, error) {
	resp, err := c.do(ctx, http.MethodGet, "activity/export", q.values(), nil, "")
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Settings are the person's choices for the whole program.
func (c *Client) Settings(ctx context.Context) (s api.Settings, err error) {
	err = c.call(ctx, http.MethodGet, "settings", nil, nil, &s)
	return s, err
}

// SetSettings keeps s and returns what is in force.
func (c *Client) SetSettings(ctx context.Context, s api.Settings) (out api.Settings, err error) {
	err = c.call(ctx, http.MethodPut, "settings", nil, s, &out)
	return out, err
}

// DismissNotice forgets a notice.
func (c *Client) DismissNotice(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "notices/"+escape(id), nil, nil, nil)
}

// Show raises the window and has it show r.
func (c *Client) Show(ctx context.Context, r api.Request) error {
	return c.call(ctx, http.MethodPost, "show", nil, r, nil)
}

// Quit ends Postern.
func (c *Client) Quit(ctx context.Context) error {
	return c.call(ctx, http.MethodPost, "quit", nil, nil, nil)
}
