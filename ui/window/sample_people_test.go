package window

import (
	"fmt"
	"strings"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// peopled is the sample with people who may talk, and a stranger in the activity.
func peopled() *fake {
	f := sample()
	f.talk.people = api.People{
		Rules: []access.Rule{
			{Account: "a1", User: "4711", Role: access.Owner, Name: "Ada Nilsson"},
			{Account: "a1", User: "815", Conversation: "-100200300", Role: access.Member, Name: "Grandma", Place: "Family"},
			{Account: "a1", User: "99120", Conversation: "-100200300", Role: access.Listener, Name: "Jonas", Place: "Family", Until: noon.Add(13 * 24 * time.Hour)},
			{Account: "a2", User: "u8k3m1n7q2ybgfp5wxr4t6z9ao", Role: access.Member, Name: "Ben", Until: ago(time.Hour)},
			{Account: "a2", User: "b0tb0tb0tb0tb0tb0tb0tb0tb0", Conversation: "c5h8k3m1n7q2ybgfp5wxr4t6z9", Role: access.Member, Bot: true, Name: "deploy", Place: "town-square"},
		},
		Ignored: []access.Ignore{{Account: "a1", User: "666", Name: "Free Crypto"}, {Account: "a2", Conversation: "c9", Name: "off-topic"}},
		Open:    []access.Place{{Account: "a1", Conversation: "-100200300", Name: "Family"}},
	}
	f.talk.pairing = api.Pairing{Code: "7Nq3vXk9TzWbR2mYhJ5cLd", Until: noon.Add(5 * time.Minute), Bots: []api.PairingBot{
		{Account: "a1", Name: "family", Title: "Telegram", Handle: "@family_helper_bot", Link: "https://t.me/family_helper_bot?start=7Nq3vXk9TzWbR2mYhJ5cLd", Chat: "https://t.me/family_helper_bot"},
		{Account: "a2", Name: "home", Title: "Mattermost", Handle: "@helper", Chat: "https://chat.example.org/home/messages/@helper"},
		{Account: "a3", Title: "Discord", Handle: "night#4411"},
	}}
	f.talk.why = api.Why{
		Then: &access.Decision{Verdict: access.Stranger, Trace: []access.Step{
			{Check: access.CheckSaid, Outcome: access.Passed, Words: "It is a message."},
			{Check: access.CheckWho, Outcome: access.Passed, Words: "The platform says that it was the user 31337."},
			{Check: access.CheckWhere, Outcome: access.Noted, Words: "It was in a direct chat, where a rule for the user is enough."},
			{Check: access.CheckRule, Outcome: access.Stopped, Words: "None of this account's rules is for this id, or it has ended. Names don't count."},
		}},
		Now: access.Decision{Verdict: access.Allowed, Role: access.Member, Rule: 3, Trace: []access.Step{
			{Check: access.CheckSaid, Outcome: access.Passed, Words: "It is a message."},
			{Check: access.CheckRule, Rule: 3, Outcome: access.Passed, Words: "Rule 3 (Mira Okafor) names this user here: member."},
			{Check: access.CheckMention, Outcome: access.Passed, Words: "In a direct chat all is meant for the bot."},
		}},
		Routes: []api.RouteStep{{Route: "r1", Name: "Kitchen", Words: "conversation is not \"Kitchen\""}, {Route: "r2", Name: "All else", Match: true, Words: "it takes everything"}},
		To:     []string{"Notify me", "Claude"},
	}
	f.activity[5].User, f.activity[5].Entry = "31337", 130
	f.activity[5].Conversation, f.activity[5].What, f.activity[5].Why = "c2", api.Ignored, "A stranger: no rule of this account that counts names this user."
	f.entries = append(f.entries, api.Entry{Seq: 130, Account: "a1", Conversation: "c2", From: platforms.User{ID: "31337", Name: "Mira Okafor"}, Text: "hello?", At: ago(8 * time.Minute)})
	return f
}

// claim is who sent a code.
func claim(n uint64, id, name string) access.Claim {
	return access.Claim{Account: "a1", User: platforms.User{ID: platforms.UserID(id), Name: name}, At: ago(3 * time.Second), Number: n}
}

// permissions is the sample with two permissions that responders ask for.
func permissions() *fake {
	f := peopled()
	f.talk.asks = []api.Ask{
		{ID: "p1", Account: "a1", Conversation: "c1", Where: "Family", Responder: "Claude", Title: "Run a command?", Detail: "rm -rf ./build && make release\n# in /home/ada/src/site",
			Choices: []api.AskChoice{{ID: "yes", Label: "Run it", Grants: true}, {ID: "always", Label: "Always run this", Grants: true}, {ID: "no", Label: "Don't run it"}}, At: ago(8 * time.Second), Until: noon.Add(2 * time.Minute)},
		{ID: "p2", Account: "a2", Conversation: "c4", Where: "town-square", Responder: "Deploy helper", Title: "Write to the file deploy.yaml?",
			Choices: []api.AskChoice{{ID: "no", Label: "No"}, {ID: "yes", Label: "Yes", Grants: true}}, At: ago(3 * time.Second), Until: noon.Add(10 * time.Minute)},
	}
	f.snap.Asks = 2
	return f
}

// crowded has many rules, long names and ids, and what tries to steer a screen.
func crowded(n int) *fake {
	f := peopled()
	for i := range n {
		f.talk.people.Rules = append(f.talk.people.Rules, access.Rule{Account: platforms.AccountID(fmt.Sprintf("a%d", 1+i%4)), User: platforms.UserID(fmt.Sprintf("%s%d", strings.Repeat("9", i%100), i)),
			Role: access.Member, Conversation: platforms.ConversationID(strings.Repeat("-100", 1+i%30)), Name: strings.Repeat("Maximilian \u202eevil\n ", 1+i%6), Place: strings.Repeat("Very long place ", 1+i%5)})
	}
	return f
}
