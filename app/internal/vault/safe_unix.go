//go:build unix

package vault

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// fileSafe fails unless f belongs to this user (or to root, who can read
// everything anyway) and nobody else has any right to it.
func fileSafe(f *os.File, path string) error {
	info, err := f.Stat()
	if err != nil {
		return &Unavailable{Reason: Failed, Where: path, Err: err}
	}
	if err := ownSafe(info, path); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return &Unavailable{Reason: Unsafe, Where: path,
			Detail: fmt.Sprintf("its mode %04o lets others at it; run `chmod 600` on it", mode)}
	}
	return nil
}

// folderSafe fails if somebody else could put another file in place of ours.
func folderSafe(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return &Unavailable{Reason: Failed, Where: dir, Err: err}
	}
	if err := ownSafe(info, dir); err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return &Unavailable{Reason: Unsafe, Where: dir,
			Detail: fmt.Sprintf("its mode %04o lets others change it; run `chmod 700` on it", mode)}
	}
	return nil
}

func ownSafe(info fs.FileInfo, path string) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return &Unavailable{Reason: Unsafe, Where: path,
			Detail: "it belongs to another user; give it to the user that Postern runs as, with `chown`"}
	}
	return nil
}
