package slack_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/slack"
	"github.com/postern/postern/platforms/slack/slacktest"
)

const (
	botToken = "xoxb-1111111111-2222222222-Kq7zVbT2mXw9LhRfPdNs4YcJ"
	appToken = "xapp-1-A0POSTERN1-3333333333-8gEu3AoBKq7zVbT2mXw9"
)

func TestContract(t *testing.T) {
	platformtest.Run(t, harness(slack.Platform()))
}

func TestFaults(t *testing.T) {
	platformtest.Faults(t, harness(slack.Hasty()))
}

func harness(p platforms.Platform) platformtest.Harness {
	return platformtest.Harness{
		Platform: p,
		Server:   "github.com/postern/postern/platforms/slack/slacktest",
		New:      newWorld,
		FromNow:  true,
		Overlaps: true,
	}
}

func newServer(t *testing.T) *slacktest.Server {
	t.Helper()
	s, err := slacktest.New(botToken, appToken)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// config is that of an account at s.
func config(t *testing.T, s *slacktest.Server) platforms.Config {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return platforms.Config{
		Settings: map[string]string{"server": s.URL()},
		Secrets:  map[string]platforms.Secret{"bot_token": platforms.NewSecret(botToken), "app_token": platforms.NewSecret(appToken)},
		HTTP:     &http.Client{Transport: transport},
	}
}

func newWorld(t *testing.T) *platformtest.World {
	s := newServer(t)
	s.SetPing(200 * time.Millisecond)
	return &platformtest.World{
		Config: config(t, s),
		Bot:    slacktest.Bot, Person: slacktest.Person,
		Direct: slacktest.Direct, Group: slacktest.Group, Thread: slacktest.Root, Nowhere: slacktest.Nowhere,

		Say: func(said platformtest.Said) platforms.MessageID { return platforms.MessageID(s.Post(post(said))) },
		Odd: func() {
			s.Deliver(map[string]any{"type": "telepathy", "channel": slacktest.Direct, "thought": "?"})
			s.DeliverRaw("telepathy", []byte(`[{"thought":"?"}]`))
		},
		Edit: func(c platforms.ConversationID, m platforms.MessageID, text string) {
			s.Edit(string(c), string(m), text)
		},
		Click: func(c platforms.ConversationID, m platforms.MessageID, label string) {
			if !s.Click(string(c), string(m), label, slacktest.Person) {
				t.Errorf("there is no button %q at %s", label, m)
			}
		},
		Redeliver: s.Redeliver,

		Sent:     func() []platformtest.Sent { return sent(s) },
		Answered: s.Answers,
		Acked: func() (ids []platforms.MessageID) {
			for _, id := range s.Acked() {
				ids = append(ids, platforms.MessageID(id))
			}
			return ids
		},

		Disconnect: s.Disconnect,
		Down:       s.Down, Up: s.Up,
		Revoke:     s.Revoke,
		FailCall:   func(f platformtest.Fault) { s.SetFault(slacktest.AnyCall, faultOf(f)) },
		FailStream: func(f platformtest.Fault) { s.SetFault("apps.connections.open", faultOf(f)) },
		Cut:        s.Cut,
		Silence:    s.Silence,
		Garbage:    s.Garbage,
		Swap:       func(first, second platformtest.Said) { s.Swap(post(first), post(second)) },
		Skew:       s.Skew,
		Advance:    s.Advance,
		Beats:      s.Beats,
		Held:       s.Held,
		Close:      s.Close,
	}
}

func post(said platformtest.Said) slacktest.Said {
	m := slacktest.Said{Channel: string(said.Conversation), User: slacktest.Person, Text: said.Text, Thread: string(said.Thread)}
	if said.Own {
		m.User = ""
	}
	for _, f := range said.Files {
		m.Files = append(m.Files, slacktest.File{Name: f.Name, MediaType: f.MediaType, Data: f.Data})
	}
	return m
}

func sent(s *slacktest.Server) (out []platformtest.Sent) {
	for _, m := range s.Sent() {
		v := platformtest.Sent{ID: platforms.MessageID(m.TS), Conversation: platforms.ConversationID(m.Channel),
			Thread: platforms.ThreadID(m.Thread), Text: m.Text, Edited: m.Edited}
		for _, row := range m.Buttons {
			var buttons []platforms.Button
			for _, b := range row {
				buttons = append(buttons, platforms.Button{Label: b.Label, Data: b.Value, URL: b.URL})
			}
			v.Buttons = append(v.Buttons, buttons)
		}
		for _, f := range m.Files {
			v.Files = append(v.Files, platformtest.Content{Name: f.Name, MediaType: f.MediaType, Data: f.Data})
		}
		out = append(out, v)
	}
	return out
}

func faultOf(f platformtest.Fault) slacktest.Fault {
	switch f.Kind {
	case platformtest.Malformed:
		return slacktest.Fault{Kind: slacktest.Malformed}
	case platformtest.Limited:
		return slacktest.Fault{Code: http.StatusTooManyRequests, RetryAfter: int(f.RetryAfter / time.Second)}
	case platformtest.Hang:
		return slacktest.Fault{Kind: slacktest.Hang}
	case platformtest.Lost:
		return slacktest.Fault{Kind: slacktest.Lost}
	case platformtest.Status:
		if f.Code == http.StatusUnauthorized {
			return slacktest.Fault{Code: f.Code, Error: "invalid_auth"}
		}
		return slacktest.Fault{Code: f.Code}
	}
	return slacktest.Fault{}
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
