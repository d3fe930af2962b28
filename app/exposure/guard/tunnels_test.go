package guard

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// TestATunnelOutOfSightStands: a look that fails forgets no tunnel.
func TestATunnelOutOfSightStands(t *testing.T) {
	w := newWorld(t)
	blind := false
	look := w.o.Tunnels
	w.o.Tunnels = func(ctx context.Context) ([]Tunnel, error) {
		if blind {
			return nil, errors.New("it does not answer")
		}
		return look(ctx)
	}
	w.restart()
	c := webhook("a", free(t))
	c.Host, c.Facts = c.Bind.String(), exposure.Facts{Inbound: platforms.Callback, Server: exposure.Host{Name: "127.0.0.1"}}
	w.tunnels = []Tunnel{{Program: "cloudflared", LeadsTo: func(a netip.AddrPort) bool { return a == c.Bind }}}
	w.refused(c)
	blind = true
	w.advance(time.Minute)
	w.refused(c)
	blind = false
	w.tunnels = nil
	w.advance(time.Minute)
	w.admit(c)
}
