package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
)

// relayed supervises one relay: it keeps one subscription running, and knows how
// it is doing.
type relayed struct {
	app *App
	id  string
	log *slog.Logger

	stop context.CancelFunc // ends the supervisor; guarded by App.mu, as done is
	done chan struct{}
	kick chan struct{} // look again now

	mu        sync.Mutex
	set       relaySetup
	hints     map[string]string
	source    relay.Source // made of set, for the channels in heard
	heard     []string     // channels of the latest attempt
	public    string       // where the kind knows it; a secret
	shown     string       // the same without what is secret
	client    *http.Client
	interrupt context.CancelCauseFunc // of the running attempt
	parked    *park
	backoff   backoff
	kicked    time.Time
	kept      relayMemory
	unsaved   bool // kept is newer than on disk
	stuck     stuck

	status  api.Status
	note    string
	since   time.Time
	retryAt time.Time
	inexact bool // something came with other bytes than were sent
	counts  counted
	by      map[string]counted // channel → the same
}

// counted is what came.
type counted struct {
	input          string // what the relay calls the entrance that was used last
	last           time.Time
	taken, refused uint64
}

func newRelayed(a *App, s relaySetup) *relayed {
	return &relayed{app: a, id: s.ID, set: s, log: a.log.With("relay", s.ID), kick: make(chan struct{}, 1),
		status: api.Connecting, since: a.now(), hints: map[string]string{}, by: map[string]counted{}}
}

func (r *relayed) kindName() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set.Kind
}

func (r *relayed) setup() relaySetup {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set
}

// superviseRelay starts the relay's supervisor, unless it has one.
func (a *App) superviseRelay(r *relayed) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx == nil || a.ctx.Err() != nil || r.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(a.ctx)
	r.stop, r.done = cancel, make(chan struct{})
	done := r.done
	a.tasks.Go(func() {
		defer close(done)
		r.supervise(ctx)
	})
}

// shutdown ends the supervisor and waits for it.
func (r *relayed) shutdown() {
	r.app.mu.Lock()
	stop, done := r.stop, r.done
	r.app.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	<-done
	r.app.mu.Lock()
	r.stop = nil
	r.app.mu.Unlock()
}

// supervise subscribes again and again until ctx ends.
func (r *relayed) supervise(ctx context.Context) {
	defer r.drop()
	for ctx.Err() == nil {
		channels := r.ready()
		if len(channels) == 0 {
			select {
			case <-ctx.Done():
			case <-r.kick:
			}
			continue
		}
		began := r.app.now()
		err := r.attempt(ctx, channels)
		if ctx.Err() != nil {
			return
		}
		wait := r.settle(err, r.app.now().Sub(began))
		if wait <= 0 {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// ready is the channels to subscribe to: those that lead somewhere now. What
// comes for the others stays with the relay, as long as it keeps it. Where there
// are none it shows why.
func (r *relayed) ready() []string {
	everything := r.app.allPaused()
	open := r.open()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.set.Paused || everything:
		r.setLocked(api.Paused, "Paused. Nothing is received by it; what comes meanwhile is lost unless the relay keeps it.", time.Time{})
	case r.parked != nil:
		r.setLocked(r.parked.status, r.parked.note, time.Time{})
	case len(r.set.Channels) == 0:
		r.setLocked(api.Blocked, "It leads nowhere. Choose an account that it is to lead to.", time.Time{})
	case len(open) == 0:
		r.setLocked(api.Connecting, "It waits for the account that it leads to: that is paused, does not work, or has just begun.", time.Time{})
	default:
		return open
	}
	return nil
}

// attempt connects once and stays connected as long as it lasts.
func (r *relayed) attempt(ctx context.Context, channels []string) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.mu.Lock()
	same := r.source != nil && slices.Equal(r.heard, channels)
	r.interrupt, r.heard = cancel, channels
	switch r.status {
	case api.TransientDisconnect, api.RateLimited: // stays visible until something is proven
	default:
		r.setLocked(api.Connecting, "", time.Time{})
	}
	paused := r.set.Paused || r.parked != nil
	r.mu.Unlock()
	if paused || r.app.allPaused() {
		return errPaused // before there was anything to interrupt
	}
	if !same {
		if err := r.build(ctx, channels); err != nil {
			return err
		}
	}
	r.mu.Lock()
	source, from := r.source, r.kept.Cursor
	r.mu.Unlock()
	if source == nil {
		return errChanged
	}
	keeping, ended := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	tasks.Go(func() { r.remember(keeping) })
	err = contain(r.log, func() error { return source.Run(ctx, from, &relaySink{r}) })
	ended()
	tasks.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if err == nil {
		err = errors.New("the connection ended")
	}
	return err
}

// build makes the source for channels.
func (r *relayed) build(ctx context.Context, channels []string) error {
	set := r.setup()
	kind, ok := r.app.relays.kind(set.Kind)
	if !ok {
		return &platforms.Error{Kind: platforms.Unsupported, Text: "This version does not know this kind of relay."}
	}
	secrets, err := r.app.secrets(ctx, set.asAccount())
	if err != nil {
		return err
	}
	c := r.app.relayConfig(set.Settings, secrets, channels, r.log)
	source, err := kind.New(c)
	if err != nil {
		return &platforms.Error{Kind: platforms.Rejected, Text: sentenceOf(err), Err: err}
	}
	r.drop()
	r.learn(kind, secrets)
	r.mu.Lock()
	r.source, r.client = source, c.HTTP
	r.mu.Unlock()
	return nil
}

// learn notes what the secrets say.
func (r *relayed) learn(kind RelayKind, secrets map[string]platforms.Secret) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hints = map[string]string{}
	for name, s := range secrets {
		r.hints[name] = s.Hint()
	}
	r.public, r.shown = "", ""
	if kind.Public == nil {
		return
	}
	r.public = kind.Public(RelayConfig{Settings: r.set.Settings, Secrets: secrets})
	masked := map[string]platforms.Secret{}
	for name := range secrets {
		masked[name] = platforms.NewSecret("…")
	}
	r.shown = kind.Public(RelayConfig{Settings: r.set.Settings, Secrets: masked})
}

