package slack

import "github.com/postern/postern/platforms"

// needed is what the app must be granted, and for what. Without one that is not
// bad it works, but less.
var needed = []struct {
	scope, what string
	bad         bool
}{
	{"chat:write", "write messages", true},
	{"app_mentions:read", "hear when somebody mentions it", false},
	{"channels:history", "read public channels", false},
	{"channels:read", "list the public channels that it is in", false},
	{"groups:history", "read private channels", false},
	{"groups:read", "list the private channels that it is in", false},
	{"im:history", "read direct messages", true},
	{"im:read", "list its direct conversations", false},
	{"im:write", "open direct conversations", false},
	{"mpim:history", "read group conversations", false},
	{"mpim:read", "list its group conversations", false},
	{"users:read", "learn people's names", false},
	{"files:read", "fetch files", false},
	{"files:write", "send files", false},
	{"commands", "hear the command /postern", false},
}

// manifest makes the app as this connector needs it.
// https://docs.slack.dev/reference/app-manifest
const manifest = `display_information:
  name: Postern
  description: Brings this workspace's messages to a computer of yours
features:
  app_home:
    home_tab_enabled: false
    messages_tab_enabled: true
    messages_tab_read_only_enabled: false
  bot_user:
    display_name: Postern
    always_online: false
  slash_commands:
    - command: /postern
      description: Say something to Postern
      usage_hint: "[what to say]"
      should_escape: true
oauth_config:
  scopes:
    bot:
      - app_mentions:read
      - channels:history
      - channels:read
      - chat:write
      - commands
      - files:read
      - files:write
      - groups:history
      - groups:read
      - im:history
      - im:read
      - im:write
      - mpim:history
      - mpim:read
      - users:read
settings:
  event_subscriptions:
    bot_events:
      - app_mention
      - channel_left
      - group_left
      - member_joined_channel
      - message.channels
      - message.groups
      - message.im
      - message.mpim
  interactivity:
    is_enabled: true
  org_deploy_enabled: false
  socket_mode_enabled: true
  token_rotation_enabled: false
`

func guide() platforms.Guide {
	var scopes []string
	for _, n := range needed {
		scopes = append(scopes, n.scope)
	}
	return platforms.Guide{
		Scopes: scopes, Manifest: manifest,
		Steps: []platforms.Step{
			{Text: "Open Slack's page for apps, press “Create New App” and choose “From a manifest”.", URL: "https://api.slack.com/apps?new_app=1"},
			{Text: "Choose your workspace, choose YAML, and paste this in the place of what is there. Then press Next and Create.", Copy: manifest},
			{Text: "Under “Basic Information”, at “App-Level Tokens”, press “Generate Token and Scopes”, give it any name, add the scope connections:write, press Generate, and copy the token that begins with xapp-.", Copy: "connections:write"},
			{Text: "Under “Install App”, press “Install to Workspace” and allow it. In some workspaces an administrator has to agree."},
			{Text: "Copy the “Bot User OAuth Token”, which begins with xoxb-. Whoever has the two tokens is the bot: show them to nobody."},
			{Text: "In Slack, invite the bot to the channels where it shall be heard. Direct messages work without that.", Copy: "/invite @Postern"},
		},
	}
}
