// Package mattermost connects a bot of a Mattermost server by the server's own
// WebSocket: the connector dials out, nothing listens.
//
// The server does not ask whether an event arrived, so the place in the
// conversations is ours to keep: the cursor holds the newest event's time, and
// what is newer is read over REST when a connection begins, and again when the
// sequence of events has a gap. Facts are from
// https://developers.mattermost.com/api-documentation/.
package mattermost

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
)

const title = "Mattermost"

// Keys of the settings.
const (
	keyServer  = "server"
	keyToken   = "token"
	keyCommand = "command"
)

// Platform describes Mattermost.
func Platform() platforms.Platform {
	return platforms.Platform{
		Name: "mattermost", Title: title, Glyph: "✦",
		Summary: "For people with a Mattermost server: one bot account with a token. Buttons are reactions and numbers, so that nothing has to listen.",
		Minutes: 5,
		Away:    "The server keeps everything; what was written meanwhile is read when this computer is back.",
		Fields: []platforms.Field{
			{Key: keyServer, Label: "Server", Required: true, Caller: true, Parse: parseServer, Placeholder: "https://chat.example.org",
				Help: "The address under which you open Mattermost. Without https only on this computer or your own network."},
			{Key: keyToken, Label: "Bot's access token", Secret: true, Required: true, Parse: parseToken,
				Help: "From Integrations, Bot Accounts. It is shown once, when the bot is created."},
			{Key: keyCommand, Label: "Slash command", Parse: parseCommand, Placeholder: "ask",
				Help: "A word with which people call the bot anywhere in its teams, as in /ask. Leave it empty for none. The server must be able to reach this computer, and the bot needs the permission to manage slash commands. It is added and removed from the account's problems."},
		},
		Limits:  limits(),
		IDs:     ids(),
		Length:  length,
		Inbound: platforms.Callback,
		Setup:   guide(),
		New:     newConnector,
	}
}

func limits() platforms.Limits {
	return platforms.Limits{
		// The server's MaxPostSize is 16383 runes unless its database is old.
		Text: 16383, Caption: 16383, Unit: platforms.Runes,
		Buttons: 10, ButtonsPerRow: 5, Label: 80, Data: 1000,
		// FileSettings.MaxFileSize, as a server has it at first.
		Upload: 100 << 20, Download: 100 << 20,
		Edit: true, Threads: true, Typing: 5 * time.Second,
		// RateLimitSettings.PerSec is 10 where the limit is switched on.
		Pace: platforms.Pace{
			Account:      platforms.Rate{N: 10, Per: time.Second, Burst: 20},
			Conversation: platforms.Rate{N: 5, Per: time.Second, Burst: 10},
		},
	}
}

func guide() platforms.Guide {
	return platforms.Guide{Steps: []platforms.Step{
		{Text: "In Mattermost, open the menu at the top left, then Integrations, then Bot Accounts. If it is missing, ask an administrator to switch on “Enable Bot Account Creation” in the System Console."},
		{Text: "Choose Add Bot Account. Give it a name; the role Member is enough."},
		{Text: "Copy the token, which is shown once, and paste it here with the server's address. Whoever has the token is the bot: show it to nobody."},
		{Text: "Invite the bot to your team, then to the channels where it shall read and write."},
		{Text: "Write it a direct message: that works without an invitation to any channel."},
		{Text: "For a slash command, where the server can reach this computer: enter a word for it here, and have a system administrator allow the bot to manage slash commands, in the System Console under Permissions. Then “Add” it from the account's problems. If this computer is in the server's own network, the administrator also lists it under “Allow untrusted internal connections”."},
	}}
}

// parseToken takes a token out of what was pasted. Mattermost's are 26 letters
// and digits.
func parseToken(s string) (string, error) {
	s = strings.Trim(strings.TrimSpace(s), `"'`)
	if len(s) < 20 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("this is not a Mattermost token: it has 26 letters and digits. Copy it again, or create a new one")
	}
	return s, nil
}

// parseServer cleans the server's address. The token would travel in the clear
// over http, so that is for this computer and private networks only.
func parseServer(s string) (string, error) {
	s = strings.TrimSuffix(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("this is not a server's address. Enter it as https://chat.example.org")
	case u.Scheme == "http" && !near(u.Hostname()):
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

// connector is one bot.
type connector struct {
	api     api
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	proxy   func(*http.Request) (*url.URL, error)
	own     *http.Transport // nil where Config brought an http.Client
	silence time.Duration   // after which a connection counts as dead

	door     *door // nil where the server can't reach us
	commands *commands

	names names
	posts recent // the bot's own posts that have buttons, by where they are
}

var (
	_ platforms.Editor = (*connector)(nil)
	_ platforms.Typer  = (*connector)(nil)
	_ platforms.Opener = (*connector)(nil)
	_ platforms.Prober = (*connector)(nil)
	_ platforms.Fixer  = (*connector)(nil)
)

// silent is how long a server may say nothing: it pings every 60 seconds.
const silent = 100 * time.Second

func newConnector(c platforms.Config) (platforms.Connector, error) {
	token := strings.TrimSpace(c.Secrets[keyToken].Reveal())
	if token == "" {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "There is no token for this bot. Enter the one from Bot Accounts."}
	}
	server, err := parseServer(c.Settings[keyServer])
	if err != nil || server == "" {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The server's address can't be used. Enter it as https://chat.example.org."}
	}
	trigger, err := parseCommand(c.Settings[keyCommand])
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The slash command can't be used. Enter one word, like ask."}
	}
	conn := &connector{
		commands: newCommands(c.Ingress, c.Key, trigger),
		api:      api{server: server, token: platforms.NewSecret(token)}, dial: c.Dial, proxy: c.Proxy, silence: silent,
	}
	client := http.Client{}
	if c.HTTP != nil {
		client.Transport = c.HTTP.Transport
	} else {
		conn.own = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true}
		client.Transport = conn.own
	}
	// A redirect would carry the token elsewhere.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conn.api.http = &client
	if c.Ingress != nil && !c.Key.IsZero() {
		conn.door = newDoor(c.Ingress, c.Key)
		return withDoor{conn}, nil
	}
	return conn, nil
}
