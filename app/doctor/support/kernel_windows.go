package support

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// kernel is its version.
func kernel() string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("Windows %d.%d.%d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}
