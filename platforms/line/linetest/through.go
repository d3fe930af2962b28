package linetest

import (
	"net/http"

	"github.com/postern/postern/platforms/ingresstest"
)

// Through makes webhooks go through in. If set is true, then whatever address in
// hands out is set at the platform too, as if the person had done it.
func (s *Server) Through(in *ingresstest.Ingress, set bool) {
	var told func(string)
	if set {
		told = func(public string) { s.SetEndpoint(public, true) }
	}
	in.On(told, func() { s.update(func() {}) })
	s.update(func() {
		if s.transport = in; in.Loopback() {
			s.transport = &http.Transport{}
		}
	})
}

// Directly makes webhooks go over the network, to the endpoint's address.
func (s *Server) Directly() { s.update(func() { s.transport = &http.Transport{} }) }
