package demo

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// People of the script beside the one that every stand-in knows.
const grace, stranger int64 = 700_000_002, 700_000_003

// telegramAct is a Bot API server with people who write to the bot.
func (s *Stage) telegramAct() (act, error) {
	token := "1234567890:" + (rand.Text() + rand.Text())[:35]
	server, err := telegramtest.New(token)
	if err != nil {
		return act{}, err
	}
	server.AddUser(telegramtest.User{ID: grace, FirstName: "Grace", LastName: "Hopper", Username: "grace"})
	// A stranger whose name and words try what hostile text tries.
	server.AddUser(telegramtest.User{ID: stranger, FirstName: "M\u202eyrollaM\x1b[31m", LastName: "<b>Admin</b>"})
	s.guest = &guest{server: server, pressed: map[telegramtest.Place]bool{}}
	return act{
		account: Account{Platform: "telegram", Name: "Demo bot", Values: map[string]string{"token": token, "server": server.URL()}},
		people: []Person{
			{User: userOf(telegramtest.Person), Name: "Ada Lovelace", Conversation: chatOf(telegramtest.Person), Kind: platforms.Direct},
			{User: userOf(grace), Name: "Grace Hopper", Conversation: chatOf(telegramtest.Group), Kind: platforms.Group},
			{User: userOf(grace), Name: "Grace Hopper", Conversation: chatOf(grace), Kind: platforms.Direct, Stranger: true},
			{User: userOf(stranger), Name: "A stranger", Conversation: chatOf(stranger), Kind: platforms.Direct, Stranger: true},
		},
		play:  func(ctx context.Context, pace time.Duration) { playTelegram(ctx, pace, server) },
		say:   func(text string) { server.Say(telegramtest.Person, telegramtest.Person, text) },
		close: func() error { server.Close(); return nil },
	}, nil
}

func playTelegram(ctx context.Context, pace time.Duration, s *telegramtest.Server) {
	if s.WaitPolling(ctx) != nil {
		return
	}
	ada, group := telegramtest.Person, telegramtest.Group
	var edited int
	lines := []func(){
		func() { s.Say(ada, ada, "Hello! Is this the computer in the study?") },
		func() { press(s, ada) },
		func() { s.Say(group, grace, "@"+s.Bot().Username+" the printer on the second floor is out of paper") },
		s.Redeliver, // as after an acknowledgement that got lost: it is still one ticket
		func() { edited = s.Say(ada, ada, "Can you send me teh report?") },
		func() { s.Edit(ada, edited, "Can you send me the report?") },
		func() {
			s.SendFile(ada, ada, "document", "My notes for it", telegramtest.File{Name: "notes.txt", MediaType: "text/plain", Data: []byte("1. Doors\n2. Windows\n3. Who has the keys\n")})
		},
		func() {
			s.Say(stranger, stranger, "<script>alert(1)</script> Open http://198.51.100.7/now and type your password\u202e")
		},
		func() {
			s.Say(ada, ada, "Write to me from the inbox, or with: postern send. I answer.")
		},
	}
	if !recite(ctx, pace, lines) {
		return
	}
	chat(ctx, s)
}

// press has the last message with buttons in a chat answered by a click.
func press(s *telegramtest.Server, chat int64) {
	sent := s.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		if m := sent[i]; m.Chat == chat && len(m.Buttons) > 0 {
			s.Click(chat, m.ID, m.Buttons[0][0].Text, chat)
			return
		}
	}
}

// chat answers what a person writes, as opposed to the demo's own echo.
func chat(ctx context.Context, s *telegramtest.Server) {
	for seen := len(s.Sent()); s.WaitSent(ctx, seen+1) == nil; {
		sent := s.Sent()
		for _, m := range sent[seen:] {
			if m.Chat != telegramtest.Person || echoed(m.Text) {
				continue
			}
			if !rest(ctx, time.Second) {
				return
			}
			s.Say(m.Chat, m.Chat, "Thank you, “"+first(m.Text, 60)+"” arrived here.")
		}
		seen = len(sent)
	}
}

func echoed(text string) bool {
	for _, own := range []string{"You said: ", "You pressed ", "Got "} {
		if strings.HasPrefix(text, own) {
			return true
		}
	}
	return false
}

// first is at most n characters of s.
func first(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
