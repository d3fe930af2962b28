// Package post is the responder that copies messages into another chat: any
// account's conversation, so that a chat's incoming webhook, a bot of another
// chat, or the same bot elsewhere gets them.
//
// It puts each message into the outbox of that account, once, whatever ends in
// between; order, pace, retries and dead letters are the outbox's. What one
// conversation says arrives in its order. Of several conversations that feed one
// place, what is handed over first is posted first.
//
// Nothing goes round in circles: what a bot writes itself is no event at all,
// what is said where it would be posted is left alone, what other bots write is
// left out unless it is asked for, and then what was posted by us and comes back
// by an account that hears there is known by its text.
package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

// The keys of the settings.
const (
	keyTo       = "to"
	keyTemplate = "template"
	keyBots     = "bots"
)

// Usual is the template of whoever writes none.
const Usual = "**{{.who}}** in {{.where}}: {{.text}}"

// Kind is the sort of responder that this package makes.
func Kind() app.Kind {
	return app.Kind{
		Name:    "post",
		Title:   "Post into another chat",
		Summary: "Copies each message into another chat: by its incoming webhook, or by another of your bots.",
		Fields: []platforms.Field{
			{Key: keyTo, Label: "Post to", Required: true, Placeholder: "chathook", Parse: parseTo,
				Help: "An account's id, and a slash and the conversation's id where it has several: ACCOUNT/CONVERSATION. A chat webhook's account has one."},
			{Key: keyTemplate, Label: "As", Placeholder: Usual, Parse: parseTemplate,
				Help: "Markdown, with {{.who}}, {{.where}}, {{.text}}, {{.account}}, {{.handle}} and {{.time}}. Nothing for who, where and the text."},
			{Key: keyBots, Label: "What other bots write", Advanced: true, Options: []platforms.Option{
				{Value: "", Label: "Is left out, so that no two bots go round in circles"}, {Value: "copy", Label: "Is copied, but for what Postern posted itself"}}},
		},
		New: func(c app.ResponderConfig) (app.Responder, error) { return New(c) },
	}
}

// Poster is the responder.
type Poster struct {
	name   string
	to     app.Place
	shape  *hooks.Shape
	bots   bool
	outbox app.Outbox
	log    *slog.Logger
}

var _ app.Checker = (*Poster)(nil)

// New makes a Poster. Whether the place exists shows when something is posted:
// accounts come and go.
func New(c app.ResponderConfig) (*Poster, error) {
	to, err := place(c.Settings[keyTo])
	if err != nil {
		return nil, err
	}
	source := c.Settings[keyTemplate]
	if source == "" {
		source = Usual
	}
	shape, err := hooks.ParseShape(source)
	if err != nil {
		return nil, err
	}
	if c.Outbox == nil {
		return nil, errors.New("there is no outbox to post with. Report this, please")
	}
	p := &Poster{name: c.ID, to: to, shape: shape, bots: c.Settings[keyBots] == "copy", outbox: c.Outbox, log: c.Log}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p, nil
}

// Check is app.Checker's: there must be such a place.
func (p *Poster) Check() error {
	_, err := p.outbox.Place(p.to)
	return err
}

// Name is the responder's id.
func (p *Poster) Name() string { return p.name }

// Acts is true: it tells others.
func (p *Poster) Acts() bool { return true }

// Respond queues one message for the other chat. The sender sees nothing of it.
func (p *Poster) Respond(ctx context.Context, d app.Delivery) ([]platforms.Message, error) {
	ev := d.Event
	if ev.Kind != platforms.MessageReceived || ev.Own {
		return nil, nil // edits, clicks and comings and goings say nothing there
	}
	if (app.Place{Account: d.Account, Conversation: ev.Conversation.ID}) == p.to {
		return nil, nil // it is there already
	}
	// A machine's request is what it is for; a bot among people is not.
	if ev.From.Bot && ev.Raw == nil && (!p.bots || p.outbox.Echo(ev.Text)) {
		p.log.Debug("a bot's message is not copied", "seq", d.Seq)
		return nil, nil
	}
	m, err := p.message(d)
	if err != nil || m.Text == "" {
		return nil, err
	}
	return nil, p.outbox.Post(ctx, d, p.to, m)
}

// message is an event as the template shows it, with its files by name.
func (p *Poster) message(d app.Delivery) (platforms.Message, error) {
	ev := d.Event
	words := ev.Text
	if words == "" && ev.Note != "" {
		words = "[" + ev.Note + "]"
	}
	var files []string
	for i, a := range ev.Attachments {
		if i == 10 {
			files = append(files, fmt.Sprintf("and %d more files", len(ev.Attachments)-i))
			break
		}
		files = append(files, named(a))
	}
	if strings.TrimSpace(words) == "" && len(files) == 0 {
		return platforms.Message{}, nil
	}
	who := cmp.Or(text.Line(ev.From.Name, 80), text.Line(ev.From.Handle, 80), text.Line(string(ev.From.ID), 80), "Somebody")
	shown, err := p.shape.Show(map[string]any{
		"who": who, "handle": text.Line(ev.From.Handle, 80), "account": text.Line(d.Label, 80),
		"where": cmp.Or(text.Line(ev.Conversation.Title, 80), text.Line(d.Label, 80), string(d.Account)),
		"text":  words, "time": ev.Time.Format("2006-01-02 15:04"),
	})
	if err != nil {
		return platforms.Message{}, &platforms.Error{Kind: platforms.Rejected, Text: "The template asks for what a message has not. Correct it: who, where, text, account, handle and time are texts.", Err: err}
	}
	for _, f := range files {
		shown += "\n\n" + markup.Escape(f)
	}
	return platforms.Message{Text: strings.TrimSpace(shown), Format: platforms.Markdown}, nil
}

// named is a file by its name and size: what a chat's webhook can't take is not
// sent along.
func named(a platforms.Attachment) string {
	name := cmp.Or(text.Line(a.Name, 100), "a file")
	if a.Size <= 0 {
		return "📎 " + name
	}
	return "📎 " + name + " (" + text.Size(a.Size) + ")"
}

// place reads ACCOUNT or ACCOUNT/CONVERSATION. Only the first slash divides: ids
// of conversations may hold others.
func place(s string) (app.Place, error) {
	account, conversation, _ := strings.Cut(strings.TrimSpace(s), "/")
	to := app.Place{Account: platforms.AccountID(strings.TrimSpace(account)), Conversation: platforms.ConversationID(strings.TrimSpace(conversation))}
	if to.Account == "" || len(s) > 512 || text.Line(s, 0) != s {
		return to, errors.New("this names no place to post to. Write an account's id, and a slash and the conversation's id where it has several")
	}
	return to, nil
}

func parseTo(s string) (string, error) {
	s = strings.TrimSpace(s)
	_, err := place(s)
	return s, err
}

func parseTemplate(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	_, err := hooks.ParseShape(s)
	return s, err
}
