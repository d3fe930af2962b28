package mattermost_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/mattermost"
	"github.com/postern/postern/platforms/mattermost/mattermosttest"
	"github.com/postern/postern/platforms/platformtest"
)

const token = "q7w8e9r0t1y2u3i4o5p6a7s8d9"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func harness(p platforms.Platform) platformtest.Harness {
	return platformtest.Harness{
		Platform:       p,
		Server:         "github.com/postern/postern/platforms/mattermost/mattermosttest",
		New:            newWorld,
		Unacknowledged: true,
		Idempotent:     true,
		FromNow:        true,
		Numbered:       true,
	}
}

func TestContract(t *testing.T) { platformtest.Run(t, harness(mattermost.Platform())) }

func TestFaults(t *testing.T) { platformtest.Faults(t, harness(mattermost.Hasty())) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *platformtest.World { w, _ := world(t); return w }

// start runs a connector; end stops it.
func start(t *testing.T, conn platforms.Connector, rec *platformtest.Recorder) (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = conn.Run(ctx, "", rec); close(done) }()
	return func() { cancel(); <-done }
}

func world(t *testing.T) (*platformtest.World, *mattermosttest.Server) {
	s, err := mattermosttest.New(token)
	must(t, err)
	s.Ping(100 * time.Millisecond)
	transport := &http.Transport{}
	return &platformtest.World{
		Config: platforms.Config{
			Settings: map[string]string{"server": s.URL()},
			Secrets:  map[string]platforms.Secret{"token": platforms.NewSecret(token)},
			HTTP:     &http.Client{Transport: transport},
		},
		Bot: mattermosttest.Bot, Person: mattermosttest.Person,
		Direct: mattermosttest.Direct, Group: mattermosttest.Town, Thread: mattermosttest.Thread, Nowhere: "nowhere0000000000000000001",

		Say: func(said platformtest.Said) platforms.MessageID { return platforms.MessageID(s.Post(post(said))) },
		Odd: s.Odd,
		Edit: func(_ platforms.ConversationID, m platforms.MessageID, text string) {
			s.Edit(string(m), text)
		},
		Click: func(_ platforms.ConversationID, m platforms.MessageID, label string) {
			n := 0
			for _, sent := range s.Sent() {
				if sent.ID != string(m) {
					continue
				}
				for line := range strings.Lines(sent.Shown) {
					if strings.Contains(line, label) && line[0] >= '1' && line[0] <= '9' {
						n = int(line[0] - '0')
					}
				}
			}
			s.React(string(m), mattermosttest.Person, []string{"", "one", "two", "three"}[n])
		},
		Sent: func() []platformtest.Sent { return sent(s) },
		Typed: func() (out []platforms.ConversationID) {
			for _, c := range s.Typed() {
				out = append(out, platforms.ConversationID(c))
			}
			return out
		},
		Disconnect: s.Disconnect, Down: s.Down, Up: s.Up, Revoke: s.Revoke,
		FailCall:   func(f platformtest.Fault) { s.FailCall(faultOf(f)) },
		FailStream: func(f platformtest.Fault) { s.FailSocket(faultOf(f)) },
		Cut:        s.Cut, Silence: s.Silence, Garbage: s.Garbage, Skew: s.Skew, Advance: s.Advance, Beats: s.Beats,
		Swap: func(first, second platformtest.Said) {
			a, b := post(first), post(second)
			a.Quiet, b.Quiet = true, true
			one, two := s.Post(a), s.Post(b)
			s.Deliver(two)
			s.Deliver(one)
		},
		Held: s.Held,
		Close: func() {
			s.Close()
			transport.CloseIdleConnections()
		},
	}, s
}

func post(said platformtest.Said) mattermosttest.Said {
	p := mattermosttest.Said{Channel: string(said.Conversation), Root: string(said.Thread), User: mattermosttest.Person, Text: said.Text}
	if said.Own {
		p.User = mattermosttest.Bot
	}
	for _, f := range said.Files {
		p.Files = append(p.Files, mattermosttest.File{Name: f.Name, MediaType: f.MediaType, Data: f.Data})
	}
	return p
}

func sent(s *mattermosttest.Server) (out []platformtest.Sent) {
	for _, m := range s.Sent() {
		v := platformtest.Sent{ID: platforms.MessageID(m.ID), Conversation: platforms.ConversationID(m.ChannelID),
			Thread: platforms.ThreadID(m.RootID), Text: m.Shown, Edited: m.EditAt != 0}
		for _, f := range m.Files {
			v.Files = append(v.Files, platformtest.Content{Name: f.Name, MediaType: f.MediaType, Data: f.Data})
		}
		out = append(out, v)
	}
	return out
}

func faultOf(f platformtest.Fault) mattermosttest.Fault {
	switch f.Kind {
	case platformtest.Malformed:
		return mattermosttest.Fault{Kind: mattermosttest.Malformed}
	case platformtest.Limited:
		return mattermosttest.Fault{Code: http.StatusTooManyRequests, RetryAfter: int(f.RetryAfter / time.Second)}
	case platformtest.Hang:
		return mattermosttest.Fault{Kind: mattermosttest.Hang}
	case platformtest.Lost:
		return mattermosttest.Fault{Kind: mattermosttest.Lost}
	case platformtest.Status:
		return mattermosttest.Fault{Code: f.Code}
	}
	return mattermosttest.Fault{}
}
