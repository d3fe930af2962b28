package demo

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// People of the script beside the one that every stand-in knows.
const grace, stranger int64 = 700_000_002, 700_000_003

// telegramAct is a Bot API server with people who write to the bot.
func telegramAct() (act, error) {
	token := "1234567890:" + (rand.Text() + rand.Text())[:35]
	s, err := telegramtest.New(token)
	if err != nil {
		return act{}, err
	}
	s.AddUser(telegramtest.User{ID: grace, FirstName: "Grace", LastName: "Hopper", Username: "grace"})
	// A stranger whose name and words try what hostile text tries.
	s.AddUser(telegramtest.User{ID: stranger, FirstName: "M\u202eyrollaM\x1b[31m", LastName: "<b>Admin</b>"})
	return act{
		account: Account{Platform: "telegram", Name: "Demo bot", Values: map[string]string{"token": token, "server": s.URL()}},
		play:    func(ctx context.Context) { playTelegram(ctx, s) },
		say:     func(text string) { s.Say(telegramtest.Person, telegramtest.Person, text) },
		close:   func() error { s.Close(); return nil },
	}, nil
}

func playTelegram(ctx context.Context, s *telegramtest.Server) {
	if s.WaitPolling(ctx) != nil {
		return
	}
	ada, group := telegramtest.Person, telegramtest.Group
	var edited int
	lines := []func(){
		func() { s.Say(ada, ada, "Hello! Is this the computer in the study?") },
		func() { press(s, ada) },
		func() { s.Say(group, grace, "@"+s.Bot().Username+" the nightly build is green again 🎉") },
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
	if !recite(ctx, lines) {
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
