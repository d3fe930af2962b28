package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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
	app      *App
	id       platforms.AccountID
	platform platforms.Platform
	log      *slog.Logger
	forms    *access.Forms // of ids; nil where there are only machines

	stop context.CancelFunc // ends the supervisor
	done chan struct{}      // closed when it has ended

	kick   chan struct{} // look again now
	clicks chan struct{} // room for confirming clicks

	saving  sync.Mutex // held while the record is changed on disk; before mu
	removed bool       // guarded by saving: nothing is written any more
	unsaved bool       // guarded by App.mu: not to be connected yet

	mu        sync.Mutex
	rec       store.Account
	conn      platforms.Connector
	built     int // counts the connectors that were dropped
	client    *http.Client
	hints     map[string]string       // of the secrets, for telling them apart
	interrupt context.CancelCauseFunc // of the running attempt
	parked    *park                   // not to be retried without a person
	backoff   backoff
	kicked    time.Time

	status   api.Status
	note     string
	since    time.Time
	retryAt  time.Time
	hears    api.Light
	speaks   api.Light
	answers  api.Light
	last     *api.LastEvent
	checked  bool // the identity was looked up in this process
	accepted uint64
	again    int       // events that came again and were not noted
	againAt  time.Time // the last one that was
}

// park is why an account waits for a person.
type park struct {
	status api.Status
	note   string
	sends  bool // only what comes in is stopped
}

// Why an attempt was ended from our side.
var (
	errPaused  = errors.New("paused")
	errChanged = errors.New("the account was changed")
	errWoke    = errors.New("reconnecting")
)

func newAccount(a *App, p platforms.Platform, rec store.Account) *account {
	return &account{
		app: a, id: rec.ID, platform: p, rec: rec, forms: formsOf(p),
		log:    a.log.With("account", string(rec.ID)),
		kick:   make(chan struct{}, 1),
		clicks: make(chan struct{}, 16),
		status: api.Connecting, since: a.now(),
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
	for ctx.Err() == nil {
		if c.waits() {
			select {
			case <-ctx.Done():
			case <-c.kick:
			}
			continue
		}
		began := c.app.now()
		err := c.attempt(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := c.settle(err, c.app.now().Sub(began))
		c.app.relays.reconsider() // it may be parked now
		if wait <= 0 {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-c.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
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

// settle decides what an ended attempt means: how the account stands now and
// how long to wait before the next one.
func (c *account) settle(err error, lasted time.Duration) time.Duration {
	now := c.app.now()
	text := platforms.Explain(err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.interrupt = nil
	if errors.Is(err, errPaused) || errors.Is(err, errChanged) || errors.Is(err, errWoke) {
		c.backoff.reset()
		return 0
	}
	if lasted > time.Minute {
		c.backoff.reset()
	}
	c.hears.Failed, c.hears.Note = now, text
	wait := c.backoff.next()
	level := slog.LevelWarn
	var rejected *platforms.Error
	switch kind := platforms.KindOf(err); {
	case errors.Is(err, errFault):
		c.parked = &park{status: api.Blocked, note: "A fault inside Postern stopped this account; the others go on. Resume it to try again, and please report what the log says."}
	case kind == platforms.Unauthorized:
		c.parked = &park{status: api.BadCredentials, note: text}
	case kind == platforms.NotAcknowledged:
		c.parked = &park{status: api.Blocked, note: text, sends: true}
	case kind == platforms.Rejected || kind == platforms.Unsupported:
		c.parked = &park{status: api.Blocked, note: text}
	case kind == platforms.Conflict:
		c.setLocked(api.Conflict, text, now.Add(wait))
	case kind == platforms.RateLimited:
		if errors.As(err, &rejected) && rejected.RetryAfter > wait {
			wait = rejected.RetryAfter
		}
		c.setLocked(api.RateLimited, text, now.Add(wait))
	case isVault(err) || isStore(err):
		c.setLocked(api.Blocked, text, now.Add(wait))
	default:
		c.setLocked(api.TransientDisconnect, text, now.Add(wait))
		level = slog.LevelInfo
	}
	if c.parked != nil {
		c.setLocked(c.parked.status, c.parked.note, time.Time{})
		wait = 0
	}
	c.log.Log(context.Background(), level, "disconnected", "status", string(c.status), "err", err, "retry_in", wait)
	return wait
}

// setLocked changes the status; c.mu is held.
func (c *account) setLocked(s api.Status, note string, retry time.Time) {
	if c.status == s && c.note == note && c.retryAt.Equal(retry) {
		return
	}
	if c.status != s {
		c.since = c.app.now()
	}
	c.status, c.note, c.retryAt = s, note, retry
	c.app.changed()
}

// end interrupts a running attempt, or the wait before the next one.
func (c *account) end(cause error) {
	c.mu.Lock()
	interrupt := c.interrupt
	c.mu.Unlock()
	if interrupt != nil {
		interrupt(cause)
	}
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// reconnect drops a connection that sleep or a network change has probably
// killed, at most every few seconds: some networks change often.
func (c *account) reconnect(why string) {
	now := c.app.now()
	c.mu.Lock()
	early := now.Sub(c.kicked) < 5*time.Second
	if !early {
		c.kicked = now
	}
	client, limited, retryAt := c.client, c.status == api.RateLimited, c.retryAt
	c.backoff.reset()
	c.mu.Unlock()
	if early || (limited && now.Before(retryAt)) { // the platform asked for that wait
		return
	}
	if client != nil {
		client.CloseIdleConnections()
	}
	c.end(fmt.Errorf("%w: %s", errWoke, why))
}

// unpark lets a parked account try again.
func (c *account) unpark() {
	c.mu.Lock()
	c.parked = nil
	c.backoff.reset()
	c.status = api.Connecting
	c.mu.Unlock()
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

// shutdown ends the supervisor and waits for it.
func (c *account) shutdown() {
	c.app.mu.Lock()
	stop, done := c.stop, c.done
	c.app.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	<-done
	c.app.mu.Lock()
	c.stop = nil
	c.app.mu.Unlock()
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
