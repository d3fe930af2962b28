package chathook_test

import (
	"net/http"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/chathook"
	"github.com/postern/postern/platforms/chathook/chathooktest"
	"github.com/postern/postern/platforms/platformtest"
)

func TestContract(t *testing.T) {
	for _, f := range chathooktest.Forms() {
		t.Run(string(f), func(t *testing.T) { platformtest.Run(t, harness(f)) })
	}
}

func TestFaults(t *testing.T) {
	for _, f := range chathooktest.Forms() {
		t.Run(string(f), func(t *testing.T) { platformtest.Faults(t, harness(f)) })
	}
}

func harness(f chathooktest.Form) platformtest.Harness {
	return platformtest.Harness{
		Platform:       chathook.Platform().Of(map[string]string{"form": string(f)}),
		Server:         "github.com/postern/postern/platforms/chathook/chathooktest",
		New:            func(t *testing.T) *platformtest.World { return newWorld(t, f) },
		OnlySpeaks:     true,
		Unasked:        f != chathooktest.Discord,
		Unacknowledged: true,
		NothingOpen:    true,
	}
}

func serve(t testing.TB, f chathooktest.Form) *chathooktest.Server {
	t.Helper()
	s, err := chathooktest.New(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// account is the Config of an account that posts at s.
func account(t testing.TB, f chathooktest.Form, s *chathooktest.Server) platforms.Config {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return platforms.Config{
		Settings: map[string]string{"form": string(f)},
		Secrets:  map[string]platforms.Secret{"url": platforms.NewSecret(s.URL())},
		HTTP:     &http.Client{Transport: transport},
	}
}

func newWorld(t *testing.T, f chathooktest.Form) *platformtest.World {
	s := serve(t, f)
	return &platformtest.World{
		Config: account(t, f, s),
		Bot:    platforms.UserID(f), Person: "nobody",
		Direct: "chat", Nowhere: "elsewhere",
		Sent: func() (out []platformtest.Sent) {
			for _, m := range s.Sent() {
				out = append(out, platformtest.Sent{ID: platforms.MessageID(m.ID), Conversation: "chat", Text: m.Text})
			}
			return out
		},
		Down: s.Down,
		Up: func() {
			if err := s.Up(); err != nil {
				t.Error(err)
			}
		},
		Revoke: s.Revoke,
		FailCall: func(f platformtest.Fault) {
			kinds := map[platformtest.FaultKind]chathooktest.FaultKind{
				platformtest.ServerError: chathooktest.ServerError, platformtest.Malformed: chathooktest.Malformed,
				platformtest.Limited: chathooktest.Limited, platformtest.Hang: chathooktest.Hang,
				platformtest.Lost: chathooktest.Lost, platformtest.Status: chathooktest.Status,
			}
			s.Fail(chathooktest.Fault{Kind: kinds[f.Kind], RetryAfter: f.RetryAfter, Code: f.Code})
		},
		Held:  s.Held,
		Close: s.Close,
	}
}
