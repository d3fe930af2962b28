//go:build unix

package process

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Group is a program and all that it starts, unless that leaves it by setsid or
// setpgid.
type Group struct{ cmd *exec.Cmd }

// Prepare puts cmd into a process group of its own, and has the whole group
// asked to end when cmd's context does.
func Prepare(cmd *exec.Cmd) (*Group, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	g := &Group{cmd}
	cmd.Cancel = func() error {
		err := unix.Kill(-cmd.Process.Pid, unix.SIGTERM)
		if errors.Is(err, unix.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
	return g, nil
}

// Start starts the program.
func (g *Group) Start() error { return g.cmd.Start() }

// Kill ends what is left of the group. The leader has been waited for; its id
// is given to nobody else while the group has members, and hardly so soon after.
func (g *Group) Kill() { _ = unix.Kill(-g.cmd.Process.Pid, unix.SIGKILL) }

func checkExecutable(path string, info fs.FileInfo) string {
	switch {
	case unix.Access(path, unix.X_OK) != nil || info.Mode()&0o111 == 0: // root may always, says access
		return "The file is not a program that you may run. Make it executable (chmod +x), or choose another."
	case info.Mode()&0o002 != 0:
		return "Everybody on this computer can change this file, and so what Postern runs. Take that right away (chmod o-w)."
	}
	return ""
}
