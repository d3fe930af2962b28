package mattermost

import "github.com/postern/postern/platforms"

// ids is what Mattermost's ids look like: 26 lower-case letters and digits,
// whatever they name.
// https://github.com/mattermost/mattermost/blob/master/server/public/model/utils.go
func ids() platforms.IDs {
	return platforms.IDs{
		User:             `^[a-z0-9]{26}$`,
		Conversation:     `^[a-z0-9]{26}$`,
		UserHelp:         "Have them write to the bot; then choose Allow in Activity. An administrator also finds the ID in the System Console, under Users.",
		ConversationHelp: "In Mattermost: open the channel and choose View Info; the ID is at the bottom of the panel.",
	}
}
