package app

import (
	"context"
	"errors"
	"log/slog"
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
	standing
	id string

	// Under standing.mu:
	set      relaySetup
	hints    map[string]string
	source   relay.Source // made of set, for the channels in heard
	heard    []string     // channels of the latest attempt
	public   string       // where the kind knows it; a secret
	shown    string       // the same without what is secret
	kept     relayMemory
	unsaved  bool          // kept is newer than on disk
	anchored bool          // a cursor is on disk
	news     chan struct{} // it has become so
	stuck    stuck
	inexact  bool // something came with other bytes than were sent
	counts   counted
	by       map[string]counted // channel → the same
}

// counted is what came.
type counted struct {
	input          string // what the relay calls the entrance that was used last
	last           time.Time
	taken, refused uint64
}

func newRelayed(a *App, s relaySetup) *relayed {
	return &relayed{standing: newStanding(a, a.log.With("relay", s.ID)), id: s.ID, set: s, hints: map[string]string{}, by: map[string]counted{},
		news: make(chan struct{}, 1)}
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
	r.beginLocked(r.supervise)
}

// supervise subscribes again and again until ctx ends.
func (r *relayed) supervise(ctx context.Context) {
	defer r.drop()
	var channels []string
	r.keep(ctx, func() bool { channels = r.ready(); return len(channels) > 0 },
		func(ctx context.Context) error { return r.attempt(ctx, channels) }, r.settle)
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

// settle decides what an ended attempt means, and how long to wait.
func (r *relayed) settle(err error, lasted time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.settleLocked(err, lasted, "A fault inside Postern stopped this relay; all else goes on. Resume it to try again, and please report what the log says.")
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
