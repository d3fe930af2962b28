package forward

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// metadata are the addresses at which clouds hand out their machines'
// credentials to whoever asks. No name leads there: it would be an attack.
var metadata = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"),
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
}

// control decides on one address that is about to be dialled: the socket is
// made, but nothing was sent. What a name resolves to is of no matter before,
// and can't change after.
func (r *Responder) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return r.tooFar("an address that can't be read", "Check the URL.")
	}
	a := ap.Addr().Unmap()
	switch reach := exposure.OfHost(a.WithZone("").String(), nil); {
	case reach > r.c.Reach:
		return r.tooFar(fmt.Sprintf("%s, which is %s", a, place(reach)),
			"Only if that is what you want, allow it in the settings.")
	case slices.Contains(metadata, a.WithZone("")) && r.to.Hostname() != a.String():
		return r.tooFar(fmt.Sprintf("%s, where clouds keep credentials", a), "Check who answers for that name.")
	case reach == exposure.Anyone && r.to.Scheme != "https":
		return r.tooFar(fmt.Sprintf("%s, which is %s, without encryption", a, place(reach)), "Use an https address.")
	}
	return nil
}

func (r *Responder) tooFar(where, what string) error {
	return &platforms.Error{Kind: platforms.NotAcknowledged,
		Text: fmt.Sprintf("%s leads to %s. Nothing was sent. %s", r.name(), where, what)}
}

// place says in words how far away an address is.
func place(r exposure.Reach) string {
	switch r {
	case exposure.ThisComputer:
		return "this computer"
	case exposure.Network:
		return "another computer of the network"
	}
	return "on the internet"
}
