package slack

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/slack-go/slack/socketmode"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// This file turns what Slack says into the contract's events. The types are
// small ones of our own: slack-go's refuse a message whose blocks they don't
// know, and only few fields are needed.

// message is a message, or an event about one.
// https://docs.slack.dev/reference/events/message
type message struct {
	Type        string   `json:"type"`
	Subtype     string   `json:"subtype"`
	Channel     string   `json:"channel"`
	ChannelType string   `json:"channel_type"`
	User        string   `json:"user"`
	BotID       string   `json:"bot_id"`
	Username    string   `json:"username"`
	Text        string   `json:"text"`
	TS          string   `json:"ts"`
	EventTS     string   `json:"event_ts"`
	ThreadTS    string   `json:"thread_ts"`
	ParentUser  string   `json:"parent_user_id"`
	LatestReply string   `json:"latest_reply"`
	Edited      *edited  `json:"edited"`
	Message     *message `json:"message"`
	Previous    *message `json:"previous_message"`
	Inviter     string   `json:"inviter"`
	Actor       string   `json:"actor_id"`
	Files       []file   `json:"files"`
	Attachments []struct {
		Fallback string `json:"fallback"`
		Text     string `json:"text"`
		Title    string `json:"title"`
	} `json:"attachments"`
}

type edited struct {
	TS string `json:"ts"`
}

// file is one as messages have it. https://docs.slack.dev/reference/objects/file-object
type file struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Title      string `json:"title"`
	MIME       string `json:"mimetype"`
	Size       int64  `json:"size"`
	Mode       string `json:"mode"`
	FileAccess string `json:"file_access"`
}

// convert turns an envelope into an event. It is false for what needs no
// storing.
func convert(req socketmode.Request, me bot, now time.Time) (platforms.Event, bool) {
	switch req.Type {
	case socketmode.RequestTypeEventsAPI:
		var p struct {
			Event message `json:"event"`
		}
		if json.Unmarshal(req.Payload, &p) != nil {
			return unreadable(req, me, now)
		}
		return p.Event.happened(me)
	case socketmode.RequestTypeSlashCommands:
		return command(req, now)
	case socketmode.RequestTypeInteractive:
		return click(req, now)
	}
	return platforms.Event{}, false
}

// unreadable keeps at least that there was a message, if its core can be read.
func unreadable(req socketmode.Request, me bot, now time.Time) (platforms.Event, bool) {
	var p struct {
		Event struct {
			Type    string          `json:"type"`
			Channel string          `json:"channel"`
			User    string          `json:"user"`
			TS      string          `json:"ts"`
			Text    string          `json:"text"`
			Subtype json.RawMessage `json:"subtype"`
			BotID   json.RawMessage `json:"bot_id"`
		} `json:"event"`
	}
	// A field of another type leaves the others read.
	var shape *json.UnmarshalTypeError
	if err := json.Unmarshal(req.Payload, &p); err != nil && !asShape(err, &shape) {
		return platforms.Event{}, false
	}
	e := p.Event
	var subtype, by string
	if len(e.Subtype) > 0 && json.Unmarshal(e.Subtype, &subtype) != nil || !told[subtype] {
		return platforms.Event{}, false // an edit would pass for something new
	}
	if e.Type != "message" || e.Channel == "" || micros(e.TS) == 0 || e.User == "" || e.User == me.User {
		return platforms.Event{}, false
	}
	machine := len(e.BotID) > 0 && (json.Unmarshal(e.BotID, &by) != nil || by != "")
	ev := platforms.Event{
		ID: platforms.EventID("message:" + e.Channel + ":" + e.TS), Kind: platforms.MessageReceived, Time: moment(e.TS),
		Conversation: platforms.Conversation{ID: platforms.ConversationID(e.Channel), Kind: kindOf("", e.Channel)},
		Message:      platforms.MessageID(e.TS), From: platforms.User{ID: platforms.UserID(e.User), Bot: machine}, Text: readable(e.Text),
		Note: "a message in a form that Postern does not know",
	}
	return ev, true
}

func asShape(err error, to **json.UnmarshalTypeError) bool {
	e, ok := err.(*json.UnmarshalTypeError)
	*to = e
	return ok
}

