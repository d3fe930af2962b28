package control

import (
	"context"
	"log/slog"
	"net"
	"sync"

	"github.com/postern/postern/app/control/socket"
)

// guard is a listener that lets in only this user's processes, and not too
// many connections at once.
type guard struct {
	net.Listener
	log  *slog.Logger
	room chan struct{}
	peer func(net.Conn) (socket.Peer, error)
}

// Accept waits for the next connection of this user's. Others are closed
// without a word.
func (g *guard) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		peer, err := g.peer(conn)
		if err != nil {
			g.log.Warn("a connection to the local interface was refused", "err", err)
			conn.Close()
			continue
		}
		select {
		case g.room <- struct{}{}:
			return &guarded{Conn: conn, peer: peer, leave: sync.OnceFunc(func() { <-g.room })}, nil
		default:
			g.log.Warn("a connection to the local interface was refused: too many are open", "pid", peer.PID)
			conn.Close()
		}
	}
}

// guarded is a connection whose other end is known.
type guarded struct {
	net.Conn
	peer  socket.Peer
	leave func()
}

func (c *guarded) Close() error {
	c.leave()
	return c.Conn.Close()
}

// CloseWrite lets net/http end an answer before the connection, so that a
// client that is still sending can read it.
func (c *guarded) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

type peerKey struct{}

// withPeer remembers who is at the other end of conn for its requests.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*guarded); ok {
		return context.WithValue(ctx, peerKey{}, c.peer)
	}
	return ctx
}

func peerFrom(ctx context.Context) socket.Peer {
	p, _ := ctx.Value(peerKey{}).(socket.Peer)
	return p
}
