// Package guard is the only place that opens listeners for others to reach. It
// opens a public one under a person's live acknowledgement only, closes it when
// that ends, and watches the process's real sockets and the tunnels of this
// computer for what it was not told.
package guard

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// Longest is the longest that an acknowledgement may last.
const Longest = 90 * 24 * time.Hour

// ErrNotAcknowledged is why a listener is refused. errors.Is finds it in what
// Admit returns, and platforms.KindOf is platforms.NotAcknowledged.
var ErrNotAcknowledged = errors.New("not acknowledged")

// Tuple is one exact listener: what an acknowledgement is about.
type Tuple struct {
	Account platforms.AccountID
	Bind    netip.AddrPort
	Path    string
	Host    string // by which callers know it: a public host, lower case, or Bind
	Rules   string // a digest of who is let in, whom is believed, and by which certificate
}

// Claim is a wish to be reached.
type Claim struct {
	Tuple
	Title string // of the account, for people
	Facts exposure.Facts
	TLS   *tls.Config // nil: a tunnel ends TLS, or nobody does
	Cert  string      // names TLS's certificate: who shares a port shares it
	// Ready is called with the pass's context before anything listens for it; it
	// must not block or call the Guard.
	Ready  func(context.Context)
	Closed func(why string) // called once if the guard closes what it opened; must not block
	// Serve answers in place of Options.Serve; who has one shares no port.
	Serve func(net.Listener)
	// Instead is how a person chooses another port; empty: as for an account.
	Instead string
}

// elsewhere is how a person chooses another port for c.
func (c Claim) elsewhere() string {
	return cmp.Or(c.Instead, "Choose another port under Exposure.")
}

// What is the kind of an Event.
type What string

// The kinds of events.
const (
	Opened       What = "opened"
	Closed       What = "closed"
	Acknowledged What = "acknowledged"
	Revoked      What = "revoked"
	Alarm        What = "alarm"
)

// Event is something that the record and the person must hear of.
type Event struct {
	What    What
	Account platforms.AccountID
	Text    string
	Asked   bool   // somebody wanted it: nobody needs to be told
	By      string // who did it; empty: the guard
}

// Options configure a Guard. Keys, Records and Serve are required.
type Options struct {
	Keys    Keys
	Records Records
	// Serve answers what comes in at a socket until Accept fails; it is called on
	// a goroutine of its own.
	Serve func(bind netip.AddrPort, l net.Listener)
	// Tell is called for every event, in order for each account, and must not
	// block or call the Guard.
	Tell func(Event)
	// Changed is called when State would differ; it must not block.
	Changed func()

	// Sockets is the process's real listening TCP sockets.
	Sockets func() ([]netip.AddrPort, error)
	// Tunnels looks for programs that publish local ports.
	Tunnels func(context.Context) ([]Tunnel, error)
	// Lookup resolves a host's name.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// Known is sockets that this process opens otherwise, and whose they are.
	Known func() map[netip.AddrPort]string

	Log *slog.Logger
	Now func() time.Time
}

// Guard is the guard. Its methods may be called from several goroutines.
type Guard struct {
	o Options

	keeping  sync.Mutex // held while the key of a seal is made or removed; before saving
	saving   sync.Mutex // held while acknowledgements are written; before mu
	looking  sync.Mutex // held while tunnels are looked for; before mu
	mu       sync.Mutex
	consents map[platforms.AccountID]Consent
	making   *making // the acknowledgement whose key is being kept
	sockets  map[netip.AddrPort]*socket
	tunnels  []Tunnel
	looked   time.Time // for tunnels
	blind    string    // why they can't be seen
	strange  []netip.AddrPort
	real     []netip.AddrPort
	next     *time.Timer // the next end of an acknowledgement
	ended    bool

	serving sync.WaitGroup
}

// New makes a Guard and reads what was acknowledged. Nothing is open yet. Run
// makes it watch; Close ends it.
func New(ctx context.Context, o Options) (*Guard, error) {
	if o.Tell == nil {
		o.Tell = func(Event) {}
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Lookup == nil {
		o.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	g := &Guard{o: o, consents: map[platforms.AccountID]Consent{}, sockets: map[netip.AddrPort]*socket{}}
	return g, g.load(ctx)
}

// Pass is leave to be reached. It ends with Release, or when the guard takes it
// back.
type Pass struct {
	g      *Guard
	claim  Claim
	level  exposure.Level
	since  time.Time
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// Context ends with the pass.
func (p *Pass) Context() context.Context { return p.ctx }

// Admit opens what c asks for, or says why not: an Error of kind
// platforms.NotAcknowledged that wraps ErrNotAcknowledged where a person has to
// agree first.
func (g *Guard) Admit(ctx context.Context, c Claim) (*Pass, error) {
	if err := g.look(ctx, &c); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return nil, net.ErrClosed
	}
	level := g.levelLocked(c, nil)
	if level == exposure.Refused {
		return nil, g.refusalLocked(c)
	}
	s := g.sockets[c.Bind]
	if s != nil {
		if err := g.shares(s, c, level); err != nil {
			return nil, err
		}
	}
	p := &Pass{g: g, claim: c, level: level, since: g.o.Now()}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	if c.Ready != nil { // who comes the moment it listens finds somebody there
		c.Ready(p.ctx)
	}
	if s == nil {
		var err error
		if s, err = listen(c.Bind, c.TLS); err != nil {
			p.cancel(err)
			return nil, &platforms.Error{Kind: platforms.Temporary, Err: err,
				Text: fmt.Sprintf("Port %d of %s can't be listened on: %s. Free it, or: %s", c.Bind.Port(), c.Bind.Addr(), cause(err), c.elsewhere())}
		}
		g.sockets[c.Bind] = s
		var l net.Listener = s
		if c.TLS != nil {
			l = tls.NewListener(s, c.TLS)
		}
		g.serving.Go(func() {
			if c.Serve != nil {
				c.Serve(l)
				return
			}
			g.o.Serve(c.Bind, l)
		})
	}
	s.passes = append(s.passes, p)
	g.armLocked()
	g.o.Tell(Event{Opened, c.Account, fmt.Sprintf("%s listens on %s %s (%s)%s.", c.Title, c.Bind, c.Path, level, publishedAs(c)), true, ""})
	g.o.Changed()
	return p, nil
}

// shares refuses a claim that would change who reaches those who are already at
// the socket, or that would be reached by theirs.
func (g *Guard) shares(s *socket, c Claim, level exposure.Level) error {
	for _, p := range s.passes {
		switch {
		case p.claim.Account == c.Account && p.claim.Path == c.Path:
			return fmt.Errorf("%s is served already", c.Path)
		case p.claim.Serve != nil || c.Serve != nil:
			return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
				"Port %d is used by %s. %s", c.Bind.Port(), p.claim.Title, c.elsewhere())}
		case (p.level == exposure.Public) != (level == exposure.Public):
			return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
				"Port %d is used by %s, which is not reached by the same people. Choose another port under Exposure.", c.Bind.Port(), p.claim.Title)}
		case (p.claim.TLS == nil) != (c.TLS == nil) || p.claim.Cert != c.Cert:
			return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
				"Port %d is used by %s with another certificate, or without one. Choose another port under Exposure.", c.Bind.Port(), p.claim.Title)}
		}
	}
	return nil
}

