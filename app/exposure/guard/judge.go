package guard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// judge looks at everything that is open again and closes what may no longer be.
func (g *Guard) judge() { g.judgeFor("") }

// judgeFor is judge, with the reason to give where there is no better one.
func (g *Guard) judgeFor(why string) {
	g.mu.Lock()
	var shut []*Pass
	var reasons []string
	for again := true; again; { // closing one may make another private again
		again = false
		for _, s := range g.sockets {
			for _, p := range s.passes {
				level := g.levelLocked(p.claim, p)
				if level != exposure.Refused {
					p.level = level
					continue
				}
				reasons = append(reasons, g.whyLocked(p, why))
				g.dropLocked(p, ErrNotAcknowledged)
				shut = append(shut, p)
				again = true
				break
			}
			if again {
				break
			}
		}
	}
	g.armLocked()
	g.mu.Unlock()
	g.told(shut, reasons)
	g.o.Changed()
}

// told tells whom it concerns that passes were taken back.
func (g *Guard) told(shut []*Pass, reasons []string) {
	for i, p := range shut {
		g.o.Tell(Event{What: Closed, Account: p.claim.Account, Text: fmt.Sprintf("%s on %s was closed: %s.", p.claim.Title, p.claim.Bind, reasons[i])})
		if p.claim.Closed != nil {
			p.claim.Closed(reasons[i])
		}
	}
}

// whyLocked is why p may no longer stand open; g.mu is held.
func (g *Guard) whyLocked(p *Pass, given string) string {
	for _, t := range g.tunnels {
		if t.leadsTo(p.claim.Bind) && p.level != exposure.Public {
			return fmt.Sprintf("%s publishes its port%s, and nobody has agreed to that", t.Program, at(t.Public))
		}
	}
	if given != "" {
		return given
	}
	if a, ok := g.consents[p.claim.Account]; ok {
		if s := a.standing(g.o.Now()); s != "" {
			return s
		}
	}
	if p.level != exposure.Public {
		return "strangers could reach it now: a name that it is known by, or its server's, leads to a public address"
	}
	return "nobody agrees to it any longer"
}

func at(public string) string {
	if public == "" {
		return ""
	}
	return " at " + public
}

// armLocked sets the timer for the next end of an acknowledgement; g.mu is held.
// Run looks too: a timer stands still while the computer sleeps.
func (g *Guard) armLocked() {
	if g.next != nil {
		g.next.Stop()
		g.next = nil
	}
	var first time.Time
	for _, c := range g.consents {
		if first.IsZero() || c.Ends.Before(first) {
			first = c.Ends
		}
	}
	if first.IsZero() || g.ended {
		return
	}
	g.next = time.AfterFunc(max(0, first.Sub(g.o.Now())), func() { g.expire() })
}

// expire drops what has ended.
func (g *Guard) expire() {
	now := g.o.Now()
	var gone []platforms.AccountID
	var why []string
	g.mu.Lock()
	if g.ended {
		g.mu.Unlock()
		return
	}
	for id, c := range g.consents {
		if s := c.standing(now); s != "" {
			gone, why = append(gone, id), append(why, s)
		}
	}
	if len(gone) == 0 {
		g.armLocked()
	}
	g.mu.Unlock()
	if len(gone) == 0 {
		return
	}
	g.judge() // closes first
	g.mu.Lock()
	for _, id := range gone {
		if c, ok := g.consents[id]; ok && c.standing(now) != "" { // else it was given again just now
			delete(g.consents, id)
		}
	}
	g.armLocked()
	g.mu.Unlock()
	for i, id := range gone {
		g.o.Tell(Event{What: Revoked, Account: id, Text: "An acknowledgement counts no longer: " + why[i] + "."})
	}
	if err := g.forget(context.Background(), gone...); err != nil {
		g.o.Log.Error("an ended acknowledgement could not be removed", "err", err)
	}
}

