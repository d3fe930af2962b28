package discord

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// The problems that Check can find.
const (
	problemContent = "message_content"
	problemServers = "no_server"
	problemCommand = "command_ask"
	problemHTTP    = "interactions_endpoint"
	problemStarts  = "session_starts"
)

// Flags of an application: the Message Content intent, in full or for a bot in
// fewer than 100 servers.
// https://discord.com/developers/docs/resources/application#application-object-application-flags
const (
	contentFlag        = 1 << 18
	contentLimitedFlag = 1 << 19
)

// The command that this program registers.
const (
	askName   = "ask"
	askOption = "text"
)

type application struct {
	ID        snow   `json:"id"`
	Flags     int    `json:"flags"`
	Endpoint  string `json:"interactions_endpoint_url"`
	BotPublic bool   `json:"bot_public"`
}

// Check is platforms.Connector's.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	var me user
	if err := c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/users/@me"}, &me); err != nil {
		return platforms.Identity{}, err
	}
	if me.ID == 0 {
		return platforms.Identity{}, misunderstood(http.StatusOK)
	}
	who := person(me, nil)
	id := platforms.Identity{ID: who.ID, Name: who.Name, Handle: who.Handle, Link: "https://discord.com/users/" + me.ID.String()}
	if !me.Bot {
		return id, &platforms.Error{Kind: platforms.Unauthorized, Text: "This is a person's token, with which Discord forbids programs to connect. Enter a bot's."}
	}
	app, err := c.application(ctx)
	if err != nil {
		return id, err
	}
	c.know(self{me.ID, app.ID})
	add := func(p platforms.Problem) { id.Problems = append(id.Problems, p) }
	if app.Flags&(contentFlag|contentLimitedFlag) == 0 {
		add(platforms.Problem{Code: problemContent, Bad: true, Fix: "Switch it on",
			Text: "The bot may not read messages: Message Content Intent is off. Switch it on in the developer portal, on the page Bot, or here."})
	}
	if app.Endpoint != "" {
		add(platforms.Problem{Code: problemHTTP, Fix: "Remove the address",
			Text: "Clicks and commands go to an address on the internet instead of here. Remove the Interactions Endpoint URL in the developer portal, on the page General Information, or here."})
	}
	for _, look := range []func(context.Context, application, func(platforms.Problem)) error{c.servers, c.commands, c.starts} {
		// What can't be looked up is no reason to say that nothing works.
		if err := look(ctx, app, add); err != nil && platforms.KindOf(err) != platforms.Rejected {
			return id, err
		}
	}
	return id, nil
}

func (c *connector) application(ctx context.Context) (application, error) {
	var app application
	err := c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/oauth2/applications/@me"}, &app)
	if err == nil && app.ID == 0 {
		err = misunderstood(http.StatusOK)
	}
	return app, err
}

// servers looks whether the bot is anywhere.
func (c *connector) servers(ctx context.Context, app application, add func(platforms.Problem)) error {
	var got []struct {
		ID snow `json:"id"`
	}
	err := c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/users/@me/guilds", query: url.Values{"limit": {"1"}}}, &got)
	if err == nil && len(got) == 0 {
		add(platforms.Problem{Code: problemServers, Bad: true, Text: "The bot is in no server, so nobody can write to it. Open this address and add it to one: " + invitation(app.ID.String())})
	}
	return err
}

type registered struct {
	Name    string   `json:"name"`
	Type    int      `json:"type"`
	Options []option `json:"options"`
}

// commands looks whether /ask is registered.
func (c *connector) commands(ctx context.Context, app application, add func(platforms.Problem)) error {
	var got []registered
	err := c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/applications/" + app.ID.String() + "/commands"}, &got)
	if err != nil {
		return err
	}
	for _, cmd := range got {
		if cmd.Name == askName && cmd.Type <= 1 {
			return nil
		}
	}
	add(platforms.Problem{Code: problemCommand, Fix: "Add /" + askName,
		Text: "The bot has no command. People can mention it or write to it; with /" + askName + " they can address it in every channel, even where it can't read."})
	return nil
}

// starts looks whether the bot may still connect today.
func (c *connector) starts(ctx context.Context, _ application, add func(platforms.Problem)) error {
	_, _, err := c.gatewayAt(ctx, true)
	var e *platforms.Error
	if errors.As(err, &e) && e.Kind == platforms.RateLimited && e.Err == nil {
		add(platforms.Problem{Code: problemStarts, Bad: true, Text: text.Line(e.Text, 0)})
		return nil
	}
	return err
}

// Fix is platforms.Fixer's.
func (c *connector) Fix(ctx context.Context, code string) error {
	switch code {
	case problemContent:
		app, err := c.application(ctx)
		if err != nil {
			return err
		}
		// Only the limited flags can be set by a call; Discord keeps the others.
		return c.api.do(ctx, callTime, call{method: http.MethodPatch, path: "/applications/@me",
			body: map[string]any{"flags": app.Flags | contentLimitedFlag}}, nil)
	case problemHTTP:
		return c.api.do(ctx, callTime, call{method: http.MethodPatch, path: "/applications/@me",
			body: map[string]any{"interactions_endpoint_url": ""}}, nil)
	case problemCommand:
		app, err := c.application(ctx)
		if err != nil {
			return err
		}
		// A command of the same name is replaced, so this can be repeated.
		return c.api.do(ctx, callTime, call{method: http.MethodPost, path: "/applications/" + app.ID.String() + "/commands",
			body: map[string]any{"name": askName, "type": 1, "description": "Ask the bot something",
				"options": []map[string]any{{"type": 3, "name": askOption, "description": "What to ask", "required": true}}}}, nil)
	}
	return &platforms.Error{Kind: platforms.Unsupported, Text: "This can't be mended from here. The problem's text says what to do."}
}
