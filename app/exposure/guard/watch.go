package guard

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// How often the guard looks around.
const (
	lookAtSockets = 3 * time.Second
	lookAtTunnels = 20 * time.Second
	lookAtNames   = time.Minute
)

// Tunnel is a program that publishes a local port.
type Tunnel struct {
	Program string
	Public  string // where; empty if it can't be seen
	Target  string // what it leads to; empty if it can't be seen
	Inside  bool   // to the person's own network only
	LeadsTo func(netip.AddrPort) bool
}

// same reports whether o is the same tunnel, seen again.
func (t Tunnel) same(o Tunnel) bool {
	return t.Program == o.Program && t.Public == o.Public && t.Target == o.Target && t.Inside == o.Inside
}

func (t Tunnel) leadsTo(a netip.AddrPort) bool { return !t.Inside && t.LeadsTo != nil && t.LeadsTo(a) }

// Run watches until ctx ends: the process's real sockets against what the guard
// opened, tunnels, names that lead elsewhere now, and acknowledgements that
// ended while the computer slept.
func (g *Guard) Run(ctx context.Context) {
	tick := time.NewTicker(lookAtSockets)
	defer tick.Stop()
	var names time.Time
	for {
		g.lookAtSockets()
		g.expire()
		if g.open() {
			_ = g.lookForTunnels(ctx, lookAtTunnels)
			if now := g.o.Now(); now.Sub(names) >= lookAtNames || now.Before(names) {
				names = now
				g.lookUp(ctx)
			}
			g.judgeQuietly()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (g *Guard) open() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sockets) > 0
}

// judgeQuietly judges, and says that something changed only if it did.
func (g *Guard) judgeQuietly() {
	if g.sound() {
		return
	}
	g.judge()
}

// sound reports whether everything that is open may be, at the level it has.
func (g *Guard) sound() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sockets {
		for _, p := range s.passes {
			if g.levelLocked(p.claim, p) != p.level {
				return false
			}
		}
	}
	return true
}

// lookUp resolves the names of what is open again.
func (g *Guard) lookUp(ctx context.Context) {
	g.mu.Lock()
	var all []*Pass
	for _, s := range g.sockets {
		all = append(all, s.passes...)
	}
	g.mu.Unlock()
	for _, p := range all {
		g.mu.Lock()
		f := p.claim.Facts
		g.mu.Unlock()
		if f.Callback.Name == "" && f.Server.Name == "" {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		sure := g.resolve(ctx, &f.Callback) && g.resolve(ctx, &f.Server)
		cancel()
		if !sure { // the network is away, perhaps: what was known counts on
			continue
		}
		g.mu.Lock()
		p.claim.Facts = f
		g.mu.Unlock()
	}
}

// lookAtSockets compares the process's real sockets with what is known.
func (g *Guard) lookAtSockets() {
	if g.o.Sockets == nil {
		return
	}
	found, err := g.o.Sockets()
	if err != nil {
		g.o.Log.Warn("the process's sockets could not be listed", "err", err)
		return
	}
	known := map[netip.AddrPort]string{}
	if g.o.Known != nil {
		known = g.o.Known()
	}
	g.mu.Lock()
	var strange, fresh []netip.AddrPort
	for _, a := range found {
		if _, ours := g.sockets[a]; !ours && known[a] == "" {
			strange = append(strange, a)
			if !slices.Contains(g.strange, a) {
				fresh = append(fresh, a)
			}
		}
	}
	changed := !slices.Equal(g.real, found) || !slices.Equal(g.strange, strange)
	g.real, g.strange = found, strange
	g.mu.Unlock()
	for _, a := range fresh {
		g.o.Tell(Event{What: Alarm, Text: fmt.Sprintf("A socket of this program listens on %s, and nobody here opened it (%s). Quit Postern, and report this.", a, reachWords(exposure.OfAddress(a.Addr())))})
	}
	if changed {
		g.o.Changed()
	}
}

func reachWords(r exposure.Reach) string {
	switch r {
	case exposure.ThisComputer:
		return "reachable from this computer"
	case exposure.Network:
		return "reachable from your network"
	}
	return "reachable by anyone"
}

// Socket is a real listening socket of this process, as it looks.
type Socket struct {
	Addr    netip.AddrPort
	Whose   string
	Level   exposure.Level
	Strange bool
}

// Standing is what is open for one account.
type Standing struct {
	Level exposure.Level
	Since time.Time
	Bind  netip.AddrPort
	Paths []string
}

// State is everything that the guard knows, at one moment.
type State struct {
	Open    map[platforms.AccountID]Standing
	Sockets []Socket
	Tunnels []Tunnel
	Strange []string
	Note    string // what could not be seen
}

// State looks at everything.
func (g *Guard) State() State {
	known := map[netip.AddrPort]string{}
	if g.o.Known != nil {
		known = g.o.Known()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	st := State{Open: map[platforms.AccountID]Standing{}, Tunnels: slices.Clone(g.tunnels), Note: g.blind}
	seen := map[netip.AddrPort]bool{}
	for bind, s := range g.sockets {
		seen[bind] = true
		own := Socket{Addr: bind, Level: exposure.Local}
		for _, p := range s.passes {
			at := st.Open[p.claim.Account]
			if at.Since.IsZero() || p.since.Before(at.Since) {
				at.Since = p.since
			}
			at.Level, at.Bind, at.Paths = p.level, bind, append(at.Paths, p.claim.Path)
			st.Open[p.claim.Account] = at
			own.Level = p.level
			if own.Whose != "" {
				own.Whose += ", "
			}
			own.Whose += p.claim.Title
		}
		st.Sockets = append(st.Sockets, own)
	}
	for _, a := range g.real {
		switch {
		case seen[a]:
		case slices.Contains(g.strange, a):
			st.Sockets = append(st.Sockets, Socket{Addr: a, Whose: "nobody here opened it", Level: levelOfStranger(a), Strange: true})
			st.Strange = append(st.Strange, a.String())
		case known[a] != "":
			st.Sockets = append(st.Sockets, Socket{Addr: a, Whose: known[a], Level: levelOfStranger(a)})
		}
	}
	slices.SortFunc(st.Sockets, func(a, b Socket) int { return cmp.Compare(a.Addr.String(), b.Addr.String()) })
	return st
}

// levelOfStranger is the level of a socket that is known by its address only.
func levelOfStranger(a netip.AddrPort) exposure.Level {
	switch exposure.OfAddress(a.Addr()) {
	case exposure.ThisComputer:
		return exposure.Local
	case exposure.Network:
		return exposure.Private
	}
	return exposure.Public
}
