package feishu

import (
	"encoding/json"

	"github.com/postern/postern/platforms"
)

// scopes is the permissions that the app asks for.
var scopes = []string{
	"im:message",
	"im:message:send_as_bot",
	"im:message:readonly",
	"im:message.p2p_msg:readonly",
	"im:message.group_at_msg:readonly",
	"im:resource",
	"im:chat:readonly",
	"contact:user.base:readonly",
	"contact:contact.base:readonly",
}

// Addresses of the consoles.
const (
	feishuConsole = "https://open.feishu.cn/app"
	larkConsole   = "https://open.larksuite.com/app"
)

func guide() platforms.Guide {
	// What the console's “batch import” of permissions takes.
	manifest, _ := json.MarshalIndent(map[string]any{"scopes": map[string][]string{"tenant": scopes, "user": {}}}, "", "  ")
	return platforms.Guide{
		Scopes:   scopes,
		Manifest: string(manifest),
		Steps: []platforms.Step{
			{Text: "Open the developer console and create a custom app. For Feishu it is this one.", URL: feishuConsole},
			{Text: "For Lark it is this one instead. The rest is the same in both.", URL: larkConsole},
			{Text: "Under Add Features, add the bot."},
			{Text: "Under Permissions & Scopes, choose Batch import and paste the manifest below. If the bot shall hear everything that is said in its groups, not only what addresses it, add im:message.group_msg as well, which an administrator has to approve.", Copy: "im:message.group_msg"},
			{Text: "Copy the App ID and the App Secret from Credentials & Basic Info, enter both here, choose Feishu or Lark, and save. The console accepts the next step only while this program is connected."},
			{Text: "Under Events & Callbacks, Event configuration, set the subscription mode to “Receive events through persistent connection”, then add the event Message received.", Copy: "im.message.receive_v1"},
			{Text: "If you like to see when the bot is added to a group or removed, add these two events too.", Copy: "im.chat.member.bot.added_v1, im.chat.member.bot.deleted_v1"},
			{Text: "On the tab Callback configuration, set the same mode and add the callback Card action trigger: without it, buttons do nothing, and people choose by replying to the message with a button's label or number.", Copy: "card.action.trigger"},
			{Text: "Under Version Management & Release, create a version, make the app available to those who shall write to it, and submit it. An administrator approves it."},
			{Text: "Search for the bot by its name in Feishu or Lark and write to it, or add it to a group. Connect one computer for each app: several with the same App ID share the messages at random."},
			{Text: "Leave “How events come” as it is if you can: a connection that this program opens needs no address on the internet. Only if the app must get its events by HTTP: enter the Encrypt Key and the Verification Token from Events & Callbacks, Encryption strategy, choose HTTP events, save, and allow a public address for this account. Then choose “Send notifications to developer's server”, and “Send callbacks to developer's server” on the other tab, and paste at both the address that is told in the account's problems. What reaches it is signed and encrypted, but strangers can knock there."},
		},
	}
}