// relayConfig is what a subscription is made of.
func (a *App) relayConfig(settings map[string]string, secrets map[string]platforms.Secret, channels []string, log *slog.Logger) RelayConfig {
	return RelayConfig{Settings: settings, Secrets: secrets, Channels: channels, HTTP: a.newClient(), Dial: newDialer().DialContext,
		Proxy: a.proxy.Proxy, Log: log, Now: a.now}
}

// settle decides what an ended attempt means: how the relay stands now and how
// long to wait before the next one.
func (r *relayed) settle(err error, lasted time.Duration) time.Duration {
	now := r.app.now()
	note := platforms.Explain(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interrupt = nil
	if errors.Is(err, errPaused) || errors.Is(err, errChanged) || errors.Is(err, errWoke) {
		r.backoff.reset()
		return 0
	}
	if lasted > time.Minute {
		r.backoff.reset()
	}
	wait := r.backoff.next()
	level := slog.LevelWarn
	var told *platforms.Error
	if errors.As(err, &told) && told.RetryAfter > wait {
		wait = told.RetryAfter
	}
	switch kind := platforms.KindOf(err); {
	case errors.Is(err, errFault):
		r.parked = &park{status: api.Blocked, note: "A fault inside Postern stopped this relay; all else goes on. Resume it to try again, and please report what the log says."}
	case kind == platforms.Unauthorized:
		r.parked = &park{status: api.BadCredentials, note: note}
	case kind == platforms.Rejected || kind == platforms.Unsupported:
		r.parked = &park{status: api.Blocked, note: note}
	case kind == platforms.RateLimited:
		r.setLocked(api.RateLimited, note, now.Add(wait))
	case isVault(err) || isStore(err):
		r.setLocked(api.Blocked, note, now.Add(wait))
	default:
		r.setLocked(api.TransientDisconnect, note, now.Add(wait))
		level = slog.LevelInfo
	}
	if r.parked != nil {
		r.setLocked(r.parked.status, r.parked.note, time.Time{})
		wait = 0
	}
	r.log.Log(context.Background(), level, "a relay's connection ended", "status", string(r.status), "err", err, "retry_in", wait)
	return wait
}

// setLocked changes the status; r.mu is held.
func (r *relayed) setLocked(s api.Status, note string, retry time.Time) {
	if r.status == s && r.note == note && r.retryAt.Equal(retry) {
		return
	}
	if r.status != s {
		r.since = r.app.now()
	}
	r.status, r.note, r.retryAt = s, note, retry
	r.app.changed()
}

// end interrupts a running attempt, or the wait before the next one.
func (r *relayed) end(cause error) {
	r.mu.Lock()
	interrupt := r.interrupt
	r.mu.Unlock()
	if interrupt != nil {
		interrupt(cause)
	}
	select {
	case r.kick <- struct{}{}:
	default:
	}
}

// reconnect is account's: see there.
func (r *relayed) reconnect(why string) {
	now := r.app.now()
	r.mu.Lock()
	early := now.Sub(r.kicked) < 5*time.Second
	if !early {
		r.kicked = now
	}
	client, limited, retryAt := r.client, r.status == api.RateLimited, r.retryAt
	r.backoff.reset()
	r.mu.Unlock()
	if early || limited && now.Before(retryAt) {
		return
	}
	if client != nil {
		client.CloseIdleConnections()
	}
	r.end(fmt.Errorf("%w: %s", errWoke, why))
}

// unpark lets a parked relay try again.
func (r *relayed) unpark() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parked = nil
	r.backoff.reset()
	r.status, r.note = api.Connecting, ""
}

// drop forgets the source, so that the next attempt makes one.
func (r *relayed) drop() {
	r.mu.Lock()
	client := r.client
	r.source, r.client = nil, nil
	r.mu.Unlock()
	if client != nil {
		client.CloseIdleConnections()
	}
}
