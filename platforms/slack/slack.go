// Package slack connects a Slack app by Socket Mode: the connector dials out,
// nothing listens.
//
// Slack delivers an event until it is acknowledged, for about five minutes; what
// was said while this computer was off is read from the conversations' history
// instead. Both ways give a message the same id. The socket is spoken here and
// not by slack-go's client, which reconnects by itself and hides why, and gives
// up events whose blocks it does not know; slack-go's types are used.
//
// Facts are from https://docs.slack.dev.
package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

const (
	title         = "Slack"
	defaultServer = "https://slack.com"
)

// Keys of the settings.
const (
	keyBot    = "bot_token"
	keyApp    = "app_token"
	keyServer = "server"
)

// Platform describes Slack.
func Platform() platforms.Platform {
	return platforms.Platform{
		Name: "slack", Title: title, Glyph: "#",
		Summary: "For your own workspace: paste a manifest, copy two tokens, no address on the internet.",
		Minutes: 6,
		Fields: []platforms.Field{
			{Key: keyBot, Label: "Bot token", Secret: true, Required: true, Parse: parseBot,
				Placeholder: "xoxb-…", Help: "From “OAuth & Permissions”, after the app was installed."},
			{Key: keyApp, Label: "App-level token", Secret: true, Required: true, Parse: parseApp,
				Placeholder: "xapp-…", Help: "From “Basic Information”, with the scope connections:write."},
			{Key: keyServer, Label: "Slack's address", Advanced: true, Parse: parseServer,
				Placeholder: defaultServer, Help: "Only for a stand-in of Slack, for tests."},
		},
		Away:    "Slack keeps messages; Postern reads what it missed, with replies in threads of recent messages. Button clicks and commands made meanwhile are lost.",
		Limits:  limits(),
		IDs:     ids(),
		Inbound: platforms.Dials,
		Setup:   guide(),
		New:     newConnector,
	}
}

// limits is what Slack documents:
//
//   - text: "for best results, limit the number of characters in the text field
//     to 4,000", https://docs.slack.dev/changelog/2018-truncating-really-long-messages
//   - buttons: https://docs.slack.dev/reference/block-kit/block-elements/button-element
//     and 25 of them in https://docs.slack.dev/reference/block-kit/blocks/actions-block;
//     five in a row is this connector's layout
//   - files: 1 GB, https://slack.com/help/articles/201330736
//   - pace: https://docs.slack.dev/apis/web-api/rate-limits
//   - redelivery: https://docs.slack.dev/apis/events-api/#retries
func limits() platforms.Limits {
	return platforms.Limits{
		Text: 4000, Caption: 4000, Unit: platforms.Runes,
		Buttons: 25, ButtonsPerRow: 5, Label: 75, Data: 2000,
		Upload: 1_000_000_000, Download: 1_000_000_000,
		Edit: true, Threads: true,
		Pace:       platforms.Pace{Conversation: platforms.Rate{N: 1, Per: time.Second, Burst: 3}},
		Redelivery: time.Hour,
	}
}

// waits is how often the socket is tried, and when it counts as dead.
type waits struct{ ping, silent time.Duration }

// connector is one app in one workspace.
type connector struct {
	api   api
	wait  waits
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	proxy func(*http.Request) (*url.URL, error)
	own   *http.Transport // nil where Config brought an http.Client
	log   logger
	names names
	parts parts

	mu      sync.Mutex
	sockets int    // of Run, for Check
	app     string // whose they are
}

var (
	_ platforms.Editor  = (*connector)(nil)
	_ platforms.Opener  = (*connector)(nil)
	_ platforms.Clicker = (*connector)(nil)
	_ platforms.Prober  = (*connector)(nil)
)

func newConnector(c platforms.Config) (platforms.Connector, error) {
	bot, err := parseBot(c.Secrets[keyBot].Reveal())
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "The bot token can't be used: " + err.Error() + "."}
	}
	app, err := parseApp(c.Secrets[keyApp].Reveal())
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "The app-level token can't be used: " + err.Error() + "."}
	}
	server, err := parseServer(c.Settings[keyServer])
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "Slack's address can't be used: " + err.Error() + "."}
	}
	if server == "" {
		server = defaultServer
	}
	conn := &connector{
		api:  api{server: server, bot: platforms.NewSecret(bot), app: platforms.NewSecret(app)},
		wait: waits{ping: 10 * time.Second, silent: 35 * time.Second},
		dial: c.Dial, proxy: c.Proxy, log: logger{c.Log},
	}
	client := http.Client{}
	if c.HTTP != nil {
		client.Transport = c.HTTP.Transport
	} else {
		conn.own = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
		client.Transport = conn.own
	}
	// Slack sends who may not see a file to a page for signing in.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conn.api.http = &client
	return conn, nil
}

// bot is who we are.
type bot struct {
	User  string `json:"user_id"`
	Bot   string `json:"bot_id"`
	Name  string `json:"user"`
	Team  string `json:"team_id"`
	Title string `json:"team"`
	URL   string `json:"url"`
}

