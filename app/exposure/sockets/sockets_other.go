//go:build !linux

package sockets

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/shirou/gopsutil/v4/net"
)

// patience bounds one listing: on macOS gopsutil asks a program (lsof).
const patience = 3 * time.Second

// Listening is the TCP sockets that this process listens on, sorted.
func Listening() ([]Socket, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conns, err := net.ConnectionsPidWithContext(ctx, "tcp", int32(os.Getpid()))
	if err != nil {
		return nil, fmt.Errorf("list listening sockets: %w", err)
	}
	var list []Socket
	for _, c := range conns {
		if c.Status != "LISTEN" {
			continue
		}
		a, err := address(c.Laddr.IP)
		if err != nil {
			return nil, fmt.Errorf("list listening sockets: %w", err)
		}
		list = append(list, Socket{Addr: netip.AddrPortFrom(a, uint16(c.Laddr.Port))})
	}
	return sorted(list), nil
}

// address reads what gopsutil calls an address: lsof writes a wildcard as "*",
// for IPv4 and IPv6 alike, so it is taken for the wider one.
func address(s string) (netip.Addr, error) {
	s = strings.Trim(s, "[]")
	if s == "*" || s == "" {
		return netip.IPv6Unspecified(), nil
	}
	a, err := netip.ParseAddr(s)
	return a.Unmap(), err
}
