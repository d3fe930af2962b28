package demo

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// Person is somebody of the scripts, in one of the conversations where they talk
// with the bot.
type Person struct {
	Account  int // an index of Accounts
	Platform string

	User         platforms.UserID
	Name         string
	Conversation platforms.ConversationID
	Kind         platforms.ConversationKind

	// Stranger says that nobody has let them in here when the scripts begin.
	Stranger bool
}

// People is everybody of the scripts. Grace is known in a group on Telegram, and
// there a stranger in the direct chat that Pair opens.
func (s *Stage) People() []Person {
	var out []Person
	for i, a := range s.acts {
		for _, p := range a.people {
			p.Account, p.Platform = i, a.account.Platform
			out = append(out, p)
		}
	}
	return out
}

// guest is Grace, in her direct chat on Telegram.
type guest struct {
	server *telegramtest.Server

	mu      sync.Mutex
	pressed map[telegramtest.Place]bool
}

// Pair has Grace open the link that platforms.Platform.Greet makes of code: she
// presses Start. It waits until the bot listens.
func (s *Stage) Pair(ctx context.Context, code string) error { return s.Ask(ctx, "/start "+code) }

// Ask has Grace write to the bot in her direct chat. It waits until the bot
// listens.
func (s *Stage) Ask(ctx context.Context, text string) error {
	if err := s.guest.server.WaitPolling(ctx); err != nil {
		return err
	}
	s.guest.server.Say(grace, grace, text)
	return nil
}

// Press waits until the bot shows a button with this label on Telegram, and has it
// pressed: in a direct chat by the person whose it is, else by Grace. It presses
// each message's buttons once only, the newest first.
func (s *Stage) Press(ctx context.Context, label string) error {
	g := s.guest
	at, err := g.server.WaitButton(ctx, label, func(p telegramtest.Place) bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return !g.pressed[p]
	})
	if err != nil {
		return err
	}
	g.mu.Lock()
	again := g.pressed[at]
	g.pressed[at] = true
	g.mu.Unlock()
	who := at.Chat
	if who < 0 {
		who = grace
	}
	if again || g.server.Click(at.Chat, at.ID, label, who) == "" {
		return errors.New("the button is not there any more")
	}
	return nil
}

func userOf(n int64) platforms.UserID { return platforms.UserID(strconv.FormatInt(n, 10)) }

func chatOf(n int64) platforms.ConversationID {
	return platforms.ConversationID(strconv.FormatInt(n, 10))
}
