package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// into says what is wrong with a conversation as one to send to.
func into(on platforms.Platform, c platforms.ConversationID) error {
	switch {
	case c == "":
		return &api.Error{Kind: platforms.Rejected, Text: "Say which conversation to send to."}
	case on.Only != "" && c != on.Only:
		return &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("An account of this kind has one conversation only, %q. Send it there.", on.Only)}
	}
	return nil
}

// posting is a responder's Outbox.
type posting struct {
	a  *App
	id string
}

// Place is Outbox's.
func (p posting) Place(to Place) (Place, error) {
	acc, on, err := p.find(to)
	if err != nil {
		return to, err
	}
	if to.Conversation == "" {
		to.Conversation = on.Only
	}
	if to.Conversation == "" {
		return to, &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
			"The account %q has several conversations. Write which one, as %s/CONVERSATION; the inbox and “postern inbox” show their ids.", acc.id, acc.id)}
	}
	if err := into(on, to.Conversation); err != nil {
		return to, &platforms.Error{Kind: platforms.Rejected, Text: err.Error()}
	}
	return to, nil
}

func (p posting) find(to Place) (*account, platforms.Platform, error) {
	acc, err := p.a.account(to.Account)
	if err != nil {
		return nil, platforms.Platform{}, &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
			"There is no account %q to post with. The list of accounts shows their ids.", cut(string(to.Account), 60))}
	}
	on := acc.offers()
	if on.Limits.Mute {
		return nil, on, &platforms.Error{Kind: platforms.Rejected, Text: acc.platform.Title + " only brings messages. Choose another account to post with."}
	}
	return acc, on, nil
}

// Post is Outbox's.
func (p posting) Post(ctx context.Context, d Delivery, to Place, m platforms.Message) error {
	to, err := p.Place(to)
	if err != nil {
		return err
	}
	acc, on, err := p.find(to)
	if err != nil {
		return err
	}
	if to.Account == d.Account && to.Conversation == d.Event.Conversation.ID {
		return &platforms.Error{Kind: platforms.Rejected, Text: "This came from the very conversation that it would be posted into. Choose another one, or leave that conversation out by a route."}
	}
	m.Conversation, m.Thread, m.Reply, m.ReplyTo, m.Files = to.Conversation, "", "", "", nil
	m.Key = postKey(p.id, d.Seq)
	pieces, err := parts(m, on)
	if err != nil {
		return err
	}
	ephemeral := acc.ephemeral()
	if from, err := p.a.account(d.Account); err == nil {
		ephemeral = ephemeral || from.ephemeral() // what is not kept there is not kept here
	}
	for _, piece := range pieces { // each comes back by itself
		p.a.echoes.add(readable(piece), p.a.now())
	}
	_, err = p.a.enqueue(ctx, acc, store.Outgoing{Account: to.Account, Message: m, Ephemeral: ephemeral})
	switch {
	case refused(err):
		return &platforms.Error{Kind: platforms.Rejected, Text: "The message can't be kept: " + err.Error(), Err: err}
	case err != nil: // the journal's fault, which passes
		return &platforms.Error{Kind: platforms.Temporary, Text: "The message could not be queued. The next try follows by itself.", Err: err}
	}
	return nil
}

// postKey is the same for an event and a responder, whatever happens between two
// tries; the journal remembers it for each account.
func postKey(responder string, seq uint64) string { return fmt.Sprintf("post/%s/%d", responder, seq) }

// readable is how a message reads.
func readable(m platforms.Message) string {
	if m.Format == platforms.Markdown {
		return markup.Plain(markup.Parse(m.Text))
	}
	return m.Text
}

// Echo is Outbox's.
func (p posting) Echo(text string) bool { return p.a.echoes.has(text, p.a.now()) }

// How many posts are remembered for Echo, and how long: what comes back comes at
// once, or after an outage.
const (
	echoMost = 4096
	echoFor  = time.Hour
)

// echoes are texts that were posted somewhere else, by digest. They are
// forgotten at a restart.
type echoes struct {
	mu   sync.Mutex
	seen map[[32]byte]time.Time
}

// echoOf is the digest of a text's letters and digits; ok is false where there
// are none.
func echoOf(text string) (sum [32]byte, ok bool) {
	bare := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
	return sha256.Sum256([]byte(bare)), bare != ""
}

func (e *echoes) add(text string, now time.Time) {
	sum, ok := echoOf(text)
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.seen == nil {
		e.seen = map[[32]byte]time.Time{}
	}
	if len(e.seen) >= echoMost {
		var oldest [32]byte
		var at time.Time
		for sum, t := range e.seen {
			switch {
			case now.Sub(t) > echoFor:
				delete(e.seen, sum)
			case at.IsZero() || t.Before(at):
				oldest, at = sum, t
			}
		}
		if len(e.seen) >= echoMost {
			delete(e.seen, oldest)
		}
	}
	e.seen[sum] = now
}

func (e *echoes) has(text string, now time.Time) bool {
	sum, ok := echoOf(text)
	if !ok {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	at, ok := e.seen[sum]
	return ok && now.Sub(at) <= echoFor
}
