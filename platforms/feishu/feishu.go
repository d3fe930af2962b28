// Package feishu connects a bot of Feishu, or of Lark, its international twin,
// over the platform's long connection: the connector dials out, nothing listens.
// Where the person chose so, the platform calls a public address instead.
//
// The platform pushes an event until it is acknowledged, at once and then after
// 15 seconds, 5 minutes, 1 hour and 6 hours, so an acknowledgement is written
// when the event is stored. Facts are from https://open.feishu.cn/document.
//
// From the platform's own library come the frame and the types of events and
// messages. Its clients are not used: the one for events handles each frame in
// a goroutine of its own, so that messages overtake each other, and drops frames
// of type card; the one for calls reads whole files into memory, keeps tokens in
// a cache that all accounts share, and hides what became of the network.
package feishu

import (
	"context"
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

const title = "Feishu"

// The addresses of the two platforms.
const (
	feishuServer = "https://open.feishu.cn"
	larkServer   = "https://open.larksuite.com"
)

// Keys of the settings.
const (
	keyApp    = "app_id"
	keySecret = "app_secret"
	keyDomain = "domain"
	keyServer = "server"
	keyMode   = "mode"
	keyCrypt  = "encrypt_key"
	keyToken  = "verification_token"

	modeSocket = "socket" // we dial out
	modeHTTP   = "http"   // the platform calls a public address
)

// Platform describes Feishu.
func Platform() platforms.Platform {
	return platforms.Platform{
		Name: "feishu", Title: "Feishu / Lark", Glyph: "F",
		Summary: "For people whose company uses Feishu or Lark: needs an app in the developer console, and an administrator who approves it. No address on the internet.",
		Minutes: 15,
		Away:    "Messages come later: Feishu tries again for about seven hours, and older ones are fetched from the history, as far as the app may read it. Pressed buttons are lost.",
		Fields: []platforms.Field{
			{Key: keyApp, Label: "App ID", Required: true, Parse: parseApp, Placeholder: "cli_a1b2c3d4e5f60718",
				Help: "From the developer console, under Credentials & Basic Info."},
			{Key: keySecret, Label: "App Secret", Secret: true, Required: true, Parse: parseSecret,
				Help: "From the same page."},
			{Key: keyDomain, Label: "Feishu or Lark", Parse: parseDomain,
				Options: []platforms.Option{{Value: "feishu", Label: "Feishu (feishu.cn)"}, {Value: "lark", Label: "Lark (larksuite.com)"}},
				Help:    "An app exists on one of them only."},
			{Key: keyServer, Label: "Server", Advanced: true, Parse: parseServer, Placeholder: feishuServer,
				Help: "Only for another address of the open platform."},
			{Key: keyMode, Label: "How events come", Advanced: true,
				Options: []platforms.Option{{Value: modeSocket, Label: "Dial out (recommended)"}, {Value: modeHTTP, Label: "HTTP events: Feishu calls a public address"}},
				Help:    "Dialling out needs no address on the internet and no further secrets. Choose the other only where the app has to use it."},
			{Key: keyCrypt, Label: "Encrypt Key", Secret: true, Rotates: true, Advanced: true, Parse: parseCrypt,
				Help: "For HTTP events only, and needed there: from Events & Callbacks, Encryption strategy."},
			{Key: keyToken, Label: "Verification Token", Secret: true, Rotates: true, Advanced: true, Parse: parseToken,
				Help: "For HTTP events only, and needed there: from the same page."},
		},
		Limits:    limits(),
		IDs:       idForms(),
		Inbound:   platforms.Dials,
		InboundOf: inboundOf,
		Setup:     guide(),
		Length:    length,
		New:       newConnector,
	}
}

// requestMost is the largest request for a post or a card: 30 KB, says
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/create.
const requestMost = 30 << 10

func limits() platforms.Limits {
	return platforms.Limits{
		// A request holds the text in JSON within JSON, and buttons beside it: the
		// text gets a good half of requestMost, buttons the rest. What a text takes
		// there says length.
		Text: 16_000, Caption: 16_000, Unit: platforms.Bytes,
		Buttons: 20, ButtonsPerRow: 5, Label: 50, Data: 200,
		// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/file/create
		// and …/im-v1/message-resource/get.
		Upload: 30 << 20, Download: 100 << 20,
		// A reaction shows that an answer is being written, until it is there.
		Edit: true, Threads: true, Typing: 30 * time.Second,
		// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/create:
		// 5 a second to one person, 5 a second to one group, shared by its bots; and
		// 50 a second, 1000 a minute in all.
		Pace: platforms.Pace{
			Account:      platforms.Rate{N: 1000, Per: time.Minute, Burst: 50},
			Conversation: platforms.Rate{N: 5, Per: time.Second, Burst: 5},
			Group:        platforms.Rate{N: 5, Per: time.Second, Burst: 5},
		},
		// The retries add up to 7 hours, 5 minutes and 15 seconds.
		Redelivery: 8 * time.Hour,
	}
}

// inboundOf is platforms.Platform's.
func inboundOf(settings map[string]string) platforms.Inbound {
	if settings[keyMode] == modeHTTP {
		return platforms.Webhook
	}
	return platforms.Dials
}

// connector is one app's bot.
type connector struct {
	api    api
	dialer websocket.Dialer
	own    *http.Transport // nil where Config brought an http.Client
	log    logger
	hook   *hook // nil where the connector dials out

	names  names
	recent recent
	typing typing

	edits chan struct{} // held by who reads a card, changes it and writes it back

	mu   sync.Mutex
	bot  bot      // once it is known
	live *session // of the Run under way
}

var (
	_ platforms.Editor  = (*connector)(nil)
	_ platforms.Typer   = (*connector)(nil)
	_ platforms.Opener  = (*connector)(nil)
	_ platforms.Clicker = (*connector)(nil)
)

func newConnector(c platforms.Config) (platforms.Connector, error) {
	app, err := parseApp(c.Settings[keyApp])
	if err != nil || app == "" {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "There is no usable App ID for this bot. Enter the one from the developer console."}
	}
	secret := strings.TrimSpace(c.Secrets[keySecret].Reveal())
	if secret == "" {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "There is no App Secret for this bot. Enter the one from the developer console."}
	}
	domain, err := parseDomain(c.Settings[keyDomain])
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "It is not known whether the app is on Feishu or on Lark: " + err.Error() + "."}
	}
	server, err := parseServer(c.Settings[keyServer])
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The server can't be used: " + err.Error() + "."}
	}
	switch {
	case server != "":
	case domain == "lark":
		server = larkServer
	default:
		server = feishuServer
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
	conn.api = api{http: &client, server: server, app: app, secret: platforms.NewSecret(secret), busy: make(chan struct{}, 1)}
	conn.dialer = websocket.Dialer{NetDialContext: c.Dial, Proxy: c.Proxy, HandshakeTimeout: callTime}
	conn.edits = make(chan struct{}, 1)
	if conn.hook, err = newHook(c, app); err != nil {
		if domain == "lark" {
			err = renamedError(err)
		}
		return nil, err
	}
	if domain == "lark" {
		return lark{conn}, nil
	}
	return conn, nil
}

