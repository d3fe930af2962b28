package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
)

// How long a call may take.
const (
	callTime = 20 * time.Second
	sendTime = 30 * time.Second
	nameTime = 800 * time.Millisecond // beside an event that waits to be stored
)

// answerMost bounds what is read of one answer that is no file.
const answerMost = 16 << 20

// api calls Slack's Web API.
type api struct {
	http     *http.Client
	server   string
	bot, app platforms.Secret
}

func (a *api) secrets() []platforms.Secret { return []platforms.Secret{a.bot, a.app} }

// verdict is in every answer.
type verdict struct {
	OK       *bool  `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed"`
	Metadata struct {
		Next     string   `json:"next_cursor"`
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

// wish marks a context whose end is the caller's wish, as opposed to a deadline
// of ours.
type wish struct{}

func limited(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithValue(ctx, wish{}, ctx), d)
}

// wished is why the caller does not want it any more, or nil.
func wished(ctx context.Context) error {
	if outer, ok := ctx.Value(wish{}).(context.Context); ok {
		return outer.Err()
	}
	return ctx.Err()
}

// call calls a method and decodes its answer into result. Its errors are
// *platforms.Error, or ctx's own. The header is that of any answer.
func (a *api) call(ctx context.Context, within time.Duration, token platforms.Secret, method string, args url.Values, result any) (http.Header, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := limited(ctx, within)
	defer cancel()
	// A form, which every method takes; JSON is taken by some.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.server+"/api/"+method, strings.NewReader(args.Encode()))
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "Slack's address can't be used in a request. Check it."}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, a.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost+1))
	if err != nil {
		return resp.Header, a.unreachable(ctx, err)
	}
	var v verdict
	switch {
	case len(b) > answerMost:
		return resp.Header, misunderstood(resp.StatusCode)
	case json.Unmarshal(b, &v) != nil || v.OK == nil:
		return resp.Header, foreign(resp)
	case !*v.OK:
		return resp.Header, a.refused(method, resp, v)
	case resp.StatusCode != http.StatusOK:
		return resp.Header, foreign(resp)
	case result != nil && json.Unmarshal(b, result) != nil:
		return resp.Header, misunderstood(resp.StatusCode)
	}
	return resp.Header, nil
}

// do calls a method with the bot's token.
func (a *api) do(ctx context.Context, within time.Duration, method string, args url.Values, result any) error {
	_, err := a.call(ctx, within, a.bot, method, args, result)
	return err
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
	e.Err = platforms.RedactError(e.Err, a.secrets()...)
	return e
}
