package discord

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/diamondburned/arikawa/v3/discord"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// spot is where a message was said.
type spot struct {
	conversation platforms.Conversation
	thread       platforms.ThreadID
}

// lookup is what a conversion knows beside the message: the names of channels,
// and roles.
type lookup interface {
	find(snow) (channel, bool)
	role(snow) role
}

// Bounds of what is taken from one message.
const (
	attachmentsMost = 10
	embedsMost      = 10
)

// convert turns a message into an event. It is false for what nobody wrote, as
// “Ada pinned a message”.
func convert(m message, at spot, me self, names lookup) (platforms.Event, bool) {
	switch discord.MessageType(m.Type) {
	case discord.DefaultMessage, discord.InlinedReplyMessage, discord.ChatInputCommandMessage, discord.ContextMenuCommand:
	default:
		return platforms.Event{}, false
	}
	if m.Type > 255 || m.ID == 0 || m.Channel == 0 || m.Author.ID == 0 {
		return platforms.Event{}, false
	}
	ev := platforms.Event{
		ID:           platforms.EventID("message:" + m.Channel.String() + ":" + m.ID.String()),
		Kind:         platforms.MessageReceived,
		Time:         moment(m.Timestamp, m.ID),
		Conversation: at.conversation, Thread: at.thread,
		Message: platforms.MessageID(m.ID.String()),
		From:    person(m.Author, m.Member),
		Own:     m.Author.ID == me.ID,
	}
	ev.From.Bot = ev.From.Bot || m.Webhook != 0
	if ev.Conversation.Kind == platforms.Direct {
		ev.Conversation.Title = ev.From.Name
		if ev.Own {
			ev.Conversation.Title = ""
		}
		ev.Mentioned = true
	}
	if r := m.Reference; r != nil && r.Type == 0 && r.Message != 0 && discord.MessageType(m.Type) == discord.InlinedReplyMessage {
		ev.ReplyTo = platforms.MessageID(r.Message.String())
		ev.Mentioned = ev.Mentioned || m.Referenced != nil && m.Referenced.Author.ID == me.ID
	}
	for _, u := range m.Mentions {
		ev.Mentioned = ev.Mentioned || u.ID == me.ID
	}
	for _, id := range m.MentionRoles {
		ev.Mentioned = ev.Mentioned || names.role(id).Tags.Bot == me.ID && me.ID != 0
	}
	ev.Text = readable(m, names)
	ev.Attachments = files(m)
	var notes []string
	for _, s := range m.Snapshots {
		if s.Message == nil {
			continue
		}
		notes = append(notes, "forwarded")
		s.Message.ID, s.Message.Channel = m.ID, m.Channel
		ev.Text = strings.TrimSpace(ev.Text + "\n" + readable(*s.Message, names))
		// A forwarded file is found again by the message that carries it.
		ev.Attachments = append(ev.Attachments, files(*s.Message)...)
		break // there is never more than one
	}
	if m.Poll != nil {
		notes = append(notes, "poll: "+text.Line(m.Poll.Question.Text, 300))
	}
	for _, s := range m.Stickers[:min(len(m.Stickers), 3)] {
		notes = append(notes, "sticker: "+line(s.Name))
	}
	ev.Note = strings.Join(notes, ", ")
	return ev, true
}

// edited turns a changed message into an event. It is false where nobody changed
// it: Discord tells of a preview that it added in the same way.
func edited(m message, at spot, me self, names lookup) (platforms.Event, bool) {
	if m.Edited == "" {
		return platforms.Event{}, false
	}
	ev, ok := convert(m, at, me, names)
	ev.ID = platforms.EventID("edit:" + m.Channel.String() + ":" + m.ID.String() + ":" + text.Line(m.Edited, 40))
	ev.Kind = platforms.MessageEdited
	ev.Time = moment(m.Edited, m.ID)
	return ev, ok
}

func person(u user, m *member) platforms.User {
	name := u.Username
	if u.GlobalName != "" {
		name = u.GlobalName
	}
	if m != nil && m.Nick != "" {
		name = m.Nick
	}
	if name = line(name); name == "" {
		name = line(u.Username)
	}
	p := platforms.User{ID: platforms.UserID(u.ID.String()), Name: name, Bot: u.Bot}
	if u.Username != "" {
		p.Handle = "@" + line(u.Username)
	}
	return p
}

func files(m message) (out []platforms.Attachment) {
	for _, a := range m.Attachments[:min(len(m.Attachments), attachmentsMost)] {
		out = append(out, platforms.Attachment{
			Ref:  m.Channel.String() + "/" + m.ID.String() + "/" + a.ID.String(),
			Name: line(a.Filename), MediaType: line(a.ContentType), Size: max(a.Size, 0),
		})
	}
	return out
}

// special is what Discord writes in the place of a name.
// https://discord.com/developers/docs/reference#message-formatting
var special = regexp.MustCompile(`<(?:(@!?)(\d{1,20})|(@&)(\d{1,20})|(#)(\d{1,20})|a?:(\w{1,32}):\d{1,20}|/([^:<>]{1,100}):\d{1,20}|t:(-?\d{1,17})(?::[tTdDfFRsS])?)>`)

