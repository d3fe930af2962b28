package feishu

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// toastMost is how many characters of an answer to a click are shown.
const toastMost = 200

// Clicked is platforms.Clicker's: the words are shown briefly, if the click is
// still fresh, and the card shows from then on which button was pressed.
func (c *connector) Clicked(ctx context.Context, token platforms.ReplyToken, words string) error {
	t := clickOf(token)
	if t.Message == "" {
		return nil
	}
	if t.Token != "" {
		c.mu.Lock()
		s := c.live
		c.mu.Unlock()
		if s != nil {
			if err := s.toast(t.Token, text.Line(words, toastMost)); err != nil {
				return platforms.Network(err, title)
			}
		}
	}
	if err := c.mark(ctx, t); err != nil {
		c.log.warn(ctx, "feishu: the card does not show what was chosen", err)
	}
	return nil
}

// mark puts a sign to the button that was pressed. The card is read first: it
// may have been changed since, and then there is nothing to mark.
func (c *connector) mark(ctx context.Context, t clickToken) error {
	done, err := c.editing(ctx)
	if err != nil {
		return err
	}
	defer done()
	content, err := c.cardOf(ctx, t.Message)
	if err != nil || content == nil {
		return err
	}
	if !markPressed(content, t) {
		return nil
	}
	return c.replace(ctx, t.Message, content)
}

// cardOf is the content of a card of the bot's as it was sent, or nil. Another
// bot's could name any data: who answers that with a number presses nothing.
func (c *connector) cardOf(ctx context.Context, id string) (map[string]any, error) {
	var got larkim.GetMessageRespData
	err := c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/open-apis/im/v1/messages/" + url.PathEscape(id),
		query: url.Values{"card_msg_content_type": {"user_card_content"}}}, &got)
	if err != nil {
		return nil, err
	}
	if len(got.Items) == 0 || got.Items[0] == nil || got.Items[0].Body == nil || str(got.Items[0].MsgType) != larkim.MsgTypeInteractive {
		return nil, nil
	}
	if s := got.Items[0].Sender; s == nil || str(s.SenderType) != "app" || str(s.Id) != c.api.app {
		return nil, nil
	}
	var content map[string]any
	_ = json.Unmarshal([]byte(str(got.Items[0].Body.Content)), &content)
	return content, nil
}

// markPressed marks the button that t names, and no other that calls back. It
// reports whether that changed anything.
func markPressed(content map[string]any, t clickToken) bool {
	changed, found := false, false
	each(content, func(button, label map[string]any, v map[string]any) {
		words, _ := label["content"].(string)
		plain := strings.TrimPrefix(words, chosenMark)
		at, _ := v[valuePlace].(string)
		want := plain
		if v[valueData] == t.Data && at == t.At {
			want, found = chosenMark+plain, true
		}
		changed = changed || want != words
		label["content"] = want
		if want != plain {
			button["type"] = "primary"
		} else {
			button["type"] = "default"
		}
	})
	return changed && found
}

// each calls f with each button of a card that calls back, its text and value.
func each(content map[string]any, f func(button, label, value map[string]any)) {
	elements, _ := content["elements"].([]any)
	for _, e := range elements {
		o, _ := e.(map[string]any)
		actions, _ := o["actions"].([]any)
		for _, a := range actions {
			button, _ := a.(map[string]any)
			label, _ := button["text"].(map[string]any)
			value, _ := button["value"].(map[string]any)
			if label != nil && value != nil {
				f(button, label, value)
			}
		}
	}
}

// chosen makes a click of a reply to a card of the bot's that says the label of
// a button, or its number: so people can choose where the app gets no clicks.
// A card from before a restart is looked up, for numbers only.
func (c *connector) chosen(ctx context.Context, ev *platforms.Event) {
	words := strings.TrimSpace(ev.Text)
	if ev.ReplyTo == "" || ev.Own || words == "" || len(ev.Attachments) > 0 || utf8.RuneCountInString(words) > limits().Label {
		return
	}
	number, err := strconv.Atoi(strings.TrimRight(words, ".)"))
	isNumber := err == nil && number > 0 && number <= limits().Buttons
	choices, known := c.recent.choices(ev.ReplyTo)
	if !known && isNumber && ctx.Err() == nil {
		choices = c.choicesOf(ctx, ev.ReplyTo)
	}
	at := -1
	for i, b := range choices {
		if strings.EqualFold(strings.TrimSpace(b.label), words) {
			at = i
			break
		}
	}
	if at < 0 && isNumber && number <= len(choices) {
		at = number - 1
	}
	if at < 0 {
		return
	}
	ev.Kind, ev.Message, ev.ReplyTo, ev.Text = platforms.ButtonClicked, ev.ReplyTo, "", ""
	ev.Mentioned = true
	ev.Click = &platforms.Click{Data: choices[at].data,
		Token: clickToken{Message: string(ev.Message), At: strconv.Itoa(at), Data: choices[at].data}.encode()}
}

// choicesOf asks for the buttons of a card of the bot's.
func (c *connector) choicesOf(ctx context.Context, id platforms.MessageID) (out []choice) {
	if !isMessage(string(id)) {
		return nil
	}
	content, err := c.cardOf(ctx, string(id))
	if err != nil {
		return nil
	}
	each(content, func(_, label, value map[string]any) {
		words, _ := label["content"].(string)
		data, ok := value[valueData].(string)
		if ok {
			out = append(out, choice{strings.TrimPrefix(words, chosenMark), data})
		}
	})
	return out
}
