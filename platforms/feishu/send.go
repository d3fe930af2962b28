package feishu

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// body is one message in the platform's form.
type body struct {
	kind    string // msg_type
	content any
	choices []choice
}

// Send is platforms.Connector's.
//
// The platform has no message of both text and file. Files go first, each by
// itself, then the text, with the buttons; the id is that of the first part.
// Every part has its own uuid, derived from Key, so that within an hour another
// attempt with the same Key adds what was missing and repeats nothing.
func (c *connector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	to, err := address(m)
	if err != nil {
		return "", err
	}
	if err := acceptable(m); err != nil {
		return "", err
	}
	var words *body
	if strings.TrimSpace(m.Text) != "" || len(m.Buttons) > 0 {
		if words, err = worded(m); err != nil {
			return "", err
		}
	}
	var first platforms.MessageID
	for i, f := range m.Files {
		b, err := c.upload(ctx, f)
		if err != nil {
			return "", err
		}
		id, err := c.put(ctx, to, b, m.Key, i)
		if err != nil {
			return "", err
		}
		if i == 0 {
			first = id
		}
	}
	if words != nil {
		id, err := c.put(ctx, to, words, m.Key, len(m.Files))
		if err != nil {
			return "", err
		}
		if first == "" {
			first = id
		}
	}
	c.endTyping(ctx, m.Conversation)
	return first, nil
}

// acceptable checks m against the limits.
func acceptable(m platforms.Message) error {
	if strings.TrimSpace(m.Text) == "" && len(m.Files) == 0 {
		return rejected("The message is empty. Write something or attach a file.")
	}
	if n := length(m.Text, m.Format); n > limits().Text {
		return rejected("The text takes %d bytes in Feishu's form, and %d are allowed. Shorten it.", n, limits().Text)
	}
	for _, f := range m.Files {
		if f.Size > limits().Upload {
			return tooLarge(f)
		}
	}
	n := 0
	for _, row := range m.Buttons {
		for _, b := range row {
			label := text.Line(b.Label, limits().Label)
			switch n++; {
			case n > limits().Buttons:
				return rejected("The message has more than %d buttons. Leave some out.", limits().Buttons)
			case strings.TrimSpace(b.Label) == "":
				return rejected("A button has no label. Give it one.")
			case utf8.RuneCountInString(b.Label) > limits().Label:
				return rejected("The label of the button %q is longer than %d characters. Shorten it.", label, limits().Label)
			case b.URL == "" && b.Data == "":
				return rejected("The button %q does nothing. Give it data or an address.", label)
			case b.URL == "" && len(b.Data) > limits().Data:
				return rejected("The button %q carries %d bytes, and %d are allowed. Shorten its data.", label, len(b.Data), limits().Data)
			}
		}
	}
	return nil
}

// worded is m's text, with its buttons.
func worded(m platforms.Message) (*body, error) {
	b := &body{kind: larkim.MsgTypePost, content: nil}
	if hasButtons(m) {
		b.kind = larkim.MsgTypeInteractive
		b.content, b.choices = card(m.Text, m.Format, m.Buttons)
	} else {
		b.content = post(m.Text, m.Format)
	}
	if inRequest(b.content) > requestMost-512 { // for what stands around it
		return nil, rejected("The text and its buttons are larger than the 30 KB that Feishu allows. Shorten them.")
	}
	return b, nil
}

func hasButtons(m platforms.Message) bool {
	for _, row := range m.Buttons {
		if len(row) > 0 {
			return true
		}
	}
	return false
}

// target is where a message goes: a chat or a person, or below a message.
type target struct {
	kind, id string // receive_id_type
	below    string // a message, which is replied to
	inThread bool
}

// path is the call that puts a message there.
func (t target) path() (string, url.Values) {
	if t.below != "" {
		return "/open-apis/im/v1/messages/" + url.PathEscape(t.below) + "/reply", nil
	}
	return "/open-apis/im/v1/messages", url.Values{"receive_id_type": {t.kind}}
}

// address reads where m goes.
func address(m platforms.Message) (t target, err error) {
	t.id = string(m.Conversation)
	for prefix, kind := range map[string]string{"oc_": "chat_id", "ou_": "open_id", "on_": "union_id"} {
		if strings.HasPrefix(t.id, prefix) && !strings.ContainsFunc(t.id, notWord) {
			t.kind = kind
		}
	}
	if t.kind == "" {
		return t, rejected("This is not a chat of Feishu's: its id begins with oc_, a person's with ou_.")
	}
	for _, id := range []string{string(m.Thread), string(m.ReplyTo)} {
		if id != "" && !isMessage(id) {
			return t, rejected("The message to answer is not one of Feishu's: its id begins with om_.")
		}
	}
	switch {
	case m.ReplyTo != "":
		t.below, t.inThread = string(m.ReplyTo), m.Thread != ""
	case m.Thread != "":
		t.below, t.inThread = string(m.Thread), true
	}
	return t, nil
}

