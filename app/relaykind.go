package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/ingress/sse"
	"github.com/postern/postern/app/ingress/webhookrelay"
	"github.com/postern/postern/platforms"
)

// RelayKind is a sort of relay that can be set up.
type RelayKind struct {
	Name, Title string
	Summary     string // one honest line for who is choosing
	Fields      []platforms.Field
	Many        bool   // one subscription has several named channels
	Word        string // what the relay calls a channel
	Exact       bool   // requests arrive byte for byte
	Warning     string // what it means if not
	Setup       platforms.Guide

	// Keeps is for how long the relay keeps what it could not hand over, 0 if it
	// keeps nothing. It is below store.Remembers: see ingress.Lead.
	Keeps time.Duration
	// Resends is the same where that needs no cursor: what came before the first
	// connection of this process is not missing then.
	Resends time.Duration
	// Public is the address that senders are told, where the values say it; nil:
	// the person enters it for each channel.
	Public func(RelayConfig) string
	// New checks the values and makes a subscription. It does no I/O.
	New func(RelayConfig) (relay.Source, error)
}

// RelayConfig is what a subscription is made of.
type RelayConfig struct {
	Settings map[string]string
	Secrets  map[string]platforms.Secret
	Channels []string // what to subscribe to, where the kind has several
	HTTP     *http.Client
	Dial     func(ctx context.Context, network, address string) (net.Conn, error)
	Proxy    func(*http.Request) (*url.URL, error)
	Log      *slog.Logger
	Now      func() time.Time
}

// onlyChannel is what a relay that is one channel calls it.
const onlyChannel = "the channel"

// The settings' values of a switch.
const (
	switchOff = "off"
	switchOn  = "on"
)

func onOff(first string) []platforms.Option {
	on, off := platforms.Option{Value: switchOn, Label: "Yes"}, platforms.Option{Value: switchOff, Label: "No"}
	if first == switchOn {
		return []platforms.Option{on, off}
	}
	return []platforms.Option{off, on}
}

// relayKinds is the kinds that there are. Another one needs an entry and a
// relay.Source.
func relayKinds() []RelayKind {
	return []RelayKind{
		{
			Name: "webhookrelay", Title: "Webhook Relay", Word: "bucket", Many: true, Exact: true, Keeps: webhookrelay.Usual().Resend, Resends: webhookrelay.Usual().Resend,
			Summary: "A service, or a server of your own, with several buckets. It keeps what was missed for 10 minutes. It can read what it hands on.",
			Fields: []platforms.Field{
				{Key: "server", Label: "Server", Advanced: true, Placeholder: webhookrelay.Hosted, Parse: relayAddress, Help: "Only for a server of your own."},
				{Key: "key", Label: "Token key", Help: "Of an access token that may subscribe. Empty where the secret is an API key."},
				{Key: "secret", Label: "Token secret or API key", Secret: true, Required: true, Help: "An API key begins with sk-."},
				{Key: "report", Label: "Tell the relay what became of each request", Advanced: true, Options: onOff(switchOff),
					Help: "The status shows in the relay's log. Without it everything goes one way."},
				{Key: "answers", Label: "Send answers back", Advanced: true, Options: onOff(switchOff),
					Help: "The whole answer goes to the relay, and to the sender where the input waits for it. It needs the line above, too."},
			},
			Setup: platforms.Guide{Steps: []platforms.Step{
				{Text: "Make a bucket for each address that requests are to come to. Its input has the public address: copy it.", URL: "https://my.webhookrelay.com/buckets"},
				{Text: "Make an access token that may only subscribe, to these buckets, and enter its key and secret here.", URL: "https://my.webhookrelay.com/tokens"},
				{Text: "Name each bucket here, the account that it leads to, and the input's address, so that senders can be told."},
			}},
			New: newWebhookRelay,
		},
		{
			Name: "smee", Title: "smee", Word: "channel",
			Summary: "A free service for trying things out. It keeps nothing, and who knows the channel can read and send.",
			Warning: "smee writes the request's body anew. A signature over the body may not verify then, and such requests are refused. Choose another relay if that happens.",
			Fields:  channelFields(sse.Hosted, false),
			Setup: platforms.Guide{Steps: []platforms.Step{
				{Text: "Start a new channel. What stands behind the host in its address is what belongs here.", URL: "https://smee.io/new"},
				{Text: "Give the channel's address to the sender."},
			}},
			Public: func(c RelayConfig) string { return ssePublic(c, sse.Hosted) },
			New:    func(c RelayConfig) (relay.Source, error) { return newSSE(sse.Smee, sse.Hosted, c) },
		},
		{
			Name: "gosmee", Title: "gosmee", Word: "channel", Exact: true, Keeps: keepsMost,
			Summary: "A server of your own. It passes JSON on byte for byte, and keeps what was missed if it was set up with Redis streams.",
			Fields:  channelFields("", true),
			Setup: platforms.Guide{Steps: []platforms.Step{
				{Text: "Run a gosmee server, with --redis-url if nothing is to be lost while this computer is off.", URL: "https://github.com/chmouel/gosmee"},
				{Text: "Choose a channel's name that nobody guesses, and give the server's address with it to the sender. It takes JSON only."},
			}},
			Public: func(c RelayConfig) string { return ssePublic(c, "") },
			New:    func(c RelayConfig) (relay.Source, error) { return newSSE(sse.Gosmee, "", c) },
		},
	}
}

// keepsMost is the most that RelayKind.Keeps may be: a day less than events are
// remembered, so that one which is handed over again at the last moment is known
// all the same.
const keepsMost = 7 * 24 * time.Hour

func channelFields(hosted string, needed bool) []platforms.Field {
	server := platforms.Field{Key: "server", Label: "Server", Advanced: !needed, Required: needed, Placeholder: cmp.Or(hosted, "https://gosmee.example.com"), Parse: relayAddress}
	if !needed {
		server.Help = "Only for a server of your own."
	}
	return []platforms.Field{server, {Key: "channel", Label: "Channel", Secret: true, Required: true, Parse: channelOf,
		Help: "What stands behind the host in the channel's address. It is a secret: who knows it can read what comes."}}
}

func relayAddress(s string) (string, error) {
	u, err := relay.Address(s)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// channelOf takes a channel out of its whole address.
func channelOf(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", errors.New("this is neither a channel nor its address")
	}
	if u.Host == "" {
		return s, nil
	}
	for len(u.Path) > 0 && u.Path[0] == '/' {
		u.Path = u.Path[1:]
	}
	return u.Path, nil
}

func newWebhookRelay(c RelayConfig) (relay.Source, error) {
	return webhookrelay.New(webhookrelay.Options{Server: cmp.Or(c.Settings["server"], webhookrelay.Hosted),
		Key: c.Settings["key"], Secret: c.Secrets["secret"], Buckets: c.Channels, Dial: c.Dial, Client: c.HTTP, Proxy: c.Proxy,
		Report: c.Settings["report"] == switchOn, Answers: c.Settings["answers"] == switchOn, Log: c.Log, Now: c.Now})
}

func newSSE(kind sse.Kind, hosted string, c RelayConfig) (relay.Source, error) {
	return sse.New(sse.Options{Kind: kind, Server: cmp.Or(c.Settings["server"], hosted), Channel: c.Secrets["channel"], Name: onlyChannel,
		Client: c.HTTP, Log: c.Log, Now: c.Now})
}

func ssePublic(c RelayConfig, hosted string) string {
	u, err := relay.Address(cmp.Or(c.Settings["server"], hosted))
	if err != nil {
		return ""
	}
	return u.JoinPath(c.Secrets["channel"].Reveal()).String()
}
