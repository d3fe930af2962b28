package window

import (
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// noon is when all of the sample happens.
var noon = time.Date(2026, 11, 20, 14, 2, 31, 0, time.UTC)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// sample is a Postern in use.
func sample() *fake {
	proven := func(d time.Duration) api.Light { return api.Light{Proven: ago(d)} }
	f := &fake{}
	f.kinds = []api.Platform{
		{Name: "courier", Title: "Telegram", Glyph: "✈", Summary: "Two minutes, one token, and nothing listens.", Minutes: 2, Exposure: exposure.Outbound,
			Fields: []api.Field{
				{Key: "token", Label: "Bot token", Placeholder: "123456789:AA…", Help: "What BotFather sent you last. It goes to the keyring and is never shown again.", Secret: true, Required: true},
				{Key: "server", Label: "API server", Placeholder: "https://api.telegram.org", Help: "Only for a Bot API server of your own.", Advanced: true},
			},
			Setup: platforms.Guide{Steps: []platforms.Step{
				{Text: "Open BotFather in Telegram and press Start.", URL: "https://t.me/BotFather"},
				{Text: "Send it this, and answer its two questions: a name, and a user name that ends in “bot”.", Copy: "/newbot"},
				{Text: "BotFather answers with a token. Copy it and paste it below."},
			}},
			Limits: platforms.Limits{Text: 4096, Unit: platforms.UTF16, Upload: 50 << 20}},
		{Name: "arcade", Title: "Discord", Glyph: "◈", Summary: "An application, a bot and one intent to switch on.", Minutes: 5, Exposure: exposure.Outbound,
			Fields: []api.Field{{Key: "token", Label: "Bot token", Secret: true, Required: true}}},
		{Name: "office", Title: "Slack", Glyph: "#", Summary: "An app from a manifest, and two tokens.", Minutes: 6, Exposure: exposure.Outbound,
			Fields: []api.Field{
				{Key: "where", Label: "Where", Options: []platforms.Option{{Value: "east", Label: "East"}, {Value: "west", Label: "West"}}},
				{Key: "app", Label: "App-level token", Placeholder: "xapp-…", Secret: true, Required: true},
				{Key: "bot", Label: "Bot token", Placeholder: "xoxb-…", Secret: true, Required: true}},
			Setup: platforms.Guide{Steps: []platforms.Step{{Text: "Create an app from the manifest below.", URL: "https://api.slack.com/apps"}},
				Scopes: []string{"chat:write", "im:history", "channels:history", "files:read"}, Manifest: "display_information:\n  name: Postern\nsettings:\n  socket_mode_enabled: true"}},
		{Name: "home", Title: "Mattermost", Glyph: "✦", Summary: "Messages dial out; button clicks call back on your own network.", Minutes: 8, Exposure: exposure.Private,
			Fields: []api.Field{{Key: "url", Label: "Server", Required: true}, {Key: "token", Label: "Token", Secret: true, Required: true}}},
		{Name: "shop", Title: "LINE", Glyph: "◆", Summary: "Its servers must reach you over the internet. Choose it only if you need it.", Minutes: 20, Exposure: exposure.Refused,
			Fields:  []api.Field{{Key: "token", Label: "Channel access token", Secret: true, Required: true}, {Key: "secret", Label: "Channel secret", Secret: true, Required: true, Rotates: true, Makes: true}},
			Inbound: platforms.Webhook},
	}
	f.snap = api.Snapshot{Revision: 1, At: noon, Unread: 9, Dead: 1, Held: 1, Queued: 1,
		Program: api.Program{Version: "0.1.0", PID: 4211, Started: ago(26 * time.Hour), DataDir: "/home/ada/.local/share/postern", Vault: "The system's keyring (Secret Service), collection “Login”"},
		Accounts: []api.Account{
			{ID: "a1", Platform: "courier", Title: "Telegram", Glyph: "✈", Name: "family", Handle: "@family_helper_bot", Link: "https://t.me/family_helper_bot",
				Status: api.Connected, Since: ago(25 * time.Hour), Hears: proven(12 * time.Second), Speaks: proven(4 * time.Minute), Answers: proven(4 * time.Minute),
				Exposure: exposure.Outbound, Queued: 1, Secrets: map[string]string{"token": "…x9Qk"},
				Last: &api.LastEvent{Conversation: "c1", Title: "Family", From: "Grandma", Text: "are you home? I left the soup on your doorstep", At: ago(20 * time.Second)}},
			{ID: "a2", Platform: "home", Title: "Mattermost", Glyph: "✦", Name: "home", Handle: "@butler", Status: api.Connected, Since: ago(3 * time.Hour),
				Hears: proven(3 * time.Second), Speaks: proven(2 * time.Hour), Answers: api.Light{Proven: ago(5 * time.Hour), Failed: ago(41 * time.Minute), Note: "exit status 2"},
				Exposure: exposure.Private, Inbound: platforms.Callback,
				Problems: []platforms.Problem{{Code: "privacy", Text: "The bot hears only commands in groups. Switch its privacy mode off to let it hear everything.", Fix: "Switch it off"}},
				Last:     &api.LastEvent{Conversation: "c4", Title: "town-square", From: "Ben", Text: "deploy is green", At: ago(3 * time.Minute)}},
			{ID: "a3", Platform: "courier", Title: "Telegram", Glyph: "✈", Name: "alerts", Handle: "@night_watch_bot", Status: api.BadCredentials, Since: ago(9 * time.Minute),
				Note: "Telegram refused the token (401). Paste the current one from @BotFather.", Hears: api.Light{Proven: ago(11 * time.Minute)}, Speaks: api.Light{Proven: ago(30 * time.Hour), Failed: ago(9 * time.Minute), Note: "401"},
				Exposure: exposure.Outbound, Dead: 1},
			{ID: "a4", Platform: "shop", Title: "LINE", Glyph: "◆", Name: "shop", Status: api.Paused, Paused: true, Exposure: exposure.Refused, Inbound: platforms.Webhook,
				Secrets: map[string]string{"token": "…8f1c", "secret": "…77aa"}},
		},
		Exposure: api.Exposure{exposure.Outbound: 2, exposure.Private: 1, exposure.Refused: 1},
	}
	f.convs = []api.Conversation{
		{Account: "a1", ID: "c1", Kind: platforms.Group, Title: "Family", Last: ago(20 * time.Second), Preview: "Grandma: are you home? I left the soup on your doorstep", Unread: 3, Away: 2},
		{Account: "a1", ID: "c2", Kind: platforms.Direct, Title: "Mira Okafor", Last: ago(8 * time.Minute), Preview: "Could the bot also tell me when the washing machine is done?", Unread: 1, Stranger: true},
		{Account: "a2", ID: "c4", Kind: platforms.Channel, Title: "town-square", Last: ago(3 * time.Minute), Preview: "Ben: deploy is green", Unread: 5},
		{Account: "a1", ID: "c3", Kind: platforms.Direct, Title: "Jonas", Last: ago(70 * time.Minute), Preview: "You: The heating is set to 20 °C from 17:00."},
		{Account: "a3", ID: "c5", Kind: platforms.Channel, Title: "Night watch", Last: ago(9 * time.Minute), Preview: "You: backup of nas01 finished", Dead: 1},
		{Account: "a2", ID: "c6", Kind: platforms.Group, Title: "Kitchen renovation", Last: ago(28 * time.Hour), Preview: "Ada: tiles arrive on Thursday"},
		{Account: "a2", ID: "c7", Kind: platforms.Direct, Title: "Ben", Last: ago(75 * time.Hour), Preview: "Thanks, that worked."},
		{Account: "a1", ID: "c8", Kind: platforms.Group, Title: "Allotment 14", Last: ago(300 * time.Hour), Preview: "Weather warning: frost tonight"},
	}
	grandma, ada := platforms.User{ID: "u1", Name: "Grandma"}, platforms.User{ID: "u2", Name: "Ada Nilsson"}
	n := uint64(100)
	in := func(u platforms.User, d time.Duration, s string) api.Entry {
		n++
		return api.Entry{Seq: n, Account: "a1", Conversation: "c1", Status: api.Delivered, From: u, At: ago(d), Stored: ago(d), Text: s, Message: platforms.MessageID("m" + s[:1])}
	}
	out := func(d time.Duration, s string) api.Entry {
		e := in(platforms.User{}, d, s)
		e.Outgoing, e.Status = true, api.Sent
		return e
	}
	e := []api.Entry{
		in(ada, 27*time.Hour, "Can the bot remind us about the parcel tomorrow?"),
		out(27*time.Hour, "Yes: tomorrow at 09:00, the parcel at the corner shop."),
		in(grandma, 7*time.Hour, "Good morning everyone. The parcel is there, thank you for reminding me. I also took the letters from the box, they are on the kitchen table."),
		in(grandma, 7*time.Hour-time.Minute, "And the cat is fed"),
		in(ada, 5*time.Hour, "Here is the plan for Sunday"),
		out(4*time.Minute, "Noted. Lunch on Sunday at 13:00, six people."),
		in(ada, 2*time.Minute, "Turn the heating on at 17:00, please"),
		in(grandma, 20*time.Second, "are you home? I left the soup on your doorstep"),
		out(5*time.Second, "Ada is home from 15:30. I told her about the soup."),
	}
	e[4].Attachments = []api.Attachment{{Name: "Sunday plan.pdf", MediaType: "application/pdf", Size: 184_320}}
	e[5].Buttons = [][]platforms.Button{{{Label: "Eight people", Data: "8"}, {Label: "Open the recipe", URL: "https://recipes.example/soup?id=14"}}}
	e[5].MayDuplicate = true
	e[6].Status, e[6].Why, e[6].Away, e[6].Edited = api.HeldBack, "It came 2 hours late, while Postern was off.", true, true
	e[7].Away = true
	e[8].Status = api.Queued
	e = append(e, api.Entry{Seq: 90, Account: "a3", Conversation: "c5", Outgoing: true, Status: api.DeadEnd, Why: "The token is refused.", Text: "backup of nas01 finished", At: ago(9 * time.Minute)})
	f.entries = e

	acts := []struct {
		d        time.Duration
		what     api.What
		account  platforms.AccountID
		who, why string
	}{
		{5 * time.Second, api.SentOut, "a1", "", "An answer to Family, accepted as message 8812"},
		{20 * time.Second, api.Routed, "a1", "Grandma", "A message in Family went to: notify"},
		{2 * time.Minute, api.Ignored, "a1", "Ada Nilsson", "It came 2 hours late and asks before anything acts on it"},
		{3 * time.Minute, api.Routed, "a2", "Ben", "A message in town-square went to: notify"},
		{4 * time.Minute, api.Retried, "a1", "", "The platform asked to slow down; again in 3 seconds"},
		{8 * time.Minute, api.Routed, "a1", "Mira Okafor", "A first message from a stranger went to: notify"},
		{9 * time.Minute, api.Stopped, "a3", "", "Telegram refused the token (401). Paste the current one from @BotFather."},
		{9 * time.Minute, api.DiedOut, "a3", "", "“backup of nas01 finished” could not be sent: the token is refused"},
		{31 * time.Minute, api.ToldAgain, "a1", "Grandma", "The same message arrived a second time after a reconnect"},
		{41 * time.Minute, api.Rejected, "a2", "Ben", "The command ended with exit status 2"},
		{70 * time.Minute, api.SentOut, "a1", "", "An answer to Jonas, accepted as message 8790"},
		{2 * time.Hour, api.Changed, "a2", "", "The name of the account was changed in the window"},
		{3 * time.Hour, api.Resumed, "a2", "", "Connected again after the network changed"},
		{26 * time.Hour, api.Resumed, "", "", "Postern started, version 0.1.0"},
	}
	for i, a := range acts {
		f.activity = append(f.activity, api.Activity{Seq: uint64(900 - i), At: ago(a.d), What: a.what, Account: a.account, Who: a.who, Why: a.why, Conversation: "c1", Entry: 105})
	}
	f.view, f.question, f.audit = doors(), ackQuestion(), auditRecord()
	f.settings = api.Settings{Notifications: true, ShowStrangers: true, StartAtLogin: true, AskAfter: 10 * time.Minute, KeepFor: 365 * 24 * time.Hour, KeepBytes: 2_000 << 20}
	return f
}
