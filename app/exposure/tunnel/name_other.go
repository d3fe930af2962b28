//go:build !linux

package tunnel

import (
	"context"
	"path/filepath"

	"github.com/shirou/gopsutil/v4/process"
)

// nameOf is a process's name, without its folder.
func nameOf(ctx context.Context, pid int32) (string, error) {
	name, err := (&process.Process{Pid: pid}).NameWithContext(ctx)
	return filepath.Base(name), err
}
