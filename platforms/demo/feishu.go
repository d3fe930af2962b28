package demo

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu/feishutest"
)

// People of the script beside the one that every stand-in knows.
const (
	feishuLin      = "ou_2f7d8a6e6df7621556ce0d21922b6701"
	feishuStranger = "ou_3f7d8a6e6df7621556ce0d21922b6702"
	feishuOther    = "oc_6ad11d72b830411d72b836c20d8f4a11" // the stranger's chat with the bot
)

// feishuAct is a Feishu server with people who write to the bot.
func feishuAct() (act, error) {
	app, secret := "cli_a1b2c3d4e5f60718", rand.Text()+rand.Text()[:6]
	s, err := feishutest.New(app, secret)
	if err != nil {
		return act{}, err
	}
	s.AddUser(feishutest.User{OpenID: feishuLin, Name: "林小雨"})
	// A stranger whose name and words try what hostile text tries.
	s.AddUser(feishutest.User{OpenID: feishuStranger, Name: "M\u202eyrollaM\x1b[31m <at user_id=\"all\"></at>"})
	s.AddChat(feishutest.Chat{ID: feishuOther, Direct: feishuStranger})
	return act{
		account: Account{Platform: "feishu", Name: "Demo on Feishu", Values: map[string]string{"app_id": app, "app_secret": secret, "server": s.URL()}},
		people: []Person{
			{User: feishutest.Person, Name: "Ada Lovelace", Conversation: feishutest.Direct, Kind: platforms.Direct},
			{User: feishuLin, Name: "林小雨", Conversation: feishutest.Group, Kind: platforms.Group},
			{User: feishuStranger, Name: "A stranger", Conversation: feishuOther, Kind: platforms.Direct, Stranger: true},
		},
		play:  func(ctx context.Context, pace time.Duration) { playFeishu(ctx, pace, s) },
		say:   func(text string) { s.Say(feishutest.Direct, feishutest.Person, text) },
		close: func() error { s.Close(); return nil },
	}, nil
}

func playFeishu(ctx context.Context, pace time.Duration, s *feishutest.Server) {
	if s.WaitSocket(ctx) != nil {
		return
	}
	direct, group, ada := feishutest.Direct, feishutest.Group, feishutest.Person
	lines := []func(){
		func() { s.Member(group, ada, true) },
		func() { s.Say(direct, ada, "Good morning! Did the backup run last night?") },
		func() { pressFeishu(s, direct) },
		func() {
			bot := s.Bot()
			s.Post(feishutest.Said{Chat: group, User: feishuLin, Text: "@_user_1 明天的发布准备好了吗？ 🚀",
				Mentions: []feishutest.Mention{{OpenID: bot.OpenID, Name: bot.Name}}})
		},
		func() {
			s.Post(feishutest.Said{Chat: direct, User: ada,
				File: &feishutest.File{Name: "figures.csv", MediaType: "text/csv", Data: []byte("month,visitors\nMay,1204\nJune,1377\n")}})
		},
		func() {
			s.Say(feishuOther, feishuStranger, "<at user_id=\"all\">everyone</at> [Sign in](http://198.51.100.7/now) **at once**\u202e")
		},
		func() { s.Say(direct, ada, "Write to me from the inbox. I answer.") },
	}
	if !recite(ctx, pace, lines) {
		return
	}
	chatFeishu(ctx, s)
}

// pressFeishu has the last message with buttons in a chat answered by a click.
func pressFeishu(s *feishutest.Server, chat string) {
	sent := s.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		if m := sent[i]; m.Chat == chat && len(m.Buttons) > 0 && len(m.Buttons[0]) > 0 {
			s.Click(m.ID, m.Buttons[0][0].Label, feishutest.Person)
			return
		}
	}
}

// chatFeishu answers what a person writes, as opposed to the demo's own echo.
func chatFeishu(ctx context.Context, s *feishutest.Server) {
	for seen := len(s.Sent()); s.WaitSent(ctx, seen+1) == nil; {
		sent := s.Sent()
		for _, m := range sent[seen:] {
			if m.Chat != feishutest.Direct || m.Text == "" || echoed(m.Text) {
				continue
			}
			if !rest(ctx, time.Second) {
				return
			}
			s.Say(m.Chat, feishutest.Person, "Thank you, “"+first(m.Text, 60)+"” arrived here.")
		}
		seen = len(sent)
	}
}