func parseApp(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), "\"'")
	if s == "" {
		return "", nil
	}
	if !strings.HasPrefix(s, "cli_") || strings.ContainsFunc(s, notWord) {
		return "", errors.New("an App ID begins with cli_; copy it from the developer console")
	}
	return s, nil
}

func parseSecret(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), "\"'")
	if strings.ContainsFunc(s, notWord) {
		return "", errors.New("an App Secret has letters and digits only; copy it from the developer console")
	}
	return s, nil
}

func notWord(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
}

func parseDomain(s string) (string, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "feishu", "feishu.cn", "open.feishu.cn":
		return "feishu", nil
	case "lark", "larksuite", "larksuite.com", "open.larksuite.com":
		return "lark", nil
	}
	return "", errors.New("enter feishu or lark")
}

func parseServer(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("enter an address like " + feishuServer)
	}
	if u.Scheme == "http" && !near(u.Hostname()) {
		return "", errors.New("without https the app's secret could be read on the way. Use https, or an address on your own network")
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

// bot is who the app is in chats.
type bot struct {
	Status int    `json:"activate_status"`
	Name   string `json:"app_name"`
	OpenID string `json:"open_id"`
}

// me asks who the bot is.
func (c *connector) me(ctx context.Context) (bot, error) {
	var got struct {
		Bot bot `json:"bot"`
	}
	if err := c.api.raw(ctx, callTime, call{method: http.MethodGet, path: "/open-apis/bot/v3/info"}, &got); err != nil {
		return bot{}, err
	}
	if got.Bot.OpenID == "" {
		return bot{}, misunderstood(http.StatusOK)
	}
	c.mu.Lock()
	c.bot = got.Bot
	c.mu.Unlock()
	return got.Bot, nil
}
