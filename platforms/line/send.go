package line

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Send is platforms.Connector's.
//
// Where m.Reply holds a reply token that lives and was not used, the message
// goes by it, which is free; else, and when LINE refuses the token, it is pushed
// with a retry key made of m.Key, so that LINE takes it once however often it is
// tried. A reply has no such key: when its answer is lost, the next attempt
// pushes, and if the reply did arrive, then the message is there twice.
func (c *connector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	to := string(m.Conversation)
	switch {
	case !ids.MatchString(to):
		return "", rejected("This is not a chat of LINE's: its id is U, C or R and 32 digits and letters.")
	case len(m.Files) > 0:
		return "", &platforms.Error{Kind: platforms.Unsupported, Text: "LINE takes no files from a bot, only public addresses of pictures, videos and sounds. Put the file where the person can open it, and send its address."}
	case strings.TrimSpace(m.Text) == "":
		return "", rejected("The message is empty. Write something.")
	}
	reply := parseReply(m.Reply)
	tag := makeTag(m)
	words := format(m.Text, m.Format, to[0] != 'U')
	messages, err := c.compose(m, words, reply, tag)
	if err != nil {
		return "", err
	}
	var got messaging_api.PushMessageResponse
	err = c.deliver(ctx, m, reply, messages, &got)
	if r := refusalOf(err); r != nil && r.status == http.StatusBadRequest && len(words.who) > 0 {
		// Who is mentioned must be in the chat. The words matter more.
		words = format(m.Text, m.Format, false)
		if messages, err = c.compose(m, words, reply, tag); err != nil {
			return "", err
		}
		err = c.push(ctx, m, messages, &got)
	}
	if err != nil {
		return "", err
	}
	for _, s := range got.SentMessages {
		c.quotes.put(s.Id, quote{token: s.QuoteToken, own: true})
	}
	if len(got.SentMessages) == 0 || got.SentMessages[len(got.SentMessages)-1].Id == "" {
		return "", misunderstood(http.StatusOK)
	}
	id := platforms.MessageID(got.SentMessages[len(got.SentMessages)-1].Id) // which has the buttons
	if len(m.Buttons) > 0 {
		c.tags.put(tag, id)
	}
	return id, nil
}

// deliver replies if that is possible, else pushes. A reply that surely did not
// reach LINE, or that it put off, leaves the token for the next attempt.
func (c *connector) deliver(ctx context.Context, m platforms.Message, t token, messages []messaging_api.MessageInterface, got *messaging_api.PushMessageResponse) error {
	if t.Reply != "" && c.now().UnixMilli() < t.Until && c.used.put(t.Reply, struct{}{}) {
		var written atomic.Bool
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
		err := c.api.do(traced, call{method: http.MethodPost, path: "/v2/bot/message/reply",
			body: map[string]any{"replyToken": t.Reply, "messages": messages}}, got)
		if err != nil && !written.Load() || platforms.KindOf(err) == platforms.RateLimited {
			c.used.forget(t.Reply)
		}
		if !says(err, "invalid reply token") {
			return err
		}
	}
	return c.push(ctx, m, messages, got)
}

// push sends with a retry key. That LINE has it already is a success.
// https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
func (c *connector) push(ctx context.Context, m platforms.Message, messages []messaging_api.MessageInterface, got *messaging_api.PushMessageResponse) error {
	err := c.api.do(ctx, call{method: http.MethodPost, path: "/v2/bot/message/push", header: map[string]string{"X-Line-Retry-Key": retryKey(m)},
		body: map[string]any{"to": string(m.Conversation), "messages": messages}}, got)
	r := refusalOf(err)
	if r == nil || r.status != http.StatusConflict || r.accepted == "" && len(r.sent) == 0 {
		return err
	}
	got.SentMessages = r.sent
	if len(r.sent) == 0 {
		got.SentMessages = []messaging_api.SentMessage{{Id: "accepted:" + r.accepted}}
	}
	return nil
}

