package access_test

import (
	"regexp"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

// world is ids as one platform writes them, from its connector's convert.go.
type world struct {
	name                    string
	ada, bob, bot, other    platforms.UserID // other is a bot that is not ours
	direct, group, channel  platforms.ConversationID
	foreign                 platforms.ConversationID // a group that no rule names
	groupKind, channelKind  platforms.ConversationKind
	handle                  string
	forms                   access.Forms
	wrongUsers, wrongPlaces []string
}

func forms(user, conversation string, nobody ...platforms.UserID) access.Forms {
	return access.Forms{User: regexp.MustCompile(user), Conversation: regexp.MustCompile(conversation),
		UserHelp: "Look under Profile.", ConversationHelp: "Look under Details.", Nobody: nobody}
}

var worlds = []world{
	{
		name: "telegram", ada: "4711", bob: "815", bot: "7000000001", other: "7000000002",
		direct: "4711", group: "-1001234567890", channel: "-1009876543210", foreign: "-42",
		groupKind: platforms.Group, channelKind: platforms.Channel, handle: "@ada",
		forms:      forms(`^[1-9][0-9]{0,15}$`, `^-[1-9][0-9]{0,15}$`, "1087968824", "136817688", "777000"),
		wrongUsers: []string{"-1001234567890", "1087968824", "777000", "0", "4711 815", "t.me/ada"}, wrongPlaces: []string{"4711", "-", "-100 12"},
	},
	{
		name: "discord", ada: "175928847299117063", bob: "175928847299117064", bot: "1190000000000000001", other: "1190000000000000002",
		direct: "1180000000000000001", group: "1180000000000000002", channel: "1180000000000000003", foreign: "1180000000000000004",
		groupKind: platforms.Group, channelKind: platforms.Channel, handle: "@ada",
		forms:      forms(`^[1-9][0-9]{15,19}$`, `^[1-9][0-9]{15,19}$`),
		wrongUsers: []string{"ada#0001", "<@&175928847299117063>", "17592"}, wrongPlaces: []string{"#general", "general"},
	},
	{
		name: "slack", ada: "U012AB3CD", bob: "W012AB3CE", bot: "U0BOT0001", other: "B0BOT0002",
		direct: "D012AB3CD", group: "G012AB3CD", channel: "C012AB3CD", foreign: "C0FOREIGN1",
		groupKind: platforms.Group, channelKind: platforms.Channel, handle: "@ada",
		forms:      forms(`^[UWB][A-Z0-9]{5,20}$`, `^[CG][A-Z0-9]{5,20}$`, "USLACKBOT"),
		wrongUsers: []string{"C012AB3CD", "USLACKBOT", "u012ab3cd", "ada.lovelace"}, wrongPlaces: []string{"D012AB3CD", "U012AB3CD", "#general"},
	},
	{
		name: "feishu", ada: "ou_84aad35d084aa403a838cf73ee18467", bob: "ou_84aad35d084aa403a838cf73ee18468", bot: "ou_b0b0", other: "ou_84aad35d084aa403a838cf73ee1846b",
		direct: "oc_ce90cc12ab84aad35d084aa403a83801", group: "oc_ce90cc12ab84aad35d084aa403a83802", channel: "oc_ce90cc12ab84aad35d084aa403a83803", foreign: "oc_ce90cc12ab84aad35d084aa403a83804",
		groupKind: platforms.Group, channelKind: platforms.Group, handle: "@ada",
		forms:      forms(`^ou_[0-9a-f]{16,64}$`, `^oc_[0-9a-f]{16,64}$`),
		wrongUsers: []string{"oc_ce90cc12ab84aad35d084aa403a83802", "on_84aad35d084aa403a838cf73ee18467", "+8613800000000"}, wrongPlaces: []string{"ou_84aad35d084aa403a838cf73ee18467"},
	},
	{
		name: "mattermost", ada: "hyhwwm6gd7rdup8wkk5jmyzpuo", bob: "hyhwwm6gd7rdup8wkk5jmyzpub", bot: "b0t0wm6gd7rdup8wkk5jmyzpuo", other: "b0t1wm6gd7rdup8wkk5jmyzpuo",
		direct: "d1rect6gd7rdup8wkk5jmyzpuo", group: "gr0upm6gd7rdup8wkk5jmyzpuo", channel: "chann3lgd7rdup8wkk5jmyzpuo", foreign: "f0reign6d7rdup8wkk5jmyzpuo",
		groupKind: platforms.Group, channelKind: platforms.Channel, handle: "@ada",
		forms:      forms(`^[a-z0-9]{26}$`, `^[a-z0-9]{26}$`),
		wrongUsers: []string{"ada.lovelace", "hyhwwm6gd7rdup8wkk5jmyzpu", "HYHWWM6GD7RDUP8WKK5JMYZPUO"}, wrongPlaces: []string{"~town-square", "off-topic"},
	},
	{
		name: "line", ada: "U0123456789abcdef0123456789abcdef", bob: "U0123456789abcdef0123456789abcde0", bot: "Ub0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0", other: "U0123456789abcdef0123456789abcdeb",
		direct: "U0123456789abcdef0123456789abcdef", group: "C0123456789abcdef0123456789abcdef", channel: "R0123456789abcdef0123456789abcdef", foreign: "Cffff456789abcdef0123456789abcdef",
		groupKind: platforms.Group, channelKind: platforms.Group, handle: "@ada",
		forms:      forms(`^U[0-9a-f]{32}$`, `^[CR][0-9a-f]{32}$`),
		wrongUsers: []string{"C0123456789abcdef0123456789abcdef", "ada_line", "u0123456789abcdef0123456789abcdef"}, wrongPlaces: []string{"U0123456789abcdef0123456789abcdef"},
	},
}

const home platforms.AccountID = "home"

func (w world) dm(from platforms.UserID) platforms.Event {
	ev := w.said(from, w.direct, platforms.Direct)
	ev.Mentioned = true
	return ev
}

func (w world) said(from platforms.UserID, at platforms.ConversationID, kind platforms.ConversationKind) platforms.Event {
	return platforms.Event{ID: "e", Kind: platforms.MessageReceived, Conversation: platforms.Conversation{ID: at, Kind: kind, Title: "Ada"},
		Message: "m", From: platforms.User{ID: from, Name: "Ada", Handle: w.handle}, Text: "hello"}
}

func (w world) inGroup(from platforms.UserID, mentioned bool) platforms.Event {
	ev := w.said(from, w.group, w.groupKind)
	ev.Mentioned = mentioned
	return ev
}

func (w world) inChannel(from platforms.UserID, mentioned bool) platforms.Event {
	ev := w.said(from, w.channel, w.channelKind)
	ev.Mentioned = mentioned
	return ev
}

func edited(ev platforms.Event) platforms.Event { ev.Kind = platforms.MessageEdited; return ev }

func clicked(ev platforms.Event) platforms.Event {
	ev.Kind, ev.Text, ev.Mentioned, ev.Click = platforms.ButtonClicked, "", true, &platforms.Click{Data: "yes"}
	return ev
}
