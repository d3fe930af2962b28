package socket

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Interactive is nil if p is in the foreground of a terminal: a person can be
// typing to it.
func Interactive(p Peer) error {
	if p.PID == 0 {
		return errors.New("the system does not tell who asks")
	}
	k, err := unix.SysctlKinfoProc("kern.proc.pid", p.PID)
	if err != nil {
		return fmt.Errorf("look at who asks: %w", err)
	}
	if k.Eproc.Tdev == -1 || k.Eproc.Tpgid != k.Eproc.Pgid {
		return errors.New("who asks is not in the foreground of a terminal")
	}
	return nil
}
