package telegram

import (
	"time"

	"github.com/postern/postern/platforms"
)

// Hasty is Platform with polls of a second, for tests that wait for the end of
// one.
func Hasty() platforms.Platform {
	p := Platform()
	p.New = func(c platforms.Config) (platforms.Connector, error) {
		conn, err := newConnector(c)
		if err == nil {
			conn.(*connector).wait = waits{poll: time.Second, most: 2 * time.Second}
		}
		return conn, err
	}
	return p
}
