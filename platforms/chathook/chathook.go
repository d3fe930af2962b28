// Package chathook posts into a chat by its incoming webhook: an address that
// bears a token, to which a message is posted as JSON. It needs no bot, and it
// hears nothing. An account is one address, and has one conversation.
//
// How a message is written, how long it may be and what an answer means differs
// from chat to chat: see the forms.
package chathook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/postern/postern/platforms"
)

// conversation is the only one that an account has: where its address leads.
const conversation platforms.ConversationID = "chat"

// Platform describes an incoming webhook of a chat.
func Platform() platforms.Platform {
	return platforms.Platform{
		Name: "chathook", Title: "Chat webhook", Glyph: "⇥",
		Summary: "Posts into a chat by its incoming webhook: Chatalot, Slack, Discord, Mattermost or Teams. No bot is needed; it hears nothing.",
		Minutes: 3,
		Fields:  fields(),
		Limits:  native().limits,
		Length:  native().length,
		IDs:     platforms.IDs{Machines: true},
		Only:    conversation,
		Away:    "What is to be posted waits here and is posted, in order, once this computer is on.",
		Inbound: platforms.Dials,
		Vary: func(p *platforms.Platform, settings map[string]string) {
			f := formOf(settings)
			p.Limits, p.Length = f.limits, f.length
		},
		Setup: guide(),
		New:   newConnector,
	}
}

// connector is one address.
type connector struct {
	form   form
	url    platforms.Secret
	secret []platforms.Secret // what must not be told: the address and its token
	name   string
	avatar string
	http   *http.Client
	log    *slog.Logger
	now    func() time.Time

	spoke chan struct{} // has room for one: a message was accepted
	known atomic.Bool   // that the address is good
	rest  rest
}

func newConnector(c platforms.Config) (platforms.Connector, error) {
	f := formOf(c.Settings)
	u, err := address(c.Secrets[keyURL].Reveal())
	if err == nil {
		err = f.suits(u)
	}
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: err.Error()}
	}
	conn := &connector{form: f, url: platforms.NewSecret(u.String()), log: c.Log, now: time.Now, spoke: make(chan struct{}, 1)}
	conn.secret = secrets(u)
	if conn.name, err = f.named(c.Settings[keyName]); err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: err.Error()}
	}
	if conn.avatar, err = parseAvatar(c.Settings[keyAvatar]); err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: err.Error()}
	}
	client := http.Client{}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	// The address is the credential: nobody else gets it, and what is posted there
	// goes nowhere else.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conn.http = &client
	if conn.log == nil {
		conn.log = slog.New(slog.DiscardHandler)
	}
	return conn, nil
}

const problemUnproven = "unproven"

// Check is platforms.Connector's. Only Discord tells of an address without a post
// there; of the others the first post shows whether it is good.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	id := platforms.Identity{ID: platforms.UserID(c.form.name), Name: c.form.title, Handle: c.form.title}
	if c.form.ask != nil {
		name, err := c.ask(ctx)
		if err != nil {
			return platforms.Identity{}, err
		}
		if name != "" {
			id.Name = name
		}
		return id, nil
	}
	if !c.known.Load() {
		id.Problems = []platforms.Problem{{Code: problemUnproven, Text: unproven(c.form.title)}}
	}
	return id, ctx.Err()
}

func unproven(title string) string {
	return "Whether " + title + " takes messages at this address shows with the first one: it can't be asked without a post. Send one to see."
}

// Run is platforms.Connector's. There is nothing to hear: it tells of the
// conversation, once for each address, and waits.
func (c *connector) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	sink.State(platforms.State{Phase: platforms.Connecting})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	title := c.form.title
	if c.form.ask != nil {
		name, err := c.ask(ctx)
		if err != nil {
			return err
		}
		if name != "" {
			title = name
		}
	}
	at := c.place(title)
	sink.State(c.state())
	if from != at {
		err := sink.Event(ctx, platforms.Event{
			ID: platforms.EventID(at), Kind: platforms.MembershipChanged, Cursor: at, Time: c.now(),
			Conversation: platforms.Conversation{ID: conversation, Kind: platforms.Channel, Title: title},
			Note:         "the address was added",
		})
		if err != nil {
			return err
		}
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.spoke:
			sink.State(platforms.State{Phase: platforms.Connected, Speaks: true})
		}
	}
}

func (c *connector) state() platforms.State {
	s := platforms.State{Phase: platforms.Connected, Speaks: c.form.ask != nil}
	if !c.known.Load() {
		s.Note = unproven(c.form.title)
	}
	return s
}

// place stands for an address and its title, and tells neither.
func (c *connector) place(title string) platforms.Cursor {
	sum := sha256.Sum256([]byte("place\x00" + c.url.Reveal() + "\x00" + title))
	return platforms.Cursor("hook:" + hex.EncodeToString(sum[:8]))
}

// proven notes that the chat accepted something at the address.
func (c *connector) proven() {
	if c.known.Swap(true) {
		return
	}
	select {
	case c.spoke <- struct{}{}:
	default:
	}
}
