package wake

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"
)

// fingerprint is the addresses by which this computer reaches others, with the
// state of their interfaces. Loopback and link-local addresses are left out:
// the virtual interfaces of containers, which come and go, have only those.
func fingerprint() (string, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return "", fmt.Errorf("list the interfaces: %w", err)
	}
	var lines []string
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && reaches(n.IP) {
				lines = append(lines, fmt.Sprint(i.Index, i.Flags&net.FlagRunning, n))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

func reaches(ip net.IP) bool {
	return ip.To16() != nil && !ip.IsLoopback() && !ip.IsLinkLocalUnicast() && !ip.IsUnspecified()
}

// poll compares the interfaces' addresses every so often.
func poll(every time.Duration, look func() (string, error)) source {
	return func(ctx context.Context, log *slog.Logger, tell func(event)) {
		before, err := look()
		if err != nil {
			log.Info("network changes go unnoticed", "error", err)
			return
		}
		for pause(ctx, every) {
			now, err := look()
			if err != nil {
				continue // the next look may work
			}
			if now != before {
				before = now
				tell(event{kind: network})
			}
		}
	}
}
