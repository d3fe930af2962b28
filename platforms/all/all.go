// Package all lists the platforms that Postern knows: one line each.
package all

import (
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/chathook"
	"github.com/postern/postern/platforms/discord"
	"github.com/postern/postern/platforms/feishu"
	"github.com/postern/postern/platforms/line"
	"github.com/postern/postern/platforms/mattermost"
	"github.com/postern/postern/platforms/slack"
	"github.com/postern/postern/platforms/telegram"
	"github.com/postern/postern/platforms/webhook"
)

// All is every platform: the chats, the easiest to set up first, then what only
// brings messages, then what only takes them.
func All() []platforms.Platform {
	return []platforms.Platform{
		telegram.Platform(),
		mattermost.Platform(),
		slack.Platform(),
		discord.Platform(),
		feishu.Platform(),
		line.Platform(),
		webhook.Platform(),
		chathook.Platform(),
	}
}
