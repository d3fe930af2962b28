package control

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/socket"
)

// ErrInUse means that another Postern answers for this data folder.
var ErrInUse = errors.New("another Postern answers for this data folder; quit it first")

// Bounds of the interface. They are generous for the few programs of one
// person, and keep a broken one from taking the connectors down.
const (
	maxJSON     = 1 << 20 // a request's body, in bytes
	maxUploads  = 20      // files of one message
	maxConns    = 256
	maxWatchers = 64
	parting     = 2 * time.Second  // for requests in flight at the end
	jsonWait    = 10 * time.Second // for the whole of a JSON body
	fileWait    = 30 * time.Second // for the next bytes of a file
)

// Options configure a Server. The zero value is usable.
type Options struct {
	Log *slog.Logger // nil discards

	// OpenWindow starts a window; it is called when something is to be shown
	// and no window is connected. The request reaches the window over its change
	// stream, too. Nil: there are no windows.
	OpenWindow func(api.Request) error

	// MaxFile is how large one file may be that comes in with a message, in
	// bytes; 0 means 64 MiB.
	MaxFile int64
}

// Server serves a Backend to the person's other processes.
type Server struct {
	b        Backend
	log      *slog.Logger
	maxFile  int64
	windows  *screens
	sessions *sessions
	limits   clients.Limiter

	ready     chan struct{} // closed when Serve listens
	quitting  chan struct{} // closed when Serve begins to end
	conns     sync.WaitGroup
	watching  chan struct{} // room for watchers
	beat      time.Duration // between signs of life on a quiet stream
	writeWait time.Duration // for a client to take what it is sent
	handler   http.Handler
	peer      func(net.Conn) (socket.Peer, error)

	// interactive is nil for a process that a person can be typing to.
	interactive func(socket.Peer) error
}

// New makes a Server. It does nothing until Serve.
func New(b Backend, o Options) *Server {
	s := &Server{
		b: b, log: o.Log, maxFile: o.MaxFile,
		sessions: newSessions(),
		ready:    make(chan struct{}), quitting: make(chan struct{}),
		watching: make(chan struct{}, maxWatchers),
		beat:     30 * time.Second, writeWait: 10 * time.Second,
		peer: socket.PeerOf, interactive: socket.Interactive,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.maxFile == 0 {
		s.maxFile = 64 << 20
	}
	s.windows = &screens{start: o.OpenWindow}
	s.handler = s.shell(s.routes())
	return s
}

// SocketPath is where the server for data folder dir listens; see
// socket.Path. It is empty if there is no place.
func SocketPath(dir string) string {
	path, err := socket.Path(dir)
	if err != nil {
		return ""
	}
	return path
}

// Serve listens for the data folder dir, which is this process's, and answers
// until ctx ends. Then open streams are told that Postern quits, requests in
// flight get two seconds to finish, and everything that Serve started has ended
// when it returns. It is called once. ErrInUse if another process listens.
func (s *Server) Serve(ctx context.Context, dir string) error {
	l, err := listen(ctx, dir)
	if err != nil {
		return err
	}
	close(s.ready)
	return s.serve(ctx, &guard{Listener: l, log: s.log, room: make(chan struct{}, maxConns), peer: s.peer})
}

func (s *Server) serve(ctx context.Context, l net.Listener) error {
	// Requests outlive ctx for a moment; cancel ends those that overstay.
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext:       withPeer,
		ConnState:         s.count,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()

	var err error
	select {
	case err = <-ended:
		close(s.quitting)
	case <-ctx.Done():
		close(s.quitting)
		bye, done := context.WithTimeout(base, parting)
		err = srv.Shutdown(bye)
		done()
		if errors.Is(err, context.DeadlineExceeded) {
			s.log.Warn("requests to the local interface were cut off: they took too long to finish")
			err = nil
		}
		<-ended
	}
	cancel()
	_ = srv.Close()
	s.conns.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Ready is closed once Serve listens.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// count keeps track of connections: each has a goroutine, in which its requests
// are answered.
func (s *Server) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

// Show raises the connected windows and has them show r; if none is connected,
// one is started.
func (s *Server) Show(r api.Request) error { return s.windows.show(r) }
