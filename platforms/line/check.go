package line

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// The problems that Check can find.
const (
	problemAddress  = "address"           // there is none to tell LINE
	problemEndpoint = "endpoint"          // LINE has none, or another one
	problemInactive = "endpoint_inactive" // "Use webhook" is off
	problemUntested = "endpoint_untested" // nothing has come yet
	problemQuota    = "quota"
	problemUnknown  = "unknown"
)

// Check is platforms.Connector's.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	me, err := c.me(ctx)
	if err != nil {
		return platforms.Identity{}, err
	}
	id := platforms.Identity{ID: platforms.UserID(me.UserId), Name: me.DisplayName, Handle: me.BasicId}
	if id.Name == "" {
		id.Name = me.BasicId
	}
	if me.BasicId != "" { // https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/
		id.Link = "https://line.me/R/ti/p/" + url.PathEscape(me.BasicId)
	}
	if public, err := c.address(); err != nil {
		id.Problems = append(id.Problems, platforms.Problem{Code: problemAddress, Text: platforms.Explain(err), Bad: true})
	} else if err := add(&id, "whether its webhook leads here")(c.endpoint(ctx, public)); err != nil {
		return platforms.Identity{}, err
	}
	if err := add(&id, "how many messages are left")(c.quota(ctx)); err != nil {
		return platforms.Identity{}, err
	}
	return id, ctx.Err()
}

// add notes a problem, or that LINE did not say. Only a refused credential and
// the caller's end are errors: the rest of Check is worth more than this part.
func add(id *platforms.Identity, what string) func(platforms.Problem, error) error {
	return func(p platforms.Problem, err error) error {
		switch {
		case platforms.KindOf(err) == platforms.Unauthorized:
			return err
		case err != nil:
			p = platforms.Problem{Code: problemUnknown, Text: "LINE did not say " + what + ". " + platforms.Explain(err)}
		}
		if p.Code != "" {
			id.Problems = append(id.Problems, p)
		}
		return nil
	}
}

// endpoint compares the webhook's address at LINE with ours.
// https://developers.line.biz/en/reference/messaging-api/#get-webhook-endpoint-information
func (c *connector) endpoint(ctx context.Context, public string) (platforms.Problem, error) {
	var got messaging_api.GetWebhookEndpointResponse
	err := c.api.do(ctx, call{method: http.MethodGet, path: "/v2/bot/channel/webhook/endpoint"}, &got)
	const fix = "Set it at LINE"
	switch {
	case err != nil && !gone(err):
		return platforms.Problem{}, err
	case err != nil || got.Endpoint == "":
		return platforms.Problem{Code: problemEndpoint, Fix: fix, Bad: true,
			Text: "LINE has no webhook address for this bot, so nothing arrives. Set it to " + public + "."}, nil
	case got.Endpoint != public:
		return platforms.Problem{Code: problemEndpoint, Fix: fix, Bad: true,
			Text: "LINE sends this bot's events to another address, at " + host(got.Endpoint) + ". If that is not wanted any more, set it to " + public + "."}, nil
	case !got.Active:
		return platforms.Problem{Code: problemInactive, Bad: true,
			Text: "LINE does not use the webhook. Switch on Use webhook on the Messaging API tab of the channel in the LINE Developers Console."}, nil
	case !c.heard.Load():
		return platforms.Problem{Code: problemUntested, Fix: "Test it",
			Text: "The address is set at LINE, and nothing has come from there yet. Have LINE test it, or write to the bot."}, nil
	}
	return platforms.Problem{}, nil
}

// host is an address without what could be secret in it.
func host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return text.Line(u.Host, 80)
	}
	return "an unknown place"
}

// few is how many messages a month are worth a warning, as the part of the quota
// of which that is one.
const few = 10

// quota warns when the month's messages run out.
// https://developers.line.biz/en/reference/messaging-api/#get-quota
func (c *connector) quota(ctx context.Context) (platforms.Problem, error) {
	var quota messaging_api.MessageQuotaResponse
	if err := c.api.do(ctx, call{method: http.MethodGet, path: "/v2/bot/message/quota"}, &quota); err != nil {
		return platforms.Problem{}, err
	}
	if quota.Type != messaging_api.QuotaType_LIMITED {
		return platforms.Problem{}, nil
	}
	var used messaging_api.QuotaConsumptionResponse
	if err := c.api.do(ctx, call{method: http.MethodGet, path: "/v2/bot/message/quota/consumption"}, &used); err != nil {
		return platforms.Problem{}, err
	}
	left := max(0, quota.Value-used.TotalUsage)
	if left > quota.Value/few {
		return platforms.Problem{}, nil
	}
	return platforms.Problem{Code: problemQuota, Text: fmt.Sprintf(
		"%d of this month's %d messages are left. Answers within a minute of a message cost nothing; for more, choose a larger plan in the LINE Official Account Manager.", left, quota.Value)}, nil
}

// Fix is platforms.Fixer's.
func (c *connector) Fix(ctx context.Context, code string) error {
	public, err := c.address()
	if err != nil {
		return err
	}
	switch code {
	case problemEndpoint:
		return c.api.do(ctx, call{method: http.MethodPut, path: "/v2/bot/channel/webhook/endpoint",
			body: &messaging_api.SetWebhookEndpointRequest{Endpoint: public}}, nil)
	case problemUntested:
		return c.test(ctx, public)
	}
	return &platforms.Error{Kind: platforms.Unsupported, Text: "Only you can mend this. Follow what the problem says."}
}

// test has LINE call our address.
func (c *connector) test(ctx context.Context, public string) error {
	var got messaging_api.TestWebhookEndpointResponse
	err := c.api.do(ctx, call{method: http.MethodPost, path: "/v2/bot/channel/webhook/test",
		body: &messaging_api.TestWebhookEndpointRequest{Endpoint: public}}, &got)
	if err != nil {
		return err
	}
	if !got.Success {
		reason := text.Line(platforms.Redact(text.Clean(got.Reason+" "+got.Detail), c.api.token, c.api.secret), 200)
		return &platforms.Error{Kind: platforms.Rejected, Err: fmt.Errorf("status %d: %s", got.StatusCode, reason), Text: fmt.Sprintf(
			"LINE tried the address and did not get the answer it needs (%s). Check that the account is connected, and the tunnel, the relay or the certificate.", reason)}
	}
	c.heard.Store(true)
	return nil
}
