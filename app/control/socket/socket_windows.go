package socket

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// Path is the named pipe of the Postern with data folder dir: its name holds
// the user's SID and a hash of dir. Nobody else may open the pipe, and nobody
// can take its name while it is there; both sides ask for the other's user, so
// that taking it before gains nothing.
func Path(dir string) (string, error) {
	dir, err := whole(dir)
	if err != nil {
		return "", err
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", fmt.Errorf("ask who runs this: %w", err)
	}
	return `\\.\pipe\postern-` + user.User.Sid.String() + "-" + mark(dir), nil
}

// Descriptor is the pipe's security descriptor: the current user, nobody else,
// nothing inherited.
func Descriptor() (string, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return "", fmt.Errorf("ask who runs this: %w", err)
	}
	return "D:P(A;;GA;;;" + user.User.Sid.String() + ")", nil
}

// Dial connects to the Postern with data folder dir.
func Dial(ctx context.Context, dir string) (net.Conn, error) {
	path, err := Path(dir)
	if err != nil {
		return nil, err
	}
	return DialPath(ctx, path)
}

// DialPath connects to the pipe at path, as Path gave it.
func DialPath(ctx context.Context, path string) (net.Conn, error) {
	conn, err := winio.DialPipeContext(ctx, path)
	if errors.Is(err, windows.ERROR_FILE_NOT_FOUND) {
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	if err != nil {
		return nil, err
	}
	if err := sameUser(conn, windows.GetNamedPipeServerProcessId, new(uint32)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func peerOf(conn net.Conn) (Peer, error) {
	var pid uint32
	err := sameUser(conn, windows.GetNamedPipeClientProcessId, &pid)
	return Peer{PID: int(pid)}, err
}

// sameUser asks the pipe for the process at the other end, and that for its
// user.
func sameUser(conn net.Conn, ask func(windows.Handle, *uint32) error, pid *uint32) error {
	pipe, ok := conn.(interface{ Fd() uintptr })
	if !ok {
		return fmt.Errorf("%T has no handle", conn)
	}
	if err := ask(windows.Handle(pipe.Fd()), pid); err != nil {
		return fmt.Errorf("ask who is at the other end: %w", err)
	}
	process, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, *pid)
	if err != nil {
		return fmt.Errorf("ask who is at the other end: %w", err)
	}
	defer windows.CloseHandle(process)
	var token windows.Token
	if err := windows.OpenProcessToken(process, windows.TOKEN_QUERY, &token); err != nil {
		return fmt.Errorf("ask who is at the other end: %w", err)
	}
	defer token.Close()
	theirs, err := token.GetTokenUser()
	if err != nil {
		return fmt.Errorf("ask who is at the other end: %w", err)
	}
	ours, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return fmt.Errorf("ask who runs this: %w", err)
	}
	if !ours.User.Sid.Equals(theirs.User.Sid) {
		return ErrForeign
	}
	return nil
}