// me asks who the bot is. The header has its scopes and Slack's time.
func (c *connector) me(ctx context.Context) (bot, http.Header, error) {
	var b bot
	h, err := c.api.call(ctx, callTime, c.api.bot, "auth.test", nil, &b)
	if err != nil {
		return b, h, err
	}
	if b.User == "" {
		return b, h, misunderstood(http.StatusOK)
	}
	if b.Bot == "" {
		return b, h, &platforms.Error{Kind: platforms.Unauthorized, Text: "The bot token belongs to a person. Copy the “Bot User OAuth Token”, which begins with xoxb-."}
	}
	return b, h, nil
}

// Check is platforms.Connector's.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	me, h, err := c.me(ctx)
	if err != nil {
		return platforms.Identity{}, err
	}
	id := platforms.Identity{ID: platforms.UserID(me.User), Name: me.Name, Handle: "@" + me.Name}
	id.Problems = missing(h)
	app, others, err := c.hello(ctx)
	if err != nil {
		return platforms.Identity{}, err
	}
	if me.Team != "" && app != "" { // https://docs.slack.dev/interactivity/deep-linking
		id.Link = "https://slack.com/app_redirect?" + url.Values{"team": {me.Team}, "app": {app}}.Encode()
	}
	if others > 0 {
		id.Problems = append(id.Problems, platforms.Problem{Code: "shared",
			Text: "Another program may be connected with this app, and Slack gives each event to one of them only. Stop the other program, or give each its own app."})
	}
	var got struct {
		Bot struct {
			App string `json:"app_id"`
		} `json:"bot"`
	}
	_, err = c.api.call(ctx, callTime, c.api.bot, "bots.info", url.Values{"bot": {me.Bot}}, &got)
	switch {
	case err == nil && got.Bot.App != "" && app != "" && got.Bot.App != app:
		id.Problems = append(id.Problems, platforms.Problem{Code: "two apps", Bad: true,
			Text: "The two tokens are of different apps, so the bot would hear nothing. Copy both from the same app at api.slack.com/apps."})
	case err != nil && wordOf(err) == "":
		return platforms.Identity{}, err
	}
	return id, nil
}

// hello opens a socket for a moment, and tells whose it is and how many others
// there are. While Run has one, that is proof enough: a second would be sent
// events that nobody takes there.
func (c *connector) hello(ctx context.Context) (app string, others int, err error) {
	c.mu.Lock()
	app, open := c.app, c.sockets
	c.mu.Unlock()
	if open > 0 {
		return app, 0, nil
	}
	s, err := c.connect(ctx)
	if err != nil {
		return "", 0, err
	}
	s.close()
	return s.app, s.others - 1, nil
}

// count notes how many sockets are open.
func (c *connector) count(by int) {
	c.mu.Lock()
	c.sockets += by
	c.mu.Unlock()
}

// knows notes whose sockets they are.
func (c *connector) knows(app string) {
	c.mu.Lock()
	c.app = app
	c.mu.Unlock()
}

// missing is a problem for each thing that the app can't do with its scopes.
func missing(h http.Header) (out []platforms.Problem) {
	header := h.Get("X-OAuth-Scopes")
	if header == "" {
		return nil
	}
	has := map[string]bool{}
	for _, s := range strings.Split(header, ",") {
		has[strings.TrimSpace(s)] = true
	}
	for _, n := range needed {
		if !has[n.scope] {
			out = append(out, platforms.Problem{Code: "scope " + n.scope, Bad: n.bad,
				Text: "The app lacks the scope " + n.scope + ", so it can't " + n.what + ". Add it under “OAuth & Permissions”, then install the app to the workspace again."})
		}
	}
	return out
}

// parseBot reads a bot token.
func parseBot(s string) (string, error) { return parseToken(s, "xoxb-") }

// parseApp reads an app-level token.
func parseApp(s string) (string, error) { return parseToken(s, "xapp-") }

func parseToken(s, prefix string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), `"'`)
	switch {
	case s == "":
		return "", errors.New("it is empty; it begins with " + prefix)
	case strings.HasPrefix(s, "xapp-") && prefix != "xapp-":
		return "", errors.New("this is the app-level token, which belongs in the other field; the bot token begins with xoxb-")
	case strings.HasPrefix(s, "xoxb-") && prefix != "xoxb-":
		return "", errors.New("this is the bot token, which belongs in the other field; the app-level token begins with xapp-")
	case strings.HasPrefix(s, "xoxp-"):
		return "", errors.New("this is a person's token; copy the one that begins with " + prefix)
	case !strings.HasPrefix(s, prefix):
		return "", errors.New("it begins with " + prefix)
	case len(s) < 12 || strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return "", errors.New("a part of it is missing, or something else is among it; copy it whole")
	}
	return s, nil
}

// parseServer reads the address of a stand-in.
func parseServer(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("it is no web address; write it as " + defaultServer)
	}
	if host := u.Hostname(); u.Scheme == "http" && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return "", errors.New("without https the tokens could be read on the way; use https")
	}
	return s, nil
}

// encode is v as JSON, with every character that JSON does not need escaped as
// it is.
func encode(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil { // none of ours fails
		return "null"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
