package control

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"

	"github.com/postern/postern/app/control/socket"
)

// listen opens the named pipe of the data folder dir, for the current user
// only. A pipe ends with its process, so there is none to replace: one that is
// there is in use.
func listen(_ context.Context, dir string) (net.Listener, error) {
	path, err := socket.Path(dir)
	if err != nil {
		return nil, err
	}
	descriptor, err := socket.Descriptor()
	if err != nil {
		return nil, err
	}
	l, err := winio.ListenPipe(path, &winio.PipeConfig{SecurityDescriptor: descriptor, InputBufferSize: 64 << 10, OutputBufferSize: 64 << 10})
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return nil, ErrInUse
	}
	if err != nil {
		return nil, fmt.Errorf("open the pipe: %w", err)
	}
	return l, nil
}