func isMessage(id string) bool {
	return strings.HasPrefix(id, "om_") && !strings.ContainsFunc(id, notWord)
}

// goneCodes say that a message was recalled, or deleted.
var goneCodes = []int{230011, 230110}

// put sends one part of a message.
func (c *connector) put(ctx context.Context, t target, b *body, key string, part int) (platforms.MessageID, error) {
	content, err := encode(b.content)
	if err != nil {
		return "", rejected("This can't be put into Feishu's form. Change the message.")
	}
	words, uuid := string(content), uuid(key, part)
	path, query := t.path()
	var in any = larkim.CreateMessageReqBody{ReceiveId: &t.id, MsgType: &b.kind, Content: &words, Uuid: uuid}
	if t.below != "" {
		in = larkim.ReplyMessageReqBody{MsgType: &b.kind, Content: &words, Uuid: uuid, ReplyInThread: &t.inThread}
	}
	var got larkim.Message
	err = c.api.do(ctx, sendTime, call{method: http.MethodPost, path: path, query: query, body: in}, &got)
	if slices.Contains(goneCodes, codeOf(err)) && t.below != "" && !t.inThread {
		t.below = "" // what was answered is gone; the answer is not
		return c.put(ctx, t, b, key, part)
	}
	if err != nil {
		return "", err
	}
	id := platforms.MessageID(str(got.MessageId))
	if id == "" {
		return "", misunderstood(http.StatusOK)
	}
	c.recent.wrote(id, b.choices)
	return id, nil
}

// uuid is the platform's idempotency key, of at most 50 characters, which it
// remembers for an hour. Nil without a key.
func uuid(key string, part int) *string {
	if key == "" {
		return nil
	}
	h := sha256.Sum256([]byte(key + "\x00" + strconv.Itoa(part)))
	s := hex.EncodeToString(h[:20])
	return &s
}

// Edit is platforms.Editor's. A text can be changed 20 times; a card, which is
// what a message with buttons is, as often as one likes. Neither becomes the
// other.
func (c *connector) Edit(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	if !isMessage(string(id)) {
		return rejected("The message to change is not one of Feishu's. Send a new one.")
	}
	m.Files = nil // they can't be exchanged
	if err := acceptable(m); err != nil {
		return err
	}
	done, err := c.editing(ctx)
	if err != nil {
		return err
	}
	defer done()
	choices, known := c.recent.choices(id)
	if hasButtons(m) || known && choices != nil {
		return c.patch(ctx, id, m)
	}
	b, err := worded(m)
	if err != nil {
		return err
	}
	content, err := encode(b.content)
	if err != nil {
		return rejected("This can't be put into Feishu's form. Change the message.")
	}
	words := string(content)
	var got larkim.Message
	err = c.api.do(ctx, sendTime, call{method: http.MethodPut, path: "/open-apis/im/v1/messages/" + string(id),
		body: larkim.UpdateMessageReqBody{MsgType: &b.kind, Content: &words}}, &got)
	if !known && codeOf(err) == codeWrongKind { // a card, from before a restart
		return c.patch(ctx, id, m)
	}
	return err
}

// editing waits until nobody else edits; done lets the next one.
func (c *connector) editing(ctx context.Context) (done func(), err error) {
	select {
	case c.edits <- struct{}{}:
		return func() { <-c.edits }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// codeWrongKind: "This operation is not supported for this message type."
const codeWrongKind = 230054

// patch makes a card of m and puts it in the place of another.
func (c *connector) patch(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	content, choices := card(m.Text, m.Format, m.Buttons)
	if inRequest(content) > requestMost-512 {
		return rejected("The text and its buttons are larger than the 30 KB that Feishu allows. Shorten them.")
	}
	if err := c.replace(ctx, string(id), content); err != nil {
		return err
	}
	c.recent.wrote(id, choices)
	return nil
}

// replace puts a card's content in the place of another.
func (c *connector) replace(ctx context.Context, id string, content any) error {
	b, err := encode(content)
	if err != nil {
		return rejected("This can't be put into Feishu's form. Change the message.")
	}
	words := string(b)
	return c.api.do(ctx, sendTime, call{method: http.MethodPatch, path: "/open-apis/im/v1/messages/" + url.PathEscape(id),
		body: larkim.PatchMessageReqBody{Content: &words}}, nil)
}
