package tunnel

import (
	"bytes"
	"context"
	"os"
	"strconv"
)

// nameOf is a process's name (proc_pid_comm(5)): all names wanted here fit in
// its 15 bytes. gopsutil reads and parses the whole status for it.
func nameOf(_ context.Context, pid int32) (string, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/comm")
	return string(bytes.TrimSuffix(b, []byte("\n"))), err
}
