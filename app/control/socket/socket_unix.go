//go:build !windows

package socket

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// longest is how long a socket's path may be, in bytes. Systems allow 104 to
// 108 with a zero at the end; the server needs a few for a name on the way.
const longest = 99

// Path is where the socket of the Postern with data folder dir is: in dir, if
// its path is short enough for a socket. Otherwise it is in a folder of its own,
// named after the user and a hash of dir, in $XDG_RUNTIME_DIR or, without that,
// the folder for temporary files. Listening makes that folder with mode 0700
// and leaves a symbolic link in dir; Path follows the link, so that a client
// with another environment finds the same place. Both sides refuse the place
// unless the folder is the user's own, no link, and closed to others, so that
// nobody gains anything by being there first.
func Path(dir string) (string, error) {
	dir, err := whole(dir)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, Name)
	if len(path) <= longest {
		return path, nil
	}
	if to, err := os.Readlink(path); err == nil && filepath.IsAbs(to) && len(to) <= longest && private(filepath.Dir(to)) == nil {
		return to, nil
	}
	folder := "postern-" + strconv.Itoa(os.Geteuid()) + "-" + mark(dir)
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		path := filepath.Join(base, folder, Name)
		if filepath.IsAbs(base) && len(path) <= longest {
			return path, nil
		}
	}
	return "", fmt.Errorf("no place for the socket: every path is longer than %d bytes; choose a shorter data folder", longest)
}

// Prepare makes the folder that the socket at path goes into, if need be, and
// makes sure that it is the user's own and closed to others. It is the
// server's.
func Prepare(dir, path string) error {
	folder := filepath.Dir(path)
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("make the socket's folder: %w", err)
	}
	if err := own(folder); err != nil {
		return err
	}
	if err := os.Chmod(folder, 0o700); err != nil { //nolint:gosec // a folder needs its x bit
		return fmt.Errorf("close the socket's folder to others: %w", err)
	}
	dir, err := whole(dir)
	if err != nil || folder == dir {
		return err
	}
	link := filepath.Join(dir, Name)
	if to, err := os.Readlink(link); err == nil && to == path {
		return nil
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace the link to the socket: %w", err)
	}
	if err := os.Symlink(path, link); err != nil {
		return fmt.Errorf("leave a link to the socket: %w", err)
	}
	return nil
}

// own is nil if folder is a real folder of this user.
func own(folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return fmt.Errorf("look at the socket's folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s is not a folder of yours: %w", folder, ErrUnsafe)
	}
	return nil
}

// private is nil if nobody else can get into folder.
func private(folder string) error {
	if err := own(folder); err != nil {
		return err
	}
	info, err := os.Lstat(folder)
	if err != nil {
		return fmt.Errorf("look at the socket's folder: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is open to other users: %w", folder, ErrUnsafe)
	}
	return nil
}

// Dial connects to the Postern with data folder dir.
func Dial(ctx context.Context, dir string) (net.Conn, error) {
	path, err := Path(dir)
	if err != nil {
		return nil, err
	}
	return DialPath(ctx, path)
}

// DialPath connects to the socket at path, as Path gave it.
func DialPath(ctx context.Context, path string) (net.Conn, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	if err := private(filepath.Dir(path)); err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOTSOCK):
		return nil, fmt.Errorf("%w: %w", ErrAbsent, err)
	case err != nil:
		return nil, err
	}
	if _, err := PeerOf(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// descriptor lets ask use conn's file descriptor.
func descriptor(conn net.Conn, ask func(fd int) error) error {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return fmt.Errorf("%T has no descriptor", conn)
	}
	c, err := raw.SyscallConn()
	if err != nil {
		return err
	}
	var asked error
	if err := c.Control(func(fd uintptr) { asked = ask(int(fd)) }); err != nil {
		return err
	}
	return asked
}

// same is nil if uid is this process's user.
func same(uid int) error {
	if uid != os.Geteuid() {
		return fmt.Errorf("%w (uid %d)", ErrForeign, uid)
	}
	return nil
}
