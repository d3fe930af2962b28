package mattermost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/postern/postern/platforms"
)

// How long a call may take.
const (
	callTime = 20 * time.Second
	sendTime = 30 * time.Second
	nameTime = 2 * time.Second // beside an event that waits to be stored
)

// answerMost bounds what is read of one answer that is no file.
const answerMost = 32 << 20

// api calls the server's REST interface.
type api struct {
	http   *http.Client
	server string
	token  platforms.Secret
}

// refusal is the server's own word for what is wrong.
type refusal struct {
	ID     string `json:"id"`
	Text   string `json:"message"`
	Status int    `json:"status_code"`
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.Status, r.ID) }

// refusalOf is the server's refusal in err, or nil.
func refusalOf(err error) *refusal {
	var r *refusal
	_ = errors.As(err, &r)
	return r
}

// wordOf is the server's word for what is wrong, or empty.
func wordOf(err error) string {
	if r := refusalOf(err); r != nil {
		return r.ID
	}
	return ""
}

// call calls a method with body as JSON, nil for none, and decodes the answer.
// Its errors are *platforms.Error, or ctx's own.
func (a *api) call(ctx context.Context, within time.Duration, method, path string, body, result any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return &platforms.Error{Kind: platforms.Rejected, Text: "This can't be put into Mattermost's form. Change the message.", Err: err}
		}
	}
	return a.send(ctx, within, method, path, "application/json", bytes.NewReader(data), int64(len(data)), result)
}

// send calls a method with a body that is sent as it is read.
func (a *api) send(ctx context.Context, within time.Duration, method, path, contentType string, body io.Reader, length int64, result any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	resp, err := a.do(limited, method, path, contentType, body, length)
	if err != nil {
		return a.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost+1))
	if err != nil {
		return a.unreachable(ctx, err)
	}
	if resp.StatusCode/100 != 2 {
		return a.refused(resp, b)
	}
	if result != nil && (len(b) > answerMost || json.Unmarshal(b, result) != nil) {
		return misunderstood(resp.StatusCode)
	}
	return nil
}

func (a *api) do(ctx context.Context, method, path, contentType string, body io.Reader, length int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.server+"/api/v4/"+path, body)
	if err != nil {
		return nil, err
	}
	if length == 0 {
		req.Body = http.NoBody
	}
	req.ContentLength = length
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	req.Header.Set("X-Requested-With", "XMLHttpRequest")
	return a.http.Do(req)
}

// unreachable explains a request that got no answer. ctx is the caller's: if
// that ended, it was the caller's wish.
func (a *api) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var own *platforms.Error
	if errors.As(err, &own) { // from the body that was being sent
		return own
	}
	e := platforms.Network(err, "the Mattermost server")
	e.Err = platforms.RedactError(e.Err, a.token)
	return e
}

func misunderstood(status int) error {
	return &platforms.Error{Kind: platforms.Temporary, Text: "Something that is not Mattermost answered. Check the server's address; behind a sign-in page of a network, sign in. The next try follows by itself.",
		Err: fmt.Errorf("status %d, and no answer of Mattermost", status)}
}

const (
	slower = "The Mattermost server asks to send more slowly. The next try follows by itself."
	faulty = "The Mattermost server has a fault at the moment. The next try follows by itself."
)

// refused explains an answer that is no success.
func (a *api) refused(resp *http.Response, body []byte) error {
	var r refusal
	ours := json.Unmarshal(body, &r) == nil && r.ID != ""
	r.Status = resp.StatusCode
	r.ID, r.Text = platforms.Redact(r.ID, a.token), platforms.Redact(r.Text, a.token)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: after(resp.Header), Text: slower, Err: &r}
	case resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented:
		return &platforms.Error{Kind: platforms.Temporary, Text: faulty, Err: &r}
	case !ours:
		return misunderstood(resp.StatusCode)
	case resp.StatusCode == http.StatusUnauthorized:
		return &platforms.Error{Kind: platforms.Unauthorized, Text: "The server refused the token. Create a new one under Bot Accounts, and enter it.", Err: &r}
	case resp.StatusCode == http.StatusForbidden:
		return &platforms.Error{Kind: platforms.Rejected, Text: "The bot may not do this there. Add it to the channel, or ask an administrator for the permission.", Err: &r}
	case resp.StatusCode == http.StatusNotFound:
		return &platforms.Error{Kind: platforms.Rejected, Text: "The server knows no such channel or message. It may be gone.", Err: &r}
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return &platforms.Error{Kind: platforms.Rejected, Text: "The server takes no file as large as this. Send a smaller one, or a link.", Err: &r}
	case resp.StatusCode == http.StatusConflict:
		return &platforms.Error{Kind: platforms.Temporary, Text: faulty, Err: &r}
	}
	return &platforms.Error{Kind: platforms.Rejected, Text: "The server did not accept this: " + r.Text + ".", Err: &r}
}

// after is how long the server asks to wait.
func after(h http.Header) time.Duration {
	for _, name := range []string{"Retry-After", "X-Ratelimit-Reset"} {
		if n, err := strconv.Atoi(h.Get(name)); err == nil && n > 0 && n < 1<<20 {
			return time.Duration(n) * time.Second
		}
	}
	return 0
}
