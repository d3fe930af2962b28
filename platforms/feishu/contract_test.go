package feishu_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/platformtest"
)

const (
	appID  = "cli_a1b2c3d4e5f60718"
	secret = "Kq7zVbT2mXw9LhRfPdNs4YcJ8gEu3AoB"
)

func TestContract(t *testing.T) {
	platformtest.Run(t, harness())
}

func TestFaults(t *testing.T) {
	platformtest.Faults(t, harness())
}

func harness() platformtest.Harness {
	return platformtest.Harness{
		Platform:     feishu.Platform(),
		Server:       "github.com/postern/postern/platforms/feishu/feishutest",
		New:          newWorld,
		Idempotent:   true,
		NoCursor:     true,
		NoEditEvents: true,
	}
}

func newServer(t *testing.T) *feishutest.Server {
	t.Helper()
	s, err := feishutest.New(appID, secret)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// config is that of an account at s.
func config(t *testing.T, s *feishutest.Server) platforms.Config {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return platforms.Config{
		Settings: map[string]string{"app_id": appID, "server": s.URL()},
		Secrets:  map[string]platforms.Secret{"app_secret": platforms.NewSecret(secret)},
		HTTP:     &http.Client{Transport: transport},
	}
}

func newWorld(t *testing.T) *platformtest.World {
	return worldOf(t, func(*feishutest.Server, *platformtest.World) {})
}

// worldOf is a world with a long connection, before change.
func worldOf(t *testing.T, change func(*feishutest.Server, *platformtest.World)) *platformtest.World {
	s := newServer(t)
	s.SetPing(1)
	c := config(t, s)
	w := &platformtest.World{
		Config: c,
		Bot:    platforms.UserID(s.Bot().OpenID), Person: feishutest.Person,
		Direct: feishutest.Direct, Group: feishutest.Group, Thread: feishutest.Root, Nowhere: feishutest.Nowhere,

		Say: func(said platformtest.Said) platforms.MessageID { return platforms.MessageID(s.Post(post(said)[0])) },
		Odd: func() {
			s.Deliver("im.message.message_read_v1", map[string]any{"message_id_list": []string{feishutest.Root}})
			s.Deliver("telepathy.thought_v9", map[string]any{"chat_id": feishutest.Direct, "thought": "?"})
		},
		Click: func(_ platforms.ConversationID, m platforms.MessageID, label string) {
			if !s.Click(string(m), label, feishutest.Person) {
				t.Errorf("there is no button %q at %s", label, m)
			}
		},
		Redeliver: s.Redeliver,

		Sent: func() []platformtest.Sent { return sent(s) },
		Answered: func() []string { // what was sent over the socket may be on its way
			_ = s.WaitAll(soon(t))
			return s.Toasts()
		},
		Acked: func() (ids []platforms.MessageID) {
			for _, id := range s.Acked() {
				ids = append(ids, platforms.MessageID(id))
			}
			return ids
		},
		Typed: func() (out []platforms.ConversationID) {
			for _, v := range s.Typed() {
				out = append(out, platforms.ConversationID(v.Chat))
			}
			return out
		},

		Disconnect: s.Disconnect,
		Down:       s.Down, Up: s.Up,
		Revoke: s.Revoke,
		FailCall: func(f platformtest.Fault) {
			if f.Code == http.StatusUnauthorized {
				// A token that is refused once is renewed. Here the new one is refused too.
				s.SetFault(feishutest.Token, feishutest.Fault{Code: http.StatusBadRequest, APICode: 10014, Msg: "app secret invalid"})
				return
			}
			s.SetFault(feishutest.AnyCall, faultOf(f))
		},
		FailStream: func(f platformtest.Fault) {
			if f.Code == http.StatusUnauthorized {
				s.SetFault(feishutest.Endpoint, feishutest.Fault{Code: f.Code, APICode: 10014, Msg: "app secret invalid"})
				return
			}
			s.SetFault(feishutest.Endpoint, faultOf(f))
		},
		Cut:     s.Cut,
		Silence: s.Silence,
		Garbage: s.Garbage,
		Swap:    func(first, second platformtest.Said) { s.Swap(post(first)[0], post(second)[0]) },
		Skew:    s.Skew,
		Advance: s.Advance,
		Beats:   s.Beats,
		Held:    s.Held,
		Close:   s.Close,
	}
	change(s, w)
	return w
}

// post is what is said in the emulator's form: a message for each file, or one.
func post(said platformtest.Said) (out []feishutest.Said) {
	m := feishutest.Said{Chat: string(said.Conversation), User: feishutest.Person, Text: said.Text, Thread: string(said.Thread)}
	if said.Own {
		m.User = ""
	}
	for _, f := range said.Files {
		m.File = &feishutest.File{Name: f.Name, MediaType: f.MediaType, Data: f.Data}
		out = append(out, m)
	}
	if len(out) == 0 {
		out = append(out, m)
	}
	return out
}

func sent(s *feishutest.Server) (out []platformtest.Sent) {
	for _, m := range s.Sent() {
		v := platformtest.Sent{
			ID: platforms.MessageID(m.ID), Conversation: platforms.ConversationID(m.Chat), Thread: platforms.ThreadID(m.Root),
			ReplyTo: platforms.MessageID(m.ReplyTo), Text: m.Text, Edited: m.Edits > 0,
		}
		for _, row := range m.Buttons {
			var buttons []platforms.Button
			for _, b := range row {
				data, _ := b.Value["data"].(string)
				buttons = append(buttons, platforms.Button{Label: b.Label, Data: data, URL: b.URL})
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

func faultOf(f platformtest.Fault) feishutest.Fault {
	switch f.Kind {
	case platformtest.Malformed:
		return feishutest.Fault{Kind: feishutest.Malformed}
	case platformtest.Limited:
		return feishutest.Fault{Code: http.StatusTooManyRequests, RetryAfter: int(f.RetryAfter / time.Second)}
	case platformtest.Hang:
		return feishutest.Fault{Kind: feishutest.Hang}
	case platformtest.Lost:
		return feishutest.Fault{Kind: feishutest.Lost}
	case platformtest.Status:
		return feishutest.Fault{Code: f.Code}
	}
	return feishutest.Fault{}
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
