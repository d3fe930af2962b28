package autostart

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
)

// Set writes or removes a launch agent for program (launchd.plist(5)). It takes
// effect at the next login.
func Set(program string, on bool) error {
	path, err := entry()
	if err != nil {
		return err
	}
	if !on {
		return remove(path)
	}
	var quoted strings.Builder
	if err := xml.EscapeText(&quoted, []byte(program)); err != nil {
		return err
	}
	return writeFile(path, `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>`+label+`</string>
<key>ProgramArguments</key><array><string>`+quoted.String()+`</string></array>
<key>RunAtLoad</key><true/>
</dict></plist>
`)
}

// Enabled reports whether the launch agent is there.
func Enabled() (bool, error) {
	path, err := entry()
	if err != nil {
		return false, err
	}
	return exists(path)
}

const label = "app.postern." + name

func entry() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, "Library", "LaunchAgents", label+".plist"), nil
}
