//go:build !linux

package store

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// rawSync is how often a second the disk takes a 4 KiB write with a sync.
func rawSync(t testing.TB, dir string, span time.Duration) float64 {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "raw"))
	check(t, err)
	defer func() { check(t, f.Close()) }()
	page := make([]byte, 4096)
	begin, n := time.Now(), 0
	for ; time.Since(begin) < span; n++ {
		_, err := f.WriteAt(page, int64(n%256)*4096)
		check(t, err)
		check(t, f.Sync())
	}
	return float64(n) / time.Since(begin).Seconds()
}
