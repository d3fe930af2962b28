package mattermost

import (
	"time"

	"github.com/postern/postern/platforms"
)

// Hasty is Platform with a socket that counts as dead after a second and a
// half, for tests that wait for it.
func Hasty() platforms.Platform {
	p := Platform()
	p.New = func(c platforms.Config) (platforms.Connector, error) {
		conn, err := newConnector(c)
		if err == nil {
			conn.(*connector).silence = 1500 * time.Millisecond
		}
		return conn, err
	}
	return p
}

// Escape and Length are format.go's, for tests against the emulator's reader.
var (
	Escape = escape
	Length = length
)

// Format is format without names.
func Format(s string, f platforms.Format) string {
	return format(s, f, func(platforms.UserID) string { return "" })
}
