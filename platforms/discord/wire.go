package discord

import (
	"encoding/json"
	"time"

	"github.com/diamondburned/arikawa/v3/discord"
)

// The parts of the platform's objects that the connector reads. They are narrow
// on purpose: a new kind of component or embed must not make a message
// unreadable. https://discord.com/developers/docs/resources/message

type user struct {
	ID         snow   `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name"`
	Bot        bool   `json:"bot"`
}

type member struct {
	Nick string `json:"nick"`
	User *user  `json:"user"`
}

type message struct {
	ID              snow         `json:"id"`
	Channel         snow         `json:"channel_id"`
	Guild           snow         `json:"guild_id"`
	Author          user         `json:"author"`
	Member          *member      `json:"member"`
	Webhook         snow         `json:"webhook_id"`
	Content         string       `json:"content"`
	Timestamp       string       `json:"timestamp"`
	Edited          string       `json:"edited_timestamp"`
	Type            int          `json:"type"`
	Flags           int          `json:"flags"`
	Mentions        []user       `json:"mentions"`
	MentionRoles    []snow       `json:"mention_roles"`
	MentionChannels []channel    `json:"mention_channels"`
	Attachments     []attachment `json:"attachments"`
	Embeds          []embed      `json:"embeds"`
	Stickers        []named      `json:"sticker_items"`
	Poll            *poll        `json:"poll"`
	Reference       *reference   `json:"message_reference"`
	Referenced      *message     `json:"referenced_message"`
	Snapshots       []struct {
		Message *message `json:"message"`
	} `json:"message_snapshots"`
}

type named struct {
	Name string `json:"name"`
}

type poll struct {
	Question struct {
		Text string `json:"text"`
	} `json:"question"`
}

type embed struct {
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	URL         string `json:"url"`
}

type attachment struct {
	ID          snow   `json:"id"`
	Filename    string `json:"filename"`
	Title       string `json:"title"`
	Size        int64  `json:"size"`
	ContentType string `json:"content_type"`
	URL         string `json:"url"`
}

// reference is a message_reference; Type 1 is a forward.
type reference struct {
	Type    int  `json:"type"`
	Message snow `json:"message_id"`
	Channel snow `json:"channel_id"`
}

type channel struct {
	ID          snow   `json:"id"`
	Type        int    `json:"type"`
	Guild       snow   `json:"guild_id"`
	Parent      snow   `json:"parent_id"`
	Name        string `json:"name"`
	LastMessage snow   `json:"last_message_id"`
	Recipients  []user `json:"recipients"`
}

func (c channel) thread() bool {
	switch discord.ChannelType(c.Type) {
	case discord.GuildAnnouncementThread, discord.GuildPublicThread, discord.GuildPrivateThread:
		return true
	}
	return false
}

type guild struct {
	ID          snow      `json:"id"`
	Name        string    `json:"name"`
	Unavailable bool      `json:"unavailable"`
	Channels    []channel `json:"channels"`
	Threads     []channel `json:"threads"`
	Roles       []role    `json:"roles"`
}

type role struct {
	ID   snow   `json:"id"`
	Name string `json:"name"`
	Tags struct {
		Bot snow `json:"bot_id"`
	} `json:"tags"`
}

// interaction is a click or a command.
// https://discord.com/developers/docs/interactions/receiving-and-responding
type interaction struct {
	ID      snow     `json:"id"`
	App     snow     `json:"application_id"`
	Type    int      `json:"type"`
	Token   string   `json:"token"`
	Guild   snow     `json:"guild_id"`
	Channel snow     `json:"channel_id"`
	Place   *channel `json:"channel"`
	Context int      `json:"context"`
	Member  *member  `json:"member"`
	User    *user    `json:"user"`
	Message *message `json:"message"`
	Data    struct {
		Name     string   `json:"name"`
		CustomID string   `json:"custom_id"`
		Options  []option `json:"options"`
		Resolved struct {
			Attachments map[string]attachment `json:"attachments"`
			Users       map[string]user       `json:"users"`
		} `json:"resolved"`
	} `json:"data"`
}

type option struct {
	Name    string          `json:"name"`
	Type    int             `json:"type"`
	Value   json.RawMessage `json:"value"`
	Options []option        `json:"options"`
}

// privateChannel is the context of an interaction among people, in a conversation
// of which the bot is no part: whoever installed an app for themselves can call it
// there. https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object-interaction-context-types
const privateChannel = 2

// among reports whether it is from such a conversation.
func (i interaction) among() bool {
	return i.Guild == 0 && (i.Context == privateChannel || i.Place != nil && discord.ChannelType(i.Place.Type) == discord.GroupDM)
}

// Kinds of interactions.
const (
	commandInteraction   = 2
	componentInteraction = 3
)

type ready struct {
	User        user   `json:"user"`
	Session     string `json:"session_id"`
	Resume      string `json:"resume_gateway_url"`
	Application struct {
		ID snow `json:"id"`
	} `json:"application"`
	Guilds []guild `json:"guilds"`
}

// frame is what the gateway and the connector say to each other.
type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  *int64          `json:"s,omitempty"`
	Type string          `json:"t,omitempty"`
}

// Opcodes of the gateway.
// https://discord.com/developers/docs/topics/opcodes-and-status-codes
const (
	opDispatch  = 0
	opHeartbeat = 1
	opIdentify  = 2
	opResume    = 6
	opReconnect = 7
	opInvalid   = 9
	opHello     = 10
	opAck       = 11
)

// moment reads a timestamp, or takes it from the id, which holds one.
func moment(s string, id snow) time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t
	}
	return id.Time()
}
