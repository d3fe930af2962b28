package socket

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

func peerOf(conn net.Conn) (Peer, error) {
	var cred *unix.Ucred
	err := descriptor(conn, func(fd int) (err error) {
		cred, err = unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
		return err
	})
	if err != nil {
		return Peer{}, fmt.Errorf("ask who is at the other end: %w", err)
	}
	return Peer{PID: int(cred.Pid)}, same(int(cred.Uid))
}
