// Package tray shows Postern's icon and menu where the desktop keeps such
// things. What they say comes from ui/model; this package only carries it to
// the desktop, and clicks back.
package tray

import (
	"context"
	"log/slog"
	"reflect"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/ui/model"
)

// Actions are what the menu can ask for. All must be set. They are called one
// at a time, never on the goroutine that Run was called on, so they may take
// their time; clicks wait meanwhile.
type Actions struct {
	Show           func(api.Request)
	Pause, Resume  func(platforms.AccountID) // empty: all
	CloseListeners func()
	Quit           func()
}

// Options is what the tray shows and whom it tells.
type Options struct {
	Snapshot func() api.Snapshot // the state now; must be quick
	Changed  <-chan struct{}     // says when to look again
	Actions  Actions
	Log      *slog.Logger

	// OnNoHost is called once if the desktop has no place for tray icons: the
	// caller should show a window instead. If a place appears later, the icon
	// appears there by itself. May be nil.
	OnNoHost func()
	// OnShown is called when the icon has found a place, and again each time
	// it finds one after it had lost it. May be nil.
	OnShown func()

	// Patience is how long a desktop that is starting may take to make a place
	// before OnNoHost is called. 0 means five seconds.
	Patience time.Duration
}

const (
	// pace is the least time between two updates that nobody asked for: each
	// makes the panel read the whole menu.
	pace = time.Second
	// rest is how often the words are brought up to date when nothing changes
	// but the time.
	rest = 30 * time.Second
)

// view is what the desktop shows.
type view struct {
	icon    model.Icon
	tooltip string
	items   []model.Item
}

func look(o Options, now time.Time) view {
	s := o.Snapshot()
	icon, _ := model.IconOf(s, now)
	return view{icon: icon, tooltip: model.Tooltip(s, now), items: model.Menu(s, now)}
}

// follow calls show with the latest view, until ctx ends: soon after a change,
// at once when the menu is opened, and every rest. It calls show only with
// views that differ from the one before, which first was old.
func follow(ctx context.Context, o Options, opened <-chan struct{}, old view, show func(old, new view)) {
	changed := o.Changed
	updated := time.Now()
	timer := time.NewTimer(rest)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changed:
			if !ok {
				changed = nil
			}
			if wait := pace - time.Since(updated); wait > 0 {
				timer.Reset(wait)
				continue
			}
		case <-opened:
		case <-timer.C:
		}
		now := time.Now()
		if v := look(o, now); !reflect.DeepEqual(v, old) {
			show(old, v)
			old = v
		}
		updated = now
		timer.Reset(rest)
	}
}

// act carries out what was clicked, one after the other, until ctx ends.
func act(ctx context.Context, a Actions, clicks <-chan model.Command) {
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-clicks:
			do(a, c)
		}
	}
}

func do(a Actions, c model.Command) {
	switch c.Verb {
	case model.Show:
		a.Show(c.Request)
	case model.Pause:
		a.Pause(c.Account)
	case model.Resume:
		a.Resume(c.Account)
	case model.CloseListeners:
		a.CloseListeners()
	case model.Quit:
		a.Quit()
	}
}
