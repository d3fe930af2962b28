// Package telegram connects a Telegram bot by long polling: the connector dials
// out, nothing listens.
//
// Telegram keeps updates for 24 hours and takes the next poll's offset as the
// acknowledgement of all before it, so the offset advances only when a whole
// batch is stored. Facts are from https://core.telegram.org/bots/api and
// https://core.telegram.org/bots/faq.
package telegram

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"github.com/postern/postern/platforms"
)

const (
	title         = "Telegram"
	defaultServer = "https://api.telegram.org"
)

// Keys of the settings.
const (
	keyToken  = "token"
	keyServer = "server"
)

// The problems that Check can find.
const (
	problemWebhook = "webhook"
	problemPrivacy = "privacy"
)

// allowed is the kinds of updates that this connector converts.
var allowed = []string{
	models.AllowedUpdateMessage, models.AllowedUpdateEditedMessage,
	models.AllowedUpdateChannelPost, models.AllowedUpdateEditedChannelPost,
	models.AllowedUpdateCallbackQuery, models.AllowedUpdateMyChatMember,
}

// Platform describes Telegram.
func Platform() platforms.Platform {
	return platforms.Platform{
		Name: "telegram", Title: title, Glyph: "✈",
		Summary: "Free and quick: one token from BotFather, no address on the internet. Messages to bots are not end-to-end encrypted.",
		Minutes: 2,
		Fields: []platforms.Field{
			{Key: keyToken, Label: "Bot token", Secret: true, Required: true, Parse: parseToken,
				Placeholder: "123456789:AA…",
				Help:        "From BotFather. Pasting his whole message works too."},
			{Key: keyServer, Label: "Bot API server", Advanced: true, Parse: parseServer,
				Placeholder: defaultServer,
				Help:        "Only if you run a Bot API server of your own."},
		},
		Away:    "Telegram keeps messages for 24 hours and delivers them then.",
		Limits:  limits(),
		IDs:     ids(),
		Greet:   greet,
		Length:  formatted,
		Inbound: platforms.Dials,
		Setup:   guide(),
		New:     newConnector,
	}
}

func limits() platforms.Limits {
	return platforms.Limits{
		Text: 4096, Caption: 1024, Unit: platforms.UTF16,
		Buttons: 100, ButtonsPerRow: 8, Label: 64, Data: 64,
		Upload: 50_000_000, Download: 20_000_000,
		Edit: true, Threads: true, Typing: 5 * time.Second,
		// https://core.telegram.org/bots/faq, "My bot is hitting limits".
		Pace: platforms.Pace{
			Account:      platforms.Rate{N: 30, Per: time.Second, Burst: 30},
			Conversation: platforms.Rate{N: 1, Per: time.Second, Burst: 3},
			Group:        platforms.Rate{N: 20, Per: time.Minute, Burst: 3},
		},
		Redelivery: 24 * time.Hour,
	}
}

func guide() platforms.Guide {
	return platforms.Guide{Steps: []platforms.Step{
		{Text: "Open BotFather in Telegram. He is Telegram's own bot, with the blue mark.", URL: "https://t.me/BotFather"},
		{Text: "Send him /newbot, then a name and a user name that ends in “bot”.", Copy: "/newbot"},
		{Text: "Copy his answer, which holds the token, and paste it here. Whoever has the token is the bot: show it to nobody."},
		{Text: "For groups, if you like: the bot sees only commands, replies and mentions there. To let it see everything, send /setprivacy, choose the bot, then Disable; afterwards remove it from the group and add it again.", Copy: "/setprivacy"},
		{Text: "Open the chat with your bot and press Start: a bot can't write first."},
	}}
}

// waits is how long the server is asked to hold a poll, and how long we wait
// for it.
type waits struct{ poll, most time.Duration }

// connector is one bot.
type connector struct {
	api  api
	wait waits
	own  *http.Transport // nil where Config brought an http.Client

	mu   sync.Mutex
	done map[string]*progress // messages of several parts that broke off, by key
}

