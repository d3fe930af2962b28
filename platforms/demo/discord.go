package demo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/discord/discordtest"
)

// People of the script beside the one that every stand-in knows.
const (
	discordGrace    = "1080000000000000011"
	discordStranger = "1080000000000000012"
	discordOther    = "1070000000000000012" // the stranger's chat with the bot
)

// discordAct is a Discord with people who write to the bot.
func discordAct() (act, error) {
	token := base64.RawURLEncoding.EncodeToString([]byte(discordtest.Bot)) + "." + rand.Text()[:6] + "." + rand.Text() + rand.Text()[:12]
	s, err := discordtest.New(token)
	if err != nil {
		return act{}, err
	}
	s.AddUser(discordtest.User{ID: discordGrace, Name: "grace", Display: "Grace H."})
	// A stranger whose name and words try what hostile text tries.
	s.AddUser(discordtest.User{ID: discordStranger, Name: "mallory", Display: "M\u202eyrollaM\x1b[31m @everyone"})
	s.AddChannel(discordtest.Channel{ID: discordOther, Person: discordStranger, Type: 1})
	return act{
		account: Account{Platform: "discord", Name: "Demo on Discord", Values: map[string]string{"token": token, "server": s.URL()}},
		people: []Person{
			{User: discordtest.Person, Name: "Ada Lovelace", Conversation: discordtest.Direct, Kind: platforms.Direct},
			{User: discordGrace, Name: "Grace Hopper", Conversation: discordtest.Group, Kind: platforms.Group},
			{User: discordStranger, Name: "A stranger", Conversation: discordOther, Kind: platforms.Direct, Stranger: true},
		},
		play:  func(ctx context.Context, pace time.Duration) { playDiscord(ctx, pace, s) },
		say:   func(text string) { s.Say(discordtest.Direct, discordtest.Person, text) },
		close: func() error { s.Close(); return nil },
	}, nil
}

func playDiscord(ctx context.Context, pace time.Duration, s *discordtest.Server) {
	if s.WaitSocket(ctx) != nil {
		return
	}
	home, thread, ada := discordtest.Direct, discordtest.Thread, discordtest.Person
	lines := []func(){
		func() { s.Say(home, ada, "Hello! Is the build green?") },
		func() { pressDiscord(s, home) },
		func() {
			s.Say(thread, discordGrace, "<@"+discordtest.Bot+"> the thread has a question: **who** deploys today? 🚀")
		},
		func() { s.Command(discordtest.Group, discordGrace, "ask", "text", "how long is the queue?") },
		func() {
			s.Post(discordtest.Said{Channel: home, User: ada, Text: "Here is the log.",
				Files: []discordtest.File{{Name: "build.log", MediaType: "text/plain", Data: []byte("ok  \tengine\t0.4s\nok  \tmill\t1.2s\n")}}})
		},
		func() {
			s.Say(discordOther, discordStranger, "@everyone [Sign in](http://198.51.100.7/now) <@&1> ||look|| **at once**\u202e")
		},
		func() { s.Say(home, ada, "Write to me from the inbox. I answer.") },
	}
	if !recite(ctx, pace, lines) {
		return
	}
	chatDiscord(ctx, s)
}

// pressDiscord has the last message with buttons in a channel answered by a
// click.
func pressDiscord(s *discordtest.Server, channel string) {
	sent := s.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		if m := sent[i]; m.Channel == channel && len(m.Buttons) > 0 && len(m.Buttons[0]) > 0 {
			s.Click(m.ID, m.Buttons[0][0].Label, discordtest.Person)
			return
		}
	}
}

// chatDiscord answers what a person writes, as opposed to the demo's own echo.
func chatDiscord(ctx context.Context, s *discordtest.Server) {
	for seen := len(s.Sent()); s.WaitSent(ctx, seen+1) == nil; {
		sent := s.Sent()
		for _, m := range sent[seen:] {
			if m.Channel != discordtest.Direct || m.Text == "" || echoed(m.Text) {
				continue
			}
			if !rest(ctx, time.Second) {
				return
			}
			s.Say(m.Channel, discordtest.Person, "Thank you, “"+first(m.Text, 60)+"” arrived here.")
		}
		seen = len(sent)
	}
}
