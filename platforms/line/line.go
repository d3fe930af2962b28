// Package line connects a LINE Official Account's bot. LINE delivers events only
// by HTTP requests to a public address, so the connector hands a handler to the
// Ingress, which decides how the requests get here. What is sent goes out by
// reply while an event's reply token lives, which costs nothing, and by push
// after that, which spends the month's quota.
//
// Facts are from https://developers.line.biz/en/reference/messaging-api/ and
// https://developers.line.biz/en/docs/messaging-api/.
package line

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/postern/postern/platforms"
)

const (
	title         = "LINE"
	defaultServer = "https://api.line.me"
	defaultData   = "https://api-data.line.me"
)

// Keys of the settings.
const (
	keyToken   = "token"
	keySecret  = "secret"
	keyButtons = "buttons"
	keyServer  = "server"

	buttonsBelow = "below" // in a bubble, where they stay
	buttonsQuick = "quick" // above the keyboard, until the next message
)

// Platform describes LINE.
func Platform() platforms.Platform {
	return platforms.Platform{
		Name: "line", Title: title, Glyph: "✆",
		Summary: "Needs a public HTTPS address, by a tunnel or a relay. Answers within a minute are free; other messages count against a monthly quota.",
		Minutes: 15,
		Fields: []platforms.Field{
			{Key: keyToken, Label: "Channel access token", Secret: true, Required: true, Parse: parseToken,
				Help: "The long-lived one, from the Messaging API tab of the channel in the LINE Developers Console."},
			{Key: keySecret, Label: "Channel secret", Secret: true, Required: true, Parse: parseSecret,
				Help: "From the Basic settings tab. It proves that events come from LINE."},
			{Key: keyButtons, Label: "Buttons", Advanced: true,
				Help:    "Quick replies are shown on phones only, and vanish with the next message.",
				Options: []platforms.Option{{Value: buttonsBelow, Label: "Under the message"}, {Value: buttonsQuick, Label: "As quick replies, above the keyboard"}}},
			{Key: keyServer, Label: "Messaging API server", Advanced: true, Parse: parseServer, Placeholder: defaultServer,
				Help: "Only for a server that stands in for LINE's."},
		},
		Away:    "While this computer is off, messages are lost, unless webhook redelivery is on at LINE: then LINE tries again for a time that it does not tell.",
		Limits:  limits(),
		IDs:     forms(),
		Greet:   greet,
		Length:  formatted,
		Inbound: platforms.Webhook,
		Setup:   guide(),
		New:     newConnector,
	}
}

func limits() platforms.Limits {
	return platforms.Limits{
		// https://developers.line.biz/en/docs/messaging-api/text-character-count/
		Text: 5000, Unit: platforms.UTF16,
		// Quick replies: at most 13. Labels: 20 grapheme clusters, data: 300,
		// https://developers.line.biz/en/reference/messaging-api/#postback-action;
		// what tells the message takes the difference.
		Buttons: 13, ButtonsPerRow: 1, Label: 20, Data: 300 - tagLength,
		// LINE names no bound for what people send; its programs take up to 1 GB.
		Download: 1 << 30,
		Typing:   loadingSeconds * time.Second,
		// https://developers.line.biz/en/reference/messaging-api/#rate-limits:
		// 2,000 requests a second. For one conversation LINE asks for restraint
		// without naming a figure.
		Pace: platforms.Pace{Account: platforms.Rate{N: 1000, Per: time.Second, Burst: 100}},
		// LINE tells neither how often nor for how long it redelivers.
		Redelivery: 7 * 24 * time.Hour,
	}
}

func guide() platforms.Guide {
	return platforms.Guide{Steps: []platforms.Step{
		{Text: "Create a LINE Official Account and, in the LINE Official Account Manager under Settings, Messaging API, enable the Messaging API for it.", URL: "https://manager.line.biz/"},
		{Text: "Open the channel in the LINE Developers Console. Copy the channel secret from Basic settings, and issue a long-lived channel access token at the end of the Messaging API tab. Enter both here. Whoever has the token is the bot: show it to nobody.", URL: "https://developers.line.biz/console/"},
		{Text: "LINE delivers to a public address with https:// only. Run a tunnel with a stable name to a port of this computer, save the account, set the tunnel's name under Exposure, and read what opening it means before you agree. Until then the bot can write and not hear."},
		{Text: "On the Messaging API tab switch on Use webhook. The address itself is set from here, with “Set it at LINE” in the account's problems, and tried out with “Test it”."},
		{Text: "There too, switch on Webhook redelivery: then LINE sends again what this computer could not take. Duplicates are recognised."},
		{Text: "In the LINE Official Account Manager, under Response settings, switch off auto-response messages, or LINE answers beside the bot. For groups, allow the bot to join group chats under Account settings."},
		{Text: "Add the account as a friend in LINE, with its QR code from the Messaging API tab, and write to it."},
	}}
}

