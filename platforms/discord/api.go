package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/postern/postern/platforms"
)

// How long a call may take.
const (
	callTime = 20 * time.Second
	sendTime = 30 * time.Second
	ackTime  = 3 * time.Second // https://discord.com/developers/docs/interactions/receiving-and-responding
)

// answerMost bounds what is read of one answer that is no file.
const answerMost = 16 << 20

// userAgent is in the form that Discord asks for.
// https://discord.com/developers/docs/reference#user-agent
const userAgent = "DiscordBot (https://github.com/postern/postern, 1)"

// api calls the REST interface.
type api struct {
	http      *http.Client
	server    string
	elsewhere bool // server is not Discord's own
	token     platforms.Secret
}

// call is one call of the interface.
type call struct {
	method, path string
	query        url.Values
	body         any  // as JSON; nil: none
	open         bool // made without the bot's token: the path holds another
}

// do makes a call and decodes its answer into result, which may be nil. Its
// errors are *platforms.Error, or ctx's own.
func (a *api) do(ctx context.Context, within time.Duration, c call, result any) error {
	_, err := a.header(ctx, within, c, result)
	return err
}

// header is do, and gives the answer's header too.
func (a *api) header(ctx context.Context, within time.Duration, c call, result any) (http.Header, error) {
	ctx, cancel := limited(ctx, within)
	defer cancel()
	var body io.Reader
	if c.body != nil {
		b, err := encode(c.body)
		if err != nil {
			return nil, &platforms.Error{Kind: platforms.Rejected, Text: "This can't be put into Discord's form. Change the message.", Err: err}
		}
		body = bytes.NewReader(b)
	}
	req, err := a.request(ctx, c, body)
	if err != nil {
		return nil, err
	}
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return a.exchange(req, result)
}

// wish marks a context whose end is the caller's wish, as opposed to a deadline
// of ours.
type wish struct{}

// limited is ctx with a deadline of ours.
func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if ctx.Value(wish{}) == nil {
		ctx = context.WithValue(ctx, wish{}, ctx)
	}
	return context.WithTimeout(ctx, d)
}

// wished is why the caller of a call does not want it any more, or nil.
func wished(ctx context.Context) error {
	if outer, ok := ctx.Value(wish{}).(context.Context); ok {
		return outer.Err()
	}
	return ctx.Err()
}

// encode is v as JSON, with every character that JSON needs not escape as it is.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (a *api) request(ctx context.Context, c call, body io.Reader) (*http.Request, error) {
	address := a.server + "/v" + version + c.path
	if len(c.query) > 0 {
		address += "?" + c.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, c.method, address, body)
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The server's address, or an id, can't be used in a request. Check both."}
	}
	req.Header.Set("User-Agent", userAgent)
	if !c.open {
		req.Header.Set("Authorization", "Bot "+a.token.Reveal())
	}
	return req, nil
}

// exchange sends req and reads its answer.
func (a *api) exchange(req *http.Request, result any) (http.Header, error) {
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, a.unreachable(req.Context(), err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost+1))
	switch {
	case err != nil:
		return nil, a.unreachable(req.Context(), err)
	case len(b) > answerMost:
		return nil, misunderstood(resp.StatusCode)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, a.refused(resp, b)
	case result == nil || resp.StatusCode == http.StatusNoContent:
		return resp.Header, nil
	case json.Unmarshal(b, result) != nil:
		return nil, misunderstood(resp.StatusCode)
	}
	return resp.Header, nil
}

// unreachable explains a request that got no answer.
func (a *api) unreachable(ctx context.Context, err error) error {
	if cause := wished(ctx); cause != nil {
		return cause
	}
	var own *platforms.Error
	if errors.As(err, &own) { // from the body that was being sent
		return own
	}
	e := platforms.Network(err, title)
	e.Err = platforms.RedactError(e.Err, a.token)
	return e
}
