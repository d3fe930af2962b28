//go:build !windows && !darwin

package autostart

import (
	"os"
	"path/filepath"
	"strings"
)

// Set writes or removes an XDG autostart entry for program (Desktop
// Application Autostart Specification).
func Set(program string, on bool) error {
	path, err := entry()
	if err != nil {
		return err
	}
	if !on {
		return remove(path)
	}
	return writeFile(path, "[Desktop Entry]\nType=Application\nName="+name+
		"\nComment=Reach what runs on this computer from your chats\nExec="+quote(program)+"\nX-GNOME-Autostart-enabled=true\n")
}

// Enabled reports whether the entry is there.
func Enabled() (bool, error) {
	path, err := entry()
	if err != nil {
		return false, err
	}
	return exists(path)
}

func entry() (string, error) {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "autostart", "postern.desktop"), nil
}

// quote writes one argument of an Exec key: the specification asks for double
// quotes, with a backslash before each of "`$\ and, the value being a string
// of a desktop file, each backslash doubled once more; % is doubled.
func quote(s string) string {
	q := strings.NewReplacer(`\`, `\\\\`, `"`, `\\"`, "`", "\\\\`", `$`, `\\$`, `%`, `%%`).Replace(s)
	return `"` + q + `"`
}
