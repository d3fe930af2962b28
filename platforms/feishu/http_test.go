package feishu_test

import (
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/platformtest"
)

const (
	encryptKey = "Hq2mZ8vKx4TfLr7WbNc9Yd3PsJg6EuAo"
	verifyWord = "v7XkQw2LmZr9TbHc4NfPs8YdJg3EuAoK"
)

func TestContractHTTP(t *testing.T) { platformtest.Run(t, harnessHTTP()) }

func TestFaultsHTTP(t *testing.T) { platformtest.Faults(t, harnessHTTP()) }

func harnessHTTP() platformtest.Harness {
	h := harness()
	h.New = newHTTPWorld
	h.Platform.Inbound = h.Platform.Reach(map[string]string{"mode": "http"})
	return h
}

// overHTTP makes c an account that s calls through in.
func overHTTP(s *feishutest.Server, c *platforms.Config, in *ingresstest.Ingress) {
	s.SetHTTP(feishutest.HTTP{EncryptKey: encryptKey, Token: verifyWord})
	s.Through(in, true)
	c.Settings["mode"] = "http"
	c.Secrets["encrypt_key"] = platforms.NewSecret(encryptKey)
	c.Secrets["verification_token"] = platforms.NewSecret(verifyWord)
	c.Key = platforms.NewSecret("a key that is random for every account")
	c.Ingress = in
}

// newHTTPWorld is newWorld's without what a long connection has. The clock that
// signs is right: a request of another is refused, which has a test of its own.
func newHTTPWorld(t *testing.T) *platformtest.World {
	return worldOf(t, func(s *feishutest.Server, w *platformtest.World) {
		overHTTP(s, &w.Config, ingresstest.New())
		w.Disconnect, w.FailStream, w.Cut, w.Silence, w.Beats = nil, nil, nil, nil, nil
	})
}

// openHTTP makes a server and a connector that it calls within this process.
func openHTTP(t *testing.T) (*feishutest.Server, platforms.Connector, *ingresstest.Ingress) {
	t.Helper()
	s, in := newServer(t), ingresstest.New()
	c := config(t, s)
	overHTTP(s, &c, in)
	conn, err := feishu.Platform().New(c)
	must(t, err)
	return s, conn, in
}
