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

// Look sets the least and the most time between two looks for a command's
// tokens.
func Look(conn platforms.Connector, least, most time.Duration) {
	conn.(withDoor).commands.pause, conn.(withDoor).commands.stale = least, most
}

// LookAgain has the tokens looked up at once.
func LookAgain(conn platforms.Connector) { wake(conn.(withDoor).commands.anew) }

// ParseSlash is whether a form is a command's, and what it says.
func ParseSlash(body []byte, trigger string) (team, channel, user, id, text string, err error) {
	s, err := parseSlash(body, trigger)
	return s.team, s.channel, s.user, s.id, s.text, err
}

// Bounds of a command.
const (
	SlashMost     = slashMost
	TriggerIDMost = triggerIDMost
)
