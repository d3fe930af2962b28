package text

import (
	"math"
	"testing"
)

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{-1: "0 bytes", 0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 12_449_999: "12.4 MB",
		999_949: "999.9 kB", 999_950: "1.0 MB", math.MaxInt64: "9.2 EB"} {
		if got := Size(n); got != want {
			t.Errorf("%d: %q, not %q", n, got, want)
		}
	}
}