// CloseAll closes every public listener at once, and takes back what allowed
// them. Private and local ones stay. The sockets are closed before anything is
// written. It gives the accounts that were closed.
func (g *Guard) CloseAll(ctx context.Context, why string) ([]platforms.AccountID, error) {
	g.mu.Lock()
	shut := g.dropWhereLocked(func(p *Pass) bool { return p.level == exposure.Public })
	var ids []platforms.AccountID
	for id := range g.consents {
		ids = append(ids, id)
	}
	clear(g.consents)
	g.spoilLocked("")
	g.armLocked()
	g.mu.Unlock()
	g.told(shut, slices.Repeat([]string{why}, len(shut)))
	g.o.Changed()
	err := g.forget(ctx, ids...)
	for _, p := range shut {
		ids = append(ids, p.claim.Account)
	}
	return ids, err
}

// CloseAccount closes everything of one account. The acknowledgement stays,
// unless revoked.
func (g *Guard) CloseAccount(id platforms.AccountID, why string) {
	g.mu.Lock()
	shut := g.dropWhereLocked(func(p *Pass) bool { return p.claim.Account == id })
	g.mu.Unlock()
	g.told(shut, slices.Repeat([]string{why}, len(shut)))
	g.o.Changed()
}

// dropWhereLocked takes back the passes that match, and gives them; g.mu is held.
func (g *Guard) dropWhereLocked(match func(*Pass) bool) (shut []*Pass) {
	for _, s := range g.sockets {
		for _, p := range slices.Clone(s.passes) {
			if match(p) {
				g.dropLocked(p, ErrNotAcknowledged)
				shut = append(shut, p)
			}
		}
	}
	return shut
}

// look resolves a claim's names and, where who reaches it depends on that, looks
// for tunnels, before anything opens.
func (g *Guard) look(ctx context.Context, c *Claim) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	g.resolve(ctx, &c.Facts.Callback)
	g.resolve(ctx, &c.Facts.Server)
	if err := g.lookForTunnels(ctx, 10*time.Second); err != nil {
		return fmt.Errorf("look for tunnels: %w", err)
	}
	return ctx.Err()
}

// resolve fills in what a name stands for. A name that stands for nothing keeps
// none, and counts as anyone's. It reports whether that is sure: where nobody
// could be asked, it is not.
func (g *Guard) resolve(ctx context.Context, h *exposure.Host) (sure bool) {
	h.Addrs = nil
	name := strings.TrimSuffix(h.Name, ".")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); name == "" || err == nil {
		return true
	}
	addrs, err := g.o.Lookup(ctx, name)
	var dns *net.DNSError
	switch {
	case err == nil:
		h.Addrs = addrs
		return true
	case errors.As(err, &dns):
		return dns.IsNotFound
	}
	return false
}

// mostTunnels bounds what is remembered while tunnels can't all be looked at.
const mostTunnels = 256

// lookForTunnels looks unless that was done a moment ago.
func (g *Guard) lookForTunnels(ctx context.Context, fresh time.Duration) error {
	if g.o.Tunnels == nil {
		return nil
	}
	g.looking.Lock()
	defer g.looking.Unlock()
	g.mu.Lock()
	now := g.o.Now()
	recent := !g.looked.IsZero() && now.Sub(g.looked) < fresh && !now.Before(g.looked)
	g.mu.Unlock()
	if recent {
		return nil
	}
	found, err := g.o.Tunnels(ctx)
	if errors.Is(err, context.Canceled) {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.looked, g.blind = now, ""
	if err != nil { // what was found is used all the same, and what was seen before may still be there
		g.blind = "Some tunnels could not be looked at: " + err.Error()
		g.o.Log.Warn("tunnels could not be looked at", "err", g.blind)
		for _, t := range g.tunnels {
			if len(found) < mostTunnels && !slices.ContainsFunc(found, t.same) {
				found = append(found, t)
			}
		}
	}
	g.tunnels = found
	return nil
}
