//go:build !windows

package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/postern/postern/app/control/socket"
)

// listen opens the socket of the data folder dir. What an ended Postern left
// behind is replaced; ErrInUse if one still answers there.
func listen(ctx context.Context, dir string) (net.Listener, error) {
	path, err := socket.Path(dir)
	if err != nil {
		return nil, err
	}
	if err := socket.Prepare(dir, path); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil {
		if info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("%s is in the way of the socket: move it elsewhere", path)
		}
		if live(ctx, path) {
			return nil, ErrInUse
		}
	}

	// Bound under another name in a folder that only this user can enter, the
	// socket gets its mode before it gets its name, whatever the umask. The
	// rename takes the place of a stale one at once.
	birth := filepath.Join(filepath.Dir(path), ".s"+strconv.Itoa(os.Getpid()))
	if err := os.Remove(birth); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: birth, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("open the socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	fail := func(err error) (net.Listener, error) {
		_ = os.Remove(birth)
		return nil, errors.Join(fmt.Errorf("open the socket: %w", err), l.Close())
	}
	if err := os.Chmod(birth, 0o600); err != nil {
		return fail(err)
	}
	mine, err := os.Lstat(birth)
	if err != nil {
		return fail(err)
	}
	if err := os.Rename(birth, path); err != nil {
		return fail(err)
	}
	return &unixListener{UnixListener: l, path: path, mine: mine}, nil
}

// live reports whether something accepts connections at path.
func live(ctx context.Context, path string) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := socket.DialPath(ctx, path)
	if err != nil {
		return !errors.Is(err, socket.ErrAbsent)
	}
	conn.Close()
	return true
}

// unixListener takes its socket away when it is closed, if it is still its own.
type unixListener struct {
	*net.UnixListener
	path string
	mine fs.FileInfo
}

func (l *unixListener) Close() error {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.mine) {
		_ = os.Remove(l.path)
	}
	return l.UnixListener.Close()
}