// readable is a message's text with names in the place of ids. Marks stay as
// they were typed.
func readable(m message, names lookup) string {
	people := map[string]string{}
	for _, u := range m.Mentions {
		people[u.ID.String()] = person(u, nil).Name
	}
	channels := map[string]string{}
	for _, ch := range m.MentionChannels {
		channels[ch.ID.String()] = line(ch.Name)
	}
	out := special.ReplaceAllStringFunc(m.Content, func(s string) string {
		g := special.FindStringSubmatch(s)
		switch {
		case g[1] != "" && people[g[2]] != "":
			return "@" + people[g[2]]
		case g[3] != "":
			if name := line(names.role(snowflake(g[4])).Name); name != "" {
				return "@" + name
			}
		case g[5] != "":
			if channels[g[6]] != "" {
				return "#" + channels[g[6]]
			}
			if ch, ok := names.find(snowflake(g[6])); ok && ch.Name != "" {
				return "#" + line(ch.Name)
			}
		case g[7] != "":
			return ":" + g[7] + ":"
		case g[8] != "":
			return "/" + g[8]
		case g[9] != "":
			if n, err := strconv.ParseInt(g[9], 10, 64); err == nil && n > -8_640_000_000_000 && n < 8_640_000_000_000 {
				return time.Unix(n, 0).UTC().Format("2006-01-02 15:04 UTC")
			}
		}
		return s
	})
	if strings.TrimSpace(out) != "" {
		return out
	}
	// What programs write is often in embeds alone.
	var parts []string
	for _, e := range m.Embeds[:min(len(m.Embeds), embedsMost)] {
		for _, s := range []string{e.Title, e.Description, e.URL} {
			if s != "" && e.Type != "gifv" {
				parts = append(parts, s)
			}
		}
	}
	if len(parts) == 0 {
		return out
	}
	return strings.Join(parts, "\n")
}

// ticket is what an interaction is answered with. It is good for 15 minutes.
type ticket struct {
	ID    snow   `json:"id"`
	App   snow   `json:"app"`
	Token string `json:"token"`
}

func (t ticket) token() platforms.ReplyToken {
	b, _ := json.Marshal(t)
	return platforms.ReplyToken(b)
}

// ticketOf reads a token. It is false for what the connector did not write.
func ticketOf(r platforms.ReplyToken) (ticket, bool) {
	var t ticket
	err := json.Unmarshal([]byte(r), &t)
	return t, err == nil && t.ID != 0 && t.App != 0 && t.Token != "" && !strings.ContainsFunc(t.Token, func(r rune) bool { return notWord(r) && !strings.ContainsRune(".=+~", r) })
}

// interacted turns a click or a command into an event. It is false for other
// interactions, which this program never asks for.
//
// Discord tells an application of its own messages' buttons only. Their author
// need not be the bot's user: answers to commands are a webhook's.
func interacted(i interaction, at spot, names lookup) (platforms.Event, bool) {
	who := i.User
	if i.Member != nil && i.Member.User != nil {
		who = i.Member.User
	}
	t := ticket{i.ID, i.App, i.Token}
	if _, good := ticketOf(t.token()); who == nil || who.ID == 0 || i.Channel == 0 || !good {
		return platforms.Event{}, false
	}
	ev := platforms.Event{
		ID:           platforms.EventID("interaction:" + i.ID.String()),
		Time:         i.ID.Time(),
		Conversation: at.conversation, Thread: at.thread,
		From:      person(*who, i.Member),
		Mentioned: true,
	}
	if ev.Conversation.Kind == platforms.Direct {
		ev.Conversation.Title = ev.From.Name
	}
	switch {
	case i.Type == componentInteraction && i.Message != nil && i.Message.ID != 0:
		ev.Kind = platforms.ButtonClicked
		ev.Message = platforms.MessageID(i.Message.ID.String())
		ev.Click = &platforms.Click{Data: unpack(i.Data.CustomID), Token: t.token()}
	case i.Type == commandInteraction && i.Data.Name != "":
		ev.Kind = platforms.MessageReceived
		ev.Reply = t.token()
		ev.Text = command(i, names)
	default:
		return platforms.Event{}, false
	}
	return ev, true
}

// command is what a person entered: of the command that this program registers
// the words alone, of others the name and the options too.
func command(i interaction, names lookup) string {
	if len(i.Data.Options) == 1 && i.Data.Name == askName && i.Data.Options[0].Name == askOption {
		return value(i.Data.Options[0])
	}
	words := "/" + text.Line(i.Data.Name, 32)
	var add func([]option, int)
	add = func(options []option, deep int) {
		for _, o := range options[:min(len(options), 25)] {
			if len(o.Options) > 0 || o.Value == nil {
				words += " " + text.Line(o.Name, 32)
				if deep < 3 {
					add(o.Options, deep+1)
				}
				continue
			}
			words += " " + text.Line(o.Name, 32) + ": " + value(o)
		}
	}
	add(i.Data.Options, 0)
	return words
}

func value(o option) string {
	var s string
	if json.Unmarshal(o.Value, &s) == nil {
		return s
	}
	return text.Line(string(o.Value), 100)
}
