package controltest

import (
	"context"
	"errors"
	"os"

	"github.com/postern/postern/app/control"
)

// Start serves b in a new data folder of its own. stop ends the server, waits
// for it and removes the folder.
func Start(b control.Backend, o control.Options) (dir string, s *control.Server, stop func() error, err error) {
	return StartWith(b, o, func(*control.Server) {})
}

// StartWith is Start with a look at the server before it listens.
func StartWith(b control.Backend, o control.Options, prepare func(*control.Server)) (dir string, s *control.Server, stop func() error, err error) {
	// Short, so that the socket is in it.
	if dir, err = os.MkdirTemp("", "postern-"); err != nil {
		return "", nil, nil, err
	}
	stop, s, err = StartIn(dir, b, o, prepare)
	if err != nil {
		return "", nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	end := stop
	return dir, s, func() error { return errors.Join(end(), os.RemoveAll(dir)) }, nil
}

// StartIn serves b for the data folder dir. stop ends the server and waits for
// it; a second stop does nothing.
func StartIn(dir string, b control.Backend, o control.Options, prepare func(*control.Server)) (stop func() error, s *control.Server, err error) {
	s = control.New(b, o)
	prepare(s)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- s.Serve(ctx, dir)
		close(ended)
	}()
	select {
	case err := <-ended:
		cancel()
		return nil, nil, err
	case <-s.Ready():
	}
	return func() error { cancel(); return <-ended }, s, nil
}
