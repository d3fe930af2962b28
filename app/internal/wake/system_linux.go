package wake

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func systemSources() []source {
	return []source{kernelNet, systemBus(systemBusAddress, retry{first: time.Second, most: time.Minute, tries: 10})}
}

// newClock: CLOCK_BOOTTIME runs during sleep, CLOCK_MONOTONIC doesn't.
func newClock() func() reading {
	return func() reading {
		return reading{
			wall:    time.Now().Round(0),
			running: kernelClock(unix.CLOCK_MONOTONIC),
			passed:  kernelClock(unix.CLOCK_BOOTTIME),
		}
	}
}

func kernelClock(id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// kernelNet watches the kernel's own messages, and falls back to looking now
// and then where a sandbox forbids them.
func kernelNet(ctx context.Context, log *slog.Logger, tell func(event)) {
	socket, err := openNetlink()
	if err != nil {
		log.Debug("no netlink, comparing addresses instead", "error", err)
		poll(lookEvery, fingerprint)(ctx, log, tell)
		return
	}
	defer socket.Close()
	stop := context.AfterFunc(ctx, func() { socket.Close() })
	defer stop()

	before, _ := fingerprint()
	buffer := make([]byte, 64<<10)
	for {
		n, err := socket.Read(buffer)
		if ctx.Err() != nil {
			return
		}
		// Too many messages to keep is a change, too.
		lost := errors.Is(err, unix.ENOBUFS)
		if err != nil && !lost {
			log.Warn("reading netlink failed, comparing addresses instead", "error", err)
			poll(lookEvery, fingerprint)(ctx, log, tell)
			return
		}
		// Most messages are refreshed lifetimes and statistics. An address that
		// was removed and is back by now doesn't show in a comparison.
		now, err := fingerprint()
		if lost || err == nil && now != before || removedAddress(buffer[:max(n, 0)]) {
			tell(event{kind: network})
		}
		if err == nil {
			before = now
		}
	}
}

func openNetlink() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	groups := unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: uint32(groups)}); err != nil {
		_ = unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return os.NewFile(uintptr(fd), "netlink"), nil // non-blocking, so Close ends a Read
}

// removedAddress reports that messages tell of the removal of an address by
// which others are reached.
func removedAddress(messages []byte) bool {
	for len(messages) >= unix.NLMSG_HDRLEN {
		length := int(binary.NativeEndian.Uint32(messages))
		if length < unix.NLMSG_HDRLEN || length > len(messages) {
			return false
		}
		if binary.NativeEndian.Uint16(messages[4:]) == unix.RTM_DELADDR && removedReaches(messages[unix.NLMSG_HDRLEN:length]) {
			return true
		}
		messages = messages[min((length+3)&^3, len(messages)):]
	}
	return false
}

// removedReaches reads an ifaddrmsg and its attributes.
func removedReaches(message []byte) bool {
	if len(message) < unix.SizeofIfAddrmsg {
		return false
	}
	for attrs := message[unix.SizeofIfAddrmsg:]; len(attrs) >= unix.SizeofRtAttr; {
		length := int(binary.NativeEndian.Uint16(attrs))
		if length < unix.SizeofRtAttr || length > len(attrs) {
			return false
		}
		if binary.NativeEndian.Uint16(attrs[2:]) == unix.IFA_ADDRESS {
			return reaches(net.IP(attrs[unix.SizeofRtAttr:length]))
		}
		attrs = attrs[min((length+3)&^3, len(attrs)):]
	}
	return false
}