// connector is one bot.
type connector struct {
	api     api
	ingress platforms.Ingress
	secrets func(time.Time) []platforms.Secret // under which LINE may sign
	path    string
	quick   bool // buttons are quick replies
	log     *slog.Logger
	own     *http.Transport // nil where Config brought an http.Client
	heard   atomic.Bool     // LINE has reached us

	used   *bounded[struct{}]            // reply tokens that were used
	tags   *bounded[platforms.MessageID] // of messages with buttons
	quotes *bounded[quote]               // of messages, by their ids
	names  *bounded[name]
	now    func() time.Time
}

// quote is what is needed to quote a message.
type quote struct {
	token string
	own   bool // the bot wrote it
}

// How much is remembered. What is forgotten costs little: a reply token is
// refused by LINE itself, a click does not tell its message, a quote is left
// out, a name is asked for again.
const (
	mostUsed, mostTags, mostQuotes, mostNames = 1000, 2000, 2000, 2000
)

func newConnector(c platforms.Config) (platforms.Connector, error) {
	token, err := parseToken(c.Secrets[keyToken].Reveal())
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: err.Error()}
	}
	secret, err := parseSecret(c.Secrets[keySecret].Reveal())
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: err.Error()}
	}
	server, err := parseServer(c.Settings[keyServer])
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: err.Error()}
	}
	data := server
	if server == "" || server == defaultServer {
		server, data = defaultServer, defaultData
	}
	conn := &connector{
		api:     api{server: server, data: data, token: platforms.NewSecret(token), secret: platforms.NewSecret(secret)},
		secrets: func(now time.Time) []platforms.Secret { return c.Live(keySecret, now) },
		ingress: c.Ingress, path: where(c), quick: c.Settings[keyButtons] == buttonsQuick, log: c.Log,
		used: newBounded[struct{}](mostUsed), tags: newBounded[platforms.MessageID](mostTags),
		quotes: newBounded[quote](mostQuotes), names: newBounded[name](mostNames), now: time.Now,
	}
	if conn.log == nil {
		conn.log = slog.New(slog.DiscardHandler)
	}
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	} else {
		conn.own = &http.Transport{Proxy: c.Proxy, DialContext: c.Dial}
		client.Transport = conn.own
	}
	// A redirect would carry the token somewhere else.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conn.api.http = &client
	return conn, nil
}

// where is the handler's path. It can't be guessed, so that strangers who try
// paths find nothing, and it stays the same, since LINE has it and the person
// agreed to it. Without a key there is none.
func where(c platforms.Config) string {
	if c.Key.IsZero() {
		return ""
	}
	mac := hmac.New(sha256.New, []byte(c.Key.Reveal()))
	mac.Write([]byte("line webhook path"))
	return "/line/" + hex.EncodeToString(mac.Sum(nil)[:16])
}

func parseToken(s string) (string, error) {
	s = strings.TrimSpace(strings.TrimPrefix(strings.Trim(strings.TrimSpace(s), `"'`), "Bearer "))
	if len(s) < 12 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", rejected("This is no channel access token. Copy the whole of it from the Messaging API tab of the channel.")
	}
	return s, nil
}

func parseSecret(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), `"'`)
	if _, err := hex.DecodeString(s); err != nil || len(s) != 32 {
		return "", rejected("A channel secret is 32 digits and letters from a to f. Copy it from the Basic settings tab of the channel.")
	}
	return s, nil
}

func parseServer(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", rejected("The server's address begins with https:// and has no question mark. Check it.")
	}
	if u.Scheme == "http" && !near(u.Hostname()) {
		return "", rejected("Without https the token could be read on the way. Use https, or an address on your own network.")
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
