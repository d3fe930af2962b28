package discord

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Kinds of answers to an interaction.
// https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type
const (
	deferMessage = 5 // “is thinking…”
	deferUpdate  = 6 // the button stops waiting
)

// ephemeral is the flag of a message that only the clicker sees.
const ephemeral = 1 << 6

// custom_ids begin with a mark, because an empty one is refused, and equal ones
// on one message too.
func pack(n int, data string) string { return string(rune('a'+n)) + data }

func unpack(id string) string {
	if id == "" {
		return ""
	}
	return id[1:]
}

// answers remembers what was done about interactions, the last ones only.
type answers struct {
	mu    sync.Mutex
	known map[snow]*answer
	order []snow
}

type answer struct {
	acknowledged bool
	first        string // key of the message that is the answer to a command
	said         string // what the clicker was shown
}

const answersMost = 512

// at runs f with what is known of an interaction.
func (a *answers) at(id snow, f func(*answer)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	got := a.known[id]
	if got == nil {
		if a.known == nil {
			a.known = map[snow]*answer{}
		}
		if len(a.order) >= answersMost {
			delete(a.known, a.order[0])
			a.order = append(a.order[:0], a.order[1:]...)
		}
		got = &answer{}
		a.known[id] = got
		a.order = append(a.order, id)
	}
	f(got)
}

// acknowledge tells Discord within its three seconds that an interaction came
// in. What was too late, or done before, is no error.
func (c *connector) acknowledge(ctx context.Context, t ticket, kind int) error {
	err := c.api.do(ctx, ackTime, call{method: http.MethodPost, path: "/interactions/" + t.ID.String() + "/" + t.Token + "/callback",
		body: map[string]int{"type": kind}, open: true}, nil)
	if code := codeOf(err); err == nil || code == codeAcknowledged || code == codeUnknownInteraction {
		c.answers.at(t.ID, func(a *answer) { a.acknowledged = true })
		return nil
	}
	return hide(err, t)
}

// hide takes an interaction's token out of an error.
func hide(err error, t ticket) error {
	if err == nil || !strings.Contains(err.Error(), t.Token) {
		return err
	}
	e := &platforms.Error{Kind: platforms.KindOf(err), Text: platforms.Explain(err), Err: platforms.RedactError(err, platforms.NewSecret(t.Token))}
	e.Text = platforms.Redact(e.Text, platforms.NewSecret(t.Token))
	return e
}

// Clicked is platforms.Clicker's. Run has acknowledged the click when it stored
// it; what remains is to show the text, to the clicker alone.
func (c *connector) Clicked(ctx context.Context, r platforms.ReplyToken, words string) error {
	t, ok := ticketOf(r)
	if !ok {
		return rejected("This click can't be answered: it is not one of Discord's.")
	}
	words = text.Line(words, 200)
	var done bool
	c.answers.at(t.ID, func(a *answer) {
		done = a.acknowledged && (words == "" || a.said == words)
		ok = a.acknowledged
	})
	if done {
		return nil
	}
	if !ok {
		if err := c.acknowledge(ctx, t, deferUpdate); err != nil {
			return err
		}
	}
	if words == "" {
		return nil
	}
	err := c.api.do(ctx, callTime, call{method: http.MethodPost, path: t.webhook(), open: true, body: map[string]any{
		"content": escape(words), "flags": ephemeral, "allowed_mentions": nobody,
	}}, nil)
	if err == nil {
		c.answers.at(t.ID, func(a *answer) { a.said = words })
		return nil
	}
	if late(err) {
		return rejected("%s", advices[codeUnknownInteraction])
	}
	return hide(err, t)
}

// webhook is where an interaction's messages go.
func (t ticket) webhook() string { return "/webhooks/" + t.App.String() + "/" + t.Token }

// late reports whether err says that an interaction can't be answered any more.
func late(err error) bool {
	switch codeOf(err) {
	case codeWebhookToken, codeUnknownWebhook, codeUnknownInteraction, codeUnknownMessage:
		return true
	}
	return refusedWith(err, http.StatusUnauthorized) || refusedWith(err, http.StatusNotFound)
}
