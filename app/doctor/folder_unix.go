//go:build linux || darwin || freebsd

package doctor

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// freeSpace is how many bytes this user may still write where dir is.
func freeSpace(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(max(s.Bavail, 0)) * uint64(s.Bsize), nil //nolint:gosec,unconvert // the types differ between systems
}

// mine reports whether a file belongs to this user.
func mine(info fs.FileInfo) bool {
	s, known := info.Sys().(*syscall.Stat_t)
	return !known || int(s.Uid) == os.Getuid()
}
