package feishu

import "github.com/postern/postern/platforms"

// idForms is what Feishu's ids look like. A person's open_id is another for each
// app, so one that another app shows is of no use:
// https://open.feishu.cn/document/home/user-identity-introduction/introduction
// and https://open.feishu.cn/document/server-docs/group/chat/chat-id-description.
// Both documents tell the beginnings only; all ids that they show are 32 hex
// digits after it. What an app wrote comes under the app's id.
func idForms() platforms.IDs {
	return platforms.IDs{
		User:             `^(ou_|cli_)[0-9A-Za-z]{1,64}$`,
		Conversation:     `^oc_[0-9A-Za-z]{1,64}$`,
		UserHelp:         "Feishu shows no ids of people, and each app knows them by others. Have them write to the bot; then choose Allow in Activity.",
		ConversationHelp: "In Feishu: open the group's settings; the group ID is at the bottom. An app older than 7.60 does not show it: then have somebody mention the bot in the group, and choose Allow in Activity.",
	}
}
