package app

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"
)

// certificate is a pair of files, read again when the first has changed.
type certificate struct {
	cert, key string

	mu   sync.Mutex
	have *tls.Certificate
	from time.Time // the file's
}

// get is tls.Config's GetCertificate. A pair that can't be read any more leaves
// the one that was read before in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	info, err := os.Stat(c.cert)
	if err == nil && c.have != nil && info.ModTime().Equal(c.from) {
		return c.have, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.have, c.from = &pair, info.ModTime()
		}
	}
	if c.have != nil {
		return c.have, nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, errors.New("a file can't be read: " + path.Err.Error())
	}
	return nil, err
}
