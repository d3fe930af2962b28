package telegram

import (
	"net/url"
	"strings"

	"github.com/postern/postern/platforms"
)

// ids is what Telegram's ids look like. A user's is positive and has at most 52
// significant bits, a group's or channel's is negative:
// https://core.telegram.org/bots/api#user and
// https://core.telegram.org/api/bots/ids.
func ids() platforms.IDs {
	return platforms.IDs{
		User:             `^[1-9][0-9]{0,15}$`,
		Conversation:     `^-[1-9][0-9]{0,15}$`,
		UserHelp:         "Telegram shows no ids. Have them write to the bot; then choose Allow in Activity.",
		ConversationHelp: "Telegram shows no ids. Have somebody mention the bot in the group; then choose Allow in Activity.",
		// https://core.telegram.org/bots/api#message, at from: a fake sender stands
		// for whoever writes in the name of a group, GroupAnonymousBot, or of a
		// channel, Channel_Bot; and Telegram's own user for what a channel posts to
		// its discussion group.
		Nobody: []platforms.UserID{"1087968824", "136817688", "777000"},
	}
}

// greet is a link that makes the person's app show Start, which sends “/start
// code”. https://core.telegram.org/bots/features#deep-linking
func greet(bot platforms.Identity, code string) string {
	name := strings.TrimPrefix(bot.Handle, "@")
	if name == "" {
		return ""
	}
	return "https://t.me/" + url.PathEscape(name) + "?" + url.Values{"start": {code}}.Encode()
}
