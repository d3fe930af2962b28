package slack

import (
	"time"

	"github.com/postern/postern/platforms"
)

// Hasty is Platform with a socket that counts as dead after a second, for tests
// that wait for it.
func Hasty() platforms.Platform {
	p := Platform()
	p.New = func(c platforms.Config) (platforms.Connector, error) {
		conn, err := newConnector(c)
		if err == nil {
			conn.(*connector).wait = waits{ping: 100 * time.Millisecond, silent: 1500 * time.Millisecond}
		}
		return conn, err
	}
	return p
}
