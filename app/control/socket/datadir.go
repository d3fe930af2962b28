package socket

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// DataDir is where Postern keeps its data unless told otherwise:
// $XDG_DATA_HOME/postern or ~/.local/share/postern, on macOS
// ~/Library/Application Support/Postern, on Windows %LocalAppData%\Postern.
func DataDir() (string, error) {
	switch runtime.GOOS {
	case "windows":
		if base := os.Getenv("LocalAppData"); filepath.IsAbs(base) {
			return filepath.Join(base, "Postern"), nil
		}
		return "", errors.New("%LocalAppData% is not set, so there is no data folder; name one with --data")
	case "darwin":
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, "Library", "Application Support", "Postern"), nil
		}
	default:
		// A relative path there is to be ignored, says the base directory
		// specification.
		if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
			return filepath.Join(base, "postern"), nil
		}
		if home, err := os.UserHomeDir(); err == nil && filepath.IsAbs(home) {
			return filepath.Join(home, ".local", "share", "postern"), nil
		}
	}
	return "", errors.New("your home folder is not known, so there is no data folder; name one with --data")
}
