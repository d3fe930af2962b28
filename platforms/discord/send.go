package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// mentions is who a message may call, which is nobody unless it says so.
// https://discord.com/developers/docs/resources/message#allowed-mentions-object
type mentions struct {
	Parse []string `json:"parse"`
	Users []string `json:"users,omitempty"`
	Reply bool     `json:"replied_user"`
}

var nobody = mentions{Parse: []string{}}

// outgoing is a message in the platform's form.
type outgoing struct {
	Content     string       `json:"content"`
	Nonce       string       `json:"nonce,omitempty"`
	Enforce     bool         `json:"enforce_nonce,omitempty"`
	Mentions    mentions     `json:"allowed_mentions"`
	Reference   *answerTo    `json:"message_reference,omitempty"`
	Components  *[]row       `json:"components,omitempty"`
	Attachments []attachedAs `json:"attachments,omitempty"`
}

type answerTo struct {
	Message string `json:"message_id"`
	Must    bool   `json:"fail_if_not_exists"`
}

type row struct {
	Type       int      `json:"type"`
	Components []button `json:"components"`
}

type button struct {
	Type  int    `json:"type"`
	Style int    `json:"style"`
	Label string `json:"label"`
	ID    string `json:"custom_id,omitempty"`
	URL   string `json:"url,omitempty"`
}

// Kinds of components and styles of buttons.
// https://discord.com/developers/docs/components/reference
const (
	actionRow      = 1
	buttonKind     = 2
	secondaryStyle = 2
	linkStyle      = 5
)

// sent is what Discord answers.
type sent struct {
	ID snow `json:"id"`
}

// Send is platforms.Connector's. Text, files and buttons are one message.
//
// Discord takes a nonce once within a few minutes, so that another attempt with
// the same Key adds nothing. An answer to a command is put in the place of the
// “thinking…” that the person sees, as long as Discord allows it.
func (c *connector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	to, err := address(m)
	if err != nil {
		return "", err
	}
	out, err := compose(m)
	if err != nil {
		return "", err
	}
	if t, ok := ticketOf(m.Reply); ok {
		id, err := c.answer(ctx, t, m, out)
		if err == nil || !late(err) && platforms.KindOf(err) != platforms.Unauthorized {
			return id, err
		}
	}
	out.Nonce = nonce(m.Key)
	out.Enforce = out.Nonce != ""
	if m.ReplyTo != "" {
		out.Reference = &answerTo{Message: string(m.ReplyTo)}
	}
	return c.deliver(ctx, call{method: http.MethodPost, path: "/channels/" + to + "/messages"}, out, m.Files)
}

// answer answers a command by its webhook. The first message takes the place of
// the deferred one, which repeating it does again; others stand below.
func (c *connector) answer(ctx context.Context, t ticket, m platforms.Message, out outgoing) (platforms.MessageID, error) {
	first, known := false, false
	c.answers.at(t.ID, func(a *answer) {
		known = a.first != ""
		first = a.first == m.Key && m.Key != ""
	})
	if !known {
		// Another attempt, from before a restart, may have been the first.
		var original struct {
			Flags int `json:"flags"`
		}
		err := c.api.do(ctx, callTime, call{method: http.MethodGet, path: t.webhook() + "/messages/@original", open: true}, &original)
		if err != nil {
			return "", hide(err, t)
		}
		const loading = 1 << 7
		if first = original.Flags&loading != 0; first {
			c.answers.at(t.ID, func(a *answer) { a.first = m.Key })
		}
	}
	to := call{method: http.MethodPost, path: t.webhook(), query: url.Values{"wait": {"true"}}, open: true}
	if first {
		to = call{method: http.MethodPatch, path: t.webhook() + "/messages/@original", open: true}
	}
	id, err := c.deliver(ctx, to, out, m.Files)
	return id, hide(err, t)
}

// deliver sends a message, with files or without.
func (c *connector) deliver(ctx context.Context, to call, out outgoing, files []platforms.File) (platforms.MessageID, error) {
	var got sent
	var err error
	if len(files) > 0 {
		err = c.upload(ctx, to, out, files, &got)
	} else {
		to.body = out
		err = c.api.do(ctx, sendTime, to, &got)
	}
	if err != nil {
		return "", err
	}
	if got.ID == 0 {
		return "", misunderstood(http.StatusOK)
	}
	return platforms.MessageID(got.ID.String()), nil
}

