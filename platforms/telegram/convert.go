package telegram

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/go-telegram/bot/models"

	"github.com/postern/postern/platforms"
)

// This file is pure: an update's JSON in, an event out.

// unreadable is the note of an update that could not be decoded.
const unreadable = "could not be read"

// convert turns one update into an event. What needs no storing becomes an
// event with a cursor only. It is false for what has no number.
func convert(raw json.RawMessage, me models.User, now time.Time) (ev platforms.Event, id int64, ok bool) {
	var head struct {
		ID int64 `json:"update_id"`
	}
	if json.Unmarshal(raw, &head) != nil || head.ID <= 0 {
		return ev, 0, false
	}
	var u models.Update
	if err := json.Unmarshal(raw, &u); err != nil {
		ev = salvage(raw, me, now)
	} else {
		ev = event(u, me, now)
	}
	number := strconv.FormatInt(head.ID, 10)
	ev.ID = platforms.EventID("update:" + number)
	ev.Cursor = platforms.Cursor(number)
	return ev, head.ID, true
}

func event(u models.Update, me models.User, now time.Time) platforms.Event {
	switch {
	case u.Message != nil:
		return message(u.Message, platforms.MessageReceived, me, now)
	case u.EditedMessage != nil:
		return message(u.EditedMessage, platforms.MessageEdited, me, now)
	case u.ChannelPost != nil:
		return message(u.ChannelPost, platforms.MessageReceived, me, now)
	case u.EditedChannelPost != nil:
		return message(u.EditedChannelPost, platforms.MessageEdited, me, now)
	case u.CallbackQuery != nil:
		return click(u.CallbackQuery, me, now)
	case u.MyChatMember != nil:
		return membership(u.MyChatMember, me, now)
	}
	return platforms.Event{}
}

func message(m *models.Message, kind platforms.EventKind, me models.User, now time.Time) platforms.Event {
	if m.MigrateToChatID != 0 {
		to := conversation(m.Chat)
		to.ID, to.Moved = chatID(m.MigrateToChatID), to.ID
		return platforms.Event{Kind: platforms.ConversationMoved, Time: moment(m.Date, now), Conversation: to, From: sender(m)}
	}
	ev := platforms.Event{
		Kind: kind, Time: moment(m.Date, now),
		Conversation: conversation(m.Chat), Thread: topic(m), Message: messageID(m.ID),
		From: sender(m), Own: m.From != nil && m.From.ID == me.ID,
		Text: m.Text, Attachments: attachments(m), Note: note(m),
	}
	if kind == platforms.MessageEdited {
		ev.Time = moment(m.EditDate, now)
	}
	if ev.Text == "" {
		ev.Text = m.Caption
	}
	answered := repliedTo(m)
	if answered != nil {
		ev.ReplyTo = messageID(answered.ID)
	}
	ev.Mentioned = ev.Conversation.Kind == platforms.Direct ||
		answered != nil && answered.From != nil && answered.From.ID == me.ID ||
		mentions(m.Text, m.Entities, me) || mentions(m.Caption, m.CaptionEntities, me)
	if ev.Text == "" && len(ev.Attachments) == 0 && ev.Note == "" {
		if service(m) {
			return platforms.Event{}
		}
		ev.Note = "something that this version can't show"
	}
	return ev
}

// repliedTo is the message that m answers. In a topic every message that
// answers nothing carries the topic's first one instead.
func repliedTo(m *models.Message) *models.Message {
	r := m.ReplyToMessage
	if r == nil || r.ForumTopicCreated != nil || m.IsTopicMessage && r.ID == m.MessageThreadID {
		return nil
	}
	return r
}