var (
	_ platforms.Editor  = (*connector)(nil)
	_ platforms.Typer   = (*connector)(nil)
	_ platforms.Opener  = (*connector)(nil)
	_ platforms.Clicker = (*connector)(nil)
	_ platforms.Prober  = (*connector)(nil)
	_ platforms.Fixer   = (*connector)(nil)
)

func newConnector(c platforms.Config) (platforms.Connector, error) {
	token := strings.TrimSpace(c.Secrets[keyToken].Reveal())
	if token == "" || strings.ContainsAny(token, "/?#% \t\r\n") {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "There is no usable token for this bot. Enter the one from BotFather."}
	}
	server, err := parseServer(c.Settings[keyServer])
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The Bot API server can't be used: " + err.Error() + "."}
	}
	if server == "" {
		server = defaultServer
	}
	conn := &connector{
		api:  api{server: server, token: platforms.NewSecret(token)},
		done: map[string]*progress{},
		wait: waits{poll: pollTime, most: pollMost},
	}
	client := http.Client{}
	if c.HTTP != nil {
		client.Transport = c.HTTP.Transport
	} else {
		conn.own = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
		client.Transport = conn.own
	}
	// The token is part of every address: a redirect would carry it elsewhere.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conn.api.http = &client
	return conn, nil
}

// me asks who the bot is.
func (c *connector) me(ctx context.Context) (models.User, error) {
	var u models.User
	if err := c.api.call(ctx, callTime, "getMe", nil, &u); err != nil {
		return u, err
	}
	if u.ID == 0 {
		return u, misunderstood(http.StatusOK)
	}
	return u, nil
}

// Check is platforms.Connector's.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	me, err := c.me(ctx)
	if err != nil {
		return platforms.Identity{}, err
	}
	id := platforms.Identity{ID: userID(me.ID), Name: fullName(me.FirstName, me.LastName)}
	if me.Username != "" {
		id.Handle, id.Link = "@"+me.Username, "https://t.me/"+me.Username
	}
	hook, err := c.webhook(ctx)
	if err != nil {
		return platforms.Identity{}, err
	}
	if hook.URL != "" {
		id.Problems = append(id.Problems, platforms.Problem{
			Code: problemWebhook, Bad: true, Fix: "Remove the webhook",
			Text: "A webhook is set for this bot, so Telegram sends its messages there and not here. Remove it, unless another program needs it: then give that its own bot.",
		})
	}
	if me.CanJoinGroups && !me.CanReadAllGroupMessages {
		id.Problems = append(id.Problems, platforms.Problem{
			Code: problemPrivacy,
			Text: "In groups the bot sees only commands, replies and mentions, because its privacy mode is on. If it shall see everything, send /setprivacy to BotFather, choose Disable, and add the bot to the group anew.",
		})
	}
	return id, nil
}

// webhook asks what is set. The token is known to be good when it is called, so
// a server that answers "not found" lacks the method, and has no webhooks.
func (c *connector) webhook(ctx context.Context) (models.WebhookInfo, error) {
	var hook models.WebhookInfo
	err := c.api.call(ctx, callTime, "getWebhookInfo", nil, &hook)
	if says(err, "not found") {
		return hook, nil
	}
	return hook, err
}

// Probe is platforms.Prober's.
func (c *connector) Probe(ctx context.Context, _ platforms.Cursor) (platforms.Backlog, error) {
	var hook models.WebhookInfo
	if err := c.api.call(ctx, callTime, "getWebhookInfo", nil, &hook); err != nil {
		return platforms.Backlog{}, err
	}
	b := platforms.Backlog{Waiting: max(0, hook.PendingUpdateCount)}
	switch {
	case hook.URL != "" && hook.LastErrorMessage != "":
		b.Note = "A webhook is set for this bot, and Telegram can't deliver to it. Check the account to remove the webhook."
	case hook.URL != "":
		b.Note = "A webhook is set for this bot, so its messages go there and not here. Check the account to remove the webhook."
	case hook.LastErrorMessage != "":
		b.Note = "Telegram could not deliver to a webhook that this bot had before."
	}
	return b, nil
}

