// Postern-window is Postern's window. The tray starts it when it is wanted and
// it ends when it is closed; connections and secrets stay with Postern, which
// it asks over the local interface.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/assets"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/ui/window"
)

// version is set when a release is built.
var version = "dev"

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "postern-window: "+err.Error())
		os.Exit(1)
	}
}

func run(args []string, stdin *os.File, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("postern-window", flag.ContinueOnError)
	flags.SetOutput(stderr)
	data := flags.String("data", "", "the data `folder` of the Postern to show")
	page := flags.String("page", window.PageAccounts, "the `page` to start with: accounts, add, inbox, exposure, inputs, answers, activity or general")
	look := flags.String("theme", os.Getenv("POSTERN_THEME"), "light or dark; follows the system if empty")
	verbose := flags.Bool("v", false, "log to standard error")
	show := flags.Bool("version", false, "print the version and end")
	switch err := flags.Parse(args); {
	case err == flag.ErrHelp:
		return nil
	case err != nil:
		return err
	case *show:
		fmt.Println(version)
		return nil
	}
	variant, ok := map[string]window.Variant{"": window.FollowSystem, "light": window.Light, "dark": window.Dark}[*look]
	if !ok {
		return fmt.Errorf("there is no theme %q. Use light or dark", *look)
	}
	if *data == "" {
		if *data, err = client.DataDir(); err != nil {
			return fmt.Errorf("find the data folder: %w", err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	if *verbose {
		log = slog.New(slog.NewTextHandler(stderr, nil))
	}
	if err := display(); err != nil {
		return err
	}

	// Fyne panics where there is no usable display. That is nothing a person
	// could read; a panic of a window that runs is a fault and stays one.
	running := false
	defer func() {
		if running {
			return
		}
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the window can't be opened here: no usable display or OpenGL (%v). Postern itself runs on; use the tray or the command line", cause)
		}
	}()

	a := app.NewWithID("app.postern.Postern")
	a.Settings().SetTheme(window.NewTheme(variant))
	icon := fyne.NewStaticResource("postern.png", assets.App(256))
	a.SetIcon(icon)
	win := a.NewWindow("Postern")
	win.SetIcon(icon)
	win.SetMaster()

	b := window.NewBridge(context.Background())
	defer b.Close()
	c := client.New(*data, client.AsWindow())
	defer c.Close()
	identify(b, c, stdin, log)
	w := window.New(win, c, b, window.Options{Page: *page, Ended: a.Quit, Log: log})
	win.Resize(fyne.NewSize(1100, 720))
	win.CenterOnScreen()
	a.Lifecycle().SetOnStarted(func() { running = true })
	w.Start()
	win.ShowAndRun()
	return nil
}

// display says in words that there is nothing to draw on, where that is known
// beforehand.
func display() error {
	switch runtime.GOOS {
	case "windows", "darwin":
		return nil
	}
	if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
		return fmt.Errorf("there is no display here: neither DISPLAY nor WAYLAND_DISPLAY is set. Use the command line, or start the window in a desktop session")
	}
	return nil
}

// capabilityWait is how long the tray may take to hand over the capability.
const capabilityWait = 5 * time.Second

// identify exchanges the capability that whoever started this process wrote to
// its standard input, if that is a pipe. The window works without one; only
// what needs a person's deliberate act is refused then.
func identify(b *window.Bridge, c *client.Client, stdin *os.File, log *slog.Logger) {
	info, err := stdin.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return
	}
	b.Background(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, capabilityWait)
		defer cancel()
		line := make(chan string, 1)
		go func() { // ends with the pipe, or with the process
			s, _ := bufio.NewReader(io.LimitReader(stdin, 4096)).ReadString('\n')
			line <- strings.TrimSpace(s)
		}()
		select {
		case s := <-line:
			if s == "" {
				return
			}
			if err := c.Identify(ctx, platforms.NewSecret(s)); err != nil {
				log.Warn("the window is not recognised as a person's", "err", err)
			}
		case <-ctx.Done():
			log.Warn("no capability came in time")
		}
	})
}