// mentions reports whether the bot is addressed in s. Entities count UTF-16
// units.
func mentions(s string, entities []models.MessageEntity, me models.User) bool {
	var units []uint16
	for _, e := range entities {
		switch e.Type {
		case models.MessageEntityTypeTextMention:
			if e.User != nil && e.User.ID == me.ID {
				return true
			}
		case models.MessageEntityTypeMention, models.MessageEntityTypeBotCommand:
			if units == nil {
				units = utf16.Encode([]rune(s))
			}
			if e.Offset < 0 || e.Length <= 0 || e.Offset > len(units) || e.Length > len(units)-e.Offset {
				continue
			}
			word := string(utf16.Decode(units[e.Offset : e.Offset+e.Length]))
			_, name, ok := strings.Cut(word, "@") // "@name", or "/command@name"
			if ok && me.Username != "" && strings.EqualFold(name, me.Username) {
				return true
			}
		}
	}
	return false
}

// click converts a pressed button, of the bot's own messages only: it may have put
// buttons to a channel's posts. Who uses a program of their own can send any data
// for a message, says https://core.telegram.org/bots/api#callbackquery, and of an
// old message Telegram does not tell who wrote it: only that From pressed is sure.
func click(q *models.CallbackQuery, me models.User, now time.Time) platforms.Event {
	ev := platforms.Event{
		Kind: platforms.ButtonClicked, Time: now.UTC(), // Telegram does not tell when
		From: user(q.From), Own: q.From.ID == me.ID, Mentioned: true,
		Click: &platforms.Click{Data: q.Data, Token: platforms.ReplyToken(q.ID)},
	}
	switch {
	case q.Data == "": // a game
		return platforms.Event{}
	case q.Message.Message != nil:
		m := q.Message.Message
		if m.From != nil && m.From.ID != me.ID {
			return platforms.Event{}
		}
		ev.Conversation, ev.Thread, ev.Message = conversation(m.Chat), topic(m), messageID(m.ID)
	case q.Message.InaccessibleMessage != nil:
		m := q.Message.InaccessibleMessage
		ev.Conversation, ev.Message = conversation(m.Chat), messageID(m.MessageID)
	default: // sent through inline mode, which this connector does not use
		return platforms.Event{}
	}
	return ev
}

func membership(c *models.ChatMemberUpdated, me models.User, now time.Time) platforms.Event {
	ev := platforms.Event{
		Kind: platforms.MembershipChanged, Time: moment(c.Date, now),
		Conversation: conversation(c.Chat), From: user(c.From), Own: c.From.ID == me.ID,
	}
	was, is := member(c.OldChatMember), member(c.NewChatMember)
	direct := ev.Conversation.Kind == platforms.Direct
	switch {
	case was && !is && direct:
		ev.Note = "the person blocked the bot"
	case !was && is && direct:
		ev.Note = "the person started or unblocked the bot"
	case was && !is:
		ev.Note = "the bot was removed"
	case !was && is:
		ev.Note = "the bot was added"
	default:
		ev.Note = "the bot's rights changed"
	}
	return ev
}

func member(m models.ChatMember) bool {
	switch m.Type {
	case models.ChatMemberTypeOwner, models.ChatMemberTypeAdministrator, models.ChatMemberTypeMember:
		return true
	case models.ChatMemberTypeRestricted:
		return m.Restricted != nil && m.Restricted.IsMember
	}
	return false
}

// salvage makes an event of an update that the SDK can't decode, from the few
// fields that say where it came from. Each is read by itself, so that one odd
// value does not take the others along.
func salvage(raw json.RawMessage, me models.User, now time.Time) platforms.Event {
	ev := platforms.Event{Kind: platforms.MessageReceived, Time: now.UTC(), Note: unreadable}
	var parts map[string]json.RawMessage
	_ = json.Unmarshal(raw, &parts)
	for _, kind := range allowed {
		var fields map[string]json.RawMessage
		if json.Unmarshal(parts[kind], &fields) != nil || fields == nil {
			continue
		}
		var (
			id, date int
			chat     models.Chat
		)
		_ = json.Unmarshal(fields["message_id"], &id)
		_ = json.Unmarshal(fields["date"], &date)
		_ = json.Unmarshal(fields["chat"], &chat)
		for _, key := range []string{"text", "caption"} {
			if ev.Text == "" {
				_ = json.Unmarshal(fields[key], &ev.Text)
			}
		}
		ev.Time = moment(date, now)
		if kind == models.AllowedUpdateEditedMessage || kind == models.AllowedUpdateEditedChannelPost {
			ev.Kind = platforms.MessageEdited // or it would pass for something new
		}
		if chat.ID != 0 {
			ev.Conversation = conversation(chat)
			ev.Mentioned = ev.Conversation.Kind == platforms.Direct
		}
		if id != 0 {
			ev.Message = messageID(id)
		}
		ev.From, ev.Own = salvageSender(fields, chat, me)
		break
	}
	return ev
}

