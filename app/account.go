package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
)

// account supervises one bot: it keeps one connector running, and knows how it
// is doing.
type account struct {
	standing
	id       platforms.AccountID
	platform platforms.Platform
	forms    *access.Forms // of ids; nil where there are only machines

	clicks chan struct{} // room for confirming clicks

	saving  sync.Mutex // held while the record is changed on disk; before mu
	removed bool       // guarded by saving: nothing is written any more
	unsaved bool       // guarded by App.mu: not to be connected yet

	// Under standing.mu:
	rec      store.Account
	conn     platforms.Connector
	built    int               // counts the connectors that were dropped
	hints    map[string]string // of the secrets, for telling them apart
	hears    api.Light
	speaks   api.Light
	answers  api.Light
	last     *api.LastEvent
	checked  bool // the identity was looked up in this process
	accepted uint64
	again    int       // events that came again and were not noted
	againAt  time.Time // the last one that was
}

func newAccount(a *App, p platforms.Platform, rec store.Account) *account {
	return &account{
		standing: newStanding(a, a.log.With("account", string(rec.ID))),
		id:       rec.ID, platform: p, rec: rec, forms: formsOf(p),
		clicks: make(chan struct{}, 16),
	}
}

// offers is the platform as this account's settings have it.
func (c *account) offers() platforms.Platform {
	c.mu.Lock()
	settings := c.rec.Settings // replaced as a whole, never changed
	c.mu.Unlock()
	return c.platform.Of(settings)
}

// supervise runs the connector again and again until ctx ends.
func (c *account) supervise(ctx context.Context) {
	defer c.drop()
	c.keep(ctx, func() bool { return !c.waits() }, c.attempt, func(err error, lasted time.Duration) time.Duration {
		wait := c.settle(err, lasted)
		c.app.relays.reconsider() // it may be parked now
		return wait
	})
}

// waits reports whether the account is paused or parked, and shows it.
func (c *account) waits() bool {
	everything := c.app.allPaused()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.rec.Paused || everything:
		c.setLocked(api.Paused, "Paused. Messages wait at "+c.platform.Title+" as long as it keeps them.", time.Time{})
		return true
	case c.parked != nil:
		c.setLocked(c.parked.status, c.parked.note, time.Time{})
		return true
	}
	return false
}

// attempt connects once and stays connected as long as it lasts.
func (c *account) attempt(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c.mu.Lock()
	c.interrupt = cancel
	switch c.status {
	case api.TransientDisconnect, api.Conflict, api.RateLimited, api.Degraded:
		// The trouble stays visible until something is proven.
	default:
		c.setLocked(api.Connecting, "", time.Time{})
	}
	c.mu.Unlock()
	if c.waits() { // paused or parked before there was anything to interrupt
		return errPaused
	}

	conn, err := c.connector(ctx)
	if err != nil {
		return err
	}
	if err := c.verify(ctx, conn); err != nil {
		return err
	}
	from, err := c.app.store.Cursor(c.id)
	if err != nil {
		return err
	}
	var tasks sync.WaitGroup
	tasks.Go(func() { c.probe(ctx, conn) })
	defer tasks.Wait()
	defer cancel(nil)

	sink := &sink{account: c, conn: conn, ctx: ctx, tasks: &tasks, resumed: from != ""}
	err = c.guard(func() error { return conn.Run(ctx, from, sink) })
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if err == nil {
		err = errors.New("the connection ended")
	}
	return err
}

// guard turns a panic of a connector into an error that parks its account: one
// connector's fault must not end the program.
func (c *account) guard(f func() error) error { return contain(c.log, f) }

func contain(log *slog.Logger, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			log.Error("panic in a connector", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = errFault
		}
	}()
	return f()
}

var errFault = errors.New("a fault inside Postern")

// settle decides what an ended attempt means, and how long to wait.
func (c *account) settle(err error, lasted time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !own(err) {
		c.hears.Failed, c.hears.Note = c.app.now(), platforms.Explain(err)
	}
	return c.settleLocked(err, lasted, "A fault inside Postern stopped this account; the others go on. Resume it to try again, and please report what the log says.")
}

// drop forgets the connector, so that the next attempt builds one from the
// account's current values.
func (c *account) drop() {
	c.mu.Lock()
	client := c.client
	c.conn, c.client = nil, nil
	c.built++
	c.mu.Unlock()
	if client != nil {
		client.CloseIdleConnections()
	}
}

// remove deletes the account's record; what still works on it writes no new one.
func (c *account) remove(ctx context.Context) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	err := c.app.store.DeleteAccount(ctx, c.id)
	c.removed = err == nil
	return err
}

// update changes the account's record, on disk first.
func (c *account) update(ctx context.Context, change func(*store.Account)) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	if c.removed {
		return &api.Error{Kind: platforms.Rejected, Text: "This account was removed. Add it again to use it."}
	}
	c.mu.Lock()
	rec := c.rec
	c.mu.Unlock()
	change(&rec)
	if err := c.app.store.PutAccount(ctx, rec); err != nil {
		return err
	}
	c.mu.Lock()
	c.rec = rec
	c.mu.Unlock()
	c.app.keepSafe()
	return nil
}
