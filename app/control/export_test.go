package control

import (
	"net"
	"net/http"
	"time"

	"github.com/postern/postern/app/control/socket"
)

// What tests of the server set or reach into.

func (s *Server) SetTimes(beat, write time.Duration) { s.beat, s.writeWait = beat, write }

func (s *Server) SetPeer(peer func(net.Conn) (socket.Peer, error)) { s.peer = peer }

func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) Exchange(capability string, pid int) string {
	return s.sessions.exchange(capability, pid)
}

func (s *Server) Person(token string, pid int) bool { return s.sessions.person(token, pid) }

const (
	MaxJSON        = maxJSON
	MaxSessions    = maxSessions
	CapabilityLife = capabilityLife
	SessionLife    = sessionLife
)

func (s *Server) SetInteractive(look func(socket.Peer) error) { s.interactive = look }

// Routes are all, with what each asks of a named client.
func (s *Server) Routes() (table []string, needed map[string]string) {
	for pattern := range s.table() {
		table = append(table, pattern)
	}
	needed = map[string]string{}
	for pattern, n := range needs() {
		needed[pattern] = string(n)
	}
	return table, needed
}