// salvageSender is sender, for a message that can't be decoded. Who wrote in the
// name of a chat is not taken for the user whom Telegram names beside it: where
// that chat can't be read, it was nobody.
func salvageSender(fields map[string]json.RawMessage, chat models.Chat, me models.User) (platforms.User, bool) {
	m := models.Message{Chat: chat}
	if raw := fields["sender_chat"]; len(raw) > 0 && string(raw) != "null" {
		m.SenderChat = &models.Chat{}
		_ = json.Unmarshal(raw, m.SenderChat)
		if m.SenderChat.ID == 0 {
			return platforms.User{}, false
		}
	}
	var from models.User
	_ = json.Unmarshal(fields["from"], &from)
	if from.ID != 0 {
		m.From = &from
	}
	if m.SenderChat == nil && m.From == nil {
		return platforms.User{}, false
	}
	return sender(&m), from.ID != 0 && from.ID == me.ID
}

func conversation(c models.Chat) platforms.Conversation {
	v := platforms.Conversation{ID: chatID(c.ID), Kind: platforms.Group, Title: c.Title}
	switch c.Type {
	case models.ChatTypePrivate:
		v.Kind = platforms.Direct
	case models.ChatTypeChannel:
		v.Kind = platforms.Channel
	}
	if v.Title == "" {
		v.Title = fullName(c.FirstName, c.LastName)
	}
	if v.Title == "" && c.Username != "" {
		v.Title = "@" + c.Username
	}
	return v
}

// sender is who wrote m: the chat in whose name it was written, where that is
// not the person's own. So an anonymous administrator bears the group's id.
func sender(m *models.Message) platforms.User {
	switch {
	case m.SenderChat != nil:
		u := platforms.User{ID: userID(m.SenderChat.ID), Name: m.SenderChat.Title}
		if m.SenderChat.Username != "" {
			u.Handle = "@" + m.SenderChat.Username
		}
		return u
	case m.From != nil:
		return user(*m.From)
	}
	return platforms.User{ID: userID(m.Chat.ID), Name: m.Chat.Title}
}

func user(u models.User) platforms.User {
	v := platforms.User{ID: userID(u.ID), Name: fullName(u.FirstName, u.LastName), Bot: u.IsBot}
	if u.Username != "" {
		v.Handle = "@" + u.Username
	}
	return v
}

func topic(m *models.Message) platforms.ThreadID {
	if !m.IsTopicMessage || m.MessageThreadID == 0 {
		return ""
	}
	return platforms.ThreadID(strconv.Itoa(m.MessageThreadID))
}

func fullName(first, last string) string { return strings.TrimSpace(first + " " + last) }

func chatID(n int64) platforms.ConversationID {
	return platforms.ConversationID(strconv.FormatInt(n, 10))
}
func userID(n int64) platforms.UserID     { return platforms.UserID(strconv.FormatInt(n, 10)) }
func messageID(n int) platforms.MessageID { return platforms.MessageID(strconv.Itoa(n)) }

// latest is the end of the year 9999: encoders of time stop there.
const latest = 253402300799

// moment is Telegram's time, in whole seconds, or now where it gave none that
// makes sense.
func moment(seconds int, now time.Time) time.Time {
	if seconds <= 0 || int64(seconds) > latest {
		return now.UTC()
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// numbered names a file that came without a name.
func numbered(what string, id int, ext string) string { return fmt.Sprintf("%s-%d%s", what, id, ext) }
