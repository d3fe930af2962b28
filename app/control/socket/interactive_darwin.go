package socket

import (
	"errors"
	"fmt"
	"os"

	"github.com/shirou/gopsutil/v4/process"
	"golang.org/x/sys/unix"
)

// Interactive is nil if p is this very program, in the foreground of a terminal:
// a person can be typing to it.
func Interactive(p Peer) error {
	if p.PID == 0 {
		return errors.New("the system does not tell who asks")
	}
	who, err := process.NewProcess(int32(p.PID))
	if err != nil {
		return fmt.Errorf("look at who asks: %w", err)
	}
	path, err := who.Exe()
	if err != nil {
		return fmt.Errorf("look at who asks: %w", err)
	}
	own, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	ours, err := os.Stat(own)
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if theirs, err := os.Stat(path); err != nil || !os.SameFile(ours, theirs) {
		return errors.New("another program asks, or one of another version")
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