// Fix is platforms.Fixer's.
func (c *connector) Fix(ctx context.Context, code string) error {
	if code != problemWebhook {
		return &platforms.Error{Kind: platforms.Unsupported, Text: "Postern can't mend this by itself. Follow what the problem says."}
	}
	// What waits at the webhook is delivered to us instead.
	var done bool
	return c.api.call(ctx, callTime, "deleteWebhook", &bot.DeleteWebhookParams{DropPendingUpdates: false}, &done)
}

// poll is getUpdates's parameters; the SDK's own are not exported.
type poll struct {
	Offset  int64    `json:"offset,omitempty"`
	Limit   int      `json:"limit"`
	Timeout int      `json:"timeout"`
	Allowed []string `json:"allowed_updates"`
}

// Run is platforms.Connector's.
func (c *connector) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	if c.own != nil {
		defer c.own.CloseIdleConnections()
	}
	p := poll{Limit: 100, Allowed: allowed}
	if from != "" {
		at, err := strconv.ParseInt(string(from), 10, 64)
		if err != nil {
			return &platforms.Error{Kind: platforms.Rejected, Text: "The saved place in the bot's messages is damaged. Remove the account and add it again."}
		}
		p.Offset = at + 1
	}
	sink.State(platforms.State{Phase: platforms.Connecting})
	me, err := c.me(ctx)
	if err != nil {
		return err
	}
	sink.State(platforms.State{Phase: platforms.Connecting, Speaks: true})
	// The first poll does not wait: its answer proves the connection at once.
	for ; ; p.Timeout = int(c.wait.poll / time.Second) {
		asked := time.Now()
		var updates []json.RawMessage
		if err := c.poll(ctx, p, &updates); err != nil {
			return err
		}
		sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
		evs, last, err := batch(updates, me, time.Now())
		if err != nil {
			return err
		}
		if len(evs) == 0 {
			if err := rest(ctx, p.Timeout, asked); err != nil {
				return err
			}
			continue
		}
		if err := platforms.Deliver(ctx, sink, evs); err != nil {
			return err
		}
		// Only now: the next poll's offset tells Telegram to forget these. It
		// follows the server, also downwards: after a week without updates
		// their numbers begin somewhere else.
		p.Offset = last + 1
	}
}

func (c *connector) poll(ctx context.Context, p poll, updates *[]json.RawMessage) error {
	err := c.api.call(ctx, c.wait.most, "getUpdates", p, updates)
	if e, ok := err.(*platforms.Error); ok && e.Kind == platforms.Rejected {
		// There is no message here that the person could change.
		return &platforms.Error{Kind: platforms.Temporary, Text: "Telegram did not hand out the messages. The next try follows by itself.", Err: e.Err}
	}
	if err == nil && *updates == nil { // "result": null, or none
		return misunderstood(http.StatusOK)
	}
	return err
}

// rest keeps polling civil with a server that answers at once instead of
// waiting for updates.
func rest(ctx context.Context, timeout int, asked time.Time) error {
	if timeout == 0 || time.Since(asked) > time.Second {
		return nil
	}
	t := time.NewTimer(time.Second)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// batch converts the updates of one answer and gives the number of the last.
// An update without a number can't be acknowledged by itself; it is passed over
// with its neighbours.
func batch(updates []json.RawMessage, me models.User, now time.Time) (evs []platforms.Event, last int64, err error) {
	for _, raw := range updates {
		if ev, id, ok := convert(raw, me, now); ok {
			evs, last = append(evs, ev), id
		}
	}
	if len(evs) == 0 && len(updates) > 0 {
		return nil, 0, misunderstood(http.StatusOK)
	}
	return evs, last, nil
}