// address is the channel where m goes.
func address(m platforms.Message) (string, error) {
	to := string(m.Conversation)
	if m.Thread != "" {
		to = string(m.Thread)
	}
	if snowflake(to) == 0 {
		return "", rejected("This is not a channel of Discord's: its id is a long number. Switch on Developer Mode in Discord to copy it.")
	}
	if m.ReplyTo != "" && snowflake(string(m.ReplyTo)) == 0 {
		return "", rejected("The message to answer is not one of Discord's: its id is a long number.")
	}
	return to, nil
}

// compose writes m in the platform's form, within its limits.
func compose(m platforms.Message) (outgoing, error) {
	var out outgoing
	if strings.TrimSpace(m.Text) == "" && len(m.Files) == 0 {
		return out, rejected("The message is empty. Write something or attach a file.")
	}
	content, users := write(m.Text, m.Format)
	if n := utf8.RuneCountInString(content); n > textMost {
		return out, rejected("The text takes %d characters in Discord's form, and %d are allowed. Shorten it.", n, textMost)
	}
	out.Content, out.Mentions = content, nobody
	if len(users) > 0 {
		out.Mentions.Users = users
	}
	if len(m.Files) > filesMost {
		return out, rejected("Discord takes %d files with one message. Send the others with another one.", filesMost)
	}
	for _, f := range m.Files {
		if f.Size > limits().Upload {
			return out, tooLarge(f.Name)
		}
	}
	rows, err := components(m.Buttons)
	if len(rows) > 0 {
		out.Components = &rows
	}
	return out, err
}

func components(buttons [][]platforms.Button) (rows []row, err error) {
	n := 0
	for _, line := range buttons {
		if len(line) == 0 {
			continue
		}
		if len(line) > limits().ButtonsPerRow || len(rows) >= rowsMost {
			return nil, rejected("Discord takes %d rows of %d buttons. Leave some out.", rowsMost, limits().ButtonsPerRow)
		}
		r := row{Type: actionRow}
		for _, b := range line {
			label := text.Line(b.Label, limits().Label)
			out := button{Type: buttonKind, Style: secondaryStyle, Label: b.Label}
			switch {
			case strings.TrimSpace(b.Label) == "":
				return nil, rejected("A button has no label. Give it one.")
			case utf8.RuneCountInString(b.Label) > limits().Label:
				return nil, rejected("The label of the button %q is longer than %d characters. Shorten it.", label, limits().Label)
			case b.URL != "":
				if utf8.RuneCountInString(b.URL) > urlMost {
					return nil, rejected("The address of the button %q is longer than %d characters. Shorten it.", label, urlMost)
				}
				out.Style, out.URL = linkStyle, b.URL
			case b.Data == "":
				return nil, rejected("The button %q does nothing. Give it data or an address.", label)
			case len(b.Data) > limits().Data:
				return nil, rejected("The button %q carries %d bytes, and %d are allowed. Shorten its data.", label, len(b.Data), limits().Data)
			default:
				out.ID = pack(n, b.Data)
			}
			n++
			r.Components = append(r.Components, out)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// nonce is the platform's idempotency key, of at most 25 characters.
func nonce(key string) string {
	if key == "" {
		return ""
	}
	h := sha256.Sum256([]byte(key))
	return hex.EncodeToString(h[:12])
}

// Edit is platforms.Editor's. Files stay as they are.
func (c *connector) Edit(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	to, err := address(m)
	if err != nil {
		return err
	}
	if snowflake(string(id)) == 0 {
		return rejected("The message to change is not one of Discord's. Send a new one.")
	}
	m.Files = nil
	out, err := compose(m)
	if err != nil {
		return err
	}
	if out.Components == nil {
		out.Components = &[]row{}
	}
	return c.api.do(ctx, sendTime, call{method: http.MethodPatch, path: "/channels/" + to + "/messages/" + url.PathEscape(string(id)), body: out}, nil)
}

// Typing is platforms.Typer's.
func (c *connector) Typing(ctx context.Context, conv platforms.ConversationID, t platforms.ThreadID) error {
	to, err := address(platforms.Message{Conversation: conv, Thread: t})
	if err != nil {
		return err
	}
	err = c.api.do(ctx, callTime, call{method: http.MethodPost, path: "/channels/" + to + "/typing"}, nil)
	var e *platforms.Error
	if errors.As(err, &e) && e.Kind == platforms.RateLimited {
		return nil // the sign is there already
	}
	return err
}
