package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"time"

	"github.com/postern/postern/app/ingress/webhookrelay/webhookrelaytest"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/line/linetest"
)

// People of the script beside the one that every stand-in knows.
const lineStranger = "U4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f"

// lineBucket is what the relay has for LINE's webhooks.
const lineBucket = "line"

// lineAct is a Messaging API with people who write to the bot. Its webhooks go to
// a relay, which Postern dials: nothing listens for them.
func (s *Stage) lineAct() (act, error) {
	return lineBehind(s.relay)
}

func lineBehind(relay *webhookrelaytest.Server) (act, error) {
	token := rand.Text() + rand.Text() + rand.Text()
	secret := make([]byte, 16)
	_, _ = rand.Read(secret)
	s, err := linetest.New(token, hex.EncodeToString(secret))
	if err != nil {
		return act{}, err
	}
	s.Directly()
	s.SetEndpoint(relay.Input(lineBucket), true)
	s.SetQuota(200, 12)
	// A stranger whose name and words try what hostile text tries.
	s.SetName(lineStranger, "M\u202eyrollaM\x1b[31m {user}")
	return act{
		account: Account{Platform: "line", Name: "Demo on LINE", Values: map[string]string{"token": token, "secret": hex.EncodeToString(secret), "server": s.URL()}},
		people: []Person{
			{User: linetest.Person, Name: "Ada Lovelace", Conversation: linetest.Direct, Kind: platforms.Direct},
			{User: linetest.Grace, Name: "Grace Hopper", Conversation: linetest.Group, Kind: platforms.Group},
			{User: lineStranger, Name: "A stranger", Conversation: lineStranger, Kind: platforms.Direct, Stranger: true},
		},
		play:  func(ctx context.Context, pace time.Duration) { playLine(ctx, pace, s, relay) },
		say:   func(text string) { s.Say(linetest.Direct, linetest.Person, text) },
		close: func() error { s.Close(); return nil },
	}, nil
}

func playLine(ctx context.Context, pace time.Duration, s *linetest.Server, relay *webhookrelaytest.Server) {
	for !relay.Subscribed(1, 200*time.Millisecond) { // the relay would keep it all, but the script would be over at once
		if ctx.Err() != nil {
			return
		}
	}
	direct, ada := linetest.Direct, linetest.Person
	lines := []func(){
		func() {
			s.Deliver("follow", direct, ada, map[string]any{"follow": map[string]any{"isUnblocked": false}})
		},
		func() { s.Say(direct, ada, "Hi! Is anybody at home to sign for a parcel?") },
		func() { pressLine(s, direct) },
		func() {
			s.Post(linetest.Said{Chat: linetest.Group, User: linetest.Grace, Text: "@" + linetest.BotName + " who waters the plants this week?", Mentions: []string{linetest.Bot}})
		},
		func() { s.Post(linetest.Said{Chat: direct, User: ada, Sticker: []string{"thanks", "bow"}}) },
		func() {
			s.Post(linetest.Said{Chat: direct, User: ada,
				File: &linetest.File{Name: "parcel.txt", MediaType: "text/plain", Data: []byte("Two boxes, one of them heavy.\n")}})
		},
		func() {
			s.Say(lineStranger, lineStranger, "{{winner}} <b>You won</b> https://198.51.100.7/claim — enter your password\u202e")
		},
		func() { s.Say(direct, ada, "Write to me from the inbox. I answer.") },
	}
	if !recite(ctx, pace, lines) {
		return
	}
	chatLine(ctx, s)
}

// pressLine has the last message with buttons in a chat answered by a tap.
func pressLine(s *linetest.Server, chat string) {
	sent := s.Sent()
	for i := len(sent) - 1; i >= 0; i-- {
		if m := sent[i]; m.Chat == chat && len(m.Buttons) > 0 {
			s.Click(m.ID, m.Buttons[0].Label, linetest.Person)
			return
		}
	}
}

// chatLine answers what a person writes, as opposed to the demo's own echo.
func chatLine(ctx context.Context, s *linetest.Server) {
	for seen := len(s.Sent()); s.WaitSent(ctx, seen+1) == nil; {
		sent := s.Sent()
		for _, m := range sent[seen:] {
			if m.Chat != linetest.Direct || m.Text == "" || echoed(m.Text) {
				continue
			}
			if !rest(ctx, time.Second) {
				return
			}
			s.Say(m.Chat, linetest.Person, "Thank you, “"+first(m.Text, 60)+"” arrived here.")
		}
		seen = len(sent)
	}
}