// happened converts an event.
func (m message) happened(me bot) (platforms.Event, bool) {
	switch m.Type {
	case "message", "app_mention":
		if m.Subtype == "message_changed" {
			if m.Message == nil || m.Previous != nil && m.Previous.Edited != nil && m.Message.Edited != nil && *m.Previous.Edited == *m.Message.Edited {
				return platforms.Event{}, false // a preview of a link
			}
			changed := *m.Message
			changed.Channel, changed.ChannelType = m.Channel, m.ChannelType
			return changed.edit(me)
		}
		return m.event(me)
	case "member_joined_channel":
		if m.User != me.User {
			return platforms.Event{}, false
		}
		return m.membership("added", m.Inviter), true
	case "channel_left", "group_left":
		return m.membership("removed", m.Actor), true
	}
	return platforms.Event{}, false
}

func (m message) membership(what, by string) platforms.Event {
	return platforms.Event{
		ID: platforms.EventID("membership:" + m.Channel + ":" + what + ":" + m.EventTS), Kind: platforms.MembershipChanged, Time: moment(m.EventTS),
		Conversation: platforms.Conversation{ID: platforms.ConversationID(m.Channel), Kind: kindOf("", m.Channel)},
		From:         platforms.User{ID: platforms.UserID(by)}, Note: "the bot was " + what,
	}
}

// told is the subtypes that are messages of somebody. The others tell of joins,
// topics and the like. https://docs.slack.dev/reference/events/message#subtypes
var told = map[string]bool{"": true, "bot_message": true, "file_share": true, "me_message": true, "thread_broadcast": true}

// event converts a message. The bot's own ones are left out.
func (m message) event(me bot) (platforms.Event, bool) {
	if !told[m.Subtype] || m.Channel == "" || micros(m.TS) == 0 || m.User == me.User || m.BotID != "" && m.BotID == me.Bot {
		return platforms.Event{}, false
	}
	from := platforms.User{ID: platforms.UserID(m.User), Bot: m.BotID != ""}
	if m.User == "" {
		from.ID, from.Name = platforms.UserID(m.BotID), text.Line(m.Username, 80)
		if from.Name == "" && m.BotID != "" {
			from.Name = "A bot (" + tail(m.BotID) + ")"
		}
	}
	if from.ID == "" {
		return platforms.Event{}, false
	}
	ev := platforms.Event{
		ID: platforms.EventID("message:" + m.Channel + ":" + m.TS), Kind: platforms.MessageReceived, Time: moment(m.TS),
		Conversation: platforms.Conversation{ID: platforms.ConversationID(m.Channel), Kind: kindOf(m.ChannelType, m.Channel)},
		Message:      platforms.MessageID(m.TS), From: from, Text: readable(m.Text),
	}
	if m.ThreadTS != "" && m.ThreadTS != m.TS {
		ev.Thread = platforms.ThreadID(m.ThreadTS)
	}
	ev.Mentioned = ev.Conversation.Kind == platforms.Direct || m.Type == "app_mention" || m.ParentUser == me.User && ev.Thread != "" ||
		strings.Contains(m.Text, "<@"+me.User+">") || strings.Contains(m.Text, "<@"+me.User+"|")
	if ev.Text == "" {
		var parts []string
		for _, a := range m.Attachments {
			for _, s := range []string{a.Text, a.Title, a.Fallback} {
				if s != "" {
					parts = append(parts, readable(s))
					break
				}
			}
		}
		ev.Text = strings.Join(parts, "\n")
	}
	for _, f := range m.Files {
		switch {
		case f.ID == "" || f.Mode == "tombstone" || f.Mode == "hidden_by_limit":
			ev.Note = "a file that is not there any more"
		default:
			name := text.Line(f.Name, 200)
			if name == "" {
				name = text.Line(f.Title, 200)
			}
			ev.Attachments = append(ev.Attachments, platforms.Attachment{Ref: f.ID, Name: name, MediaType: f.MIME, Size: max(0, f.Size)})
		}
	}
	return ev, true
}

// edit converts a message that was edited.
func (m message) edit(me bot) (platforms.Event, bool) {
	if m.Edited == nil || micros(m.Edited.TS) == 0 {
		return platforms.Event{}, false
	}
	ev, ok := m.event(me)
	ev.Kind, ev.Time = platforms.MessageEdited, moment(m.Edited.TS)
	ev.ID = platforms.EventID("edit:" + m.Channel + ":" + m.TS + ":" + m.Edited.TS)
	return ev, ok
}

