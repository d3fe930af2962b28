// Postern is the small guarded door between chat platforms and what runs on
// your own computer: tray, connectors, journal, command line and headless
// server in one process. Its window is a second program, postern-window.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/responders/agent/sample"
)

// version is set by the linker.
var version = "dev"

func main() {
	// The tray wants the main goroutine on macOS; nothing else is started from
	// here before it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Execute(ctx, cli.Options{
		Version:     version,
		Start:       start,
		SampleAgent: sample.Run,
	}, os.Args[1:])
	stop()
	os.Exit(code)
}
