package slack

import "github.com/postern/postern/platforms"

// ids is what Slack's ids look like. People begin with U, or W in Enterprise
// Grid, and bots that have no user with B; channels begin with C, and older
// private ones and groups with G. A direct conversation's, D, is no shared place.
// Slack asks to take ids of any length: https://docs.slack.dev/changelog/2016-08-11-user-id-format-changes
// and https://docs.slack.dev/apis/web-api/using-the-conversations-api.
func ids() platforms.IDs {
	return platforms.IDs{
		User:             `^[UWB][A-Z0-9]{5,40}$`,
		Conversation:     `^[CG][A-Z0-9]{5,40}$`,
		UserHelp:         "In Slack: click the person's name, then the button with the three dots, Copy member ID.",
		ConversationHelp: "In Slack: click the channel's name at the top; the channel ID is at the bottom of the tab About.",
		// Slackbot says what workspaces teach it.
		Nobody: []platforms.UserID{"USLACKBOT"},
	}
}
