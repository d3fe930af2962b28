package exposure

import (
	"net/netip"
	"strings"

	"github.com/postern/postern/platforms"
)

// Reach is who can send bytes to an address.
type Reach int

// The reaches, from the smallest on. What is not known is Anyone: a mistake here
// may frighten, never soothe.
const (
	ThisComputer Reach = iota // loopback
	Network                   // private, link-local or shared address space
	Anyone
)

// Address ranges that netip has no word for.
var (
	shared = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598, which Tailscale uses
	nat64  = netip.MustParsePrefix("64:ff9b::/96")  // RFC 6052: the last 32 bits are an IPv4 address
	compat = netip.MustParsePrefix("::/96")         // RFC 4291 §2.5.5.1, deprecated: the same
)

// OfAddress is who can reach an address. The unspecified address stands for all
// of this computer's, so for anyone.
func OfAddress(a netip.Addr) Reach {
	a = a.Unmap().WithZone("")
	switch {
	case !a.IsValid() || a.IsUnspecified():
		return Anyone
	case a.IsLoopback():
		return ThisComputer
	case nat64.Contains(a) || compat.Contains(a):
		b := a.As16()
		return max(Network, OfAddress(netip.AddrFrom4([4]byte(b[12:]))))
	case a.IsPrivate(), a.IsLinkLocalUnicast(), shared.Contains(a):
		return Network
	}
	return Anyone
}

// OfHost is who can reach a host: an address, or a name with what it resolves
// to at the moment. A name is as reachable as the most reachable of its
// addresses; one that resolves to nothing is for anyone, because it may resolve
// tomorrow. Names under .local are mDNS's (RFC 6762) and never leave the
// network; localhost (RFC 6761) never leaves the computer.
func OfHost(host string, addrs []netip.Addr) Reach {
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return OfAddress(a)
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return ThisComputer
	}
	if len(addrs) == 0 {
		if strings.HasSuffix(host, ".local") {
			return Network
		}
		return Anyone
	}
	most := ThisComputer
	for _, a := range addrs {
		most = max(most, OfAddress(a))
	}
	return most
}

// Host is a host and what its name resolves to now.
type Host struct {
	Name  string
	Addrs []netip.Addr
}

func (h Host) reach() Reach { return OfHost(h.Name, h.Addrs) }

// Facts is what is known of how one account, hook or source is reached.
type Facts struct {
	// Inbound is what the platform says. Local says instead that only programs
	// of this computer are meant to reach it.
	Inbound platforms.Inbound
	Local   bool

	Relayed  bool // a relay takes the requests, and we dial the relay
	Listener bool // there is a listener, or one is wanted

	Bind     string // the address that the listener binds, without port
	Callback Host   // by which callers know us; empty: by Bind
	Server   Host   // of the platform, who calls; for Callback only
	Tunnel   bool   // something publishes the port: a tunnel, a funnel

	Acknowledged bool // the person has agreed to exactly this
}

// Level is what f amounts to. It is computed from facts alone and asks nobody.
func (f Facts) Level() Level {
	if !f.Listener {
		switch {
		case f.Relayed:
			return Relayed
		case f.Inbound != platforms.Dials && f.Inbound != platforms.Callback && !f.Local:
			return Refused // it needs what there is not
		}
		return Outbound
	}
	reach := f.listener()
	switch {
	case reach == Anyone && !f.Acknowledged:
		return Refused
	case reach == Anyone:
		return Public
	case reach == Network:
		return Private
	}
	return Local
}

// listener is who can reach the listener in the end.
func (f Facts) listener() Reach {
	bound := OfHost(f.Bind, nil)
	if f.Tunnel {
		return Anyone
	}
	if f.Local {
		return bound
	}
	if f.Inbound != platforms.Callback {
		return Anyone // its callers are on the internet, or it would not work
	}
	called := bound
	if f.Callback.Name != "" {
		called = f.Callback.reach()
	}
	// Callers that are close by still are others: no less than the network.
	return max(Network, bound, called, f.Server.reach())
}
