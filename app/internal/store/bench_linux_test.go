package store

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// rawSync is how often a second the disk takes a 4 KiB write with fdatasync.
func rawSync(t testing.TB, dir string, span time.Duration) float64 {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "raw"))
	check(t, err)
	defer func() { check(t, f.Close()) }()
	page := make([]byte, 4096)
	_, err = f.Write(make([]byte, 1<<20))
	check(t, err)
	check(t, f.Sync())
	begin, n := time.Now(), 0
	for ; time.Since(begin) < span; n++ {
		_, err := f.WriteAt(page, int64(n%256)*4096)
		check(t, err)
		check(t, syscall.Fdatasync(int(f.Fd())))
	}
	return float64(n) / time.Since(begin).Seconds()
}
