//go:build linux || darwin || freebsd || openbsd || netbsd

package support

import "golang.org/x/sys/unix"

// kernel is its name and release.
func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}
