package line

import (
	"strings"

	"github.com/postern/postern/platforms"
)

// forms is what LINE's ids look like. A user's is another for each provider:
// https://developers.line.biz/en/docs/messaging-api/getting-user-ids/. Groups
// begin with C, multi-person chats with R:
// https://developers.line.biz/en/docs/messaging-api/group-chats/.
func forms() platforms.IDs {
	return platforms.IDs{
		User:             `^U[0-9a-f]{32}$`,
		Conversation:     `^[CR][0-9a-f]{32}$`,
		UserHelp:         "LINE shows no ids of other people; the ID that they may tell is a name. Have them write to the bot; then choose Allow in Activity. Your own is in the LINE Developers Console, under Basic settings, as “Your user ID”.",
		ConversationHelp: "LINE shows no ids of groups. Have somebody mention the bot in the group; then choose Allow in Activity.",
	}
}

// greet is a link that opens the chat on a phone, with code typed in.
// https://developers.line.biz/en/docs/messaging-api/using-line-url-scheme/#opening-chat-screen
func greet(bot platforms.Identity, code string) string {
	name, ok := strings.CutPrefix(bot.Handle, "@")
	if !ok || name == "" {
		return ""
	}
	return "https://line.me/R/oaMessage/" + percent("@"+name) + "/?" + percent(code)
}

// percent encodes every byte but letters, digits and -._~: url.PathEscape leaves @,
// and url.QueryEscape makes a + of a space.
func percent(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
