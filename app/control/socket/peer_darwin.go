package socket

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

func peerOf(conn net.Conn) (Peer, error) {
	var cred *unix.Xucred
	var pid int
	err := descriptor(conn, func(fd int) (err error) {
		if cred, err = unix.GetsockoptXucred(fd, unix.SOL_LOCAL, unix.LOCAL_PEERCRED); err != nil {
			return err
		}
		pid, err = unix.GetsockoptInt(fd, unix.SOL_LOCAL, unix.LOCAL_PEERPID)
		return err
	})
	if err != nil {
		return Peer{}, fmt.Errorf("ask who is at the other end: %w", err)
	}
	return Peer{PID: pid}, same(int(cred.Uid))
}
