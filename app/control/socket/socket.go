// Package socket is where Postern's local interface is found and who is at the
// other end of it: what the server and its clients must agree on. It never
// listens.
//
// On Unix it is a unix socket of mode 0600 in a folder of mode 0700; on Windows
// a named pipe. On both, each side makes sure that the other runs as the same
// user.
package socket

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"path/filepath"
)

// Name is the socket's file name.
const Name = "control.sock"

// The errors of Dial, wrapped with what the system said.
var (
	// ErrAbsent means that nothing listens there.
	ErrAbsent = errors.New("nothing listens there")
	// ErrForeign means that what listens, or what dialled, is another user's.
	ErrForeign = errors.New("the other end runs as another user")
	// ErrUnsafe means that others could have put something in the socket's place.
	ErrUnsafe = errors.New("others can write where the socket is")
)

// Peer is the process at the other end of a connection, as it was when the
// connection was made. PID is 0 where the system doesn't tell.
type Peer struct {
	PID int
}

// PeerOf is who is at the other end of conn; ErrForeign if another user is. It
// fails closed: a connection that can't be asked is an error.
func PeerOf(conn net.Conn) (Peer, error) { return peerOf(conn) }

// whole is dir as both sides spell it.
func whole(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the data folder: %w", err)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	return dir, nil
}

// mark tells data folders apart in a name of fixed length.
func mark(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:8])
}
