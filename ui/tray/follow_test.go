package tray

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
)

// following runs follow in a bubble and counts what it does.
type following struct {
	snapshot        api.Snapshot
	looked, showed  int
	last            view
	changed, opened chan struct{}
	cancel          context.CancelFunc
	done            chan struct{}
}

func start(t *testing.T) *following {
	t.Helper()
	f := &following{changed: make(chan struct{}, 1), opened: make(chan struct{}), done: make(chan struct{})}
	f.snapshot.Exposure = api.Exposure{exposure.Outbound: 1}
	o := Options{Changed: f.changed, Snapshot: func() api.Snapshot { f.looked++; return f.snapshot }}
	ctx, cancel := context.WithCancel(t.Context())
	f.cancel = cancel
	first := look(o, time.Now())
	f.looked = 0
	go func() {
		defer close(f.done)
		follow(ctx, o, f.opened, first, func(old, v view) { f.showed++; f.last = v })
	}()
	synctest.Wait()
	return f
}

// change makes the snapshot differ and says so.
func (f *following) change() {
	f.snapshot.Unread++
	f.changed <- struct{}{}
	synctest.Wait()
}

func (f *following) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (f *following) end() {
	f.cancel()
	<-f.done
}

func TestFollow(t *testing.T) {
	t.Run("a change is shown at once after a rest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			defer f.end()
			f.wait(10 * time.Second)
			f.change()
			if f.showed != 1 {
				t.Errorf("showed %d views, want 1", f.showed)
			}
		})
	})
	t.Run("a burst of changes is shown once a second, the last one too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			defer f.end()
			for range 100 {
				f.change()
				f.wait(50 * time.Millisecond)
			}
			if f.showed < 4 || f.showed > 5 {
				t.Errorf("showed %d views in five seconds of changes, want about one a second", f.showed)
			}
			f.wait(pace)
			if got := f.last.items; len(got) == 0 || f.snapshot.Unread != 100 || f.last.tooltip != look(Options{Snapshot: func() api.Snapshot { return f.snapshot }}, time.Now()).tooltip {
				t.Errorf("the last change is not shown: %q", f.last.tooltip)
			}
		})
	})
	t.Run("at rest it wakes twice a minute and shows nothing", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			defer f.end()
			f.wait(10*time.Minute + time.Second)
			if f.looked != 20 || f.showed != 0 {
				t.Errorf("looked %d times and showed %d views in ten minutes, want 20 and 0", f.looked, f.showed)
			}
		})
	})
	t.Run("words about time are kept up to date", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			defer f.end()
			f.snapshot.Accounts = []api.Account{{
				ID: "a", Status: api.Connected, Exposure: exposure.Outbound, Hears: api.Light{Proven: time.Now()},
			}}
			f.change()
			f.wait(2 * rest)
			if f.showed < 2 {
				t.Errorf("showed %d views, want the passing of time shown", f.showed)
			}
		})
	})
	t.Run("opening the menu brings it up to date at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			defer f.end()
			f.snapshot.Unread = 7
			f.opened <- struct{}{}
			synctest.Wait()
			if f.showed != 1 {
				t.Errorf("showed %d views, want 1", f.showed)
			}
		})
	})
	t.Run("a source that ends does not spin", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := start(t)
			defer f.end()
			close(f.changed)
			f.wait(time.Minute + time.Second)
			if f.looked > 4 {
				t.Errorf("looked %d times in a minute", f.looked)
			}
		})
	})
}
