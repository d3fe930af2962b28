// Package discord connects a bot of Discord over the platform's gateway: the
// connector dials out, nothing listens.
//
// The gateway has no acknowledgement. A session is resumed behind the last event
// that was stored; where Discord has forgotten the session, what was missed is
// read from the channels' histories. Facts are from
// https://discord.com/developers/docs and https://github.com/discord/discord-api-spec.
//
// From the library arikawa come ids, intents and kinds. Its clients are not used:
// the one for the gateway forgets the session when it closes and can't resume at
// the address that Discord names, and the one for calls repeats what failed at
// once and has no enforced nonce.
package discord

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/postern/postern/platforms"
)

const title = "Discord"

// server is the platform's address, below which stands the API's version.
const server = "https://discord.com/api"

// version is the API's.
const version = "10"

// Keys of the settings.
const (
	keyToken  = "token"
	keyServer = "server"
)

// Platform describes Discord.
func Platform() platforms.Platform {
	return platforms.Platform{
		Name: "discord", Title: title, Glyph: "◉",
		Summary: "For servers, threads and direct messages on Discord: needs an application in the developer portal, and the right to add it to a server. No address on the internet.",
		Minutes: 10,
		Away:    "Discord keeps what was said for a few minutes; after that it is fetched from the channels' histories. Clicks, commands and edits from longer ago are lost, and so is the first message of a direct chat that the bot does not know yet.",
		Fields: []platforms.Field{
			{Key: keyToken, Label: "Bot token", Secret: true, Required: true, Parse: parseToken,
				Help: "From the developer portal, on the page Bot, under Reset Token."},
			{Key: keyServer, Label: "Server", Advanced: true, Parse: parseServer, Placeholder: server,
				Help: "Only for another address of the API."},
		},
		Limits:  limits(),
		IDs:     ids(),
		Inbound: platforms.Dials,
		Setup:   guide(""),
		Length:  length,
		New:     newConnector,
	}
}

// Limits of a message.
const (
	textMost  = 2000
	filesMost = 10
	rowsMost  = 5
	urlMost   = 512
)

func limits() platforms.Limits {
	return platforms.Limits{
		// https://discord.com/developers/docs/resources/message#create-message, and
		// https://github.com/discord/discord-api-docs/issues/1315 on what is counted:
		// code points.
		Text: textMost, Caption: textMost, Unit: platforms.Runes,
		// https://discord.com/developers/docs/components/reference#button: five rows
		// of five; a label has 80 characters, a custom_id 100, of which one is ours.
		Buttons: 25, ButtonsPerRow: 5, Label: 80, Data: 99,
		// https://discord.com/developers/docs/reference#uploading-files: 10 MiB a
		// file where the server has no boosts. People with Nitro send up to 500 MB.
		Upload: 10 << 20, Download: 500 << 20,
		Edit: true, Threads: true,
		// https://discord.com/developers/docs/resources/channel#trigger-typing-indicator
		Typing: 10 * time.Second,
		// https://discord.com/developers/docs/topics/rate-limits: 50 calls a second
		// in all. What one channel takes is told with every answer; five messages in
		// five seconds is what it has said for years.
		Pace: platforms.Pace{
			Account:      platforms.Rate{N: 50, Per: time.Second, Burst: 50},
			Conversation: platforms.Rate{N: 5, Per: 5 * time.Second, Burst: 5},
			Group:        platforms.Rate{N: 5, Per: 5 * time.Second, Burst: 5},
		},
	}
}

// connector is one bot.
type connector struct {
	api    api
	dialer websocket.Dialer
	own    *http.Transport // nil where Config brought an http.Client
	log    logger

	places  places
	answers answers

	mu sync.Mutex
	me self // once it is known
}

// self is who the bot is.
type self struct {
	ID  snow
	App snow
}

var (
	_ platforms.Editor  = (*connector)(nil)
	_ platforms.Typer   = (*connector)(nil)
	_ platforms.Opener  = (*connector)(nil)
	_ platforms.Clicker = (*connector)(nil)
	_ platforms.Fixer   = (*connector)(nil)
)

func newConnector(c platforms.Config) (platforms.Connector, error) {
	token, err := parseToken(c.Secrets[keyToken].Reveal())
	if err != nil || token == "" {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "There is no usable token for this bot. Enter the one from the developer portal."}
	}
	base, err := parseServer(c.Settings[keyServer])
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The server can't be used: " + err.Error() + "."}
	}
	conn := &connector{log: logger{c.Log}}
	client := http.Client{}
	if c.HTTP != nil {
		client.Transport = c.HTTP.Transport
	} else {
		conn.own = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
		client.Transport = conn.own
	}
	// A redirect would carry the token elsewhere.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conn.api = api{http: &client, server: server, token: platforms.NewSecret(token)}
	if base != "" {
		conn.api.server, conn.api.elsewhere = base, true
	}
	conn.dialer = websocket.Dialer{NetDialContext: c.Dial, Proxy: c.Proxy, HandshakeTimeout: callTime}
	return conn, nil
}

func parseToken(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), "\"'")
	s = strings.TrimSpace(strings.TrimPrefix(s, "Bot "))
	if s == "" {
		return "", nil
	}
	if strings.Count(s, ".") != 2 || strings.ContainsFunc(s, func(r rune) bool { return r != '.' && notWord(r) }) {
		return "", errors.New("a bot token has three parts with dots between them; copy it from the page Bot of the developer portal, not the client secret or the public key")
	}
	return s, nil
}

func notWord(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
}

func parseServer(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("enter an address like " + server)
	}
	if u.Scheme == "http" && !near(u.Hostname()) {
		return "", errors.New("without https the token could be read on the way. Use https, or an address on your own network")
	}
	return s, nil
}

// near reports whether a host is this computer or in its own network.
func near(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast())
}

// know remembers who the bot is.
func (c *connector) know(me self) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if me.App == 0 {
		me.App = c.me.App
	}
	c.me = me
}

func (c *connector) self() self {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.me
}
