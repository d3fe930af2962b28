package line

import (
	"context"
	"net/http"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/hook"
)

// me asks who the bot is.
func (c *connector) me(ctx context.Context) (messaging_api.BotInfoResponse, error) {
	var me messaging_api.BotInfoResponse
	err := c.api.do(ctx, call{method: http.MethodGet, path: "/v2/bot/info"}, &me)
	if err == nil && me.UserId == "" {
		err = misunderstood(http.StatusOK)
	}
	return me, err
}

// Run is platforms.Connector's. LINE keeps our place: what was not answered with
// status 200 comes again where redelivery is on, so from is not used and events
// carry no cursor.
func (c *connector) Run(ctx context.Context, _ platforms.Cursor, sink platforms.Sink) error {
	if c.own != nil {
		defer c.own.CloseIdleConnections()
	}
	sink.State(platforms.State{Phase: platforms.Connecting})
	me, err := c.me(ctx)
	if err != nil {
		return err
	}
	sink.State(platforms.State{Phase: platforms.Connecting, Speaks: true})
	phase, note, err := c.standing(ctx)
	if err != nil {
		return err
	}
	h := newHandler(c, me.UserId)
	_, release, err := hook.Serve(c.ingress, h.route(c.path), unreachable)
	if err != nil {
		return err
	}
	defer func() {
		h.queue.Refuse() // so that release has nothing to wait for
		release()
		h.queue.End()
	}()
	sink.State(platforms.State{Phase: phase, Note: note})
	return h.queue.Run(ctx, sink, func() {
		c.heard.Store(true)
		sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	})
}

// unreachable is said where the Ingress has no words of its own.
const unreachable = "LINE can't reach this computer: it has no public address for this account. Allow one under Exposure."

// address is what LINE must be told. It opens nothing.
func (c *connector) address() (string, error) {
	if c.path == "" {
		return "", &platforms.Error{Kind: platforms.Rejected, Text: "This account has no key of its own, so no address that strangers can't guess. Remove the account and add it again."}
	}
	return hook.Address(c.ingress, c.path, unreachable)
}

// standing is how things are before anything came: Degraded where LINE would not
// call us. An answer that does not come is no reason not to listen.
func (c *connector) standing(ctx context.Context) (platforms.Phase, string, error) {
	public, err := c.address()
	if err != nil {
		return 0, "", err
	}
	p, err := c.endpoint(ctx, public)
	if ctx.Err() != nil {
		return 0, "", ctx.Err()
	}
	if err == nil && p.Bad {
		return platforms.Degraded, p.Text, nil
	}
	if p, err := c.quota(ctx); err == nil && p.Code != "" {
		return platforms.Connected, p.Text, nil
	}
	return platforms.Connected, "", ctx.Err()
}
