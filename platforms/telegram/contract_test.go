package telegram_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/telegram"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

func TestContract(t *testing.T) {
	platformtest.Run(t, platformtest.Harness{
		Platform: telegram.Platform(),
		Server:   "github.com/postern/postern/platforms/telegram/telegramtest",
		InOrder:  true,
		New:      newWorld,
	})
}

func TestFaults(t *testing.T) {
	platformtest.Faults(t, platformtest.Harness{
		Platform: telegram.Hasty(),
		Server:   "github.com/postern/postern/platforms/telegram/telegramtest",
		InOrder:  true,
		New:      newWorld,
	})
}

func newWorld(t *testing.T) *platformtest.World {
	s, err := telegramtest.New(token)
	must(t, err)
	transport := &http.Transport{}
	var revoked atomic.Bool
	return &platformtest.World{
		Config: platforms.Config{
			Settings: map[string]string{"server": s.URL()},
			Secrets:  map[string]platforms.Secret{"token": platforms.NewSecret(token)},
			HTTP:     &http.Client{Transport: transport},
		},
		Bot: "4242424242", Person: platforms.UserID(number(telegramtest.Person)),
		Direct: conversation(telegramtest.Direct), Group: conversation(telegramtest.Group),
		Thread: platforms.ThreadID(strconv.Itoa(telegramtest.Topic)), Nowhere: "123456789",

		Say: func(said platformtest.Said) platforms.MessageID { return say(s, said) },
		Odd: func() { s.Deliver("telepathy", json.RawMessage(`{"thought":"?"}`)) },
		Edit: func(c platforms.ConversationID, m platforms.MessageID, text string) {
			s.Edit(int64(integer(string(c))), integer(string(m)), text)
		},
		Click: func(c platforms.ConversationID, m platforms.MessageID, label string) {
			s.Click(int64(integer(string(c))), integer(string(m)), label, telegramtest.Person)
		},
		Redeliver: s.Redeliver,

		Sent: func() []platformtest.Sent { return sent(s) },
		Acked: func() (ids []platforms.MessageID) {
			for _, c := range s.Confirmed() {
				if c.Kind == "message" && c.Message != 0 {
					ids = append(ids, platforms.MessageID(strconv.Itoa(c.Message)))
				}
			}
			return ids
		},
		Typed: func() (out []platforms.ConversationID) {
			for _, v := range s.Typed() {
				out = append(out, conversation(v.Chat))
			}
			return out
		},
		Answered: s.Answers,

		Disconnect: func() {
			// Between two polls there is no connection that the connector would
			// miss. With a revoked token no poll waits any more.
			if !revoked.Load() {
				must(t, s.WaitPolling(soon(t)))
			}
			s.Disconnect()
		},
		Down: s.Down, Up: s.Up,
		Revoke: func() {
			revoked.Store(true)
			s.Revoke()
		},
		Conflict:   func() { s.SetRival(true) },
		FailCall:   func(f platformtest.Fault) { s.SetFault(telegramtest.AnyCall, faultOf(f)) },
		FailStream: func(f platformtest.Fault) { s.SetFault("getUpdates", faultOf(f)) },
		Cut: func() {
			must(t, s.WaitPolling(soon(t)))
			s.BreakPoll(telegramtest.Fault{Kind: telegramtest.Cut})
		},
		Silence: func() {
			must(t, s.WaitPolling(soon(t)))
			s.Silence()
		},
		Garbage: func() { s.BreakPoll(telegramtest.Fault{Kind: telegramtest.Garbage}) },
		Skew:    s.Skew, Advance: s.Advance,
		Held: s.Held,
		Close: func() {
			s.Close()
			transport.CloseIdleConnections()
		},
	}
}

func say(s *telegramtest.Server, said platformtest.Said) platforms.MessageID {
	post := telegramtest.Said{
		Chat: int64(integer(string(said.Conversation))), User: telegramtest.Person, Text: said.Text,
	}
	if said.Thread != "" {
		post.Thread = integer(string(said.Thread))
	}
	if said.Own {
		post.User = s.Bot().ID
	}
	first := 0
	for i, f := range said.Files { // each is a message of its own
		post.File = &telegramtest.File{Name: f.Name, MediaType: f.MediaType, Data: f.Data}
		if id := s.Post(post); i == 0 {
			first, post.Text = id, ""
		}
	}
	if len(said.Files) == 0 {
		first = s.Post(post)
	}
	return platforms.MessageID(strconv.Itoa(first))
}

func sent(s *telegramtest.Server) (out []platformtest.Sent) {
	for _, m := range s.Sent() {
		v := platformtest.Sent{
			ID: platforms.MessageID(strconv.Itoa(m.ID)), Conversation: conversation(m.Chat), Text: m.Text, Edited: m.Edited,
		}
		if m.Thread != 0 {
			v.Thread = platforms.ThreadID(strconv.Itoa(m.Thread))
		}
		if m.ReplyTo != 0 {
			v.ReplyTo = platforms.MessageID(strconv.Itoa(m.ReplyTo))
		}
		for _, row := range m.Buttons {
			var buttons []platforms.Button
			for _, b := range row {
				buttons = append(buttons, platforms.Button{Label: b.Text, Data: b.CallbackData, URL: b.URL})
			}
			v.Buttons = append(v.Buttons, buttons)
		}
		if f := m.File; f != nil {
			v.Files = []platformtest.Content{{Name: f.Name, MediaType: f.MediaType, Data: f.Data}}
		}
		out = append(out, v)
	}
	return out
}

func faultOf(f platformtest.Fault) telegramtest.Fault {
	switch f.Kind {
	case platformtest.Malformed:
		return telegramtest.Fault{Kind: telegramtest.Malformed}
	case platformtest.Limited:
		return telegramtest.Fault{Code: http.StatusTooManyRequests, RetryAfter: int(f.RetryAfter / time.Second)}
	case platformtest.Status:
		return telegramtest.Fault{Code: f.Code}
	case platformtest.Hang:
		return telegramtest.Fault{Kind: telegramtest.Hang}
	case platformtest.Lost:
		return telegramtest.Fault{Kind: telegramtest.Lost}
	}
	return telegramtest.Fault{}
}

func conversation(n int64) platforms.ConversationID { return platforms.ConversationID(number(n)) }
func number(n int64) string                         { return strconv.FormatInt(n, 10) }

// integer reads an id that this test made itself.
func integer(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}
