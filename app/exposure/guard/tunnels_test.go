package guard

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
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

// TestAListenerOfItsOwn: who serves a socket by themselves shares it with nobody,
// and is judged as everybody is.
func TestAListenerOfItsOwn(t *testing.T) {
	w := newWorld(t)
	c := webhook("hooks", free(t))
	c.Host, c.Facts, c.Instead = c.Bind.String(), exposure.Facts{Local: true}, "Say postern hooks listener."
	c.Serve = func(l net.Listener) {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "own") })) //nolint:gosec // a test
	}
	shut := make(chan string, 1)
	c.Closed = func(why string) { shut <- why }
	p := w.admit(c)
	resp, err := http.Get("http://" + c.Bind.String())
	must(t, err)
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(b) != "own" {
		t.Errorf("%s", b)
	}
	other := webhook("b", c.Bind)
	other.Path, other.Host, other.Facts = "/b", c.Host, exposure.Facts{Local: true}
	if _, err := w.guard.Admit(t.Context(), other); err == nil || !strings.Contains(err.Error(), "Choose another port under Exposure") {
		t.Errorf("%v", err)
	}
	w.tunnels = []Tunnel{{Program: "ngrok", LeadsTo: func(a netip.AddrPort) bool { return a == c.Bind }}}
	w.advance(time.Minute)
	must(t, w.guard.lookForTunnels(t.Context(), 0))
	w.guard.judge()
	if why := <-shut; !strings.Contains(why, "ngrok") || p.Context().Err() == nil {
		t.Error(why)
	}
	if err := w.refused(c); !strings.Contains(err.Error(), "Or: Say postern hooks listener.") {
		t.Error(err)
	}
	w.tunnels = nil
	w.advance(time.Minute)
	own := w.admit(other)
	if _, err := w.guard.Admit(t.Context(), c); err == nil || !strings.Contains(err.Error(), c.Instead) {
		t.Errorf("%v", err)
	}
	own.Release()
}
