package line

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/postern/postern/platforms"
)

// callTime is how long a call may take.
const callTime = 20 * time.Second

// answerMost bounds what is read of one answer; the longest is far below it.
const answerMost = 1 << 20

// api calls the Messaging API. The types are the SDK's, its caller is not used:
// it reads answers without a bound, repeats them in its errors, keeps its
// context in a client that all calls share, and gives away what LINE says of a
// retry key that it knows.
type api struct {
	http   *http.Client
	server string // api.line.me
	data   string // api-data.line.me
	token  platforms.Secret
	secret platforms.Secret // the channel's
}

// call is one request. header and body may be nil.
type call struct {
	method, path string
	header       map[string]string
	body         any
}

// do makes a call and decodes the answer into result, unless that is nil. Its
// errors are *platforms.Error, or ctx's own.
func (a *api) do(ctx context.Context, c call, result any) error {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var body io.Reader
	if c.body != nil {
		b, err := json.Marshal(c.body)
		if err != nil {
			return &platforms.Error{Kind: platforms.Rejected, Text: "This can't be put into LINE's form. Change the message.", Err: err}
		}
		body = bytes.NewReader(b)
	}
	resp, err := a.send(limited, c.method, a.server+c.path, c.header, body)
	if err != nil {
		return a.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost+1))
	switch {
	case err != nil:
		return a.unreachable(ctx, err)
	case resp.StatusCode/100 != 2:
		return a.refused(resp, b)
	case len(b) > answerMost:
		return misunderstood(resp.StatusCode)
	case result == nil:
		return nil
	}
	if err := json.Unmarshal(b, result); err != nil {
		return misunderstood(resp.StatusCode)
	}
	return nil
}

func (a *api) send(ctx context.Context, method, address string, header map[string]string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "The server's address can't be used in a request. Enter it anew."}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	req.Header.Set("Authorization", "Bearer "+a.token.Reveal())
	return a.http.Do(req)
}

// unreachable explains a request that got no answer. ctx is the caller's: if
// that ended, then it was the caller's wish.
func (a *api) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var own *platforms.Error
	if errors.As(err, &own) {
		return own
	}
	e := platforms.Network(err, title)
	e.Err = platforms.RedactError(e.Err, a.token, a.secret)
	return e
}
