package demo

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/slack/slacktest"
)

// People of the script beside the one that every stand-in knows.
const (
	slackGrace    = "U0GRACEAA1"
	slackStranger = "U0STRANGE1"
	slackOther    = "D0STRANGE1" // the stranger's conversation with the bot
)

// slackAct is a Slack workspace with people who write to the bot.
func slackAct() (act, error) {
	bot, app := "xoxb-"+rand.Text(), "xapp-"+rand.Text()
	s, err := slacktest.New(bot, app)
	if err != nil {
		return act{}, err
	}
	s.AddUser(slacktest.User{ID: slackGrace, Name: "grace", RealName: "Grace Hopper"})
	// A stranger whose name and words try what hostile text tries.
	s.AddUser(slacktest.User{ID: slackStranger, Name: "m", RealName: "M\u202eyrollaM\x1b[31m <!channel>"})
	s.AddChannel(slacktest.Channel{ID: slackOther, With: slackStranger})
	return act{
		account: Account{Platform: "slack", Name: "Demo on Slack", Values: map[string]string{"bot_token": bot, "app_token": app, "server": s.URL()}},
		people: []Person{
			{User: slacktest.Person, Name: "Ada Lovelace", Conversation: slacktest.Direct, Kind: platforms.Direct},
			{User: slackGrace, Name: "Grace Hopper", Conversation: slacktest.Group, Kind: platforms.Channel},
			{User: slackStranger, Name: "A stranger", Conversation: slackOther, Kind: platforms.Direct, Stranger: true},
		},
		play:  func(ctx context.Context, pace time.Duration) { playSlack(ctx, pace, s) },
		say:   func(text string) { s.Say(slacktest.Direct, slacktest.Person, text) },
		close: func() error { s.Close(); return nil },
	}, nil
}

func playSlack(ctx context.Context, pace time.Duration, s *slacktest.Server) {
	if s.WaitSocket(ctx, 1) != nil {
		return
	}
	direct, group, ada := slacktest.Direct, slacktest.Group, slacktest.Person
	lines := []func(){
		func() { s.Member(group, ada, true) },
		func() { s.Say(direct, ada, "Good morning! Is the report from last night here?") },
		func() { pressSlack(s, direct) },
		func() {
			s.Post(slacktest.Said{Channel: group, User: slackGrace, Raw: "<@" + slacktest.Bot + "> who reviews today? 🚢"})
		},
		func() { s.Command(group, slackGrace, "/postern", "status of the release") },
		func() {
			s.Post(slacktest.Said{Channel: direct, User: ada, Text: "These are the numbers.",
				Files: []slacktest.File{{Name: "figures.csv", MediaType: "text/csv", Data: []byte("month,visitors\nMay,1204\nJune,1377\n")}}})
		},
		func() {
			s.Say(slackOther, slackStranger, "<!channel> <http://198.51.100.7/now|Sign in> *at once*\u202e")
		},
		func() { s.Say(direct, ada, "Write to me from the inbox. I answer.") },
	}
	if !recite(ctx, pace, lines) {
		return
	}
	chatSlack(ctx, s)
}

// pressSlack has the last message with buttons in a conversation answered by a
// click.
func pressSlack(s *slacktest.Server, channel string) {
	sent := s.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		if m := sent[i]; m.Channel == channel && len(m.Buttons) > 0 && len(m.Buttons[0]) > 0 {
			s.Click(channel, m.TS, m.Buttons[0][0].Label, slacktest.Person)
			return
		}
	}
}

// chatSlack answers what a person writes, as opposed to the demo's own echo.
func chatSlack(ctx context.Context, s *slacktest.Server) {
	for seen := len(s.Sent()); s.WaitSent(ctx, seen+1) == nil; {
		sent := s.Sent()
		for _, m := range sent[seen:] {
			if m.Channel != slacktest.Direct || m.Text == "" || echoed(m.Text) {
				continue
			}
			if !rest(ctx, time.Second) {
				return
			}
			s.Say(m.Channel, slacktest.Person, "Thank you, “"+first(m.Text, 60)+"” arrived here.")
		}
		seen = len(sent)
	}
}