func publishedAs(c Claim) string {
	if c.Host == c.Bind.String() {
		return ""
	}
	return ", known as " + c.Host
}

// cause is the innermost error: without the address, which is told already.
func cause(err error) error {
	for {
		in := errors.Unwrap(err)
		if in == nil {
			return err
		}
		err = in
	}
}

// levelLocked is what c amounts to now; g.mu is held. self is its pass, if it
// has one.
func (g *Guard) levelLocked(c Claim, self *Pass) exposure.Level {
	f := c.Facts
	f.Listener, f.Bind = true, c.Bind.Addr().String()
	for _, t := range g.tunnels {
		f.Tunnel = f.Tunnel || t.leadsTo(c.Bind)
	}
	if s := g.sockets[c.Bind]; s != nil {
		for _, p := range s.passes {
			f.Tunnel = f.Tunnel || (p != self && p.level == exposure.Public)
		}
	}
	a, ok := g.consents[c.Account]
	f.Acknowledged = ok && a.standing(g.o.Now()) == "" && a.covers(c.Tuple)
	return f.Level()
}

func (g *Guard) refusalLocked(c Claim) error {
	why := "strangers could reach it, and nobody has agreed to that"
	if a, ok := g.consents[c.Account]; ok {
		if s := a.standing(g.o.Now()); s != "" {
			why = s
		} else if !a.covers(c.Tuple) {
			why = "what was acknowledged is not what it asks for now"
		}
	}
	for _, t := range g.tunnels {
		if t.leadsTo(c.Bind) {
			why = fmt.Sprintf("%s publishes port %d, and nobody has agreed to that", t.Program, c.Bind.Port())
		}
	}
	todo := "Look at Exposure and decide."
	if c.Instead != "" {
		todo = "End that. Or: " + c.Instead
	}
	return &platforms.Error{Kind: platforms.NotAcknowledged, Err: ErrNotAcknowledged, Text: fmt.Sprintf("%s stays closed: %s. %s", c.Title, why, todo)}
}

// Assess is what c amounts to if it is opened, whether somebody must agree to
// that first, and whether that has been done.
func (g *Guard) Assess(c Claim) (level exposure.Level, needs, agreed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var self *Pass
	if s := g.sockets[c.Bind]; s != nil {
		for _, p := range s.passes {
			if p.claim.Account == c.Account {
				self = p
			}
		}
	}
	agreed = g.levelLocked(c, self) != exposure.Refused
	without := c
	without.Account = "" // nobody's: as if nothing were acknowledged
	if needs = g.levelLocked(without, self) == exposure.Refused; needs {
		return exposure.Public, true, agreed
	}
	return g.levelLocked(c, self), false, true
}

// Release ends the pass. It is safe to call more than once.
func (p *Pass) Release() {
	p.g.mu.Lock()
	gone := p.g.dropLocked(p, errReleased)
	p.g.mu.Unlock()
	if gone {
		p.g.o.Tell(Event{Closed, p.claim.Account, fmt.Sprintf("%s listens no longer on %s %s.", p.claim.Title, p.claim.Bind, p.claim.Path), true, ""})
		p.g.o.Changed()
	}
}

var errReleased = errors.New("released")

// dropLocked takes p off its socket, and closes that if p was the last; g.mu is
// held. It reports whether p was there.
func (g *Guard) dropLocked(p *Pass, why error) bool {
	s := g.sockets[p.claim.Bind]
	if s == nil {
		return false
	}
	i := slices.Index(s.passes, p)
	if i < 0 {
		return false
	}
	s.passes = slices.Delete(s.passes, i, i+1)
	if len(s.passes) == 0 {
		delete(g.sockets, p.claim.Bind)
		_ = s.Close()
	}
	p.cancel(why)
	return true
}

// Close closes everything and waits for Serve.
func (g *Guard) Close() {
	g.mu.Lock()
	g.ended = true
	for _, s := range g.sockets {
		for _, p := range slices.Clone(s.passes) {
			g.dropLocked(p, net.ErrClosed)
		}
	}
	if g.next != nil {
		g.next.Stop()
	}
	g.mu.Unlock()
	g.serving.Wait()
}
