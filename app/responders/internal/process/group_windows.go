package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Group is a program and all that it starts: a job object.
// https://learn.microsoft.com/windows/win32/procthread/job-objects
type Group struct {
	cmd *exec.Cmd
	job windows.Handle
}

// Prepare makes the job, whose processes end with its last handle, and so with
// Postern too; and has it ended when cmd's context ends. Windows has no way to ask.
func Prepare(cmd *exec.Cmd) (*Group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, fmt.Errorf("make a job object: %w", err)
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{
		LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE}}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err != nil {
		_ = windows.CloseHandle(job)
		return nil, fmt.Errorf("set up a job object: %w", err)
	}
	// It starts suspended, so that it can't start others before it is in the job.
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true,
		CreationFlags: windows.CREATE_SUSPENDED | windows.CREATE_NO_WINDOW}
	cmd.Cancel = func() error { return windows.TerminateJobObject(job, 1) }
	return &Group{cmd, job}, nil
}

// Start leaves no process behind when it fails.
func (g *Group) Start() error {
	if err := g.cmd.Start(); err != nil {
		_ = windows.CloseHandle(g.job)
		return err
	}
	pid := uint32(g.cmd.Process.Pid)
	err := g.assign(pid)
	if err == nil {
		err = resume(pid)
	}
	if err != nil {
		_ = g.cmd.Process.Kill()
		_ = g.cmd.Wait()
		g.Kill()
	}
	return err
}

func (g *Group) assign(pid uint32) error {
	p, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, pid)
	if err != nil {
		return fmt.Errorf("open the program's process: %w", err)
	}
	defer func() { _ = windows.CloseHandle(p) }()
	if err := windows.AssignProcessToJobObject(g.job, p); err != nil {
		return fmt.Errorf("put the program into its job: %w", err)
	}
	return nil
}

// resume lets a process run that was started suspended: it has one thread,
// whose handle package os has closed.
func resume(pid uint32) error {
	snap, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	defer func() { _ = windows.CloseHandle(snap) }()
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snap, &entry); err == nil; err = windows.Thread32Next(snap, &entry) {
		if entry.OwnerProcessID != pid {
			continue
		}
		th, err := windows.OpenThread(windows.THREAD_SUSPEND_RESUME, false, entry.ThreadID)
		if err != nil {
			return fmt.Errorf("open the program's thread: %w", err)
		}
		defer func() { _ = windows.CloseHandle(th) }()
		if _, err := windows.ResumeThread(th); err != nil {
			return fmt.Errorf("resume the program: %w", err)
		}
		return nil
	}
	return errors.New("the program's thread was not found")
}

// Kill ends what is left of the job.
func (g *Group) Kill() {
	_ = windows.TerminateJobObject(g.job, 1)
	_ = windows.CloseHandle(g.job)
}

func checkExecutable(path string, _ fs.FileInfo) string {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".exe", ".com":
		return ""
	case ".bat", ".cmd":
		// Windows runs them by cmd.exe, which reads arguments by its own rules:
		// https://pkg.go.dev/os/exec#Command. That would be a shell after all.
		return "Batch files are run by a shell, which Postern doesn't use. Choose the program itself (.exe)."
	}
	return "The file is not a program (.exe). Give the interpreter as the program, and this file as its argument."
}
