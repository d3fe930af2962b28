package socket

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Interactive is nil if p is this very program, in the foreground of a terminal
// of its own: a person can be typing to it.
func Interactive(p Peer) error {
	if p.PID == 0 {
		return errors.New("the system does not tell who asks")
	}
	dir := "/proc/" + strconv.Itoa(p.PID)
	ours, err := os.Stat("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	theirs, err := os.Stat(dir + "/exe")
	if err != nil || !os.SameFile(ours, theirs) {
		return errors.New("another program asks, or one of another version")
	}
	b, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return fmt.Errorf("look at who asks: %w", err)
	}
	// proc_pid_stat(5): after the name in parentheses come state, ppid, pgrp,
	// session, tty_nr, tpgid.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 6 {
		return errors.New("the system's word on who asks can't be read")
	}
	if pgrp, tty, tpgid := string(f[2]), string(f[4]), string(f[5]); tty == "0" || pgrp != tpgid {
		return errors.New("who asks is not in the foreground of a terminal")
	}
	return nil
}
