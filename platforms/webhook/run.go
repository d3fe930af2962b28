package webhook

import (
	"context"
	"errors"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/hook"
)

const (
	waiting        = "Nothing has come yet. Have the service send a test, or wait for the first event."
	answered       = "The address was tried and the challenge was answered: requests with the secret arrive. The first event is still to come."
	problemAddress = "address"
	problemPaste   = "paste"
)

// Check is platforms.Connector's. There is nobody to ask, so it says what to
// enter at the service.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	title := senderTitle(c.scheme.sender)
	id := platforms.Identity{ID: platforms.UserID(c.scheme.sender), Name: title, Handle: title}
	public, err := c.address()
	if errors.Is(err, platforms.ErrAddress) { // the person enters it at the service, and has it from the relay
		public, err = "the one that the relay shows", nil
	}
	if err != nil {
		id.Problems = []platforms.Problem{{Code: problemAddress, Text: platforms.Explain(err), Bad: true}}
	} else if !c.heard.Load() {
		id.Problems = []platforms.Problem{{Code: problemPaste, Text: paste(c.scheme.sender, public)}}
	}
	return id, ctx.Err()
}

// paste says what to enter where.
func paste(sender, public string) string {
	switch sender {
	case senderGitHub:
		return "At GitHub, under Settings, Webhooks of the repository or organization, the payload URL must be " + public + ", the content type application/json, and the secret the one that was entered here. Set it if it is not."
	case senderGitLab:
		return "At GitLab, under Settings, Webhooks of the project, the URL must be " + public + " and the secret token the secret that was entered here. Set it if it is not."
	case senderStripe:
		return "In Stripe's Dashboard, under Developers, Webhooks, an endpoint must have the URL " + public + "; its signing secret is what belongs here. Add it if there is none."
	case senderSlack:
		return "At Slack, on the app's page Event Subscriptions, the request URL must be " + public + "; the signing secret from Basic Information is what belongs here. Set it while this account is running: Slack tries it at once."
	case senderWebex:
		return "The webhook at Webex must have the targetUrl " + public + " and the secret that was entered here. Create it with the Webhooks API if there is none."
	}
	return "At the service, the webhook's address must be " + public + ". Set it if it is not."
}

// Run is platforms.Connector's. Nobody keeps our place: what was not answered
// with status 200 comes again if the service does that, so from is not used and
// events carry no cursor.
func (c *connector) Run(ctx context.Context, _ platforms.Cursor, sink platforms.Sink) error {
	sink.State(platforms.State{Phase: platforms.Connecting})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	h := newHandler(c)
	h.challenged = func() {
		c.heard.Store(true)
		sink.State(platforms.State{Phase: platforms.Connected, Note: answered, Hears: true})
	}
	_, release, err := hook.Serve(c.ingress, h.route(c.path), unreachable)
	if err != nil {
		return err
	}
	defer func() {
		h.queue.Refuse() // so that release has nothing to wait for
		release()
		h.queue.End()
	}()
	note := waiting
	if c.heard.Load() {
		note = ""
	}
	sink.State(platforms.State{Phase: platforms.Connected, Note: note})
	return h.queue.Run(ctx, sink, func() {
		c.heard.Store(true)
		sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	})
}

// unreachable is said where the Ingress has no words of its own.
const unreachable = "No service can reach this computer: it has no public address for this account. Allow one under Exposure."

// address is what the service must be told. It opens nothing.
func (c *connector) address() (string, error) { return hook.Address(c.ingress, c.path, unreachable) }
