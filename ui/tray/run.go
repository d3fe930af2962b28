package tray

import (
	"context"
	"sync"
	"time"

	"fyne.io/systray"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/ui/model"
)

// Run shows the tray until ctx ends, then returns nil. It must be called on the
// main goroutine, which macOS demands, and at most once in a process, which the
// library underneath demands. A desktop without a place for tray icons is no
// error: see Options.OnNoHost.
//
// The library reports its own troubles through the standard log package.
func Run(ctx context.Context, o Options) error {
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
	}
	if ctx.Err() != nil {
		return nil
	}
	var group sync.WaitGroup
	defer group.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	if !prepare(o.Log) {
		if o.OnNoHost != nil {
			o.OnNoHost()
		}
		<-ctx.Done()
		return nil
	}
	clicks := make(chan model.Command, 8)
	group.Go(func() { act(ctx, o.Actions, clicks) })
	group.Go(func() { watchHost(ctx, o) })

	click := func(c model.Command) {
		select {
		case clicks <- c:
		default:
			o.Log.Warn("tray: a click was dropped, the ones before it are still being carried out")
		}
	}
	systray.SetOnTapped(func() { click(model.Command{Verb: model.Show, Request: api.Request{Page: "inbox"}}) })

	m := newMenu(ctx, &group, click)
	first := look(o, time.Now())
	early(first)
	ready := make(chan struct{})
	group.Go(func() {
		<-ready // the library can't be ended before it began
		follow(ctx, o, systray.TrayOpenedCh, first, m.show)
		systray.Quit()
	})
	systray.Run(func() {
		m.build()
		m.show(view{icon: -1}, first)
		close(ready)
	}, nil)
	return nil
}

// show makes the desktop show v instead of old.
func (m *menu) show(old, v view) {
	if old.icon != v.icon {
		setIcon(v.icon)
	}
	if old.tooltip != v.tooltip {
		systray.SetTooltip(v.tooltip)
	}
	m.fill(v.items)
}
