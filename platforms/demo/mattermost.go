package demo

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
)

// People of the script beside the one that every stand-in knows.
const (
	mattermostGrace    = "grace000000000000000000001"
	mattermostStranger = "stranger000000000000000001"
	mattermostOther    = "dm000000000000000000000002" // the stranger's channel with the bot
)

// mattermostAct is a Mattermost server with people who write to the bot.
func mattermostAct() (act, error) {
	token := strings.ToLower(rand.Text())
	s, err := mattermosttest.New(token)
	if err != nil {
		return act{}, err
	}
	s.AddUser(mattermosttest.User{ID: mattermostGrace, Username: "grace", First: "Grace", Last: "Hopper"})
	// A stranger whose name and words try what hostile text tries.
	s.AddUser(mattermosttest.User{ID: mattermostStranger, Username: "moira", Nickname: "M\u202eyrollaM\x1b[31m @all"})
	s.AddChannel(mattermosttest.Channel{ID: mattermostOther, Type: "D", Name: mattermosttest.Bot + "__" + mattermostStranger})
	return act{
		account: Account{Platform: "mattermost", Door: true, Name: "Demo on Mattermost", Values: map[string]string{"server": s.URL(), "token": token}},
		people: []Person{
			{User: mattermosttest.Person, Name: "Ada Lovelace", Conversation: mattermosttest.Direct, Kind: platforms.Direct},
			{User: mattermostGrace, Name: "Grace Hopper", Conversation: mattermosttest.Town, Kind: platforms.Channel},
			{User: mattermostStranger, Name: "A stranger", Conversation: mattermostOther, Kind: platforms.Direct, Stranger: true},
		},
		play:  func(ctx context.Context, pace time.Duration) { playMattermost(ctx, pace, s) },
		say:   func(text string) { s.Say(mattermosttest.Direct, mattermosttest.Person, text) },
		close: func() error { s.Close(); return nil },
	}, nil
}

func playMattermost(ctx context.Context, pace time.Duration, s *mattermosttest.Server) {
	if s.WaitSocket(ctx) != nil {
		return
	}
	direct, ada := mattermosttest.Direct, mattermosttest.Person
	var edited string
	lines := []func(){
		func() { s.Say(direct, ada, "Hello! Are the lights still on in the workshop?") },
		func() { pressMattermost(s, direct) },
		func() {
			s.Post(mattermosttest.Said{Channel: mattermosttest.Town, Root: mattermosttest.Thread, User: mattermostGrace, Text: "@postern what did we decide about the **engine**?"})
		},
		func() { edited = s.Say(direct, ada, "The meeting is at tree o'clock.") },
		func() { s.Edit(edited, "The meeting is at three o'clock.") },
		func() {
			s.Post(mattermosttest.Said{Channel: direct, User: ada, Text: "The plan is attached.",
				Files: []mattermosttest.File{{Name: "plan.txt", MediaType: "text/plain", Data: []byte("1. Build\n2. Test\n3. Rest\n")}}})
		},
		func() {
			s.Say(mattermostOther, mattermostStranger, "@all [Sign in](http://198.51.100.7/now) <script>alert(1)</script> **at once**\u202e")
		},
		func() { s.Say(direct, ada, "Write to me from the inbox. I answer.") },
	}
	if !recite(ctx, pace, lines) {
		return
	}
	chatMattermost(ctx, s)
}

// pressMattermost answers the last message with buttons in a channel: by its
// first button, which calls back, or by a reaction where nothing can be called.
func pressMattermost(s *mattermosttest.Server, channel string) {
	sent := s.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		m := sent[i]
		if m.ChannelID != channel {
			continue
		}
		for _, row := range mattermosttest.Actions(m.Post) {
			for _, a := range row {
				_ = s.Press(m.ID, mattermosttest.Person, a.Name)
				return
			}
		}
		if strings.Contains(m.Shown, "1. ") {
			s.React(m.ID, mattermosttest.Person, "one")
			return
		}
	}
}

// chatMattermost answers what a person writes, as opposed to the demo's own
// echo.
func chatMattermost(ctx context.Context, s *mattermosttest.Server) {
	for seen := len(s.Sent()); s.WaitSent(ctx, seen+1) == nil; {
		sent := s.Sent()
		for _, m := range sent[seen:] {
			if m.ChannelID != mattermosttest.Direct || echoed(m.Shown) {
				continue
			}
			if !rest(ctx, time.Second) {
				return
			}
			s.Say(m.ChannelID, mattermosttest.Person, "Thank you, “"+first(m.Shown, 60)+"” arrived here.")
		}
		seen = len(sent)
	}
}
