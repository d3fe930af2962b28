package discord_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/discord"
	"github.com/postern/postern/platforms/discord/discordtest"
	"github.com/postern/postern/platforms/platformtest"
)

const token = "MTA5MDAwMDAwMDAwMDAwMDAwMQ.GhJ8xk.Kq7zVbT2mXw9LhRfPdNs4YcJ8gEu3AoBtest01"

func TestContract(t *testing.T) {
	platformtest.Run(t, harness())
}

func TestFaults(t *testing.T) {
	platformtest.Faults(t, harness())
}

func harness() platformtest.Harness {
	return platformtest.Harness{
		Platform:       discord.Platform(),
		Server:         "github.com/postern/postern/platforms/discord/discordtest",
		InOrder:        true,
		New:            newWorld,
		Unacknowledged: true,
		Idempotent:     true,
		FromNow:        true,
	}
}

func newServer(t *testing.T) *discordtest.Server {
	t.Helper()
	s, err := discordtest.New(token)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// config is that of an account at s.
func config(t *testing.T, s *discordtest.Server) platforms.Config {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return platforms.Config{
		Settings: map[string]string{"server": s.URL()},
		Secrets:  map[string]platforms.Secret{"token": platforms.NewSecret(token)},
		HTTP:     &http.Client{Transport: transport},
	}
}

func newWorld(t *testing.T) *platformtest.World {
	s := newServer(t)
	s.SetHeartbeat(1000)
	return &platformtest.World{
		Config: config(t, s),
		Bot:    discordtest.Bot, Person: discordtest.Person,
		Direct: discordtest.Direct, Group: discordtest.Group, Thread: discordtest.Thread, Nowhere: discordtest.Nowhere,

		Say: func(v platformtest.Said) platforms.MessageID { return platforms.MessageID(s.Post(post(v))) },
		Odd: func() {
			s.Deliver("TELEPATHY_CREATE", map[string]any{"channel_id": discordtest.Direct, "thought": "?"})
			s.Send(99, map[string]any{"what": "?"})
		},
		Edit: func(c platforms.ConversationID, m platforms.MessageID, text string) {
			s.Edit(string(c), string(m), text)
		},
		Click: func(_ platforms.ConversationID, m platforms.MessageID, label string) {
			if !s.Click(string(m), label, discordtest.Person) {
				t.Errorf("there is no button %q at %s", label, m)
			}
		},

		Sent: func() []platformtest.Sent { return sent(s) },
		Typed: func() (out []platforms.ConversationID) {
			for _, v := range s.Typed() {
				out = append(out, platforms.ConversationID(v))
			}
			return out
		},
		Answered: s.Whispers,

		Disconnect: s.Disconnect,
		Down:       s.Down, Up: s.Up,
		Revoke:     s.Revoke,
		FailCall:   func(f platformtest.Fault) { s.SetFault(discordtest.AnyCall, faultOf(f)) },
		FailStream: func(f platformtest.Fault) { s.SetFault(discordtest.Gateway, faultOf(f)) },
		Cut:        s.Cut,
		Silence:    s.Silence,
		Garbage:    s.Garbage,
		Skew:       s.Skew,
		Advance:    s.Advance,
		Beats:      s.Beats,
		Held:       s.Held,
		Close:      s.Close,
	}
}

func post(v platformtest.Said) discordtest.Said {
	out := discordtest.Said{Channel: string(v.Conversation), User: discordtest.Person, Text: v.Text}
	if v.Thread != "" {
		out.Channel = string(v.Thread)
	}
	if v.Own {
		out.User = ""
	}
	for _, f := range v.Files {
		out.Files = append(out.Files, discordtest.File{Name: f.Name, MediaType: f.MediaType, Data: f.Data})
	}
	return out
}

func sent(s *discordtest.Server) (out []platformtest.Sent) {
	for _, m := range s.Sent() {
		v := platformtest.Sent{
			ID: platforms.MessageID(m.ID), Conversation: platforms.ConversationID(m.Channel),
			ReplyTo: platforms.MessageID(m.ReplyTo), Text: m.Text, Edited: m.Edited,
		}
		if m.Parent != "" {
			v.Conversation, v.Thread = platforms.ConversationID(m.Parent), platforms.ThreadID(m.Channel)
		}
		for _, row := range m.Buttons {
			var line []platforms.Button
			for _, b := range row {
				line = append(line, platforms.Button{Label: b.Label, Data: b.ID, URL: b.URL})
			}
			v.Buttons = append(v.Buttons, line)
		}
		for _, f := range m.Files {
			v.Files = append(v.Files, platformtest.Content{Name: f.Name, MediaType: f.MediaType, Data: f.Data})
		}
		out = append(out, v)
	}
	return out
}

func faultOf(f platformtest.Fault) discordtest.Fault {
	switch f.Kind {
	case platformtest.Malformed:
		return discordtest.Fault{Kind: discordtest.Malformed}
	case platformtest.Limited:
		return discordtest.Fault{Code: http.StatusTooManyRequests, RetryAfter: f.RetryAfter.Seconds()}
	case platformtest.Hang:
		return discordtest.Fault{Kind: discordtest.Hang}
	case platformtest.Lost:
		return discordtest.Fault{Kind: discordtest.Lost}
	case platformtest.Status:
		return discordtest.Fault{Code: f.Code, Bare: slices.Contains([]int{http.StatusBadGateway, http.StatusServiceUnavailable}, f.Code)}
	}
	return discordtest.Fault{}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
