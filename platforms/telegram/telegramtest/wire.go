package telegramtest

import "encoding/json"

// The objects of https://core.telegram.org/bots/api, as far as this server
// speaks of them.

// User is a person or a bot.
type User struct {
	ID        int64  `json:"id"`
	IsBot     bool   `json:"is_bot"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name,omitempty"`
	Username  string `json:"username,omitempty"`
}

// Bot is the User that getMe answers with.
type Bot struct {
	User
	CanJoinGroups           bool `json:"can_join_groups"`
	CanReadAllGroupMessages bool `json:"can_read_all_group_messages"`
	SupportsInlineQueries   bool `json:"supports_inline_queries"`
}

// Chat is a private chat, group, supergroup or channel.
type Chat struct {
	ID        int64  `json:"id"`
	Type      string `json:"type"`
	Title     string `json:"title,omitempty"`
	Username  string `json:"username,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	IsForum   bool   `json:"is_forum,omitempty"`
}

// Entity marks a part of a text; Offset and Length count UTF-16 units.
type Entity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	URL    string `json:"url,omitempty"`
	User   *User  `json:"user,omitempty"`

	Language string `json:"language,omitempty"`
}

// Button is a button of an inline keyboard.
type Button struct {
	Text         string `json:"text"`
	URL          string `json:"url,omitempty"`
	CallbackData string `json:"callback_data,omitempty"`
}

type keyboard struct {
	Rows [][]Button `json:"inline_keyboard"`
}

type fileObject struct {
	FileID       string `json:"file_id"`
	FileUniqueID string `json:"file_unique_id"`
	FileName     string `json:"file_name,omitempty"`
	MimeType     string `json:"mime_type,omitempty"`
	FileSize     int64  `json:"file_size,omitempty"`
	FilePath     string `json:"file_path,omitempty"`
	Width        *int   `json:"width,omitempty"`
	Height       *int   `json:"height,omitempty"`
	Duration     *int   `json:"duration,omitempty"`
}

type message struct {
	ID             int             `json:"message_id"`
	ThreadID       int             `json:"message_thread_id,omitempty"`
	From           *User           `json:"from,omitempty"`
	SenderChat     *Chat           `json:"sender_chat,omitempty"`
	Date           int64           `json:"date"`
	EditDate       int64           `json:"edit_date,omitempty"`
	Chat           Chat            `json:"chat"`
	IsTopicMessage bool            `json:"is_topic_message,omitempty"`
	ForwardOrigin  json.RawMessage `json:"forward_origin,omitempty"`
	ReplyTo        *message        `json:"reply_to_message,omitempty"`
	Text           string          `json:"text,omitempty"`
	Entities       []Entity        `json:"entities,omitempty"`
	Caption        string          `json:"caption,omitempty"`
	CaptionEntity  []Entity        `json:"caption_entities,omitempty"`
	Photo          []fileObject    `json:"photo,omitempty"`
	Document       *fileObject     `json:"document,omitempty"`
	Audio          *fileObject     `json:"audio,omitempty"`
	Voice          *fileObject     `json:"voice,omitempty"`
	Video          *fileObject     `json:"video,omitempty"`
	Animation      *fileObject     `json:"animation,omitempty"`
	ReplyMarkup    *keyboard       `json:"reply_markup,omitempty"`
	TopicCreated   *topicCreated   `json:"forum_topic_created,omitempty"`
	MigrateTo      int64           `json:"migrate_to_chat_id,omitempty"`
	MigrateFrom    int64           `json:"migrate_from_chat_id,omitempty"`
}

type topicCreated struct {
	Name      string `json:"name"`
	IconColor int    `json:"icon_color"`
}

type callbackQuery struct {
	ID           string   `json:"id"`
	From         User     `json:"from"`
	Message      *message `json:"message,omitempty"`
	ChatInstance string   `json:"chat_instance"`
	Data         string   `json:"data,omitempty"`
}

type memberUpdated struct {
	Chat Chat           `json:"chat"`
	From User           `json:"from"`
	Date int64          `json:"date"`
	Old  map[string]any `json:"old_chat_member"`
	New  map[string]any `json:"new_chat_member"`
}

type webhookInfo struct {
	URL                  string   `json:"url"`
	HasCustomCertificate bool     `json:"has_custom_certificate"`
	PendingUpdateCount   int      `json:"pending_update_count"`
	LastErrorDate        int64    `json:"last_error_date,omitempty"`
	LastErrorMessage     string   `json:"last_error_message,omitempty"`
	MaxConnections       int      `json:"max_connections,omitempty"`
	AllowedUpdates       []string `json:"allowed_updates,omitempty"`
}
