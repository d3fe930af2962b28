package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

// Send is platforms.Connector's. Slack has no idempotency key for bots: where an
// answer got lost, the next attempt writes the message again.
func (c *connector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	if err := fits(m); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if len(m.Files) == 0 {
		id, err := c.post(ctx, m)
		if err != nil {
			return c.elsewhere(ctx, m, err)
		}
		return id, nil
	}
	// With buttons there are two messages, since a file has none. What was done
	// of a message that breaks off is not done again.
	id, done := c.parts.get(m.Key)
	if !done {
		with := m
		if len(m.Buttons) > 0 {
			with.Text = ""
		}
		var err error
		if id, err = c.sendFiles(ctx, with); err != nil {
			return "", err
		}
	}
	if len(m.Buttons) == 0 {
		return id, nil
	}
	c.parts.put(m.Key, id)
	without := m
	without.Files = nil
	if strings.TrimSpace(without.Text) == "" {
		without.Text = "Choose:"
	}
	id, err := c.post(ctx, without)
	if err == nil {
		c.parts.drop(m.Key)
	}
	return id, err
}

// Edit is platforms.Editor's.
func (c *connector) Edit(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	if err := fits(m); err != nil {
		return err
	}
	if len(m.Files) > 0 {
		return &platforms.Error{Kind: platforms.Unsupported, Text: "Slack does not let files be put into a message later. Send a new one."}
	}
	if micros(string(id)) == 0 {
		return rejected("%s", advices["message_not_found"])
	}
	args := content(m)
	args.Set("channel", string(m.Conversation))
	args.Set("ts", string(id))
	return c.api.do(ctx, sendTime, "chat.update", args, nil)
}

// fits refuses what Slack would refuse or cut off.
func fits(m platforms.Message) error {
	l := limits()
	if strings.TrimSpace(m.Text) == "" && len(m.Files) == 0 && len(m.Buttons) == 0 {
		return rejected("%s", advices["no_text"])
	}
	if text.Len(m.Text, l.Unit) > l.Text {
		return rejected("The text is longer than the %d characters that Slack shows well. Shorten it.", l.Text)
	}
	n := 0
	for _, row := range m.Buttons {
		if len(row) > l.ButtonsPerRow {
			return rejected("A row has more than %d buttons. Use several rows.", l.ButtonsPerRow)
		}
		for _, b := range row {
			n++
			switch {
			case strings.TrimSpace(b.Label) == "":
				return rejected("A button has no label. Give it one.")
			case utf8.RuneCountInString(b.Label) > l.Label:
				return rejected("A button's label is longer than the %d characters that Slack allows. Shorten it.", l.Label)
			case len(b.Data) > l.Data:
				return rejected("A button carries more data than Slack allows, which is %d bytes. Shorten it.", l.Data)
			case b.URL != "":
				u, err := url.Parse(b.URL)
				if err != nil || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "mailto" || len(b.URL) > 3000 {
					return rejected("The address of a button is none that Slack opens. Use one that begins with https://.")
				}
			}
		}
	}
	if n > l.Buttons {
		return rejected("There are more than the %d buttons that fit one message. Use fewer.", l.Buttons)
	}
	for _, f := range m.Files {
		if f.Size > l.Upload {
			return tooLarge(f)
		}
	}
	return nil
}

// content is a message's text and buttons as arguments.
func content(m platforms.Message) url.Values {
	return url.Values{
		"text": {fallback(m.Text, m.Format, m.Buttons)}, "blocks": {encode(blocks(m))}, "mrkdwn": {"false"}, "parse": {"none"},
		"link_names": {"false"}, "unfurl_links": {"false"}, "unfurl_media": {"false"},
	}
}

// thread is the thread that m belongs to: the one it names, or, in a channel,
// that of the message which it answers.
func thread(m platforms.Message) string {
	if m.Thread != "" {
		return string(m.Thread)
	}
	if m.ReplyTo != "" && !strings.HasPrefix(string(m.Conversation), "D") && micros(string(m.ReplyTo)) > 0 {
		return string(m.ReplyTo)
	}
	return ""
}

func (c *connector) post(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	args := content(m)
	args.Set("channel", string(m.Conversation))
	if t := thread(m); t != "" {
		args.Set("thread_ts", t)
	}
	var got struct {
		TS string `json:"ts"`
	}
	err := c.api.do(ctx, sendTime, "chat.postMessage", args, &got)
	if wordOf(err) == "invalid_blocks" && m.Format == platforms.Markdown {
		// A mention of somebody whom Slack does not know, for one: who wrote it
		// can't mend it, and the words matter more.
		m.Text, m.Format = markup.Plain(markup.Parse(m.Text)), platforms.Plain
		args.Set("blocks", encode(blocks(m)))
		err = c.api.do(ctx, sendTime, "chat.postMessage", args, &got)
	}
	if err != nil {
		return "", err
	}
	if micros(got.TS) == 0 {
		return "", misunderstood(http.StatusOK)
	}
	return platforms.MessageID(got.TS), nil
}

// elsewhere answers a command where the bot is not: by the address that came
// with it.
func (c *connector) elsewhere(ctx context.Context, m platforms.Message, why error) (platforms.MessageID, error) {
	word := wordOf(why)
	if m.Reply == "" || word != "channel_not_found" && word != "not_in_channel" {
		return "", why
	}
	a, err := c.answerable(m.Reply)
	if err != nil || a.Channel != string(m.Conversation) {
		return "", why
	}
	if err := c.respond(ctx, a, map[string]any{"response_type": "in_channel", "replace_original": false,
		"text": fallback(m.Text, m.Format, m.Buttons), "blocks": blocks(m)}); err != nil {
		return "", err
	}
	return "response", nil // Slack gives such a message no id
}

// Clicked is platforms.Clicker's. The button itself stopped waiting when the
// event was acknowledged.
func (c *connector) Clicked(ctx context.Context, t platforms.ReplyToken, words string) error {
	if strings.TrimSpace(words) == "" {
		return nil
	}
	a, err := c.answerable(t)
	if err != nil {
		return err
	}
	words = text.Line(words, 300)
	body := map[string]any{"response_type": "ephemeral", "replace_original": false, "text": escape(words)}
	if b := rich(words, platforms.Plain); b != nil {
		body["blocks"] = []any{b}
	}
	return c.respond(ctx, a, body)
}

// parts remembers what was sent of messages that broke off.
type parts struct {
	mu    sync.Mutex
	byKey map[string]platforms.MessageID
}

const partsMost = 100

func (p *parts) get(key string) (platforms.MessageID, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok := p.byKey[key]
	return id, ok && key != ""
}

func (p *parts) put(key string, id platforms.MessageID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byKey == nil {
		p.byKey = map[string]platforms.MessageID{}
	}
	for old := range p.byKey {
		if len(p.byKey) < partsMost {
			break
		}
		delete(p.byKey, old)
	}
	p.byKey[key] = id
}

func (p *parts) drop(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byKey, key)
}

var errNoAnswer = errors.New("the response url was refused")
