package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/postern/postern/platforms"
)

// A response URL answers a click or a command, five times within half an hour.
// Whoever has it can write: it appears in tokens only.
// https://docs.slack.dev/interactivity/handling-user-interaction#message_responses

// answerable reads a ReplyToken. Only Slack's own addresses are called.
func (c *connector) answerable(t platforms.ReplyToken) (answerable, error) {
	var a answerable
	if json.Unmarshal([]byte(t), &a) != nil {
		return a, rejected("This can't be answered: what Slack gave for it is damaged.")
	}
	u, err := url.Parse(a.URL)
	server, _ := url.Parse(c.api.server)
	own := err == nil && server != nil && u.Scheme == server.Scheme && u.Host == server.Host
	if err != nil || u.User != nil || !own && (u.Scheme != "https" || u.Port() != "" || u.Host != "slack.com" && !strings.HasSuffix(u.Host, ".slack.com")) {
		return a, rejected("This can't be answered: what Slack gave for it is damaged.")
	}
	return a, nil
}

func (c *connector) respond(ctx context.Context, a answerable, body any) error {
	ctx, cancel := limited(ctx, callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, strings.NewReader(encode(body)))
	if err != nil {
		return rejected("This can't be answered: what Slack gave for it is damaged.")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := c.api.http.Do(req)
	if err != nil {
		u, _ := url.Parse(a.URL)
		return c.api.unreachable(ctx, platforms.RedactError(err, platforms.NewSecret(a.URL), platforms.NewSecret(u.Path)))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	cause := fmt.Errorf("%w with status %d", errNoAnswer, resp.StatusCode)
	switch {
	case resp.StatusCode/100 == 2:
		return nil
	case resp.StatusCode == http.StatusTooManyRequests:
		return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: after(resp.Header), Text: slower, Err: cause}
	case resp.StatusCode >= 500:
		return &platforms.Error{Kind: platforms.Temporary, Text: faulty, Err: cause}
	case resp.StatusCode/100 == 3, resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusProxyAuthRequired:
		return foreign(resp) // something in between; Slack refuses a used address otherwise
	}
	return &platforms.Error{Kind: platforms.Rejected, Err: cause,
		Text: "Slack does not take this answer any more: it does for half an hour, and five times. Write a message instead."}
}
