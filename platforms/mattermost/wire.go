package mattermost

import "encoding/json"

// The server's objects, as far as they are read or written.
// https://developers.mattermost.com/api-documentation/

type user struct {
	ID       string `json:"id"`
	Username string `json:"username"`
	First    string `json:"first_name"`
	Last     string `json:"last_name"`
	Nickname string `json:"nickname"`
	Bot      bool   `json:"is_bot"`
	Roles    string `json:"roles"`
}

type channel struct {
	ID          string `json:"id"`
	TeamID      string `json:"team_id"` // empty for D and G
	Type        string `json:"type"`    // O, P: channels; D, G: direct and group messages
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
	LastPostAt  int64  `json:"last_post_at"`
	DeleteAt    int64  `json:"delete_at"`
}

type post struct {
	ID        string         `json:"id,omitempty"`
	CreateAt  int64          `json:"create_at,omitempty"` // milliseconds, by the server's clock
	EditAt    int64          `json:"edit_at,omitempty"`
	DeleteAt  int64          `json:"delete_at,omitempty"`
	UserID    string         `json:"user_id,omitempty"`
	ChannelID string         `json:"channel_id"`
	RootID    string         `json:"root_id,omitempty"`
	Message   string         `json:"message"`
	Type      string         `json:"type,omitempty"` // empty: a person's or a bot's; system_…: the server's
	Props     map[string]any `json:"props,omitempty"`
	FileIDs   []string       `json:"file_ids,omitempty"`
	PendingID string         `json:"pending_post_id,omitempty"`
	Metadata  struct {
		Files     []fileInfo `json:"files"`
		Reactions []reaction `json:"reactions"`
	} `json:"metadata,omitzero"`
}

type fileInfo struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	MediaType string `json:"mime_type"`
	Size      int64  `json:"size"`
}

type reaction struct {
	UserID   string `json:"user_id"`
	PostID   string `json:"post_id"`
	Emoji    string `json:"emoji_name"`
	CreateAt int64  `json:"create_at"`
}

// postList is a page of posts.
type postList struct {
	Order []string        `json:"order"`
	Posts map[string]post `json:"posts"`
}

type team struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// command is a custom slash command of a team.
type command struct {
	ID           string `json:"id,omitempty"`
	Token        string `json:"token,omitempty"` // given to whoever may manage it; never sent
	CreatorID    string `json:"creator_id,omitempty"`
	TeamID       string `json:"team_id"`
	Trigger      string `json:"trigger"`
	Method       string `json:"method"` // P: POST, G: GET
	URL          string `json:"url"`
	AutoComplete bool   `json:"auto_complete"`
	AutoDesc     string `json:"auto_complete_desc"`
	AutoHint     string `json:"auto_complete_hint"`
	DisplayName  string `json:"display_name"`
	Description  string `json:"description"`
}

// frame is what comes over the socket.
type frame struct {
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
	Seq   int64           `json:"seq"`
	Reply int64           `json:"seq_reply"`
	Where struct {
		ChannelID string `json:"channel_id"`
		UserID    string `json:"user_id"`
	} `json:"broadcast"`
}

// posted is the data of posted and post_edited; objects in it are JSON in a
// string.
type posted struct {
	ChannelName string `json:"channel_display_name"`
	ChannelType string `json:"channel_type"`
	Mentions    string `json:"mentions"`
	Post        string `json:"post"`
	Sender      string `json:"sender_name"`
}
