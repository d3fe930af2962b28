package telegram

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-telegram/bot"
	"github.com/go-telegram/bot/models"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// target is a message's addresses in Telegram's form.
type target struct {
	chat   any // int64, or "@name" of a public channel
	thread int
	reply  *models.ReplyParameters
	keys   models.ReplyMarkup
}

// caption is a text as Telegram takes it, alone or beside a file.
type caption struct {
	text     string
	entities []models.MessageEntity
}

// progress is how far a message of several parts has come.
type progress struct {
	parts int
	first platforms.MessageID
}

// unfinished is how many broken-off messages are remembered.
const unfinished = 64

// Send is platforms.Connector's.
//
// A text with one file goes as the file's caption. With several files the text
// goes first, then each file; the id is that of the first part, which carries
// the buttons. If a part fails, then the next attempt with the same Key goes on
// after the last part that arrived.
func (c *connector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	t, err := address(m)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(m.Text) == "" && len(m.Files) == 0 {
		return "", rejected("The message is empty. Write something or attach a file.")
	}
	for _, f := range m.Files {
		if f.Size > limits().Upload {
			return "", rejected("The file %q is larger than the 50 MB that Telegram takes from a bot. Send a smaller one.", text.Line(f.Name, 100))
		}
	}
	words := caption{}
	words.text, words.entities = format(m.Text, m.Format)
	length := text.Len(words.text, platforms.UTF16)
	switch {
	case length > limits().Text:
		return "", rejected("The text is %d units long, and Telegram allows %d. Shorten it.", length, limits().Text)
	case len(m.Files) == 0:
		return c.sendText(ctx, t, words)
	case len(m.Files) == 1 && length <= limits().Caption:
		return c.sendFile(ctx, t, words, m.Files[0])
	}
	return c.sendParts(ctx, t, m, words)
}

// sendParts sends the text, if there is one, and each file by itself.
func (c *connector) sendParts(ctx context.Context, t target, m platforms.Message, words caption) (platforms.MessageID, error) {
	var send []func(target) (platforms.MessageID, error)
	if strings.TrimSpace(words.text) != "" {
		send = append(send, func(t target) (platforms.MessageID, error) { return c.sendText(ctx, t, words) })
	}
	for _, f := range m.Files {
		send = append(send, func(t target) (platforms.MessageID, error) { return c.sendFile(ctx, t, caption{}, f) })
	}
	p := c.resume(m.Key)
	for i := p.parts; i < len(send); i++ {
		part := t
		if i > 0 {
			part.reply, part.keys = nil, nil
		}
		id, err := send[i](part)
		if err != nil {
			c.suspend(m.Key, p)
			return "", err
		}
		if p.parts = i + 1; i == 0 {
			p.first = id
		}
	}
	return p.first, nil
}

// resume takes what is remembered of the message with this key.
func (c *connector) resume(key string) progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.done[key]
	if p == nil {
		return progress{}
	}
	delete(c.done, key)
	return *p
}

func (c *connector) suspend(key string, p progress) {
	if key == "" || p.parts == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for k := range c.done {
		if len(c.done) < unfinished {
			break
		}
		delete(c.done, k)
	}
	c.done[key] = &p
}

func (c *connector) sendText(ctx context.Context, t target, s caption) (platforms.MessageID, error) {
	var got models.MessageID
	err := c.api.call(ctx, sendTime, "sendMessage", &bot.SendMessageParams{
		ChatID: t.chat, MessageThreadID: t.thread, Text: s.text, Entities: s.entities, ReplyParameters: t.reply, ReplyMarkup: t.keys,
	}, &got)
	return sent(got, err)
}

func sent(got models.MessageID, err error) (platforms.MessageID, error) {
	if err == nil && got.ID == 0 {
		err = misunderstood(http.StatusOK)
	}
	if err != nil {
		return "", err
	}
	return platforms.MessageID(strconv.Itoa(got.ID)), nil
}

