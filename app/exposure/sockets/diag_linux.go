package sockets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Sizes of <linux/inet_diag.h>: struct inet_diag_req_v2 and struct inet_diag_msg.
const (
	requestSize = unix.NLMSG_HDRLEN + 56
	answerSize  = 72
)

var errCut = errors.New("the kernel's answer is cut short")

// diag adds the listening sockets among the inodes, as sock_diag(7) tells them.
// Asked for one state the kernel walks the table of listeners alone; the text
// in /proc/net/tcp walks every connection's bucket, some milliseconds.
func diag(list []Socket, family uint8, inodes map[uint64]bool) ([]Socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	// The kernel answers at once; where a sandbox swallows the request, do not wait.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return nil, err
	}
	var req [requestSize]byte
	binary.NativeEndian.PutUint32(req[0:], requestSize)
	binary.NativeEndian.PutUint16(req[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(req[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	req[unix.NLMSG_HDRLEN] = family
	req[unix.NLMSG_HDRLEN+1] = unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(req[unix.NLMSG_HDRLEN+4:], 1<<10) // TCP_LISTEN
	if err := unix.Sendto(fd, req[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	buf := make([]byte, 32<<10) // the kernel's largest part of a dump
	for {
		n, err := unix.Read(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil {
			return nil, err
		}
		more := false
		if list, more, err = part(list, buf[:n], inodes); err != nil || !more {
			return list, err
		}
	}
}

// part reads one datagram of a dump, and says whether more will come.
func part(list []Socket, b []byte, inodes map[uint64]bool) (_ []Socket, more bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(b))
		kind := binary.NativeEndian.Uint16(b[4:])
		flags := binary.NativeEndian.Uint16(b[6:])
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return nil, false, errCut
		}
		msg := b[unix.NLMSG_HDRLEN:size]
		b = b[min((size+3)&^3, len(b)):]
		if flags&unix.NLM_F_DUMP_INTR != 0 {
			return nil, false, errors.New("the table changed while it was read")
		}
		switch kind {
		case unix.NLMSG_DONE:
			return list, false, nil
		case unix.NLMSG_ERROR:
			if len(msg) < 4 {
				return nil, false, errCut
			}
			return nil, false, fmt.Errorf("sock_diag: %w", unix.Errno(-int32(binary.NativeEndian.Uint32(msg))))
		case unix.SOCK_DIAG_BY_FAMILY:
			if len(msg) < answerSize {
				return nil, false, errCut
			}
			if !inodes[uint64(binary.NativeEndian.Uint32(msg[68:]))] {
				continue
			}
			port, src := binary.BigEndian.Uint16(msg[4:]), msg[8:24]
			var a netip.Addr
			switch msg[0] {
			case unix.AF_INET:
				a = netip.AddrFrom4([4]byte(src[:4]))
			case unix.AF_INET6:
				a = netip.AddrFrom16([16]byte(src)).Unmap()
			default:
				return nil, false, fmt.Errorf("sock_diag: family %d", msg[0])
			}
			list = append(list, Socket{Addr: netip.AddrPortFrom(a, port)})
		}
	}
	if len(b) != 0 {
		return nil, false, errCut
	}
	return list, true, nil
}