// retryKey is a UUID that is the same for every attempt at m.
func retryKey(m platforms.Message) string {
	var b [16]byte
	if m.Key == "" {
		_, _ = rand.Read(b[:])
	} else {
		sum := sha256.Sum256([]byte("line retry key\x00" + string(m.Conversation) + "\x00" + m.Key))
		copy(b[:], sum[:])
	}
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // version 8: of our own making
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// A postback tells its data and nothing of the message that it stood under, so
// the data begins with a tag that is known before the message has an id.
const (
	tagStart  = "~p"
	tagLength = len(tagStart) + 12 + 1
)

// makeTag is a tag for m, the same for every attempt.
func makeTag(m platforms.Message) string {
	sum := sha256.Sum256([]byte("line tag\x00" + string(m.Conversation) + "\x00" + m.Key))
	if m.Key == "" {
		_, _ = rand.Read(sum[:])
	}
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// untag takes the tag off a postback's data. Data without one, from a rich menu
// for instance, stays whole.
func untag(data string) (rest, tag string) {
	if len(data) < tagLength || data[:len(tagStart)] != tagStart || data[tagLength-1] != '~' {
		return data, ""
	}
	return data[tagLength:], data[len(tagStart) : tagLength-1]
}

// Bounds of what stands in a bubble. Longer texts go before it.
const (
	bubbleText = 1000
	altMost    = 400 // units; LINE's bound was this before it was raised
	uriMost    = 1000
)

// compose is m as LINE's messages: the text, or a bubble with text and buttons,
// or both where the text is long, quotes or mentions.
func (c *connector) compose(m platforms.Message, words written, t token, tag string) ([]messaging_api.MessageInterface, error) {
	if n := text.Len(words.text, platforms.UTF16); n > limits().Text {
		return nil, rejected("The text is %d units long, and LINE allows %d. Shorten it.", n, limits().Text)
	}
	q := ""
	if m.ReplyTo != "" {
		if t.Message == string(m.ReplyTo) {
			q = t.Quote
		} else {
			known, _ := c.quotes.get(string(m.ReplyTo))
			q = known.token
		}
	}
	actions, err := actions(m.Buttons, tag)
	if err != nil {
		return nil, err
	}
	if len(actions) == 0 {
		return []messaging_api.MessageInterface{words.message(q)}, nil
	}
	if c.quick {
		return []messaging_api.MessageInterface{withQuick(words.message(q), actions)}, nil
	}
	if q != "" || len(words.who) > 0 || text.Len(words.text, platforms.UTF16) > bubbleText {
		return []messaging_api.MessageInterface{words.message(q), bubble("", actions)}, nil
	}
	return []messaging_api.MessageInterface{bubble(words.text, actions)}, nil
}

// withQuick puts buttons above the keyboard, as a text's quick replies.
func withQuick(m messaging_api.MessageInterface, actions []labelled) messaging_api.MessageInterface {
	q := &messaging_api.QuickReply{}
	for _, a := range actions {
		q.Items = append(q.Items, messaging_api.QuickReplyItem{Type: "action", Action: a.action})
	}
	switch m := m.(type) {
	case *messaging_api.TextMessage:
		m.QuickReply = q
	case *messaging_api.TextMessageV2:
		m.QuickReply = q
	}
	return m
}

// bubble is a Flex Message with an optional text and a button on each line.
// https://developers.line.biz/en/reference/messaging-api/#flex-message
func bubble(words string, actions []labelled) messaging_api.MessageInterface {
	alt := words
	if alt == "" {
		var labels []string
		for _, a := range actions {
			labels = append(labels, a.label)
		}
		alt = strings.Join(labels, " / ")
	}
	if text.Len(alt, platforms.UTF16) > altMost {
		alt = text.Split(alt, altMost, platforms.UTF16)[0]
	}
	b := &messaging_api.FlexBubble{}
	if words != "" {
		b.Body = &messaging_api.FlexBox{Layout: messaging_api.FlexBoxLAYOUT_VERTICAL,
			Contents: []messaging_api.FlexComponentInterface{&messaging_api.FlexText{Text: words, Wrap: true}}}
	}
	b.Footer = &messaging_api.FlexBox{Layout: messaging_api.FlexBoxLAYOUT_VERTICAL, Spacing: "sm"}
	for _, a := range actions {
		b.Footer.Contents = append(b.Footer.Contents, &messaging_api.FlexButton{
			Action: a.action, Style: messaging_api.FlexButtonSTYLE_SECONDARY, Height: messaging_api.FlexButtonHEIGHT_SM})
	}
	return &messaging_api.FlexMessage{AltText: alt, Contents: b}
}

// labelled is a button's action with its label.
type labelled struct {
	label  string
	action messaging_api.ActionInterface
}

// actions is buttons in LINE's form, row by row.
func actions(rows [][]platforms.Button, tag string) (out []labelled, err error) {
	for _, row := range rows {
		for _, b := range row {
			label := text.Line(b.Label, limits().Label)
			switch {
			case label == "":
				return nil, rejected("A button has no label. Give it one.")
			case b.URL == "" && b.Data == "":
				return nil, rejected("The button %q does nothing. Give it data or an address.", label)
			case b.URL == "" && len(b.Data) > limits().Data:
				return nil, rejected("The button %q carries %d bytes, and LINE allows %d. Shorten its data.", label, len(b.Data), limits().Data)
			case b.URL != "":
				u, err := url.Parse(b.URL)
				if err != nil || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "tel" && u.Scheme != "line" || len(b.URL) > uriMost {
					return nil, rejected("LINE does not accept the address of the button %q: it must begin with https:// and have at most %d characters.", label, uriMost)
				}
				out = append(out, labelled{label, &messaging_api.UriAction{Label: label, Uri: b.URL}})
			default:
				// What was chosen stands in the chat as the person's own words.
				out = append(out, labelled{label, &messaging_api.PostbackAction{Label: label, Data: tagStart + tag + "~" + b.Data, DisplayText: label}})
			}
		}
	}
	if len(out) > limits().Buttons {
		return nil, rejected("The message has %d buttons, and LINE allows %d. Leave some out.", len(out), limits().Buttons)
	}
	return out, nil
}

// loadingSeconds is how long the sign of writing is shown: 5 to 60 in steps of
// 5. It ends by itself when a message comes.
const loadingSeconds = 20

// Typing is platforms.Typer's. LINE shows the sign in direct chats only.
// https://developers.line.biz/en/reference/messaging-api/#display-a-loading-indicator
func (c *connector) Typing(ctx context.Context, id platforms.ConversationID, _ platforms.ThreadID) error {
	if !ids.MatchString(string(id)) || id[0] != 'U' {
		return &platforms.Error{Kind: platforms.Unsupported, Text: "LINE shows that the bot is writing in direct chats only. In this one, just answer."}
	}
	return c.api.do(ctx, call{method: http.MethodPost, path: "/v2/bot/chat/loading/start",
		body: &messaging_api.ShowLoadingAnimationRequest{ChatId: string(id), LoadingSeconds: loadingSeconds}}, nil)
}