// Edit is platforms.Editor's. Files can't be exchanged; a file's text can.
func (c *connector) Edit(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	t, err := address(m)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(string(id))
	if err != nil {
		return rejected("The message to change is not one of Telegram's. Send a new one.")
	}
	words, entities := format(m.Text, m.Format)
	if strings.TrimSpace(words) == "" {
		return rejected("The message would become empty. Write something.")
	}
	var got models.MessageID
	err = c.api.call(ctx, sendTime, "editMessageText", &bot.EditMessageTextParams{
		ChatID: t.chat, MessageID: number, Text: words, Entities: entities, ReplyMarkup: t.keys,
	}, &got)
	if says(err, "there is no text in the message to edit") {
		err = c.api.call(ctx, sendTime, "editMessageCaption", &bot.EditMessageCaptionParams{
			ChatID: t.chat, MessageID: number, Caption: words, CaptionEntities: entities, ReplyMarkup: t.keys,
		}, &got)
	}
	if says(err, "message is not modified") {
		return nil
	}
	_, err = sent(got, err)
	return err
}

// Typing is platforms.Typer's.
func (c *connector) Typing(ctx context.Context, id platforms.ConversationID, thread platforms.ThreadID) error {
	t, err := address(platforms.Message{Conversation: id, Thread: thread})
	if err != nil {
		return err
	}
	var done bool
	return c.api.call(ctx, callTime, "sendChatAction", &bot.SendChatActionParams{
		ChatID: t.chat, MessageThreadID: t.thread, Action: models.ChatActionTyping,
	}, &done)
}

// Clicked is platforms.Clicker's. Telegram shows at most 200 characters.
func (c *connector) Clicked(ctx context.Context, token platforms.ReplyToken, words string) error {
	var done bool
	err := c.api.call(ctx, callTime, "answerCallbackQuery", &bot.AnswerCallbackQueryParams{
		CallbackQueryID: string(token), Text: text.Line(words, 200),
	}, &done)
	if says(err, "query is too old") || says(err, "query id is invalid") {
		return nil // the button has stopped waiting by itself
	}
	return err
}

// address puts a message's addresses and buttons in Telegram's form.
func address(m platforms.Message) (t target, err error) {
	id := string(m.Conversation)
	if n, err := strconv.ParseInt(id, 10, 64); err == nil {
		t.chat = n
	} else if len(id) > 1 && id[0] == '@' {
		t.chat = id
	} else {
		return t, rejected("This is not a chat of Telegram's: its id is a number, or @ and the name of a public channel.")
	}
	if m.Thread != "" {
		if t.thread, err = strconv.Atoi(string(m.Thread)); err != nil {
			return t, rejected("This is not a topic of Telegram's: its id is a number.")
		}
	}
	if m.ReplyTo != "" {
		n, err := strconv.Atoi(string(m.ReplyTo))
		if err != nil {
			return t, rejected("The message to reply to is not one of Telegram's: its id is a number.")
		}
		t.reply = &models.ReplyParameters{MessageID: n, AllowSendingWithoutReply: true}
	}
	if len(m.Buttons) > 0 {
		if t.keys, err = keyboard(m.Buttons); err != nil {
			return t, err
		}
	}
	return t, nil
}

// keyboard is buttons as Telegram shows them under a message.
func keyboard(rows [][]platforms.Button) (models.ReplyMarkup, error) {
	k := models.InlineKeyboardMarkup{InlineKeyboard: [][]models.InlineKeyboardButton{}}
	for row := range slices.Values(rows) {
		var keys []models.InlineKeyboardButton
		for _, b := range row {
			switch {
			case strings.TrimSpace(b.Label) == "":
				return nil, rejected("A button has no label. Give it one.")
			case b.URL == "" && b.Data == "":
				return nil, rejected("The button %q does nothing. Give it data or an address.", text.Line(b.Label, 64))
			case b.URL == "" && len(b.Data) > limits().Data:
				return nil, rejected("The button %q carries %d bytes, and Telegram allows %d. Shorten its data.", text.Line(b.Label, 64), len(b.Data), limits().Data)
			case b.URL != "":
				keys = append(keys, models.InlineKeyboardButton{Text: b.Label, URL: b.URL})
			default:
				keys = append(keys, models.InlineKeyboardButton{Text: b.Label, CallbackData: b.Data})
			}
		}
		if len(keys) > 0 {
			k.InlineKeyboard = append(k.InlineKeyboard, keys)
		}
	}
	return k, nil
}