// moment is a ts as a time.
func moment(ts string) time.Time { return time.UnixMicro(micros(ts)).UTC() }

// answerable is a ReplyToken: where a command or click may be answered for half
// an hour. The address is a secret.
type answerable struct {
	URL     string `json:"u"`
	Channel string `json:"c,omitempty"`
}

func (a answerable) token() platforms.ReplyToken {
	if a.URL == "" {
		return ""
	}
	return platforms.ReplyToken(encode(a))
}

// command converts a slash command.
// https://docs.slack.dev/interactivity/implementing-slash-commands
func command(req socketmode.Request, now time.Time) (platforms.Event, bool) {
	var p struct {
		Channel  string `json:"channel_id"`
		Title    string `json:"channel_name"`
		User     string `json:"user_id"`
		Name     string `json:"user_name"`
		Command  string `json:"command"`
		Text     string `json:"text"`
		URL      string `json:"response_url"`
		Trigger  string `json:"trigger_id"`
		Envelope string `json:"-"`
	}
	if json.Unmarshal(req.Payload, &p) != nil || p.Channel == "" || p.User == "" {
		return platforms.Event{}, false
	}
	id := p.Trigger
	if id == "" {
		id = req.EnvelopeID
	}
	return platforms.Event{
		ID: platforms.EventID("command:" + id), Kind: platforms.MessageReceived, Time: now.UTC(), Mentioned: true,
		Conversation: platforms.Conversation{ID: platforms.ConversationID(p.Channel), Kind: kindOf("", p.Channel)},
		From:         platforms.User{ID: platforms.UserID(p.User), Handle: p.Name}, Text: readable(p.Text),
		Note: "the command " + text.Line(p.Command, 40), Reply: answerable{p.URL, p.Channel}.token(),
	}, true
}

// click converts a pressed button. Buttons that open an address come here too.
// Slack tells an app of the buttons of its own messages only, and nobody else can
// write as the app.
// https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
func click(req socketmode.Request, now time.Time) (platforms.Event, bool) {
	var p struct {
		Type string `json:"type"`
		User struct {
			ID   string `json:"id"`
			Name string `json:"username"`
		} `json:"user"`
		Channel struct {
			ID string `json:"id"`
		} `json:"channel"`
		Container struct {
			TS      string `json:"message_ts"`
			Channel string `json:"channel_id"`
			Thread  string `json:"thread_ts"`
		} `json:"container"`
		Message struct {
			ThreadTS string `json:"thread_ts"`
		} `json:"message"`
		URL     string `json:"response_url"`
		Trigger string `json:"trigger_id"`
		Actions []struct {
			Type  string `json:"type"`
			ID    string `json:"action_id"`
			Value string `json:"value"`
			TS    string `json:"action_ts"`
		} `json:"actions"`
	}
	if json.Unmarshal(req.Payload, &p) != nil || p.Type != "block_actions" || len(p.Actions) == 0 || p.User.ID == "" {
		return platforms.Event{}, false
	}
	a := p.Actions[0]
	channel := p.Channel.ID
	if channel == "" {
		channel = p.Container.Channel
	}
	if channel == "" || a.Type != "button" || !strings.HasPrefix(a.ID, actionData) {
		return platforms.Event{}, false
	}
	token := answerable{p.URL, channel}.token()
	ev := platforms.Event{
		ID: platforms.EventID("click:" + channel + ":" + p.Container.TS + ":" + p.User.ID + ":" + a.ID + ":" + a.TS), Kind: platforms.ButtonClicked, Time: now.UTC(), Mentioned: true,
		Conversation: platforms.Conversation{ID: platforms.ConversationID(channel), Kind: kindOf("", channel)},
		Message:      platforms.MessageID(p.Container.TS), From: platforms.User{ID: platforms.UserID(p.User.ID), Handle: p.User.Name},
		Click: &platforms.Click{Data: a.Value, Token: token}, Reply: token,
	}
	if micros(a.TS) > 0 {
		ev.Time = moment(a.TS)
	}
	for _, t := range []string{p.Container.Thread, p.Message.ThreadTS} {
		if t != "" && t != p.Container.TS {
			ev.Thread = platforms.ThreadID(t)
		}
	}
	return ev, true
}
