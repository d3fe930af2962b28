//go:build !unix

package vault

import "os"

// On Windows a file gets its rights from its folder: the profile's folders give
// other ordinary users none, and mode bits say nothing.
func fileSafe(*os.File, string) error { return nil }

func folderSafe(string) error { return nil }
