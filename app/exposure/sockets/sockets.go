// Package sockets reports what this process listens on, as the operating system
// sees it: what a library opened without being asked shows here too.
package sockets

import (
	"cmp"
	"net/netip"
	"slices"
)

// Socket is one listening TCP socket of this process.
//
// An unspecified address means every address of the computer. Whether the IPv6
// one takes IPv4 as well (RFC 3493 §5.3) is not told by every system, so it is
// never promised that it does not.
type Socket struct {
	Addr netip.AddrPort
}

// sorted orders sockets by address and then port, and drops duplicates: several
// sockets may share an address (SO_REUSEPORT).
func sorted(list []Socket) []Socket {
	slices.SortFunc(list, func(a, b Socket) int {
		return cmp.Or(a.Addr.Addr().Compare(b.Addr.Addr()), cmp.Compare(a.Addr.Port(), b.Addr.Port()))
	})
	return slices.Compact(list)
}
