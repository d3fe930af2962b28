package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"gopkg.in/natefinch/lumberjack.v2"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/doctor/support"
	"github.com/postern/postern/app/responders/agent"
	"github.com/postern/postern/app/responders/command"
	"github.com/postern/postern/app/responders/echo"
	"github.com/postern/postern/app/responders/forward"
	"github.com/postern/postern/app/responders/notify"
	"github.com/postern/postern/app/responders/post"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/all"
	"github.com/postern/postern/platforms/demo"
)

// program is one running Postern: the parts and what ends them.
type program struct {
	o      cli.StartOptions
	began  time.Time
	app    *app.App
	log    *slog.Logger
	server *control.Server
	face   face
	told   *notify.Notifier
	stage  *demo.Stage // nil unless this is the demo

	wg sync.WaitGroup
}

// start runs Postern until ctx ends, the person quits, or it can't go on.
func start(ctx context.Context, o cli.StartOptions) error {
	began := time.Now()
	if o.Demo {
		dir, err := os.MkdirTemp("", "postern-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.Dir = dir
	}
	if err := prepare(o.Dir); err != nil {
		return err
	}
	if !o.Demo && !o.Headless {
		if raised(ctx, o) {
			return nil
		}
	}
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	p := &program{o: o, began: began}
	defer p.wg.Wait()
	defer quit()
	if err := p.open(ctx); err != nil {
		if errors.Is(err, app.ErrRunning) && raised(ctx, o) {
			return nil
		}
		return err
	}
	return p.run(ctx, quit)
}

// raised has a Postern that runs already show its window, and reports whether
// there is one: a second start has nothing else to do.
func raised(ctx context.Context, o cli.StartOptions) bool {
	err := client.Raise(ctx, o.Dir, api.Request{Page: o.Show})
	var refused *api.Error
	switch {
	case err == nil:
		fmt.Fprintln(os.Stderr, "Postern is already running; its window was raised.")
	case errors.As(err, &refused):
		fmt.Fprintln(os.Stderr, "Postern is already running. "+refused.Text)
	default:
		return false
	}
	return true
}

// prepare makes the data folder, for this user only.
func prepare(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil && runtime.GOOS != "windows" {
		err = os.Chmod(dir, 0o700) //nolint:gosec // a folder needs its x bit
	}
	if errors.Is(err, fs.ErrPermission) || err != nil {
		return fmt.Errorf("the data folder %s can't be used: %w. Give it to your user, or choose another with --data", dir, err)
	}
	return nil
}

// open makes the parts; nothing runs yet.
func (p *program) open(ctx context.Context) (err error) {
	p.told = notify.New(notify.Options{Show: p.popup, Settings: func() api.Settings { return p.app.Settings() }})
	responders := []app.Responder{p.told}
	var stages func() map[netip.AddrPort]string
	if p.o.Demo {
		if p.stage, err = demo.New(); err != nil {
			return fmt.Errorf("the demo's stand-ins could not start: %w", err)
		}
		stages = p.stage.Sockets
		responders = append(responders, echo.Responder{Buttons: [][]platforms.Button{{{Label: "Thanks", Data: "thanks"}}}})
	}
	p.app, err = app.New(ctx, app.Options{
		Dir: p.o.Dir, Platforms: all.All(), Responders: responders, Kinds: []app.Kind{command.Kind(), forward.Kind(), agent.Kind(), post.Kind()}, Version: version,
		Demo: p.o.Demo, Stages: stages, Told: p.warn, Asked: p.asked, AskEnded: p.askEnded, Probes: faceProbes(p.o.Headless || !hasDisplay()), Passphrase: p.o.Passphrase, Log: logTo(p.o.Dir),
	})
	if err != nil {
		if p.stage != nil {
			err = errors.Join(err, p.stage.Close())
		}
		return err
	}
	p.log = p.app.Log()
	slog.SetDefault(p.log) // for libraries that log by themselves
	p.server = control.New(p.app, control.Options{Log: p.log, OpenWindow: p.openWindow})
	return nil
}

// run runs them, the face on this goroutine.
func (p *program) run(ctx context.Context, quit context.CancelFunc) error {
	ended := make(chan error, 1)
	p.wg.Go(func() { ended <- p.app.Run(ctx); quit() })
	served := make(chan error, 1)
	p.wg.Go(func() {
		err := p.server.Serve(ctx, p.o.Dir)
		if err != nil {
			quit()
		}
		served <- err
	})
	p.wg.Go(func() { p.told.Run(ctx) })
	if p.o.Demo {
		if err := p.play(ctx); err != nil {
			quit()
			return errors.Join(err, <-ended, <-served)
		}
		fmt.Fprintf(os.Stderr, "The demo runs. In another terminal commands reach it so: postern --data %s status\n", p.o.Dir)
	}
	err := p.show(ctx)
	quit()
	return errors.Join(err, <-ended, <-served)
}

// logTo logs into a file in dir that is kept small.
func logTo(dir string) slog.Handler {
	return slog.NewTextHandler(&lumberjack.Logger{
		Filename: filepath.Join(dir, support.LogName), MaxSize: 5 /* MB */, MaxBackups: 2,
	}, nil)
}
