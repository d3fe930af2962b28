package discord

import (
	"strconv"

	"github.com/postern/postern/platforms"
)

// portal is the developer portal.
const portal = "https://discord.com/developers/applications"

// The permissions that the bot asks for when it is invited.
// https://discord.com/developers/docs/topics/permissions
const (
	viewChannel        = 1 << 10
	sendMessages       = 1 << 11
	embedLinks         = 1 << 14
	attachFiles        = 1 << 15
	readMessageHistory = 1 << 16
	sendInThreads      = 1 << 38

	permissions = viewChannel | sendMessages | embedLinks | attachFiles | readMessageHistory | sendInThreads
)

// invitation is the address at which a person adds the bot to a server.
// https://discord.com/developers/docs/topics/oauth2#bot-authorization-flow
func invitation(app string) string {
	return "https://discord.com/oauth2/authorize?client_id=" + app + "&scope=bot+applications.commands&permissions=" + strconv.Itoa(permissions)
}

func guide(app string) platforms.Guide {
	if app == "" {
		app = "YOUR_APPLICATION_ID"
	}
	return platforms.Guide{
		Scopes: []string{"bot", "applications.commands", "View Channels", "Send Messages", "Send Messages in Threads", "Embed Links", "Attach Files", "Read Message History"},
		Steps: []platforms.Step{
			{Text: "Open the developer portal and choose New Application. Give it the name that people shall see.", URL: portal},
			{Text: "On the page Bot, under Privileged Gateway Intents, switch on Message Content Intent and save. Without it Discord closes the connection."},
			{Text: "On the same page choose Reset Token, copy the token at once, because it is shown once only, and enter it here."},
			{Text: "On the page General Information copy the Application ID, put it into this address in the place of " + app + ", open it, and add the bot to a server. You need the right Manage Server there.", Copy: invitation(app)},
			{Text: "For private channels, add the bot to the channel under Permissions in the channel's settings."},
			{Text: "Run the check here. It tells what is missing, and registers the command /ask if you like."},
			{Text: "Mention the bot in a channel, or open its profile in the server's list of members and write to it."},
		},
	}
}
