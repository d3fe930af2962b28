package doctor

import (
	"io/fs"

	"golang.org/x/sys/windows"
)

// freeSpace is how many bytes this user may still write where dir is.
func freeSpace(dir string) (free uint64, err error) {
	path, err := windows.UTF16PtrFromString(dir)
	if err == nil {
		err = windows.GetDiskFreeSpaceEx(path, &free, nil, nil)
	}
	return free, err
}

func mine(fs.FileInfo) bool { return true }
