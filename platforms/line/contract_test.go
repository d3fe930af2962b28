package line_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/line"
	"github.com/postern/postern/platforms/line/linetest"
	"github.com/postern/postern/platforms/platformtest"
)

const (
	token  = "Zm9yIHRlc3RzIG9ubHk/abcdefghijklmnopqrstuvwxyz0123456789+/="
	secret = "7a1f0c5e9b3d48627a1f0c5e9b3d4862"
)

func TestContract(t *testing.T) { platformtest.Run(t, harness()) }

func TestFaults(t *testing.T) { platformtest.Faults(t, harness()) }

func harness() platformtest.Harness {
	return platformtest.Harness{
		Platform:     line.Platform(),
		Server:       "github.com/postern/postern/platforms/line/linetest",
		New:          newWorld,
		Idempotent:   true,
		NoCursor:     true,
		NoEditEvents: true,
	}
}

func newServer(t *testing.T) *linetest.Server {
	t.Helper()
	s, err := linetest.New(token, secret)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// config is that of an account at s, which in leads to.
func config(t *testing.T, s *linetest.Server, in *ingresstest.Ingress) platforms.Config {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return platforms.Config{
		Settings: map[string]string{"server": s.URL()},
		Secrets:  map[string]platforms.Secret{"token": platforms.NewSecret(token), "secret": platforms.NewSecret(secret)},
		HTTP:     &http.Client{Transport: transport},
		Key:      platforms.NewSecret("a key that is random for every account"),
		Ingress:  in,
	}
}

func newWorld(t *testing.T) *platformtest.World {
	s := newServer(t)
	in := ingresstest.New()
	s.Through(in, true)
	return &platformtest.World{
		Config: config(t, s, in),
		Bot:    linetest.Bot, Person: linetest.Person,
		Direct: linetest.Direct, Group: linetest.Group, Nowhere: linetest.Nowhere,

		Say: func(said platformtest.Said) platforms.MessageID { return say(s, said) },
		Odd: func() {
			s.Deliver("telepathy", linetest.Direct, linetest.Person, map[string]any{"thought": "?"})
			s.Deliver("beacon", linetest.Direct, linetest.Person, map[string]any{"beacon": map[string]any{"hwid": "d41d8cd98f", "type": "enter"}})
		},
		Click: func(_ platforms.ConversationID, m platforms.MessageID, label string) {
			if !s.Click(string(m), label, linetest.Person) {
				t.Errorf("there is no button %q at %s", label, m)
			}
		},
		Redeliver: s.Redeliver,

		Sent: func() []platformtest.Sent { return sent(s) },
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

		Down: s.Down, Up: s.Up,
		Revoke:   s.Revoke,
		FailCall: func(f platformtest.Fault) { s.SetFault(faultOf(f)) },
		Garbage:  s.Garbage,
		Swap:     func(first, second platformtest.Said) { s.Swap(post(first)[0], post(second)[0]) },
		Skew:     s.Skew,
		Advance:  s.Advance,
		Held:     s.Held,
		Close:    s.Close,
	}
}

// say gives the id of the first message; what the bot itself wrote elsewhere is
// told to no bot.
func say(s *linetest.Server, said platformtest.Said) (first platforms.MessageID) {
	if said.Own {
		return "499999999999999999"
	}
	for i, m := range post(said) {
		if id := s.Post(m); i == 0 {
			first = platforms.MessageID(id)
		}
	}
	return first
}

// post is what is said in LINE's form: each file, and the text, by itself.
func post(said platformtest.Said) (out []linetest.Said) {
	for _, f := range said.Files {
		out = append(out, linetest.Said{Chat: string(said.Conversation), User: linetest.Person,
			File: &linetest.File{Name: f.Name, MediaType: f.MediaType, Data: f.Data}})
	}
	if said.Text != "" {
		out = append(out, linetest.Said{Chat: string(said.Conversation), User: linetest.Person, Text: said.Text})
	}
	return out
}

func sent(s *linetest.Server) (out []platformtest.Sent) {
	for _, m := range s.Sent() {
		v := platformtest.Sent{ID: platforms.MessageID(m.ID), Conversation: platforms.ConversationID(m.Chat),
			ReplyTo: platforms.MessageID(m.Quotes), Text: m.Text}
		for _, b := range m.Buttons {
			v.Buttons = append(v.Buttons, []platforms.Button{{Label: b.Label, Data: b.Data, URL: b.URL}})
		}
		out = append(out, v)
	}
	return out
}

func faultOf(f platformtest.Fault) linetest.Fault {
	switch f.Kind {
	case platformtest.Malformed:
		return linetest.Fault{Kind: linetest.Malformed}
	case platformtest.Limited:
		return linetest.Fault{Code: http.StatusTooManyRequests, RetryAfter: int(f.RetryAfter / time.Second)}
	case platformtest.Hang:
		return linetest.Fault{Kind: linetest.Hang}
	case platformtest.Lost:
		return linetest.Fault{Kind: linetest.Lost}
	}
	return linetest.Fault{Code: f.Code}
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
